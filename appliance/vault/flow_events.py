"""What can happen to the box.

What it is: one frozen class an event, and their union. What it is not: who makes them (service.py, cards.py, keys.py,
reception.py) or what follows (flow.py). Rule: no event can hold a digit of a secret; a ``ticket`` names the order that
an answer belongs to.
"""

from dataclasses import dataclass, field

from appliance.card.activity import Situation
from appliance.contract.events import Family, Trust
from appliance.contract.replies import Result
from appliance.keypad import entry as keys
from appliance.screen.kinds_menu import Facts
from appliance.vault.flow_box import AnyAsk, Card


@dataclass(frozen=True, slots=True)
class ReaderAttached:
    """A reader is there and usable."""


@dataclass(frozen=True, slots=True)
class ReaderLost:
    """No reader is usable; ``code`` is reader-absent or reader-busy."""

    code: str


@dataclass(frozen=True, slots=True)
class CardInserted:
    """A card is in; ``session`` is its random name, ``patient`` is true for a Vitale card, known by ATR only."""

    session: str
    family: Family = "unknown"
    patient: bool = False


@dataclass(frozen=True, slots=True)
class CardRemoved:
    """The card left."""


@dataclass(frozen=True, slots=True)
class Identified:
    """The card said who it belongs to."""

    ticket: int
    card: Card


@dataclass(frozen=True, slots=True)
class Judged:
    """What the card in is worth now: the clock, the store or its own time may have moved since it came in.

    ``session`` is the insertion that was judged, ``test`` and ``barred`` are as in ``Card``.
    """

    session: str
    trust: Trust
    test: bool
    barred: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Software asks for what needs the person; the request is checked and known nowhere yet."""

    ask: AnyAsk


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The opener takes its request back."""

    client: str
    id: str


@dataclass(frozen=True, slots=True)
class TriesRead:
    """The counter that was asked for, read afresh."""

    ticket: int
    tries: int


@dataclass(frozen=True, slots=True)
class DoorChecked:
    """Whether the card in may open the door now: ``code`` says why not, None when it may."""

    ticket: int
    code: str | None


@dataclass(frozen=True, slots=True)
class Proven:
    """The card took the PIN and signed a fresh challenge, verified with its authentication certificate."""

    ticket: int


@dataclass(frozen=True, slots=True)
class PinRejected:
    """The PIN was refused; ``tries`` are left."""

    ticket: int
    tries: int


@dataclass(frozen=True, slots=True)
class PukRejected:
    """The code de déblocage was refused; ``tries`` are left."""

    ticket: int
    tries: int


@dataclass(frozen=True, slots=True)
class Signed:
    """One document is signed and the signature verified with the card's certificate."""

    ticket: int
    result: Result


@dataclass(frozen=True, slots=True)
class Changed:
    """The new PIN is the card's, by a change or by unblocking."""

    ticket: int


@dataclass(frozen=True, slots=True)
class SituationsRead:
    """The practice situations, after a right PIN."""

    ticket: int
    situations: tuple[Situation, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Checks:
    """What the self-test's report needs of the shell: whether the clock is set, and where digits stand."""

    clock: bool
    memory: str


@dataclass(frozen=True, slots=True)
class Informed:
    """What a page tells."""

    ticket: int
    facts: Facts | Checks


@dataclass(frozen=True, slots=True)
class Failed:
    """Card work ended with an error of appliance.errors."""

    ticket: int
    code: str


@dataclass(frozen=True, slots=True)
class Held:
    """Another program holds the card; the work is tried again."""

    ticket: int


@dataclass(frozen=True, slots=True)
class DisplayChanged:
    """The display began or ceased to answer."""

    ok: bool


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The broker is, or is no longer, reachable."""

    up: bool


@dataclass(frozen=True, slots=True)
class CaseChanged:
    """The box's own case was opened or closed."""

    opened: bool


@dataclass(frozen=True, slots=True)
class Rearmed:
    """An admin wants the box armed again after its case was open."""


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """The panel button went down: somebody is there, and nobody agrees to anything."""


@dataclass(frozen=True, slots=True)
class CardLeft:
    """The hour has come at which no card should be in; ``session`` is the insertion that is."""

    session: str


@dataclass(frozen=True, slots=True)
class Elapsed:
    """The time ``flow.deadline`` named has come."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The box goes down on purpose."""


Event = (
    ReaderAttached
    | ReaderLost
    | CardInserted
    | CardRemoved
    | Identified
    | Judged
    | Asked
    | Cancelled
    | TriesRead
    | DoorChecked
    | Proven
    | PinRejected
    | PukRejected
    | Signed
    | Changed
    | SituationsRead
    | Informed
    | Failed
    | Held
    | DisplayChanged
    | LinkChanged
    | CaseChanged
    | Rearmed
    | ButtonPressed
    | CardLeft
    | Elapsed
    | Stopping
    | keys.KeyEvent
    | keys.Probed
)
