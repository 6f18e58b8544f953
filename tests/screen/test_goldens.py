"""Every screen in every language is the picture that is kept, and the documentation shows them.

The only tests that compare with what ``redraw.py`` records; it runs all the others first.
"""

import pytest
from PIL import Image
from redraw import DOCS, GOLDENS, SHEETS, golden, sheet_of
from screen_cases import CASES

from appliance.screen.languages import LANGUAGES
from appliance.screen.screens import render


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_golden(language, name):
    with Image.open(golden(language, name)) as kept:
        assert kept.mode == "1"
        same = kept.tobytes() == render(CASES[name], LANGUAGES[language]).tobytes()
    assert same, "make screens, and look"


def test_no_golden_without_its_case():
    kept = {path.name for path in GOLDENS.iterdir()}
    assert kept == {golden(language, name).name for language in LANGUAGES for name in CASES}


@pytest.mark.parametrize("name", SHEETS)
def test_the_pictures_of_the_documentation_are_current(name):
    with Image.open(DOCS / name) as kept:
        assert kept.convert("RGB").tobytes() == sheet_of(*SHEETS[name]).tobytes()
