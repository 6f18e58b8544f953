"""Puts a soft card into the virtual reader vpcd, behind a real pcscd.

What it is: the card side of vpcd's TCP protocol: two bytes of length, big-endian, then a control byte (0 off, 1 on,
2 reset, 4 ask for the ATR) or a command. What it is not: a reader of its own; vpcd listens, this connects.
Rule: one insertion is one connection; removal closes it, and nothing reconnects by itself.
"""

import socket
import struct
import threading
from collections.abc import Callable
from typing import Final, Self

from appliance.errors import SimulatorError
from appliance.simulator.faults import CardTorn, SoftCard

ADDRESS: Final = ("127.0.0.1", 35963)
_OFF, _ON, _RESET, _ATR = 0, 1, 2, 4
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux only


def connect(address: tuple[str, int] = ADDRESS) -> socket.socket:
    """A connection to vpcd.

    Raises:
        SimulatorError: nobody listens there.
    """
    try:
        return socket.create_connection(address, timeout=5)
    except OSError as error:
        host, port = address
        raise SimulatorError(f"no vpcd at {host}:{port} ({error.strerror or error})") from error


class VpcdSlot:
    """The slot of one virtual reader.

    Args:
        dial: makes a connected socket; tests give one that connects from another network namespace.
        on_close: called once when an insertion ended without ``remove`` (pcscd went, or the card was torn).
    """

    def __init__(
        self, dial: Callable[[], socket.socket] = connect, *, on_close: Callable[[], object] | None = None
    ) -> None:
        self._dial = dial
        self._on_close = on_close
        self._stay: _Stay | None = None

    def insert(self, card: SoftCard) -> None:
        """Put a card in; the one that was there is taken out first.

        Raises:
            SimulatorError: nobody listens.
        """
        self.remove()
        self._stay = _Stay(self._dial(), card, self._on_close)

    def remove(self) -> None:
        """Take the card out; harmless when there is none. Returns when no command is being served any more."""
        stay, self._stay = self._stay, None
        if stay is not None:
            stay.end()

    close = remove

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Stay:
    """One card in the slot: a connection and the thread that serves it."""

    def __init__(self, link: socket.socket, card: SoftCard, on_close: Callable[[], object] | None) -> None:
        link.settimeout(None)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link = link
        self._card = card
        self._on_close = on_close
        self._ended = threading.Event()
        self._controls = {_OFF: card.power_off, _ON: card.power_on, _RESET: card.reset}
        self._thread = threading.Thread(target=self._serve, name="vpcd", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Close; a mute card is released by the loss of power."""
        self._ended.set()
        _hang_up(self._link)
        self._card.power_off()
        self._thread.join()

    def _serve(self) -> None:
        try:
            while (message := self._receive()) is not None:
                self._handle(message)
        except (CardTorn, OSError):  # removal in mid-command, or pcscd is gone: both end the insertion
            pass
        finally:
            _hang_up(self._link)
            self._link.close()
        if not self._ended.is_set() and self._on_close is not None:
            self._on_close()

    def _handle(self, message: bytes) -> None:
        if len(message) != 1:
            self._send(self._card.transmit(message))
        elif message[0] == _ATR:
            self._send(self._card.atr or b"")
        elif (control := self._controls.get(message[0])) is not None:
            control()

    def _receive(self) -> bytes | None:
        head = self._exactly(2)
        return None if head is None else self._exactly(struct.unpack(">H", head)[0])

    def _exactly(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            if _QUICK_ACK is not None:  # it does not last: without it 48 ms a command, with it 0.14 (measured)
                self._link.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            part = self._link.recv(size - len(data))
            if not part:
                return None
            data += part
        return data

    def _send(self, data: bytes) -> None:
        self._link.sendall(struct.pack(">H", len(data)) + data)


def _hang_up(link: socket.socket) -> None:
    """Wake the thread that reads from it; a link the other side has closed is as good as shut."""
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
