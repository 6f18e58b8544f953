"""What is printed of the written journeys: docs/journeys.md, and a strip of frames for those that ask for pictures.

What it is: text from the files alone, and pictures from a run. What it is not: a player, or a judge.
Rule: a strip can be read back (``frames``), so that a test can hold a run against it; what the time of day or a
countdown puts on a frame is not compared.
"""

import json
import re
from pathlib import Path

from PIL import Image

from appliance.simulator.display import HEIGHT, WIDTH
from appliance.simulator.journeys.journey import PARTS, VERBS, Journey
from appliance.simulator.reading import read_lines

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "journeys.md"
STRIPS = DOCS / "journeys"

SCALE = 2
GAP = 12
COLUMNS = 4
INK, GROUND, PAPER = (213, 236, 255), (6, 8, 10), (238, 238, 238)
TIME = re.compile(r"\d?\d:\d\d")

HEAD = """\
# Journeys

Made from `appliance/simulator/journeys/` by `make journeys`: change a file there, not this page.

Each is played three times over: as a test on the real processes, in the browser (`appliance simulate --panel`,
*Parcours*), and here. What a person reads, presses and types, what the card and the practice software do, in order.

| step | what it does |
| --- | --- |
"""


def page(journeys: tuple[Journey, ...]) -> str:
    """The whole of docs/journeys.md."""
    steps = "".join(f"| `{verb.usage}` | {verb.about} |\n" for verb in VERBS.values())
    parts = []
    for part in PARTS:
        chapter = [section(journey) for journey in journeys if journey.part == part]
        if chapter:
            parts.append(f"\n## {part}\n" + "".join(chapter))
    return HEAD + steps + "".join(parts)


def section(journey: Journey) -> str:
    """One journey: what for, how it looks, and its steps."""
    picture = f"\n![{journey.title}](journeys/{journey.name}.png)\n" if journey.pictures else ""
    values = [(f"{table}.{key}", value) for table, keys in journey.config.items() for key, value in keys.items()]
    config = "".join(f"# {name} = {json.dumps(value)}\n" for name, value in values)
    steps = "\n".join(step.source for step in journey.steps)
    return f"\n### {journey.title}\n\n{journey.purpose}\n{picture}\n```\n{config}{steps}\n```\n"


def told(picture: Image.Image) -> tuple[str, ...]:
    """The lines of a frame, without what the time makes of it."""
    return tuple(TIME.sub("--:--", line) for line in read_lines(picture))


def distinct(pictures: list[Image.Image]) -> list[Image.Image]:
    """Frames without those that say what the one before said."""
    kept: list[Image.Image] = []
    for picture in pictures:
        if not kept or told(picture) != told(kept[-1]):
            kept.append(picture)
    return kept


def strip(pictures: list[Image.Image]) -> Image.Image:
    """Frames side by side, ``COLUMNS`` a row."""
    columns, rows = min(COLUMNS, len(pictures)), -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (columns * (SCALE * WIDTH + GAP) + GAP, rows * (SCALE * HEIGHT + GAP) + GAP), PAPER)
    for at, picture in enumerate(pictures):
        large = picture.resize((SCALE * WIDTH, SCALE * HEIGHT), Image.Resampling.NEAREST).convert("L")
        bands = [large.point([low] * 128 + [high] * 128) for low, high in zip(GROUND, INK, strict=True)]
        glass = Image.merge("RGB", bands)
        sheet.paste(glass, place(at))
    return sheet


def frames(sheet: Image.Image) -> list[Image.Image]:
    """The frames of a strip, as the display had them."""
    found = []
    columns = (sheet.width - GAP) // (SCALE * WIDTH + GAP)
    rows = (sheet.height - GAP) // (SCALE * HEIGHT + GAP)
    for at in range(columns * rows):
        left, top = place(at)
        cut = sheet.convert("RGB").crop((left, top, left + SCALE * WIDTH, top + SCALE * HEIGHT))
        if cut.getpixel((0, 0)) in {INK, GROUND}:
            small = cut.resize((WIDTH, HEIGHT), Image.Resampling.NEAREST).convert("L")
            found.append(small.point([0] * 128 + [255] * 128).convert("1"))
    return found


def tells(file: Path, pictures: list[Image.Image]) -> bool:
    """Whether a strip on disk tells what these distinct pictures tell."""
    if not file.exists():
        return False
    return [told(one) for one in frames(Image.open(file))] == [told(one) for one in pictures]


def place(at: int) -> tuple[int, int]:
    """Where frame ``at`` stands on its sheet."""
    return GAP + at % COLUMNS * (SCALE * WIDTH + GAP), GAP + at // COLUMNS * (SCALE * HEIGHT + GAP)
