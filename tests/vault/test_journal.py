"""The journal as its callers see it."""

import itertools
import stat
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import JournalError
from appliance.vault.journal import Entry, Event, Journal, Limits, Receive, RequestState, Row, Step
from appliance.vault.outbox import merged
from appliance.vault.records import FINAL, LEGAL_MOVES

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
BODY = bytes(range(32))


@dataclass
class Clock:
    now: datetime = START

    def __call__(self):
        return self.now


def event(name="inserted"):
    return Event("card", name, lambda seq: f'{{"seq":{seq}}}'.encode())


def dropped(first, last):
    return Event("journal", "dropped", lambda seq: f"{seq}:{first}-{last}".encode())


def receive(identifier="r1", peer="desk-one", body=BODY, correlation=b"\x01\x02"):
    return Receive(peer, identifier, body, "sign", f"rsp/{peer}/a", correlation, progress=False)


@dataclass
class Box:
    path: object
    clock: Clock = field(default_factory=Clock)
    limits: Limits | None = None

    def open(self):
        return Journal.open(self.path, wall=self.clock, dropped=dropped, limits=self.limits)


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path / "box.sqlite")


@pytest.fixture
def journal(box):
    opened = box.open()
    yield opened
    opened.close()


def test_new_file_has_mode_0600_and_its_own_identity(box, tmp_path):
    journal = box.open()
    other = Box(tmp_path / "other.sqlite").open()
    assert stat.S_IMODE(box.path.stat().st_mode) == 0o600
    assert journal.journal_id != other.journal_id
    assert (journal.boot_count, journal.last_seq, journal.last_acknowledged) == (1, 0, 0)
    journal.close()
    other.close()


def test_identity_stays_and_boots_count_over_reopening(box):
    first = box.open()
    first.close()
    second = box.open()
    assert second.journal_id == first.journal_id
    assert second.boot_id != first.boot_id
    assert second.boot_count == 2
    second.close()


def test_durability_settings_as_values(journal):
    ask = journal._database._pragma
    assert (ask("journal_mode"), ask("synchronous"), ask("secure_delete")) == ("wal", 2, 1)
    assert ask("busy_timeout") == 2000
    assert ask("locking_mode") == "exclusive"


def test_events_are_numbered_from_one_without_gap_and_hold_their_number(journal):
    assert journal.commit(events=[event(), event("removed")]) == [1, 2]
    assert journal.commit() == []
    assert journal.commit(events=[event()]) == [3]
    assert journal.pending(0, 10) == [
        Row(1, "card", "inserted", b'{"seq":1}'),
        Row(2, "card", "removed", b'{"seq":2}'),
        Row(3, "card", "inserted", b'{"seq":3}'),
    ]
    assert [row.seq for row in journal.pending(1, 1)] == [2]
    assert journal.pending(3, 10) == []


def test_a_commit_is_all_or_nothing(journal):
    def fail(seq):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.commit(events=[event(), Event("card", "x", fail)], moves=[receive()], audit=[Entry("never")])
    assert journal.last_seq == 0
    assert journal.pending(0, 10) == []
    assert journal.find_request("desk-one", "r1") is None
    assert journal.audit_head().entry == 0
    assert journal.commit(events=[event()]) == [1]


def test_acknowledge_moves_forward_only(journal):
    journal.commit(events=[event()] * 5)
    journal.acknowledge(3)
    journal.acknowledge(2)
    assert journal.last_acknowledged == 3
    for never in (6, -1, 2**70):
        with pytest.raises(JournalError):
            journal.acknowledge(never)
    assert journal.last_acknowledged == 3


def test_acknowledged_rows_go_after_thirty_days_and_not_before(box):
    journal = box.open()
    journal.commit(events=[event()] * 3)
    journal.acknowledge(2)
    box.clock.now += timedelta(days=29, hours=23)
    journal.commit()
    assert [row.seq for row in journal.pending(0, 10)] == [1, 2, 3]
    box.clock.now += timedelta(hours=1)
    journal.commit()
    assert [row.seq for row in journal.pending(0, 10)] == [3], "the unacknowledged one stays however old"
    journal.close()


def test_default_limits_are_those_of_the_design():
    assert Limits() == Limits(rows=10_000, days=30)


def test_acknowledged_rows_beyond_the_limit_go_silently(box):
    box.limits = Limits(rows=20)
    journal = box.open()
    for _ in range(60):
        journal.acknowledge(journal.commit(events=[event()])[0])
    rows = journal.pending(0, 100)
    assert [row.seq for row in rows] == list(range(41, 61))
    assert {row.domain for row in rows} == {"card"}
    journal.close()


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(1, 12), st.floats(0, 1)), min_size=1, max_size=25))
def test_every_lost_number_is_named_and_every_other_one_arrives(tmp_path_factory, steps):
    box = Box(tmp_path_factory.mktemp("lost") / "box.sqlite", limits=Limits(rows=10))
    journal = box.open()
    arrived, named, cursor = set(), set(), 0

    def stream(part):
        nonlocal cursor
        rows = journal.pending(cursor, 1000)
        for row in rows[: round(part * len(rows))]:
            arrived.add(row.seq)
            cursor = row.seq
            if row.domain == "journal":
                first, last = row.payload.split(b":")[1].split(b"-")
                named.update(range(int(first), int(last) + 1))
        journal.acknowledge(cursor)

    for events, part in steps:
        journal.commit(events=[event()] * events)
        kept = [row.seq for row in journal.pending(0, 1000)]
        assert kept == list(range(kept[0], journal.last_seq + 1)), "contiguous"
        assert len(kept) <= 10 + 12, "bounded"
        stream(part)
    stream(1)
    assert arrived | named == set(range(1, journal.last_seq + 1))
    journal.close()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)).map(lambda pair: (pair[0], sum(pair)))))
def test_merged_ranges_cover_the_same_numbers_apart(ranges):
    def numbers(pairs):
        return set(itertools.chain.from_iterable(range(first, last + 1) for first, last in pairs))

    result = merged(ranges)
    assert numbers(result) == numbers(ranges)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(result))


def test_request_row_holds_what_a_reply_needs(journal):
    journal.commit(moves=[receive()])
    row = journal.find_request("desk-one", "r1")
    assert (row.state, row.body_sha256, row.verb) == (RequestState.RECEIVED, BODY, "sign")
    assert (row.response_topic, row.correlation, row.progress) == ("rsp/desk-one/a", b"\x01\x02", False)
    assert (row.code, row.ended_at, row.delivered, row.final) == (None, None, False, False)
    assert journal.find_request("desk-two", "r1") is None, "an id belongs to its peer"
    journal.commit(moves=[receive(peer="desk-two", correlation=None)])
    assert journal.find_request("desk-two", "r1").correlation is None


def test_a_request_is_received_once(journal):
    journal.commit(moves=[receive()])
    with pytest.raises(JournalError, match="already"):
        journal.commit(moves=[receive(body=bytes(32))], events=[event()])
    assert journal.find_request("desk-one", "r1").body_sha256 == BODY
    assert journal.last_seq == 0


def test_a_body_hash_has_32_bytes(journal):
    with pytest.raises(JournalError):
        journal.commit(moves=[receive(body=b"short")])


PATHS = {
    RequestState.RECEIVED: [],
    RequestState.ACCEPTED: ["accepted"],
    RequestState.AGREED: ["accepted", "agreed"],
    RequestState.CARD_STARTED: ["accepted", "agreed", "card-started"],
    RequestState.DONE: ["accepted", "agreed", "card-started", "done"],
    RequestState.FAILED: ["failed"],
}


def code_of(state):
    return "refused" if state is RequestState.FAILED else None


def walk(journal, state):
    journal.commit(moves=[receive()])
    for step in map(RequestState, PATHS[state]):
        journal.move("desk-one", "r1", step, code_of(step))


@pytest.mark.parametrize("old", list(RequestState))
@pytest.mark.parametrize("new", list(RequestState))
def test_legal_moves_happen_and_illegal_ones_change_nothing(journal, old, new):
    legal = {
        ("received", "accepted"),
        ("received", "failed"),
        ("accepted", "agreed"),
        ("accepted", "failed"),
        ("agreed", "card-started"),
        ("agreed", "failed"),
        ("card-started", "done"),
        ("card-started", "failed"),
    }
    walk(journal, old)
    before = journal.find_request("desk-one", "r1")
    if (old, new) in legal:
        journal.move("desk-one", "r1", new, code_of(new))
        assert journal.find_request("desk-one", "r1").state is new
    else:
        with pytest.raises(JournalError, match="cannot go from"):
            journal.commit(moves=[Step("desk-one", "r1", new, code_of(new))], events=[event()])
        assert journal.find_request("desk-one", "r1") == before
        assert journal.last_seq == 0


def test_no_end_can_be_left():
    assert all(not LEGAL_MOVES[state] for state in FINAL)


def test_an_unknown_request_cannot_move_nor_be_delivered(journal):
    with pytest.raises(JournalError, match="never received"):
        journal.move("desk-one", "nothing", RequestState.ACCEPTED)
    with pytest.raises(JournalError):
        journal.deliver("desk-one", "nothing")


@pytest.mark.parametrize(("state", "code"), [("failed", None), ("accepted", "refused")])
def test_a_code_goes_with_failure_and_nothing_else(journal, state, code):
    journal.commit(moves=[receive()])
    with pytest.raises(JournalError, match="code"):
        journal.move("desk-one", "r1", RequestState(state), code)


def test_what_a_crash_cut_off_is_told_with_its_state(box):
    journal = box.open()
    for identifier, path in (("a", []), ("b", ["accepted"]), ("c", PATHS[RequestState.CARD_STARTED])):
        journal.commit(moves=[receive(identifier)])
        for step in path:
            journal.move("desk-one", identifier, RequestState(step))
    journal.commit(moves=[receive("d"), Step("desk-one", "d", RequestState.FAILED, "refused")])
    journal.commit(moves=[receive("e"), Step("desk-one", "e", RequestState.FAILED, "busy")])
    journal.deliver("desk-one", "e")
    journal.close()
    again = box.open()
    assert [(row.id, row.state) for row in again.recover()] == [
        ("a", "received"),
        ("b", "accepted"),
        ("c", "card-started"),
    ]
    assert [(row.id, row.code) for row in again.undelivered()] == [("d", "refused")]
    assert [row.id for row in again.open_requests()] == ["a", "b", "c", "d"]
    again.close()


def test_delivery_forgets_the_address_and_keeps_the_outcome(journal):
    walk(journal, RequestState.DONE)
    journal.deliver("desk-one", "r1")
    journal.deliver("desk-one", "r1")
    row = journal.find_request("desk-one", "r1")
    assert (row.delivered, row.response_topic, row.correlation, row.state) == (True, "", None, RequestState.DONE)


def test_a_request_in_flight_has_nothing_to_deliver(journal):
    walk(journal, RequestState.CARD_STARTED)
    with pytest.raises(JournalError, match="ended"):
        journal.deliver("desk-one", "r1")


def test_ended_requests_are_forgotten_by_age_and_count_and_open_ones_never(box):
    box.limits = Limits(rows=5, days=30)
    journal = box.open()
    journal.commit(moves=[receive("open")])
    journal.commit(moves=[receive("old"), Step("desk-one", "old", RequestState.FAILED, "refused")])
    box.clock.now += timedelta(days=30, seconds=1)
    for number in range(8):
        identifier = f"n{number}"
        journal.commit(moves=[receive(identifier), Step("desk-one", identifier, RequestState.FAILED, "refused")])
    kept = [name for name in ("open", "old", *(f"n{n}" for n in range(8))) if journal.find_request("desk-one", name)]
    assert kept == ["open", "n3", "n4", "n5", "n6", "n7"]
    journal.close()


def test_last_time_is_a_floor_that_a_clock_jumping_back_does_not_lower(box):
    journal = box.open()
    assert journal.last_time == START
    box.clock.now = START + timedelta(days=2)
    journal.commit()
    box.clock.now = datetime(1970, 1, 1, tzinfo=UTC)
    journal.commit(events=[event()], audit=[Entry("test")])
    assert journal.last_time == START + timedelta(days=2)
    journal.close()


def test_a_second_writer_is_refused(box, monkeypatch):
    monkeypatch.setattr("appliance.vault.database.BUSY_SECONDS", 0.01)
    journal = box.open()
    with pytest.raises(JournalError):
        box.open()
    assert journal.commit(events=[event()]) == [1]
    journal.close()
    box.open().close()


def test_another_thread_is_refused(journal):
    answers = []

    def use():
        try:
            journal.commit(events=[event()])
        except JournalError as error:
            answers.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(answers) == 1
    assert journal.last_seq == 0


def test_holder_tag_is_stable_over_reopening_and_different_for_each_person(box):
    journal = box.open()
    tag = journal.holder_tag("899700000017")
    assert len(tag) == 32
    assert set(tag) <= set("0123456789abcdef")
    assert journal.holder_tag("899700000025") != tag
    journal.close()
    journal = box.open()
    assert journal.holder_tag("899700000017") == tag
    journal.close()


def test_another_box_gives_the_same_person_another_tag(journal, tmp_path):
    other = Box(tmp_path / "other.sqlite").open()
    assert other.holder_tag("899700000017") != journal.holder_tag("899700000017")
    other.close()
