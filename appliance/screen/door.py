"""The layouts of the door: open, and shut with its reason.

What it is: one function each, and their table for ``screens.LAYOUTS``. What it is not: words or shared rows.
Rule: the mark of a weak opening is drawn in reverse video, where no text of a card can be.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from appliance.screen.canvas import Canvas
from appliance.screen.kinds_door import DoorOpen, DoorShut
from appliance.screen.rows import notice
from appliance.screen.words import Notice, Words

__all__ = ["LAYOUTS"]

MARK: Final = 50
"""Row of the mark, below the two lines of the notice."""


def _open(canvas: Canvas, screen: DoorOpen, words: Words) -> None:
    notice(canvas, words.door_open)
    if screen.weak:
        canvas.label(MARK, words.door_weak)


def _shut(canvas: Canvas, screen: DoorShut, words: Words) -> None:
    known = words.door_notices.get(screen.code)
    lines = known or (words.notices.get(screen.code, words.unknown).headline,)
    notice(canvas, Notice(words.door_shut, lines))


LAYOUTS: Final[Mapping[type, Callable[[Canvas, Any, Words], None]]] = MappingProxyType(
    {DoorOpen: _open, DoorShut: _shut}
)
"""Kind -> layout."""
