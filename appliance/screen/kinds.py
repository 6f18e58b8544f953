"""What the person can be shown: one frozen struct a screen.

What it is: values, compared with ``==``; equal values give equal pixels. What it is not: pixels (``screens.render``) or
words (``fr.WORDS``). Rule: a struct never holds a PIN digit, and no struct holds a word of a language.
Those around the card's code, the door, the menu and a card at home stand beside it and are found here too.

Texts that come from a card or from practice software (``name``, ``requester``, ``heading``, ``lines`` …) must be
drawable (``text.drawable``): ``screens.render`` raises ``TextNotDrawable`` otherwise, and draws nothing in its place.
A text too long for its row is closed with a visible ``…``, never cut silently; ``Consent.lines``, which a person agrees
to, are never shortened: too long is ``TextNotDrawable``.
"""

from dataclasses import dataclass

from appliance.screen.kinds_code import Changing, Code, CodeEnd, LastTry, Pin, PinBlocked, PinWrong
from appliance.screen.kinds_door import DoorOpen, DoorShut
from appliance.screen.kinds_home import Forgotten, Ready
from appliance.screen.kinds_menu import Choice, KeyGrid, Menu, Page, Pixels, Question

__all__ = [
    "Changing",
    "Choice",
    "Code",
    "CodeEnd",
    "Consent",
    "Done",
    "DoorOpen",
    "DoorShut",
    "Fault",
    "Forgotten",
    "Home",
    "KeyGrid",
    "LastTry",
    "Menu",
    "NotRead",
    "Outcome",
    "Page",
    "Permission",
    "Pin",
    "PinBlocked",
    "PinWrong",
    "Pixels",
    "Question",
    "Read",
    "Reading",
    "Ready",
    "Removed",
    "Screen",
    "SessionOffer",
    "Signing",
    "Start",
    "WaitCard",
]


@dataclass(frozen=True, slots=True)
class Start:
    """The box starts.

    Attributes:
        version: version of the software, ``0.1.0``.
    """

    version: str


@dataclass(frozen=True, slots=True)
class Home:
    """No card is in: « Insérez votre carte » (design §5, *Home*).

    Attributes:
        clock: ``HH:MM`` local time, or ``""`` while the clock is unset (drawn ``--:--``).
        link: the gateway has its broker.
        reader: a reader is attached; False draws « Lecteur absent » in place of the invitation.
        lock: requests are accepted from paired software only (the lock mark); False draws an open lock.
    """

    clock: str
    link: bool
    reader: bool
    lock: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A card was put in and is being read."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What would be signed, for whom, by whom (design §5, *Consent*).

    Page 1 is the summary, without lines: requester, signer, heading. The other pages draw the heading (one row) and the
    lines. The last page draws the fingerprint (in place of the heading if the rows are taken) and, if
    ``content_shown`` is False, the reverse row CONTENU NON AFFICHÉ, as every page but the first does.
    **A consent has two pages or more** (``ValueError`` otherwise: five rows cannot hold it all); where there is no text
    to show, the second page has no lines.

    Attributes:
        requester: label of the pairing, or the client's id in broker mode; one row of 21, else shortened with ``…``
            (then the consent's maker shows it whole in the ``lines`` of a further page).
        paired: False adds « (non appairé) », on a row of its own if need be.
        signer: initial and name on the card; one row, else shortened.
        heading: title of the document, or count and title of a batch; one row of 21, else shortened (two rows on page 1
            if the requester takes one).
        lines: the text of this page: at most ``CONSENT_LINES`` (``CONSENT_LINES_UNSHOWN`` when ``content_shown`` is
            False) strings of at most ``CONSENT_COLUMNS`` characters; none on page 1.
        page: number of this page, from 1.
        pages: how many there are, from 1.
        fingerprint: 16 hexadecimal digits, drawn as 4 groups of 4 (spaces in the value are ignored).
        content_shown: False when the person sees a title and a fingerprint only.
        agree: True once the last page was reached: the keys are then ``A accepter``, else ``C suite``.
    """

    requester: str
    paired: bool
    signer: str
    heading: str
    lines: tuple[str, ...]
    page: int
    pages: int
    fingerprint: str
    content_shown: bool
    agree: bool


@dataclass(frozen=True, slots=True)
class Permission:
    """Software wants to read the practice situations; ``A`` agrees.

    Attributes:
        requester: as in ``Consent``; on two rows of 21 if need be, else shortened with ``…``.
        paired: as in ``Consent``.
    """

    requester: str
    paired: bool


@dataclass(frozen=True, slots=True)
class SessionOffer:
    """What a session would be: ``A`` signs and opens it, ``B`` and ``D`` go back to the consent.

    Attributes:
        signatures: at most so many, 1..20.
        minutes: within so much time, 1..10.
    """

    signatures: int
    minutes: int


@dataclass(frozen=True, slots=True)
class WaitCard:
    """A request waits for a card.

    Attributes:
        requester: as in ``Consent``.
    """

    requester: str


@dataclass(frozen=True, slots=True)
class Signing:
    """The card signs.

    Attributes:
        done: documents signed, 0..of.
        of: documents asked, 1..100.
    """

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Done:
    """Signed.

    Attributes:
        count: documents signed, 1..100.
        content_shown: as in ``Consent``: the screen says whether content or title only was seen.
    """

    count: int
    content_shown: bool


@dataclass(frozen=True, slots=True)
class Read:
    """The practice situations were read and told.

    Attributes:
        count: how many, 0 or more.
    """

    count: int


@dataclass(frozen=True, slots=True)
class NotRead:
    """The practice situations were not told.

    Attributes:
        code: as in ``Outcome``; draws the headline of its notice.
    """

    code: str


@dataclass(frozen=True, slots=True)
class Removed:
    """The card was taken out.

    Attributes:
        needed: a request needed it and is over; False: nothing was going on.
    """

    needed: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """A request ended without success.

    Attributes:
        code: a code of the contract (contract, *Errors*); an unknown one draws the general text and the code.
        signed: documents signed all the same, 0..of: then the screen says how many, whatever the code.
        of: documents asked.
    """

    code: str
    signed: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """The box, its reader or the card cannot serve.

    Attributes:
        code: a code of ``appliance.errors``; an unknown one draws the general text and the code.
    """

    code: str


Screen = (
    Start
    | Home
    | Reading
    | Ready
    | Forgotten
    | Menu
    | Page
    | Choice
    | Question
    | Pixels
    | KeyGrid
    | Consent
    | Permission
    | SessionOffer
    | Pin
    | Code
    | LastTry
    | PinWrong
    | PinBlocked
    | Changing
    | CodeEnd
    | DoorOpen
    | DoorShut
    | WaitCard
    | Signing
    | Done
    | Read
    | NotRead
    | Removed
    | Outcome
    | Fault
)
