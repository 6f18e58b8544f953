"""The opened case: what it ends, what it keeps shut, and how it is over; the panel button."""

import dataclasses
import typing

import flow_kit as kit
import pytest
from flow_kit import WALKS, Play, asked, failed, identified, signed, tries

from appliance.contract.events import Empty
from appliance.keypad import entry as keys
from appliance.vault import box as b
from appliance.vault import flow, view
from appliance.vault.box import Case, Errand, State
from appliance.vault.flow_tamper import CODE, KEPT, case_of
from appliance.vault.lamps import Meaning, meaning
from appliance.vault.records import RequestState

OPEN = b.CaseChanged(opened=True)
SHUT = b.CaseChanged(opened=False)
CASES = [
    pytest.param(state, steps, id=f"{state.value}: {name}")
    for state, ways in WALKS.items()
    for name, steps in ways.items()
]
AT_REST = {State.STARTING, State.NO_READER, State.EMPTY, State.READING, State.UNREADABLE, State.READY}
SECRETS = (b.ReadTries, b.Sign, b.ReadSituations, b.ChangePin, b.UnblockPin, b.Prove, b.CheckDoor, b.OpenDoor, b.Arm)


def locked(*events, case=Case.LOCKED):
    """Home as ``events`` lead to it, locked; the case is open or closed again."""
    return Play(*events, OPEN, *(() if case is Case.OPEN else (SHUT,)))


# --- opening ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_opening_the_case_ends_what_is_open(state, steps):
    play = Play(*steps)
    before = play.box
    play.feed(OPEN)
    assert play.box.case is Case.OPEN
    assert [kept.value for kept in play.of(b.Keep)] == ["locked"]
    assert play.topics[-1:] == ["session/closed"] or "tamper/opened" in play.topics
    assert b.Announce() in play.effects
    if state in b.AT_WORK:  # the card alone knows what exists
        assert (play.box.state, play.box.stop) == (state, before.stop or CODE)
        assert play.of(b.Finish) == []
        return
    assert play.box.state in {*AT_REST, State.RESULT}
    assert not play.box.engaged
    assert [finish.code for finish in play.of(b.Finish)] == ([CODE] if before.ask else [])
    if before.engaged:
        assert b.Disarm() in play.effects, "the page is wiped"
        assert play.box.outcome == CODE
    else:
        assert play.box.state is (state if state in {*AT_REST, State.RESULT} else flow.card.rest(before).state)


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_no_session_outlives_it(state, steps):
    play = Play(*steps)
    session = play.box.session
    play.feed(OPEN)
    if session is None or state in b.AT_WORK:
        assert session is None or play.box.session.over == (session.over or "tamper")
        return
    (closed,) = [publish.data for publish in play.of(b.Publish) if publish.topic == "session/closed"]
    assert (closed.reason, play.box.session) == ("tamper", None)
    assert b.ResetCard() in play.effects


def test_a_document_in_the_card_ends_by_its_own_answer_and_no_other_begins():
    play = Play(*kit.BATCH, OPEN, signed)
    assert (play.finish.code, len(play.finish.results)) == (CODE, 1)
    assert play.of(b.Sign) == []
    assert b.ResetCard() in play.effects
    assert (play.box.state, play.box.signed) == (State.RESULT, 1)
    (move,) = play.of(b.Move)
    assert (move.to, move.code) == (RequestState.FAILED, CODE)


def test_the_last_document_in_the_card_is_still_a_signature():
    play = Play(*kit.SIGNING, OPEN, signed)
    assert play.finish.code is None
    assert play.box.locked
    offered = Play(*kit.OFFER, keys.Agree(), tries(3), *kit.FOUR, keys.Validate(), OPEN, signed)
    assert (offered.finish.code, offered.box.session) == (None, None)
    assert b.ResetCard() in offered.effects


@pytest.mark.parametrize(
    ("steps", "answer", "outcome"),
    [
        (kit.CHANGING, kit.changed, "changed"),
        (kit.UNBLOCKING, kit.changed, "unblocked"),
        (kit.CHANGING, failed("outcome-unknown"), "outcome-unknown"),
        (kit.CHANGING, kit.rejected(2), CODE),
        (kit.SIGNING, kit.rejected(2), CODE),
        (kit.LOOKING, kit.read, CODE),
        (kit.SIGNING, failed("outcome-unknown"), "outcome-unknown"),
    ],
)
def test_what_the_card_answers_then_is_told_as_it_is(steps, answer, outcome):
    play = Play(*steps, OPEN, answer)
    assert (play.box.state, play.box.outcome) == (State.RESULT, outcome)
    assert play.of(b.ReadTries) == []
    assert play.elapse().box.state is State.READY


def test_a_proof_at_the_door_opens_nothing_then():
    play = Play(*kit.PROVING, OPEN, kit.proven)
    assert play.of(b.OpenDoor) == []
    assert (play.box.state, play.box.outcome) == (State.RESULT, CODE)


def test_it_is_said_once_each_time():
    play = Play(*kit.READY)
    for event, topic, case in (
        (OPEN, "tamper/opened", Case.OPEN),
        (OPEN, None, Case.OPEN),
        (SHUT, "tamper/closed", Case.LOCKED),
        (SHUT, None, Case.LOCKED),
        (OPEN, "tamper/opened", Case.OPEN),
    ):
        play.feed(event)
        assert play.topics == ([topic] if topic else [])
        assert play.box.case is case
        assert all(isinstance(publish.data, Empty) for publish in play.of(b.Publish))
    assert Play(SHUT).effects == ()


# --- locked -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [Case.OPEN, Case.LOCKED])
@pytest.mark.parametrize("steps", [(), kit.ATTACHED, kit.INSERTED, kit.READY, kit.PATIENT], ids=len)
@pytest.mark.parametrize("ask", [kit.asked(), kit.looked()], ids=["sign", "practice"])
def test_a_locked_box_refuses_at_once(steps, case, ask):
    play = locked(*steps, case=case).feed(ask)
    assert play.finish.code == CODE
    assert [move.to for move in play.of(b.Move)] == [
        RequestState.RECEIVED, RequestState.ACCEPTED, RequestState.FAILED,
    ]  # fmt: skip
    assert play.of(b.Tell) == []
    assert (play.box.ask, play.box.state) == (None, State.RESULT)


def test_cards_are_read_and_told_all_the_same():
    play = locked(*kit.ATTACHED).feed(b.CardInserted(kit.SESSION, "cps3"))
    assert play.topics == ["card/inserted"]
    assert play.of(b.Identify)
    assert play.feed(identified()).topics == ["card/identified"]
    assert play.feed(b.CardRemoved()).topics == ["card/removed"]


def test_an_errand_cannot_be_begun():
    for errand in Errand:
        box = locked(*kit.READY).box
        after, effects = flow.code.begin(box, errand, 0.0)
        assert (after.state, after.errand, effects) == (State.READY, None, ())


def test_what_was_offered_is_offered_no_more():
    blocked = Play(*kit.AGREED, tries(0))
    assert blocked.box.offer == kit.SESSION
    blocked.feed(OPEN)
    assert blocked.box.offer is None
    assert blocked.feed(keys.Agree()).box.state is State.READY
    late = Play(*kit.SIGNING, OPEN, kit.rejected(0))
    assert (late.box.state, late.box.offer) == (State.RESULT, None)


def test_a_door_does_not_ask_at_insertion():
    play = Play(*kit.ATTACHED, OPEN, door=b.DoorRule(at_insertion=True)).feed(*kit.INSERTED[1:], identified())
    assert (play.box.state, play.of(b.CheckDoor)) == (State.READY, [])


@pytest.mark.parametrize("steps", [case.values[1] for case in CASES], ids=[case.id for case in CASES])
def test_no_event_asks_for_a_code_or_uses_one(steps):
    opened = Play(*steps, OPEN)
    for kind in kit.EXAMPLES.keys() - {b.Rearmed}:
        play = Play()
        play.box, play.now = opened.box, opened.now
        for _ in range(3):
            play.feed(kit.EXAMPLES[kind])
            assert not [effect for effect in play.effects if isinstance(effect, SECRETS)], kind


@pytest.mark.parametrize(
    ("steps", "screen"),
    [
        (kit.ATTACHED, CODE),
        (kit.READY, CODE),
        ((b.ReaderLost("reader-absent"),), CODE),
        ((), None),
        (kit.PATIENT, "patient-card"),
    ],
)
def test_home_says_so(steps, screen):
    box = locked(*steps).box
    shown = view.look(box, 0.0, "10:42", "0.1.0")
    assert getattr(shown, "code", None) == screen
    if screen == CODE:
        assert meaning(box) is Meaning.FAULT


# --- armed again ------------------------------------------------------------------------------------------------------


def test_an_admin_arms_it_again():
    play = locked(*kit.READY).feed(b.Rearmed())
    assert play.box.case is Case.CLOSED
    assert play.effects == (b.Record("tamper/rearmed"), b.Keep(KEPT, "armed"), b.Announce())
    assert play.feed(asked()).box.state is State.CONSENT


@pytest.mark.parametrize(
    "before",
    [Play(*kit.READY), locked(*kit.READY, case=Case.OPEN), Play(*kit.SIGNING, OPEN)],
    ids=["armed", "open", "at work"],
)
def test_there_is_nothing_to_arm_while_it_is_open_or_armed(before):
    box = before.box
    play = before.feed(b.Rearmed())
    assert play.box is box
    assert play.effects == ()


def test_arming_while_a_stopped_document_is_in_the_card_begins_no_other():
    play = Play(*kit.BATCH, OPEN, SHUT, b.Rearmed(), signed)
    assert (play.finish.code, play.of(b.Sign), play.box.case) == (CODE, [], Case.CLOSED)


@pytest.mark.parametrize(
    ("kept", "fitted", "case"),
    [
        (None, True, Case.CLOSED),
        ("armed", True, Case.CLOSED),
        ("locked", True, Case.LOCKED),
        ("locked", False, Case.ABSENT),
        (None, False, Case.ABSENT),
    ],
)
def test_the_lock_is_what_was_kept(kept, fitted, case):
    assert case_of(kept, fitted=fitted) is case
    assert b.Box(case=case).locked is (case is Case.LOCKED)


def test_a_box_that_was_locked_before_it_started_can_be_armed():
    play = Play()
    play.box = dataclasses.replace(play.box, case=Case.LOCKED)
    assert play.feed(*kit.READY, asked()).finish.code == CODE
    assert play.feed(b.Rearmed()).box.case is Case.CLOSED


# --- the panel button -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_the_button_never_agrees(state, steps):
    play = Play(*steps)
    before = play.box
    play.feed(b.ButtonPressed())
    if state in {State.NO_READER, State.EMPTY, State.UNREADABLE, State.READY}:
        assert (play.box.state, play.box.topic) == (State.PAGE, b.Topic.ABOUT)
        assert [type(effect) for effect in play.effects] == [b.Inform]
    else:
        assert play.box is before
        assert play.effects == ()


def test_the_button_of_a_box_that_nobody_can_use_only_wakes_it():
    play = Play(*kit.READY, b.DisplayChanged(ok=False))
    before = play.box
    assert play.feed(b.ButtonPressed()).box is before


def test_every_event_is_an_example():
    assert set(kit.EXAMPLES) == set(typing.get_args(b.Event))
