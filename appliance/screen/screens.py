"""Screens as pixels: ``render`` maps one struct of ``kinds`` and one language to a 128x64 image, mode "1".

What it is: the layout of each screen, one function each, and the table that finds it. What it is not: words
(``fr.py``), glyphs (``atlas.py``) or shared rows (``rows.py``). Rule: pure; equal screens give equal bytes.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from PIL import Image

from appliance.screen import code, consent, door, home, icons, pages_menu
from appliance.screen.atlas import BIG, LARGE
from appliance.screen.canvas import WIDTH, Canvas
from appliance.screen.kinds import (
    Consent,
    Done,
    Fault,
    Home,
    NotRead,
    Outcome,
    Permission,
    Read,
    Reading,
    Removed,
    Screen,
    SessionOffer,
    Signing,
    Start,
    WaitCard,
)
from appliance.screen.rows import END, HEADLINE, LEFT, ROWS, block, keys, marks, notice, plural, status
from appliance.screen.text import (
    COLUMNS,
    CONSENT_COLUMNS,
    CONSENT_LINES,
    CONSENT_LINES_UNSHOWN,
    shorten,
    within,
)
from appliance.screen.words import Notice, Words

__all__ = ["CONSENT_COLUMNS", "CONSENT_LINES", "CONSENT_LINES_UNSHOWN", "LAYOUTS", "Start", "paint", "render"]


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
    """The clock is large: a box at rest is read from across the room, or not at all."""
    if not screen.reader:
        status(canvas, words, screen.clock, link=screen.link, lock=screen.lock)
        absent = words.notices["reader-absent"]
        canvas.centre(17, absent.headline, LARGE)
        block(canvas, (37, 50), absent.lines)
        return
    canvas.write(LEFT, HEADLINE, screen.clock or words.no_clock, BIG)
    marks(canvas, link=screen.link, lock=screen.lock)
    canvas.icon(END - icons.READER.width, 13, icons.READER)
    canvas.centre(28, words.insert[0], LARGE)
    canvas.centre(45, words.insert[1], LARGE)


def _reading(canvas: Canvas, _: Reading, words: Words) -> None:
    canvas.centre(HEADLINE, words.reading[0], LARGE)
    canvas.centre(HEADLINE + LARGE.height, words.reading[1], LARGE)
    block(canvas, (37, 50), words.leave_card)


def _wait_card(canvas: Canvas, screen: WaitCard, words: Words) -> None:
    canvas.centre(HEADLINE, words.insert[0], LARGE)
    canvas.centre(HEADLINE + LARGE.height, words.insert[1], LARGE)
    canvas.centre(36, shorten(words.asked_by.format(requester=screen.requester), COLUMNS))
    keys(canvas, None, ("D", words.cancel))


def _permission(canvas: Canvas, screen: Permission, words: Words) -> None:
    asked = [*within(screen.requester, COLUMNS, 2), *([] if screen.paired else [words.unpaired])]
    asks = list(words.asks_practice)
    rows = [*asked, *asks] if len(asked) + len(asks) <= len(ROWS) else [*asked, words.asks_practice_briefly]
    for y, row in zip(ROWS, rows, strict=False):
        canvas.write(LEFT, y, row)
    keys(canvas, ("A", words.agree), ("D", words.refuse))


def _session_offer(canvas: Canvas, screen: SessionOffer, words: Words) -> None:
    lines = (line.format(signatures=screen.signatures, minutes=screen.minutes) for line in words.session_offer)
    block(canvas, ROWS, (words.session, *lines))
    keys(canvas, ("A", words.sign), ("D", words.back))


def _signing(canvas: Canvas, screen: Signing, words: Words) -> None:
    if not 0 <= screen.done <= screen.of or screen.of < 1:
        raise ValueError(f"{screen.done} of {screen.of} documents")
    canvas.centre(HEADLINE, words.signing, LARGE)
    if screen.of > 1:
        canvas.centre(18, words.progress.format(done=screen.done, of=screen.of))
    canvas.bar(32, screen.done / screen.of)
    block(canvas, (38, 50), words.leave_card)


def _success(canvas: Canvas, headline: str) -> None:
    """The headline of a notice, with the check mark before it."""
    space = icons.CHECK.width + 4
    left = (WIDTH - space - LARGE.width * len(headline)) // 2
    canvas.icon(left, 5, icons.CHECK)
    canvas.write(left + space, HEADLINE, headline, LARGE)
    canvas.rule(19)


def _done(canvas: Canvas, screen: Done, words: Words) -> None:
    _success(canvas, words.signed)
    block(
        canvas,
        (26, 40),
        (plural(words.documents, screen.count), words.content_seen if screen.content_shown else words.title_seen),
    )


def _read(canvas: Canvas, screen: Read, words: Words) -> None:
    _success(canvas, words.read)
    block(canvas, (30,), (words.situations[min(screen.count, 2)].format(n=screen.count),))


def _not_read(canvas: Canvas, screen: NotRead, words: Words) -> None:
    notice(canvas, Notice(_headline(screen.code, words), (words.not_read,)))


def _headline(problem: str, words: Words) -> str:
    return words.notices.get(problem, words.unknown).headline


def _removed(canvas: Canvas, screen: Removed, words: Words) -> None:
    notice(canvas, words.removed if screen.needed else words.taken)


def _outcome(canvas: Canvas, screen: Outcome, words: Words) -> None:
    if not 0 <= screen.signed <= screen.of:
        raise ValueError(f"{screen.signed} of {screen.of} documents")
    if screen.signed == 0:
        _by_code(canvas, screen, words)
        return
    how_many = (words.partly[0] if screen.signed == 1 else words.partly[1]).format(n=screen.signed, of=screen.of)
    notice(canvas, Notice(_headline(screen.code, words), (how_many, words.others)))


def _by_code(canvas: Canvas, screen: Outcome | Fault, words: Words) -> None:
    known = words.notices.get(screen.code)
    if known:
        notice(canvas, known)
    else:
        notice(canvas, words.unknown, shorten(screen.code, COLUMNS))


LAYOUTS: Final[Mapping[type, Callable[[Canvas, Any, Words], None]]] = MappingProxyType(
    {
        **code.LAYOUTS,
        **door.LAYOUTS,
        **home.LAYOUTS,
        **pages_menu.LAYOUTS,
        Start: _start,
        Home: _home,
        Reading: _reading,
        Consent: consent.draw,
        Permission: _permission,
        SessionOffer: _session_offer,
        WaitCard: _wait_card,
        Signing: _signing,
        Done: _done,
        Read: _read,
        NotRead: _not_read,
        Removed: _removed,
        Outcome: _outcome,
        Fault: _by_code,
    }
)
