"""What was drawn is what is read off the pixels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from screen_cases import CASES, FINGERPRINT, consent

from appliance.screen import kinds
from appliance.screen.atlas import CHARACTERS, LARGE, SMALL
from appliance.screen.canvas import Canvas
from appliance.screen.fr import WORDS
from appliance.screen.screens import CONSENT_COLUMNS, CONSENT_LINES, paint, render
from appliance.simulator.reading import read_lines


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
    canvas = paint(CASES[name], WORDS)
    assert read(canvas.image) == written(canvas)


@pytest.mark.parametrize("code", sorted(WORDS.notices))
def test_every_notice_is_read(code):
    notice = WORDS.notices[code]
    assert read_lines(render(kinds.Outcome(code), WORDS)) == [notice.headline, *notice.lines]


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
