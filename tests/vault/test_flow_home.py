"""Home with a card in: a card that was left there, and one that cannot sign."""

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import flow_kit as kit
import pytest
from flow_kit import Play, asked, identified, tries

from appliance.config import parse
from appliance.errors import ConfigError
from appliance.keypad import entry as keys
from appliance.screen import kinds
from appliance.screen.rest import Light, Rest
from appliance.vault import box as b
from appliance.vault import flow, service, view
from appliance.vault.attention import Attention
from appliance.vault.box import Errand, State
from appliance.vault.evening import struck
from appliance.vault.lamps import Tone, tone

AFTER = 1800.0
TIMES = b.Times(forgotten=AFTER, reminded=120)


def play(*events, times=TIMES):
    """A box that says after half an hour that its card was forgotten."""
    played = Play()
    played.box = dataclasses.replace(played.box, times=times)
    return played.feed(*events)


def reminded(*events):
    """The same, as it says so."""
    played = play(*(events or kit.READY))
    while not played.box.reminder:
        played.elapse()
    return played


def screen(played):
    return view.look(played.box, played.now, "10:42", "0.1.0")


# --- after a time -----------------------------------------------------------------------------------------------------


def test_a_card_that_nobody_wants_is_forgotten_once_an_insertion():
    played = play(*kit.READY)
    assert flow.deadline(played.box, 0.0) == AFTER
    before = played.box
    played.elapse()
    assert played.topics == ["card/forgotten"]
    assert played.of(b.Publish)[0].data.card_session == kit.SESSION
    assert screen(played) == kinds.Forgotten("S. DURAND")
    assert tone(b.Elapsed(), before, played.box) is Tone.CALL
    assert played.now == AFTER
    assert played.elapse().now == AFTER + 120
    assert isinstance(screen(played), kinds.Ready)
    assert flow.deadline(played.box, played.now) is None
    played.feed(asked()).feed(keys.Refuse()).elapse()
    assert (played.box.state, flow.deadline(played.box, played.now)) == (State.READY, None)
    again = played.feed(b.CardRemoved(), b.CardInserted("insertion-2", "cps3"), identified())
    assert again.elapse().topics == ["card/forgotten"]


@pytest.mark.parametrize(
    "key", [*(kind() for kind in flow.home.KEYS), keys.Agree()], ids=lambda key: type(key).__name__
)
def test_a_key_begins_the_time_anew_and_takes_the_reminder_away(key):
    played = play(*kit.READY).feed(key, after=1000.0)
    assert flow.deadline(played.box, played.now) == 1000.0 + AFTER
    shown = reminded()
    shown.feed(key)
    assert isinstance(screen(shown), kinds.Ready)
    assert (shown.box.reminder, shown.box.until, shown.effects) == (False, None, ())


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((b.CardRemoved(),), State.RESULT),
        ((asked(),), State.CONSENT),
        ((keys.Agree(), keys.AgreeHeld()), State.MENU),
        ((b.ReaderLost("reader-absent"),), State.NO_READER),
        ((b.ButtonPressed(),), State.PAGE),
        ((b.CaseChanged(opened=True),), State.READY),
    ],
)
def test_whatever_comes_takes_the_reminder_away(events, state):
    played = reminded().feed(*events)
    assert (played.box.state, played.box.reminder) == (state, False)


def test_the_time_begins_when_home_is_reached():
    played = play(*kit.CONSENT, 50.0, keys.Refuse()).elapse()
    assert (played.box.state, played.now) == (State.READY, 55.0)
    assert flow.deadline(played.box, played.now) == 55.0 + AFTER


def test_what_is_nobodys_hand_moves_no_time():
    played = play(*kit.READY)
    for event in (b.LinkChanged(up=True), b.Judged(kit.SESSION, "expired", test=True, barred="card-expired")):
        played.feed(event, after=10.0)
        assert flow.deadline(played.box, played.now) == AFTER


def test_a_box_that_is_not_to_say_so_never_does():
    assert flow.deadline(play(*kit.READY, times=b.Times()).box, 0.0) is None


def test_no_card_no_reminder():
    for steps in (kit.ATTACHED, kit.PATIENT, kit.INSERTED):
        assert flow.deadline(play(*steps).box, 0.0) is None


def test_an_open_session_is_no_rest():
    short = b.Times(forgotten=100, reminded=120)
    played = play(*kit.OPENED, times=short)
    assert played.box.session.until == 300
    seen = []
    while not played.box.reminder:
        played.elapse()
        seen += [(played.now, topic) for topic in played.topics]
    assert seen == [(300.0, "session/closed"), (300.0, "card/forgotten")]


# --- at an hour -------------------------------------------------------------------------------------------------------


def test_the_hour_reminds_at_once_at_home():
    played = play(*kit.READY, times=b.Times()).feed(b.CardLeft(kit.SESSION))
    assert flow.deadline(played.box, played.now) == played.now
    assert played.elapse().topics == ["card/forgotten"]
    assert played.box.reminder
    before = played.box
    assert played.feed(b.CardLeft(kit.SESSION)).box is before, "once an insertion"


def test_the_hour_waits_for_what_is_open():
    played = play(*kit.PIN, times=b.Times()).feed(b.CardLeft(kit.SESSION))
    assert (played.box.state, played.effects) == (State.PIN, ())
    played.feed(keys.Refuse()).elapse()
    assert played.box.state is State.READY
    assert played.elapse().topics == ["card/forgotten"]
    session = play(*kit.OPENED, times=b.Times()).feed(b.CardLeft(kit.SESSION))
    assert not session.elapse().box.reminder
    assert session.feed(keys.Refuse()).elapse().box.reminder


def test_the_hour_of_another_insertion_is_nothing():
    for steps, name in ((kit.READY, "insertion-0"), (kit.ATTACHED, kit.SESSION), (kit.INSERTED, kit.SESSION)):
        played = play(*steps)
        before = played.box
        assert played.feed(b.CardLeft(name)).box is before


UTC_BUT = timezone(timedelta(hours=5))


@pytest.mark.parametrize(
    ("hour", "before", "now", "said"),
    [
        ("19:30", (19, 29, 58), (19, 30, 1), True),
        ("19:30", (19, 29, 0), (19, 30, 0), True),
        ("19:30", (19, 30, 0), (19, 31, 0), False),
        ("19:30", (19, 28, 0), (19, 29, 59), False),
        ("19:30", (20, 0, 0), (19, 30, 30), False),  # set back
        ("19:30", (8, 0, 0), (22, 0, 0), True),  # asleep meanwhile
        ("00:00", (0, 0, 0), (0, 1, 0), False),
        (None, (0, 0, 0), (23, 59, 0), False),
    ],
)
def test_an_hour_strikes_between_two_looks(hour, before, now, said):
    local = datetime.now().astimezone().tzinfo
    moments = [datetime(2026, 12, 1, *time, tzinfo=local).astimezone(UTC_BUT) for time in (before, now)]
    assert struck(hour, *moments) is said


def test_midnight_strikes_and_a_clock_that_is_set_does_not():
    local = datetime.now().astimezone().tzinfo
    assert struck(
        "00:00", datetime(2026, 12, 1, 23, 59, 30, tzinfo=local), datetime(2026, 12, 2, 0, 0, 30, tzinfo=local)
    )
    assert not struck("10:00", datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, 23, 0, tzinfo=local))


# --- the display ------------------------------------------------------------------------------------------------------


def test_it_wakes_the_display_and_lets_it_rest_again():
    played = play(*kit.READY)
    attention = Attention(Rest(30, 120), 0.0)
    before = played.box
    assert attention.light(before, AFTER) is Light.OFF
    played.elapse()
    woken = attention.after(b.Elapsed(), before, played.box, played.now)
    assert woken.light(played.box, AFTER) is Light.BRIGHT
    assert woken.light(played.box, AFTER + 30) is Light.DIM
    assert woken.light(played.box, AFTER + 120) is Light.OFF
    again = woken.after(b.LinkChanged(up=True), played.box, played.box, AFTER + 60)
    assert again.last == AFTER


# --- a card that cannot sign ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "fault", "unblock"),
    [
        ({}, None, False),
        ({"tries": 3}, None, False),
        ({"barred": "card-expired"}, "card-expired", False),
        ({"barred": "certificate-invalid", "tries": 1}, "certificate-invalid", False),
        ({"tries": 0}, "pin-blocked", True),
        ({"tries": 0, "barred": "card-expired"}, "pin-blocked", True),
        ({"tries": 0, "puk_tries": 0}, "pin-blocked", False),
        ({"tries": 0, "puk": False}, "pin-blocked", False),
    ],
)
def test_home_says_what_is_wrong_with_the_card(changes, fault, unblock):
    played = play(*kit.INSERTED, identified(**changes))
    shown = screen(played)
    assert (shown.fault, shown.unblock) == (fault, unblock)
    played.feed(keys.Agree())
    if not unblock:
        assert played.box.state is State.READY
        return
    assert (screen(played), played.effects) == (kinds.PinBlocked(unblock=True), ())
    assert play(*kit.INSERTED, identified(**changes), keys.Agree()).elapse().box.state is State.READY
    played.feed(keys.Agree())
    assert (played.box.state, played.box.errand) == (State.COUNTING, Errand.UNBLOCK)
    assert [order.puk for order in played.of(b.ReadTries)] == [True]


def test_a_held_at_home_is_the_menu_for_a_blocked_card_too():
    played = play(*kit.INSERTED, identified(tries=0), keys.Agree(), keys.AgreeHeld())
    assert (played.box.state, played.box.offer, played.box.outcome) == (State.MENU, None, None)
    assert isinstance(screen(played), kinds.Menu)
    other = play(*kit.CONSENT, keys.Refuse())
    before = other.box
    assert other.feed(keys.AgreeHeld()).box is before


def test_a_card_that_was_blocked_meanwhile_says_so_at_home():
    played = play(*kit.AGREED, tries(0)).feed(keys.Refuse())
    assert (screen(played).fault, screen(played).unblock) == ("pin-blocked", True)
    unblocked = played.feed(keys.Agree(), keys.Agree(), tries(10), *kit.FOUR, *kit.FOUR, keys.Validate())
    unblocked.feed(*kit.FOUR, keys.Validate(), *kit.FOUR, keys.Validate(), kit.changed, keys.Validate())
    assert screen(unblocked).fault is None


def test_a_locked_box_or_one_with_a_stuck_key_offers_no_unblocking():
    blocked = (*kit.INSERTED, identified(tries=0))
    for event in (b.CaseChanged(opened=True), keys.KeyFault(), b.DisplayChanged(ok=False)):
        played = play(*blocked, event, keys.Agree())
        assert (played.box.state, played.box.errand) == (State.READY, None)


def test_a_card_that_can_sign_again_is_well():
    barred = play(*kit.INSERTED, identified(barred="card-expired"))
    barred.feed(b.Judged(kit.SESSION, "good", test=True, barred=None))
    assert screen(barred).fault is None
    assert isinstance(screen(play(*kit.OPENED)), kinds.Ready)


# --- the configuration and the shell ----------------------------------------------------------------------------------

DEVICE = '[device]\nid = "cps-home"\n'


def test_what_is_configured():
    shipped = parse(DEVICE)
    assert (shipped.card.forgotten_after, shipped.card.forgotten_at) == (30, None)
    assert (service._times(shipped).forgotten, service._times(shipped).reminded) == (1800, 120)
    never = parse(DEVICE + '[card]\nforgotten_after = 0\nforgotten_at = "19:30"\n')
    assert (service._times(never).forgotten, never.card.forgotten_at) == (None, "19:30")


@pytest.mark.parametrize("line", ['forgotten_at = "24:00"', 'forgotten_at = "7:30"', "forgotten_after = -1"])
def test_what_cannot_be_configured(line):
    with pytest.raises(ConfigError, match=":4: "):
        parse(f"{DEVICE}[card]\n{line}\n")


@pytest.mark.parametrize(("inserted", "said"), [("insertion-1", [b.CardLeft("insertion-1")]), (None, [])])
def test_the_shell_tells_the_hour_once(monkeypatch, inserted, said):
    local = datetime.now().astimezone().tzinfo
    times = [datetime(2026, 12, 1, 19, 30, second, tzinfo=local) for second in (5, 55)]
    monkeypatch.setattr(service.clock, "wall", lambda: times[0])
    posted, again = [], []
    vault = SimpleNamespace(
        _looked=datetime(2026, 12, 1, 19, 29, 5, tzinfo=local),
        _box=b.Box(inserted=inserted),
        _config=parse(DEVICE + '[card]\nforgotten_at = "19:30"\n'),
        _post=posted.append,
        _face=SimpleNamespace(refresh=lambda: None),
        _loop=SimpleNamespace(call_later=lambda *what: again.append(what)),
        _tick=None,
    )
    service.Vault._tick(vault)
    assert posted == said
    times.pop(0)
    service.Vault._tick(vault)
    assert posted == said
    assert len(again) == 2
