"""Issue 3, item 1: the reader's plug is pulled at each step; cards that are mute, reversed, unknown or slow."""

import threading
import time

import pytest
from fault_bench import GOODBYE, TIMEOUT, comes, is_home, is_ready
from fault_states import LONG, PSO, PULLS, SIGNATURE, STRANGE, counting, covering, reading_for, signing, wait_card

from appliance.simulator.faults import Fault, FaultyCard, Kind
from appliance.vault.box import State
from appliance.vault.flow import TABLE

NEEDS_DAEMON = {State.STARTING, State.NO_READER}
"""States of a box that has no reader to lose."""
UNPLUGGED = [case for case in covering(PULLS, TABLE) if case.state not in NEEDS_DAEMON]
EITHER = {"card-removed", "reader-absent"}
"""Whoever says it first: who waits for a change, or who waits for an answer."""
CODES = {
    wait_card: {"reader-absent"},  # no card was met
    reading_for: EITHER,
    counting: EITHER,
    signing: {"reader-absent"},  # an answer is waited for, and the reader says why none comes
}
"""How requests end otherwise than with the card's removal."""


@pytest.mark.parametrize("case", UNPLUGGED, ids=lambda case: case.id)
def test_reader_is_unplugged(stand, case):
    """The card stays in a reader that is gone, and is there when the reader is back."""
    bench = stand("desk")
    asked = case.way(bench)
    bench.reader.unplug()
    if asked:
        assert asked.end.get("code") in CODES.get(case.way, {case.code})
    bench.client.wait_state("state/reader", lambda reader: reader["state"] == "absent", TIMEOUT)
    bench.rests(lambda lines: "Lecteur absent" in lines)  # behind what says that the card is gone, or what ended
    assert bench.ask().end["code"] == "reader-absent"
    bench.mend()
    since = time.monotonic()
    bench.reader.plug()
    bench.serves(is_home if case.state is State.EMPTY else is_ready, since)


def refused(bench, code):
    """What software is told of a card that cannot be used."""
    assert bench.ask().end["code"] == code
    assert bench.client.final("identity")["code"] == code


def test_unknown_card(stand):
    """Named, left alone, and no hindrance once it is out."""
    bench = stand()
    bench.leaves()
    bench.card.atr = STRANGE
    before = bench.card.apdu_count
    bench.put()
    bench.person.sees("Carte refusée")
    refused(bench, "card-unsupported")
    assert bench.card.apdu_count == before
    bench.desk.advance(5)
    bench.reader.remove()
    bench.person.sees(GOODBYE)
    bench.serves(is_home, time.monotonic())


def test_card_the_wrong_way_round(stand):
    """No ATR, no word: put in the right way it serves."""
    bench = stand("desk")
    bench.leaves()
    bench.faulty.upside_down = True
    before = bench.card.apdu_count
    bench.put()
    shown = bench.person.sees("Carte muette")
    assert shown[0] == "Carte muette"
    refused(bench, "card-mute")
    assert bench.card.apdu_count == before
    bench.desk.advance(5)
    bench.reader.remove()
    bench.person.sees(GOODBYE)
    bench.serves(is_home, time.monotonic())


class Gate:
    """How long a slow card takes: until the test lets its command pass."""

    def __init__(self):
        self._open = threading.Semaphore(0)
        self._reached = threading.Semaphore(0)

    def wait(self, _seconds):
        self._reached.release()
        self._open.acquire(timeout=TIMEOUT)

    def reached(self):
        assert self._reached.acquire(timeout=TIMEOUT)

    def passes(self):
        self._open.release()


def test_slow_card(stand):
    """Every command takes as long as it likes: the box waits, answers others meanwhile, and signs in the end."""
    bench = stand()
    bench.leaves()
    gate = Gate()
    bench.inside = slow = FaultyCard(bench.card, wait=gate.wait)
    slow.arm(Fault(Kind.SLOW, lasting=True))
    before = bench.card.apdu_count
    bench.put()
    for _ in range(10):
        gate.reached()
        gate.passes()
    gate.reached()
    bench.desk.advance(LONG)
    assert bench.client.final("ping")["phase"] == "done"
    assert bench.client.final("identity")["code"] == "card-absent"
    bench.person.sees("Lecture")
    assert bench.card.apdu_count == before + 10
    slow.disarm()
    gate.passes()
    bench.rests(is_ready)

    slow.arm(Fault(Kind.SLOW, SIGNATURE, PSO))
    asked = bench.asks_for_pin()
    bench.person.enters()
    comes(asked, "signing")
    gate.reached()
    bench.desk.advance(LONG)
    assert bench.client.final("ping")["phase"] == "done"
    bench.person.sees("Signature…")
    since = time.monotonic()
    gate.passes()
    assert asked.end["phase"] == "done"
    bench.person.sees("Signé")
    bench.serves(is_ready, since)
