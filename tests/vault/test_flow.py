"""The walk over the flow's tables, and what each journey ends in (design §3, *The flow is a table*; §5)."""

import dataclasses
import typing

import flow_kit as kit
import pytest
from flow_kit import EXAMPLES, TICKETED, WALKS, Play, asked, failed, rejected, signed, tries

from appliance.contract.events import EVENTS
from appliance.keypad import entry as keys
from appliance.keypad.entry import Agree, Refuse, Validate
from appliance.screen.fr import WORDS
from appliance.screen.screens import render
from appliance.vault import box as b
from appliance.vault import flow, view
from appliance.vault.box import Ending, State

# A state without a way to it, or an event without an example, fails the collection.
CASES = [
    pytest.param(state, steps, id=f"{state.value}: {name}") for state in State for name, steps in WALKS[state].items()
]
OPEN = [case for case in CASES if Play(*case.values[1]).box.ask]
ERRANDS = [case for case in CASES if Play(*case.values[1]).box.errand]
SESSIONS = [case for case in CASES if (under := Play(*case.values[1]).box.session) and not under.over]
WAITING = {State.WAIT_CARD}
DEFERRING = b.AT_WORK


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_every_state_is_reached_has_its_row_and_a_screen_that_draws(state, steps):
    box = Play(*steps).box
    assert box.state is state
    assert state in flow.TABLE
    assert state in view.SCREENS or state is State.STARTING
    for now in (0.0, 7.0, 1e6):
        assert render(view.look(box, now, "10:42", "0.1.0"), WORDS).size == (128, 64)


def test_the_tables_name_nothing_else():
    assert set(flow.TABLE) == set(State)
    assert flow.DRAWN <= set(flow.DEADLINES) <= set(State)
    known = set(typing.get_args(b.Event))
    assert set(EXAMPLES) == known
    assert set(flow.ALWAYS) <= known
    assert all(set(rows) <= known for rows in flow.TABLE.values())


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_what_is_not_in_the_table_changes_nothing(state, steps):
    play = Play(*steps)
    ending = flow.session.ENDED_BY if play.box.session else ()
    known = {*flow.TABLE[state], *flow.ALWAYS, *ending}
    strangers = [kind for kind in EXAMPLES if kind not in known]
    assert strangers
    before = play.box
    for kind in strangers:
        play.feed(EXAMPLES[kind])
        assert play.box is before, kind
        assert play.effects == (), kind


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_a_late_answer_changes_nothing(state, steps):
    play = Play(*steps)
    before = play.box
    for kind in TICKETED:
        for other in (before.ticket - 1, before.ticket + 1):
            play.feed(dataclasses.replace(EXAMPLES[kind](before), ticket=other))
            assert play.box is before, kind
            assert play.effects == (), kind


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_a_time_that_comes_too_early_changes_nothing(state, steps):
    play = Play(*steps)
    before, end = play.box, flow.deadline(play.box, play.now)
    assert end is None or end > play.now
    play.feed(b.Elapsed(), after=0.0 if end is None else (end - play.now) / 2)
    assert play.box is before
    assert play.effects == ()


# --- what is open ends ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "steps"), OPEN)
def test_a_removal_ends_what_met_the_card(state, steps):
    play = Play(*steps)
    before = play.box
    play.feed(b.CardRemoved())
    if state in WAITING | DEFERRING:
        assert play.box.ask is before.ask
        assert play.box.state is state
        assert play.of(b.Finish) == []
    elif state is State.READING:
        assert (play.box.ask, play.box.state) == (before.ask, State.WAIT_CARD)
        assert play.of(b.Tell) == [b.Tell(before.ask, "awaiting-card")]
    else:
        assert (play.finish.code, play.box.state, play.box.ending) == ("card-removed", State.RESULT, Ending.REMOVED)
    assert play.box.card is None
    assert play.box.inserted is None


@pytest.mark.parametrize(("state", "steps"), OPEN)
def test_a_reader_that_goes_ends_what_is_open(state, steps):
    play = Play(*steps)
    met = play.box.signer is not None
    play.feed(b.ReaderLost("reader-absent"))
    if state in DEFERRING:
        assert play.of(b.Finish) == []
        play.feed(failed("outcome-unknown"))
        assert play.finish.code == "outcome-unknown"
    else:
        assert play.finish.code == ("card-removed" if met else "reader-absent")
    assert play.elapse().box.state is State.NO_READER


@pytest.mark.parametrize(("state", "steps"), OPEN)
def test_d_refuses_everywhere(state, steps):
    assert Refuse in flow.TABLE[state]
    play = Play(*steps).feed(Refuse())
    if state in DEFERRING:
        assert play.box.stop == "refused"
        assert play.effects == ()
    elif state is State.SESSION:  # to decline the session is not to refuse the document
        assert (play.box.state, play.box.ask, play.effects) == (State.CONSENT, Play(*steps).box.ask, ())
        assert play.feed(Refuse()).finish.code == "refused"
    else:
        assert play.finish.code in {"refused", "pin-wrong"}
        assert (play.finish.code == "pin-wrong") == (play.finish.ask is not None and Play(*steps).box.attempt > 1)


@pytest.mark.parametrize(("state", "steps"), OPEN)
def test_only_the_opener_cancels(state, steps):
    play = Play(*steps)
    before = play.box
    for client, identifier in (("other-desk", before.ask.id), (before.ask.client, "another")):
        play.feed(b.Cancelled(client, identifier))
        assert play.box is before
        assert play.effects == ()
    play.feed(b.Cancelled(before.ask.client, before.ask.id))
    if state in DEFERRING:
        assert play.box.stop == "cancelled"
        assert play.effects == ()
    else:
        assert play.finish.code == "cancelled"


@pytest.mark.parametrize(("state", "steps"), OPEN)
def test_another_request_is_told_who_is_first(state, steps):
    play = Play(*steps)
    before = play.box
    play.feed(asked(number=9))
    assert play.box is before
    assert play.effects == (b.Busy(kit.ask(9), before.ask.id),)


# --- the person's own errands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "steps"), ERRANDS)
def test_a_removal_ends_an_errand_unless_the_card_is_at_work(state, steps):
    play = Play(*steps).feed(b.CardRemoved())
    if state in DEFERRING:
        assert play.box.state is state
        play.feed(failed("outcome-unknown"))
        wanted = "outcome-unknown"
    else:
        wanted = "card-removed"
    assert (play.box.state, play.box.outcome) == (State.RESULT, wanted)
    assert (play.box.card, play.box.errand) == (None, None)
    assert b.Disarm() in play.effects


@pytest.mark.parametrize(("state", "steps"), ERRANDS)
def test_d_ends_an_errand_unless_the_card_is_at_work(state, steps):
    play = Play(*steps).feed(Refuse())
    if state in DEFERRING:
        assert (play.box.state, play.box.stop, play.effects) == (state, "refused", ())
    else:
        assert (play.box.state, play.box.outcome) == (State.RESULT, "refused")
        assert b.Disarm() in play.effects
        assert play.of(b.Finish) == []


@pytest.mark.parametrize(("state", "steps"), [*ERRANDS, pytest.param(State.MENU, kit.MENU, id="menu")])
def test_nothing_prompts_while_the_person_has_menu_or_code_in_hand(state, steps):
    play = Play(*steps)
    before = play.box
    for ask in (kit.ask(9), kit.look(9)):
        play.feed(b.Asked(ask))
        assert play.box is before
        assert play.effects == (b.Busy(ask, None),)


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Refuse(), "key"),
        (b.CardRemoved(), "removed"),
        (b.ReaderLost("reader-absent"), "removed"),
        (b.CardInserted("insertion-9", "cps3"), "removed"),
        (b.DisplayChanged(ok=False), "fault"),
        (keys.KeyFault(), "fault"),
        (b.Stopping(), "stopped"),
    ],
)
@pytest.mark.parametrize(("state", "steps"), SESSIONS)
def test_a_session_ends_wherever_the_box_stands(state, steps, event, reason):
    play = Play(*steps).feed(event)
    if state in DEFERRING and reason != "stopped":  # said when the document in the card is done
        assert "session/closed" not in play.topics
        assert play.box.session.over == reason
        play.feed(signed)
    assert play.box.session is None
    (closed,) = [publish.data for publish in play.of(b.Publish) if publish.topic == "session/closed"]
    assert (closed.reason, closed.signatures) == (reason, 1 + (state in DEFERRING and reason != "stopped"))
    resets = 0 if reason == "removed" or (state in DEFERRING and reason == "stopped") else 1
    assert len(play.of(b.ResetCard)) == resets
    assert "session/closed" not in play.feed(event).topics


@pytest.mark.parametrize(("state", "steps"), SESSIONS)
def test_a_session_ends_with_its_time_wherever_the_box_stands(state, steps):
    play = Play(*steps)
    end = play.box.session.until
    assert flow.deadline(play.box, play.now) <= end
    play.feed(b.LinkChanged(up=True), after=end - play.now - 0.5)
    assert play.box.session
    play.feed(b.LinkChanged(up=False), after=0.5)
    if state in DEFERRING:
        assert (play.effects, flow.deadline(play.box, play.now)) == ((), None)
        play.feed(signed)
    assert play.box.session is None
    assert play.of(b.Publish)[-1].data.reason == "expired"
    assert len(play.of(b.ResetCard)) == 1


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_time_has_a_row_exactly_where_it_has_a_deadline(state, steps):
    assert (b.Elapsed in flow.TABLE[state]) == (state in flow.DEADLINES)
    play = Play(*steps)
    waits = play.box.ask is not None and state not in DEFERRING
    ends = 0
    for _ in range(800):
        if flow.deadline(play.box, play.now) is None:
            break
        play.elapse()
        ends += len(play.of(b.Finish))
        if play.box.state is State.COUNTING and play.of(b.ReadTries):
            play.feed(tries(2))
    else:
        pytest.fail("time never ends it")
    assert ends == waits
    assert play.now <= (kit.RULE.seconds if Play(*steps).box.session else 120 + play.box.times.last_try)


@pytest.mark.parametrize(
    ("steps", "code", "at"),
    [
        ((*kit.ATTACHED, asked()), "card-absent", 60),
        ((*kit.ATTACHED, asked(ttl=50)), "expired", 50),
        ((*kit.INSERTED, asked()), "expired", 120),
        (kit.CONSENT, "consent-timeout", 120),
        (kit.AGREED, "expired", 120),
        (kit.LAST_TRY, "pin-timeout", 30),
        ((*kit.READY, asked(ttl=20), *kit.LAST_PAGE, Agree(), tries(1)), "expired", 20),
        (kit.PIN, "pin-timeout", 30),
        (kit.TYPED, "pin-timeout", 15),
        ((*kit.READY, asked(ttl=10), *kit.LAST_PAGE, Agree(), tries(3)), "expired", 10),
        ((*kit.WRONG, Validate(), tries(2)), "pin-wrong", 30),
        ((*kit.WRONG, Validate(), tries(1)), "pin-wrong", 30),
        (kit.WRONG, None, 5),
    ],
)
def test_which_time_ends_it_with_which_code(steps, code, at):
    play = Play(*steps)
    before = play.box.state
    while play.box.state is before:
        play.elapse()
    assert play.now == at
    assert [finish.code for finish in play.of(b.Finish)] == ([code] if code else [])


def test_a_key_moves_the_time_of_the_next_digit_but_not_of_the_entry():
    play = Play(*kit.PIN)
    for _ in range(4):
        play.feed(keys.Full(), after=14)
        assert play.box.state is State.PIN
    assert play.elapse().now == 57.0
    while play.box.state is State.PIN:
        play.elapse()
    assert (play.now, play.finish.code) == (60.0, "pin-timeout")


def test_expired_while_the_wrong_pin_is_shown():
    play = Play(
        *kit.READY, asked(ttl=3), *kit.LAST_PAGE, Agree(), tries(3), *(keys.Digit(),) * 4, Validate(), rejected(2)
    )
    assert play.elapse().finish.code == "expired"


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_what_is_published_is_in_the_contract(state, steps):
    for example in EXAMPLES.values():
        for publish in Play(*steps).feed(example).of(b.Publish):
            domain, name = publish.topic.split("/")
            assert EVENTS[domain, name] is type(publish.data)


def test_a_row_that_needs_a_request_or_a_card_says_so():
    for row in (flow.request.open_ask, flow.request.signing_ask, flow.request.bound_card, flow.pin.entry_of):
        with pytest.raises(AssertionError):
            row(b.Box())
    with pytest.raises(AssertionError):
        flow.pin.finish(b.Box(), None, 0.0)
