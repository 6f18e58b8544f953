"""The desk: keypad, display and clock of a vault that runs in another process.

What it is: the outside world's end of the socket that ``appliance.simulator.vault`` connects to (messages there): it
closes switches, decodes pixels, advances the clock. What it is not: a reader (``pcsclite``), or a way around the
person: everything goes through switches and pixels, and nothing of the vault is imported.
Rule: every wait is for something that was seen to happen, and bounded.
"""

import contextlib
import errno
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from PIL.Image import Image

from appliance.errors import SimulatorError
from appliance.simulator.display import Panel, terminal
from appliance.simulator.reading import read_lines
from appliance.simulator.scans import RELEASED, Scans

__all__ = ["Desk", "terminal"]

LAYOUT: Final = "123A456B789C*0#D"
ROWS: Final = (5, 6, 13, 19)
ADDRESS: Final = 0x3C
HIGH: Final = 1
TIMEOUT: Final = 10.0
MAX_MESSAGE: Final = 65536

Wanted = str | Callable[[list[str]], bool]


class Desk:
    """One desk, for one vault at a time; a vault may end or be killed, and another one connect.

    Args:
        path: where to listen (AF_UNIX SEQPACKET, made on ``start`` for this user only, removed on ``close``).
        rows: the GPIO numbers of the vault's rows, in its order of scanning.
        layout: ``layout[row * 4 + column]``.
        driver: the panel's controller.
        address: its I2C address.
        on_frame: called from the desk's thread with each new picture, and when the panel's light changes.
        on_output: called from it with GPIO and level of each output that changed, the keypad's rows left out.
    """

    def __init__(  # noqa: PLR0913 - the wiring of the box, all of it with the defaults of hardware.md
        self,
        path: Path | str,
        *,
        rows: Sequence[int] = ROWS,
        layout: str = LAYOUT,
        driver: Literal["ssd1306", "sh1106"] = "ssd1306",
        address: int = ADDRESS,
        on_frame: Callable[[Image], None] | None = None,
        on_output: Callable[[int, int], None] | None = None,
    ) -> None:
        self.path = Path(path)
        self.on_frame = on_frame
        self.on_output = on_output
        self._rows = tuple(rows)
        self._layout = layout
        self._driver: Literal["ssd1306", "sh1106"] = driver
        self._address = address
        self._seen = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._vault: socket.socket | None = None
        self._thread = threading.Thread(target=self._listen, name="desk", daemon=True)
        self._closing = False
        self._closed_switches = 0
        self._fault: SimulatorError | None = None
        self._frames = 0
        self._forget()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Listen.

        Raises:
            SimulatorError: the path cannot be had.
        """
        try:
            self._listener.bind(str(self.path))
            self.path.chmod(0o600)
            self._listener.listen(1)
        except OSError as failed:
            self._listener.close()
            raise SimulatorError(f"desk: {self.path}: {failed}") from failed
        self._thread.start()

    def close(self) -> None:
        """Hang up, end the thread, remove the socket."""
        self._closing = True
        self.hang_up()
        with contextlib.suppress(OSError):  # never started, or closed before
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT)
        self.path.unlink(missing_ok=True)

    def hang_up(self) -> None:
        """Drop the vault that is connected: for it, the desk is gone."""
        with self._seen:
            if self._vault is not None:
                with contextlib.suppress(OSError):  # it hung up at the same time
                    self._vault.shutdown(socket.SHUT_RDWR)

    # --- keys -----------------------------------------------------------------------------------------------------

    def press(self, keys: str) -> None:
        """Press and release each key in turn, each for as long as a debounce needs.

        Raises:
            SimulatorError: an unknown key, no vault, or one that does not scan its keypad in time.
        """
        for key in keys:
            self.hold(key)
            self.release()

    def hold(self, keys: str) -> None:
        """Close the switches of ``keys``, all at once, and open all others; returns once they were scanned.

        Raises:
            SimulatorError: as ``press``.
        """
        unknown = set(keys) - set(self._layout)
        if unknown:
            raise SimulatorError(f"no key {min(unknown)!r}")
        self._switch(sum(1 << self._layout.index(key) for key in set(keys)))

    ghost = hold
    """Several keys at once, for instance three corners of a rectangle."""

    def hold_for(self, keys: str, seconds: float) -> None:
        """Hold keys for so long on the vault's clock, which is moved forward, and release them.

        Raises:
            SimulatorError: as ``press``.
        """
        self.hold(keys)
        self.hold(keys)  # scanned again before the clock moves: the time begins here
        self.advance(seconds)
        self.hold(keys)  # scanned once more, at the later time
        self.release()

    def release(self) -> None:
        """Open all switches; returns once the vault has seen it or watches the edges again.

        Raises:
            SimulatorError: as ``press``.
        """
        self._switch(0)

    def _switch(self, closed: int) -> None:
        with self._seen:
            self._closed_switches = closed
            self._order(b"K" + closed.to_bytes(2, "big"))
            self._wait(lambda: self._scans.enough(closed), TIMEOUT, "the keypad was not scanned")

    # --- clock and faults -----------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Move the vault's clock forward.

        Raises:
            SimulatorError: no vault.
        """
        with self._seen:
            self._order(b"C" + round(seconds * 1000).to_bytes(4, "big"))

    def open_case(self, opened: bool = True) -> None:  # noqa: FBT001, FBT002 - the position of a switch
        """Open or close the box's case: its tamper switch.

        Raises:
            SimulatorError: no vault.
        """
        with self._seen:
            self._order(bytes([ord("T"), opened]))

    def push(self, pressed: bool = True) -> None:  # noqa: FBT001, FBT002 - the position of a switch
        """Press the panel button, or let it go.

        Raises:
            SimulatorError: no vault.
        """
        with self._seen:
            self._order(bytes([ord("B"), pressed]))

    def threads(self) -> dict[int, str]:
        """The vault's threads: their numbers at the kernel, and their names.

        Raises:
            SimulatorError: no vault.
        """
        with self._seen:
            self._order(b"N")
            return self._threads

    def fail_display(self, number: int = errno.EREMOTEIO, writes: int = 1) -> None:
        """Let the display's next ``writes`` transactions end with ``errno`` ``number``.

        Raises:
            SimulatorError: no vault.
        """
        with self._seen:
            for _ in range(writes):
                self._order(b"E" + bytes([number]))

    # --- what is seen ---------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether a vault is there."""
        return self._vault is not None

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

    # --- the wire -------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        """Start anew with a vault that knows nothing of the last one."""
        self._panel = Panel(self._driver)
        self._image = self._panel.image()
        self._scans = Scans(self._rows)
        self._levels: dict[int, int] = {}
        self._rises: Counter[int] = Counter()
        self._threads: dict[int, str] = {}
        self._open_orders = self._bytes = self._transactions = 0

    def _wait(self, reached: Callable[[], bool], timeout: float, complaint: str | Callable[[], str]) -> None:
        """Wait under the condition; a fault of the wire ends every wait."""
        done = self._seen.wait_for(lambda: self._fault is not None or reached(), timeout)
        if self._fault is not None:
            raise self._fault
        if not done:
            raise SimulatorError(f"{complaint if isinstance(complaint, str) else complaint()} ({timeout:g} s)")

    def _order(self, message: bytes) -> None:
        """Send a message and wait until the vault says that it is in force."""
        self._wait(lambda: self.connected, TIMEOUT, "no vault")
        self._send(message)
        self._wait(lambda: not self._open_orders, TIMEOUT, "the vault does not answer")

    def _send(self, message: bytes) -> None:
        if self._vault is None:
            raise SimulatorError("no vault")
        try:
            self._vault.send(message, socket.MSG_DONTWAIT)
        except OSError as failed:
            raise SimulatorError(f"the vault does not listen: {os.strerror(failed.errno or 0)}") from failed
        self._open_orders += 1

    def _listen(self) -> None:
        while not self._closing:
            try:
                vault, _ = self._listener.accept()
            except OSError:  # closed; the loop's condition says so
                continue
            with vault:
                try:
                    self._greet(vault)
                    for message in _messages(vault):
                        self._take(message)
                except SimulatorError as broken:
                    with self._seen:
                        self._fault = broken
                finally:
                    with self._seen:
                        self._vault = None
                        self._seen.notify_all()

    def _greet(self, vault: socket.socket) -> None:
        """Start with a new vault: it is told the switches as they stand."""
        with self._seen:
            self._forget()
            self._vault = vault
            with contextlib.suppress(SimulatorError):  # it hung up already: its messages end at once
                self._send(b"K" + self._closed_switches.to_bytes(2, "big"))
            self._seen.notify_all()

    def _take(self, message: bytes) -> None:
        picture = None
        with self._seen:
            match message[:1]:
                case b"I" if message[1] == self._address:
                    self._bytes += len(message) - 1
                    self._transactions += 1
                    before = self._panel.frames
                    light = self.light
                    if self._panel.write(message[2:]) or self.light != light:
                        self._image = picture = self._panel.image()
                    self._frames += self._panel.frames - before
                case b"P":
                    self._scans.step(message[1], message[2])
                    self._levels[message[1]] = message[2]
                    self._rises[message[1]] += message[2] == HIGH
                case b"K":
                    self._open_orders -= 1
                    self._scans.move()
                case b"E" | b"C" | b"T" | b"B":
                    self._open_orders -= 1
                case b"N":
                    self._open_orders -= 1
                    lines = (line.partition(" ") for line in message[1:].decode().splitlines())
                    self._threads = {int(number): name for number, _, name in lines}
            self._seen.notify_all()
        if picture is not None and self.on_frame is not None:
            self.on_frame(picture.copy())
        if message[:1] == b"P" and message[1] not in self._rows and self.on_output is not None:
            self.on_output(message[1], message[2])


def _messages(vault: socket.socket) -> Iterable[bytes]:
    """Packets until the vault hangs up or dies."""
    while True:
        try:
            message = vault.recv(MAX_MESSAGE)
        except OSError:
            return
        if not message:
            return
        yield message
