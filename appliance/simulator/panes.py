"""The desk on a terminal: where everything stands, and drawing only what changed.

What it is: rows of styled text for a size, and the escape sequences that put them there (ECMA-48, xterm). What it is
not: keys, or anything that knows what happens. Rule: text from outside is cleaned before it reaches the terminal.
"""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, NamedTuple, Self

from PIL.Image import Image

from appliance.simulator.display import terminal
from appliance.simulator.narrator import braille

COLUMNS: Final = 80
ROWS: Final = 24
"""The least a terminal must have."""
SIDE: Final = 16
"""Columns beside the picture."""
LOG_ROWS: Final = 8
"""Rows of messages that half blocks must leave; else the picture is drawn in Braille, half as large."""

PLAIN, BOLD, DIM, REVERSE = "", "1", "2", "7"

_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"  # alternate screen, no cursor, no wrapping
_LEAVE: Final = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"


class Text(NamedTuple):
    """A stretch of a row: SGR parameter (ECMA-48 §8.3.117) and characters."""

    style: str
    text: str


Row = tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen: a title, the picture, help beside and below it, the state of things, messages (last ones)."""

    title: str
    picture: Image
    side: Sequence[Text]
    state: Row
    below: Sequence[Text]
    log: Sequence[Text]


def lay_out(view: View, columns: int, rows: int) -> list[Row]:
    """Every row of a terminal of this size, none longer than it is wide."""
    if columns < COLUMNS or rows < ROWS:
        return [(Text(PLAIN, f"{COLUMNS} x {ROWS} at least, please: this is {columns} x {rows}"[:columns]),)]
    picture = draw(view.picture, columns, rows - 2 - len(view.below)).split("\n")
    top: list[Row] = [(Text(REVERSE, f" {clean(view.title)}".ljust(columns)),)]
    for at, line in enumerate(picture):
        beside = view.side[at] if at < len(view.side) else Text(PLAIN, "")
        top.append((Text(PLAIN, line), Text(PLAIN, "│ "), beside))
    top += [view.state, *((line,) for line in view.below)]
    room = rows - len(top)
    log = view.log[-room:]
    return [_clip(row, columns) for row in (*top, *((line,) for line in log), *([()] * (room - len(log))))]


def draw(picture: Image, columns: int, rows: int) -> str:
    """The picture as half blocks where there is room, else as Braille."""
    roomy = columns >= picture.width + SIDE and rows >= picture.height // 2 + LOG_ROWS
    return terminal(picture) if roomy else braille(picture)


def clean(text: str) -> str:
    """Without what could move the cursor or hide: a message is somebody else's text."""
    return "".join(character if character.isprintable() else "·" for character in text)


def _clip(row: Row, columns: int) -> Row:
    left, kept = columns, []
    for style, text in row:
        shown = text[: left - 1] + "…" if len(text) > left else text
        if left > 0 and shown:
            kept.append(Text(style, shown))
        left -= len(text)
    return tuple(kept)


class Painter:
    """A terminal that is drawn on; a context manager: it gets its own screen back afterwards.

    Args:
        terminal: file descriptor to write to.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._drawn: list[Row] = []
        self._size = (0, 0)

    def __enter__(self) -> Self:
        self._write(_ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # the terminal itself is gone
            self._write(_LEAVE)

    def draw(self, view: View) -> None:
        """Draw the rows that differ from those drawn before; all of them on another size.

        Raises:
            OSError: the terminal is gone.
        """
        size = os.get_terminal_size(self._terminal)
        rows = lay_out(view, *size)
        whole = size != self._size
        before: list[Row | None] = [] if whole else [*self._drawn]
        before += [None] * (len(rows) - len(before))
        parts = ["\x1b[2J" if whole else ""]
        for number, (row, old) in enumerate(zip(rows, before, strict=False), start=1):
            if row != old:
                # erased first: behind a full row the cursor still stands on its last column
                parts.append(f"\x1b[{number};1H\x1b[0m\x1b[K{''.join(map(_sequence, row))}")
        self._drawn, self._size = rows, size
        self._write("".join(parts))

    def _write(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._terminal, data) :]


def _sequence(text: Text) -> str:
    return f"\x1b[0;{text.style}m{text.text}" if text.style else f"\x1b[0m{text.text}"
