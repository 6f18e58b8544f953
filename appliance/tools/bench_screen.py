"""What a key costs until it is seen: bytes on the display's bus, and the time from the switch to the last of them.

What it is: a code typed on the box at the desk, mark by mark, with each controller; beside it luma's own drawing of
the same two frames. What it is not: a real bus: its time is counted, 9 bits a byte at 400 kHz (hardware.md §E), and
added to what this machine measured. Rule: a sample with more than its own picture in it (the bar of time is drawn each
second) is thrown away and made again, never corrected.
"""

import queue
import statistics
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec
from luma.oled import device
from PIL.Image import Image

from appliance.errors import SimulatorError
from appliance.keypad.matrix import SCAN_INTERVAL
from appliance.screen.fr import WORDS
from appliance.screen.pages import PANELS, changes, pack
from appliance.simulator.desk import Desk
from appliance.simulator.reading import read_lines
from appliance.tools.bench_box import PIN, START, standing

SAMPLES: Final = 20
TRIES: Final = 60
BITS: Final = 9
"""A byte and its acknowledgement."""
KILOHERTZ: Final = 400
MARK: Final = "•"
HELD: Final = 1.1
"""Seconds."""
AIMS: Final = {"pin_mark_bytes": 60, "key_to_pixel_ms_simulated": 20.0}
"""At most (design §7)."""

Driver = Literal["ssd1306", "sh1106"]


class Typed(msgspec.Struct, frozen=True):
    """One digit: bytes on the bus with their addresses, and milliseconds without the bus's own."""

    bytes: int
    ms: float

    @property
    def simulated(self) -> float:
        """Milliseconds with the bus's own."""
        return self.ms + self.bytes * BITS / KILOHERTZ


class Figures(msgspec.Struct, frozen=True):
    """One controller. ``luma_bytes`` and ``full_frame_bytes`` are one frame's, whole; ratios are to luma's."""

    pin_mark_bytes: int
    pin_mark_bytes_median: float
    key_to_pixel_ms_simulated: float
    key_to_pixel_ms_worst: float
    bus_ms: float
    full_frame_bytes: int
    luma_bytes: int
    ratio_to_luma: float
    samples: int


class Report(msgspec.Struct, frozen=True):
    """Both controllers, and of each aim the worse figure."""

    pin_mark_bytes: int
    key_to_pixel_ms_simulated: float
    ratio_to_luma: float
    ssd1306: Figures
    sh1106: Figures


def measure(folder: Path) -> Report:
    """Every figure, for both controllers.

    Raises:
        ApplianceError: the box does not do what it must.
    """
    both = ssd1306, sh1106 = _measure(folder / "1", "ssd1306"), _measure(folder / "2", "sh1106")
    return Report(
        pin_mark_bytes=max(one.pin_mark_bytes for one in both),
        key_to_pixel_ms_simulated=max(one.key_to_pixel_ms_simulated for one in both),
        ratio_to_luma=max(one.ratio_to_luma for one in both),
        ssd1306=ssd1306,
        sh1106=sh1106,
    )


def _measure(folder: Path, driver: Driver) -> Figures:
    folder.mkdir()
    with standing(folder, driver=driver) as stage:
        typed = list(_type(stage.desk))
        frame = stage.desk.frame()
    whole = sum(len(write.command) + len(write.data) + 4 for write in changes(None, pack(frame), PANELS[driver]))
    luma = _luma(driver, frame)
    times = sorted(one.simulated for one in typed)
    most = max(one.bytes for one in typed)
    return Figures(
        pin_mark_bytes=most,
        pin_mark_bytes_median=statistics.median(one.bytes for one in typed),
        key_to_pixel_ms_simulated=round(statistics.median(times), 2),
        key_to_pixel_ms_worst=round(times[-1], 2),
        bus_ms=round(most * BITS / KILOHERTZ, 3),
        full_frame_bytes=whole,
        luma_bytes=luma,
        ratio_to_luma=round(most / luma, 4),
        samples=len(typed),
    )


def _type(desk: Desk) -> Iterator[Typed]:
    """Ask for a change of code, and type digits until there are enough clean samples; nothing is ever validated."""
    desk.hold_for("A", HELD)
    desk.wait_for("Menu", START)
    desk.press("A")
    pictures: queue.SimpleQueue[tuple[float, Image]] = queue.SimpleQueue()
    marks = found = 0
    desk.wait_for(WORDS.codes["old"], START)
    desk.on_frame = lambda image: pictures.put((time.perf_counter(), image))
    rest = threading.Event()
    for _ in range(TRIES):
        if found == SAMPLES:
            break
        if marks == len(PIN):
            desk.press("*")
            marks = 0
            _await(pictures, marks)
        rest.wait(SCAN_INTERVAL * (found + 0.5) / SAMPLES)
        frames, (written, _) = desk.frames, desk.written
        begun = time.perf_counter()
        desk.hold(PIN[marks])
        marks += 1
        seen = _await(pictures, marks)
        alone, sent = desk.frames == frames + 1, desk.written[0] - written
        desk.release()
        if alone:
            found += 1
            yield Typed(sent, 1000 * (seen - begun))
    desk.on_frame = None
    desk.press("D")


def _await(pictures: "queue.SimpleQueue[tuple[float, Image]]", marks: int) -> float:
    """When a picture with so many marks was complete.

    Raises:
        SimulatorError: none came.
    """
    while True:
        try:
            at, image = pictures.get(timeout=START)
        except queue.Empty:
            raise SimulatorError(f"no picture with {marks} marks came") from None
        if _marks(image) == marks:
            return at


def _marks(image: Image) -> int:
    return sum(line.count(MARK) for line in read_lines(image))


class _Counter:
    """A bus that counts, as luma's own ``smbus2`` path would use it: a command, and data in one piece."""

    def __init__(self) -> None:
        self.bytes = 0

    def command(self, *command: int) -> None:
        """Address, control byte, command."""
        self.bytes += 2 + len(command)

    def data(self, data: bytes) -> None:
        """Address, control byte, data."""
        self.bytes += 2 + len(data)

    def cleanup(self) -> None:
        """Nothing is held."""


def _luma(driver: Driver, frame: Image) -> int:
    """Bytes of luma's own drawing of ``frame``."""
    bus = _Counter()
    with warnings.catch_warnings():  # luma calls Image.getdata, which Pillow 13 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        panel = getattr(device, driver)(bus)
        panel.persist = True
        before = bus.bytes
        panel.display(frame)
    return bus.bytes - before


def unmet(measured: Report) -> list[str]:
    """Aims that are not met, one line each."""
    found = {name: getattr(measured, name) for name in AIMS}
    return [f"{name}: {value}, aim {AIMS[name]}" for name, value in found.items() if value > AIMS[name]]


def table(measured: Report) -> list[str]:
    """The figures beside the aims."""
    lines = [f"{'':<28}{'aim':>8}{'ssd1306':>12}{'sh1106':>12}"]
    for name in Figures.__struct_fields__:
        values = "".join(f"{getattr(figures, name):>12}" for figures in (measured.ssd1306, measured.sh1106))
        lines.append(f"{name:<28}{AIMS.get(name, ''):>8}{values}")
    return lines
