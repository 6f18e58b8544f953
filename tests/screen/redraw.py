"""Draw the golden pictures again, the contact sheets and the picture of the journey.

``python tests/screen/redraw.py`` writes tests/screen/goldens/, docs/screens.png (French), docs/screens-en.png and
docs/journey.png; with names of cases it writes their goldens alone. Look at them before you commit: the goldens are
what a nurse sees. It refuses, and names the tests, while another test of tests/screen fails: what is drawn wrongly is
not recorded.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from PIL import Image
from screen_cases import CASES, JOURNEY

from appliance.screen.atlas import LARGE, SMALL
from appliance.screen.languages import LANGUAGES
from appliance.screen.screens import render

HERE = Path(__file__).parent
GOLDENS = HERE / "goldens"
DOCS = HERE.parents[1] / "docs"
COMPARISON = "test_goldens.py"
"""The tests that compare with what is recorded here: the only ones that may fail before."""
GLOW, GLASS, PAPER, INK = (206, 240, 255), (10, 12, 18), (255, 255, 255), (40, 44, 52)
SCALE, GAP, LABEL = 2, 16, 20

ALL = list(CASES.items())
SHEETS = {
    "screens.png": (ALL, "fr", 6, SMALL),
    "screens-en.png": (ALL, "en", 6, SMALL),
    "journey.png": (JOURNEY, "fr", 3, LARGE),
}
"""Pictures of the documentation: labelled screens, language, columns, size of the labels."""


def golden(language, name, folder=GOLDENS):
    return folder / f"{language}-{name}.png"


def enlarge(image, lit, dark, scale=SCALE):
    """A mode "1" picture in two colours, each pixel ``scale`` wide."""
    large = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    picture = Image.new("RGB", large.size, dark)
    picture.paste(lit, mask=large)
    return picture


def write(sheet, x, y, text, size):
    for place, character in enumerate(text):
        sheet.paste(INK, (x + place * size.width, y), size.normal[character])


def sheet_of(labelled, language, columns, size):
    """Labelled screens on white, ``columns`` abreast."""
    wide, high = 128 * SCALE + GAP, 64 * SCALE + LABEL + GAP
    rows = -(-len(labelled) // columns)
    sheet = Image.new("RGB", (columns * wide + GAP, rows * high + GAP), PAPER)
    for place, (label, screen) in enumerate(labelled):
        x, y = GAP + place % columns * wide, GAP + place // columns * high
        write(sheet, x, y, label, size)
        sheet.paste(enlarge(render(screen, LANGUAGES[language]), GLOW, GLASS), (x, y + LABEL))
    return sheet


def failing(tests):
    """The tests of a folder that fail or cannot run, the comparison with the goldens left out."""
    options = ["-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", f"--ignore={tests / COMPARISON}"]
    command = [sys.executable, "-m", "pytest", str(tests), *options]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    named = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return named if run.returncode == 0 or named else [f"pytest ended with {run.returncode}"]


def record(names, goldens=GOLDENS, docs=DOCS):
    """Write the goldens of ``names``, and with none of every case, the sheets too, and no golden without a case."""
    goldens.mkdir(exist_ok=True)
    for language, words in LANGUAGES.items():
        for name in names or CASES:
            render(CASES[name], words).save(golden(language, name, goldens), optimize=True)
    if names:
        return
    for stale in set(goldens.iterdir()) - {golden(language, name, goldens) for language in LANGUAGES for name in CASES}:
        stale.unlink()
    for name, sheet in SHEETS.items():
        sheet_of(*sheet).save(docs / name, optimize=True)


def main(arguments=None, tests=HERE, goldens=GOLDENS, docs=DOCS):
    """0: recorded; 1: refused."""
    parser = argparse.ArgumentParser(description="Draw the golden pictures again.")
    parser.add_argument("names", nargs="*", metavar="CASE", help="cases of screen_cases.py; none: all, and the sheets")
    names = parser.parse_args(arguments).names
    if unknown := sorted(set(names) - set(CASES)):
        parser.error(f"no case {', '.join(unknown)}")
    if failed := failing(tests):
        print("Not recorded: other tests of the screens fail.", *failed, sep="\n", file=sys.stderr)
        return 1
    record(names, goldens, docs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
