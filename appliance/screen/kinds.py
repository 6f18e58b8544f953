"""What the person can be shown: one frozen struct a screen.

What it is: values, compared with ``==``; equal values give equal pixels. What it is not: pixels (``screens.render``) or
words (``fr.WORDS``). Rule: a struct never holds a PIN digit, and no struct holds a word of a language.

Texts that come from a card or from practice software (``name``, ``requester``, ``heading``, ``lines`` …) must be
drawable (``text.drawable``): ``screens.render`` raises ``TextNotDrawable`` otherwise, and draws nothing in its place.
A text too long for its row is closed with a visible ``…``, never cut silently; ``Consent.lines``, which a person agrees
to, are never shortened: too long is ``TextNotDrawable``.
"""

from dataclasses import dataclass

__all__ = [
    "Consent",
    "Done",
    "Fault",
    "Home",
    "LastTry",
    "Outcome",
    "Pin",
    "PinBlocked",
    "PinWrong",
    "Reading",
    "Ready",
    "Removed",
    "Screen",
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
class Ready:
    """Who is in.

    Attributes:
        name: initial and name, ``C. MARTIN``.
        profession: label of the profession, at most two rows of 21 characters.
        test: the card is a test card: TEST in reverse video.
        clock: as in ``Home``.
        link: as in ``Home``.
        lock: as in ``Home``.
    """

    name: str
    profession: str
    test: bool
    clock: str
    link: bool
    lock: bool = False


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
class Pin:
    """The PIN is being typed (design §5, *PIN*): a padlock frame that no text can draw.

    Attributes:
        marks: how many digits were typed, 0..12, else ``TextNotDrawable``; a mark each, never a digit.
        tries: tries left, from the card's counter.
        remaining: part of the time left, 1.0 (all) .. 0.0 (none); clamped.
        reminder: True adds « valider avec # ».
    """

    marks: int
    tries: int
    remaining: float
    reminder: bool


@dataclass(frozen=True, slots=True)
class LastTry:
    """One try is left: a second confirmation, ``A`` goes on, ``D`` cancels.

    Attributes:
        remaining: as in ``Pin``.
    """

    remaining: float


@dataclass(frozen=True, slots=True)
class PinWrong:
    """The card refused the PIN.

    Attributes:
        tries: tries left, 1 or more.
    """

    tries: int


@dataclass(frozen=True, slots=True)
class PinBlocked:
    """No try is left: the unblocking code is in the letter."""


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
    | Consent
    | Pin
    | LastTry
    | PinWrong
    | PinBlocked
    | WaitCard
    | Signing
    | Done
    | Removed
    | Outcome
    | Fault
)
