"""The desk: keypad, display and clock of a vault that runs in another process.

What it is: the outside world's end of the socket that ``appliance.simulator.vault`` connects to (messages there): it
closes switches, advances the clock, and sees (``sight``). What it is not: a reader (``pcsclite``), or a way around the
person: everything goes through switches and pixels, and nothing of the vault is imported.
Rule: every wait is for something that was seen to happen, and bounded.
"""

import contextlib
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from PIL.Image import Image

from appliance.errors import SimulatorError
from appliance.simulator.sight import TIMEOUT, Driver, Sight

LAYOUT: Final = "123A456B789C*0#D"
ROWS: Final = (5, 6, 13, 19)
ADDRESS: Final = 0x3C
MAX_MESSAGE: Final = 65536


class Desk(Sight):
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
        driver: Driver = "ssd1306",
        address: int = ADDRESS,
        on_frame: Callable[[Image], None] | None = None,
        on_output: Callable[[int, int], None] | None = None,
    ) -> None:
        super().__init__(rows, driver, address)
        self.path = Path(path)
        self.on_frame = on_frame
        self.on_output = on_output
        self._layout = layout
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._thread = threading.Thread(target=self._listen, name="desk", daemon=True)
        self._closing = False
        self._closed_switches = 0
        self._vault: socket.socket | None = None
        self._threads: dict[int, str] = {}
        self._open_orders = 0

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

    # --- the wire -------------------------------------------------------------------------------------------------

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
                        self._vault, self.connected = None, False
                        self._seen.notify_all()

    def _greet(self, vault: socket.socket) -> None:
        """Start with a new vault: it is told the switches as they stand."""
        with self._seen:
            self._forget()
            self._threads, self._open_orders = {}, 0
            self._vault, self.connected = vault, True
            with contextlib.suppress(SimulatorError):  # it hung up already: its messages end at once
                self._send(b"K" + self._closed_switches.to_bytes(2, "big"))
            self._seen.notify_all()

    def _take(self, message: bytes) -> None:
        picture = None
        with self._seen:
            match message[:1]:
                case b"I":
                    picture = self._written(message[1], message[2:])
                case b"P":
                    self._driven(message[1], message[2])
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
