"""What a soft card is, and how it can fail: cut, mute, slow, wrong status word.

What it is: the ``SoftCard`` protocol that the soft readers serve, and ``FaultyCard``, a wrapper round any soft card
that plays armed faults. What it is not: a reader; it knows no PC/SC and no vpcd.
Rule: a fault is a value in a list and its effect a row of a table; the card underneath stays honest, and counts.
"""

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from appliance.errors import SimulatorError


class CardTorn(SimulatorError):
    """The card left the reader while it was being spoken to; a reader reports a removal."""


class SoftCard(Protocol):
    """A card a soft reader can serve. ``atr`` is None for a card that gives none (mute, upside down)."""

    @property
    def atr(self) -> bytes | None:
        """Answer to reset, or None."""

    def power_on(self) -> None:
        """Cold start: security state and selections are fresh."""

    def power_off(self) -> None:
        """Lose the power: also releases a mute command, which then ends in ``CardTorn``."""

    def reset(self) -> None:
        """Warm reset: as a cold start, without losing the power."""

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one command: data and two status bytes.

        Raises:
            CardTorn: the card is no longer there.
        """


class Kind(enum.Enum):
    """The ways to fail."""

    CUT = "cut"
    MUTE = "mute"
    SLOW = "slow"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and the command it waits for.

    Attributes:
        kind: what happens.
        command: which command, 1 for the next one; counted among those with ``ins`` if that is given.
        ins: only commands with this INS count; None for all.
        byte: CUT: how many bytes of the exchange pass (command first, then answer) before the card is gone.
            Below the command's length the card never ran it; from there on it did, and counted it.
        seconds: SLOW: how long the card takes.
        sw: STATUS: what it answers instead, without running the command.
        lasting: SLOW: every matching command from there on, not only that one.
    """

    kind: Kind
    command: int = 1
    ins: int | None = None
    byte: int = 0
    seconds: float = 0.0
    sw: int = 0x6F00
    lasting: bool = False


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0

    def due(self, apdu: bytes) -> bool:
        """Count a command; tell whether it is the one."""
        if self.fault.ins not in (None, apdu[1]):
            return False
        self.seen += 1
        return self.seen == self.fault.command or (self.fault.lasting and self.seen > self.fault.command)


class FaultyCard:
    """A soft card that fails on demand.

    Args:
        card: the honest card underneath; its counters stay readable on it.
        wait: how a slow command waits, in seconds; by default an event that ``power_off`` and ``release`` set.
    """

    def __init__(self, card: SoftCard, *, wait: Callable[[float], object] | None = None) -> None:
        self.card = card
        self.upside_down = False
        self.muted = threading.Event()
        self._armed: list[_Armed] = []
        self._freed = threading.Event()
        self._wait = wait if wait is not None else self._freed.wait
        self._gone = False
        self._life = 0  # counts removals: a command in flight must not wake in the next insertion

    @property
    def atr(self) -> bytes | None:
        """The card's, unless it lies upside down."""
        return None if self.upside_down else self.card.atr

    def arm(self, *faults: Fault) -> None:
        """Add faults; each fires once (a lasting one stays until ``disarm``)."""
        self._armed += [_Armed(fault) for fault in faults]

    def disarm(self) -> None:
        """Forget the faults that have not fired."""
        self._armed.clear()

    def release(self) -> None:
        """Let a mute or slow command go on: it is run and answered now."""
        self._freed.set()

    def power_on(self) -> None:
        """Insert (again): a torn card is whole."""
        self._gone = False
        self._freed.clear()
        self.muted.clear()
        self.card.power_on()

    def power_off(self) -> None:
        """Take it out: a command in flight ends in ``CardTorn``."""
        self._gone = True
        self._life += 1
        self._freed.set()
        self.card.power_off()

    def reset(self) -> None:
        """Warm reset."""
        self.card.reset()

    def transmit(self, apdu: bytes) -> bytes:
        """Answer, or fail as armed.

        Raises:
            CardTorn: cut, taken out while mute, or gone since.
        """
        self._present(self._life)
        due = [armed for armed in self._armed if armed.due(apdu)]
        if not due:
            return self.card.transmit(apdu)
        if not due[0].fault.lasting:
            self._armed.remove(due[0])
        return self._ACTIONS[due[0].fault.kind](self, due[0].fault, apdu)

    def _present(self, life: int) -> None:
        if self._gone or life != self._life:
            raise CardTorn("no card")

    def _cut(self, fault: Fault, apdu: bytes) -> bytes:
        if fault.byte < len(apdu):
            self._gone = True
            raise CardTorn("cut in the command")
        answer = self.card.transmit(apdu)
        self._gone = True
        if fault.byte < len(apdu) + len(answer):
            raise CardTorn("cut in the answer")
        return answer

    def _mute(self, _fault: Fault, apdu: bytes) -> bytes:
        life = self._life
        self.muted.set()
        self._freed.wait()
        self._freed.clear()
        self._present(life)
        return self.card.transmit(apdu)

    def _slow(self, fault: Fault, apdu: bytes) -> bytes:
        life = self._life
        self._wait(fault.seconds)
        self._present(life)
        return self.card.transmit(apdu)

    def _status(self, fault: Fault, _apdu: bytes) -> bytes:
        return fault.sw.to_bytes(2)

    _ACTIONS: ClassVar[dict[Kind, Callable[["FaultyCard", Fault, bytes], bytes]]] = {
        Kind.CUT: _cut,
        Kind.MUTE: _mute,
        Kind.SLOW: _slow,
        Kind.STATUS: _status,
    }
