"""The box as one value: where it stands, and everything it knows.

What it is: the frozen state of the product. What it is not: what happens to it (flow_events.py), what it then wants
done (flow_effects.py) or behaviour (flow.py). Rule: no field of any class here can hold a digit of a secret.

Times are seconds of one monotonic clock. ``ticket`` numbers the card work in flight: an answer that carries another
ticket is late and says nothing.
"""

import enum
from dataclasses import dataclass

from appliance.contract.events import Family, Trust
from appliance.contract.messages import Format, PracticeRequest, SignRequest
from appliance.contract.replies import Result
from appliance.keypad import entry as keys
from appliance.screen.kinds_menu import Facts
from appliance.signing.consent import Consent
from appliance.vault.settings import FIRST, Setting, Settings


class State(enum.Enum):
    """Where the box stands; each has its row in ``flow.TABLE`` and its screen in ``view.SCREENS``."""

    STARTING = "starting"
    NO_READER = "no-reader"
    EMPTY = "empty"
    READING = "reading"
    UNREADABLE = "unreadable"
    READY = "ready"
    MENU = "menu"
    PAGE = "page"
    CHOICE = "choice"
    SELFTEST = "selftest"
    WAIT_CARD = "wait-card"
    CONSENT = "consent"
    SESSION = "session"
    CHECKING = "checking"
    COUNTING = "counting"
    LAST_TRY = "last-try"
    PIN = "pin"
    NEW_PIN = "new-pin"
    AGAIN = "again"
    PIN_WRONG = "pin-wrong"
    SIGNING = "signing"
    WORKING = "working"
    RESULT = "result"


AT_WORK = frozenset({State.SIGNING, State.WORKING})
"""The card is at work with a secret behind it: only its own answer ends what is going on."""


ON_MENU = frozenset({State.MENU, State.PAGE, State.CHOICE, State.SELFTEST})
"""The person has the menu in hand, or what it opens: no software brings up anything."""


class Topic(enum.Enum):
    """What a page tells of; the value is its name in the menu."""

    CARD = "card"
    EVENTS = "events"
    NETWORK = "network"
    SELFTEST = "selftest"
    ABOUT = "about"


class Probe(enum.Enum):
    """The self-test, step by step, in order."""

    INTRO = "intro"
    LIT = "lit"
    DARK = "dark"
    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    WHITE = "white"
    TONE = "tone"
    KEYS = "keys"


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Where the self-test stands: what was not as it should be, and the places of ``FACE`` that were pressed."""

    probe: Probe = Probe.INTRO
    bad: frozenset[Probe] = frozenset()
    seen: frozenset[int] = frozenset()


class Errand(enum.Enum):
    """What a person has chosen to do with the card's code, without any software."""

    CHANGE = "change"
    UNBLOCK = "unblock"
    DOOR = "door"


RENEWALS = frozenset({Errand.CHANGE, Errand.UNBLOCK})
"""Errands that give the card another code."""


class Case(enum.Enum):
    """The box's own case, in the words of ``state/tamper``."""

    ABSENT = "absent"
    """No switch is fitted: nothing is known of it."""
    CLOSED = "closed"
    LOCKED = "locked"
    """Closed again, and not armed again yet."""
    OPEN = "open"


class Hint(enum.Enum):
    """Why the new code is asked for again."""

    SAME = "same"
    DIFFER = "differ"


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """What the flow and the screens need of an identified card; kept in memory only.

    ``session`` is random for each insertion; ``holder`` the pseudonym of the contract; ``barred`` is the contract's
    code of what keeps this card from signing, None when nothing does; ``trust`` what its certificates are worth;
    ``tries`` and ``puk_tries`` are the counters as last read, None once a right code filled them. Lengths are digits.
    """

    session: str
    holder: str
    name: str
    profession: str
    test: bool
    family: Family
    pin_min: int
    pin_max: int
    barred: str | None = None
    trust: Trust = "unknown"
    tries: int | None = None
    puk_min: int = 8
    puk_max: int = 8
    puk: bool = True
    """Whether the card describes a code de déblocage."""
    puk_tries: int | None = None


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

    @property
    def pages(self) -> int:
        """How many pages are read before ``A`` counts."""
        return len(self.consent.pages)


@dataclass(frozen=True, slots=True, repr=False)
class Look:
    """An open request to read the practice situations, which stand behind the PIN (contract, ``practice``)."""

    client: str
    request: PracticeRequest
    expires: float

    @property
    def id(self) -> str:
        """As in ``Ask``."""
        return self.request.id

    @property
    def pages(self) -> int:
        """As in ``Ask``: one screen says it all."""
        return 1


AnyAsk = Ask | Look


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
    menu: float = 30
    forgotten: float | None = None
    """At home with a card and nobody there, until the card is said to be forgotten; None: never."""
    reminded: float = 120
    """How long home says so."""


@dataclass(frozen=True, slots=True)
class SessionRule:
    """What a session may be at most on this box (design §5): signatures, and ``seconds``."""

    signatures: int = 20
    seconds: float = 600


@dataclass(frozen=True, slots=True)
class DoorRule:
    """How this box opens its door: by the card's ``presence_only``, and unasked as soon as a card is in."""

    presence_only: bool = False
    at_insertion: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """An open session: no code for this ``client``, this ``card`` and this ``format``, until ``until``.

    ``left`` signatures remain of ``of``; the request that opened it counts, the one in hand not yet. ``over`` is why it
    has ended, while a document under it is still in the card: nothing further is signed, and its end is said then.
    """

    client: str
    card: Card
    format: Format
    until: float
    left: int
    of: int
    over: str | None = None


class Ending(enum.Enum):
    """What a result screen says."""

    DONE = "done"
    REMOVED = "removed"
    BLOCKED = "blocked"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Box:
    """Everything the box knows of itself; the flow maps it to the next one.

    Of ``ask`` and ``errand`` at most one is there. ``signer`` is the card that either has met and is bound to.
    """

    state: State = State.STARTING
    times: Times = Times()
    sessions: SessionRule | None = None
    """None: no session can be opened."""
    door: DoorRule | None = None
    """None: this box opens no door."""
    entered: str | None = None
    """The insertion for which the door was opened last: there is one pulse for each."""
    settings: Settings = FIRST
    reader: bool = False
    link: bool = False
    display: bool = True
    keypad: bool = True
    case: Case = Case.ABSENT
    inserted: str | None = None
    family: Family = "unknown"
    card: Card | None = None
    ask: AnyAsk | None = None
    errand: Errand | None = None
    signer: Card | None = None
    session: Session | None = None
    wanted: bool = False
    """The person has agreed to a session together with the open request."""
    ticket: int = 0
    page: int = 1
    """The page of consent or facts, or the entry of the menu or of a list, from 1."""
    row: int = 1
    """The entry of the menu that was chosen last, from 1."""
    topic: Topic | None = None
    facts: Facts | None = None
    """What the page tells; None while it is gathered."""
    setting: Setting | None = None
    selftest: SelfTest | None = None
    seen: int = 1
    poised: bool = False
    """The last ``C`` went down when the last page was shown already: held, it may offer a session."""
    tries: int | None = None
    attempt: int = 1
    entry: keys.Entry | None = None
    hint: Hint | None = None
    results: tuple[Result, ...] = ()
    verified: bool = False
    """The PIN's being right was told, or the session's PIN serves."""
    stop: str | None = None
    until: float | None = None
    fault: str | None = None
    ending: Ending = Ending.OUTCOME
    outcome: str | None = None
    ended: AnyAsk | Errand | None = None
    """What the result screen speaks of."""
    offer: str | None = None
    """The insertion whose card was found blocked, and may be unblocked from the result screen."""
    signed: int = 0
    """Documents of ``ended`` that were signed, or situations that were read."""
    left: str | None = None
    """The insertion whose hour to be out has come, until that is said."""
    reminded: str | None = None
    """The insertion that was last said to be forgotten: once for each."""
    reminder: bool = False
    """Home says so now."""

    @property
    def locked(self) -> bool:
        """Whether the case was opened and nobody armed the box again: no code, no signature."""
        return self.case in {Case.LOCKED, Case.OPEN}

    @property
    def unreadable(self) -> bool:
        """Whether what is in the reader cannot be used; a card that another program holds is only not read yet."""
        return self.inserted is not None and self.fault not in {None, "reader-busy"}

    @property
    def engaged(self) -> bool:
        """Whether software or the person has something open that the card's removal would end."""
        return self.ask is not None or self.errand is not None
