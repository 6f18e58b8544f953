"""Whether the loops that a person depends on still turn.

What it is: a mark each loop renews, and one look at all of them. What it is not: the watchdog itself, which is the
service manager's (systemd.service(5), WatchdogSec): it is fed only while every mark is fresh.
Rule: a loop that waits for something that may never come wakes each ``BEAT`` to say so; a loop in the middle of
something slow says until when it may take.
"""

import threading
import time
from collections.abc import Callable, Iterable

BEAT = 5.0
"""Seconds between two marks of a loop at rest."""
GRACE = 6.0
"""Seconds a mark lasts."""
LONGEST = 30.0
"""Seconds that a card command may take (design §2, watchdog; ISO 7816-3 gives a card as long as it asks for)."""


class Pulse:
    """The mark of one loop; thread-safe, for one writer."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._fresh_until = clock() + GRACE

    def beat(self) -> None:
        """The loop turns."""
        self._renew(GRACE)

    def busy(self, seconds: float = LONGEST) -> None:
        """The loop does something that may take ``seconds``, at most ``LONGEST``."""
        self._renew(min(seconds, LONGEST) + GRACE)

    def fresh(self) -> bool:
        """Whether the loop has turned lately, or may still be busy."""
        with self._lock:
            return self._clock() < self._fresh_until

    def _renew(self, seconds: float) -> None:
        with self._lock:
            self._fresh_until = self._clock() + seconds


def stale(pulses: Iterable[Pulse]) -> tuple[str, ...]:
    """The names of the loops that stand still."""
    return tuple(pulse.name for pulse in pulses if not pulse.fresh())
