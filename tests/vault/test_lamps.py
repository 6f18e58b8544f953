"""LED and buzzer as tables: every state has a lamp, none is told by colour alone, no key by its sound."""

import dataclasses
import itertools

import pytest
from flow_kit import EXAMPLES, READY, WALKS, Play
from hypothesis import given
from hypothesis import strategies as st

from appliance.keypad import entry as keys
from appliance.vault import box as b
from appliance.vault.box import State
from appliance.vault.lamps import (
    DARK,
    GREEN,
    LAMPS,
    PROBED,
    RED,
    Contact,
    Lamp,
    Meaning,
    Tone,
    beat,
    lamp,
    meaning,
    tone,
)

WAYS = [(state, way) for state, ways in WALKS.items() for way in ways]
RESULTS = {
    "done": Meaning.GOOD,
    "batch done": Meaning.GOOD,
    "removed": Meaning.EMPTY,
    "blocked": Meaning.BAD,
    "refused": Meaning.BAD,
    "changed": Meaning.GOOD,
    "unblocked": Meaning.GOOD,
    "door open": Meaning.GOOD,
    "door shut": Meaning.BAD,
    "read": Meaning.GOOD,
    "change refused": Meaning.BAD,
    "session opened": Meaning.GOOD,
    "another card": Meaning.GOOD,
}


def box_of(state, way):
    return Play(*WALKS[state][way]).box


@pytest.mark.parametrize(("state", "way"), WAYS)
def test_every_state_has_its_lamp(state, way):
    box = box_of(state, way)
    said = meaning(box)
    looked_at = PROBED.get(box.selftest.probe) if state is State.SELFTEST else None
    assert lamp(box) is (looked_at or LAMPS[said])
    if state in {State.PIN, State.NEW_PIN, State.AGAIN}:
        assert said is Meaning.CODE
    else:
        assert said is not Meaning.CODE  # that lamp is a promise
    if state is State.RESULT:
        assert said is RESULTS[way]


@pytest.mark.parametrize("part", ["display", "keypad"])
def test_a_box_without_display_or_keypad_is_out_of_order(part):
    box = dataclasses.replace(box_of(State.READY, "ready"), **{part: False})
    assert meaning(box) is Meaning.FAULT


def test_every_meaning_is_told_apart_without_its_colour():
    assert set(LAMPS) == set(Meaning)
    for one, other in itertools.combinations(LAMPS.values(), 2):
        assert one.beats != other.beats
    assert [said for said, shown in LAMPS.items() if not shown.beats] == [Meaning.CODE]


def test_the_lamp_changes_at_most_twice_in_eight_seconds_at_rest():
    for said in (Meaning.EMPTY, Meaning.READY):
        assert (len(LAMPS[said].beats), sum(LAMPS[said].beats)) == (2, 8.0)


@pytest.mark.parametrize(
    ("since", "colour", "left"), [(0.0, RED, 0.1), (0.15, DARK, 0.15), (0.35, RED, 0.05), (1.0, DARK, 1.0)]
)
def test_a_lamp_blinks(since, colour, left):
    shown, until = LAMPS[Meaning.FAULT].phase(since)
    assert shown == colour
    assert until == pytest.approx(left)


@given(since=st.floats(0, 1e9), beats=st.lists(st.sampled_from([0.1, 0.2, 0.5, 1.6, 7.9]), max_size=6).map(tuple))
def test_a_phase_is_the_colour_or_dark_and_always_ends(since, beats):
    shown, until = Lamp(GREEN, beats).phase(since)
    assert shown in {GREEN, DARK}
    assert until is None if not beats else 0 < until <= max(beats)


def test_the_very_end_of_a_round_is_the_end_of_something():
    beats = (0.1, 0.2, 0.7)
    assert beat(beats, sum(beats)) == (False, 0.0)
    assert beat((), 0.0) == (False, 0.0)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_every_key_sounds_the_same_and_nothing_else_does(kind):
    box = Play(*READY).box
    event = EXAMPLES[kind](box) if callable(EXAMPLES[kind]) else EXAMPLES[kind]
    pressed = isinstance(event, keys.KeyEvent | keys.Probed) and kind not in {
        keys.AgreeHeld,
        keys.NextHeld,
        keys.KeyFault,
    }
    assert tone(event, box, box) is (Tone.KEY if pressed else None)


@pytest.mark.parametrize(("state", "way"), WAYS)
def test_a_key_sounds_the_same_wherever_it_leads(state, way):
    box, after = Play(*READY).box, box_of(state, way)
    heard = Tone.CALL if (state, way) == (State.SELFTEST, "step 7") else Tone.KEY  # the self-test's own tone
    assert {tone(key, box, after) for key in (keys.Digit(), keys.Full(), keys.Validate())} == {heard}


def test_the_self_test_sounds_when_it_is_asked_to_and_not_by_itself():
    box = box_of(State.SELFTEST, "step 7")
    assert box.selftest.probe is b.Probe.TONE
    assert tone(keys.Previous(), box, box) is Tone.CALL  # once more
    assert tone(b.LinkChanged(up=True), box, box) is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((State.READY, "ready"), (State.CONSENT, "first page"), Tone.CALL),
        ((State.EMPTY, "empty"), (State.WAIT_CARD, "empty"), Tone.CALL),
        ((State.WAIT_CARD, "empty"), (State.CONSENT, "first page"), None),
        ((State.SIGNING, "one"), (State.RESULT, "done"), Tone.GOOD),
        ((State.SIGNING, "one"), (State.RESULT, "blocked"), Tone.BAD),
        ((State.SIGNING, "one"), (State.PIN_WRONG, "two left"), Tone.BAD),
        ((State.READING, "card"), (State.UNREADABLE, "mute"), Tone.BAD),
        ((State.READING, "card"), (State.READY, "ready"), None),
        ((State.READY, "ready"), (State.RESULT, "removed"), None),
        ((State.READY, "ready"), (State.READY, "ready"), None),
    ],
)
def test_what_calls_and_what_ends(before, after, said):
    assert tone(b.Elapsed(), box_of(*before), box_of(*after)) is said


def test_a_contact_is_believed_when_it_has_settled():
    contact = Contact(closed=True)
    for closed, now, believed, since in [
        (False, 1.00, True, 1.00),
        (False, 1.04, True, 1.00),
        (True, 1.045, True, None),  # it bounced
        (False, 1.05, True, 1.05),
        (False, 1.10, False, None),
        (False, 1.20, False, None),
    ]:
        contact = contact.feed(closed, now, 0.05)
        assert (contact.closed, contact.since) == (believed, since)


def test_a_contact_without_settling_is_believed_at_once():
    assert Contact(closed=False).feed(True, 3.0, 0.0) == Contact(closed=True)
