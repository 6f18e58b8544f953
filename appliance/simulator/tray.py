"""Where a card goes in: the desk's own reader, a virtual reader of pcscd, or a reader with a card that is not ours.

What it is: one hand's movements, the same for three kinds of reader. What it is not: a card or a reader.
Rule: a movement that a kind of reader cannot make is a ``SimulatorError`` that says so to the person.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from appliance.errors import SimulatorError
from appliance.simulator.faults import FaultyCard
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.vpcd import VpcdSlot, connect

PCSCD: Final = "/run/pcscd/pcscd.comm"
"""Where pcscd listens, unless PCSCLITE_CSOCK_NAME says otherwise (libpcsclite)."""
VIRTUAL: Final = "Virtual PCD"
"""What vpcd calls its readers."""
HANDS_OFF: Final = "this reader's card is not ours: put it in and take it out by hand"


class Tray:
    """A reader with a card that is not ours; the other two kinds are made from it. A context manager.

    Attributes:
        path: the pcsc-lite socket that leads to it.
        card: our card, None when it is not ours or not chosen yet; another one may be put here while it is out.
        plugged: whether the reader is connected.
    """

    def __init__(self, path: Path | None = None, card: FaultyCard | None = None) -> None:
        self.path = path or Path(os.environ.get("PCSCLITE_CSOCK_NAME") or PCSCD)
        self.card = card
        self.plugged = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    @property
    def inside(self) -> bool | None:
        """Whether our card is in; None when nobody here can know."""
        return None

    def own(self) -> FaultyCard:
        """Our card.

        Raises:
            SimulatorError: it is not ours.
        """
        if self.card is None:
            raise SimulatorError(HANDS_OFF)
        return self.card

    def insert(self) -> None:
        """Put our card in.

        Raises:
            SimulatorError: not ours, in already, or the reader is not there.
        """
        raise SimulatorError(HANDS_OFF)

    def remove(self) -> None:
        """Take it out, whatever it does; harmless without one.

        Raises:
            SimulatorError: not ours.
        """
        raise SimulatorError(HANDS_OFF)

    def plug(self) -> None:
        """Pull the reader's plug, or put it back.

        Raises:
            SimulatorError: only the desk's own reader has a plug here.
        """
        raise SimulatorError("only the desk's own reader can be unplugged here")


class DeskTray(Tray):
    """The desk's own pcsc-lite server, made at ``path``."""

    def __init__(self, path: Path, card: FaultyCard | None) -> None:
        super().__init__(path, card)
        self._reader = PcscliteServer(path)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    @property
    def inside(self) -> bool:
        """As the reader says: a torn card is out."""
        return self._reader.card is not None

    def insert(self) -> None:
        """As above."""
        self._reader.insert(self.own())

    def remove(self) -> None:
        """As above."""
        self._reader.remove()

    def plug(self) -> None:
        """As above."""
        self.plugged = not self.plugged
        if self.plugged:
            self._reader.plug()
        else:
            self._reader.unplug()


class VirtualTray(Tray):
    """The first virtual reader (vpcd) of the pcscd that runs, or of the one at ``path`` whose vpcd ``dial`` reaches."""

    def __init__(
        self, card: FaultyCard | None, path: Path | None = None, dial: Callable[[], socket.socket] = connect
    ) -> None:
        super().__init__(path, card)
        self._slot = VpcdSlot(dial, on_close=self._lose)
        self._inside = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slot.close()

    @property
    def inside(self) -> bool:
        """Until it is taken out, torn out, or pcscd ends."""
        return self._inside

    def insert(self) -> None:
        """As above."""
        if self._inside:
            raise SimulatorError("there is a card in the slot")
        self._inside = True  # before: it may be torn out at once
        try:
            self._slot.insert(self.own())
        except SimulatorError:
            self._inside = False
            raise

    def remove(self) -> None:
        """As above."""
        self._inside = False
        self._slot.remove()

    def _lose(self) -> None:
        self._inside = False
