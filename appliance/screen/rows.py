"""Rows that several screens share: notice, status, keys, blocks of text.

What it is: where things stand on 128x64. What it is not: a screen (``screens.py``, ``consent.py``).
Rule: rows of 6x12 start at ``ROWS``, the row of keys at ``KEYS``; a headline of 8x16 takes the first 16 pixels.
"""

from collections.abc import Sequence
from typing import Final

from appliance.screen import icons
from appliance.screen.atlas import LARGE, SMALL
from appliance.screen.canvas import WIDTH, Canvas
from appliance.screen.words import Notice, Words

__all__ = ["END", "HEADLINE", "KEYS", "LEFT", "ROWS", "block", "keys", "marks", "notice", "plural", "status"]

LEFT: Final = 1
END: Final = WIDTH - LEFT
"""First pixel right of the text."""
ROWS: Final = (1, 13, 25, 37)
KEYS: Final = 51
HEADLINE: Final = 1
NOTICE_ROWS: Final = (24, 37, 50)


def notice(canvas: Canvas, text: Notice, *more: str) -> None:
    """Headline, rule, up to three rows; ``more`` follows the notice's own."""
    canvas.centre(HEADLINE, text.headline, LARGE)
    canvas.rule(19)
    block(canvas, NOTICE_ROWS, (*text.lines, *more))


def status(canvas: Canvas, words: Words, clock: str, *, link: bool, lock: bool) -> None:
    """Clock on the left, link and lock on the right of the first row (design §5, *Home*)."""
    canvas.write(LEFT, ROWS[0], clock or words.no_clock)
    marks(canvas, link=link, lock=lock)


def marks(canvas: Canvas, *, link: bool, lock: bool) -> None:
    """Link and lock on the right of the first row."""
    canvas.icon(END - 22, 3, icons.LINK_UP if link else icons.LINK_DOWN)
    canvas.icon(END - 7, 3, icons.LOCKED if lock else icons.UNLOCKED)


def keys(canvas: Canvas, left: tuple[str, str] | None, right: tuple[str, str]) -> tuple[int, int]:
    """The row of keys, each a name and what it does; return the free pixels between, first and first not."""
    name, label = right
    free = END - SMALL.width * (len(label) + 2)
    canvas.key(free, KEYS, name, label)
    return (canvas.key(LEFT + 2, KEYS, *left) if left else LEFT), free - 1


def block(canvas: Canvas, rows: Sequence[int], lines: Sequence[str]) -> None:
    """Centred rows from the first of ``rows``.

    Raises:
        ValueError: more lines than rows.
    """
    if len(lines) > len(rows):
        raise ValueError(f"{len(lines)} lines in {len(rows)} rows")
    for y, line in zip(rows, lines, strict=False):
        canvas.centre(y, line)


def plural(forms: tuple[str, str], n: int) -> str:
    """One of two forms with ``{n}``: the second from 2 on."""
    return forms[n > 1].format(n=n)
