"""The longest legal content on every screen, in every language: drawn whole, or closed with a visible sign.

Lengths as the code has them: a name of 64 letters is longer than any card's (certificate, 27 on a row of the OLED);
requester ids of 40, titles of 64 accented characters, texts of 1,500, 100 documents (contract).
"""

from itertools import product

import pytest
from screen_kit import SPOKEN, WORDS, is_whole

from appliance.card import nomenclature
from appliance.contract.messages import Document
from appliance.screen import kinds
from appliance.screen.languages import LANGUAGES
from appliance.screen.screens import paint
from appliance.signing.consent import MAX_CHARACTERS, compose

NAMES = ("J. DE LA ROCHEFOUCAULD-MONTB", "W" * 27, "Œ. " + "É" * 24, "É" * 64, "")
ACTIVITIES = [
    label
    for table in (nomenclature.PROFESSIONS, nomenclature.FUTURE_PROFESSIONS, nomenclature.SPECIALTIES)
    for label in table.values()
]
LONGEST = sorted(ACTIVITIES, key=len)[-3:]
REQUESTER = "Œ" * 40
TITLE = "ÉÇÀÊÎÔÛŸ" * 8
TEXT = "É" * MAX_CHARACTERS
TESTED = pytest.mark.parametrize("words", SPOKEN, ids=LANGUAGES)
FLAGS = (False, True)


def assert_whole(screens, words):
    screens = list(screens)
    assert screens
    for screen in screens:
        assert is_whole(paint(screen, words)), screen


@TESTED
def test_home(words):
    assert_whole((kinds.Home(*marks) for marks in product(("23:59", ""), FLAGS, FLAGS, FLAGS)), words)


@TESTED
def test_who_is_in(words):
    """Every activity under one name, and the longest ones under every name."""
    sessions = (None, (20, 600), (99, 599), (1, 0))
    whom = [*product(NAMES[:1], ACTIVITIES), *product(NAMES[1:], LONGEST)]
    assert_whole(
        (
            kinds.Ready(name, activity, test, "23:59", link=True, lock=True, session=session)
            for (name, activity), session, test in product(whom, sessions[:2], (True,))
        ),
        words,
    )
    assert_whole(
        (kinds.Ready(NAMES[0], LONGEST[0], True, "", True, session=session) for session in sessions),
        words,
    )


@TESTED
def test_what_is_wrong_with_who_is_in(words):
    faults = sorted(set(words.notices) | set(words.card_troubles) | {"a-code-that-no-language-has-words-for"})
    assert_whole(
        (
            kinds.Ready(name, "Infirmière", test, "23:59", True, True, fault=fault, unblock=unblock)
            for name, test, fault, unblock in product(NAMES[:2], (True,), faults, FLAGS)
        ),
        words,
    )
    assert_whole(map(kinds.Forgotten, NAMES), words)


@TESTED
def test_nothing_of_a_name_or_an_activity_that_a_row_holds_is_left_out(words):
    for name, activity in product(NAMES[:3], [label for label in ACTIVITIES if len(label) <= 32]):
        written = [writing.text for writing in paint(kinds.Ready(name, activity, False, "", True), words).writings]
        said = "".join(written).replace(" ", "")
        assert name.replace(" ", "") in said
        assert activity.replace(" ", "") in said


@TESTED
def test_menu(words):
    entries = tuple(words.menu)
    assert_whole((kinds.Menu(entries, chosen) for chosen in range(1, len(entries) + 1)), words)
    assert_whole((kinds.Menu((entry,), 1) for entry in entries), words)


@TESTED
def test_who_asks(words):
    assert_whole(
        [kinds.WaitCard(REQUESTER), *(kinds.Permission(name, paired) for name in (REQUESTER, "d") for paired in FLAGS)],
        words,
    )
    assert_whole([kinds.SessionOffer(20, 10), kinds.SessionOffer(1, 1)], words)


def pages(consent, paired):
    """Every page as the flow shows it, before and after the last was reached."""
    for place, page in enumerate(consent.pages, start=1):
        for agree in FLAGS:
            yield kinds.Consent(
                requester=REQUESTER,
                paired=paired,
                signer=NAMES[0],
                heading=page.heading,
                lines=page.lines,
                page=place,
                pages=len(consent.pages),
                fingerprint=consent.fingerprint,
                content_shown=page.content_shown,
                agree=agree,
            )


def document(media_type, text=TEXT):
    return Document(kind="content", media_type=media_type, title=TITLE, data=text.encode())


@TESTED
@pytest.mark.parametrize("count", [1, 2, 100])
@pytest.mark.parametrize("media_type", ["text/plain;charset=utf-8", "application/pdf"])
def test_consent(words, count, media_type):
    consent = compose((document(media_type),) * count, REQUESTER)
    assert len(consent.pages) > 1
    step = max(1, len(consent.pages) // 60)  # the first and last pages, and some of each document between
    looks = list(pages(consent, paired=False))
    assert_whole([*looks[:60], *looks[60:-60:step], *looks[-60:]], words)
    assert_whole(list(pages(consent, paired=True))[:4], words)


@TESTED
def test_all_of_a_text_that_is_agreed_to_stands_on_its_pages(words):
    consent = compose((document("text/plain;charset=utf-8"),), REQUESTER)
    quoted = "".join(
        writing.text
        for screen in pages(consent, paired=False)
        if screen.agree
        for writing in paint(screen, words).writings
        if writing.text in screen.lines
    )
    assert quoted.count("É") >= MAX_CHARACTERS


@TESTED
def test_codes(words):
    assert_whole(
        (
            kinds.Code(stage, 12, tries, least, most, 1.0, reminder, hint)
            for stage, tries, (least, most), reminder, hint in product(
                ("old", "puk", "new", "again"),
                (0, 1, 15),
                ((4, 4), (4, 12), (10, 12), (12, 12)),
                FLAGS,
                (None, "same", "differ"),
            )
        ),
        words,
    )
    assert_whole(
        (kinds.Pin(12, tries, 1.0, reminder, door) for tries, reminder, door in product((0, 1, 3, 15), FLAGS, FLAGS)),
        words,
    )
    assert_whole([kinds.LastTry(1.0, puk) for puk in FLAGS] + [kinds.PinBlocked(here) for here in FLAGS], words)
    assert_whole((kinds.PinWrong(tries, puk) for tries, puk in product((1, 2, 15), FLAGS)), words)


@TESTED
def test_ends(words):
    assert_whole(
        [
            *(kinds.Signing(done, 100) for done in (0, 1, 99, 100)),
            *(kinds.Done(count, shown) for count, shown in product((1, 2, 100), FLAGS)),
            *(kinds.Read(count) for count in (0, 1, 2, 99, 255)),
            *(kinds.Removed(needed) for needed in FLAGS),
            *(kinds.DoorOpen(weak) for weak in FLAGS),
        ],
        words,
    )
    long = "a-code-of-tomorrow-that-is-longer-than-a-row"
    for code in sorted({*WORDS.notices, *WORDS.code_notices, *WORDS.door_notices, long}):
        counted = (kinds.Outcome(code, *counts) for counts in ((0, 0), (0, 100), (1, 100), (99, 100), (100, 100)))
        others = (kind(code) for kind in (kinds.Fault, kinds.CodeEnd, kinds.NotRead, kinds.DoorShut))
        assert_whole([*counted, *others], words)
