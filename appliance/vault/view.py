"""Which screen a box shows: a table from state to screen.

What it is: a pure function of the box, the time and the clock's text. What it is not: pixels (screen/) or behaviour
(flow.py). Rule: every state has a screen; the screen holds counts and marks, never a digit.
"""

import math
from collections.abc import Callable, Mapping
from typing import Literal

from appliance.screen import kinds
from appliance.vault import view_menu
from appliance.vault.box import RENEWALS, Ask, Box, Ending, Errand, Hint, State
from appliance.vault.flow_ends import OPENED, bound_card, open_ask, signing_ask
from appliance.vault.flow_home import trouble
from appliance.vault.flow_pin import entry_of
from appliance.vault.flow_tamper import CODE
from appliance.vault.legible import legible

MARKS = 12
"""Marks that a screen has room for; a card may take more digits."""


def look(box: Box, now: float, clock: str, version: str) -> kinds.Screen:
    """The screen of ``box`` at ``now`` (monotonic seconds); ``clock`` is ``HH:MM`` or empty while it is unset."""
    if box.state is State.STARTING:
        return kinds.Start(version)
    return SCREENS[box.state](box, now, clock)


def _home(box: Box, _now: float, clock: str) -> kinds.Screen:
    if not box.keypad:
        return kinds.Fault("keypad-fault")
    return kinds.Fault(CODE) if box.locked else kinds.Home(clock, box.link, box.reader)


def _no_reader(box: Box, now: float, clock: str) -> kinds.Screen:
    return kinds.Fault("reader-busy") if box.fault == "reader-busy" else _home(box, now, clock)


def _ready(box: Box, now: float, clock: str) -> kinds.Screen:
    card, session = box.card, box.session
    if card is None or not box.keypad:
        return _home(box, now, clock)
    if box.reminder:
        return kinds.Forgotten(legible(card.name))
    if box.locked:
        return kinds.Fault(CODE)
    left = (session.left, max(0, math.ceil(session.until - now))) if session else None
    fault, unblock = trouble(box)
    return kinds.Ready(
        legible(card.name),
        legible(card.profession),
        card.test,
        clock,
        box.link,
        session=left,
        fault=fault,
        unblock=unblock,
    )


def _reading(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.Fault("reader-busy") if box.fault == "reader-busy" else kinds.Reading()


def _unreadable(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.Fault(box.fault or "internal")


def _wait_card(box: Box, _now: float, _clock: str) -> kinds.Screen:
    patient = box.fault == "patient-card"
    return kinds.Fault("patient-card") if patient else kinds.WaitCard(open_ask(box).client)


def _consent(box: Box, _now: float, _clock: str) -> kinds.Screen:
    ask = open_ask(box)
    if not isinstance(ask, Ask):
        return kinds.Permission(ask.client, paired=False)
    pages = ask.consent.pages
    page = pages[box.page - 1]
    return kinds.Consent(
        requester=ask.client,
        paired=False,
        signer=legible(bound_card(box).name),
        heading=page.heading,
        lines=page.lines,
        page=box.page,
        pages=len(pages),
        fingerprint=ask.consent.fingerprint,
        content_shown=page.content_shown,
        agree=box.seen >= len(pages),
    )


def _session(box: Box, _now: float, _clock: str) -> kinds.Screen:
    rule = box.sessions
    return kinds.SessionOffer(rule.signatures, int(rule.seconds // 60)) if rule else kinds.Fault("internal")


def _pin(box: Box, now: float, _clock: str) -> kinds.Screen:
    entry = entry_of(box)
    marks, remaining, reminder = min(entry.marks, MARKS), entry.remaining(now), entry.reminder(now)
    if box.errand is Errand.DOOR:
        return kinds.Pin(marks, box.tries or 0, remaining, reminder, door=True)
    if box.errand is None:
        return kinds.Pin(marks, box.tries or 0, remaining, reminder)
    stage, tries = STAGES[box.state, box.errand], (box.tries or 0) if box.state is State.PIN else 0
    hint = HINTS[box.hint] if box.hint else None
    return kinds.Code(stage, marks, tries, entry.minimum, entry.maximum, remaining, reminder, hint)


def _last_try(box: Box, now: float, _clock: str) -> kinds.Screen:
    left = (box.until or now) - now
    return kinds.LastTry(max(0.0, min(1.0, left / box.times.last_try)), box.errand is Errand.UNBLOCK)


def _pin_wrong(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.PinWrong(box.tries or 0, box.errand is Errand.UNBLOCK)


def _signing(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.Signing(len(box.results), signing_ask(box).of)


def _working(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.Changing() if box.errand in RENEWALS else kinds.Reading()


def _result(box: Box, _now: float, _clock: str) -> kinds.Screen:
    """What became of a request, of an errand, or of the card alone."""
    about, code = box.ended, box.outcome
    if box.ending is Ending.BLOCKED and not box.signed:
        here = box.offer is not None and box.card is not None and box.card.session == box.offer
        return kinds.PinBlocked(here)
    if isinstance(about, Ask):
        return _signing_result(box, about)
    if about is Errand.DOOR:
        return _door_end(box, code)
    if isinstance(about, Errand):
        return _code_end(box, code or "internal")
    if about is None:
        return kinds.Removed(needed=False) if box.ending is Ending.REMOVED else kinds.Outcome(code or "internal")
    return kinds.NotRead(code) if code else kinds.Read(box.signed)


def _code_end(box: Box, code: str) -> kinds.Screen:
    """Whether the card is still in is what the person is told of an order that got no answer."""
    return kinds.CodeEnd("removed-unsure" if code == "outcome-unknown" and box.inserted is None else code)


def _door_end(box: Box, code: str | None) -> kinds.Screen:
    if code == OPENED:
        return kinds.DoorOpen(weak=box.door is not None and box.door.presence_only)
    return kinds.DoorShut(code or "internal")


def _signing_result(box: Box, ask: Ask) -> kinds.Screen:
    code = box.outcome
    if code is None:
        return kinds.Done(ask.of, ask.consent.content_shown)
    if box.signed:  # whatever ended it, some documents are signed, and nobody may be told otherwise
        return kinds.Outcome(code, box.signed, ask.of)
    return kinds.Removed(needed=True) if box.ending is Ending.REMOVED else kinds.Outcome(code)


STAGES: Mapping[tuple[State, Errand], Literal["old", "puk", "new", "again"]] = {
    (State.PIN, Errand.CHANGE): "old",
    (State.PIN, Errand.UNBLOCK): "puk",
    **{(State.NEW_PIN, errand): "new" for errand in RENEWALS},
    **{(State.AGAIN, errand): "again" for errand in RENEWALS},
}
"""Which code is typed."""

HINTS: Mapping[Hint, Literal["same", "differ"]] = {Hint.SAME: "same", Hint.DIFFER: "differ"}

SCREENS: Mapping[State, Callable[[Box, float, str], kinds.Screen]] = {
    State.NO_READER: _no_reader,
    State.EMPTY: _home,
    State.READING: _reading,
    State.CHECKING: _reading,
    State.COUNTING: _reading,
    State.UNREADABLE: _unreadable,
    State.READY: _ready,
    **view_menu.SCREENS,
    State.WAIT_CARD: _wait_card,
    State.CONSENT: _consent,
    State.SESSION: _session,
    State.LAST_TRY: _last_try,
    State.PIN: _pin,
    State.NEW_PIN: _pin,
    State.AGAIN: _pin,
    State.PIN_WRONG: _pin_wrong,
    State.SIGNING: _signing,
    State.WORKING: _working,
    State.RESULT: _result,
}
"""State -> screen; STARTING has its own line in ``look``."""
