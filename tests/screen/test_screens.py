"""What stands on each screen: goldens, margins, the reserved frame, the words."""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops
from redraw import DOCS, GOLDENS, golden, sheet_of
from screen_cases import CASES, FINGERPRINT, JOURNEY, consent

from appliance import errors
from appliance.errors import ApplianceError, SimulatorError, TextNotDrawable
from appliance.screen import icons, kinds, kinds_code
from appliance.screen.atlas import CHARACTERS, LARGE, SMALL
from appliance.screen.canvas import Canvas
from appliance.screen.fr import WORDS
from appliance.screen.screens import CONSENT_COLUMNS, CONSENT_LINES, CONSENT_LINES_UNSHOWN, LAYOUTS, paint, render
from appliance.screen.words import Notice, Words

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

rows = st.text(st.sampled_from(sorted(CHARACTERS)), max_size=70)
lines = st.lists(st.text(st.sampled_from(sorted(CHARACTERS)), max_size=CONSENT_COLUMNS), max_size=CONSENT_LINES)
parts = st.floats(0, 1)


@st.composite
def consents(draw):
    """Any legal consent."""
    pages = draw(st.integers(2, 1500))
    page = draw(st.integers(1, pages))
    shown = draw(st.booleans())
    room = CONSENT_LINES if shown else CONSENT_LINES_UNSHOWN
    return kinds.Consent(
        requester=draw(rows),
        paired=draw(st.booleans()),
        signer=draw(rows),
        heading=draw(rows),
        lines=tuple(draw(lines)[:room]) if page > 1 else (),
        page=page,
        pages=pages,
        fingerprint=draw(st.text(st.sampled_from("0123456789abcdef"), min_size=16, max_size=16)),
        content_shown=shown,
        agree=draw(st.booleans()),
    )


texts = (
    st.builds(kinds.Start, rows)
    | st.builds(kinds.Ready, rows, rows, st.booleans(), st.just("14:05"), st.booleans(), st.booleans())
    | st.builds(
        kinds.Ready,
        rows,
        rows,
        st.booleans(),
        st.just("14:05"),
        st.booleans(),
        st.booleans(),
        st.tuples(st.integers(1, 20), st.integers(0, 600)),
    )
    | st.builds(kinds.Permission, rows, st.booleans())
    | st.builds(kinds.CodeEnd, rows)
    | st.builds(kinds.NotRead, rows)
    | st.builds(kinds.WaitCard, rows)
    | st.builds(kinds.Outcome, rows)
    | st.builds(kinds.Fault, rows)
    | consents()
)
codes = st.builds(
    kinds.Code,
    st.sampled_from(["old", "puk", "new", "again"]),
    st.integers(0, 12),
    st.integers(0, 15),
    st.integers(1, 12),
    st.integers(1, 12),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none() | st.sampled_from(["same", "differ"]),
)
counts = (
    codes
    | st.builds(kinds.Pin, st.integers(0, 12), st.integers(0, 15), st.floats(allow_nan=False), st.booleans())
    | st.builds(lambda done, more: kinds.Signing(done, done + more), st.integers(0, 99), st.integers(1, 100))
)


def border_lit(image):
    inside = image.copy()
    inside.paste(0, (1, 1, 127, 63))
    return inside.getbbox() is not None


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    with Image.open(golden(name)) as kept:
        assert kept.mode == "1"
        assert kept.tobytes() == render(CASES[name], WORDS).tobytes(), "python tests/screen/redraw.py, and look"


def test_no_golden_without_its_case():
    assert {path.name for path in GOLDENS.iterdir()} == {golden(name).name for name in CASES}


@pytest.mark.parametrize(
    ("name", "labelled", "columns", "size"),
    [("screens.png", list(CASES.items()), 4, SMALL), ("journey.png", JOURNEY, 3, LARGE)],
)
def test_the_pictures_of_the_documentation_are_current(name, labelled, columns, size):
    with Image.open(DOCS / name) as kept:
        assert kept.convert("RGB").tobytes() == sheet_of(labelled, columns, size).tobytes()


def test_every_struct_has_a_layout_and_a_golden():
    rooms = {kinds.__name__, kinds_code.__name__}
    structs = {value for value in vars(kinds).values() if isinstance(value, type) and value.__module__ in rooms}
    assert structs == set(LAYOUTS) == {type(screen) for screen in CASES.values()} == set(kinds.Screen.__args__)


@pytest.mark.parametrize("name", CASES)
def test_equal_screens_give_equal_pixels(name):
    screen = CASES[name]
    again = replace(screen)
    assert again == screen
    assert render(again, WORDS).tobytes() == render(screen, WORDS).tobytes()


def overlap(one, other):
    left, upper, right, lower = one.box
    left2, upper2, right2, lower2 = other.box
    return left < right2 and left2 < right and upper < lower2 and upper2 < lower


def is_whole(canvas):
    """Every text inside the margin, none over another, each cell as the atlas has it."""
    for place, writing in enumerate(canvas.writings):
        left, upper, right, lower = writing.box
        assert 1 <= left <= right <= 127
        assert 1 <= upper <= lower <= 63
        assert not any(overlap(writing, other) for other in canvas.writings[:place])
        glyphs = writing.size.reverse if writing.reverse else writing.size.normal
        for column, character in enumerate(writing.text):
            x = left + column * writing.size.width
            cell = canvas.image.crop((x, upper, x + writing.size.width, lower))
            assert cell.tobytes() == glyphs[character].tobytes(), (writing.text, character)
    return True


@pytest.mark.parametrize("name", CASES)
def test_no_text_is_clipped_or_drawn_over(name):
    assert is_whole(paint(CASES[name], WORDS))


@given(texts | counts)
def test_no_legal_text_is_clipped_or_drawn_over(screen):
    assert is_whole(paint(screen, WORDS))


@given(texts)
def test_no_text_of_others_lights_the_border_or_draws_the_padlock(screen):
    image = render(screen, WORDS)
    assert not border_lit(image)
    assert not holds(image, icons.PADLOCK)


def bits(image):
    """Each row of pixels as an integer."""
    data, stride = image.tobytes(), -(-image.width // 8)
    return [
        int.from_bytes(data[y * stride : (y + 1) * stride]) >> (stride * 8 - image.width) for y in range(image.height)
    ]


def holds(image, icon):
    """Whether ``icon`` stands anywhere on ``image``."""
    rows_of, wanted, mask = bits(image), bits(icon), (1 << icon.width) - 1
    return any(
        all(rows_of[y + row] >> shift & mask == line for row, line in enumerate(wanted))
        for y in range(image.height - icon.height + 1)
        for shift in range(image.width - icon.width + 1)
    )


def test_only_the_pin_screen_has_the_frame_and_the_padlock():
    for screen in CASES.values():
        image = render(screen, WORDS)
        framed = isinstance(screen, kinds.Pin | kinds.Code)
        assert border_lit(image) is framed
        assert holds(image, icons.PADLOCK) is framed
    frame = render(CASES["pin-three"], WORDS)
    frame.paste(255, (1, 1, 127, 63))
    assert frame.tobytes() == Image.new("1", (128, 64), 255).tobytes()


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


def lit(image):
    return image.convert("L").histogram()[255]


@pytest.mark.parametrize("screen", [kinds.Pin(1, 3, 0.0, reminder=True), kinds.LastTry(0.0)])
def test_the_time_bar_is_clamped(screen):
    def at(part):
        return render(replace(screen, remaining=part), WORDS).tobytes()

    assert at(-1.0) == at(0.0) != at(0.5) != at(1.0) == at(7.0)


# --- consent --------------------------------------------------------------------------------------------------------


def drawn(screen):
    return [writing.text.strip() for writing in paint(screen, WORDS).writings]


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


@pytest.mark.parametrize(("signed", "of"), [(-1, 2), (3, 2)])
def test_ends_that_cannot_be(signed, of):
    with pytest.raises(ValueError, match="documents"):
        render(kinds.Outcome("refused", signed, of), WORDS)


@pytest.mark.parametrize("chosen", [0, 3])
def test_an_entry_that_cannot_be(chosen):
    with pytest.raises(ValueError, match="of 2"):
        render(kinds.Menu(("change", "unblock"), chosen), WORDS)


def test_the_menu_marks_one_entry():
    for chosen in (1, 2):
        marked = [w.text.strip() for w in paint(kinds.Menu(("change", "unblock"), chosen), WORDS).writings if w.reverse]
        assert marked == [WORDS.menu[("change", "unblock")[chosen - 1]], "D", "A"]


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


# --- words ----------------------------------------------------------------------------------------------------------


def leaves(kind):
    """Codes of the tree in ``errors``; an adapter's own errors never reach a screen."""
    below = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return {kind.code}.union(*(leaves(child) for child in below))


def test_every_code_has_its_words():
    codes = CONTRACT_CODES | leaves(ApplianceError) - {SimulatorError.code} | {"patient-card"}
    assert codes == set(WORDS.notices)
    assert errors.ApplianceError.code in codes


@pytest.mark.parametrize("code", sorted(WORDS.notices))
def test_every_notice_fits(code):
    notice = WORDS.notices[code]
    for screen in (kinds.Outcome(code), kinds.Fault(code)):
        canvas = paint(screen, WORDS)
        assert is_whole(canvas)
        assert [writing.text for writing in canvas.writings] == [notice.headline, *notice.lines]
    assert notice.lines


def test_every_word_is_drawable():
    def strings(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, Notice):
            yield from (value.headline, *value.lines)
        elif isinstance(value, tuple):
            yield from (part for item in value for part in strings(item))
        elif isinstance(value, Mapping):
            yield from strings(tuple(value.values()))

    for field in fields(Words):
        words = list(strings(getattr(WORDS, field.name)))
        assert words, field.name
        assert all(CHARACTERS.issuperset(text) for text in words), field.name


@pytest.mark.parametrize("code", sorted(WORDS.code_notices))
def test_every_notice_of_a_code_fits(code):
    notice = WORDS.code_notices[code]
    canvas = paint(kinds.CodeEnd(code), WORDS)
    assert is_whole(canvas)
    assert [writing.text for writing in canvas.writings] == [notice.headline, *notice.lines]


@pytest.mark.parametrize("code", sorted(WORDS.notices))
def test_every_other_end_of_a_code_says_that_it_stays(code):
    texts_drawn = drawn(kinds.CodeEnd(code))
    assert is_whole(paint(kinds.CodeEnd(code), WORDS))
    assert code in WORDS.code_notices or texts_drawn == [WORDS.notices[code].headline, WORDS.code_stays]
    assert drawn(kinds.NotRead(code)) == [WORDS.notices[code].headline, WORDS.not_read]


def test_french_is_in_one_file_only():
    room = Path(icons.__file__).parent
    words = [text for notice in WORDS.notices.values() for text in (notice.headline, *notice.lines)]
    sources = {path.name: path.read_text(encoding="utf-8") for path in room.glob("*.py") if path.name != "fr.py"}
    assert sources
    for name, source in sources.items():
        assert not [word for word in words if f'"{word}"' in source], name


def test_no_clock_is_said():
    assert "--:--" in drawn(kinds.Home("", link=True, reader=True))


def test_an_unknown_code_is_shown_as_it_is():
    assert drawn(kinds.Fault("a-code-of-tomorrow"))[-1] == "a-code-of-tomorrow"


# --- canvas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "y"), [(0, 1), (1, 0), (122, 1), (1, 52), (-6, 1)])
def test_a_text_that_would_leave_the_margin_is_refused(x, y):
    canvas = Canvas()
    with pytest.raises(TextNotDrawable, match="leave the frame"):
        canvas.write(x, y, "a")
    assert canvas.image.getbbox() is None
    assert not canvas.writings


@pytest.mark.parametrize("box", [(0, 1, 5, 5), (1, 0, 5, 5), (1, 1, 127, 5), (1, 1, 5, 63), (6, 1, 5, 5)])
def test_a_bar_that_would_leave_the_margin_is_refused(box):
    with pytest.raises(ValueError, match="leave the frame"):
        Canvas().fill(*box)


def test_more_lines_than_rows_are_refused():
    crowded = replace(WORDS, removed=Notice("a", ("b", "c", "d", "e")))
    with pytest.raises(ValueError, match="4 lines in 3 rows"):
        render(kinds.Removed(), crowded)
