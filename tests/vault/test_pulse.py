"""Marks of loops: how long they last, and who is told to stand still. The clock is a number."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault.pulse import BEAT, GRACE, LONGEST, Pulse, stale


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_mark_lasts_from_the_beginning_and_from_each_beat(clock):
    pulse = Pulse("keys", clock)
    for _ in range(3):
        clock.now += GRACE - 0.001
        assert pulse.fresh()
        pulse.beat()
    clock.now += GRACE
    assert not pulse.fresh()
    pulse.beat()
    assert pulse.fresh()


def test_a_loop_that_beats_at_rest_is_always_fresh(clock):
    pulse = Pulse("keys", clock)
    for _ in range(100):
        clock.now += BEAT
        assert pulse.fresh()
        pulse.beat()


@pytest.mark.parametrize(("asked", "given_"), [(0.0, 0.0), (5.0, 5.0), (LONGEST, LONGEST), (LONGEST * 100, LONGEST)])
def test_busy_lasts_as_long_as_it_says_and_never_longer_than_a_command_may(clock, asked, given_):
    pulse = Pulse("card", clock)
    pulse.busy(asked)
    clock.now += given_ + GRACE - 0.001
    assert pulse.fresh()
    clock.now += 0.002
    assert not pulse.fresh()


def test_busy_without_a_number_is_the_longest_command(clock):
    pulse = Pulse("card", clock)
    pulse.busy()
    clock.now += LONGEST + GRACE - 0.001
    assert pulse.fresh()
    clock.now += 0.001
    assert not pulse.fresh()


def test_a_beat_ends_what_was_busy(clock):
    pulse = Pulse("card", clock)
    pulse.busy()
    pulse.beat()
    clock.now += GRACE
    assert not pulse.fresh()


def test_stale_names_who_stands_still_and_nobody_else(clock):
    keys, card, screen = (Pulse(name, clock) for name in ("keys", "card", "screen"))
    assert stale((keys, card, screen)) == ()
    card.busy(10)
    clock.now += GRACE
    screen.beat()
    assert stale((keys, card, screen)) == ("keys",)
    clock.now += 10
    assert stale((keys, card, screen)) == ("keys", "card", "screen")
    assert stale(()) == ()


@given(st.lists(st.tuples(st.sampled_from(["beat", "busy"]), st.floats(0, 100), st.floats(0, 50)), max_size=20))
def test_whatever_a_loop_said_last_its_mark_ends_in_time(said):
    clock = Clock()
    pulse = Pulse("card", clock)
    for word, seconds, later in said:
        clock.now += later
        if word == "beat":
            pulse.beat()
        else:
            pulse.busy(seconds)
        assert pulse.fresh()
    clock.now += LONGEST + GRACE + 0.001
    assert not pulse.fresh()


def test_the_real_clock_and_another_thread():
    pulse = Pulse("screen")
    writer = threading.Thread(target=pulse.beat)
    writer.start()
    writer.join()
    assert pulse.fresh()
    assert pulse.name == "screen"
