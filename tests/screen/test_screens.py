"""What stands on each screen: a case for each, nothing clipped, counts and marks that can be."""

import re
from dataclasses import fields, replace
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageChops
from screen_cases import CASES
from screen_kit import SPOKEN, WORDS, counts, drawn, is_whole, lit, parts, spoken, texts

from appliance.errors import TextNotDrawable
from appliance.screen import kinds
from appliance.screen.atlas import LARGE
from appliance.screen.screens import LAYOUTS, paint, render


def test_every_struct_has_a_layout_and_a_case():
    room = kinds.__name__.rpartition(".")[0] + ".kinds"
    structs = {value for value in vars(kinds).values() if isinstance(value, type) and value.__module__.startswith(room)}
    assert structs == set(LAYOUTS) == {type(screen) for screen in CASES.values()} == set(kinds.Screen.__args__)


def test_every_notice_has_a_case():
    """Each as the screen that shows it: of a request, of a code, of the door."""
    assert {screen.code for screen in CASES.values() if isinstance(screen, kinds.Outcome)} >= set(WORDS.notices)
    assert {screen.code for screen in CASES.values() if isinstance(screen, kinds.CodeEnd)} >= set(WORDS.code_notices)
    assert {screen.code for screen in CASES.values() if isinstance(screen, kinds.DoorShut)} >= set(WORDS.door_notices)


def test_no_two_cases_are_the_same_screen():
    assert len(set(CASES.values())) == len(CASES)


@pytest.mark.parametrize("name", CASES)
def test_equal_screens_give_equal_pixels(name):
    screen = CASES[name]
    again = replace(screen)
    assert again == screen
    assert render(again, WORDS).tobytes() == render(screen, WORDS).tobytes()


@pytest.mark.parametrize("name", CASES)
def test_no_text_is_clipped_or_drawn_over(name):
    for words in SPOKEN:
        assert is_whole(paint(CASES[name], words))


@given(texts | counts, spoken)
def test_no_legal_text_is_clipped_or_drawn_over(screen, words):
    assert is_whole(paint(screen, words))


@pytest.mark.parametrize("name", [name for name, screen in CASES.items() if isinstance(screen, kinds.Pin)])
def test_the_pin_screen_shows_no_digit_typed(name):
    screen = CASES[name]
    drawn = [writing.text for writing in paint(screen, WORDS).writings]
    assert drawn.count("•" * screen.marks) == 1
    assert [int(digits) for text in drawn for digits in re.findall(r"\d+", text)] == [screen.tries]
    assert all(field.type in ("int", "float", "bool", int, float, bool) for field in fields(kinds.Pin))


@pytest.mark.parametrize("name", [name for name, screen in CASES.items() if isinstance(screen, kinds.Code)])
def test_no_screen_of_a_code_shows_a_digit_typed(name):
    """Its numbers are the tries left, or the lengths that the card wants, or those of the letter."""
    screen = CASES[name]
    drawn = [writing.text for writing in paint(screen, WORDS).writings]
    assert drawn.count("•" * screen.marks) == 1
    said = [int(digits) for text in drawn for digits in re.findall(r"\d+", text)]
    lengths = [screen.least] if screen.least == screen.most else [screen.least, screen.most]
    letter = [8] if WORDS.letter in drawn else []
    lengths = [] if screen.stage == "again" else lengths
    assert said == ([screen.tries] if screen.tries else lengths) + letter
    kinds_of_fields = {field.name: field.type for field in fields(kinds.Code) if field.type not in {int, float, bool}}
    assert {name: set(get_args(kind)) - {type(None)} for name, kind in kinds_of_fields.items()} == {
        "stage": {"old", "puk", "new", "again"},
        "hint": {Literal["same", "differ"]},
    }


@given(st.integers(0, 11), st.integers(1, 3), parts, st.booleans())
def test_a_digit_changes_one_cell(marks, tries, remaining, reminder):
    before = render(kinds.Pin(marks, tries, remaining, reminder), WORDS)
    after = render(kinds.Pin(marks + 1, tries, remaining, reminder), WORDS)
    left, upper, right, lower = ImageChops.logical_xor(before, after).getbbox()
    assert right - left <= LARGE.width
    assert lower - upper <= LARGE.height


def test_more_marks_than_fit_are_refused():
    with pytest.raises(TextNotDrawable, match="leave the frame"):
        render(kinds.Pin(16, 3, 1.0, reminder=False), WORDS)


@given(parts, parts)
def test_the_time_bar_shrinks(more, less):
    more, less = max(more, less), min(more, less)
    long, short = (lit(render(kinds.LastTry(part), WORDS)) for part in (more, less))
    assert short <= long


@pytest.mark.parametrize("screen", [kinds.Pin(1, 3, 0.0, reminder=True), kinds.LastTry(0.0)])
def test_the_time_bar_is_clamped(screen):
    def at(part):
        return render(replace(screen, remaining=part), WORDS).tobytes()

    assert at(-1.0) == at(0.0) != at(0.5) != at(1.0) == at(7.0)


@pytest.mark.parametrize(("signed", "of"), [(-1, 2), (3, 2)])
def test_ends_that_cannot_be(signed, of):
    with pytest.raises(ValueError, match="documents"):
        render(kinds.Outcome("refused", signed, of), WORDS)


@pytest.mark.parametrize("chosen", [0, 3])
def test_an_entry_that_cannot_be(chosen):
    with pytest.raises(ValueError, match="of 2"):
        render(kinds.Menu(("change", "unblock"), chosen), WORDS)


def test_the_menu_marks_one_entry():
    for chosen, leads in ((1, "C"), (2, "B")):
        marked = [w.text.strip() for w in paint(kinds.Menu(("change", "unblock"), chosen), WORDS).writings if w.reverse]
        assert marked == [leads, WORDS.menu[("change", "unblock")[chosen - 1]], "D", "A"]


def test_who_asks_to_read_is_shown_whole_and_marked():
    long = "logiciel-de-cabinet-infirmier-numero-123"
    assert "".join(drawn(kinds.Permission(long, paired=False))[:2]) == long
    for requester in ("demo", long):
        assert "(non appairé)" in drawn(kinds.Permission(requester, paired=False))
        assert "(non appairé)" not in drawn(kinds.Permission(requester, paired=True))
        assert any("exercice" in text for text in drawn(kinds.Permission(requester, paired=False)))


@pytest.mark.parametrize(("done", "of"), [(-1, 2), (3, 2), (0, 0)])
def test_counts_that_cannot_be(done, of):
    with pytest.raises(ValueError, match="documents"):
        render(kinds.Signing(done, of), WORDS)
