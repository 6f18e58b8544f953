"""Who wakes the display, and what keeps it awake."""

from typing import get_args

import pytest
from flow_kit import CONSENT, EXAMPLES, OPENED, READY, WALKS, Play

from appliance.keypad import entry as keys
from appliance.screen.rest import Light, Rest
from appliance.vault import box as b
from appliance.vault.attention import AT_REST, Attention, is_prompt
from appliance.vault.box import State

LONG = 1e6
SWITCHES = {b.CaseChanged, b.Rearmed, b.ButtonPressed}
RESTING = {State.NO_READER, State.EMPTY, State.UNREADABLE, State.READY}
CARDS = {b.CardInserted, b.CardRemoved, b.ReaderAttached, b.ReaderLost}
HANDS = {*CARDS, b.Asked, *SWITCHES, *get_args(keys.KeyEvent), keys.Probed}
"""Events that are somebody's hand or wish; no other wakes anything."""


def play(*events):
    """A box in whose life nobody came since the clock's zero, and an attention that knows it."""
    return Play(*events).box, Attention(Rest(), 0.0)


@pytest.mark.parametrize(("state", "way"), [(state, way) for state, ways in WALKS.items() for way in ways])
def test_only_home_rests(state, way):
    box, attention = play(*WALKS[state][way])
    assert box.state is state
    rests = state in RESTING and box.session is None
    assert attention.light(box, LONG) is (Light.OFF if rests else Light.BRIGHT)
    assert (attention.shift(box, 60.0) != (0, 0)) is rests
    assert (attention.next_change(box, 0.0) == 30) is rests


def test_every_state_at_rest_is_one_that_asks_nothing():
    assert AT_REST == RESTING
    assert is_prompt(Play(*OPENED).box)  # home, but the session is counted down there


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_what_wakes_a_sleeping_home(kind):
    box, attention = play(*READY)
    event = EXAMPLES[kind](box) if callable(EXAMPLES[kind]) else EXAMPLES[kind]
    after = attention.after(event, box, box, LONG)  # whatever becomes of the box
    assert after.light(box, LONG) is (Light.BRIGHT if kind in HANDS else Light.OFF)
    assert after.last in {0.0, LONG}


def test_rest_begins_when_the_prompt_ends():
    played = Play(*CONSENT)
    attention = Attention(Rest(), 0.0)
    asked = played.box
    home = played.feed(keys.Refuse()).elapse().box
    assert home.state is State.READY
    attention = attention.after(b.Elapsed(), asked, home, 500.0)
    assert attention.light(home, 529.0) is Light.BRIGHT
    assert attention.next_change(home, 529.0) == 530
    assert attention.light(home, 530.0) is Light.DIM
    assert attention.light(home, 620.0) is Light.OFF


def test_times_are_the_configurations():
    box, _ = play(*READY)
    attention = Attention(Rest(dim=5, off=7), 100.0)
    assert [attention.light(box, at) for at in (104.0, 105.0, 107.0)] == [Light.BRIGHT, Light.DIM, Light.OFF]
    assert attention.woken(107.0).light(box, 108.0) is Light.BRIGHT
