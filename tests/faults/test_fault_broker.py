"""Issue 3, item 1: the broker is away for a whole journey, or comes back and knows nothing."""

import os
import signal
import uuid
from contextlib import ExitStack, contextmanager

import pytest
from ear import Ear
from fault_bench import PIN, TEXT, check_events, event_numbers, is_ready, missing, standing
from fault_ear import PatientEar
from journey_kit import WRONG, check_one_verify_per_hash, signing

REMEMBERS = "user root\npersistence true\npersistence_location {folder}/\n"
"""Lines of mosquitto.conf; run by root it would else become a user that may not write there."""
JOURNEY = [
    *("card/inserted", "card/identified", "pin/wrong", "pin/verified", "sign/completed", "card/removed"),
    *("card/inserted", "card/identified", "card/removed"),
]


@pytest.fixture
def ear():
    ear = PatientEar()
    yield ear
    ear.away()


@pytest.fixture
def standing_alone(folder):
    """A bench of its own, with a broker of a kind: its usual ear and client miss what comes while it is away."""
    if reason := missing():
        pytest.skip(reason)
    with ExitStack() as stack:
        benches = []

        def of(broker=""):
            bench = stack.enter_context(standing(folder, "real", broker=broker.format(folder=folder)))
            benches.append(bench)
            return bench

        yield of
    for bench in benches:
        check_one_verify_per_hash([bench.card], bench.person.hashes)


def body():
    return signing(TEXT, form="raw", v=1, id=str(uuid.uuid4()))


def begin(bench, ear):
    """A request that waits for a card; the number of the next event."""
    last = bench.ear.wait("evt/reader/attached")
    ear.here(bench.broker.port)
    ear.ask("sign", body(), "one")
    ear.phase("one", "awaiting-card")
    return last.json["seq"] + 1


def journey(bench):
    """All that can happen to a request that waits for a card, a stay without a request behind it."""
    person = bench.person
    bench.put()
    person.agrees()
    person.enters(WRONG)
    person.sees("Code faux")
    person.press("A")
    person.enters(PIN)
    person.sees("Signé")
    bench.rests(is_ready)
    bench.leaves()
    bench.insert()
    bench.leaves()


def names(ear):
    return [heard.topic.removeprefix("evt/") for heard in ear.heard if heard.topic.startswith("evt/")]


def retained(heard):
    """What a broker has kept of the box, by topic."""
    return {message.topic: message.json for message in heard if message.retain}


@contextmanager
def nobody_unheard(bench, ear):
    """Hold the gateway until ``ear`` listens at a broker that has just begun, and keeps nothing for anybody."""
    os.kill(bench.box.gateway_pid, signal.SIGSTOP)
    bench.broker.start()
    ear.here(bench.broker.port)
    yield
    os.kill(bench.box.gateway_pid, signal.SIGCONT)


def check_journey(bench, ear, first):
    """Every event once and in its order from number ``first`` on, and the one answer."""
    ear.wait(lambda _: names(ear).count("card/removed") == 2)
    assert names(ear) == JOURNEY
    check_events(event_numbers(ear.heard), first)
    check_signed(ear, "one")
    assert (bench.verified, bench.signed) == (2, 1)


def check_signed(ear, correlation):
    done = ear.phase(correlation, "done")
    assert done["counts"] == {"signed": 1, "failed": 0}
    assert [reply for reply in ear.replies(correlation) if reply["final"]] == [done]


def check_service(bench, ear):
    """The box is asked over the broker that came back, and signs."""
    bench.insert()
    ear.ask("sign", body(), "again")
    bench.person.agrees()
    bench.person.enters()
    check_signed(ear, "again")
    bench.rests(is_ready)


def test_away_for_a_whole_journey(standing_alone, ear):
    """A broker that keeps sessions: software that was away as long as the broker has everything when it is back."""
    bench = standing_alone(REMEMBERS)
    first = begin(bench, ear)
    ear.away()
    bench.broker.stop()
    journey(bench)
    bench.broker.start()
    ear.here(bench.broker.port)
    assert ear.kept
    check_journey(bench, ear, first)
    check_service(bench, ear)


def test_away_for_a_whole_journey_and_empty_when_it_is_back(standing_alone, ear):
    """The box says again what it is and how it stands, then what has happened since, and takes requests."""
    bench = standing_alone()
    first = begin(bench, ear)
    known = retained(ear.heard)
    ear.away()
    bench.broker.kill()  # as a power cut does
    journey(bench)
    before = len(ear.heard)
    with nobody_unheard(bench, ear):
        assert not ear.kept
        assert ear.heard[before:] == [], "an empty broker"
    check_journey(bench, ear, first)
    with Ear(bench.broker.port) as late:
        for topic in known:
            late.wait(topic)
        assert retained(late.heard) == known
    check_service(bench, ear)


def test_killed_at_each_step_of_a_journey(standing_alone, ear):
    bench = standing_alone()
    person = bench.person
    first = begin(bench, ear)

    def put():
        bench.put()
        person.sees("par S. DURAND-TEST")

    for step in (put, person.agrees, lambda: person.types(PIN[:2])):
        ear.away()
        bench.broker.kill()
        step()
        before = len(ear.heard)
        with nobody_unheard(bench, ear):
            pass
        ear.wait(lambda heard, since=before: heard in ear.heard[since:] and heard.topic == "status")
    person.is_asked_for_pin(2)
    person.press(PIN[2:] + "#")
    check_signed(ear, "one")
    ear.wait(lambda heard: heard.topic == "evt/sign/completed")
    assert names(ear) == ["card/inserted", "card/identified", "pin/verified", "sign/completed"]
    check_events(event_numbers(ear.heard), first)
    bench.rests(is_ready)
    check_service(bench, ear)


@pytest.mark.parametrize("numbers", [(1, 3), (1, 1, 2), (2, 1), (2, 3)], ids=["missing", "doubled", "late", "from 2"])
def test_an_event_that_is_missing_or_doubled_is_found(numbers):
    """The control of what every test here ends with."""
    with pytest.raises(AssertionError):
        check_events([("journal", number) for number in numbers])
    with pytest.raises(AssertionError):
        check_events([("journal", 1), ("other journal", 2)])
    check_events([("journal", 1), ("journal", 1), ("journal", 2)], repeated=True)
