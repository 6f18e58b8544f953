import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import TextNotDrawable
from appliance.screen.atlas import CHARACTERS
from appliance.screen.text import drawable, drawable_lines, fit, shorten, within, wrap

columns = st.integers(1, 30)
lines = st.text(st.sampled_from("ab c-é1 "), max_size=80)
anything = st.text(max_size=60)


def test_wrap_breaks_at_spaces():
    assert wrap("Paracétamol 1 g trois fois par jour", 21) == ["Paracétamol 1 g trois", "fois par jour"]


def test_wrap_breaks_a_long_word_where_the_row_ends():
    assert wrap("x abcdefghij y", 4) == ["x", "abcd", "efgh", "ij y"]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("Masseur-kinésithérapeute", ["Masseur-", "kinésithérapeute"]),
        ("abcdefghijklmno 10-200 mg", ["abcdefghijklmno", "10-200 mg"]),
        ("abcdefghijklmnopq r -5 degrés", ["abcdefghijklmnopq r", "-5 degrés"]),
        ("-aaaaaaaaaaaaaaaaaaaaaaa", ["-aaaaaaaaaaaaaaaaaaaa", "aaa"]),
    ],
)
def test_wrap_breaks_after_a_hyphen_between_letters_only(text, rows):
    assert wrap(text, 21) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [""]),
        ("a\n", ["a"]),
        ("a\r\nb", ["a", "b"]),
        ("a\n\nb\n", ["a", "", "b"]),
        ("\n\n", ["", ""]),
        ("a\tb", ["a  ", "b"]),
        ("\tb", ["   ", "b"]),
        ("  a", ["  a"]),
        ("abc   d", ["abc ", " d"]),
    ],
)
def test_wrap_keeps_lines_tabs_and_runs_of_spaces(text, rows):
    assert wrap(text, 4) == rows


def test_wrap_refuses_no_columns():
    with pytest.raises(ValueError, match="one column"):
        wrap("a", 0)


@given(lines, columns)
def test_wrap_drops_nothing_but_one_space_a_break(line, width):
    rows = wrap(line, width)
    assert all(len(row) <= width for row in rows)
    assert re.fullmatch(" ?".join(map(re.escape, rows)), line)


@given(anything, columns)
def test_wrap_keeps_every_visible_character_of_any_text(text, width):
    rows = wrap(text, width)
    assert "".join("".join(rows).split()) == "".join(text.split())
    assert all(len(row) <= width for row in rows)


@given(lines, columns, st.integers(1, 4))
def test_within_says_when_more_follows(line, width, rows):
    whole = wrap(line, width)
    kept = within(line, width, rows)
    assert len(kept) <= rows
    assert all(len(row) <= width for row in kept)
    if len(whole) <= rows:
        assert kept == whole
    elif len(line) <= width * rows:
        assert "".join(kept) == line
    else:
        assert kept[-1].endswith("…")


def test_within_breaks_a_word_before_it_leaves_one_out():
    assert within("Œ. ABCDEFGHIJKLMNOPQRSTUVWX", 21, 2) == ["Œ. ABCDEFGHIJKLMNOPQR", "STUVWX"]
    assert within("a\nb\nc", 21, 2) == ["a", "b…"]


@given(anything, columns)
def test_shorten_is_whole_or_marked(text, width):
    short = shorten(text, width)
    assert short == text or (len(short) == width and short.endswith("…"))


@given(anything, columns)
def test_fit_gives_the_text_or_our_error(text, width):
    if drawable(text) and len(text) <= width:
        assert fit(text, width) == text
        return
    with pytest.raises(TextNotDrawable) as caught:
        fit(text, width)
    if len(text) > 3:
        assert text not in str(caught.value)


@pytest.mark.parametrize(
    "character",
    [
        *("\n", "\r", "\t", "\0", "\x1b", "\x7f", "\x85"),
        *("\u00a0", "\u202f", "\u2028", "\u2029", "\ufeff"),
        *("\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\u034f"),
        *("\u202a", "\u202b", "\u202d", "\u202e", "\u202c", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f"),
        *("\u0301", "\u0430", "\u05d0", "\u0627", "\u4e2d", "\U0001f512", "\ud800"),
    ],
    ids=ascii,
)
def test_nothing_unseen_or_foreign_is_drawable(character):
    assert not drawable(f"a{character}b")


def test_lines_may_have_line_ends_and_tabs_only():
    assert drawable_lines("été\tà\r\nb\n")
    assert not drawable_lines("a\rb")
    assert not drawable_lines("a\u202eb")


def test_the_closed_set():
    ascii_printable = set(map(chr, range(0x20, 0x7F)))
    french = set("éèêëàâäçîïôöùûüÿœæÉÈÊËÀÂÄÇÎÏÔÖÙÛÜŸŒÆ«»€’‘“”–—…°·•")  # noqa: RUF001 - French typography
    doses = set("²³µ±×½≤≥§")  # noqa: RUF001 - told apart on the glass
    assert ascii_printable | french | doses == CHARACTERS
