"""The walk over the flow's tables, and what each journey ends in (design §3, *The flow is a table*; §5)."""

import dataclasses
import typing

import flow_kit as kit
import pytest
from flow_kit import EXAMPLES, TICKETED, WALKS, Play, asked, failed, held, identified, rejected, signed, tries

from appliance.contract import problems
from appliance.contract.events import EVENTS
from appliance.keypad import entry as keys
from appliance.keypad.entry import Agree, KeyFault, Next, Previous, Refuse, Validate
from appliance.screen.fr import WORDS
from appliance.screen.screens import render
from appliance.vault import box as b
from appliance.vault import flow, view
from appliance.vault.box import Ending, State
from appliance.vault.records import RequestState

# A state without a way to it, or an event without an example, fails the collection.
CASES = [
    pytest.param(state, steps, id=f"{state.value}: {name}") for state in State for name, steps in WALKS[state].items()
]
OPEN = [case for case in CASES if Play(*case.values[1]).box.ask]
WAITING = {State.WAIT_CARD}
DEFERRING = {State.SIGNING}


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
    strangers = [kind for kind in EXAMPLES if kind not in flow.TABLE[state] and kind not in flow.ALWAYS]
    assert strangers
    play = Play(*steps)
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
    else:
        assert (play.finish.code, play.box.state, play.box.ending) == ("card-removed", State.RESULT, Ending.REMOVED)
    assert play.box.card is None
    assert play.box.inserted is None


@pytest.mark.parametrize(("state", "steps"), OPEN)
def test_a_reader_that_goes_ends_what_is_open(state, steps):
    play = Play(*steps)
    met = state is not State.WAIT_CARD
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


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_time_has_a_row_exactly_where_it_has_a_deadline(state, steps):
    assert (b.Elapsed in flow.TABLE[state]) == (state in flow.DEADLINES)
    play = Play(*steps)
    waits = play.box.ask is not None and state not in DEFERRING
    ends = 0
    for _ in range(400):
        if flow.deadline(play.box, play.now) is None:
            break
        play.elapse()
        if play.box.state is State.COUNTING:
            play.feed(tries(2))
        ends += len(play.of(b.Finish))
    else:
        pytest.fail("time never ends it")
    assert ends == waits
    assert play.now <= 120 + play.box.times.result


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


# --- beginnings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((), "reader-absent"),
        ((b.ReaderLost("reader-absent"),), "reader-absent"),
        ((b.ReaderLost("reader-busy"),), "reader-busy"),
        ((*kit.INSERTED, held), "reader-busy"),
        ((*kit.READY, b.DisplayChanged(ok=False)), "display-absent"),
        ((*kit.INSERTED, b.DisplayChanged(ok=False)), "display-absent"),
        ((*kit.READY, KeyFault()), "internal"),
        ((*kit.INSERTED, failed("card-mute")), "card-mute"),
        ((*kit.INSERTED, failed("certificate-invalid")), "certificate-invalid"),
        ((*kit.INSERTED, failed("card-data-malformed")), "card-unsupported"),
        ((*kit.INSERTED, identified(expired=True)), "card-expired"),
    ],
)
def test_what_stands_in_the_way_is_said_at_once(steps, code):
    play = Play(*steps, asked())
    assert play.finish.code == code
    assert code in problems.PROBLEMS
    assert [move.to for move in play.of(b.Move)] == [RequestState.RECEIVED, RequestState.ACCEPTED, RequestState.FAILED]
    assert play.topics == ["sign/failed"]
    assert play.box.state is State.RESULT


def test_a_card_that_could_not_be_read_ends_the_request_that_waited_for_it():
    for error, code in {
        "card-mute": "card-mute",
        "card-reset": "card-unsupported",
        "reader-absent": "reader-absent",
    }.items():
        play = Play(*kit.ATTACHED, asked(), b.CardInserted("s", "cps3"), failed(error))
        assert play.finish.code == code
        assert play.topics == ["card/unreadable", "sign/failed"]


def test_a_card_pulled_while_it_is_read_is_told_by_its_removal():
    play = Play(*kit.INSERTED, asked())
    before = play.box
    play.feed(failed("card-removed"))
    assert play.box is before
    assert play.feed(b.CardRemoved()).finish.code == "card-removed"


@pytest.mark.parametrize("binding", [{"signer": "somebody-else"}, {"card_session": "insertion-0"}])
@pytest.mark.parametrize("late", [False, True])
def test_another_card_than_the_one_asked_for(binding, late):
    steps = (*kit.INSERTED, asked(**binding), identified()) if late else (*kit.READY, asked(**binding))
    play = Play(*steps)
    assert play.finish.code == "wrong-holder"
    assert play.box.card is not None


@pytest.mark.parametrize("binding", [{}, {"signer": "holder-1"}, {"card_session": kit.SESSION}])
def test_the_card_asked_for(binding):
    play = Play(*kit.READY, asked(**binding))
    assert [tell.phase for tell in play.of(b.Tell)] == ["accepted", "awaiting-consent"]


def test_a_request_waits_for_a_card_and_is_bound_to_the_one_that_comes():
    play = Play(*kit.ATTACHED, asked())
    assert [tell.phase for tell in play.of(b.Tell)] == ["accepted", "awaiting-card"]
    play.feed(b.CardInserted("insertion-1", "cps3"))
    assert play.of(b.Identify) == [b.Identify(play.box.ticket)]
    play.feed(identified())
    assert play.box.state is State.CONSENT
    assert play.box.signer.session == "insertion-1"


def test_a_patients_card_is_named_and_left_alone():
    play = Play(*kit.PATIENT)
    assert (play.topics, play.of(b.Identify)) == (["patient-card/inserted"], [])
    play.feed(asked())
    assert play.box.state is State.WAIT_CARD
    play.feed(b.CardRemoved())
    assert (play.topics, play.box.state) == (["patient-card/removed"], State.WAIT_CARD)
    play.feed(b.CardInserted("v", patient=True))
    assert (play.box.state, play.of(b.Identify)) == (State.WAIT_CARD, [])
    play.feed(b.ReaderLost("reader-absent"))
    assert play.finish.code == "reader-absent"
    assert Play(*kit.PATIENT, b.CardRemoved()).box.state is State.EMPTY


# --- one signature --------------------------------------------------------------------------------------------------


def test_the_whole_journey_step_by_step():
    play = Play(*kit.CONSENT)
    request = play.box.ask
    play.feed(*kit.LAST_PAGE, Agree())
    assert play.effects == (
        b.Move(request, RequestState.AGREED, holder="holder-1"),
        b.ReadTries(play.box.ticket),
    )
    play.feed(tries(3))
    assert play.effects == (b.Arm(4), b.Tell(request, "awaiting-pin", attempt=1))
    play.feed(*(keys.Digit(),) * 4)
    assert play.box.entry.marks == 4
    play.feed(Validate())
    assert play.effects == (
        b.Disarm(wipe=False),
        b.Move(request, RequestState.CARD_STARTED),
        b.Tell(request, "signing", done=0),
        b.Sign(play.box.ticket, request, 0, verify=True),
    )
    play.feed(signed)
    assert play.topics == ["pin/verified", "sign/completed"]
    assert play.of(b.Disarm) == [b.Disarm(wipe=True)]
    assert play.finish == b.Finish(request, (kit.result(),))
    assert play.of(b.ResetCard) == [b.ResetCard()]
    assert play.of(b.Tell) == []
    assert (play.box.state, play.box.ending, play.box.ended) == (State.RESULT, Ending.DONE, request)
    assert play.elapse().box.state is State.READY


def test_a_batch_is_one_pin_and_one_order_a_document():
    play = Play(*kit.BATCH)
    request = play.box.ask
    for done in (1, 2):
        play.feed(signed)
        assert play.of(b.Sign) == [b.Sign(play.box.ticket, request, done, verify=False)]
        assert play.of(b.Tell) == [b.Tell(request, "signing", done=done, result=kit.result(done - 1))]
        assert play.topics == ([] if done > 1 else ["pin/verified"])
    play.feed(signed)
    assert len(play.finish.results) == 3
    assert play.of(b.Tell)[0].done == 3


@pytest.mark.parametrize(
    ("steps", "code", "topic"),
    [
        ((Refuse(),), "refused", "sign/failed"),
        ((b.Cancelled(kit.CLIENT, kit.ask().id),), "cancelled", "sign/failed"),
        ((b.CardRemoved(),), "card-removed", "sign/failed"),
        ((b.CardRemoved(), b.CardInserted("insertion-2", "cps3")), "card-removed", "sign/failed"),
        ((b.ReaderLost("reader-absent"), b.ReaderAttached()), "card-removed", "sign/failed"),
        ((b.DisplayChanged(ok=False),), "display-absent", "sign/failed"),
        ((b.DisplayChanged(ok=False), b.DisplayChanged(ok=True)), "display-absent", "sign/failed"),
        ((KeyFault(),), "internal", "sign/failed"),
        ((Refuse(), b.DisplayChanged(ok=False)), "refused", "sign/failed"),
    ],
)
def test_a_batch_stops_after_the_document_in_hand(steps, code, topic):
    play = Play(*kit.BATCH, *steps)
    assert play.box.state is State.SIGNING
    play.feed(signed)
    assert play.of(b.Sign) == []
    assert (play.finish.code, len(play.finish.results)) == (code, 1)
    assert play.topics[-1] == topic
    assert play.of(b.Publish)[-1].data.signed == 1


def test_a_batch_ends_with_its_time():
    play = Play(*kit.BATCH).feed(signed, after=119)
    assert play.of(b.Sign) != []
    play.feed(signed, after=2)
    assert (play.finish.code, len(play.finish.results), play.of(b.Sign)) == ("expired", 2, [])


def test_what_is_signed_to_the_last_is_done_whatever_came_meanwhile():
    for event in (Refuse(), b.CardRemoved(), b.DisplayChanged(ok=False), b.ReaderLost("reader-absent")):
        play = Play(*kit.SIGNING, event, signed)
        assert play.finish.code is None
        assert play.topics[-1] == "sign/completed"


@pytest.mark.parametrize(
    ("code", "ending"),
    [("outcome-unknown", Ending.OUTCOME), ("card-removed", Ending.REMOVED), ("pin-blocked", Ending.BLOCKED)],
)
def test_the_cards_own_word_ends_a_signature(code, ending):
    play = Play(*kit.SIGNING, b.CardRemoved(), failed(code))
    assert (play.finish.code, play.box.ending) == (code, ending)
    assert play.of(b.ResetCard) == []


@pytest.mark.parametrize("code", ["card-mute", "reader-busy", "card-removed"])
def test_a_counter_that_cannot_be_read(code):
    assert Play(*kit.AGREED, failed(code)).finish.code == code


# --- PIN ------------------------------------------------------------------------------------------------------------


def test_agreement_counts_from_the_last_page_on():
    play = Play(*kit.CONSENT)
    pages = len(play.box.ask.consent.pages)
    assert pages > 2
    for page in range(1, pages):
        before = play.box
        assert before.page == page
        play.feed(Agree())
        assert play.box is before
        play.feed(Next())
    play.feed(Next())
    assert play.box.page == pages
    play.feed(*(Previous(),) * (pages + 3))
    assert play.box.page == 1
    assert play.feed(Agree()).box.state is State.COUNTING


def test_too_few_digits_go_on_being_taken():
    play = Play(*kit.PIN, keys.Digit(), Validate())
    assert (play.box.state, play.effects) == (State.PIN, (b.Arm(4),))
    assert play.box.entry.marks == 1
    play.feed(keys.Clear())
    assert play.box.entry.marks == 0


def test_a_wrong_pin_is_prompted_again_with_its_attempt():
    play = Play(*kit.SIGNING, rejected(2))
    assert (play.topics, play.of(b.Disarm), play.of(b.Finish)) == (["pin/wrong"], [b.Disarm()], [])
    play.elapse()
    assert play.of(b.ReadTries) == [b.ReadTries(play.box.ticket)]
    play.feed(tries(2))
    assert play.of(b.Tell) == [b.Tell(play.box.ask, "awaiting-pin", attempt=2)]
    play.feed(*(keys.Digit(),) * 4, Validate())
    assert play.of(b.Move) == []  # card-started already
    assert play.feed(signed).finish.code is None


def test_one_try_left_is_confirmed_first():
    play = Play(*kit.LAST_TRY)
    assert play.effects == ()
    play.elapse()
    assert (play.now, play.box.state) == (1.0, State.LAST_TRY)  # a drawing of the bar, not the end
    play.feed(Agree())
    assert play.box.state is State.PIN
    play.feed(*(keys.Digit(),) * 4, Validate(), rejected(0))
    assert play.topics == ["pin/wrong", "pin/blocked", "sign/failed"]
    assert (play.finish.code, play.finish.tries, play.box.ending) == ("pin-blocked", 0, Ending.BLOCKED)


def test_no_try_left_is_blocked_without_a_prompt():
    play = Play(*kit.AGREED, tries(0))
    assert (play.topics, play.finish.code) == (["pin/blocked", "sign/failed"], "pin-blocked")


@pytest.mark.parametrize("left", [2, 1])
def test_giving_up_after_a_wrong_pin_is_final_as_pin_wrong(left):
    play = Play(*kit.SIGNING, rejected(left), Refuse())
    assert (play.finish.code, play.finish.tries) == ("pin-wrong", left)
    assert play.topics == ["sign/refused"]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Refuse(), "refused"),
        (b.Cancelled(kit.CLIENT, kit.ask().id), "cancelled"),
        (b.CardRemoved(), "card-removed"),
        (b.DisplayChanged(ok=False), "display-absent"),
        (KeyFault(), "internal"),
    ],
)
def test_no_second_prompt_when_something_stopped_it_while_the_card_judged(event, code):
    play = Play(*kit.SIGNING, event, rejected(2))
    assert (play.finish.code, play.finish.tries) == (code, 2)
    assert play.topics[0] == "pin/wrong"
    assert b.Disarm() in play.effects


@pytest.mark.parametrize(
    ("event", "code", "topic"),
    [
        (b.DisplayChanged(ok=False), "display-absent", "display/fault"),
        (KeyFault(), "internal", "keypad/fault"),
        (b.ReaderLost("reader-busy"), "card-removed", "reader/busy"),
    ],
)
@pytest.mark.parametrize("steps", [kit.CONSENT, kit.AGREED, kit.LAST_TRY, kit.TYPED, kit.WRONG])
def test_no_entry_without_display_keypad_and_reader(event, code, topic, steps):
    play = Play(*steps, event)
    assert play.topics == [topic, "sign/failed"]
    assert play.finish.code == code
    assert b.Disarm() in play.effects


# --- coming and going -----------------------------------------------------------------------------------------------


def test_faults_are_said_once_and_again_when_over():
    for gone, back, topic in (
        (b.DisplayChanged(ok=False), b.DisplayChanged(ok=True), "display/fault"),
        (KeyFault(), KeyFault(ok=True), "keypad/fault"),
    ):
        play = Play(*kit.READY, gone)
        assert play.topics == [topic]
        before = play.box
        assert play.feed(gone).box is before
        assert play.feed(back).effects == (b.Announce(),)
        before = play.box
        assert play.feed(back).box is before
        assert play.feed(asked()).box.state is State.CONSENT


def test_the_brokers_presence_is_only_a_mark():
    play = Play(*kit.TYPED, b.LinkChanged(up=True))
    assert play.effects == ()
    assert play.box.link
    assert play.box.state is State.PIN


def test_a_reader_that_comes_back_while_the_card_signs_leaves_the_request_open():
    play = Play(*kit.SIGNING, b.ReaderLost("reader-absent"), b.ReaderAttached())
    assert play.box.state is State.SIGNING
    assert play.feed(failed("outcome-unknown")).finish.code == "outcome-unknown"
    assert play.elapse().box.state is State.EMPTY


def test_a_reader_said_twice_is_one_reader():
    play = Play(*kit.TYPED)
    before = play.box
    assert play.feed(b.ReaderAttached()).box is before


def test_a_card_without_a_reader_is_no_card():
    play = Play(b.ReaderLost("reader-absent"))
    before = play.box
    assert play.feed(b.CardInserted("s", "cps3")).box is before


def test_an_insertion_without_a_removal_is_both():
    play = Play(*kit.TYPED, b.CardInserted("insertion-2", "cps3"))
    assert play.topics == ["card/removed", "sign/failed", "card/inserted"]
    assert play.finish.code == "card-removed"
    assert b.Disarm() in play.effects
    assert (play.box.state, play.box.ask, play.box.inserted) == (State.READING, None, "insertion-2")
    play = Play(*kit.SIGNING, b.CardInserted("insertion-2", "cps3"), signed)
    assert play.finish.code is None
    assert play.of(b.Identify) == [b.Identify(play.box.ticket)]


def test_a_card_that_came_during_a_signature_is_read_after_it():
    play = Play(*kit.SIGNING, b.CardRemoved(), b.CardInserted("insertion-2", "cps3"))
    assert (play.topics, play.of(b.Identify), play.box.state) == (["card/inserted"], [], State.SIGNING)
    play.feed(failed("outcome-unknown"))
    assert play.of(b.ResetCard) == []
    assert play.of(b.Identify) == [b.Identify(play.box.ticket)]
    play.feed(identified())
    assert (play.topics, play.box.state) == (["card/identified"], State.RESULT)
    assert play.elapse().box.state is State.READY


def test_a_patients_card_that_came_during_a_signature_is_left_alone_after_it():
    play = Play(*kit.SIGNING, b.CardRemoved(), b.CardInserted("v", patient=True))
    assert play.topics == ["patient-card/inserted"]
    play.feed(signed)
    assert play.of(b.Identify) == []
    assert play.elapse().box.state is State.UNREADABLE


def test_a_held_card_is_said_once_and_read_when_it_is_let_go():
    play = Play(*kit.INSERTED, held)
    assert play.topics == ["reader/busy"]
    assert play.of(b.Identify) == [b.Identify(play.box.ticket)]
    play.feed(held)
    assert play.effects == (b.Identify(play.box.ticket),)
    play.feed(asked())
    assert play.finish.code == "reader-busy"
    play.feed(held).elapse()
    assert play.box.state is State.READING
    assert play.feed(identified()).box.state is State.READY


def test_an_answer_to_a_request_that_is_over_says_nothing_of_the_card():
    play = Play(*kit.AGREED)
    late = play.box
    play.feed(Refuse())
    before = play.box
    play.feed(failed("card-reset")(late))
    assert play.box is before
    assert play.elapse().box.state is State.READY


def test_identification_goes_on_beside_a_request_that_ended():
    play = Play(*kit.INSERTED, asked(), Refuse())
    assert play.finish.code == "refused"
    assert play.feed(identified()).topics == ["card/identified"]
    assert play.elapse().box.state is State.READY


def test_d_while_a_card_is_read_for_nobody_is_a_key():
    play = Play(*kit.INSERTED)
    before = play.box
    assert play.feed(Refuse()).box is before


def test_a_result_stays_when_card_or_reader_go():
    for gone, then in ((b.CardRemoved(), State.EMPTY), (b.ReaderLost("reader-absent"), State.NO_READER)):
        play = Play(*kit.SIGNING, signed, gone)
        assert (play.box.state, play.box.ending) == (State.RESULT, Ending.DONE)
        play.feed(gone)
        assert play.elapse().box.state is then
    play = Play(*kit.SIGNING, signed, b.ReaderLost("reader-absent"), b.ReaderAttached())
    assert play.box.state is State.RESULT


@pytest.mark.parametrize("key", [Agree(), Validate(), Refuse()])
def test_a_result_is_put_away_by_a_key(key):
    assert Play(*kit.CONSENT, Refuse(), key).box.state is State.READY


def test_a_removed_card_is_said_and_then_the_box_is_empty():
    play = Play(*kit.READY, b.CardRemoved())
    assert (play.box.ending, play.topics) == (Ending.REMOVED, ["card/removed"])
    assert play.elapse().box.state is State.EMPTY
    before = play.box
    assert play.feed(b.CardRemoved()).box is before


@pytest.mark.parametrize(("state", "steps"), CASES)
def test_what_is_published_is_in_the_contract(state, steps):
    for example in EXAMPLES.values():
        for publish in Play(*steps).feed(example).of(b.Publish):
            domain, name = publish.topic.split("/")
            assert EVENTS[domain, name] is type(publish.data)


def test_a_row_that_needs_a_request_or_a_card_says_so():
    for row in (flow.request.open_ask, flow.request.bound_card, flow.request.entry_of):
        with pytest.raises(AssertionError):
            row(b.Box())
