"""What the desk has seen of a vault: the pixels of its display, its pins, and the waits for both.

What it is: ``Sight``, decoded from the bytes and levels that a vault reports. What it is not: the socket they come by,
or a hand that changes anything (``desk``).
Rule: every wait is for something that was seen to happen, and bounded.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from PIL.Image import Image

from appliance.errors import SimulatorError
from appliance.simulator.display import Panel
from appliance.simulator.reading import read_lines
from appliance.simulator.scans import RELEASED, Scans

HIGH: Final = 1
TIMEOUT: Final = 10.0
"""Seconds until a wait gives up."""

Driver = Literal["ssd1306", "sh1106"]
Wanted = str | Callable[[list[str]], bool]


class Sight:
    """What is seen of one vault after the other; each begins with a dark display and released pins.

    Args:
        rows: the GPIO numbers of the vault's rows, in its order of scanning.
        driver: the panel's controller.
        address: its I2C address.

    Attributes:
        connected: whether a vault is there; the desk says so.
    """

    def __init__(self, rows: Sequence[int], driver: Driver, address: int) -> None:
        self._rows = tuple(rows)
        self._driver: Driver = driver
        self._address = address
        self.connected = False
        self._seen = threading.Condition()
        self._fault: SimulatorError | None = None
        self._frames = 0
        self._forget()

    @property
    def frames(self) -> int:
        """Frames drawn so far, by all vaults."""
        return self._frames

    @property
    def scans(self) -> int:
        """Full scans seen since the switches were last put."""
        return self._scans.count

    @property
    def written(self) -> tuple[int, int]:
        """Bytes on the I2C wires to the display (addresses included), and transactions, so far, by this vault."""
        return self._bytes, self._transactions

    def output(self, gpio: int) -> tuple[int, int]:
        """Level of a pin (0 low, 1 high, 2 released) and how often this vault drove it high; released without one."""
        with self._seen:
            return (self._levels.get(gpio, RELEASED) if self.connected else RELEASED), self._rises[gpio]

    @property
    def light(self) -> int | None:
        """The display's contrast, 0 to 255; None while it is off."""
        with self._seen:
            return self._panel.contrast if self._panel.lit else None

    def wait_output(self, wanted: Mapping[int, int], timeout: float = TIMEOUT) -> None:
        """Wait until pins (GPIO: level, as ``output`` says it) are so at one moment.

        Raises:
            SimulatorError: it did not happen within ``timeout`` seconds.
        """

        def reached() -> bool:
            return all(self._levels.get(gpio, RELEASED) == level for gpio, level in wanted.items())

        with self._seen:
            self._wait(reached, timeout, f"these pins never were so: {dict(wanted)}")

    def wait_rises(self, gpio: int, count: int, timeout: float = TIMEOUT) -> None:
        """Wait until this vault has driven a pin high so often.

        Raises:
            SimulatorError: it did not happen within ``timeout`` seconds.
        """
        with self._seen:
            self._wait(lambda: self._rises[gpio] >= count, timeout, f"pin {gpio} did not rise {count} times")

    def wait_light(self, light: int | None, timeout: float = TIMEOUT) -> None:
        """Wait until the display is lit so, as ``light`` says it.

        Raises:
            SimulatorError: it did not happen within ``timeout`` seconds.
        """
        with self._seen:
            complaint = lambda: f"the display's light is {self.light}, not {light}"  # noqa: E731 - said when it is late
            self._wait(lambda: self.light == light, timeout, complaint)

    def frame(self) -> Image:
        """What the display shows, as a copy: 128x64, mode ``1``."""
        with self._seen:
            return self._image.copy()

    def lines(self) -> list[str]:
        """The text the display shows, read off its pixels."""
        return read_lines(self.frame())

    def wait_for(self, wanted: Wanted, timeout: float = TIMEOUT) -> list[str]:
        """Wait until the display shows a text, or lines a predicate takes; the lines.

        A text matches within a line, or across lines joined by a space.

        Raises:
            SimulatorError: it did not come within ``timeout`` seconds; the message holds the last lines.
        """
        lines: list[str] = []
        hit = False
        looked_at: Image | None = None

        def is_there() -> bool:
            nonlocal lines, hit, looked_at
            if self._image is not looked_at:
                looked_at, lines = self._image, read_lines(self._image)
                hit = wanted(lines) if callable(wanted) else any(wanted in text for text in (*lines, " ".join(lines)))
            return hit

        with self._seen:
            shown = repr(wanted) if isinstance(wanted, str) else "the awaited lines"
            self._wait(is_there, timeout, lambda: f"the display never showed {shown}, but: {lines}")
            return lines

    def wait_frames(self, count: int = 1, timeout: float = TIMEOUT, *, since: int | None = None) -> int:
        """Wait until ``count`` more frames came than ``since`` (by default: than now); the number of frames so far.

        Raises:
            SimulatorError: they did not come within ``timeout`` seconds.
        """
        with self._seen:
            target = (self._frames if since is None else since) + count
            self._wait(lambda: self._frames >= target, timeout, f"{count} frames did not come")
            return self._frames

    def wait_picture(self, wanted: Callable[[Image], bool], timeout: float = TIMEOUT) -> Image:
        """Wait until the predicate takes the picture shown; a copy of it.

        Raises:
            SimulatorError: it did not come within ``timeout`` seconds.
        """
        with self._seen:
            self._wait(lambda: wanted(self._image), timeout, "the display never showed the awaited picture")
            return self._image.copy()

    def wait_vault(self, timeout: float = TIMEOUT, *, connected: bool = True) -> None:
        """Wait until a vault has connected, or is gone.

        Raises:
            SimulatorError: it did not happen within ``timeout`` seconds.
        """
        with self._seen:
            self._wait(lambda: self.connected is connected, timeout, "no vault" if connected else "the vault stays")

    # --- for the desk's thread, under the condition ---------------------------------------------------------------

    def _forget(self) -> None:
        """Start anew with a vault that knows nothing of the last one."""
        self._panel = Panel(self._driver)
        self._image = self._panel.image()
        self._scans = Scans(self._rows)
        self._levels: dict[int, int] = {}
        self._rises: Counter[int] = Counter()
        self._bytes = self._transactions = 0

    def _written(self, address: int, data: bytes) -> Image | None:
        """Bytes on the I2C wires: the picture, if it or the panel's light is another one now."""
        if address != self._address:
            return None
        self._bytes += 1 + len(data)
        self._transactions += 1
        before, light = self._panel.frames, self.light
        changed = self._panel.write(data) or self.light != light
        self._frames += self._panel.frames - before
        if not changed:
            return None
        self._image = self._panel.image()
        return self._image

    def _driven(self, gpio: int, level: int) -> None:
        """A pin has another level."""
        self._scans.step(gpio, level)
        self._levels[gpio] = level
        self._rises[gpio] += level == HIGH

    def _wait(self, reached: Callable[[], bool], timeout: float, complaint: str | Callable[[], str]) -> None:
        """Wait under the condition; a fault of the wire ends every wait."""
        done = self._seen.wait_for(lambda: self._fault is not None or reached(), timeout)
        if self._fault is not None:
            raise self._fault
        if not done:
            raise SimulatorError(f"{complaint if isinstance(complaint, str) else complaint()} ({timeout:g} s)")
