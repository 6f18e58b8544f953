"""Text for the screen: what can be drawn, and how it breaks into rows.

What it is: strings in, strings out. What it is not: drawing (``canvas.py``).
Rule: nothing is dropped or replaced silently. A text is drawn whole, or closed with a visible ``…`` by a caller who
asked for it (``shorten``), or refused with ``TextNotDrawable``.
"""

from collections.abc import Iterator
from typing import Final

from appliance.errors import TextNotDrawable
from appliance.screen.atlas import CHARACTERS

__all__ = [
    "COLUMNS",
    "CONSENT_COLUMNS",
    "CONSENT_LINES",
    "CONSENT_LINES_UNSHOWN",
    "LARGE_COLUMNS",
    "LINES",
    "drawable",
    "drawable_lines",
    "fit",
    "shorten",
    "within",
    "wrap",
]

COLUMNS: Final = 21
"""Cells of 6x12 in a row: 126 of 128 pixels, a margin of 1 pixel on both sides."""

LINES: Final = 5
"""Rows of 6x12 on the screen: 60 of 64 pixels."""

LARGE_COLUMNS: Final = 15
"""Cells of 8x16 in a row: 120 of 128 pixels (16 would fill the margin that the padlock frame reserves)."""

CONSENT_COLUMNS: Final = 20
"""Cells of one line of a document on consent: a column is left for the bar that marks text of others."""

CONSENT_LINES: Final = 3
"""Lines of a document on one page of consent, with the heading above and the keys below."""

CONSENT_LINES_UNSHOWN: Final = 2
"""The same where a row is taken by CONTENU NON AFFICHÉ."""

TAB: Final = 4
"""Columns between tab stops in a document."""

ELLIPSIS: Final = "…"


def drawable(text: str) -> bool:
    """Tell whether every character of a single-row text is in the atlas.

    The atlas is a closed set: no control character (no line end, no tab), no bidi control, no zero-width character, no
    combining mark, no no-break space.
    """
    return CHARACTERS.issuperset(text)


def drawable_lines(text: str) -> bool:
    """Tell whether ``wrap`` makes drawable rows of a text: the atlas, tabs, and line ends LF or CRLF."""
    return drawable(text.replace("\r\n", "").replace("\n", "").replace("\t", ""))


def wrap(text: str, columns: int) -> list[str]:
    """Break a text into rows, at spaces and after hyphens between letters; a longer word is broken where the row ends.

    A line end (LF or CRLF) ends a row; the last one ends the text, so it adds no empty row. A tab becomes spaces up to
    the next multiple of ``TAB`` columns. Every other character stands in exactly one row, in order, except that a break
    takes the place of one space.

    Returns:
        rows of at most ``columns`` characters, at least one.

    Raises:
        ValueError: ``columns`` is less than 1.
    """
    if columns < 1:
        raise ValueError("a row has at least one column")
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    return [row for line in lines for row in _break(line.expandtabs(TAB), columns)]


def _break(line: str, columns: int) -> Iterator[str]:
    """Break one line without line ends: at a space, after a hyphen between letters, else where the row is full."""
    start = 0
    while len(line) - start > columns:
        end = start + columns
        space = line.rfind(" ", start + 1, end + 1)
        hyphen = _hyphen(line, start + 1, end)
        if hyphen > space:
            yield line[start : hyphen + 1]
            start = hyphen + 1
        elif space > start:
            yield line[start:space]
            start = space + 1
        else:
            yield line[start:end]
            start = end
    yield line[start:]


def _hyphen(line: str, start: int, end: int) -> int:
    """The last hyphen in ``start..end - 1`` that joins two letters (never a minus sign, a range or a date), or -1."""
    places = (at for at in range(end - 1, start - 1, -1) if line[at] == "-")
    return next((at for at in places if line[at - 1].isalpha() and line[at + 1].isalpha()), -1)


def fit(text: str, columns: int) -> str:
    """Return the text as it is if it can be drawn in one row.

    Raises:
        TextNotDrawable: a character is outside the atlas, or the text is longer than ``columns``. The message names
            code point or length, never the text.
    """
    for character in text:
        if character not in CHARACTERS:
            raise TextNotDrawable(f"no glyph for U+{ord(character):04X}")
    if len(text) > columns:
        raise TextNotDrawable(f"{len(text)} characters in a row of {columns}")
    return text


def shorten(text: str, columns: int) -> str:
    """Return the text, closed with a visible ``…`` if it is longer than ``columns`` (1 or more)."""
    return text if len(text) <= columns else text[: columns - 1] + ELLIPSIS


def within(text: str, columns: int, rows: int) -> list[str]:
    """Wrap into at most ``rows`` rows (1 or more); the last one is closed with a visible ``…`` if more follows.

    A text that the rows would hold without its breaks at words is broken where the rows end: ugly, but whole.
    """
    lines = wrap(text, columns)
    if len(lines) <= rows:
        return lines
    if len(text) <= columns * rows and drawable(text):
        return [text[start : start + columns] for start in range(0, len(text), columns)]
    whole = lines[: rows - 1]
    left = _after(text, whole) if drawable(text) else lines[rows - 1] + ELLIPSIS
    return [*whole, shorten(left, columns)]


def _after(text: str, rows: list[str]) -> str:
    """What follows the first rows of a text of one line: the space that a break took the place of is gone."""
    for row in rows:
        text = text.removeprefix(row).removeprefix(" ")
    return text
