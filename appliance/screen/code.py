"""The layouts around the card's code: entries of a secret, and what became of it.

What it is: one function each, and their table for ``screens.LAYOUTS``. What it is not: words or shared rows.
Rule: the padlock and its frame stand here alone; no text of software or card reaches these screens.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from appliance.screen.atlas import LARGE
from appliance.screen.canvas import Canvas
from appliance.screen.kinds_code import Changing, Code, CodeEnd, LastTry, Pin, PinBlocked, PinWrong
from appliance.screen.rows import HEADLINE, LEFT, block, keys, notice, plural
from appliance.screen.words import Notice, Words

__all__ = ["LAYOUTS"]

MARK: Final = "•"


def _pin(canvas: Canvas, screen: Pin, words: Words) -> None:
    """Marks stand at a fixed place, so that a digit changes one cell of the frame (design §7, *OLED*)."""
    below = words.door_pin if screen.door else ""
    below = words.reminder if screen.reminder else below
    _secret(canvas, screen, words, (words.pin, plural(words.tries, screen.tries), below))


def _code(canvas: Canvas, screen: Code, words: Words) -> None:
    """As ``_pin``: tries where one is at stake, else the length; below it a hint, the reminder or the letter."""
    length = words.digits[screen.least != screen.most].format(least=screen.least, most=screen.most)
    length = words.repeat if screen.stage == "again" else length
    above = plural(words.tries, screen.tries) if screen.tries else length
    below = words.letter if screen.stage == "puk" else ""
    if screen.hint:
        below = words.hints[screen.hint]
    below = words.reminder if screen.reminder else below
    _secret(canvas, screen, words, (words.codes[screen.stage], above, below))


def _secret(canvas: Canvas, screen: Pin | Code, words: Words, rows: tuple[str, str, str]) -> None:
    """Title, what stands above, and what below: a hint, or the keys."""
    title, above, below = rows
    canvas.lock(5, 4)
    canvas.write(24, 1, title, LARGE)
    canvas.write(24, 17, MARK * screen.marks, LARGE)  # a mark lies within one page of the controller
    canvas.centre(33, above)
    if below:
        canvas.centre(45, below)
    else:  # the keys of a real keypad carry no words
        canvas.key(LEFT + 6, 45, "#", words.confirm)
        canvas.key(66, 45, "D", words.cancel)
    canvas.bar(58, screen.remaining)


def _last_try(canvas: Canvas, screen: LastTry, words: Words) -> None:
    text = words.last_puk if screen.puk else words.last_try
    canvas.centre(HEADLINE, text.headline, LARGE)
    block(canvas, (18, 30), text.lines)
    canvas.bar(44, screen.remaining)
    keys(canvas, ("A", words.go_on), ("D", words.cancel))


def _pin_wrong(canvas: Canvas, screen: PinWrong, words: Words) -> None:
    text = words.puk_wrong if screen.puk else words.pin_wrong
    canvas.centre(HEADLINE, text.headline, LARGE)
    canvas.rule(19)
    block(canvas, (23, 36), (*text.lines, plural(words.tries, screen.tries)))
    keys(canvas, ("#", words.go_on), ("D", words.cancel))


def _pin_blocked(canvas: Canvas, screen: PinBlocked, words: Words) -> None:
    if not screen.unblock:
        notice(canvas, words.pin_blocked)
        return
    canvas.centre(HEADLINE, words.pin_blocked.headline, LARGE)
    canvas.rule(19)
    block(canvas, (23, 36), words.pin_blocked_here)
    keys(canvas, ("A", words.unblock), ("D", words.close))


def _changing(canvas: Canvas, _: Changing, words: Words) -> None:
    canvas.centre(HEADLINE, words.changing, LARGE)
    block(canvas, (37, 50), words.leave_card)


def _code_end(canvas: Canvas, screen: CodeEnd, words: Words) -> None:
    known = words.code_notices.get(screen.code)
    notice(canvas, known or Notice(words.notices.get(screen.code, words.unknown).headline, (words.code_stays,)))


LAYOUTS: Final[Mapping[type, Callable[[Canvas, Any, Words], None]]] = MappingProxyType(
    {
        Pin: _pin,
        Code: _code,
        LastTry: _last_try,
        PinWrong: _pin_wrong,
        PinBlocked: _pin_blocked,
        Changing: _changing,
        CodeEnd: _code_end,
    }
)
"""Kind -> layout."""
