"""Random points of a journey at which pcscd is killed, drawn from a seed.

What it is: ``draw`` and the card that kills when its turn comes. What it is not: a clock: no point depends on time.
Rule: a point is something that happens: a command at the card, a digit typed, a screen.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appliance.simulator.faults import SoftCard

PHASES = {"idle": 4, "reading": 8, "consent": 5, "typing": 9, "signing": 19, "result": 5}
"""What goes on, and how often of 50 pcscd is killed then."""


@dataclass(frozen=True)
class Point:
    """The kill comes with the ``count``-th command or digit of ``phase``; ``ran``: after the card has run it."""

    phase: str
    count: int
    ran: bool


def draw(seed: int, number: int, most: Mapping[str, int]) -> list[Point]:
    """``number`` points, the same for the same seed; ``most``: what there is to count in a phase, else 1."""
    chance = random.Random(seed)
    phases = chance.choices(list(PHASES), list(PHASES.values()), k=number)
    return [Point(phase, chance.randint(1, most.get(phase, 1)), chance.random() < 0.5) for phase in phases]


class StrikingCard:
    """A soft card that calls ``strike`` before or after it runs the ``count``-th command from ``aim`` on."""

    def __init__(self, card: SoftCard, strike: Callable[[], None]) -> None:
        self._card = card
        self._strike = strike
        self._left = 0
        self._ran = False
        self.seen = 0

    @property
    def atr(self) -> bytes | None:
        return self._card.atr

    def aim(self, count: int, *, ran: bool) -> None:
        self._left, self._ran, self.seen = count, ran, 0

    def power_on(self) -> None:
        self._card.power_on()

    def power_off(self) -> None:
        self._card.power_off()

    def reset(self) -> None:
        self._card.reset()

    def transmit(self, apdu: bytes) -> bytes:
        self.seen += 1
        self._left -= 1
        if self._left == 0 and not self._ran:
            self._strike()  # nobody hears the answer: the connection to the daemon is gone
        answer = self._card.transmit(apdu)
        if self._left == 0 and self._ran:
            self._strike()
        return answer
