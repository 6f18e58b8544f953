"""A 4x4 matrix as pure functions: scan, debounce, second keys, ghosts, stuck keys.

What it is: ``Debounce``, a value that takes one scan and gives the next value and at most one event. What it is not:
pins (``vault/keys``) or meanings (``entry``). A press is said as soon as it is stable; that it lasts is a second event,
so that no key waits to be judged.
Rule: a scan is a mask of 16 bits, bit = row * 4 + column, 1 = closed; only a key that is alone is ever a key.

Without diodes three keys of a rectangle show the fourth (hardware.md §F): no scan with more than one key is believed.
"""

import dataclasses
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ROWS: Final = 4
COLUMNS: Final = 4
LAYOUT: Final = "123A456B789C*0#D"
"""The keys of design §5, ``LAYOUT[row * 4 + column]``."""

STABLE_SCANS: Final = 3
SCAN_INTERVAL: Final = 0.005
"""Seconds between two scans of a debounce (hardware.md §F: 3 equal scans, 5 ms apart)."""
HELD_AFTER: Final = 1.0
"""Seconds after which a key that stays down is held (design §5)."""
STUCK_AFTER: Final = 10.0
"""Seconds a key may stay down (hardware.md §F)."""


@dataclass(frozen=True, slots=True)
class KeyDown:
    """One key alone, stable; ``position`` is row * 4 + column."""

    position: int


@dataclass(frozen=True, slots=True)
class KeyHeld:
    """The key of the last ``KeyDown`` is down still, ``HELD_AFTER`` later; once a press."""

    position: int


@dataclass(frozen=True, slots=True)
class KeyUp:
    """All keys released, stable: the next key may come."""


@dataclass(frozen=True, slots=True)
class Ghost:
    """More than one key closed, or one slid into another: refused until all are released; a key may be missed."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """Something has been closed for more than ``STUCK_AFTER``."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What was stuck is released."""


MatrixEvent = KeyDown | KeyHeld | KeyUp | Ghost | Stuck | Freed


class Phase(enum.Enum):
    """Where the matrix stands after debounce."""

    RELEASED = enum.auto()
    DOWN = enum.auto()
    HELD = enum.auto()
    REFUSED = enum.auto()
    STUCK = enum.auto()


class _Seen(enum.Enum):
    """What the scans since the last release add up to."""

    NOTHING = enum.auto()
    MISSED = enum.auto()
    KEY = enum.auto()
    SEVERAL = enum.auto()
    UNSURE = enum.auto()


# What they do; every pair that is not here changes nothing and says nothing.
_STEPS: Final[dict[tuple[Phase, _Seen], tuple[Phase, MatrixEvent | None]]] = {
    (Phase.RELEASED, _Seen.SEVERAL): (Phase.REFUSED, Ghost()),
    (Phase.RELEASED, _Seen.MISSED): (Phase.RELEASED, Ghost()),
    (Phase.DOWN, _Seen.NOTHING): (Phase.RELEASED, KeyUp()),
    (Phase.DOWN, _Seen.SEVERAL): (Phase.REFUSED, Ghost()),
    (Phase.HELD, _Seen.NOTHING): (Phase.RELEASED, KeyUp()),
    (Phase.HELD, _Seen.SEVERAL): (Phase.REFUSED, Ghost()),
    (Phase.REFUSED, _Seen.NOTHING): (Phase.RELEASED, KeyUp()),
    (Phase.STUCK, _Seen.NOTHING): (Phase.RELEASED, Freed()),
}


_DOWN: Final = (Phase.DOWN, Phase.HELD)
"""One key alone is down."""


def mask(rows: Sequence[Sequence[bool]]) -> int:
    """The scan as 16 bits from what the columns read for each row, True = closed; short rows count as open."""
    return sum(1 << (row * COLUMNS + column) for row, read in enumerate(rows) for column, on in enumerate(read) if on)


def pressed(scan: int) -> frozenset[int]:
    """The positions closed in a scan."""
    return frozenset(position for position in range(ROWS * COLUMNS) if scan >> position & 1)


def is_ghostly(scan: int) -> bool:
    """Whether the scan holds a rectangle, so that one of its four corners may be nobody's finger."""
    rows = [scan >> row * COLUMNS & 0xF for row in range(ROWS)]
    shared = (one & other for n, one in enumerate(rows) for other in rows[n + 1 :])
    return any(columns.bit_count() > 1 for columns in shared)


@dataclass(frozen=True, slots=True)
class Debounce:
    """The matrix after the last scan.

    ``count`` equal scans of ``candidate`` so far (capped); ``position`` of the key that is down; ``since`` when
    something was first accepted as closed, on the caller's monotonic clock. ``seen``: all that was closed since the
    last release; ``strays``: scans with another key than the one that is down. Two fingers that roll over one another
    may never give equal scans: a key that was seen beside another is refused, though no scan of both was stable.
    """

    phase: Phase = Phase.RELEASED
    candidate: int = 0
    count: int = 0
    position: int = -1
    since: float = 0.0
    seen: int = 0
    strays: int = 0

    @property
    def stable(self) -> bool:
        """Whether the last scans agree."""
        return self.count >= STABLE_SCANS

    @property
    def at_rest(self) -> bool:
        """Whether nothing is closed and the scans agree: the edges may watch."""
        return self.stable and self.phase is Phase.RELEASED and self.candidate == 0

    def feed(self, scan: int, now: float) -> tuple["Debounce", MatrixEvent | None]:
        """Take one scan made at ``now`` (seconds)."""
        if scan == 0 and self.at_rest:  # two hundred times a second while a secret is typed
            return self, None
        state = dataclasses.replace(
            self,
            candidate=scan,
            count=min(self.count + 1, STABLE_SCANS) if scan == self.candidate else 1,
            seen=self.seen | scan,
            strays=self.strays + bool(self.phase in _DOWN and scan & ~(1 << self.position)),
        )
        if state.phase in (*_DOWN, Phase.REFUSED) and now - state.since > STUCK_AFTER:
            return dataclasses.replace(state, phase=Phase.STUCK), Stuck()
        seen = _look(state)
        if (state.phase, seen) == (Phase.RELEASED, _Seen.KEY):
            position = scan.bit_length() - 1
            return dataclasses.replace(state, phase=Phase.DOWN, position=position, since=now), KeyDown(position)
        if (state.phase, seen) == (Phase.DOWN, _Seen.KEY) and now - state.since >= HELD_AFTER:
            return dataclasses.replace(state, phase=Phase.HELD), KeyHeld(state.position)
        if seen in {_Seen.NOTHING, _Seen.MISSED}:
            state = dataclasses.replace(state, seen=0, strays=0)
        phase, event = _STEPS.get((state.phase, seen), (state.phase, None))
        since = now if state.phase is Phase.RELEASED else state.since
        position = -1 if phase is Phase.RELEASED else state.position
        return dataclasses.replace(state, phase=phase, position=position, since=since), event


def _look(state: Debounce) -> _Seen:
    if state.phase in _DOWN and state.strays >= STABLE_SCANS:
        return _Seen.SEVERAL
    if not state.stable:
        return _Seen.UNSURE
    several = state.phase is Phase.RELEASED and state.seen.bit_count() > 1
    if state.candidate == 0:
        return _Seen.MISSED if several else _Seen.NOTHING
    return _Seen.SEVERAL if several else _Seen.KEY
