"""The display: a thread that owns the panel and shows the latest frame.

What it is: the only owner of luma and of the I2C bus. What it is not: a place that draws, or that decides how bright
the panel is (``screen/rest.py``).
Rule: the latest frame wins, an equal frame costs nothing, and whoever waits for a display is told when it goes.

luma makes the panel ready and carries commands and data; what is written are the windows that changed
(``screen/pages.py``), where luma would write every frame whole. Each picture ends with DISPLAYON: it costs 3 bytes, it
lights a panel again that a spike put out, and it says where on the bus a picture is complete.

A panel's silence is known only as an I2C error of the next write (design §5). After one, the controller may have lost
its settings, so the panel is made anew (luma sends its whole initial sequence) before the last frame is drawn again;
so it is when it wakes from being off, since what happened to it meanwhile nobody has seen.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

import luma.core.error
from luma.core.device import device as luma_device
from luma.core.interface.serial import i2c
from luma.oled import device as oled
from PIL.Image import Image

from appliance.errors import DisplayAbsent
from appliance.screen.pages import BLANK, PANELS, changes, pack
from appliance.screen.rest import Light
from appliance.vault.pulse import BEAT, Pulse
from appliance.vault.settings import FIRST_CONTRAST

log = logging.getLogger(__name__)

RETRIES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each new attempt at a silent panel; the last one repeats."""
JOIN_TIMEOUT: Final = 2.0
CONTRAST: Final[Mapping[int, Mapping[Light, int]]] = {
    1: {Light.BRIGHT: 0x30, Light.DIM: 0x10},
    2: {Light.BRIGHT: 0x7F, Light.DIM: 0x30},
    3: {Light.BRIGHT: 0xCF, Light.DIM: 0x4F},
    4: {Light.BRIGHT: 0xFF, Light.DIM: 0x5F},
}
"""The step a person chose (``settings``) and the light -> the controller's contrast; 3 is hardware.md §E's."""

Driver = Literal["ssd1306", "sh1106"]

SLEEP: Final[Mapping[Driver, tuple[tuple[int, ...], ...]]] = {"ssd1306": ((0xAE,), (0x8D, 0x10)), "sh1106": ((0xAE,),)}
"""DISPLAYOFF, and the charge pump off where it has a switch of its own (SSD1306 rev 1.1, appendix, 8D)."""


class _Windows:
    """Stands before luma's driver: writes what changed, packed without ``Image.getdata``, which Pillow 14 drops."""

    driver: Driver
    command: Callable[..., None]
    data: Callable[[bytes], None]
    show: Callable[[], None]

    def display(self, image: Image) -> None:
        """Luma's own call, for the dark frame it begins with."""
        self._write(None, pack(image))

    def draw(self, before: bytes | None, after: bytes) -> None:
        """Turn what the panel holds into ``after``; None: nobody knows what it holds."""
        self._write(before, after)
        self.show()

    def _write(self, before: bytes | None, after: bytes) -> None:
        for write in changes(before, after, PANELS[self.driver]):
            self.command(*write.command)
            self.data(write.data)


class _Unhooked(luma_device):  # type: ignore[misc] # luma has no types
    """luma's device without its ``atexit`` hook.

    The hook would hold every panel ever made, and write to the bus after ``close``. Standing behind the driver in the
    order of bases, this takes the place of ``device.__init__`` that registers it.
    """

    def __init__(self, const: Any = None, serial_interface: Any = None) -> None:  # noqa: ANN401 - luma has no types
        self._const = const
        self._serial_interface = serial_interface


class _Ssd1306(_Windows, oled.ssd1306, _Unhooked):  # type: ignore[misc] # luma has no types
    driver = "ssd1306"


class _Sh1106(_Windows, oled.sh1106, _Unhooked):  # type: ignore[misc] # luma has no types
    driver = "sh1106"


_PANELS: Final = {"ssd1306": _Ssd1306, "sh1106": _Sh1106}
_ERRORS: Final = (
    luma.core.error.Error,
    OSError,
)  # a command fails as the first, data as the second (library-facts §3.3)


class _Sight(NamedTuple):
    """What is, or ought to be, on the glass: a packed frame, its light and contrast. While off, no frame counts."""

    frame: bytes | None
    light: Light
    contrast: int = FIRST_CONTRAST

    @property
    def level(self) -> int | None:
        """The controller's contrast; None while off."""
        return CONTRAST[self.contrast].get(self.light)


class Oled:
    """The display thread.

    Args:
        driver: the panel's controller.
        port: number of the I2C bus.
        address: 7-bit I2C address.
        report: called from the display thread with True when the panel answers and False when it stopped, each
            change once; must not block.
    """

    def __init__(self, driver: Driver, port: int, address: int, report: Callable[[bool], None]) -> None:
        self._driver = driver
        self._bus = (port, address)
        self._report = report
        self._changed = threading.Condition()
        self._wanted: _Sight | None = None
        self._whole = False
        self._closing = False
        self._serial: Any = None
        self._panel: Any = None
        self._seen: _Sight | None = None
        self._answers: bool | None = None
        self.pulse = Pulse("screen")
        self._thread = threading.Thread(target=self._run, name="oled", daemon=True)
        self._thread.start()

    def show(self, image: Image, light: Light = Light.BRIGHT, contrast: int = FIRST_CONTRAST) -> None:
        """Show a 128x64 image of mode ``1`` as soon as the panel can; a frame not yet drawn is replaced.

        ``contrast`` is the step a person chose, 1 to 4.

        Raises:
            ValueError: another size or mode.
        """
        wanted = _Sight(None if light is Light.OFF else pack(image), light, contrast)
        with self._changed:
            self._wanted = wanted
            self._changed.notify()

    def refresh(self) -> None:
        """Write the frame whole once more: heals what a spike did to the panel's memory. Nothing while it is off."""
        with self._changed:
            self._whole = True
            self._changed.notify()

    def close(self) -> None:
        """Blank the panel, switch it off and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(JOIN_TIMEOUT)

    def _run(self) -> None:
        failures = 0
        try:
            while True:
                with self._changed:
                    while not self._changed.wait_for(self._is_wanted, BEAT):
                        self.pulse.beat()
                    if self._closing:
                        return
                    wanted, whole, self._whole = self._wanted, self._whole, False
                self.pulse.beat()
                try:
                    self._draw(wanted, whole=whole)
                except _ERRORS as error:
                    self._lose(error)
                    pause = RETRIES[min(failures, len(RETRIES) - 1)]
                    self.pulse.busy(pause)
                    with self._changed:
                        self._changed.wait_for(lambda: self._closing, pause)
                    failures += 1
                else:
                    failures = 0
                    self._tell(answers=True)
        finally:
            self._blank()
            if not self._closing:  # whatever ends this thread, nobody trusts a display that nobody writes to
                self._tell(answers=False)

    def _is_wanted(self) -> bool:
        return self._closing or self._panel is None or self._whole or self._wanted not in {None, self._seen}

    def _draw(self, wanted: _Sight | None, *, whole: bool) -> None:
        asleep = self._seen is not None and self._seen.light is Light.OFF
        if self._panel is None or (asleep and wanted is not None and wanted.light is not Light.OFF):
            self._open()
        if wanted is None:
            return
        if wanted.frame is None:
            if not asleep:
                _sleep(self._serial, self._driver)
        else:
            seen = self._seen or _Sight(BLANK, Light.OFF)  # luma has just written a dark frame
            if wanted.level != seen.level or whole:
                self._panel.contrast(wanted.level)
            if wanted.frame != seen.frame or whole:
                self._panel.draw(None if whole else seen.frame, wanted.frame)
        self._seen = wanted

    def _open(self) -> None:
        """Make the panel ready: luma sends its settings, a dark frame, and lights it."""
        self._forget()
        port, address = self._bus
        self._serial = i2c(port=port, address=address)
        self._panel = _PANELS[self._driver](self._serial)

    def _forget(self) -> None:
        if self._serial is not None:
            self._serial.cleanup()
        self._serial = self._panel = self._seen = None

    def _lose(self, error: Exception) -> None:
        if self._answers is not False:
            log.warning("the display does not answer: %s", error)
        self._tell(answers=False)
        self._forget()

    def _tell(self, *, answers: bool) -> None:
        if answers is not self._answers:
            self._answers = answers
            self._report(answers)

    def _blank(self) -> None:
        """Off and black: SIGKILL aside, the last text does not stay lit (library-facts §3.3)."""
        if self._panel is None:
            return
        try:
            _darken(self._serial, self._driver)
        except _ERRORS as error:
            log.warning("the display could not be blanked: %s", error)
        self._forget()


def blank(driver: Driver, port: int, address: int) -> None:
    """Put out a panel that nobody owns any more: for the time after a vault that was killed.

    Raises:
        DisplayAbsent: it does not answer.
    """
    try:
        serial = i2c(port=port, address=address)
        try:
            _darken(serial, driver)
        finally:
            serial.cleanup()
    except _ERRORS as error:
        raise DisplayAbsent(f"display: {error}") from error


def _darken(serial: Any, driver: Driver) -> None:  # noqa: ANN401 - luma has no types
    """Off, then a memory without text, so that nothing shows if the panel is lit by accident."""
    _sleep(serial, driver)
    for write in changes(None, BLANK, PANELS[driver]):
        serial.command(*write.command)
        serial.data(write.data)


def _sleep(serial: Any, driver: Driver) -> None:  # noqa: ANN401 - luma has no types
    for command in SLEEP[driver]:
        serial.command(*command)
