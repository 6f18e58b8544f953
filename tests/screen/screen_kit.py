"""What the tests of this room share: any legal screen, and what may be looked for in its pixels."""

from hypothesis import strategies as st
from PIL import Image

from appliance.screen import kinds
from appliance.screen.atlas import CHARACTERS
from appliance.screen.languages import LANGUAGES
from appliance.screen.screens import paint
from appliance.screen.text import CONSENT_COLUMNS, CONSENT_LINES, CONSENT_LINES_UNSHOWN

WORDS = LANGUAGES["fr"]
SPOKEN = list(LANGUAGES.values())
BOTH = [(language, words) for language, words in LANGUAGES.items()]

rows = st.text(st.sampled_from(sorted(CHARACTERS)), max_size=70)
lines = st.lists(st.text(st.sampled_from(sorted(CHARACTERS)), max_size=CONSENT_COLUMNS), max_size=CONSENT_LINES)
parts = st.floats(0, 1)
spoken = st.sampled_from(SPOKEN)


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


sessions = st.none() | st.tuples(st.integers(1, 20), st.integers(0, 600))
texts = (
    st.builds(kinds.Start, rows)
    | st.builds(
        kinds.Ready, rows, rows, st.booleans(), st.just("14:05"), st.booleans(), st.booleans(), session=sessions
    )
    | st.builds(kinds.Permission, rows, st.booleans())
    | st.builds(kinds.CodeEnd, rows)
    | st.builds(kinds.NotRead, rows)
    | st.builds(kinds.WaitCard, rows)
    | st.builds(kinds.Outcome, rows)
    | st.builds(kinds.Fault, rows)
    | consents()
)
"""Screens with texts of a card or of software."""
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
"""Screens with counts and times."""


def drawn(screen, words=WORDS):
    """The texts of a screen, in the order they were drawn."""
    return [writing.text.strip() for writing in paint(screen, words).writings]


def overlap(one, other):
    left, upper, right, lower = one
    left2, upper2, right2, lower2 = other
    return left < right2 and left2 < right and upper < lower2 and upper2 < lower


def is_whole(canvas):
    """Every text and sign inside the margin, none over another, each cell and sign as it was baked or drawn by hand."""
    boxes = []
    for sign in canvas.signs:
        assert canvas.image.crop(sign.box).tobytes() == sign.icon.tobytes(), sign.box
        boxes.append(sign.box)
    for writing in canvas.writings:
        left, upper, _, lower = writing.box
        glyphs = writing.size.reverse if writing.reverse else writing.size.normal
        for column, character in enumerate(writing.text):
            x = left + column * writing.size.width
            cell = canvas.image.crop((x, upper, x + writing.size.width, lower))
            assert cell.tobytes() == glyphs[character].tobytes(), (writing.text, character)
        boxes.append(writing.box)
    for place, box in enumerate(boxes):
        assert 1 <= box[0] <= box[2] <= 127, box
        assert 1 <= box[1] <= box[3] <= 63, box
        assert not any(overlap(box, other) for other in boxes[:place]), box
    return True


def border_lit(image):
    """Whether a pixel of the padlock frame is lit."""
    inside = image.copy()
    inside.paste(0, (1, 1, 127, 63))
    return inside.getbbox() is not None


def bits(image):
    """Each row of pixels as an integer."""
    data, stride = image.tobytes(), -(-image.width // 8)
    return [
        int.from_bytes(data[y * stride : (y + 1) * stride]) >> (stride * 8 - image.width) for y in range(image.height)
    ]


def differing(image, icon):
    """The fewest pixels in which ``icon`` differs from any place of ``image``; 0: it stands there."""
    rows_of, wanted, mask = bits(image), bits(icon), (1 << icon.width) - 1
    return min(
        sum(((rows_of[y + row] >> shift & mask) ^ line).bit_count() for row, line in enumerate(wanted))
        for y in range(image.height - icon.height + 1)
        for shift in range(image.width - icon.width + 1)
    )


def holds(image, icon):
    """Whether ``icon`` stands anywhere on ``image``."""
    rows_of, wanted, mask = bits(image), bits(icon), (1 << icon.width) - 1
    return any(
        all(rows_of[y + row] >> shift & mask == line for row, line in enumerate(wanted))
        for y in range(image.height - icon.height + 1)
        for shift in range(image.width - icon.width + 1)
    )


def lit(image):
    """How many pixels glow."""
    return image.convert("L").histogram()[255]


FRAME = Image.new("1", (128, 64), 255)
FRAME.paste(0, (1, 1, 127, 63))
"""The outermost pixels."""
