"""What each journey through the flow ends in, step by step (design §5)."""

import flow_kit as kit
import pytest
from flow_kit import Play, asked, failed, held, identified, rejected, signed, tries

from appliance.contract import problems
from appliance.keypad import entry as keys
from appliance.keypad.entry import Agree, KeyFault, Next, Previous, Refuse, Validate
from appliance.vault import box as b
from appliance.vault.box import Ending, State
from appliance.vault.records import RequestState

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
        ((*kit.INSERTED, identified(barred="card-expired")), "card-expired"),
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
    assert play.feed(b.CardRemoved()).box.state is State.WAIT_CARD


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
    assert play.finish == b.Finish(request, (kit.result(),), trust="unknown")
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
    [("outcome-unknown", Ending.OUTCOME), ("card-removed", Ending.REMOVED), ("card-refused", Ending.OUTCOME)],
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
    assert play.of(b.Tell) == [b.Tell(play.box.ask, "awaiting-pin", attempt=2)]
    play.elapse()
    assert play.of(b.ReadTries) == [b.ReadTries(play.box.ticket)]
    assert play.feed(tries(2)).of(b.Tell) == []  # told when the PIN was wrong
    play.feed(*(keys.Digit(),) * 4, Validate())
    assert play.of(b.Move) == []  # card-started already
    assert play.feed(signed).finish.code is None


def test_one_try_left_is_confirmed_first():
    play = Play(*kit.LAST_TRY)
    assert play.effects == ()
    play.elapse()
    assert (play.now, play.box.state) == (1.0, State.LAST_TRY)  # a drawing of the bar, not the end
    assert Play(*kit.LAST_TRY, 0.9, Agree()).box.state is State.LAST_TRY
    play.feed(Agree())
    assert play.box.state is State.PIN
    play.feed(*(keys.Digit(),) * 4, Validate(), rejected(0))
    assert play.topics == ["pin/wrong", "pin/blocked", "sign/failed"]
    assert (play.finish.code, play.finish.tries, play.box.ending) == ("pin-blocked", 0, Ending.BLOCKED)


def test_an_a_meant_for_the_screen_before_is_no_second_confirmation():
    """Whoever presses ``A`` twice, or as the screen comes up, has not read that this is the last try."""
    for steps in (kit.LAST_TRY, (*kit.WRONG, Agree(), tries(1))):
        play = Play(*steps)
        before = play.box
        for seconds in (0.0, 0.5, 0.4):
            assert play.feed(Agree(), after=seconds).box is before
        assert play.feed(Agree(), after=0.1).box.state is State.PIN
    assert Play(*kit.LAST_TRY, Refuse()).finish.code == "refused"  # ``D`` counts at once


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
        (Refuse(), "pin-wrong"),
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
    assert play.topics[-1] == ("sign/refused" if code == "pin-wrong" else "sign/failed")
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
