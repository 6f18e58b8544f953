"""What was drawn is what is read off the pixels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from screen_cases import CASES, FINGERPRINT, consent
from screen_kit import SPOKEN, WORDS

from appliance.screen import kinds
from appliance.screen.atlas import CHARACTERS, LARGE, SMALL
from appliance.screen.canvas import Canvas
from appliance.screen.screens import CONSENT_COLUMNS, CONSENT_LINES, paint, render
from appliance.simulator.reading import MARK, read_lines, read_marked


def written(canvas):
    """The words of each row, from the top down, as the drawing reported them."""
    rows = {}
    for writing in sorted(canvas.writings, key=lambda writing: writing.x):
        if writing.text.strip():
            rows.setdefault((writing.y, writing.size.height), []).append((writing.x, writing))
    found = []
    for _, parts in sorted(rows.items(), key=lambda row: (row[0][0], row[1][0][0])):
        text, end = "", parts[0][0]
        for x, writing in parts:
            text += (" " if x - end >= 3 else "") + writing.text
            end = writing.box[2]
        found.append(text.split())
    return found


def read(image):
    return [line.split() for line in read_lines(image)]


@pytest.mark.parametrize("name", CASES)
def test_every_text_of_every_screen_is_read_and_nothing_else(name):
    for words in SPOKEN:
        canvas = paint(CASES[name], words)
        assert read(canvas.image) == written(canvas)
        marked = {" ".join(line.split()[1:]) for line in read_marked(canvas.image) if line.startswith(MARK)}
        assert marked == rows_in_reverse(canvas)


def rows_in_reverse(canvas):
    """The rows that nothing else stands beside; a single cell is the name of a key."""
    heights = [writing.y for writing in canvas.writings if writing.text.strip()]
    return {
        " ".join(writing.text.split())
        for writing in canvas.writings
        if writing.reverse and len(writing.text.strip()) > 1 and heights.count(writing.y) == 1
    }


def test_the_chosen_entry_is_the_one_that_is_marked():
    entries = ("change", "unblock")
    for chosen, name in enumerate(entries, start=1):
        rows = read_marked(render(kinds.Menu(entries, chosen), WORDS))
        assert [row for row in rows if row.startswith(MARK)] == [f"{MARK}{WORDS.menu[name]}"]
        assert [row.removeprefix(MARK) for row in rows] == read_lines(render(kinds.Menu(entries, chosen), WORDS))


def test_no_glyph_is_the_mark():
    assert CHARACTERS.isdisjoint(MARK.strip())


def test_the_large_digits_are_read():
    assert read_lines(render(CASES["home"], WORDS)) == ["14:05", *WORDS.insert]
    assert read_lines(render(CASES["home-no-clock"], WORDS)) == [WORDS.no_clock, *WORDS.insert]


def test_rows_are_read_as_a_person_reads_them():
    assert read_lines(render(CASES["consent-1"], WORDS)) == [
        "cabinet-demo",
        "(non appairé)",
        "par C. MARTIN",
        "Ordonnance du 12 mars",
        "C suite 1/3 D refuser",
    ]
    assert read_lines(render(CASES["consent-unshown"], WORDS)) == [
        "Ordonnance du 12 mars",
        "CONTENU NON AFFICHÉ",
        "Empreinte :",
        FINGERPRINT,
        "A accepter  D refuser",
    ]
    assert read_lines(render(CASES["pin-reminder"], WORDS)) == [
        "Code porteur",
        "••••",
        "2 essais restants",
        "valider avec #",
    ]


word = st.text(st.sampled_from(sorted(CHARACTERS - set(" "))), min_size=1, max_size=8)
line = st.lists(word, min_size=1, max_size=5).map(lambda words: " ".join(words)[:CONSENT_COLUMNS].strip())


@given(st.lists(line, min_size=1, max_size=CONSENT_LINES))
def test_any_text_of_a_document_is_read_back(lines):
    screen = consent(page=2, lines=tuple(lines))
    assert read_lines(render(screen, WORDS))[1:-1] == lines


@given(
    st.text(st.sampled_from(sorted(CHARACTERS - set(" "))), min_size=3, max_size=10),
    st.integers(1, 15),
    st.integers(1, 40),
    st.sampled_from([SMALL, LARGE]),
    st.booleans(),
)
def test_a_text_is_read_anywhere_in_both_sizes_and_videos(text, x, y, size, reverse):
    canvas = Canvas()
    canvas.write(x, y, f"Aé{text}Zg", size, reverse=reverse)
    assert read_lines(canvas.image) == [f"Aé{text}Zg"]


def test_a_wrong_pixel_is_not_guessed():
    canvas = Canvas()
    canvas.write(1, 1, "ABC")
    canvas.image.putpixel((8, 5), 255 - canvas.image.getpixel((8, 5)))
    assert read_lines(canvas.image) == ["A C"]


def test_a_dark_and_a_lit_frame_hold_no_text():
    assert read_lines(Image.new("1", (128, 64))) == []
    assert read_lines(Image.new("1", (128, 64), 255)) == []


@pytest.mark.parametrize("image", [Image.new("1", (64, 128)), Image.new("L", (128, 64))])
def test_another_picture_is_refused(image):
    with pytest.raises(ValueError, match="128x64"):
        read_lines(image)


@given(st.binary(min_size=1024, max_size=1024))
def test_noise_gives_lines_or_none(frame):
    for row in read_lines(Image.frombytes("1", (128, 64), frame)):
        assert row == row.strip()
        assert CHARACTERS.issuperset(row)
