"""A frame as an OLED controller keeps it, and the least that must be written to turn one frame into another.

What it is: packing, the difference of two frames as windows, and the addressing bytes of two controllers. What it is
not: a bus. Rule: pure; whoever writes every ``Write`` in order onto ``before`` has ``after``, and a full frame costs no
more bytes than luma's.

Both controllers keep 8 pages of 128 columns; a byte is 8 pixels of one column, the lowest bit on top (SSD1306 rev 1.1
§8.7, SH1106 V2.3 *Page Address*). The SSD1306 fills a window of columns and pages (§10.1.3 to 5); the SH1106 knows only
one page at a time, and the glass of the modules shows its columns from 2 on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from PIL import Image

__all__ = ["BLANK", "PANELS", "Write", "changes", "pack"]

WIDTH: Final = 128
HEIGHT: Final = 64
PAGES: Final = HEIGHT // 8
BLANK: Final = bytes(WIDTH * PAGES)
"""A dark frame."""
FRAMING: Final = 4
"""Bytes that a command and its data cost besides: address and control byte of each transaction."""

PanelName = Literal["ssd1306", "sh1106"]


class Window(NamedTuple):
    """Pages and columns, first and last."""

    page: int
    last_page: int
    column: int
    last_column: int

    @property
    def size(self) -> int:
        """Bytes of picture in it."""
        return (self.last_page - self.page + 1) * (self.last_column - self.column + 1)


class Write(NamedTuple):
    """One command that says where, and the bytes that go there."""

    command: tuple[int, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Addressing:
    """How a controller is told where bytes go: ``length`` command bytes; ``tall``: a window may span pages."""

    tall: bool
    length: int
    command: Callable[[Window], tuple[int, ...]]

    @property
    def cost(self) -> int:
        """Bytes on the bus for each window besides the picture's."""
        return self.length + FRAMING


def _ssd1306(window: Window) -> tuple[int, ...]:
    """COLUMNADDR, PAGEADDR (SSD1306 §10.1.4, §10.1.5)."""
    return 0x21, window.column, window.last_column, 0x22, window.page, window.last_page


def _sh1106(window: Window) -> tuple[int, ...]:
    """Page, lower and higher half of the column (SH1106 commands 1, 2 and 12)."""
    column = window.column + 2
    return 0xB0 | window.page, column & 0x0F, 0x10 | column >> 4


PANELS: Final[Mapping[PanelName, Addressing]] = MappingProxyType(
    {"ssd1306": Addressing(tall=True, length=6, command=_ssd1306), "sh1106": Addressing(False, 3, _sh1106)}
)
"""The controllers that are known."""


def pack(image: Image.Image) -> bytes:
    """A frame of 128x64 pixels, mode ``1``, as 1,024 bytes: page by page, column by column.

    Raises:
        ValueError: another size or mode.
    """
    if image.size != (WIDTH, HEIGHT) or image.mode != "1":
        raise ValueError("a frame is 128x64, mode 1")
    # Turned clockwise, a row of the picture is a column of the glass, its lowest pixel first: 8 pages, the last first.
    columns = image.transpose(Image.Transpose.ROTATE_270).tobytes()
    return b"".join(columns[PAGES - 1 - page :: PAGES] for page in range(PAGES))


def changes(before: bytes | None, after: bytes, panel: Addressing) -> tuple[Write, ...]:
    """What to write onto ``before`` to have ``after``, both packed; ``before`` None: nobody knows, write all of it.

    Few bytes on the bus, not the fewest: columns close together share a window, and so do windows above each other
    when that is cheaper.
    """
    windows = _full(panel) if before is None else _merge(_runs(before, after, panel.cost), panel)
    if sum(window.size + panel.cost for window in windows) > sum(window.size + panel.cost for window in _full(panel)):
        windows = _full(panel)
    return tuple(Write(panel.command(window), _cut(after, window)) for window in windows)


def _full(panel: Addressing) -> list[Window]:
    if panel.tall:
        return [Window(0, PAGES - 1, 0, WIDTH - 1)]
    return [Window(page, page, 0, WIDTH - 1) for page in range(PAGES)]


def _cut(frame: bytes, window: Window) -> bytes:
    pages = range(window.page, window.last_page + 1)
    return b"".join(frame[page * WIDTH + window.column : page * WIDTH + window.last_column + 1] for page in pages)


def _runs(before: bytes, after: bytes, cost: int) -> Iterator[Window]:
    """Changed columns page by page; a gap that is cheaper to write than to skip is written."""
    for page in range(PAGES):
        start = page * WIDTH
        old, new = before[start : start + WIDTH], after[start : start + WIDTH]
        if old == new:
            continue
        changed = [column for column in range(WIDTH) if old[column] != new[column]]
        first = last = changed[0]
        for column in changed[1:]:
            if column - last > cost:
                yield Window(page, page, first, last)
                first = column
            last = column
        yield Window(page, page, first, last)


def _merge(runs: Iterator[Window], panel: Addressing) -> list[Window]:
    """Join a run with the window that ends on the page above it, where one window costs less than two."""
    windows: list[Window] = []
    for run in runs:
        joined = (
            (window.size + run.size + panel.cost - around.size, index, around)
            for index, window in enumerate(windows)
            if panel.tall and window.last_page == run.page - 1
            for around in (_around(window, run),)
        )
        saved, index, around = max(joined, default=(0, 0, run))
        if saved > 0:
            windows[index] = around
        else:
            windows.append(run)
    return windows


def _around(window: Window, run: Window) -> Window:
    columns = min(window.column, run.column), max(window.last_column, run.last_column)
    return Window(window.page, run.last_page, *columns)
