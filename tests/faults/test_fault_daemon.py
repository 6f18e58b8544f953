"""Issue 3, item 1: pcscd is killed and comes back 50 times, at random points, with a card in."""

import os
import random
import threading
import time

from fault_bench import PIN, TIMEOUT, is_ready
from fault_daemon import PHASES, Point, StrikingCard, draw

NUMBER = 50
LOST = {"card-removed", "reader-absent"}
"""How a request ends whose card was lost with the daemon, before its signature command left."""


class Round:
    """A bench whose daemon is killed at points, one after the other."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.struck = threading.Event()
        self.bench.inside = self.card = StrikingCard(bench.faulty, self._strike)
        self._signature = 0
        self._plays = {
            "idle": self._idle,
            "reading": self._reading,
            "consent": self._consent,
            "typing": self._typing,
            "signing": self._signing,
            "result": self._result,
        }

    def measure(self) -> dict[str, int]:
        """How many commands and digits there are to count: one journey that nothing interrupts."""
        bench = self.bench
        bench.insert()
        bench.leaves()  # the box knows the card from now on, and reads less of it
        self.card.aim(0, ran=False)
        bench.insert()
        reading = self.card.seen
        asked = bench.asks_for_pin()
        self.card.aim(0, ran=False)
        bench.person.enters()
        assert asked.end["phase"] == "done"
        self._signature = self.card.seen  # the last one makes the signature
        bench.rests(is_ready)
        return {"reading": reading, "signing": self._signature, "typing": len(PIN)}

    def play(self, point: Point) -> None:
        """Bring the box to the point, see pcscd die there and the box come back."""
        bench = self.bench
        bench.begin()
        hashes = bench.person.hashes
        self.struck.clear()
        attached = len(bench.ear.on("evt/reader/attached"))
        asked, codes = self._plays[point.phase](point)
        assert self.struck.wait(TIMEOUT)
        since = time.monotonic()
        bench.daemon.kill()  # it is gone already: its end is waited for
        bench.daemon.start()
        bench.put()
        if asked:
            assert asked.end.get("code") in codes, asked.had
        back = bench.ear.wait("evt/reader/attached", attached + 1)[-1].json["seq"]
        bench.ear.wait(lambda heard: heard.topic == "evt/card/identified" and heard.json["seq"] > back)
        bench.rests(is_ready, since)
        assert bench.verified <= bench.person.hashes - hashes
        assert bench.signed <= bool(asked)

    def _strike(self) -> None:
        self.bench.daemon.process.kill()
        self.struck.set()

    def _idle(self, _point: Point):
        self.bench.insert()
        self._strike()
        return None, ()

    def _reading(self, point: Point):
        self.bench.leaves()
        self.card.aim(point.count, ran=point.ran)
        self.bench.put()
        return None, ()

    def _consent(self, _point: Point):
        self.bench.insert()
        asked = self.bench.asks_for_consent()
        self._strike()
        return asked, LOST

    def _typing(self, point: Point):
        self.bench.insert()
        asked = self.bench.asks_for_pin()
        self.bench.person.types(PIN[: point.count])
        self._strike()
        return asked, LOST

    def _signing(self, point: Point):
        self.bench.insert()
        asked = self.bench.asks_for_pin()
        self.bench.person.types(PIN)
        self.card.aim(point.count, ran=point.ran)
        self.bench.person.press("#")
        return asked, {"outcome-unknown"} if point.count == self._signature else LOST

    def _result(self, _point: Point):
        self.bench.insert()
        asked = self.bench.asks_for_pin()
        self.bench.person.enters()
        self.bench.person.sees("Signé")
        self._strike()
        return asked, {None}


def test_the_daemon_is_killed_fifty_times(stand):
    seed = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(2**32))
    print(f"FAULT_SEED={seed}")
    rounds = Round(stand("real"))
    for number, point in enumerate(draw(seed, NUMBER, rounds.measure()), 1):
        print(number, point)
        rounds.play(point)
    rounds.bench.serves()


def test_the_points_are_those_of_a_journey():
    most = {"reading": 37, "signing": 8, "typing": 4}
    points = draw(1, 2000, most)
    assert {point.phase for point in points} == set(PHASES)
    for phase in PHASES:
        assert {point.count for point in points if point.phase == phase} == set(range(1, most.get(phase, 1) + 1))
    assert draw(1, 2000, most) == points
