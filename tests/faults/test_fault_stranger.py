"""Issue 3, item 1: another program holds the card, over the real pcscd.

What becomes of a PIN and of a request where the reader is shared is shown in tests/journeys/test_journey_shared.py.
"""

import time

import pytest
from fault_bench import TIMEOUT, is_ready
from fault_stranger import EXCLUSIVE, OK, SHARED, SHARING_VIOLATION, UNPOWER, Stranger

SHARE = '[reader]\nshare = "shared"\n'


@pytest.fixture
def stranger():
    """Makes strangers at the reader of a bench."""
    made = []

    def of(bench):
        made.append(Stranger(bench.socket_path))
        return made[-1]

    yield of
    for program in made:
        program.kill()


def test_the_box_keeps_its_card_to_itself(stand, stranger):
    """Exclusive is the default: from the card's insertion to its removal nobody else gets a word in."""
    bench = stand()
    bench.insert()
    other = stranger(bench)
    assert other.connects(SHARED) == other.connects(EXCLUSIVE) == SHARING_VIOLATION
    asked = bench.asks_for_pin()
    assert other.connects(SHARED) == SHARING_VIOLATION
    bench.person.enters()
    assert asked.end["phase"] == "done"
    assert other.connects(SHARED) == SHARING_VIOLATION
    bench.serves(is_ready)


def test_another_program_has_the_card_first(stand, stranger):
    """Said on the display and to software, tried again, and over once the other lets go."""
    bench = stand()
    bench.insert()
    bench.interrupted = True
    bench.box.end("vault")
    bench.desk.wait_vault(connected=False)
    bench.client.wait_state("status", lambda status: status["state"] == "offline", TIMEOUT)
    other = stranger(bench)
    assert other.connects(EXCLUSIVE) == OK
    bench.box.start_vault()
    bench.person.sees("Lecteur occupé")
    bench.client.wait_online(TIMEOUT)
    bench.client.wait_state("state/reader", lambda reader: reader["state"] == "busy", TIMEOUT)
    assert bench.ask().end["code"] == "reader-busy"
    assert bench.client.final("identity")["code"] == "reader-busy"
    bench.desk.advance(5)
    assert bench.person.sees("Lecteur occupé")
    since = time.monotonic()
    other.kill()
    bench.desk.advance(1)
    bench.serves(is_ready, since)
    bench.client.wait_state("state/reader", lambda reader: reader["state"] == "attached", TIMEOUT)


def test_another_program_holds_a_transaction(stand, stranger):
    """It keeps the box waiting: the request's time ends the request, and the box serves when the other dies."""
    bench = stand(more=SHARE)
    bench.insert()
    asked = bench.asks_for_consent(ttl=30)
    other = stranger(bench)
    assert other.connects(SHARED) == other.begins() == OK
    bench.person.press("A")
    bench.person.sees("Lecture")
    bench.desk.advance(30)
    assert asked.end["code"] == "expired"
    since = time.monotonic()
    other.kill()
    bench.serves(is_ready, since)


def test_another_program_takes_the_power_away(stand, stranger):
    bench = stand(more=SHARE)
    bench.insert()
    other = stranger(bench)
    assert other.connects(SHARED) == OK
    assert other.leaves(UNPOWER) == OK
    bench.serves(is_ready, time.monotonic())
