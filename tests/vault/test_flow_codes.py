"""Changing and unblocking the code, and reading practice situations, step by step (design §5; issue 4, item 3)."""

import flow_kit as kit
import pytest
from flow_kit import FOUR, Play, asked, changed, failed, looked, puk_rejected, rejected, tries

from appliance.keypad.entry import (
    Agree,
    AgreeHeld,
    Clear,
    Differ,
    Digit,
    Full,
    KeyFault,
    Next,
    NextHeld,
    Refuse,
    Same,
    Validate,
)
from appliance.secret import Slot
from appliance.vault import box as b
from appliance.vault.box import Ending, Errand, Hint, State
from appliance.vault.records import RequestState

SECRET = (b.Sign, b.ChangePin, b.UnblockPin, b.ReadSituations)


def secrets_sent(play):
    return [effect for effect in play.effects if isinstance(effect, SECRET)]


# --- change -----------------------------------------------------------------------------------------------------------


def test_a_change_step_by_step():
    play = Play(*kit.MENU).feed(Agree())
    assert play.effects == (b.ReadTries(play.box.ticket),)
    play.feed(tries(3))
    assert play.effects == (b.Arm(4),)
    play.feed(*FOUR, Validate())
    assert play.effects == (b.Arm(4, Slot.NEW, fresh=True),)
    play.feed(*FOUR, Validate())
    assert play.effects == (b.Arm(4, Slot.AGAIN, fresh=True),)
    play.feed(*FOUR, Validate())
    assert play.effects == (
        b.Disarm(wipe=False),
        b.Record("pin/change-started", kit.SESSION, "holder-1"),
        b.ChangePin(play.box.ticket),
    )
    play.feed(changed)
    assert play.topics == ["pin/changed"]
    assert play.of(b.Disarm) == [b.Disarm()]
    assert play.of(b.ResetCard) == [b.ResetCard()]
    assert (play.box.state, play.box.outcome, play.box.card.tries) == (State.RESULT, "changed", None)
    assert play.elapse().box.state is State.READY


def test_the_cards_own_lengths_bound_each_entry():
    card = {"pin_min": 4, "pin_max": 12}
    play = Play(*kit.INSERTED, kit.identified(**card), AgreeHeld(), Agree(), tries(3))
    assert play.effects == (b.Arm(12),)
    play.feed(*(Digit(),) * 3, Validate())
    assert (play.box.state, play.effects) == (State.PIN, (b.Arm(12),))
    play.feed(Digit(), Validate())
    assert play.effects == (b.Arm(12, Slot.NEW, fresh=True),)
    play.feed(*(Digit(),) * 3, Validate())
    assert (play.box.state, play.effects) == (State.NEW_PIN, (b.Arm(12, Slot.NEW),))
    play.feed(Digit(), Validate(), *(Digit(),) * 2, Validate())
    assert (play.box.state, play.effects) == (State.AGAIN, (b.Arm(12, Slot.AGAIN),))
    play = Play(*kit.INSERTED, kit.identified(puk_min=6, puk_max=7), AgreeHeld(), Next(), Agree(), tries(10))
    assert play.effects == (b.Arm(7),)
    play.feed(*(Digit(),) * 5, Validate())
    assert play.box.state is State.PIN
    assert play.feed(Digit(), Validate()).effects == (b.Arm(4, Slot.NEW, fresh=True),)


def test_codes_that_differ_or_are_the_old_one_are_asked_for_again():
    play = Play(*kit.NEW, *FOUR, Same())
    assert (play.box.state, play.box.hint, play.effects) == (
        State.NEW_PIN,
        Hint.SAME,
        (b.Arm(4, Slot.NEW, fresh=True),),
    )
    play.feed(*FOUR, Validate(), *FOUR, Differ())
    assert (play.box.state, play.box.hint, play.effects) == (
        State.NEW_PIN,
        Hint.DIFFER,
        (b.Arm(4, Slot.NEW, fresh=True),),
    )
    assert play.box.entry.marks == 0
    play.feed(*FOUR, Validate(), *FOUR, Validate())
    assert secrets_sent(play) == [b.ChangePin(play.box.ticket)]


def test_too_few_digits_are_no_comparison():
    play = Play(*kit.AGAIN, Digit(), Differ())
    assert (play.box.state, play.box.entry.marks, play.effects) == (State.AGAIN, 1, (b.Arm(4, Slot.AGAIN),))
    play = Play(*kit.NEW, Digit(), Same())
    assert (play.box.state, play.box.hint, play.effects) == (State.NEW_PIN, None, (b.Arm(4, Slot.NEW),))


@pytest.mark.parametrize("steps", [kit.OLD, kit.NEW, kit.AGAIN])
def test_star_and_other_keys_in_each_entry(steps):
    play = Play(*steps, Digit(), Digit(), Clear())
    assert play.box.entry.marks == 0
    play.feed(*FOUR, Full(), after=12)
    assert play.box.entry.marks == 4
    assert play.feed(b.Elapsed(), after=14).box.state is Play(*steps).box.state  # the last key moved its time
    assert play.elapse().box.state is Play(*steps).box.state or play.box.outcome == "pin-timeout"


@pytest.mark.parametrize(("steps", "at"), [(kit.OLD, 30), (kit.NEW, 30), (kit.AGAIN, 30), (kit.CHANGE, 60)])
def test_an_errand_ends_with_its_time(steps, at):
    play = Play(*steps)
    before = play.box.state
    while play.box.state is before:
        play.elapse()
    assert (play.now, play.box.state) == (at, State.RESULT)
    assert play.box.outcome == ("expired" if before is State.COUNTING else "pin-timeout")
    assert b.Disarm() in play.effects
    assert play.of(b.ResetCard) == []


def test_a_wrong_old_code_is_asked_for_again_from_the_counter_on():
    play = Play(*kit.CHANGING, rejected(2))
    assert (play.topics, play.box.state) == (["pin/wrong"], State.PIN_WRONG)
    assert b.Disarm() in play.effects
    play.elapse()
    assert play.of(b.ReadTries) == [b.ReadTries(play.box.ticket)]
    play.feed(tries(2), *FOUR, Validate(), *FOUR, Validate(), *FOUR, Validate())
    assert secrets_sent(play) == [b.ChangePin(play.box.ticket)]
    play.feed(rejected(1), Agree(), tries(1))
    assert play.box.state is State.LAST_TRY
    play.feed(*FOUR, Validate())
    assert play.box.state is State.LAST_TRY
    play.feed(1.0, Agree(), *FOUR, Validate(), *FOUR, Validate(), *FOUR, Validate(), rejected(0))
    assert play.topics == ["pin/wrong", "pin/blocked"]
    assert (play.box.state, play.box.ending) == (State.RESULT, Ending.BLOCKED)


def test_a_change_that_was_given_up_while_the_card_judged():
    play = Play(*kit.CHANGING, Refuse(), rejected(2))
    assert (play.box.state, play.box.outcome, play.topics) == (State.RESULT, "pin-wrong", ["pin/wrong"])
    play = Play(*kit.CHANGING, Refuse(), changed)
    assert (play.box.outcome, play.topics) == ("changed", ["pin/changed"])


@pytest.mark.parametrize("errand", [kit.CHANGING, kit.UNBLOCKING])
@pytest.mark.parametrize(
    "code",
    [
        "outcome-unknown",  # the command had left
        *("card-removed", "card-mute", "reader-absent", "card-reset"),  # it had not
        "card-refused",
    ],
)
@pytest.mark.parametrize("seen", [True, False])
def test_no_answer_is_never_called_a_wrong_code(errand, code, seen):
    """Whichever comes first, the watcher's word or the card thread's."""
    gone = (b.CardRemoved(),) if seen and code in {"card-removed", "outcome-unknown"} else ()
    play = Play(*errand, *gone, failed(code))
    assert (play.box.state, play.box.outcome) == (State.RESULT, code)
    assert play.topics == []
    (record,) = play.of(b.Record)
    assert (record.kind, record.code) == (f"pin/{Play(*errand).box.errand.value}-failed", code)
    assert len(play.of(b.ResetCard)) == (not gone)
    assert b.Disarm() in play.effects


def test_what_the_card_did_is_told_although_it_left():
    play = Play(*kit.CHANGING, b.CardRemoved(), changed)
    assert (play.topics, play.box.outcome, play.of(b.ResetCard)) == (["pin/changed"], "changed", [])
    play = Play(*kit.CHANGING, b.CardRemoved(), rejected(2))
    assert (play.topics, play.box.outcome) == (["pin/wrong"], "card-removed")
    assert play.box.state is State.RESULT


@pytest.mark.parametrize("event", [b.DisplayChanged(ok=False), KeyFault()])
@pytest.mark.parametrize("steps", [kit.CHANGE, kit.OLD, kit.NEW, kit.AGAIN, kit.PUK])
def test_no_code_without_display_and_keypad(event, steps):
    play = Play(*steps, event)
    assert play.box.state is State.RESULT
    assert b.Disarm() in play.effects
    assert play.box.outcome in {"display-absent", "internal"}


@pytest.mark.parametrize("gone", [(), (b.CardRemoved(),)])
def test_a_code_that_changed_or_not_is_said_until_a_key_or_for_half_a_minute(gone):
    steps = (*kit.CHANGING, failed("outcome-unknown"), *gone)
    play = Play(*steps).feed(b.Elapsed(), after=29)
    assert play.box.state is State.RESULT
    play.elapse()
    home = State.EMPTY if gone else State.READY
    assert (play.now, play.box.state) == (30, home)
    for key in (Agree(), Validate(), Refuse()):
        assert Play(*steps, key).box.state is home
    assert Play(*kit.CHANGING, failed("card-refused")).elapse().now == 5


def test_the_counter_of_the_unblocking_code_is_kept_as_it_was_last_read():
    assert Play(*kit.INSERTED, kit.identified(puk_tries=10)).box.card.puk_tries == 10
    play = Play(*kit.UNBLOCK, tries(9))
    assert (play.box.card.puk_tries, play.box.card.tries) == (9, None)
    play = Play(*kit.UNBLOCKING, puk_rejected(7))
    assert play.box.card.puk_tries == 7
    play = Play(*kit.UNBLOCKING, changed)
    assert (play.box.card.puk_tries, play.box.card.tries) == (None, None)
    assert Play(*kit.INSERTED, kit.identified(puk_tries=8), *kit.CHANGING[3:], changed).box.card.puk_tries == 8
    assert Play(*kit.UNBLOCKING, b.CardRemoved(), puk_rejected(7)).box.card is None


def test_given_up_after_a_wrong_code_it_is_said_which_code_was_wrong():
    assert Play(*kit.UNBLOCKING, Refuse(), puk_rejected(7)).box.outcome == "puk-wrong"
    assert Play(*kit.CHANGING, Refuse(), rejected(2)).box.outcome == "pin-wrong"


# --- unblock ----------------------------------------------------------------------------------------------------------


def test_unblocking_step_by_step():
    play = Play(*kit.UNBLOCK)
    assert play.effects == (b.ReadTries(play.box.ticket, puk=True),)
    play.feed(tries(10))
    assert play.effects == (b.Arm(8),)
    assert play.box.card.tries is None  # the PIN's own counter is another
    play.feed(*FOUR, *FOUR, Validate(), *FOUR, Validate(), *FOUR, Validate())
    assert play.effects == (
        b.Disarm(wipe=False),
        b.Record("pin/unblock-started", kit.SESSION, "holder-1"),
        b.UnblockPin(play.box.ticket),
    )
    play.feed(changed)
    assert (play.topics, play.box.outcome) == (["pin/unblocked"], "unblocked")
    assert play.of(b.ResetCard) == [b.ResetCard()]


def test_a_wrong_unblocking_code_counts_down_to_a_card_to_be_replaced():
    play = Play(*kit.UNBLOCKING, puk_rejected(2))
    assert (play.topics, play.box.state) == ([], State.PIN_WRONG)
    assert b.Disarm() in play.effects
    assert play.of(b.Record) == [b.Record("pin/unblock-failed", kit.SESSION, "holder-1", "puk-wrong")]
    play.feed(Validate())
    assert play.effects == (b.ReadTries(play.box.ticket, puk=True),)
    play.feed(tries(1))
    assert play.box.state is State.LAST_TRY
    play.feed(1.0, Agree(), *FOUR, *FOUR, Validate(), *FOUR, Validate(), *FOUR, Validate(), puk_rejected(0))
    assert play.of(b.Record) == [b.Record("pin/unblock-failed", kit.SESSION, "holder-1", "puk-blocked")]
    assert (play.box.state, play.box.outcome) == (State.RESULT, "puk-blocked")


def test_no_unblocking_is_begun_without_a_try():
    play = Play(*kit.UNBLOCK, tries(0))
    assert (play.box.state, play.box.outcome) == (State.RESULT, "puk-blocked")
    assert play.of(b.Arm) == []


BLOCKED = (*kit.AGREED, tries(0))


def test_a_blocked_card_is_offered_to_be_unblocked_and_left_time_to_read():
    play = Play(*BLOCKED)
    assert play.box.until == play.now + play.box.times.last_try
    play.feed(Agree())
    assert (play.box.errand, play.box.state) == (Errand.UNBLOCK, State.COUNTING)
    assert play.effects == (b.ReadTries(play.box.ticket, puk=True),)
    for key in (Refuse(), Validate()):
        assert Play(*BLOCKED, key).box.state is State.READY
    assert Play(*kit.CHANGE, tries(0), Agree()).box.errand is Errand.UNBLOCK
    assert Play(*BLOCKED).elapse().box.state is State.READY


def test_only_the_card_that_is_blocked_is_unblocked():
    assert Play(*BLOCKED, b.CardRemoved(), Agree()).box.state is State.EMPTY
    assert Play(*BLOCKED, b.DisplayChanged(ok=False), Agree()).box.state is State.READY
    without = (*kit.INSERTED, kit.identified(puk=False), *kit.CONSENT[3:], *kit.LAST_PAGE, Agree(), tries(0))
    play = Play(*without)
    assert play.box.until == play.now + play.box.times.result
    assert play.feed(Agree()).box.state is State.READY
    other = (*kit.SIGNING, b.CardRemoved(), b.CardInserted("insertion-2", "cps3"), rejected(0), kit.identified())
    play = Play(*other)
    assert (play.box.ending, play.box.card.session) == (Ending.BLOCKED, "insertion-2")
    assert play.feed(Agree()).box.errand is None


# --- practice ---------------------------------------------------------------------------------------------------------


def test_practice_step_by_step():
    play = Play(*kit.LOOK)
    look = play.box.ask
    assert [tell.phase for tell in play.of(b.Tell)] == ["accepted", "awaiting-consent"]
    play.feed(Agree())
    assert play.effects == (b.Move(look, RequestState.AGREED, holder="holder-1"), b.ReadTries(play.box.ticket))
    play.feed(tries(3), *FOUR, Validate())
    assert play.effects == (
        b.Disarm(wipe=False),
        b.Move(look, RequestState.CARD_STARTED),
        b.ReadSituations(play.box.ticket),
    )
    play.feed(kit.read)
    assert play.topics == ["pin/verified"]
    assert play.finish == b.Finish(look, situations=kit.SITUATIONS, holder="holder-1", session=kit.SESSION)
    assert play.of(b.ResetCard) == [b.ResetCard()]
    assert "DURAND" not in repr(play.effects)


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((Refuse(),), "refused"),
        ((b.Cancelled(kit.CLIENT, kit.look().id),), "cancelled"),
        ((b.CardRemoved(),), "card-removed"),
        ((b.DisplayChanged(ok=False),), "display-absent"),
    ],
)
def test_nothing_is_told_when_somebody_stopped_it_while_the_card_read(steps, code):
    play = Play(*kit.LOOKING, *steps, kit.read)
    assert (play.finish.code, play.finish.situations) == (code, ())
    assert play.topics == ["pin/verified"]


def test_a_wrong_pin_for_practice_is_asked_for_again():
    play = Play(*kit.LOOKING, rejected(2))
    assert play.topics == ["pin/wrong"]
    assert play.of(b.Tell) == [b.Tell(play.box.ask, "awaiting-pin", attempt=2)]
    assert play.feed(Agree(), tries(2)).of(b.Tell) == []
    play.feed(*FOUR, Validate())
    assert play.of(b.Move) == []
    assert play.feed(Refuse(), rejected(1)).finish.code == "pin-wrong"
    assert "sign/refused" not in play.topics


def test_what_keeps_a_card_from_signing_does_not_keep_it_from_being_read():
    assert Play(*kit.INSERTED, kit.identified(barred="card-expired"), looked()).box.state is State.CONSENT
    assert Play(*kit.INSERTED, kit.identified(barred="card-expired"), asked()).finish.code == "card-expired"


def test_practice_and_signature_take_turns():
    play = Play(*kit.LOOK, asked(number=9))
    assert play.effects == (b.Busy(kit.ask(9), play.box.ask.id),)
    play = Play(*kit.CONSENT, looked(number=9))
    assert play.effects == (b.Busy(kit.look(9), play.box.ask.id),)


def test_no_session_with_practice():
    assert Play(*kit.LOOK, NextHeld()).box.state is State.CONSENT
    play = Play(*kit.OPENED, looked(number=2), Agree())
    assert (play.topics, play.of(b.ResetCard)) == (["session/closed"], [b.ResetCard()])
    assert play.box.state is State.COUNTING
    assert isinstance(play.effects[-1], b.ReadTries)
