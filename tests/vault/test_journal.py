"""The journal as its callers see it."""

import itertools
import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal_kit import START, Box, event, receive

from appliance.errors import JournalError
from appliance.vault.journal import Entry, Event, Limits, Row
from appliance.vault.outbox import merged


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
