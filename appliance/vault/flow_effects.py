"""What the flow wants done.

What it is: one frozen class an effect, and their union. What it is not: who does it (service.py, ledger.py, cards.py,
keys.py, reception.py). Rule: no effect can hold a digit of a secret; an order to the card carries the ticket that its
one answer will carry.
"""

from dataclasses import dataclass, field

from appliance.card.activity import Situation
from appliance.contract.events import Data, Trust
from appliance.contract.replies import Phase, Result
from appliance.secret import Slot
from appliance.vault.flow_box import AnyAsk, Ask, Box, Topic
from appliance.vault.records import RequestState


@dataclass(frozen=True, slots=True)
class Publish:
    """A public event ``domain/name``, journalled in the transaction of its step."""

    topic: str
    data: Data


@dataclass(frozen=True, slots=True)
class Record:
    """An audit entry that no event tells of, in the transaction of its step; ``code`` is how it went."""

    kind: str
    card_session: str | None = None
    holder: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A request's state on disk, in the transaction of its step; ``code`` only with ``failed``.

    ``holder`` is who agreed, for the audit.
    """

    ask: AnyAsk
    to: RequestState
    code: str | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """A progress reply; ``result`` is the document just finished, ``attempt`` counts PIN prompts from 1."""

    ask: AnyAsk
    phase: Phase
    attempt: int | None = None
    done: int | None = None
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """The final reply: what was asked for when ``code`` is None, else a problem.

    ``tries`` only when 0 or 1 are left. ``trust`` is what the certificate that signed is worth. ``situations`` answer a
    ``Look``, ``holder`` and ``session`` say of which card.
    """

    ask: AnyAsk
    results: tuple[Result, ...] = ()
    code: str | None = None
    tries: int | None = None
    situations: tuple[Situation, ...] = field(default=(), repr=False)
    holder: str | None = None
    session: str | None = None
    trust: Trust | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Something else is open: ``ask`` is refused at once and may come again.

    ``open_id`` is the request that is; None when it is the person at the box.
    """

    ask: AnyAsk
    open_id: str | None


@dataclass(frozen=True, slots=True)
class Identify:
    """Read who the card belongs to."""

    ticket: int


@dataclass(frozen=True, slots=True)
class ReadTries:
    """Read the PIN's counter, or that of the code de déblocage (``puk``)."""

    ticket: int
    puk: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign document ``index`` of ``ask``; with ``verify`` the PIN in the locked page is sent first, once."""

    ticket: int
    ask: Ask
    index: int
    verify: bool


@dataclass(frozen=True, slots=True)
class ReadSituations:
    """Send the PIN in the locked page, once, then read the practice situations."""

    ticket: int


@dataclass(frozen=True, slots=True)
class ChangePin:
    """Send the PIN and the new one in the locked page: one try."""

    ticket: int


@dataclass(frozen=True, slots=True)
class UnblockPin:
    """Send the code de déblocage and the new PIN in the locked page: one try of the former."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Arm:
    """Digits go into ``slot`` from now on, ``maximum`` in all; ``fresh`` empties it first."""

    maximum: int
    slot: Slot = Slot.OLD
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Disarm:
    """Digits are keys again; ``wipe`` empties the page (not while a secret command is about to take it)."""

    wipe: bool = True


@dataclass(frozen=True, slots=True)
class CheckDoor:
    """Say whether the card in may open the door: admitted, in its hours, its authentication certificate good."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Prove:
    """Send the PIN in the locked page, once, then have a fresh challenge signed by the authentication key."""

    ticket: int


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """One pulse of the relay; ``door/opened`` is in the same step, and on disk before."""


@dataclass(frozen=True, slots=True)
class ResetCard:
    """Make the card forget the PIN."""


@dataclass(frozen=True, slots=True)
class Inform:
    """Gather what the pages of ``topic`` tell; the one answer carries ``ticket``."""

    ticket: int
    topic: Topic


@dataclass(frozen=True, slots=True)
class Keep:
    """A value kept by name across restarts, in the transaction of its step."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Publish ``state/reader`` and ``state/card`` afresh."""


Order = Identify | ReadTries | Sign | ReadSituations | ChangePin | UnblockPin | CheckDoor | Prove | ResetCard
"""What the card is told."""

Effect = Publish | Record | Move | Tell | Finish | Busy | Order | Arm | Disarm | OpenDoor | Announce | Inform | Keep
Step = tuple[Box, tuple[Effect, ...]]
