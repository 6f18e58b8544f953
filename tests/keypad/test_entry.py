"""The timers and counts of a secret entry (design §5)."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.keypad import entry as module
from appliance.keypad.entry import COMMANDS, DIGITS, HOLDS, Entry, KeyEvent
from appliance.keypad.matrix import LAYOUT


@pytest.fixture
def entry():
    return Entry.begin(100.0, 4, 8)


def test_defaults_are_those_of_the_design(entry):
    assert (entry.first, entry.next, entry.whole, entry.idle) == (30, 15, 60, 10)


def test_first_digit_has_thirty_seconds(entry):
    assert (entry.deadline, entry.expiry) == (130.0, "first-digit")


def test_each_next_digit_has_fifteen(entry):
    typing = entry.digit(110.0)
    assert (typing.deadline, typing.expiry) == (125.0, "next-digit")
    assert (typing.clear(112.0).deadline, typing.touch(113.0).deadline) == (127.0, 128.0)


def test_the_whole_has_sixty(entry):
    for now in range(101, 150, 10):
        entry = entry.digit(now).clear(now + 5)
    assert (entry.deadline, entry.expiry) == (160.0, "entry")


def test_configured_times_are_used():
    entry = Entry.begin(0.0, 4, 4, 5, 6, 20, 3)
    assert entry.deadline == 5
    assert entry.digit(1).deadline == 7
    assert not entry.digit(1).reminder(5)


def test_marks_count_and_stop_at_the_maximum(entry):
    counts = []
    for now in range(101, 112):
        entry = entry.digit(now)
        counts.append((entry.marks, entry.complete))
    assert counts[:4] == [(1, False), (2, False), (3, False), (4, True)]
    assert counts[-1] == (8, True)
    assert (entry.clear(112).marks, entry.clear(112).complete) == (0, False)


def test_reminder_comes_ten_seconds_after_the_last_key_and_only_when_complete(entry):
    for now in (101, 102, 103):
        entry = entry.digit(now)
    assert not entry.reminder(114)
    entry = entry.digit(104)
    assert not entry.reminder(113.9)
    assert entry.reminder(114)
    assert not entry.touch(114).reminder(115)


def test_bar_starts_full_and_is_empty_exactly_at_the_end(entry):
    assert entry.remaining(100.0) == 1.0
    assert entry.remaining(115.0) == pytest.approx(0.5)
    assert entry.remaining(entry.deadline) == 0.0
    assert entry.remaining(500.0) == 0.0


@given(
    st.lists(st.tuples(st.sampled_from(["digit", "clear", "touch"]), st.floats(0, 14)), max_size=30),
    st.floats(0, 200),
)
def test_bar_and_deadline_tell_the_same(keys, later):
    entry, now = Entry.begin(0.0, 4, 8), 0.0
    for key, wait in keys:
        now += wait
        entry = getattr(entry, key)(now)
        assert 0 <= entry.marks <= 8
    at = now + later
    assert 0.0 <= entry.remaining(at) <= 1.0
    assert (entry.remaining(at) == 0.0) is (at >= entry.deadline)


def test_each_key_of_the_layout_has_one_meaning():
    assert set(DIGITS) | set(COMMANDS) == set(LAYOUT)
    assert not set(DIGITS) & set(COMMANDS)
    assert len({type(event) for event in COMMANDS.values()}) == len(COMMANDS)


def test_only_a_and_c_mean_something_when_held():
    assert {key: type(event).__name__ for key, event in HOLDS.items()} == {"A": "AgreeHeld", "C": "NextHeld"}


def test_no_event_can_carry_a_value():
    fields = {kind.__name__: [field.type for field in dataclasses.fields(kind)] for kind in KeyEvent.__args__}
    assert fields.pop("KeyFault") == [bool]
    assert not any(fields.values())


def test_entry_has_counts_and_times_only():
    assert {field.type for field in dataclasses.fields(Entry)} == {int, float, bool}
    assert "secret" not in vars(module)
