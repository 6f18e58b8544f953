"""Consent on the screen: who asks, who signs, what, its fingerprint; whole or refused."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from screen_cases import CASES, FINGERPRINT, consent
from screen_kit import WORDS, consents, drawn

from appliance.errors import TextNotDrawable
from appliance.screen.screens import paint, render
from appliance.screen.text import CONSENT_COLUMNS, CONSENT_LINES, CONSENT_LINES_UNSHOWN


@given(consents())
@settings(max_examples=200)
def test_consent_shows_what_it_must(screen):
    texts_drawn = drawn(screen)
    groups = " ".join(screen.fingerprint[at : at + 4] for at in range(0, 16, 4))
    assert {"D", "refuser", "A" if screen.agree else "C"} <= set(texts_drawn)
    assert ("accepter" in texts_drawn) is screen.agree
    if screen.page == 1:
        assert any(text.endswith("(non appairé)") for text in texts_drawn) or screen.paired
        return
    quoted = [writing.text for writing in paint(screen, WORDS).writings if writing.x == 7 and writing.text != groups]
    assert tuple(quoted) == tuple(line for line in screen.lines if line != groups)
    assert ("CONTENU NON AFFICHÉ" in texts_drawn) is not screen.content_shown
    assert groups in texts_drawn or screen.page < screen.pages


def test_the_summary_says_who_asks_and_who_signs():
    assert drawn(CASES["consent-1"])[:4] == ["cabinet-demo", "(non appairé)", "par C. MARTIN", "Ordonnance du 12 mars"]
    assert drawn(CASES["consent-1-short"])[:2] == ["demo (non appairé)", "par C. MARTIN"]
    assert "(non appairé)" not in drawn(CASES["consent-1-paired"])


def test_the_fingerprint_may_come_with_or_without_its_spaces():
    grouped = consent(page=2, pages=2, agree=True)
    assert (
        render(grouped, WORDS).tobytes()
        == render(replace(grouped, fingerprint=FINGERPRINT.replace(" ", "")), WORDS).tobytes()
    )


@given(st.integers(0, 15), st.sampled_from("0123456789abcdef"))
def test_another_fingerprint_gives_other_pixels(place, digit):
    digits = FINGERPRINT.replace(" ", "")
    other = digits[:place] + digit + digits[place + 1 :]
    pictures = [render(consent(page=2, pages=2, fingerprint=value), WORDS).tobytes() for value in (digits, other)]
    assert (pictures[0] == pictures[1]) is (digits == other)


@pytest.mark.parametrize(
    "changes",
    [
        {"page": 2, "lines": ("a" * (CONSENT_COLUMNS + 1),)},
        {"page": 2, "lines": ("a",) * (CONSENT_LINES + 1)},
        {"page": 3, "lines": ("a",) * (CONSENT_LINES + 1)},
        {"page": 3, "lines": ("a",) * (CONSENT_LINES_UNSHOWN + 1), "content_shown": False},
        {"page": 1, "lines": ("a",)},
        {"page": 2, "lines": ("a\n",)},
    ],
)
def test_a_text_to_agree_to_is_whole_or_refused(changes):
    with pytest.raises(TextNotDrawable):
        render(consent(**changes), WORDS)


@pytest.mark.parametrize(("page", "pages"), [(1, 1), (0, 2), (3, 2), (-1, 0)])
def test_pages_that_cannot_be(page, pages):
    with pytest.raises(ValueError, match="two pages or more"):
        render(consent(page=page, pages=pages), WORDS)
