"""Where processes are killed: random points drawn from a seed, each named by something that is seen to happen.

What it is: ``draw`` (seed -> points) and ``Aim``, which counts what is seen and strikes at the point's turn. What it is
not: a clock: no point depends on time. Rule: the strike falls in the thread that saw, before it goes on; what was seen
has happened, what follows from it has not.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

VICTIMS = {"vault": 9, "gateway": 9, "both": 2}
"""Who is killed, and how often of 20; ``both`` at one point is a power cut."""

SIGHTS = {
    "command": {"vault": 60, "gateway": 10, "both": 60},  # a command reached the card, which has not run it yet
    "answer": {"vault": 60, "gateway": 10, "both": 60},  # the card has run a command, nobody has its answer yet
    "signing command": {"vault": 12, "gateway": 12, "both": 12},  # the same behind a "#"
    "signing answer": {"vault": 12, "gateway": 12, "both": 12},
    "frame": {"vault": 20, "gateway": 14, "both": 20},  # a picture reached the display
    "message": {"vault": 24, "gateway": 18, "both": 24},  # practice software received an MQTT message
    "key": {"vault": 10, "gateway": 10, "both": 10},  # a key went down and up again
    "write": {"vault": 80, "gateway": 40, "both": 80},  # the vault wrote into its file or its log
    "signing write": {"vault": 10, "gateway": 10, "both": 10},  # the same from a signing script's first command on
}
"""What is counted, and the highest count for each victim: about as many as there are in one or two journeys."""


@dataclass(frozen=True, slots=True)
class Point:
    """``victim`` is killed at the ``count``-th ``sight`` after it was last started."""

    victim: str
    sight: str
    count: int

    @property
    def names(self) -> tuple[str, ...]:
        return ("vault", "gateway") if self.victim == "both" else (self.victim,)


def draw(seed: int, number: int) -> list[Point]:
    """``number`` points; the same for the same seed."""
    chance = random.Random(seed)
    points = []
    for victim in chance.choices(list(VICTIMS), list(VICTIMS.values()), k=number):
        sight = chance.choice(list(SIGHTS))
        points.append(Point(victim, sight, chance.randint(1, SIGHTS[sight][victim])))
    return points


class Aim:
    """Counts sights from every thread and calls ``strike`` at each point in turn.

    After a strike nothing is counted until ``rearm``: those who were killed are running again.
    """

    def __init__(self, points: Sequence[Point], strike: Callable[[Point], None]) -> None:
        self._points = list(points)
        self._strike = strike
        self._lock = threading.Lock()
        self._left = 0
        self._next = 0
        self.struck: Counter[tuple[str, str]] = Counter()

    @property
    def over(self) -> bool:
        return self._next == len(self._points) and not self._left

    @property
    def point(self) -> Point | None:
        """The point aimed at or just struck."""
        return self._points[self._next - 1] if self._next else None

    def rearm(self) -> None:
        """Take aim at the next point, if there is one."""
        with self._lock:
            if self._next < len(self._points):
                self._left = self._points[self._next].count
                self._next += 1

    def lower(self) -> None:
        """Strike no more."""
        with self._lock:
            self._left, self._next = 0, len(self._points)

    def see(self, *sights: str) -> None:
        """Something happened; it may count as more than one sight."""
        with self._lock:
            point = self.point
            if not self._left or point is None or point.sight not in sights:
                return
            self._left -= 1
            if not self._left:
                self.struck[point.victim, point.sight] += 1
                self._strike(point)
