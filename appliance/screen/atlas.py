"""The glyph atlas: every character the screen can draw, in two sizes, and a clock's digits in a third.

What it is: bitmaps baked from Terminus Font (OFL.txt; ``tests/screen/bake_atlas.py``), one PIL image a cell.
What it is not: layout. Rule: the set is closed, and no two characters share their pixels (a test compares them all), so
what is read on the screen is what was drawn.

The package's data file is read here, once, at import; nothing is read when a screen is drawn.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from PIL import Image, ImageChops

__all__ = ["BIG", "CHARACTERS", "LARGE", "SMALL", "Size"]


@dataclass(frozen=True, slots=True, eq=False)
class Size:
    """One cut of the atlas.

    Attributes:
        width: of a cell, in pixels.
        height: of a cell, in pixels.
        normal: lit glyph on dark ground, a mode "1" image of one cell a character.
        reverse: dark glyph on lit ground.
    """

    width: int
    height: int
    normal: Mapping[str, Image.Image] = field(repr=False)
    reverse: Mapping[str, Image.Image] = field(repr=False)


def _cut(width: int, height: int, cells: Iterable[tuple[str, str]]) -> Size:
    """Turn rows in hexadecimal, each of the whole bytes that a width takes, into images."""
    normal = {
        character: Image.frombytes("1", (-(-width // 8) * 8, height), bytes.fromhex(rows)).crop((0, 0, width, height))
        for character, rows in cells
    }
    reverse = {character: ImageChops.invert(image) for character, image in normal.items()}
    return Size(width, height, MappingProxyType(normal), MappingProxyType(reverse))


def _load() -> tuple[Size, Size, Size]:
    """The three cuts; a line of the file has two cells, or three (its own first lines)."""
    text = files(__package__).joinpath("glyphs.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    small, large, big = (
        [(chr(int(line[0], 16)), line[place]) for line in lines if len(line) > place] for place in (1, 2, 3)
    )
    return _cut(6, 12, small), _cut(8, 16, large), _cut(12, 24, big)


_CUTS: Final = _load()
SMALL: Final = _CUTS[0]
"""6x12, Terminus 12."""
LARGE: Final = _CUTS[1]
"""8x16, Terminus 16 bold, for headlines."""
BIG: Final = _CUTS[2]
"""12x24, Terminus 24 bold, for what is read across the room: the digits, colon and hyphen of a clock, nothing else."""

CHARACTERS: Final[frozenset[str]] = frozenset(SMALL.normal)
"""The closed set: printable ASCII, the letters and signs of French, and those of a dose (``µ``, ``≤`` …)."""
