"""What the person can be shown from the menu: pages of facts, lists of choices, the box's self-test.

What it is: the part of ``kinds`` for these screens, and the facts that pages tell. What it is not: pixels
(``pages_menu.py``) or words. Rule: no RPPS, no serial number, no secret; texts are drawable, as in ``kinds``.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "FACE",
    "AboutBox",
    "CardIn",
    "Choice",
    "Facts",
    "Happening",
    "Happenings",
    "KeyGrid",
    "Menu",
    "Network",
    "Page",
    "Pixels",
    "Question",
    "Report",
]

FACE = "123A456B789C*0#D"
"""The keys as they are printed on the keypad, row by row (design §5)."""

Verdict = Literal["ok", "fault", "absent", "skipped"]


@dataclass(frozen=True, slots=True)
class Menu:
    """What the person can do.

    Attributes:
        entries: names of the entries (keys of ``Words.menu``), one or more.
        chosen: the entry that ``A`` takes, from 1; drawn in reverse video.
    """

    entries: tuple[str, ...]
    chosen: int


@dataclass(frozen=True, slots=True)
class Network:
    """The way to the broker.

    Attributes:
        broker: its host, as configured.
        own: it is the box's own.
        encrypted: the way to it is TLS.
        up: it is reached.
        since: ``HH:MM`` of the last change, ``""`` while unknown.
        device: the box's name in topics.
        addresses: the box's own addresses, as the gateway has them; none while it has not said.
    """

    broker: str
    own: bool
    encrypted: bool
    up: bool
    since: str
    device: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class CardIn:
    """The card in, without any number of its holder.

    Attributes:
        name: initial and name, or whom a card without a name was issued to.
        profession: label; ``""`` for none.
        kind: type in print: ``CPS``, ``CPF`` …; ``""`` where it is not known.
        family: ``cps3``, ``cps4`` or ``unknown``.
        until: ``DD/MM/YYYY``, the last day of its signature certificate; ``""`` where it is not known.
        tries: PIN tries left, None right after a right code: all of them.
        puk: whether the card describes a code de déblocage; ``puk_tries`` as ``tries``.
        trust: what its certificate is worth (a key of ``MenuWords.trust``).
        test: it is a test card.
    """

    name: str
    profession: str
    kind: str
    family: str
    until: str
    tries: int | None
    puk: bool
    puk_tries: int | None
    trust: str
    test: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """One public event: ``DD/MM`` and ``HH:MM`` local time, and its ``domain/name``."""

    day: str
    time: str
    topic: str


@dataclass(frozen=True, slots=True)
class Happenings:
    """The last public events, the latest first; none before the first."""

    latest: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class AboutBox:
    """Which box this is.

    Attributes:
        version: of the software. ``contract``: of the MQTT contract. ``device``: its name in topics.
        memory: where digits stand while they are typed (a key of ``MenuWords.memories``).
        package: SHA-256 over the installed package's files, 64 hexadecimal digits; the first 16 are drawn.
    """

    version: str
    contract: str
    device: str
    memory: str
    package: str


@dataclass(frozen=True, slots=True)
class Report:
    """How the self-test ended.

    Attributes:
        rows: name of a part (a key of ``MenuWords.parts``) and what became of it, in order.
        keys: how many of the 16 keys were seen.
        memory: as in ``AboutBox``.
    """

    rows: tuple[tuple[str, Verdict], ...]
    keys: int
    memory: str


Facts = Network | CardIn | Happenings | AboutBox | Report


@dataclass(frozen=True, slots=True)
class Page:
    """One page of facts.

    Attributes:
        topic: name of the entry it was opened from (a key of ``Words.menu``): the title.
        facts: None while they are gathered.
        page: from 1; beyond the last is a ``ValueError``.
    """

    topic: str
    facts: Facts | None
    page: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """A list to choose from.

    Attributes:
        setting: what is set (a key of ``Words.menu``): the title.
        options: what may be chosen (keys of ``MenuWords.options`` of that setting).
        chosen: the option that ``A`` takes, from 1; drawn in reverse video.
        current: the option in use, from 1; it has a mark.
    """

    setting: str
    options: tuple[str, ...]
    chosen: int
    current: int


@dataclass(frozen=True, slots=True)
class Pixels:
    """Every pixel lit, or none: a dead one shows. No words, no frame."""

    lit: bool


@dataclass(frozen=True, slots=True)
class Question:
    """Something to look at or to hear: ``A`` it is so, ``C`` it is not.

    Attributes:
        step: a key of ``MenuWords.questions``.
    """

    step: str


@dataclass(frozen=True, slots=True)
class KeyGrid:
    """The sixteen keys, those that were seen in reverse video; no secret is typed here.

    Attributes:
        seen: places of ``FACE`` that were pressed.
    """

    seen: frozenset[int]
