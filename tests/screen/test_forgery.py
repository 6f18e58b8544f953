"""What only the box can draw: the padlock and its frame, reverse video; no text of software or card comes near them."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from screen_cases import CASES, consent
from screen_kit import SPOKEN, WORDS, border_lit, differing, holds, is_whole, spoken, texts

from appliance.errors import TextNotDrawable
from appliance.screen import icons, kinds
from appliance.screen.atlas import BIG, CHARACTERS, LARGE, SMALL
from appliance.screen.screens import paint, render
from appliance.simulator.reading import MARK, read_lines, read_marked

# --- what has no glyph ----------------------------------------------------------------------------------------------

HOSTILE = {
    "ready-name": kinds.Ready("?", "p", test=False, clock="14:05", link=True),
    "ready-profession": kinds.Ready("n", "?", test=False, clock="14:05", link=True),
    "wait-card": kinds.WaitCard("?"),
    "permission": kinds.Permission("?", paired=False),
    "outcome": kinds.Outcome("?"),
    "requester": consent(requester="?"),
    "signer": consent(signer="?"),
    "heading-1": consent(heading="?"),
    "heading-2": consent(heading="?", page=2),
    "line": consent(lines=("?",), page=2),
}


def with_character(screen, character):
    """The screen with ``character`` inside the text that is ``?``."""
    changes = {field.name: f"a{character}b" for field in fields(screen) if getattr(screen, field.name) == "?"}
    if not changes:
        changes = {"lines": (f"a{character}b",)}
    return replace(screen, **changes)


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\u0301", "Ж", "🔒", "\x00", "\x1b", "\u00a0"], ids=ascii)
@pytest.mark.parametrize("place", HOSTILE)
def test_what_cannot_be_drawn_is_refused_everywhere(place, character):
    with pytest.raises(TextNotDrawable) as refused:
        paint(with_character(HOSTILE[place], character), WORDS)
    assert character not in str(refused.value)


LAID_OUT = {"ready-profession", "heading-1", "permission"}


@pytest.mark.parametrize("character", ["\n", "\t"], ids=ascii)
@pytest.mark.parametrize("place", HOSTILE)
def test_line_ends_and_tabs_are_laid_out_or_refused(place, character):
    screen = with_character(HOSTILE[place], character)
    if place in LAID_OUT:
        assert is_whole(paint(screen, WORDS))
    else:
        with pytest.raises(TextNotDrawable):
            paint(screen, WORDS)


# --- the padlock frame ----------------------------------------------------------------------------------------------

SECRET = kinds.Pin | kinds.Code
ALIKE = 32
"""Pixels of the padlock's 224 that would have to differ before a person may be asked to tell them apart."""


@pytest.mark.parametrize("name", CASES)
def test_the_frame_and_the_padlock_stand_where_a_secret_is_typed_and_nowhere_else(name):
    secret = isinstance(CASES[name], SECRET)
    for words in SPOKEN:
        image = render(CASES[name], words)
        assert holds(image, icons.PADLOCK) is secret
        if CASES[name] != kinds.Pixels(lit=True):  # the self-test of the glass lights all of it, and no padlock
            assert border_lit(image) is secret


@given(texts, spoken)
def test_no_text_of_others_lights_the_border_or_draws_the_padlock(screen, words):
    image = render(screen, words)
    assert not border_lit(image)
    assert not holds(image, icons.PADLOCK)


lock_like = st.text(st.sampled_from("oO0@#%&B8DGQ•[]{}()|_—=HMW"), min_size=10, max_size=21)


@given(st.lists(lock_like, min_size=3, max_size=3), st.integers(2, 3))
@settings(max_examples=30, deadline=None)
def test_no_text_of_a_document_comes_near_the_padlock(texts_of_others, page):
    lines = tuple(text[:20] for text in texts_of_others)
    image = render(consent(heading=texts_of_others[0], lines=lines, page=page), WORDS)
    assert differing(image, icons.PADLOCK) > ALIKE


def test_the_padlock_is_found_where_it_stands():
    image = render(CASES["pin-three"], WORDS)
    assert differing(image, icons.PADLOCK) == 0
    image.putpixel((10, 10), 255 - image.getpixel((10, 10)))
    assert differing(image, icons.PADLOCK) == 1
    assert not holds(image, icons.PADLOCK)


# --- reverse video --------------------------------------------------------------------------------------------------


def reversed_in(screen, words):
    """What stands in reverse video, as drawn."""
    return {writing.text.strip() for writing in paint(screen, words).writings if writing.reverse}


def ours(words):
    """What the box itself draws so on the screens with texts of others: marks, names of keys, the open session."""
    return {words.test, words.unshown, "A", "B", "C", "D"}


@given(texts, spoken)
def test_no_text_of_others_stands_in_reverse_video(screen, words):
    session = words.session_left.partition(" ")[0]
    assert {text for text in reversed_in(screen, words) - ours(words) if not text.startswith(session)} == set()


marks_of_ours = st.sampled_from([word for words in SPOKEN for word in (words.test, words.unshown, words.door_weak)])


@given(marks_of_ours, st.sampled_from(["requester", "signer", "heading", "lines"]), st.integers(1, 3), spoken)
@settings(deadline=None)
def test_the_words_of_a_mark_are_read_as_plain_text_when_others_write_them(mark, field, page, words):
    """The same letters, but never the same pixels: what is reverse on the glass was made by the box."""
    changes = {field: (mark[:20],) if field == "lines" else mark} if field != "lines" or page > 1 else {}
    image = render(consent(page=page, pages=4, **changes), words)
    assert not [line for line in read_marked(image) if line.startswith(MARK)]
    if changes and (page == 1 or field in {"heading", "lines"}) and field != "lines":
        assert page > 1 or any(mark in line for line in read_lines(image))


def test_a_mark_of_the_box_is_read_as_one():
    shown = read_marked(render(consent(page=2, content_shown=False), WORDS))
    assert MARK + WORDS.unshown in shown
    chosen = read_marked(render(kinds.Menu(("change", "unblock"), 2), WORDS))
    assert [line for line in chosen if line.startswith(MARK)] == [MARK + WORDS.menu["unblock"]]
    assert MARK.strip() not in CHARACTERS


@pytest.mark.parametrize("size", [SMALL, LARGE, BIG])
def test_no_glyph_is_mistaken_for_one_in_reverse(size):
    """The most lit one in normal video glows less than the least lit one in reverse."""

    def ink(image):
        return image.convert("L").histogram()[255]

    assert max(map(ink, size.normal.values())) < min(map(ink, size.reverse.values()))


def test_no_character_draws_boxes_blocks_or_locks():
    assert not [c for c in CHARACTERS if 0x2190 <= ord(c) <= 0x21FF or 0x2300 <= ord(c) <= 0x2BFF or ord(c) > 0xFFFF]


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_no_glyph_has_a_corner_or_an_upright_that_joins_the_next_row(size):
    """A line across is a dash at most; nothing stands as high as its cell, so rows never join into a frame."""
    for character, image in size.normal.items():
        for x in range(size.width):
            upright = [image.getpixel((x, y)) for y in range(size.height)]
            assert not all(upright), character
