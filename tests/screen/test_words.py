"""The words of each language: every code has its own, and each fits its row."""

import re
import string
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from screen_kit import BOTH, SPOKEN, WORDS, drawn, is_whole

from appliance import errors
from appliance.errors import ApplianceError, SimulatorError
from appliance.screen import icons, kinds
from appliance.screen.atlas import CHARACTERS
from appliance.screen.languages import LANGUAGES
from appliance.screen.screens import paint

# contract, *Errors*
CONTRACT_CODES = set(
    re.findall(
        r"\S+",
        """
        malformed schema-invalid unsupported-version pin-wrong not-allowed not-paired card-absent consent-timeout
        pin-timeout id-reused card-removed wrong-holder challenge-stale answer-lost expired too-large card-unsupported
        card-mute card-expired card-revoked card-denied certificate-invalid signer-unknown pin-blocked tamper-lockout
        busy rate-limited refused cancelled outcome-unknown internal reader-absent reader-busy display-absent
        clock-unset
        """,
    )
)


ALIKE = {
    *("version {version}", "{n} document", "{n} documents", "{signatures} signatures, {minutes} min", "minute."),
    *("SESSION {signatures} sign. {minutes}:{seconds:02}", "Menu", "Français", "English", "3 normal"),
}
CODES = [(words, code) for words in SPOKEN for code in sorted(WORDS.notices)]
ENDS = [(words, code) for words in SPOKEN for code in sorted(WORDS.code_notices)]


def leaves(kind):
    """Codes of the tree in ``errors``; an adapter's own errors never reach a screen."""
    below = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return {kind.code}.union(*(leaves(child) for child in below))


def strings(value, path=""):
    """Every text of a language with the way to it; a closed list of names is no text."""
    if isinstance(value, str):
        yield path, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from strings(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from strings(part, f"{path}[{key}]")
    elif isinstance(value, tuple):
        for place, part in enumerate(value):
            yield from strings(part, f"{path}[{place}]")
    else:
        raise TypeError(path)


def blanks(text):
    """The fields of ``str.format`` in a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_code_has_its_words():
    codes = CONTRACT_CODES | leaves(ApplianceError) - {SimulatorError.code} | {"patient-card"}
    assert codes == set(WORDS.notices)
    assert errors.ApplianceError.code in codes


@pytest.mark.parametrize("words", SPOKEN, ids=LANGUAGES)
def test_every_language_has_words_for_the_same(words):
    """The same tables with the same names; a notice may take more rows in one language than in another."""

    def shape(value):
        if isinstance(value, Mapping):
            return {key: shape(part) for key, part in value.items()}
        if is_dataclass(value):
            return {field.name: shape(getattr(value, field.name)) for field in fields(value)}
        return type(value)

    assert shape(words) == shape(WORDS)


@pytest.mark.parametrize("words", SPOKEN, ids=LANGUAGES)
def test_every_language_fills_in_the_same_blanks(words):
    wanted = {path: blanks(text) for path, text in strings(WORDS)}
    for path, text in strings(words):
        assert blanks(text) == wanted.get(path, set()), path


@pytest.mark.parametrize(("language", "words"), BOTH, ids=LANGUAGES)
def test_every_word_is_drawable(language, words):
    found = list(strings(words, language))
    assert len(found) > 200
    for path, text in found:
        assert CHARACTERS.issuperset(text), path
        assert text.strip() == text, path


def test_no_language_speaks_the_other():
    """What both say alike is a sign, a name, or spelt the same."""
    english = dict(strings(LANGUAGES["en"]))
    alike = {text for path, text in strings(WORDS) if english.get(path) == text and re.search("[a-z]{3}", text)}
    assert alike <= ALIKE


@pytest.mark.parametrize(("words", "code"), CODES)
def test_every_notice_fits(words, code):
    notice = words.notices[code]
    for screen in (kinds.Outcome(code), kinds.Fault(code)):
        canvas = paint(screen, words)
        assert is_whole(canvas)
        assert [writing.text for writing in canvas.writings] == [notice.headline, *notice.lines]
    assert notice.lines


@pytest.mark.parametrize(("words", "code"), ENDS)
def test_every_notice_of_a_code_fits(words, code):
    notice = words.code_notices[code]
    canvas = paint(kinds.CodeEnd(code), words)
    assert is_whole(canvas)
    assert [writing.text for writing in canvas.writings] == [notice.headline, *notice.lines]


@pytest.mark.parametrize(("words", "code"), CODES)
def test_every_other_end_of_a_code_says_that_it_stays(words, code):
    texts_drawn = drawn(kinds.CodeEnd(code), words)
    assert is_whole(paint(kinds.CodeEnd(code), words))
    assert code in words.code_notices or texts_drawn == [words.notices[code].headline, words.code_stays]
    assert drawn(kinds.NotRead(code), words) == [words.notices[code].headline, words.not_read]


@pytest.mark.parametrize("words", SPOKEN, ids=LANGUAGES)
def test_a_blocked_card_says_where_the_code_is_and_whom_to_ask(words):
    said = " ".join((*words.notices["pin-blocked"].lines, *words.pin_blocked_here))
    assert "8" in said
    assert "ANS" in said
    assert words.notices["pin-blocked"] == words.pin_blocked


def test_a_language_is_in_one_file_only():
    """Its sentences: no other module of the room, and none of the flow, holds one."""
    room = Path(icons.__file__).parent
    sources = {
        path.name: path.read_text(encoding="utf-8")
        for folder in (room, room.parent / "vault")
        for path in folder.glob("*.py")
        if path.stem.partition("_")[0] not in LANGUAGES
    }
    assert {"code.py", "view.py"} <= set(sources)
    words = [text for spoken in SPOKEN for _, text in strings(spoken) if " " in text and not blanks(text)]
    for name, source in sources.items():
        assert not [word for word in words if f'"{word}"' in source], name


def test_no_clock_is_said():
    assert "--:--" in drawn(kinds.Home("", link=True, reader=True))


@pytest.mark.parametrize("words", SPOKEN, ids=LANGUAGES)
def test_an_unknown_code_is_shown_as_it_is(words):
    assert drawn(kinds.Fault("a-code-of-tomorrow"), words)[-1] == "a-code-of-tomorrow"
