"""A pcscd of the desk: one simulated reader served to unmodified libpcsclite clients.

What it is: the server end of the pcsc-lite client protocol on an AF_UNIX path; a client process started with
``PCSCLITE_CSOCK_NAME=<path>`` (libpcsclite reads it once) sees one reader. What it is not: pcscd; no drivers, no
polkit, and an idle card is not powered down. Checked with libpcsclite 1.9.9 (protocol 4:4) and 2.3.3 (4:5).
Rule: one thread a client, as one SCARDCONTEXT is one connection; what is malformed closes that client only;
APDU bytes are passed on and neither kept nor logged.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from appliance.errors import SimulatorError
from appliance.simulator import pcsclite_wire as wire
from appliance.simulator.faults import SoftCard
from appliance.simulator.pcsclite_codes import Protocol, Share, Status
from appliance.simulator.pcsclite_dialogue import Client, Dialogue
from appliance.simulator.pcsclite_reader import Reader
from appliance.simulator.pcsclite_slot import Slot

_LOG = logging.getLogger(__name__)


class PcscliteServer:
    """The desk's reader behind a socket.

    Args:
        path: of the socket, at most 107 bytes; must not exist.
        reader: name clients see.
        torn: what SCardTransmit gives when the card leaves during a command: NOT_TRANSACTED (pcscd with vpcd, and
            USB readers that take the card for mute) or NO_SMARTCARD (USB readers that report the absence).
        features: answer to CM_IOCTL_GET_FEATURE_REQUEST, PC/SC part 10 TLVs; empty: no control code is known.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        reader: str = "CPS Desk Reader 00 00",
        *,
        torn: Status = Status.NOT_TRANSACTED,
        features: bytes = b"",
    ) -> None:
        if len(reader.encode()) >= wire.NAME_BYTES:
            raise SimulatorError("the reader's name is too long")
        self.path = Path(path)
        self._slot = Slot(reader, torn=torn, changed=self._changed)
        self._reader = Reader(self._slot, features=features)
        self._dialogue = Dialogue(self._slot, self._reader)
        self._plugged = True
        self._occupant = 0
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    # -- the hand at the desk -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen, with the reader plugged in unless `unplug` was called.

        Raises:
            SimulatorError: running already, or the path cannot be bound.
        """
        if self._listener is not None:
            raise SimulatorError("the reader's server runs already")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(os.fspath(self.path))
            listener.listen()
        except OSError as error:
            listener.close()
            raise SimulatorError(f"the reader's socket cannot be made: {error.strerror or error}") from error
        self._listener = listener
        if self._plugged:
            self._slot.attach()
        self._run("pcsclite-accept", self._accept, listener)

    def close(self) -> None:
        """End as a killed pcscd does: clients read the end of the stream, the card loses its power. Idempotent."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.shutdown(socket.SHUT_RDWR)
        self._threads.pop(0).join()  # no client comes any more
        with self._slot.turn:
            for client in self._dialogue.clients:
                client.drop()  # before the reader goes: a killed daemon says nothing more
            self._slot.detach()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        listener.close()
        self.path.unlink()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def card(self) -> SoftCard | None:
        """What lies in the slot; a torn card is out."""
        return self._slot.card

    def insert(self, card: SoftCard) -> None:
        """Put a card in; returns when it is powered and clients can see it.

        Raises:
            SimulatorError: there is one in.
        """
        self._slot.put(card)

    def remove(self) -> None:
        """Pull the card out, whatever it does: a command in flight ends with ``torn``. Nothing without a card."""
        self._slot.pull()

    def unplug(self) -> None:
        """Pull the reader's plug; the card stays in it without power."""
        self._plugged = False
        self._slot.detach()

    def plug(self) -> None:
        """Plug the reader in, with the card that lies in it."""
        self._plugged = True
        if self._listener is not None:
            self._slot.attach()

    def wait_watched(self, timeout: float) -> bool:
        """Until a client waits for a change (SCardGetStatusChange), at most ``timeout`` seconds; whether one does."""
        with self._slot.turn:
            return self._slot.turn.wait_for(self._dialogue.watched, timeout)

    def occupy(self) -> None:
        """Be another program that holds the card for itself.

        Raises:
            SimulatorError: no card, or it is in use.
        """
        self._occupant, _ = self._reader.connect(self._slot.name, Share.EXCLUSIVE, Protocol.T0 | Protocol.T1)

    def vacate(self) -> None:
        """That program lets go and resets the card."""
        handle, self._occupant = self._occupant, 0
        self._reader.forget({handle})

    # -- connections ----------------------------------------------------------------------------------------------

    def _run(self, name: str, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                if self._listener is None:
                    return
                raise
            client = Client(connection)
            with self._slot.turn:
                self._dialogue.clients.add(client)
                self._threads[1:] = [thread for thread in self._threads[1:] if thread.is_alive()]
            self._run("pcsclite-client", self._serve, client)

    def _serve(self, client: Client) -> None:
        try:
            while (message := client.receive()) is not None:
                with self._slot.turn:
                    client.send(self._dialogue.answer(client, *message))
        except (wire.WireError, ConnectionError) as error:
            _LOG.debug("client closed: %s", error)
        finally:
            with self._slot.turn:
                self._dialogue.forget(client)
            client.close()

    def _changed(self) -> None:
        self._dialogue.wake()
