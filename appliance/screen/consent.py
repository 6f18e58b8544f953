"""The layout of consent: who asks, who signs, what, and its fingerprint (design §5, *Consent*).

What it is: rows on the frame. What it is not: what stands on which page (``signing/consent.py``).
Rules: the text of a page is drawn whole or refused, never shortened; the fingerprint stands on the last page, beside
the key that agrees, and the row CONTENU NON AFFICHÉ on the last page too whenever it applies.

::

    page 1                     page of text               last page
    requester                  heading                    heading, or the fingerprint in its place
    (non appairé)              | line                     | line, or CONTENU NON AFFICHÉ
    signer                     | line                     | line
    heading                    | line                     | line, or the fingerprint
    C suite  1/4  D refuser    C suite  2/4  D refuser    A accepter   D refuser

A paired requester, or one whose name leaves room for the mark, takes one row; the heading then has two.
Five rows cannot hold it all: a consent has two pages or more, the last one without lines if there is no text to show.
"""

from typing import Final

from appliance.errors import TextNotDrawable
from appliance.screen.atlas import SMALL
from appliance.screen.canvas import Canvas
from appliance.screen.kinds import Consent
from appliance.screen.rows import KEYS, LEFT, ROWS, keys
from appliance.screen.text import COLUMNS, CONSENT_COLUMNS, CONSENT_LINES, CONSENT_LINES_UNSHOWN, fit, shorten, within
from appliance.screen.words import Words

__all__ = ["draw"]

QUOTE: Final = LEFT + SMALL.width
"""First pixel of a document's line: the bar left of it says that this is the text of others."""

GROUP: Final = 4


def draw(canvas: Canvas, screen: Consent, words: Words) -> None:
    """Draw one page.

    Raises:
        TextNotDrawable: a line does not fit as it is, or the page has more lines than rows.
        ValueError: the consent has one page only, or the page is not one of ``pages``.
    """
    if not 1 <= screen.page <= screen.pages or screen.pages < 2:
        raise ValueError(f"page {screen.page} of {screen.pages}: a consent has two pages or more")
    if screen.page == 1:
        _summary(canvas, screen, words)
    else:
        _page(canvas, screen, words)
    _keys(canvas, screen, words)


def _summary(canvas: Canvas, screen: Consent, words: Words) -> None:
    if screen.lines:
        raise TextNotDrawable("the summary has no room for lines")
    asked = [shorten(screen.requester, COLUMNS)]
    if not screen.paired:
        whole = f"{screen.requester} {words.unpaired}"
        asked = [whole] if len(whole) <= COLUMNS else [*asked, words.unpaired]
    signer = words.signer.format(signer=screen.signer)
    rows = [*asked, signer if len(signer) <= COLUMNS else shorten(screen.signer, COLUMNS)]
    rows += within(screen.heading, COLUMNS, len(ROWS) - len(rows))
    for y, row in zip(ROWS, rows, strict=False):
        canvas.write(LEFT, y, row)


def _page(canvas: Canvas, screen: Consent, words: Words) -> None:
    room = CONSENT_LINES if screen.content_shown else CONSENT_LINES_UNSHOWN
    if len(screen.lines) > room:
        raise TextNotDrawable(f"{len(screen.lines)} lines on a page that holds {room}")
    last = screen.page == screen.pages
    free = room - len(screen.lines) + (not last)  # rows left for the heading and the fingerprint's label
    rows = iter(ROWS)
    if free:
        canvas.write(LEFT, next(rows), shorten(screen.heading, COLUMNS))
    else:
        canvas.centre(next(rows), _groups(screen.fingerprint))
    below = 0
    if not screen.content_shown:
        below = 1  # a lit row of pixels above the É of the reverse row
        canvas.label(next(rows) + below, words.unshown)
    for line in screen.lines:
        y = next(rows) + below
        canvas.write(QUOTE, y, fit(line, CONSENT_COLUMNS))
        canvas.fill(LEFT + 1, y, LEFT + 2, y + SMALL.height - 1)
    if last and free:
        if free > 1:
            canvas.write(LEFT, ROWS[-2] + below, words.fingerprint)
        canvas.centre(ROWS[-1] + below, _groups(screen.fingerprint))


def _groups(fingerprint: str) -> str:
    """Four groups of four; spaces in the value are ignored."""
    digits = fingerprint.replace(" ", "")
    return " ".join(digits[at : at + GROUP] for at in range(0, len(digits), GROUP))


def _keys(canvas: Canvas, screen: Consent, words: Words) -> None:
    """``A`` only once it agrees; the page mark between the keys, or beside ``C`` when it is long."""
    mark = f"{screen.page}/{screen.pages}"
    if screen.agree:
        keys(canvas, ("A", words.agree), ("D", words.refuse))
    elif len(mark) > 3:
        keys(canvas, ("C", mark), ("D", words.refuse))
    else:
        start, end = keys(canvas, ("C", words.more), ("D", words.refuse))
        canvas.write((start + end - SMALL.width * len(mark)) // 2, KEYS, mark)
