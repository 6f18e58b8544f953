"""Draw the golden pictures again, the contact sheet and the picture of the journey.

``python tests/screen/redraw.py`` writes tests/screen/goldens/, docs/screens.png and docs/journey.png; look at them
before you commit: the goldens are what a nurse sees.
"""

from pathlib import Path

from PIL import Image
from screen_cases import CASES, JOURNEY

from appliance.screen.atlas import LARGE, SMALL
from appliance.screen.fr import WORDS
from appliance.screen.screens import render

HERE = Path(__file__).parent
GOLDENS = HERE / "goldens"
DOCS = HERE.parents[1] / "docs"
GLOW, GLASS, PAPER, INK = (206, 240, 255), (10, 12, 18), (255, 255, 255), (40, 44, 52)
SCALE, GAP, LABEL = 2, 16, 20


def golden(name):
    return GOLDENS / f"fr-{name}.png"


def enlarge(image, lit, dark, scale=SCALE):
    """A mode "1" picture in two colours, each pixel ``scale`` wide."""
    large = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    picture = Image.new("RGB", large.size, dark)
    picture.paste(lit, mask=large)
    return picture


def write(sheet, x, y, text, size):
    for place, character in enumerate(text):
        sheet.paste(INK, (x + place * size.width, y), size.normal[character])


def sheet_of(labelled, columns, size):
    """Labelled screens on white, ``columns`` abreast."""
    wide, high = 128 * SCALE + GAP, 64 * SCALE + LABEL + GAP
    rows = -(-len(labelled) // columns)
    sheet = Image.new("RGB", (columns * wide + GAP, rows * high + GAP), PAPER)
    for place, (label, screen) in enumerate(labelled):
        x, y = GAP + place % columns * wide, GAP + place // columns * high
        write(sheet, x, y, label, size)
        sheet.paste(enlarge(render(screen, WORDS), GLOW, GLASS), (x, y + LABEL))
    return sheet


def main():
    GOLDENS.mkdir(exist_ok=True)
    for stale in set(GOLDENS.iterdir()) - {golden(name) for name in CASES}:
        stale.unlink()
    for name, screen in CASES.items():
        render(screen, WORDS).save(golden(name), optimize=True)
    sheet_of(list(CASES.items()), 4, SMALL).save(DOCS / "screens.png", optimize=True)
    sheet_of(JOURNEY, 3, LARGE).save(DOCS / "journey.png", optimize=True)


if __name__ == "__main__":
    main()
