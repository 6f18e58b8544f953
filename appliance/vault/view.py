"""Which screen a box shows: a table from state to screen.

What it is: a pure function of the box, the time and the clock's text. What it is not: pixels (screen/) or behaviour
(flow.py). Rule: every state has a screen; the screen holds counts and marks, never a digit.
"""

import unicodedata
from collections.abc import Callable, Mapping

from appliance.screen import kinds
from appliance.screen.text import drawable
from appliance.vault.box import Box, Ending, State
from appliance.vault.flow_ends import bound_card, open_ask
from appliance.vault.flow_request import entry_of

MARKS = 12
"""Marks that a screen has room for; a card may take more digits."""


def look(box: Box, now: float, clock: str, version: str) -> kinds.Screen:
    """The screen of ``box`` at ``now`` (monotonic seconds); ``clock`` is ``HH:MM`` or empty while it is unset."""
    if box.state is State.STARTING:
        return kinds.Start(version)
    return SCREENS[box.state](box, now, clock)


def _home(box: Box, _now: float, clock: str) -> kinds.Screen:
    return kinds.Fault("keypad-fault") if not box.keypad else kinds.Home(clock, box.link, box.reader)


def _no_reader(box: Box, now: float, clock: str) -> kinds.Screen:
    return kinds.Fault("reader-busy") if box.fault == "reader-busy" else _home(box, now, clock)


def _ready(box: Box, now: float, clock: str) -> kinds.Screen:
    card = box.card
    if card is None or not box.keypad:
        return _home(box, now, clock)
    return kinds.Ready(_legible(card.name), _legible(card.profession), card.test, clock, box.link)


def _reading(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.Fault("reader-busy") if box.fault == "reader-busy" else kinds.Reading()


def _unreadable(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.Fault(box.fault or "internal")


def _wait_card(box: Box, _now: float, _clock: str) -> kinds.Screen:
    patient = box.fault == "patient-card"
    return kinds.Fault("patient-card") if patient else kinds.WaitCard(open_ask(box).client)


def _consent(box: Box, _now: float, _clock: str) -> kinds.Screen:
    ask, pages = open_ask(box), open_ask(box).consent.pages
    page = pages[box.page - 1]
    return kinds.Consent(
        requester=ask.client,
        paired=False,
        signer=_legible(bound_card(box).name),
        heading=page.heading,
        lines=page.lines,
        page=box.page,
        pages=len(pages),
        fingerprint=ask.consent.fingerprint,
        content_shown=page.content_shown,
        agree=box.seen >= len(pages),
    )


def _pin(box: Box, now: float, _clock: str) -> kinds.Screen:
    entry = entry_of(box)
    return kinds.Pin(min(entry.marks, MARKS), box.tries or 0, entry.remaining(now), entry.reminder(now))


def _last_try(box: Box, now: float, _clock: str) -> kinds.Screen:
    left = (box.until or now) - now
    return kinds.LastTry(max(0.0, min(1.0, left / box.times.last_try)))


def _pin_wrong(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.PinWrong(box.tries or 0)


def _signing(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.Signing(len(box.results), open_ask(box).of)


def _result(box: Box, _now: float, _clock: str) -> kinds.Screen:
    ask = box.ended
    if ask and box.ending is Ending.DONE:
        return kinds.Done(ask.of, ask.consent.content_shown)
    if ask and box.signed:  # whatever ended it, some documents are signed, and nobody may be told otherwise
        return kinds.Outcome(box.outcome or "internal", box.signed, ask.of)
    if box.ending is Ending.REMOVED:
        return kinds.Removed(needed=ask is not None)
    return kinds.PinBlocked() if box.ending is Ending.BLOCKED else kinds.Outcome(box.outcome or "internal")


def _legible(text: str) -> str:
    """What a card says of its holder, in the letters the screen has: Ñ as N, what has no such letter as ``?``."""
    return "".join(letter if drawable(letter) else _plain(letter) for letter in text)


def _plain(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return base if drawable(base) else "?"


SCREENS: Mapping[State, Callable[[Box, float, str], kinds.Screen]] = {
    State.NO_READER: _no_reader,
    State.EMPTY: _home,
    State.READING: _reading,
    State.COUNTING: _reading,
    State.UNREADABLE: _unreadable,
    State.READY: _ready,
    State.WAIT_CARD: _wait_card,
    State.CONSENT: _consent,
    State.LAST_TRY: _last_try,
    State.PIN: _pin,
    State.PIN_WRONG: _pin_wrong,
    State.SIGNING: _signing,
    State.RESULT: _result,
}
"""State -> screen; STARTING has its own line in ``look``."""
