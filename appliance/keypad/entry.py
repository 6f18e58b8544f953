"""What a key means once it is a key, and the timers of a secret entry.

What it is: the events the rest of the vault sees (``KeyEvent``), and ``Entry``: counts and times. What it is not: a
place for digits: ``Digit()`` has no value, the digit itself is already in the locked page (design §3).
Rule: times are seconds of whatever monotonic clock the caller reads; nothing here reads one.
"""

import dataclasses
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Digit:
    """A digit key, and its digit was written: one event is exactly one digit more in the page."""


@dataclass(frozen=True, slots=True)
class Full:
    """A digit key that wrote nothing: the slot holds its maximum, or no secret is asked for."""


@dataclass(frozen=True, slots=True)
class Clear:
    """``*``: erase all; in the secret state the slot is empty already."""


@dataclass(frozen=True, slots=True)
class Validate:
    """``#``."""


@dataclass(frozen=True, slots=True)
class Same:
    """``#`` under a new code that is the one typed before it; compared in the page, in place of ``Validate``."""


@dataclass(frozen=True, slots=True)
class Differ:
    """``#`` under the repeated code, which is not the new one; in place of ``Validate``."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """``D``: refuse or cancel, everywhere."""


@dataclass(frozen=True, slots=True)
class Agree:
    """``A``."""


@dataclass(frozen=True, slots=True)
class Previous:
    """``B``: previous page."""


@dataclass(frozen=True, slots=True)
class Next:
    """``C``: next page."""


@dataclass(frozen=True, slots=True)
class AgreeHeld:
    """``A`` is still down ``matrix.HELD_AFTER`` seconds after its ``Agree``; never while a secret is typed."""


@dataclass(frozen=True, slots=True)
class NextHeld:
    """``C`` likewise, after its ``Next``."""


@dataclass(frozen=True, slots=True)
class KeyFault:
    """``ok`` False: a key is stuck or the keypad is no longer read, no PIN entry; True: the stuck key is free."""

    ok: bool = False


KeyEvent = (
    Digit | Full | Clear | Validate | Same | Differ | Refuse | Agree | AgreeHeld | Previous | Next | NextHeld | KeyFault
)


@dataclass(frozen=True, slots=True)
class Probed:
    """A key of the self-test, where keys mean nothing: ``place`` on the printed keypad, row * 4 + column.

    No ``KeyEvent``: it is made only while no secret is armed and none can be (``vault.keys.Keys.watch``).
    """

    place: int


DIGITS: Final = "0123456789"
COMMANDS: Final[dict[str, KeyEvent]] = {  # design §5, first table
    "*": Clear(),
    "#": Validate(),
    "D": Refuse(),
    "A": Agree(),
    "B": Previous(),
    "C": Next(),
}

HOLDS: Final[dict[str, KeyEvent]] = {"A": AgreeHeld(), "C": NextHeld()}
"""Keys for which being held means something (design §5): a second event, so that no press waits to be judged."""

Expiry = Literal["first-digit", "next-digit", "entry"]
"""Which timer of an entry ends it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A secret entry as counts and times.

    ``minimum`` to ``maximum`` digits, ``marks`` typed so far. ``started``, ``last`` (the last key, at first the start)
    and ``now`` are seconds of one monotonic clock; ``keyed`` is whether a key came at all. ``first``, ``next``,
    ``whole`` and ``idle`` are seconds: to the first key, between keys, for all, to the reminder (design §5).
    """

    minimum: int
    maximum: int
    started: float
    last: float
    marks: int = 0
    keyed: bool = False
    first: float = 30.0
    next: float = 15.0
    whole: float = 60.0
    idle: float = 10.0

    @classmethod
    def begin(  # noqa: PLR0913, PLR0917 - two bounds and the four times of design §5
        cls,
        now: float,
        minimum: int,
        maximum: int,
        first: float = 30.0,
        next: float = 15.0,  # noqa: A002 - the name design §5 uses
        whole: float = 60.0,
        reminder: float = 10.0,
    ) -> "Entry":
        """An entry that starts at ``now`` with nothing typed."""
        return cls(minimum, maximum, now, now, first=first, next=next, whole=whole, idle=reminder)

    @property
    def complete(self) -> bool:
        """Whether ``#`` may be taken."""
        return self.minimum <= self.marks <= self.maximum

    @property
    def deadline(self) -> float:
        """When the entry ends if no key comes."""
        return min(end for end, _, _ in self._timers)

    @property
    def expiry(self) -> Expiry:
        """The timer that ends it then."""
        return min(self._timers)[2]

    def digit(self, now: float) -> "Entry":
        """One digit more, never beyond ``maximum``."""
        return dataclasses.replace(self, marks=min(self.marks + 1, self.maximum), last=now, keyed=True)

    def clear(self, now: float) -> "Entry":
        """``*``: no mark left; the time of the whole entry runs on."""
        return dataclasses.replace(self, marks=0, last=now, keyed=True)

    def touch(self, now: float) -> "Entry":
        """Any other key: somebody is there, the count stays."""
        return dataclasses.replace(self, last=now, keyed=True)

    def remaining(self, now: float) -> float:
        """The time bar, 1.0 to 0.0: the emptiest of the running timers, 0.0 exactly at ``deadline``."""
        return max(0.0, min(1.0, *((end - now) / length for end, length, _ in self._timers)))

    def reminder(self, now: float) -> bool:
        """Whether to remind of ``#``: enough digits, and no key for ``idle`` seconds."""
        return self.complete and now >= self.last + self.idle

    @property
    def _timers(self) -> tuple[tuple[float, float, Expiry], tuple[float, float, Expiry]]:
        """(end, length, kind) of both running timers."""
        whole: tuple[float, float, Expiry] = (self.started + self.whole, self.whole, "entry")
        if not self.keyed:
            return (self.started + self.first, self.first, "first-digit"), whole
        return (self.last + self.next, self.next, "next-digit"), whole
