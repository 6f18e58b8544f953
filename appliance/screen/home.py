"""Home with a card in, as pixels.

What it is: the layouts of ``kinds_home.py``. What it is not: words, or other screens (``screens.py``).
Rule: as in ``screens.py``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from appliance.screen.atlas import LARGE
from appliance.screen.canvas import Canvas
from appliance.screen.kinds_home import Forgotten, Ready
from appliance.screen.rows import KEYS, LEFT, ROWS, block, notice, status
from appliance.screen.text import COLUMNS, LARGE_COLUMNS, shorten, within
from appliance.screen.words import Words

ROOM: Final = 599
"""Seconds that the mark of a session has room for."""
TROUBLE: Final = (38, 51)
"""Rows of what is wrong with the card, and what to do."""


def _ready(canvas: Canvas, screen: Ready, words: Words) -> None:
    status(canvas, words, screen.clock, link=screen.link, lock=screen.lock)
    if screen.test:
        canvas.label(ROWS[0] + 1, words.test)
    if len(screen.name) <= LARGE_COLUMNS:
        canvas.centre(18, screen.name, LARGE)
    else:
        block(canvas, (14, 26), within(screen.name, COLUMNS, 2))
    if screen.fault is not None:
        _trouble(canvas, screen.fault, words, unblock=screen.unblock)
        return
    if screen.session is None:
        rows = within(screen.profession, COLUMNS, 2)
        block(canvas, (38, 50), rows)
        if len(rows) == 1:
            canvas.key(LEFT + 2, KEYS, "A", words.menu_hint)
        return
    signatures, seconds = screen.session
    minutes, seconds = divmod(min(seconds, ROOM), 60)
    block(canvas, (38,), within(screen.profession, COLUMNS, 1))
    canvas.label(51, words.session_left.format(signatures=signatures, minutes=minutes, seconds=seconds))


def _trouble(canvas: Canvas, code: str, words: Words, *, unblock: bool) -> None:
    """What is wrong in one row, what to do in the other."""
    known = words.card_troubles.get(code)
    wrong, advice = known or (words.notices.get(code, words.unknown).headline, words.ask_installer)
    canvas.centre(TROUBLE[0], shorten(wrong, COLUMNS))
    if unblock:
        canvas.key(LEFT + 2, KEYS, "A", words.unblock)
    else:
        canvas.centre(TROUBLE[1], advice)


def _forgotten(canvas: Canvas, screen: Forgotten, words: Words) -> None:
    notice(canvas, words.forgotten, shorten(screen.name, COLUMNS))


LAYOUTS: Final[Mapping[type, Callable[[Canvas, Any, Words], None]]] = MappingProxyType(
    {Ready: _ready, Forgotten: _forgotten}
)
