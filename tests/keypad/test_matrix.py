"""The matrix as pure values: what a sequence of scans means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.keypad.matrix import (
    HELD_AFTER,
    LAYOUT,
    STABLE_SCANS,
    STUCK_AFTER,
    Debounce,
    Freed,
    Ghost,
    KeyDown,
    KeyHeld,
    KeyUp,
    Phase,
    Stuck,
    is_ghostly,
    mask,
    pressed,
)

STEP = 0.005
masks = st.integers(0, 0xFFFF)
ones = st.integers(0, 15).map(lambda position: 1 << position)


def play(scans, state=None, now=0.0):
    """Feed scans 5 ms apart: the last state and the events."""
    state, events = state or Debounce(), []
    for scan in scans:
        now += STEP
        state, event = state.feed(scan, now)
        if event is not None:
            events.append(event)
    return state, events


def keys(text):
    return sum(1 << LAYOUT.index(key) for key in text)


def test_layout_is_the_one_of_the_design():
    assert LAYOUT == "123A456B789C*0#D"
    assert (STABLE_SCANS, HELD_AFTER, STUCK_AFTER) == (3, 1.0, 10.0)


@pytest.mark.parametrize("position", range(16))
def test_each_key_is_itself(position):
    _, events = play([1 << position] * 3 + [0] * 3)
    assert events == [KeyDown(position), KeyUp()]


def test_two_equal_scans_are_not_enough():
    state, events = play([1, 1, 0, 0, 0])
    assert events == []
    assert state.at_rest


def test_bounce_makes_one_key():
    _, events = play([1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0])
    assert events == [KeyDown(0), KeyUp()]


def test_bounce_of_a_held_key_is_no_second_key():
    _, events = play([1] * 5 + [0, 0, 1, 1, 1, 1, 0, 1, 1, 1])
    assert events == [KeyDown(0)]


def test_a_key_that_stays_down_speaks_at_once_and_once_more():
    assert play([4] * 200)[1] == [KeyDown(2)]
    assert play([4] * 500 + [0] * 3)[1] == [KeyDown(2), KeyHeld(2), KeyUp()]


@pytest.mark.parametrize("position", range(16))
def test_a_key_is_held_from_its_second_on(position):
    state, _ = play([1 << position] * 3)
    at = state.since
    state, event = state.feed(1 << position, at + HELD_AFTER - STEP)
    assert event is None
    _, event = state.feed(1 << position, at + HELD_AFTER + STEP)
    assert event == KeyHeld(position)


def test_a_bounce_at_the_moment_delays_the_hold_and_a_release_undoes_it():
    state, events = play([1] * 205 + [0, 1, 0, 1, 1])
    assert events == [KeyDown(0), KeyHeld(0)]
    state, _ = play([1] * 3)
    state, events = play([0, 1, 1, 1], state, now=state.since + 2)
    assert events == [KeyHeld(0)]
    state, _ = play([1] * 3)
    assert play([0] * 3, state, now=state.since + 2)[1] == [KeyUp()]


@pytest.mark.parametrize("after", ["12", "2"])
def test_a_held_key_and_then_another(after):
    _, events = play([keys("1")] * 250 + [keys(after)] * 3 + [0] * 3 + [keys("2")] * 3)
    assert [event for event in events if not isinstance(event, Ghost)] == [KeyDown(0), KeyHeld(0), KeyUp(), KeyDown(1)]


def test_second_key_is_refused_until_all_are_released():
    state, events = play([keys("1")] * 3 + [keys("12")] * 3 + [keys("2")] * 9)
    assert events == [KeyDown(0), Ghost()]
    assert state.phase is Phase.REFUSED
    state, events = play([0] * 3 + [keys("2")] * 3, state)
    assert events == [KeyUp(), KeyDown(1)]


def test_sliding_to_another_key_needs_a_release():
    state, events = play([keys("1")] * 3 + [keys("2")] * 9)
    assert events == [KeyDown(0), Ghost()]
    assert state.phase is Phase.REFUSED


@pytest.mark.parametrize("together", ["14", "12", "15", "1245", "1236"])
def test_keys_closed_together_are_refused(together):
    assert play([keys(together)] * 6 + [0] * 3)[1] == [Ghost(), KeyUp()]


def test_stuck_key_and_its_release():
    state, _ = play([1] * 3)
    at = state.since
    state, event = state.feed(1, at + STUCK_AFTER)
    assert event == KeyHeld(0)
    state, event = state.feed(1, at + STUCK_AFTER + STEP)
    assert event == Stuck()
    state, events = play([1] * 50 + [3] * 5, state, at + 20)
    assert events == []
    assert state.phase is Phase.STUCK
    state, events = play([0] * 3 + [2] * 3, state, at + 30)
    assert events == [Freed(), KeyDown(1)]


def test_refused_keys_become_stuck_too():
    state, _ = play([3] * 3)
    assert state.feed(3, 60.0)[1] == Stuck()


def test_a_key_just_pressed_is_not_stuck_after_long_rest():
    state, _ = play([0] * 10)
    assert play([1] * 5, state, now=1000.0)[1] == [KeyDown(0)]


def test_nothing_of_a_key_stays_after_its_release():
    state, _ = play([1 << 7] * 3 + [0] * 3)
    assert (state.position, state.candidate) == (-1, 0)


@given(masks)
def test_mask_and_pressed_agree(scan):
    rows = [[bool(scan >> (row * 4 + column) & 1) for column in range(4)] for row in range(4)]
    assert mask(rows) == scan
    assert pressed(scan) == {position for position in range(16) if scan & 1 << position}


@given(masks)
def test_ghostly_is_a_rectangle_by_brute_force(scan):
    on = pressed(scan)
    rectangle = any(
        {a * 4 + c, a * 4 + d, b * 4 + c, b * 4 + d} <= on
        for a in range(4)
        for b in range(a)
        for c in range(4)
        for d in range(c)
    )
    assert is_ghostly(scan) is rectangle


@given(st.lists(st.one_of(masks, ones, st.just(0)).flatmap(lambda m: st.integers(1, 5).map(lambda n: [m] * n))))
def test_only_a_lone_stable_key_after_a_release_is_a_key(runs):
    scans = [scan for run in runs for scan in run]
    state, down, now = Debounce(), False, 0.0
    for index, scan in enumerate(scans):
        now += STEP
        state, event = state.feed(scan, now)
        if isinstance(event, KeyDown):
            assert not down, "a release is needed between keys"
            assert scans[index - 2 : index + 1] == [1 << event.position] * 3
            down = True
        elif isinstance(event, KeyUp):
            assert scans[index - 2 : index + 1] == [0] * 3
            down = False


def test_two_keys_that_are_never_stable_are_refused_when_they_are_gone():
    """Two quick fingers whose bounces never give three equal scans: something was pressed, and nobody knows what."""
    one, two = keys("1"), keys("2")
    state, events = play([one, one | two, two, one | two, one, two, 0, 0, 0])
    assert events == [Ghost()]
    assert state.at_rest
    assert play([two] * 3, state)[1] == [KeyDown(1)]


def test_a_key_beside_the_one_that_is_down_counts_though_no_scan_of_both_is_stable():
    one, two = keys("1"), keys("2")
    state, events = play([one] * 3 + [one | two, two, one, one | two])
    assert events == [KeyDown(0), Ghost()]
    assert state.phase is Phase.REFUSED
    assert play([0] * 3 + [two] * 3, state)[1] == [KeyUp(), KeyDown(1)]


def test_a_key_is_no_key_when_another_was_seen_since_the_last_release():
    assert play([keys("2"), keys("12")] + [keys("1")] * 3)[1] == [Ghost()]
    assert play([keys("2"), 0, 0, 0] + [keys("1")] * 3)[1] == [KeyDown(0)]


def test_a_spike_beside_a_key_is_passed_over_and_does_not_add_up_over_releases():
    one, spike = keys("1"), keys("1") | keys("9")
    state, events = play([one] * 3 + [spike, one, one, spike] + [one] * 3 + [0] * 3)
    assert events == [KeyDown(0), KeyUp()]
    assert play([one] * 3 + [spike, one, spike], state)[1] == [KeyDown(0)]


@given(st.lists(st.sampled_from([0, keys("1"), keys("2"), keys("12")]), max_size=60))
def test_whoever_shows_two_keys_for_long_enough_is_told(scans):
    """Between two releases there is never a key and then, for three scans, another one that nobody speaks of."""
    state, strays, spoken, down = Debounce(), 0, False, None
    for index, scan in enumerate(scans):
        state, event = state.feed(scan, index * STEP)
        match event:
            case KeyDown(position):
                down, strays = 1 << position, 0
            case Ghost():
                spoken = True
            case KeyUp():
                down, strays, spoken = None, 0, False
        if down and event is None:
            strays += bool(scan & ~down)
            assert spoken or strays < STABLE_SCANS
