"""Reads text off the pixels of the display, for the desk and for tests.

What it is: exact matching of cells against the glyph atlas: every size, normal and reverse video, any position.
What it is not: recognition; a pixel more or less and the character is not read. It knows nothing of screens or words.

How: every place where a whole cell equals a glyph is a candidate. For each size and height the best choice of cells
that do not overlap is the one that explains most lit pixels; heights are then taken best first. Where the pixels alone
leave a doubt (a lone full stop is a lone middle dot, higher up), a height in step with the rows already found wins.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from PIL import Image

from appliance.screen.atlas import BIG, LARGE, SMALL, Size

__all__ = ["MARK", "read_lines", "read_marked"]

WIDTH: Final = 128
HEIGHT: Final = 64

SIZES: Final = (SMALL, LARGE, BIG)
MARK: Final = "▶ "
"""Before a row in reverse video, as ``read_marked`` reads it; no glyph of the atlas, so no text on the glass is it."""

Columns = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    """A glyph found at ``x``; ``ink`` lit pixels are explained by it."""

    x: int
    character: str
    ink: int
    reverse: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """The best cells of one size at one height."""

    size: Size
    y: int
    cells: tuple[_Cell, ...]

    @property
    def ink(self) -> int:
        return sum(cell.ink for cell in self.cells)

    @property
    def reverse(self) -> bool:
        """In reverse video as a whole; one cell alone is the name of a key, wherever it stands."""
        joined = any(after.x - cell.x == self.size.width for cell, after in pairwise(self.cells))
        return joined and all(cell.reverse for cell in self.cells)

    def text(self) -> str:
        """The characters, with a space for each cell's width left free between them (one at least half as wide)."""
        parts: list[str] = []
        end = self.cells[0].x
        for cell in self.cells:
            parts.append(" " * int((cell.x - end) / self.size.width + 0.5) + cell.character)
            end = cell.x + self.size.width
        return "".join(parts)


def read_lines(image: Image.Image) -> list[str]:
    """Read the rows of text of a frame.

    Args:
        image: 128x64 pixels, mode "1".

    Returns:
        one string a row of one size, from the top down; parts of a row far apart are separated by as many spaces as
        cells would fit. No row for what is not text.

    Raises:
        ValueError: another size or mode.
    """
    return [row.text() for row in _rows(image)]


def read_marked(image: Image.Image) -> list[str]:
    """Read as ``read_lines``, with ``MARK`` before each row in reverse video, for who cannot see that.

    Such a row is the entry chosen, or a warning of the box.
    """
    return [(MARK if row.reverse else "") + row.text() for row in _rows(image)]


def _rows(image: Image.Image) -> tuple[_Row, ...]:
    if image.mode != "1" or image.size != (WIDTH, HEIGHT):
        raise ValueError(f"a frame is 128x64, mode 1, not {image.size}, mode {image.mode}")
    return _read(image.tobytes())


@lru_cache(maxsize=64)
def _read(frame: bytes) -> tuple[_Row, ...]:
    columns = _columns(frame)
    rows: list[_Row] = []
    left = [row for size in SIZES for row in _candidates(size, columns, ())]
    while left:
        row = max(left, key=lambda row: (row.ink, _in_step(row, rows), -row.y))
        rows.append(row)
        near = [other for other in left if other is not row and _touch(row, other)]
        left = [other for other in left if other is not row and other not in near]
        for other in near:
            left += _candidates(other.size, columns, rows, other.y)
    rows.sort(key=lambda row: (row.y, row.cells[0].x))
    return tuple(rows)


def _columns(frame: bytes) -> Columns:
    """Each column of pixels as an integer, bit 0 the upper one."""
    stride = WIDTH // 8
    return tuple(
        sum(1 << y for y in range(HEIGHT) if frame[y * stride + x // 8] & (0x80 >> x % 8)) for x in range(WIDTH)
    )


def _glyphs(size: Size) -> Mapping[Columns, tuple[str, int, bool]]:
    """Columns of a cell -> character, lit pixels, reverse video. The blank of either is a gap."""
    found: dict[Columns, tuple[str, int, bool]] = {}
    for video in (size.normal, size.reverse):
        for character, image in video.items():
            if character != " ":
                pixels = image.convert("L").tobytes()
                columns = tuple(
                    sum(1 << y for y in range(size.height) if pixels[y * size.width + x]) for x in range(size.width)
                )
                found[columns] = character, sum(map(int.bit_count, columns)), video is size.reverse
    return found


GLYPHS: Final[Mapping[Size, Mapping[Columns, tuple[str, int, bool]]]] = {size: _glyphs(size) for size in SIZES}


def _candidates(size: Size, columns: Columns, taken: Sequence[_Row], only: int | None = None) -> Iterator[_Row]:
    """The best row at each height (or at height ``only``) that leaves the cells of ``taken`` alone."""
    glyphs = GLYPHS[size]
    mask = (1 << size.height) - 1
    for y in range(HEIGHT - size.height + 1) if only is None else (only,):
        band = tuple(column >> y & mask for column in columns)
        cells = [
            _Cell(x, *glyph)
            for x in range(WIDTH - size.width + 1)
            if (glyph := glyphs.get(band[x : x + size.width])) and not _covered(x, y, size, taken)
        ]
        if cells:
            yield _Row(size, y, _best(cells, size.width))


def _best(cells: Sequence[_Cell], width: int) -> tuple[_Cell, ...]:
    """Of cells in order of x, those that do not overlap and explain most ink (weighted interval scheduling)."""
    ends = [cell.x + width for cell in cells]
    best: list[tuple[int, tuple[_Cell, ...]]] = [(0, ())]
    for place, cell in enumerate(cells):
        ink, chosen = best[bisect_right(ends, cell.x, 0, place)]
        best.append(max(best[-1], (ink + cell.ink, (*chosen, cell)), key=lambda choice: choice[0]))
    return best[-1][1]


def _covered(x: int, y: int, size: Size, rows: Iterable[_Row]) -> bool:
    """Whether a cell would overlap a cell already read."""
    return any(
        row.y < y + size.height
        and y < row.y + row.size.height
        and any(cell.x < x + size.width and x < cell.x + row.size.width for cell in row.cells)
        for row in rows
    )


def _touch(row: _Row, other: _Row) -> bool:
    return row.y < other.y + other.size.height and other.y < row.y + row.size.height


def _in_step(row: _Row, rows: Iterable[_Row]) -> bool:
    """Whether a row of the same size stands a whole number of rows away."""
    return any(other.size is row.size and (other.y - row.y) % row.size.height == 0 for other in rows)
