"""The layouts of the menu: its list, pages of facts, choices, and the self-test.

What it is: one function each, and their table for ``screens.LAYOUTS``. What it is not: words, or how facts break into
pages (``facts.py``). Rule: every screen but the bare pixels says which keys lead on and out.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from appliance.screen import icons
from appliance.screen.atlas import SMALL
from appliance.screen.canvas import Canvas
from appliance.screen.facts import pages
from appliance.screen.kinds_menu import FACE, Choice, KeyGrid, Menu, Page, Pixels, Question
from appliance.screen.rows import END, KEYS, LEFT, ROWS, block, keys
from appliance.screen.words import Words

__all__ = ["LAYOUTS"]

MARK: Final = "•"
CELL: Final = 14
"""Pixels from one key of the grid to the next."""
SIGN: Final = 8
"""Pixels from a key's name to the sign of where it leads."""
BESIDE: Final = 62
"""First pixel right of the grid: room for 10 characters."""


def _list(canvas: Canvas, title: str, entries: Sequence[str], chosen: int) -> None:
    """Title and three entries; a longer list scrolls with the chosen one. ``B`` and ``C`` stand where they lead on."""
    if not 1 <= chosen <= len(entries):
        raise ValueError(f"entry {chosen} of {len(entries)}")
    canvas.centre(ROWS[0], title)
    if chosen > 1:
        canvas.key(LEFT + 2, ROWS[0], "B")
        canvas.icon(LEFT + 2 + SIGN, ROWS[0] + 4, icons.UP)
    if chosen < len(entries):
        canvas.icon(END - 1 - SIGN - icons.DOWN.width, ROWS[0] + 4, icons.DOWN)
        canvas.key(END - 1 - SMALL.width, ROWS[0], "C")
    rows = ROWS[1:]
    first = max(0, min(chosen - len(rows) + 1, len(entries) - len(rows)))  # the one after it in sight, no row empty
    for place, (y, text) in enumerate(zip(rows, entries[first:], strict=False), start=first + 1):
        canvas.write(LEFT, y, f" {text} ", reverse=place == chosen)


def _menu(canvas: Canvas, screen: Menu, words: Words) -> None:
    _list(canvas, words.menu_title, [words.menu[name] for name in screen.entries], screen.chosen)
    keys(canvas, ("A", words.choose), ("D", words.back))


def _choice(canvas: Canvas, screen: Choice, words: Words) -> None:
    """The option in use has a mark."""
    names = words.pages.options[screen.setting]
    entries = [
        f"{MARK if place == screen.current else ' '} {names[option]}" for place, option in enumerate(screen.options, 1)
    ]
    _list(canvas, words.menu[screen.setting], entries, screen.chosen)
    keys(canvas, ("A", words.choose), ("D", words.back))


def _page(canvas: Canvas, screen: Page, words: Words) -> None:
    """Title on the left, number of the page on the right, three rows; ``C`` where there is more."""
    made = pages(screen.facts, words)
    if not 1 <= screen.page <= len(made):
        raise ValueError(f"page {screen.page} of {len(made)}")
    canvas.write(LEFT, ROWS[0], words.menu[screen.topic])
    if len(made) > 1:
        number = f"{screen.page}/{len(made)}"
        canvas.write(END - SMALL.width * len(number), ROWS[0], number)
    for y, row in zip(ROWS[1:], made[screen.page - 1], strict=False):
        canvas.write(LEFT, y, row)
    keys(canvas, ("C", words.more) if screen.page < len(made) else None, ("D", words.back))


def _question(canvas: Canvas, screen: Question, words: Words) -> None:
    canvas.write(LEFT, ROWS[0], words.menu["selftest"])
    block(canvas, ROWS[1:], words.pages.questions[screen.step])
    if screen.step == "intro":
        keys(canvas, ("A", words.more), ("D", words.back))
        return
    left, _ = keys(canvas, ("A", words.pages.yes), ("D", words.back))
    canvas.key(left + SMALL.width, KEYS, "C", words.pages.no)


def _pixels(canvas: Canvas, screen: Pixels, _words: Words) -> None:
    if screen.lit:
        canvas.flood()


def _key_grid(canvas: Canvas, screen: KeyGrid, words: Words) -> None:
    """The grid on the left as it lies under the hand; seen keys in reverse video."""
    for place, key in enumerate(FACE):
        row, column = divmod(place, 4)
        canvas.write(LEFT + 3 + column * CELL, ROWS[row], key, reverse=place in screen.seen)
    text = words.pages
    for y, line in zip(ROWS, (*text.keys_title, text.keys_count.format(n=len(screen.seen))), strict=False):
        canvas.write(BESIDE, y, line)
    canvas.centre(KEYS, text.keys_end)


LAYOUTS: Final[Mapping[type, Callable[[Canvas, Any, Words], None]]] = MappingProxyType(
    {Menu: _menu, Page: _page, Choice: _choice, Question: _question, Pixels: _pixels, KeyGrid: _key_grid}
)
"""Kind -> layout."""
