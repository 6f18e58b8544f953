"""Sessions: what opens them, what they sign, and everything that ends them (design §5; issue 4, item 3)."""

import flow_kit as kit
import pytest
from flow_kit import FOUR, Play, asked, failed, signed, tries

from appliance.keypad.entry import (
    Agree,
    AgreeHeld,
    KeyFault,
    Next,
    NextHeld,
    Previous,
    Refuse,
    Validate,
)
from appliance.vault import box as b
from appliance.vault.box import State
from appliance.vault.records import RequestState


def test_a_session_is_offered_only_where_it_is_allowed_and_a_would_count():
    assert Play(*kit.CONSENT, NextHeld()).box.state is State.CONSENT
    assert Play(*kit.OFFER).box.state is State.SESSION
    assert Play(*kit.CONSENT, *kit.LAST_PAGE, Previous(), *kit.HELD_C).box.state is State.SESSION
    assert Play(*kit.OFFER, sessions=None).box.state is State.CONSENT
    for count, state in ((4, State.SESSION), (5, State.CONSENT)):
        assert Play(*kit.READY, asked(count=count), *(Next(),) * 99, NextHeld()).box.state is state


def test_a_c_that_only_turned_to_the_last_page_offers_nothing():
    """It went down when the last page was not shown yet: what it is held over was not there to be agreed to."""
    play = Play(*kit.CONSENT, *(Next(),) * (len(kit.documents()[1].pages) - 1))
    assert play.box.page == play.box.ask.pages
    assert play.feed(NextHeld()).box.state is State.CONSENT
    assert play.feed(Next(), NextHeld()).box.state is State.SESSION
    assert play.feed(Refuse(), NextHeld()).box.state is State.CONSENT


def test_the_offer_is_taken_back_by_b_and_d():
    for key in (Previous(), Refuse()):
        play = Play(*kit.OFFER, key)
        assert (play.box.state, play.effects) == (State.CONSENT, ())
        play.feed(Agree())
        assert (play.box.state, play.box.wanted) == (State.COUNTING, False)
    assert Play(*kit.OFFER, Refuse(), Refuse()).finish.code == "refused"
    assert Play(*kit.OFFER).elapse().finish.code == "consent-timeout"


def test_a_session_opens_with_the_end_of_its_request():
    play = Play(*kit.OFFER, Agree(), tries(3), *FOUR, Validate())
    assert play.box.session is None
    play.feed(signed)
    assert play.topics == ["pin/verified", "sign/completed", "session/opened"]
    opened = play.of(b.Publish)[-1].data
    assert (opened.client, opened.card_session, opened.format) == (kit.CLIENT, kit.SESSION, "raw")
    assert (opened.signatures, opened.seconds) == (4, 300)
    assert play.of(b.ResetCard) == []


@pytest.mark.parametrize("event", [Refuse(), b.CardRemoved(), b.DisplayChanged(ok=False), KeyFault()])
def test_no_session_opens_when_something_came_between(event):
    play = Play(*kit.OFFER, Agree(), tries(3), *FOUR, Validate(), event, signed)
    assert play.finish.code is None
    assert play.box.session is None
    assert "session/opened" not in play.topics


def test_in_a_session_a_alone_signs_and_the_count_ends_it():
    play = Play(*kit.OPENED)
    for number in range(2, 6):
        play.feed(asked(number=number), *kit.LAST_PAGE)
        request = play.box.ask
        play.feed(Agree())
        assert play.effects == (
            b.Move(request, RequestState.AGREED, holder="holder-1"),
            b.Move(request, RequestState.CARD_STARTED),
            b.Tell(request, "signing", done=0),
            b.Sign(play.box.ticket, request, 0, verify=False),
        )
        play.feed(signed)
        over = number == 5
        assert play.topics == ["sign/completed", *(["session/closed"] if over else [])]
        assert len(play.of(b.ResetCard)) == over
        play.feed(Validate())
    assert play.box.session is None
    play.feed(asked(number=6), *kit.LAST_PAGE, Agree())
    assert play.box.state is State.COUNTING


def test_a_batch_in_a_session():
    play = Play(*kit.OPENED, asked(number=2, count=3), *(Next(),) * 99, Agree(), signed, signed, signed)
    assert play.finish.code is None
    assert play.box.session.left == 1


@pytest.mark.parametrize(
    "other",
    [
        {"client": "other-desk"},
        {"count": 5},
        {"wanted": "jws"},
    ],
)
def test_what_the_session_was_not_opened_for_needs_the_code_and_ends_it(other):
    request = kit.ask(2, **{name: value for name, value in other.items() if name != "wanted"})
    if "wanted" in other:
        request = kit.in_format(request, other["wanted"])
    play = Play(*kit.OPENED, b.Asked(request), *(Next(),) * 99)
    assert play.box.session
    play.feed(Agree())
    assert (play.topics, play.box.state) == (["session/closed"], State.COUNTING)
    assert play.of(b.Publish)[0].data.reason == "reset"
    kinds = [type(effect) for effect in play.effects]
    assert kinds.index(b.ResetCard) < kinds.index(b.ReadTries)


def test_an_errand_ends_the_session_before_its_counter():
    play = Play(*kit.OPENED, AgreeHeld(), Agree())
    kinds = [type(effect) for effect in play.effects]
    assert kinds == [b.Publish, b.ResetCard, b.ReadTries]


@pytest.mark.parametrize("code", ["card-reset", "card-refused", "outcome-unknown"])
def test_a_card_that_lost_its_pin_ends_the_session(code):
    play = Play(*kit.IN_SESSION, failed(code))
    assert play.finish.code == code
    assert play.topics == ["sign/failed", "session/closed"]
    assert play.of(b.Publish)[1].data.reason == "reset"
    assert play.of(b.ResetCard) == [b.ResetCard()]


def test_a_request_that_is_not_agreed_to_leaves_the_session_open():
    play = Play(*kit.OPENED, asked(number=2), b.Cancelled(kit.CLIENT, kit.ask(2).id))
    assert (play.finish.code, play.box.session.left) == ("cancelled", 4)
    play = Play(*kit.OPENED, asked(number=2)).elapse()
    while not play.of(b.Finish):
        play.elapse()
    assert play.finish.code == "consent-timeout"
    assert play.box.session


def test_d_under_a_session_refuses_and_ends_it():
    play = Play(*kit.OPENED, asked(number=2), Refuse())
    assert play.topics == ["session/closed", "sign/refused"]
    play = Play(*kit.IN_SESSION, Refuse())
    assert play.effects == ()
    play.feed(signed)
    assert play.topics == ["sign/completed", "session/closed"]
    assert play.of(b.ResetCard) == [b.ResetCard()]


IN_BATCH = (*kit.OPENED, asked(number=2, count=3), *(Next(),) * 99, Agree())


def closed_with(play):
    (data,) = [publish.data for publish in play.of(b.Publish) if publish.topic == "session/closed"]
    return data.reason, data.signatures


@pytest.mark.parametrize("by", [b.Elapsed(), b.LinkChanged(up=True), signed])
def test_a_batch_stops_with_the_time_of_its_session(by):
    """Nothing is signed after it: by the alarm, by whatever comes next, or by the document that took too long."""
    play = Play(*IN_BATCH, signed)
    play.feed(by, after=play.box.session.until - play.now)
    if by is not signed:
        assert play.effects == ()
        assert play.box.state is State.SIGNING
        play.feed(signed)
    assert play.of(b.Sign) == []
    assert (play.finish.code, len(play.finish.results)) == ("expired", 2)
    assert play.topics == ["sign/failed", "session/closed"]
    assert closed_with(play) == ("expired", 3)
    assert play.of(b.ResetCard) == [b.ResetCard()]


@pytest.mark.parametrize(
    ("event", "code", "reason"),
    [
        (Refuse(), "refused", "key"),
        (b.CardRemoved(), "card-removed", "removed"),
        (b.DisplayChanged(ok=False), "display-absent", "fault"),
        (KeyFault(), "internal", "fault"),
        (b.ReaderLost("reader-absent"), "card-removed", "removed"),
        (b.CardInserted("insertion-9", "cps3"), "card-removed", "removed"),
    ],
)
def test_a_batch_stops_with_every_end_of_its_session(event, code, reason):
    play = Play(*IN_BATCH, signed, event, signed)
    assert (play.finish.code, len(play.finish.results), play.of(b.Sign)) == (code, 2, [])
    assert closed_with(play) == (reason, 3)


def test_the_first_end_of_a_session_is_the_one_that_is_told():
    play = Play(*IN_BATCH, signed, Refuse(), b.CardRemoved(), failed("outcome-unknown"))
    assert play.finish.code == "outcome-unknown"
    assert closed_with(play) == ("key", 2)


def test_the_last_document_of_a_batch_is_done_although_the_time_was_over():
    play = Play(*IN_BATCH, signed, signed)
    play.feed(b.Elapsed(), after=play.box.session.until - play.now).feed(signed)
    assert (play.finish.code, play.box.session) == (None, None)
    assert play.topics == ["sign/completed", "session/closed"]
    assert closed_with(play) == ("expired", 4)


@pytest.mark.parametrize("over", [(), (Refuse(),)])
def test_a_box_that_stops_tells_the_end_of_its_session_at_once(over):
    play = Play(*IN_BATCH, signed, *over, b.Stopping())
    assert closed_with(play) == ("key" if over else "stopped", 2)


def test_home_is_drawn_each_second_while_a_session_counts_down():
    play = Play(*kit.OPENED)
    assert play.elapse().now == 1.0
    assert play.box.session
