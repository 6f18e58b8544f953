"""Screens as pixels: ``render`` maps one struct of ``kinds`` and one language to a 128x64 image, mode "1".

What it is: the layout of each screen, one function each, and the table that finds it. What it is not: words
(``fr.py``), glyphs (``atlas.py``) or shared rows (``rows.py``). Rule: pure; equal screens give equal bytes.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from PIL import Image

from appliance.screen import consent, icons
from appliance.screen.atlas import LARGE
from appliance.screen.canvas import WIDTH, Canvas
from appliance.screen.kinds import (
    Consent,
    Done,
    Fault,
    Home,
    LastTry,
    Outcome,
    Pin,
    PinBlocked,
    PinWrong,
    Reading,
    Ready,
    Removed,
    Screen,
    Signing,
    Start,
    WaitCard,
)
from appliance.screen.rows import HEADLINE, ROWS, block, keys, notice, plural, status
from appliance.screen.text import (
    COLUMNS,
    CONSENT_COLUMNS,
    CONSENT_LINES,
    CONSENT_LINES_UNSHOWN,
    LARGE_COLUMNS,
    shorten,
    within,
)
from appliance.screen.words import Notice, Words

__all__ = [
    "CONSENT_COLUMNS",
    "CONSENT_LINES",
    "CONSENT_LINES_UNSHOWN",
    "Consent",
    "Done",
    "Fault",
    "Home",
    "LastTry",
    "Outcome",
    "Pin",
    "PinBlocked",
    "PinWrong",
    "Reading",
    "Ready",
    "Removed",
    "Screen",
    "Signing",
    "Start",
    "WaitCard",
    "paint",
    "render",
]

MARK: Final = "•"


def render(screen: Screen, words: Words) -> Image.Image:
    """Draw a screen.

    Returns:
        a new image, 128x64, mode "1".

    Raises:
        TextNotDrawable: a text of the screen has a character outside the atlas, or a page has more than fits.
        ValueError: a number is outside what its struct says.
    """
    return paint(screen, words).image


def paint(screen: Screen, words: Words) -> Canvas:
    """Draw a screen and keep the list of what was written where. Raises as ``render``."""
    canvas = Canvas()
    LAYOUTS[type(screen)](canvas, screen, words)
    return canvas


def _start(canvas: Canvas, screen: Start, words: Words) -> None:
    canvas.centre(16, words.start, LARGE)
    canvas.centre(38, shorten(words.version.format(version=screen.version), COLUMNS))


def _home(canvas: Canvas, screen: Home, words: Words) -> None:
    status(canvas, words, screen.clock, link=screen.link, lock=screen.lock)
    if not screen.reader:
        absent = words.notices["reader-absent"]
        canvas.centre(17, absent.headline, LARGE)
        block(canvas, (37, 50), absent.lines)
        return
    canvas.centre(17, words.insert[0], LARGE)
    canvas.centre(33, words.insert[1], LARGE)
    canvas.icon((WIDTH - icons.READER.width) // 2, 50, icons.READER)


def _reading(canvas: Canvas, _: Reading, words: Words) -> None:
    canvas.centre(HEADLINE, words.reading[0], LARGE)
    canvas.centre(HEADLINE + LARGE.height, words.reading[1], LARGE)
    block(canvas, (37, 50), words.leave_card)


def _ready(canvas: Canvas, screen: Ready, words: Words) -> None:
    status(canvas, words, screen.clock, link=screen.link, lock=screen.lock)
    if screen.test:
        canvas.label(ROWS[0] + 1, words.test)
    if len(screen.name) <= LARGE_COLUMNS:
        canvas.centre(18, screen.name, LARGE)
    else:
        block(canvas, (14, 26), within(screen.name, COLUMNS, 2))
    block(canvas, (38, 50), within(screen.profession, COLUMNS, 2))


def _wait_card(canvas: Canvas, screen: WaitCard, words: Words) -> None:
    canvas.centre(HEADLINE, words.insert[0], LARGE)
    canvas.centre(HEADLINE + LARGE.height, words.insert[1], LARGE)
    canvas.centre(36, shorten(words.asked_by.format(requester=screen.requester), COLUMNS))
    keys(canvas, None, ("D", words.cancel))


def _pin(canvas: Canvas, screen: Pin, words: Words) -> None:
    """Marks stand at a fixed place, so that a digit changes one cell of the frame (design §7, *OLED*)."""
    canvas.lock(5, 4)
    canvas.write(24, 2, words.pin, LARGE)
    canvas.write(24, 18, MARK * screen.marks, LARGE)
    canvas.centre(34, plural(words.tries, screen.tries))
    if screen.reminder:
        canvas.centre(46, words.reminder)
    canvas.bar(58, screen.remaining)


def _last_try(canvas: Canvas, screen: LastTry, words: Words) -> None:
    canvas.centre(HEADLINE, words.last_try.headline, LARGE)
    block(canvas, (18, 30), words.last_try.lines)
    canvas.bar(44, screen.remaining)
    keys(canvas, ("A", words.go_on), ("D", words.cancel))


def _pin_wrong(canvas: Canvas, screen: PinWrong, words: Words) -> None:
    notice(canvas, words.pin_wrong, plural(words.tries, screen.tries))


def _pin_blocked(canvas: Canvas, _: PinBlocked, words: Words) -> None:
    notice(canvas, words.pin_blocked)


def _signing(canvas: Canvas, screen: Signing, words: Words) -> None:
    if not 0 <= screen.done <= screen.of or screen.of < 1:
        raise ValueError(f"{screen.done} of {screen.of} documents")
    canvas.centre(HEADLINE, words.signing, LARGE)
    if screen.of > 1:
        canvas.centre(18, words.progress.format(done=screen.done, of=screen.of))
    canvas.bar(32, screen.done / screen.of)
    block(canvas, (38, 50), words.leave_card)


def _done(canvas: Canvas, screen: Done, words: Words) -> None:
    canvas.icon(32, 5, icons.CHECK)
    canvas.write(50, HEADLINE, words.signed, LARGE)
    canvas.rule(19)
    block(
        canvas,
        (26, 40),
        (plural(words.documents, screen.count), words.content_seen if screen.content_shown else words.title_seen),
    )


def _removed(canvas: Canvas, screen: Removed, words: Words) -> None:
    notice(canvas, words.removed if screen.needed else words.taken)


def _outcome(canvas: Canvas, screen: Outcome, words: Words) -> None:
    if not 0 <= screen.signed <= screen.of:
        raise ValueError(f"{screen.signed} of {screen.of} documents")
    if screen.signed == 0:
        _by_code(canvas, screen, words)
        return
    how_many = (words.partly[0] if screen.signed == 1 else words.partly[1]).format(n=screen.signed, of=screen.of)
    notice(canvas, Notice(words.notices.get(screen.code, words.unknown).headline, (how_many, words.others)))


def _by_code(canvas: Canvas, screen: Outcome | Fault, words: Words) -> None:
    known = words.notices.get(screen.code)
    if known:
        notice(canvas, known)
    else:
        notice(canvas, words.unknown, shorten(screen.code, COLUMNS))


LAYOUTS: Final[Mapping[type, Callable[[Canvas, Any, Words], None]]] = MappingProxyType(
    {
        Start: _start,
        Home: _home,
        Reading: _reading,
        Ready: _ready,
        Consent: consent.draw,
        WaitCard: _wait_card,
        Pin: _pin,
        LastTry: _last_try,
        PinWrong: _pin_wrong,
        PinBlocked: _pin_blocked,
        Signing: _signing,
        Done: _done,
        Removed: _removed,
        Outcome: _outcome,
        Fault: _by_code,
    }
)
