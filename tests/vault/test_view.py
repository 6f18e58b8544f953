"""What a box shows (design §5)."""

import dataclasses
import datetime as dt
import re
from dataclasses import replace

import flow_kit as kit
import pytest
from flow_kit import Play, asked, failed, held, identified, rejected, signed, tries
from hypothesis import given
from hypothesis import strategies as st

from appliance.keypad.entry import Agree, AgreeHeld, Differ, Digit, KeyFault, Next, Previous, Refuse, Same, Validate
from appliance.screen import kinds
from appliance.screen.fr import WORDS
from appliance.screen.screens import render
from appliance.screen.text import drawable
from appliance.vault import box as b
from appliance.vault import clock, view
from appliance.vault.box import State

CLOCK = "10:42"
WITHOUT = ("events", "network", "language", "contrast", "sound", "selftest", "about")
WITH_CARD = ("change", "unblock", "door", "card", *WITHOUT)
"""The menu, with a card in and without one."""


def look(*steps, now=None):
    play = Play(*steps)
    return view.look(play.box, play.now if now is None else now, CLOCK, "0.1.0")


def test_every_state_has_a_screen():
    assert set(view.SCREENS) == set(State) - {State.STARTING}
    assert look() == kinds.Start("0.1.0")


@pytest.mark.parametrize(
    ("steps", "screen"),
    [
        ((b.ReaderLost("reader-absent"),), kinds.Home(CLOCK, link=False, reader=False)),
        ((b.ReaderLost("reader-busy"),), kinds.Fault("reader-busy")),
        (kit.ATTACHED, kinds.Home(CLOCK, link=False, reader=True)),
        ((*kit.ATTACHED, b.LinkChanged(up=True)), kinds.Home(CLOCK, link=True, reader=True)),
        ((*kit.ATTACHED, KeyFault()), kinds.Fault("keypad-fault")),
        ((*kit.READY, KeyFault()), kinds.Fault("keypad-fault")),
        (kit.INSERTED, kinds.Reading()),
        ((*kit.INSERTED, held), kinds.Fault("reader-busy")),
        ((*kit.INSERTED, failed("card-mute")), kinds.Fault("card-mute")),
        (kit.PATIENT, kinds.Fault("patient-card")),
        (kit.READY, kinds.Ready("S. DURAND", "Infirmière", test=True, clock=CLOCK, link=False)),
        ((*kit.ATTACHED, asked()), kinds.WaitCard(kit.CLIENT)),
        ((*kit.PATIENT, asked()), kinds.Fault("patient-card")),
        (kit.AGREED, kinds.Reading()),
        (kit.LAST_TRY, kinds.LastTry(1.0)),
        (kit.WRONG, kinds.PinWrong(2)),
        (kit.SIGNING, kinds.Signing(0, 1)),
        (kit.OPENED, kinds.Ready("S. DURAND", "Infirmière", test=True, clock=CLOCK, link=False, session=(4, 300))),
        (kit.MENU, kinds.Menu(WITH_CARD, 1)),
        ((*kit.ATTACHED, AgreeHeld()), kinds.Menu(WITHOUT, 1)),
        ((*kit.MENU, Next()), kinds.Menu(WITH_CARD, 2)),
        (
            (*kit.INSERTED, identified(puk=False), AgreeHeld()),
            kinds.Menu(tuple(name for name in WITH_CARD if name != "unblock"), 1),
        ),
        (kit.LOOK, kinds.Permission(kit.CLIENT, paired=False)),
        (kit.OFFER, kinds.SessionOffer(5, 5)),
        (kit.CHANGE, kinds.Reading()),
        ((*kit.CHANGE, tries(1)), kinds.LastTry(1.0)),
        ((*kit.UNBLOCK, tries(1)), kinds.LastTry(1.0, puk=True)),
        (kit.OLD, kinds.Code("old", 0, 3, 4, 4, 1.0, reminder=False)),
        (kit.PUK, kinds.Code("puk", 0, 10, 8, 8, 1.0, reminder=False)),
        (kit.NEW, kinds.Code("new", 0, 0, 4, 4, 1.0, reminder=False)),
        ((*kit.NEW, *kit.FOUR, Same()), kinds.Code("new", 0, 0, 4, 4, 1.0, reminder=False, hint="same")),
        ((*kit.AGAIN, *kit.FOUR, Differ()), kinds.Code("new", 0, 0, 4, 4, 1.0, reminder=False, hint="differ")),
        ((*kit.AGAIN, *kit.FOUR, Differ(), Digit()), kinds.Code("new", 1, 0, 4, 4, 1.0, reminder=False)),
        ((*kit.AGAIN, Digit()), kinds.Code("again", 1, 0, 4, 4, 1.0, reminder=False)),
        (kit.CHANGING, kinds.Changing()),
        (kit.LOOKING, kinds.Reading()),
        ((*kit.UNBLOCKING, kit.puk_rejected(9)), kinds.PinWrong(9, puk=True)),
        ((*kit.BATCH, signed), kinds.Signing(1, 3)),
    ],
)
def test_screens(steps, screen):
    assert look(*steps) == screen
    render(screen, WORDS)


@pytest.mark.parametrize(
    ("steps", "screen"),
    [
        ((*kit.SIGNING, signed), kinds.Done(1, content_shown=True)),
        ((*kit.BATCH, signed, signed, signed), kinds.Done(3, content_shown=True)),
        (
            (
                *kit.READY,
                asked(media_type="application/pdf"),
                Next(),
                Agree(),
                tries(3),
                *(Digit(),) * 4,
                Validate(),
                signed,
            ),
            kinds.Done(1, content_shown=False),
        ),
        ((*kit.READY, b.CardRemoved()), kinds.Removed(needed=False)),
        ((*kit.TYPED, b.CardRemoved()), kinds.Removed(needed=True)),
        ((*kit.TYPED, b.CardRemoved(), Agree(), *kit.READY, b.CardRemoved()), kinds.Removed(needed=False)),
        ((*kit.AGREED, tries(0)), kinds.PinBlocked(unblock=True)),
        ((*kit.LAST_TRY, 1.0, Agree(), *(Digit(),) * 4, Validate(), rejected(0)), kinds.PinBlocked(unblock=True)),
        ((*kit.AGREED, tries(0), b.CardRemoved()), kinds.PinBlocked(unblock=False)),
        (
            (*kit.INSERTED, identified(puk=False), *kit.CONSENT[3:], *kit.LAST_PAGE, Agree(), tries(0)),
            kinds.PinBlocked(),
        ),
        ((*kit.LOOKING, kit.read), kinds.Read(2)),
        ((*kit.LOOK, Refuse()), kinds.NotRead("refused")),
        ((*kit.LOOKING, b.CardRemoved(), kit.read), kinds.NotRead("card-removed")),
        ((*kit.CHANGING, kit.changed), kinds.CodeEnd("changed")),
        ((*kit.UNBLOCKING, kit.changed), kinds.CodeEnd("unblocked")),
        ((*kit.UNBLOCK, tries(0)), kinds.CodeEnd("puk-blocked")),
        ((*kit.CHANGING, failed("outcome-unknown")), kinds.CodeEnd("outcome-unknown")),
        ((*kit.CHANGING, b.CardRemoved(), failed("outcome-unknown")), kinds.CodeEnd("removed-unsure")),
        ((*kit.CHANGING, failed("outcome-unknown"), b.CardRemoved()), kinds.CodeEnd("removed-unsure")),
        ((*kit.CHANGING, failed("card-removed"), b.CardRemoved()), kinds.CodeEnd("card-removed")),
        ((*kit.CONSENT, Refuse()), kinds.Outcome("refused")),
        ((*kit.WRONG, Refuse()), kinds.Outcome("pin-wrong")),
        ((*kit.SIGNING, failed("outcome-unknown")), kinds.Outcome("outcome-unknown")),
        ((*kit.SIGNING, failed("signature-invalid")), kinds.Outcome("signature-invalid")),
        ((b.ReaderLost("reader-absent"), asked()), kinds.Outcome("reader-absent")),
        ((*kit.BATCH, Refuse(), signed), kinds.Outcome("refused", signed=1, of=3)),
        ((*kit.BATCH, signed, signed, failed("outcome-unknown")), kinds.Outcome("outcome-unknown", signed=2, of=3)),
        ((*kit.BATCH, signed, b.CardRemoved(), failed("card-removed")), kinds.Outcome("card-removed", signed=1, of=3)),
        ((*kit.UNBLOCKING, Refuse(), kit.puk_rejected(9)), kinds.CodeEnd("puk-wrong")),
        ((*kit.BATCH, Refuse(), signed, asked(signer="somebody-else")), kinds.Outcome("wrong-holder")),
    ],
)
def test_results(steps, screen):
    assert look(*steps) == screen
    render(screen, WORDS)


# --- consent --------------------------------------------------------------------------------------------------------


def test_the_consent_turns_its_pages_and_lets_agree_from_the_last_on():
    play = Play(*kit.CONSENT)
    request, texts = play.box.ask, []
    pages = len(request.consent.pages)
    for page in range(1, pages + 1):
        screen = view.look(play.box, 0.0, CLOCK, "")
        assert (screen.page, screen.pages) == (page, pages)
        assert screen.agree == (page == pages)
        assert (screen.requester, screen.paired, screen.signer) == (kit.CLIENT, False, "S. DURAND")
        assert (screen.fingerprint, screen.content_shown) == (request.consent.fingerprint, True)
        texts.append(" ".join(screen.lines))
        play.feed(Next())
    assert " ".join(texts).split() == kit.LETTER.split()
    back = view.look(play.feed(Previous()).box, 0.0, CLOCK, "")
    assert (back.page, back.agree) == (pages - 1, True)


def test_a_file_is_shown_by_title_and_says_so():
    screen = look(*kit.READY, asked(media_type="application/pdf"))
    assert (screen.heading, screen.lines, screen.content_shown) == ("Acte 1", (), False)


# --- PIN ------------------------------------------------------------------------------------------------------------


def test_the_pin_screen_counts():
    play = Play(*kit.PIN)
    for marks in range(4):
        assert view.look(play.box, 0.0, CLOCK, "") == kinds.Pin(marks, 3, 1.0, reminder=False)
        play.feed(Digit())
    assert view.look(play.box, 0.0, CLOCK, "") == kinds.Pin(4, 3, 1.0, reminder=False)
    assert view.look(play.box, 12.0, CLOCK, "") == kinds.Pin(4, 3, pytest.approx(0.2), reminder=True)
    assert look(*kit.LAST_TRY, 1.0, Agree()).tries == 1


def test_a_long_code_has_more_digits_than_marks():
    play = Play(*kit.INSERTED, identified(pin_max=16), asked(), *kit.LAST_PAGE, Agree(), tries(3), *(Digit(),) * 16)
    assert play.box.entry.marks == 16
    screen = view.look(play.box, 0.0, CLOCK, "")
    assert screen.marks == view.MARKS
    render(screen, WORDS)


def test_nothing_between_the_keys_and_the_screen_can_hold_a_digit():
    """The PIN's screen and the entry have counts, times and marks only; the key events have no field for a value."""
    fields = [*dataclasses.fields(kinds.Pin), *dataclasses.fields(Play(*kit.PIN).box.entry)]
    names = "marks tries remaining reminder door minimum maximum started last keyed first next whole idle"
    assert {field.name for field in fields} == set(names.split())
    assert {field.type for field in fields} == {int, float, bool}
    assert all(dataclasses.fields(kind) == () for kind in (Digit, Validate, Refuse))


def test_the_last_try_has_a_bar():
    assert look(*kit.LAST_TRY, now=15.0) == kinds.LastTry(0.5)
    assert look(*kit.LAST_TRY, now=99.0) == kinds.LastTry(0.0)


# --- what a card says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [("S. MUÑOZ", "S. MUNOZ"), ("É. LŒB-ÇELIK", "É. LŒB-ÇELIK"), ("O. ØRSTED", "O. ?RSTED"), ("Ž\u200bA\n", "Z?A?")],
)
def test_a_name_the_screen_has_no_letters_for_is_shown_in_those_it_has(name, shown):
    steps = (*kit.INSERTED, identified(name=name, profession=name))
    ready = look(*steps)
    assert (ready.name, ready.profession) == (shown, shown)
    assert look(*steps, asked()).signer == shown


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_card_stops_the_screen(name, profession):
    box = replace(Play(*kit.READY).box, card=kit.card(name=name, profession=profession))
    screen = view.look(box, 0.0, CLOCK, "")
    assert drawable(screen.name)
    assert len(screen.name) == len(name)
    render(screen, WORDS)


def test_the_clock_shows_no_time_before_the_software_was_made():
    assert clock.label(clock.BUILT - dt.timedelta(seconds=1)) == ""
    shown = clock.label(clock.BUILT + dt.timedelta(minutes=7))
    assert re.fullmatch(r"[0-2][0-9]:[0-5][0-9]", shown)
    assert clock.timestamp(clock.BUILT) == "2026-11-01T00:00:00.000Z"
