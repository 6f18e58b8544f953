"""The menu's pages, lists and self-test in every language: nothing is cut, nothing is lost, nothing is unsaid."""

from itertools import pairwise

import pytest
from menu_cases import CARD, EVERYTHING, LONGEST, OPTIONS
from screen_kit import SPOKEN, drawn, is_whole

from appliance.contract import events
from appliance.screen import kinds
from appliance.screen.canvas import HEIGHT, WIDTH
from appliance.screen.facts import PAGE_ROWS, page_count, pages
from appliance.screen.kinds_menu import FACE, Happening, Happenings
from appliance.screen.languages import LANGUAGES
from appliance.screen.screens import paint, render
from appliance.screen.text import COLUMNS
from appliance.vault.box import Probe, Topic
from appliance.vault.settings import OPTIONS as CHOICES

TOLD = [(topic, facts) for topic, told in LONGEST.items() for facts in told]
EVERY = pytest.mark.parametrize("words", SPOKEN, ids=LANGUAGES)


@EVERY
@pytest.mark.parametrize(("topic", "facts"), TOLD)
def test_every_page_is_drawn_whole_and_leads_on_and_out(words, topic, facts):
    count = page_count(facts, words)
    for page in range(1, count + 1):
        screen = kinds.Page(topic, facts, page)
        assert is_whole(paint(screen, words))
        said = drawn(screen, words)
        assert said[0] == words.menu[topic]
        assert ("C" in said) == (page < count)
        assert said[said.index("D") + 1] == words.back
    for page in (0, count + 1):
        with pytest.raises(ValueError, match="page"):
            render(kinds.Page(topic, facts, page), words)


@EVERY
@pytest.mark.parametrize(("topic", "facts"), TOLD)
def test_rows_fit_and_no_page_is_empty(words, topic, facts):
    made = pages(facts, words)
    assert made
    assert all(1 <= len(rows) <= PAGE_ROWS for rows in made), topic
    assert all(0 < len(row) <= COLUMNS for rows in made for row in rows)


@EVERY
def test_nothing_of_a_fact_is_lost(words):
    for topic, facts in TOLD:
        said = "".join(row for rows in pages(facts, words) for row in rows).replace(" ", "")
        values = [getattr(facts, name) for name in facts.__dataclass_fields__]
        for value in values:
            if isinstance(value, str) and value not in {
                *words.pages.trust,
                *words.pages.memories,
                "cps3",
                "cps4",
                "unknown",
            }:
                assert value.replace(" ", "")[:16] in said, (topic, value)


@EVERY
def test_every_event_of_the_contract_has_its_words_beside_the_time(words):
    assert set(words.pages.events) == {"/".join(name) for name in events.EVENTS}
    assert all(len(f"23:59 {text}") <= COLUMNS for text in words.pages.events.values())
    assert len(set(words.pages.events.values())) == len(words.pages.events)
    rows = [row for page in pages(EVERYTHING, words) for row in page]
    assert len(rows) == len(events.EVENTS) + 1  # the day


def test_an_event_of_tomorrow_is_shown_by_its_name():
    facts = Happenings((Happening("12/03", "14:05", "card/dreaming"),))
    assert "card/dreaming" in "".join(pages(facts, SPOKEN[0])[0])


@EVERY
def test_a_page_that_is_not_filled_yet_says_so(words):
    assert drawn(kinds.Page("about", None), words)[1] == words.pages.waiting


@EVERY
@pytest.mark.parametrize("setting", OPTIONS)
def test_a_list_marks_the_option_in_use_and_the_one_chosen(words, setting):
    options = OPTIONS[setting]
    for chosen in range(1, len(options) + 1):
        for current in range(1, len(options) + 1):
            canvas = paint(kinds.Choice(setting, options, chosen, current), words)
            assert is_whole(canvas)
            (row,) = [writing.text for writing in canvas.writings if writing.reverse and len(writing.text) > 1]
            assert words.pages.options[setting][options[chosen - 1]] in row
            assert ("•" in row) == (chosen == current)


def test_what_the_flow_offers_is_what_the_screen_has_words_for():
    assert {setting.value: options for setting, options in CHOICES.items()} == OPTIONS
    for words in SPOKEN:
        assert {key: tuple(names) for key, names in words.pages.options.items()} == OPTIONS
        assert set(words.pages.questions) == {probe.value for probe in Probe} - {"lit", "dark", "keys"}
        assert {topic.value for topic in Topic} <= set(words.menu)


@EVERY
def test_each_question_is_whole_and_has_its_answers(words):
    for step in words.pages.questions:
        screen = kinds.Question(step)
        assert is_whole(paint(screen, words))
        said = drawn(screen, words)
        assert ("C" in said) == (step != "intro")
        assert {"A", "D"} <= set(said)


def test_every_pixel_is_lit_and_none_is():
    lit, dark = (render(kinds.Pixels(lit=on), SPOKEN[0]) for on in (True, False))
    assert (lit.getextrema(), dark.getextrema()) == ((255, 255), (0, 0))
    assert lit.histogram()[255] == WIDTH * HEIGHT


@EVERY
def test_the_grid_lies_as_the_keypad_does_and_marks_what_was_seen(words):
    for seen in (frozenset(), frozenset({0, 7, 15}), frozenset(range(16))):
        canvas = paint(kinds.KeyGrid(seen), words)
        assert is_whole(canvas)
        grid = canvas.writings[:16]
        assert [writing.text for writing in grid] == list(FACE)
        assert {place for place, writing in enumerate(grid) if writing.reverse} == seen
        for row in (grid[at : at + 4] for at in range(0, 16, 4)):
            assert len({writing.y for writing in row}) == 1
            assert all(one.x < other.x for one, other in pairwise(row))
        assert any(str(len(seen)) in writing.text for writing in canvas.writings[16:])


def test_a_card_page_holds_no_number_of_its_holder():
    assert "RPPS" not in repr(CARD.__dataclass_fields__)
    assert not {"rpps", "adeli", "serial", "number", "holder"} & set(CARD.__dataclass_fields__)
    assert "MARTIN" not in repr(CARD)
