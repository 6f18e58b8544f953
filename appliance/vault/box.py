"""The box as one value, what can happen to it, and what it then wants done.

What it is: the frozen state of the product, its events and its effects. What it is not: behaviour (flow.py), pictures
(view.py) or input and output (service.py). Rule: no field of any class here can hold a digit of a secret.

Times are seconds of one monotonic clock. ``ticket`` numbers the card work in flight: an answer that carries another
ticket is late and says nothing.
"""

import enum
from dataclasses import dataclass

from appliance.contract.events import Data, Family
from appliance.contract.messages import SignRequest
from appliance.contract.replies import Phase, Result
from appliance.keypad import entry as keys
from appliance.signing.consent import Consent
from appliance.vault.records import RequestState


class State(enum.Enum):
    """Where the box stands; each has its row in ``flow.TABLE`` and its screen in ``view.SCREENS``."""

    STARTING = "starting"
    NO_READER = "no-reader"
    EMPTY = "empty"
    READING = "reading"
    UNREADABLE = "unreadable"
    READY = "ready"
    WAIT_CARD = "wait-card"
    CONSENT = "consent"
    COUNTING = "counting"
    LAST_TRY = "last-try"
    PIN = "pin"
    PIN_WRONG = "pin-wrong"
    SIGNING = "signing"
    RESULT = "result"


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """What the flow and the screens need of an identified card; kept in memory only.

    ``session`` is random for each insertion; ``holder`` the pseudonym of the contract; ``expired`` says that the
    signature certificate's validity has ended; ``tries`` the PIN counter as last read, None once a right PIN filled it.
    """

    session: str
    holder: str
    name: str
    profession: str
    test: bool
    family: Family
    pin_min: int
    pin_max: int
    expired: bool = False
    tries: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Ask:
    """An open request to sign: who asks, what is shown, until when (``expires``, monotonic seconds)."""

    client: str
    request: SignRequest
    consent: Consent
    expires: float

    @property
    def id(self) -> str:
        """The request's UUID as the software wrote it."""
        return self.request.id

    @property
    def of(self) -> int:
        """How many documents one agreement covers."""
        return len(self.request.documents)


@dataclass(frozen=True, slots=True)
class Times:
    """The key times of design §5, in seconds."""

    first_digit: float = 30
    next_digit: float = 15
    entry: float = 60
    reminder: float = 10
    last_try: float = 30
    wait_card: float = 60
    result: float = 5


class Ending(enum.Enum):
    """What a result screen says."""

    DONE = "done"
    REMOVED = "removed"
    BLOCKED = "blocked"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Box:
    """Everything the box knows of itself; the flow maps it to the next one."""

    state: State = State.STARTING
    times: Times = Times()
    reader: bool = False
    link: bool = False
    display: bool = True
    keypad: bool = True
    inserted: str | None = None
    family: Family = "unknown"
    card: Card | None = None
    ask: Ask | None = None
    signer: Card | None = None
    """The card the open request has met, and is bound to."""
    ticket: int = 0
    page: int = 1
    seen: int = 1
    tries: int | None = None
    attempt: int = 1
    entry: keys.Entry | None = None
    results: tuple[Result, ...] = ()
    verified: bool = False
    stop: str | None = None
    until: float | None = None
    fault: str | None = None
    ending: Ending = Ending.OUTCOME
    outcome: str | None = None
    ended: Ask | None = None
    signed: int = 0
    """Documents of ``ended`` that were signed."""

    @property
    def unreadable(self) -> bool:
        """Whether what is in the reader cannot be used; a card that another program holds is only not read yet."""
        return self.inserted is not None and self.fault not in {None, "reader-busy"}


# --- events ---------------------------------------------------------------------------------------------------------


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
class Asked:
    """Software asks for a signature; the request is checked and known nowhere yet."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The opener takes its request back."""

    client: str
    id: str


@dataclass(frozen=True, slots=True)
class TriesRead:
    """The card's own counter, read afresh."""

    ticket: int
    tries: int


@dataclass(frozen=True, slots=True)
class PinRejected:
    """VERIFY was refused; ``tries`` are left."""

    ticket: int
    tries: int


@dataclass(frozen=True, slots=True)
class Signed:
    """One document is signed and the signature verified with the card's certificate."""

    ticket: int
    result: Result


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
class Elapsed:
    """The time ``flow.deadline`` named has come."""


Event = (
    ReaderAttached
    | ReaderLost
    | CardInserted
    | CardRemoved
    | Identified
    | Asked
    | Cancelled
    | TriesRead
    | PinRejected
    | Signed
    | Failed
    | Held
    | DisplayChanged
    | LinkChanged
    | Elapsed
    | keys.KeyEvent
)


# --- effects --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Publish:
    """A public event ``domain/name``, journalled in the transaction of its step."""

    topic: str
    data: Data


@dataclass(frozen=True, slots=True)
class Move:
    """A request's state on disk, in the transaction of its step; ``code`` only with ``failed``.

    ``holder`` is who agreed, for the audit.
    """

    ask: Ask
    to: RequestState
    code: str | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """A progress reply; ``result`` is the document just finished, ``attempt`` counts PIN prompts from 1."""

    ask: Ask
    phase: Phase
    attempt: int | None = None
    done: int | None = None
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """The final reply: results when ``code`` is None, else a problem. ``tries`` only when 0 or 1 are left."""

    ask: Ask
    results: tuple[Result, ...] = ()
    code: str | None = None
    tries: int | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Another request is open: ``ask`` is refused at once and may come again."""

    ask: Ask
    open_id: str


@dataclass(frozen=True, slots=True)
class Identify:
    """Read who the card belongs to."""

    ticket: int


@dataclass(frozen=True, slots=True)
class ReadTries:
    """Read the PIN counter."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign document ``index`` of ``ask``; with ``verify`` the PIN in the locked page is sent first, once."""

    ticket: int
    ask: Ask
    index: int
    verify: bool


@dataclass(frozen=True, slots=True)
class Arm:
    """Digits go into the locked page from now on, behind those already there, ``maximum`` in all."""

    maximum: int


@dataclass(frozen=True, slots=True)
class Disarm:
    """Digits are keys again; ``wipe`` empties the page (not while a VERIFY is about to take it)."""

    wipe: bool = True


@dataclass(frozen=True, slots=True)
class ResetCard:
    """Make the card forget the PIN."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Publish ``state/reader`` and ``state/card`` afresh."""


Effect = Publish | Move | Tell | Finish | Busy | Identify | ReadTries | Sign | Arm | Disarm | ResetCard | Announce
Step = tuple[Box, tuple[Effect, ...]]
