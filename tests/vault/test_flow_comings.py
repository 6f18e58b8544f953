"""What the flow does when readers, cards, display, keypad and broker come and go (design §5)."""

import flow_kit as kit
import pytest
from flow_kit import Play, asked, failed, held, identified, signed

from appliance.keypad.entry import Agree, KeyFault, Refuse, Validate
from appliance.vault import box as b
from appliance.vault.box import Ending, State


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


def judged(session=kit.SESSION, trust="expired", barred="card-expired"):
    return b.Judged(session, trust, test=False, barred=barred)


def test_a_card_that_stayed_in_is_worth_what_it_is_worth_when_a_request_meets_it():
    play = Play(*kit.READY, judged())
    assert play.effects == ()
    assert (play.box.card.trust, play.box.card.test) == ("expired", False)
    assert play.feed(asked()).finish.code == "card-expired"
    play = Play(*kit.INSERTED, identified(trust="unknown", barred="clock-unset"), judged(trust="good", barred=None))
    assert play.feed(asked()).box.state is State.CONSENT
    assert play.box.signer.trust == "good"


def test_a_judgement_changes_neither_another_card_nor_what_is_agreed():
    play = Play(*kit.READY)
    before = play.box
    assert play.feed(judged("insertion-0")).box is before
    assert Play(*kit.ATTACHED, judged()).box.card is None
    play = Play(*kit.SIGNING, judged(), signed)
    assert (play.finish.code, play.finish.trust) == (None, "unknown")


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


def test_a_request_outlives_a_card_that_was_only_being_read():
    play = Play(*kit.INSERTED, asked()).feed(b.CardRemoved(), after=10)
    request = play.box.ask
    assert (play.topics, play.box.state, play.of(b.Finish)) == (["card/removed"], State.WAIT_CARD, [])
    play.feed(b.CardInserted("insertion-2", "cps3"))
    assert play.of(b.Identify) == [b.Identify(play.box.ticket)]
    play.feed(identified())
    assert (play.box.ask, play.box.state, play.box.signer.session) == (request, State.CONSENT, "insertion-2")
    assert play.feed(b.CardRemoved()).finish.code == "card-removed"  # this one it had met


def test_a_request_waits_so_long_for_another_card_and_never_longer_than_its_time():
    for ttl, code, end in ((120, "card-absent", 70), (65, "expired", 65)):
        play = Play(*kit.INSERTED, asked(ttl=ttl)).feed(b.CardRemoved(), after=10).elapse()
        assert (play.finish.code, play.now) == (code, end)


def test_a_missed_removal_while_a_card_is_read_is_both_and_the_request_waits_on():
    play = Play(*kit.INSERTED, asked(), b.CardInserted("insertion-2", "cps3"))
    assert play.topics == ["card/removed", "card/inserted"]
    assert (play.box.state, play.of(b.Identify)) == (State.READING, [b.Identify(play.box.ticket)])
    assert play.feed(identified()).box.signer.session == "insertion-2"
    play = Play(*kit.INSERTED, asked(), b.CardInserted("v", patient=True))
    assert (play.box.state, play.of(b.Identify)) == (State.WAIT_CARD, [])


def test_a_late_word_of_the_card_that_was_pulled_says_nothing():
    play = Play(*kit.INSERTED, asked())
    late = play.box
    play.feed(b.CardRemoved(), b.CardInserted("insertion-2", "cps3"))
    before = play.box
    for answer in (identified(), failed("card-mute"), held):
        assert play.feed(answer(late)).box is before


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
