"""What the LED shows and what the buzzer says: tables from the box's state and events.

What it is: state -> ``Lamp``, event -> ``Tone``, and what a pattern is at a moment. What it is not: pins
(``vault/signals.py``). Rule: pure; every state has a lamp; no two lamps blink alike, so that who does not see colours
sees the same; while a code is typed the LED stands still and every key sounds the same, so that neither tells a digit.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, get_args

from appliance.keypad.entry import AgreeHeld, KeyEvent, KeyFault, NextHeld, Probed
from appliance.vault.box import Box, Ending, Probe, State

Colour = tuple[bool, bool, bool]
"""Red, green, blue."""

DARK: Final[Colour] = (False, False, False)
RED: Final[Colour] = (True, False, False)
GREEN: Final[Colour] = (False, True, False)
BLUE: Final[Colour] = (False, False, True)
WHITE: Final[Colour] = (True, True, True)


@dataclass(frozen=True, slots=True)
class Lamp:
    """A colour, and how it blinks: seconds on, off, on, off … over and over; empty: steadily on."""

    colour: Colour
    beats: tuple[float, ...] = ()

    def phase(self, since: float) -> tuple[Colour, float | None]:
        """The colour ``since`` seconds after it began, and in how many seconds it changes; None: never."""
        if not self.beats:
            return self.colour, None
        on, left = beat(self.beats, since % sum(self.beats))
        return (self.colour if on else DARK), left or self.beats[0]  # 0: a rounding at the very end of a round


def beat(beats: tuple[float, ...], since: float) -> tuple[bool, float]:
    """Whether ``beats`` (seconds on, off, on …) are on, and for how many seconds more; off for 0.0 when they end."""
    for place, length in enumerate(beats):
        if since < length:
            return place % 2 == 0, length - since
        since -= length
    return False, 0.0


class Meaning(enum.Enum):
    """What the LED has to say."""

    EMPTY = "no card"
    READY = "card in"
    WORKING = "leave the card"
    ASKING = "look at the display"
    CODE = "type the code"
    GOOD = "done"
    BAD = "refused or failed"
    FAULT = "out of order"


LAMPS: Final[Mapping[Meaning, Lamp]] = MappingProxyType(
    {
        Meaning.EMPTY: Lamp(GREEN, (0.1, 7.9)),
        Meaning.READY: Lamp(GREEN, (7.9, 0.1)),
        Meaning.WORKING: Lamp(BLUE, (0.5, 0.5)),
        Meaning.ASKING: Lamp(WHITE, (0.8, 0.2)),
        Meaning.CODE: Lamp(BLUE),
        Meaning.GOOD: Lamp(GREEN, (0.2, 0.2)),
        Meaning.BAD: Lamp(RED, (0.1, 0.1)),
        Meaning.FAULT: Lamp(RED, (0.1, 0.2, 0.1, 1.6)),
    }
)
"""At rest (no card, card in) the LED changes twice in eight seconds. Steady is the code alone."""

MEANINGS: Final[Mapping[State, Meaning]] = MappingProxyType(
    {
        State.STARTING: Meaning.WORKING,
        State.NO_READER: Meaning.FAULT,
        State.EMPTY: Meaning.EMPTY,
        State.READING: Meaning.WORKING,
        State.UNREADABLE: Meaning.BAD,
        State.READY: Meaning.READY,
        State.MENU: Meaning.ASKING,
        State.PAGE: Meaning.ASKING,
        State.CHOICE: Meaning.ASKING,
        State.SELFTEST: Meaning.ASKING,
        State.WAIT_CARD: Meaning.ASKING,
        State.CONSENT: Meaning.ASKING,
        State.SESSION: Meaning.ASKING,
        State.CHECKING: Meaning.WORKING,
        State.COUNTING: Meaning.WORKING,
        State.LAST_TRY: Meaning.ASKING,
        State.PIN: Meaning.CODE,
        State.NEW_PIN: Meaning.CODE,
        State.AGAIN: Meaning.CODE,
        State.PIN_WRONG: Meaning.BAD,
        State.SIGNING: Meaning.WORKING,
        State.WORKING: Meaning.WORKING,
    }
)
"""State -> meaning. ``RESULT`` has none of its own: it has that of what ended (``_result``)."""

PROBED: Final[Mapping[Probe, Lamp]] = MappingProxyType(
    {Probe.RED: Lamp(RED), Probe.GREEN: Lamp(GREEN), Probe.BLUE: Lamp(BLUE), Probe.WHITE: Lamp(WHITE)}
)
"""Step of the self-test -> what is looked at. Steady, and no code is typed: that is said on the display."""

HOME: Final = frozenset({State.EMPTY, State.READY})
"""Where a locked box says that it is."""

DONE: Final = frozenset({None, "changed", "unblocked", "opened"})
"""Outcomes that are what was wanted (``flow_ends.finish``, ``flow_code``)."""


def meaning(box: Box) -> Meaning:
    """What the LED has to say of ``box``."""
    if not (box.display and box.keypad):
        return Meaning.FAULT
    if box.locked and box.state in HOME:
        return Meaning.FAULT
    return _result(box) if box.state is State.RESULT else MEANINGS[box.state]


def _result(box: Box) -> Meaning:
    """How something ended; a card taken out while nothing was open is no failure."""
    if box.ended is None and box.ending is Ending.REMOVED:
        return Meaning.EMPTY
    return Meaning.GOOD if box.outcome in DONE else Meaning.BAD


def lamp(box: Box) -> Lamp:
    """The LED for ``box``; the self-test shows each colour by itself."""
    tested = PROBED.get(box.selftest.probe) if box.selftest and box.state is State.SELFTEST else None
    return tested or LAMPS[meaning(box)]


class Tone(enum.Enum):
    """What the buzzer says: seconds on, off, on …, all at one pitch."""

    KEY = (0.03,)
    CALL = (0.1, 0.1, 0.1)
    GOOD = (0.15,)
    BAD = (0.4,)


KEYS: Final = (*(kind for kind in get_args(KeyEvent) if kind not in {AgreeHeld, NextHeld, KeyFault}), Probed)
"""One event for each press of a key."""

CALLS: Final = frozenset({State.WAIT_CARD, State.CONSENT})
"""Software asks something, and the person may be looking at another screen."""

ENDS: Final[Mapping[Meaning, Tone]] = MappingProxyType({Meaning.GOOD: Tone.GOOD, Meaning.BAD: Tone.BAD})


def tone(event: object, before: Box, box: Box) -> Tone | None:
    """What to say after ``event`` turned ``before`` into ``box``; a key sounds the same whatever it did."""
    if box.state is State.SELFTEST and box.selftest and box.selftest.probe is Probe.TONE:
        return Tone.CALL if isinstance(event, KEYS) else None
    if isinstance(event, KEYS):
        return Tone.KEY
    if box.reminder and not before.reminder:
        return Tone.CALL
    if box.state is before.state:
        return None
    if box.state in CALLS and before.state not in CALLS:
        return Tone.CALL
    return ENDS.get(meaning(box)) if box.state in {State.RESULT, State.PIN_WRONG, State.UNREADABLE} else None


@dataclass(frozen=True, slots=True)
class Contact:
    """A switch after debounce: ``closed`` as last believed, ``since`` when another level was first seen, else None."""

    closed: bool
    since: float | None = None

    def feed(self, closed: bool, now: float, settle: float) -> "Contact":  # noqa: FBT001 - the level that was read
        """Take the level read at ``now``: another one is believed when it has lasted ``settle`` seconds."""
        if closed is self.closed:
            return Contact(self.closed)
        since = now if self.since is None else self.since
        return Contact(closed) if now >= since + settle else Contact(self.closed, since)
