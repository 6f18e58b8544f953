"""The display: a thread that owns the panel and shows the latest frame.

What it is: the only owner of luma and of the I2C bus. What it is not: a place that draws.
Rule: the latest frame wins, an equal frame costs nothing, and whoever waits for a display is told when it goes.

A panel's silence is known only as an I2C error of the next write (design §5). After one, the controller may have lost
its settings, so the panel is made anew (luma sends its whole initial sequence) before the last frame is drawn again.
"""

import logging
import threading
import warnings
from collections.abc import Callable
from typing import Any, Final, Literal

import luma.core.error
from luma.core.device import device as luma_device
from luma.core.interface.serial import i2c
from luma.oled import device as oled
from PIL.Image import Image

from appliance.vault.pulse import BEAT, Pulse

log = logging.getLogger(__name__)

SIZE: Final = (128, 64)
RETRIES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each new attempt at a silent panel; the last one repeats."""
JOIN_TIMEOUT: Final = 2.0

Driver = Literal["ssd1306", "sh1106"]


class _Unhooked(luma_device):  # type: ignore[misc] # luma has no types
    """luma's device without its ``atexit`` hook.

    The hook would hold every panel ever made, and write to the bus after ``close``. Standing behind the driver in the
    order of bases, this takes the place of ``device.__init__`` that registers it.
    """

    def __init__(self, const: Any = None, serial_interface: Any = None) -> None:  # noqa: ANN401 - luma has no types
        self._const = const
        self._serial_interface = serial_interface


class _Ssd1306(oled.ssd1306, _Unhooked):  # type: ignore[misc] # luma has no types
    pass


class _Sh1106(oled.sh1106, _Unhooked):  # type: ignore[misc] # luma has no types
    pass


_PANELS: Final = {"ssd1306": _Ssd1306, "sh1106": _Sh1106}
_ERRORS: Final = (
    luma.core.error.Error,
    OSError,
)  # a command fails as the first, data as the second (library-facts §3.3)


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
        self._panel_class = _PANELS[driver]
        self._bus = (port, address)
        self._report = report
        self._changed = threading.Condition()
        self._frame: tuple[Image, bytes] | None = None
        self._closing = False
        self._serial: Any = None
        self._panel: Any = None
        self._drawn: bytes | None = None
        self._answers: bool | None = None
        self.pulse = Pulse("screen")
        self._thread = threading.Thread(target=self._run, name="oled", daemon=True)
        self._thread.start()

    def show(self, image: Image) -> None:
        """Show a 128x64 image of mode ``1`` as soon as the panel can; a frame not yet drawn is replaced.

        Raises:
            ValueError: another size or mode.
        """
        if image.size != SIZE or image.mode != "1":
            raise ValueError("a frame is 128x64, mode 1")
        with self._changed:
            self._frame = image.copy(), image.tobytes()
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
                    frame = self._frame
                self.pulse.beat()
                try:
                    self._draw(frame)
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
        return self._closing or self._panel is None or (self._frame is not None and self._frame[1] != self._drawn)

    def _draw(self, frame: tuple[Image, bytes] | None) -> None:
        if self._panel is None:
            # Pillow 13 deprecates Image.getdata, luma's drivers call it: the one stated exception (library-facts §3.3).
            warnings.filterwarnings("ignore", message="Image.Image.getdata is deprecated", category=DeprecationWarning)
            port, address = self._bus
            self._serial = i2c(port=port, address=address)
            self._panel = self._panel_class(self._serial)
        if frame is not None and frame[1] != self._drawn:
            self._panel.display(frame[0])
            self._drawn = frame[1]

    def _lose(self, error: Exception) -> None:
        if self._answers is not False:
            log.warning("the display does not answer: %s", error)
        self._tell(answers=False)
        if self._serial is not None:
            self._serial.cleanup()
        self._serial = self._panel = self._drawn = None

    def _tell(self, *, answers: bool) -> None:
        if answers is not self._answers:
            self._answers = answers
            self._report(answers)

    def _blank(self) -> None:
        """Off and black: SIGKILL aside, the last text does not stay lit (library-facts §3.3)."""
        if self._panel is None:
            return
        try:
            self._panel.cleanup()
        except _ERRORS as error:
            log.warning("the display could not be blanked: %s", error)
            self._serial.cleanup()
