"""The glyph atlas: every character the screen can draw, in two sizes.

What it is: bitmaps baked from Terminus Font (OFL.txt; ``tests/screen/bake_atlas.py``), one PIL image a cell.
What it is not: layout. Rule: the set is closed, and no two characters share their pixels (a test compares them all), so
what is read on the screen is what was drawn.

The package's data file is read here, once, at import; nothing is read when a screen is drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from PIL import Image, ImageChops

__all__ = ["CHARACTERS", "LARGE", "SMALL", "Size"]


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


def _cut(width: int, height: int, cells: Mapping[str, str]) -> Size:
    """Turn rows in hexadecimal, a byte a row, into images."""
    normal = {
        character: Image.frombytes("1", (8, height), bytes.fromhex(rows)).crop((0, 0, width, height))
        for character, rows in cells.items()
    }
    reverse = {character: ImageChops.invert(image) for character, image in normal.items()}
    return Size(width, height, MappingProxyType(normal), MappingProxyType(reverse))


def _load() -> tuple[Size, Size]:
    text = files(__package__).joinpath("glyphs.txt").read_text(encoding="utf-8")
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    characters = [chr(int(row[0], 16)) for row in rows]
    small = _cut(6, 12, {character: row[1] for character, row in zip(characters, rows, strict=True)})
    large = _cut(8, 16, {character: row[2] for character, row in zip(characters, rows, strict=True)})
    return small, large


_CUTS: Final = _load()
SMALL: Final = _CUTS[0]
"""6x12, Terminus 12."""
LARGE: Final = _CUTS[1]
"""8x16, Terminus 16 bold, for headlines."""

CHARACTERS: Final[frozenset[str]] = frozenset(SMALL.normal)
"""The closed set: printable ASCII and the letters and signs of French."""
