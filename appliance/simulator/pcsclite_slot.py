"""The slot of the desk's reader: a card goes in, is powered, leaves; the reader itself comes and goes.

What it is: the driver's half of pcscd (pcsc-lite 2.3.3 `eventhandler.c`, `ifdwrapper.c`): state bits, ATR, event
counter. What it is not: clients and their rights (`pcsclite_handles`); nor pcscd's power saving: an idle card keeps
its power until it leaves.
Rule: everything happens under ``turn``; the card itself is spoken to by the thread of its stay, outside of it.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from appliance.errors import SimulatorError
from appliance.simulator.faults import CardTorn, SoftCard
from appliance.simulator.pcsclite_codes import ATR_BYTES, Bits, Disposition, Protocol, Status
from appliance.simulator.pcsclite_handles import Handles, SCardError
from appliance.simulator.pcsclite_wire import ReaderState

_COUNT_MASK: Final = 0xFFFF
_ARRIVALS_MAX: Final = 0x7FFF


class _Job:
    __slots__ = ("action", "answer", "answered")

    def __init__(self, action: Callable[[], bytes | None]) -> None:
        self.action = action
        self.answer: bytes | None = None
        self.answered = False


class Stay:
    """One stay of a card in the slot: a thread of its own speaks to the card, so that a removal never waits for it.

    A card object put in again is powered only when its former stay has let go of it.
    """

    def __init__(self, card: SoftCard, turn: threading.Condition, previous: "Stay | None") -> None:
        self.card = card
        self._turn = turn
        self._jobs: deque[_Job] = deque()
        self._over = False
        former = previous.thread if previous is not None and previous.card is card else None
        self.thread: threading.Thread = threading.Thread(
            target=self._serve, args=(former,), name="soft-card", daemon=True
        )
        self.thread.start()

    def ask(self, action: Callable[[], bytes | None]) -> bytes | None:
        """Have the card do something; ``turn`` is held by the caller and free meanwhile.

        Raises:
            CardTorn: the card left before it answered.
        """
        job = _Job(action)
        self._jobs.append(job)
        self._turn.notify_all()
        self._turn.wait_for(lambda: job.answered or self._over)
        if not job.answered:
            raise CardTorn("the card left during the command")
        return job.answer

    def end(self) -> None:
        """The card is out: whoever waits for it is told, and it loses its power, mid-command or not."""
        self._over = True
        self._turn.notify_all()
        self.card.power_off()

    def _serve(self, former: threading.Thread | None) -> None:
        if former is not None:
            former.join()
        try:
            while (job := self._next()) is not None:
                job.answer = job.action()
                with self._turn:
                    job.answered = True
                    self._turn.notify_all()
        except CardTorn:
            return  # whoever asked finds the stay over, and says so to its client
        finally:  # a defect of a soft card ends here too: a removal for the client, a traceback for the developer
            with self._turn:
                self._over = True
                self._turn.notify_all()

    def _next(self) -> _Job | None:
        with self._turn:
            self._turn.wait_for(lambda: bool(self._jobs) or self._over)
            return None if self._over else self._jobs.popleft()


class Slot:
    """One reader with one slot. Attributes are read and set under ``turn``.

    Args:
        name: as clients see it, at most 127 bytes.
        torn: what a command gets whose card left under it.
        changed: called under ``turn`` when waiting clients have something to look at.

    Attributes:
        card: what lies in the slot, seen by clients only while ``attached``.
        bits, atr, protocol: what the reader table says of the card.
        handles: what clients hold on the reader.
        arrivals: how often the reader came or went, from 1, 15 bits.
    """

    def __init__(self, name: str, *, torn: Status, changed: Callable[[], None]) -> None:
        self.name = name.encode()
        self.turn = threading.Condition()
        self.handles = Handles()
        self.card: SoftCard | None = None
        self.attached = False
        self.arrivals = 1
        self._torn = torn
        self._changed = changed
        self._stay: Stay | None = None
        self._last_stay: Stay | None = None
        self._events = 0
        self._show_empty()

    def row(self) -> ReaderState:
        """What the reader table says."""
        if not self.attached:
            return ReaderState()
        return ReaderState(self.name, self._events, self.bits, self.handles.sharing, self.atr, self.protocol)

    def attach(self) -> None:
        """The reader appears, with the card that lies in it."""
        with self.turn:
            if self.attached:
                return
            self._come_or_go(attached=True)
            self._power_stay()
            self.tell()

    def detach(self) -> None:
        """The reader vanishes: every handle is void, the card in it loses its power."""
        with self.turn:
            if not self.attached:
                return
            stay, self._stay = self._stay, None
            self._come_or_go(attached=False)
            if stay is not None:
                stay.end()
            self.tell()

    def put(self, card: SoftCard) -> None:
        """A card goes in and is powered; returns when clients can see it.

        Raises:
            SimulatorError: there is one already.
        """
        with self.turn:
            if self.card is not None:
                raise SimulatorError("there is a card in the slot")
            self.card = card
            if self.attached and self._power_stay():
                self._count()

    def pull(self) -> None:
        """The card leaves, whatever it does; nothing happens without one."""
        with self.turn:
            self._leave(self._stay)
            self.card = None

    def tell(self) -> None:
        """Something can be seen: wake who waits here and who waits at a socket."""
        self.turn.notify_all()
        self._changed()

    def ask(self, action: Callable[[SoftCard], bytes | None], torn: Status | None = None) -> bytes | None:
        """Have the card do something; ``turn`` is free meanwhile.

        Raises:
            SCardError: no card, or it left (``torn``, by default what the slot was made with), or the reader left.
        """
        torn = self._torn if torn is None else torn
        stay = self._stay
        if stay is None:
            raise SCardError(torn)
        try:
            return stay.ask(lambda: action(stay.card))
        except CardTorn:
            self._leave(stay)
            raise SCardError(torn if self.attached else Status.READER_UNAVAILABLE) from None

    def energise(self, how: Callable[[SoftCard], None], torn: Status = Status.REMOVED_CARD) -> None:
        """Power or reset the card and show what it says; a card that says nothing is mute (SWALLOWED).

        Raises:
            SCardError: ``torn`` if there is no card, or READER_UNAVAILABLE.
        """

        def run(card: SoftCard) -> bytes | None:
            how(card)
            return card.atr

        atr = self.ask(run, torn)
        self.protocol = Protocol.NONE
        self.atr = (atr or b"")[:ATR_BYTES]
        self.bits = Bits.PRESENT | (Bits.SWALLOWED if atr is None else Bits.POWERED | Bits.NEGOTIABLE)

    def unpower(self) -> None:
        """Leave the card in without power (disposition UNPOWER).

        Raises:
            SCardError: as `energise`.
        """
        self.ask(power_off, Status.REMOVED_CARD)
        self.protocol = Protocol.NONE
        self.bits = Bits.PRESENT

    def _come_or_go(self, *, attached: bool) -> None:
        self.attached = attached
        self.arrivals = self.arrivals % _ARRIVALS_MAX + 1
        self.handles = Handles()
        self._events = 0
        self._show_empty()

    def _show_empty(self) -> None:
        self.bits = Bits.ABSENT
        self.atr = b""
        self.protocol = Protocol.NONE

    def _power_stay(self) -> bool:
        """Power the card that lies in the slot; False when there is none or it left meanwhile."""
        if self.card is None:
            return False
        self._stay = self._last_stay = Stay(self.card, self.turn, self._last_stay)
        try:
            self.energise(power_on)
        except SCardError:
            return False
        return True

    def _leave(self, stay: Stay | None) -> None:
        """The card of that stay is out; a second report of it says nothing new."""
        if stay is None or stay is not self._stay:
            return
        self._stay = self.card = None
        self.handles.warn_removed()
        self._show_empty()
        stay.end()
        self._count()

    def _count(self) -> None:
        self._events = (self._events + 1) & _COUNT_MASK
        self.tell()


def power_on(card: SoftCard) -> None:
    """Cold start."""
    card.power_on()


def power_off(card: SoftCard) -> None:
    """Take the power away."""
    card.power_off()


def _cycle(card: SoftCard) -> None:
    card.power_off()
    card.power_on()


def _reset(card: SoftCard) -> None:
    card.reset()


RENEWALS: Final[dict[int, Callable[[SoftCard], None]]] = {Disposition.RESET: _reset, Disposition.UNPOWER: _cycle}
"""How a card is made fresh while somebody goes on using it: warm, or off and on again."""
