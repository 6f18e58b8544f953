"""The behaviour of the product: state x event -> state, effects.

What it is: two tables (TABLE, DEADLINES) of small functions over one frozen value. What it is not: input, output or
time: ``now`` is given. Rule: what is not in the table changes nothing.

Promises held here and walked by tests (design §5): nothing is signed without ``A`` after the last page was reached;
at most one secret command a ``#``; every open request ends in exactly one Finish; a request that has met a card is
bound to it; while a person has the menu or a code in hand, no software brings up anything.
"""

from collections.abc import Callable, Mapping

from appliance.keypad.entry import (
    Agree,
    AgreeHeld,
    Clear,
    Differ,
    Digit,
    Full,
    KeyFault,
    Next,
    NextHeld,
    Previous,
    Probed,
    Refuse,
    Same,
    Validate,
)
from appliance.vault import box as b
from appliance.vault import flow_card as card
from appliance.vault import flow_code as code
from appliance.vault import flow_door as door
from appliance.vault import flow_home as home
from appliance.vault import flow_menu as menu
from appliance.vault import flow_page as page
from appliance.vault import flow_pin as pin
from appliance.vault import flow_request as request
from appliance.vault import flow_selftest as selftest
from appliance.vault import flow_session as session
from appliance.vault import flow_tamper as tamper
from appliance.vault.box import Box, State, Step
from appliance.vault.flow_ends import Row, ended, expires, late

REFRESH = 1.0
"""Seconds between two drawings of a time bar or a countdown."""


def step(box: Box, event: b.Event, now: float) -> Step:
    """The next box and what it wants done; an event without a row, or a late answer, changes nothing.

    A session that the event or the time ends is over before the row is asked.
    """
    if getattr(event, "ticket", box.ticket) != box.ticket:
        return box, ()
    alone, closed = session.ended_by(box, event, now)
    row = TABLE[box.state].get(type(event)) or ALWAYS.get(type(event))
    if row is None or (isinstance(event, b.Elapsed) and not _due(alone, now)):
        return home.watched(box, alone, now), closed
    following, effects = row(alone, event, now)
    return home.watched(box, following, now), closed + effects


def deadline(box: Box, now: float) -> float | None:
    """When ``Elapsed`` must come, in the seconds of ``now``; None when nothing is awaited."""
    end = _end(box)
    times = [] if end is None else [end]
    if box.session and not box.session.over:
        times.append(box.session.until)
    if (end is not None and box.state in DRAWN) or (box.session and box.state is State.READY):
        times.append(now + REFRESH)
    return min(times, default=None)


def _end(box: Box) -> float | None:
    """When the state's time is over."""
    rule = DEADLINES.get(box.state)
    return rule(box) if rule else None


def _due(box: Box, now: float) -> bool:
    """Whether it is: an ``Elapsed`` may have been on its way when the box moved on, or only have a bar drawn."""
    end = _end(box)
    return end is not None and now >= end


def _until(box: Box) -> float | None:
    """The state's own time or the request's, whichever ends first."""
    times = [time for time in (box.until, box.ask.expires if box.ask else None) if time is not None]
    return min(times, default=None)


def _entry(box: Box) -> float:
    """The entry's time or the request's."""
    return min(pin.entry_of(box).deadline, expires(box))


ALWAYS: Mapping[type, Row] = {
    b.ReaderAttached: card.reader_attached,
    b.ReaderLost: card.reader_lost,
    b.CardInserted: card.card_inserted,
    b.CardRemoved: card.card_removed,
    b.Judged: card.judged,
    b.LinkChanged: card.link_changed,
    b.DisplayChanged: card.display_changed,
    KeyFault: card.key_fault,
    b.CaseChanged: tamper.case_changed,
    b.Rearmed: tamper.rearmed,
    b.CardLeft: home.left,
    b.Cancelled: request.cancelled,
}
"""Rows of every state that has none of its own for the event."""

ASKED: Mapping[type, Row] = {b.Asked: request.asked}
HOME: Mapping[type, Row] = {**ASKED, AgreeHeld: menu.open_menu, b.ButtonPressed: home.about}
BUSY: Mapping[type, Row] = {b.Asked: request.busy}
ON_MENU: Mapping[type, Row] = {
    **BUSY,
    Next: menu.move(1),
    Previous: menu.move(-1),
    Refuse: menu.back,
    b.Elapsed: request.home,
}
"""What the menu and all that it opens have."""
REFUSED: Mapping[type, Row] = {Refuse: ended("refused")}
IDENTITY: Mapping[type, Row] = {b.Identified: card.identified, b.Failed: card.unreadable, b.Held: card.held}
ENTRY: Mapping[type, Row] = {
    **BUSY,
    **REFUSED,
    Digit: pin.digit,
    Full: pin.touched,
    Clear: pin.cleared,
    b.Elapsed: late("pin-timeout"),
}
"""What every entry of a secret has."""

TABLE: Mapping[State, Mapping[type, Row]] = {
    State.STARTING: ASKED,
    State.NO_READER: HOME,
    State.EMPTY: HOME,
    State.UNREADABLE: HOME,
    State.READY: {**HOME, **home.ROWS},
    State.READING: {**ASKED, **IDENTITY, Refuse: request.refused, b.Elapsed: ended("expired")},
    State.MENU: {**ON_MENU, Agree: menu.chosen, Validate: menu.chosen, Refuse: request.home},
    State.PAGE: {**ON_MENU, b.Informed: page.informed},
    State.CHOICE: {**ON_MENU, Agree: menu.choose, Validate: menu.choose},
    State.SELFTEST: {
        **BUSY,
        Agree: selftest.answered(good=True),
        Validate: selftest.answered(good=True),
        Next: selftest.answered(good=False),
        Previous: selftest.again,
        Probed: selftest.key_seen,
        Refuse: selftest.given_up(menu.back),
        b.Elapsed: selftest.given_up(request.home),
    },
    State.WAIT_CARD: {**BUSY, **REFUSED, b.Elapsed: late("card-absent")},
    State.CONSENT: {
        **BUSY,
        **REFUSED,
        Agree: request.agreed,
        Next: request.turn(1),
        Previous: request.turn(-1),
        NextHeld: request.offered,
        b.Elapsed: ended("consent-timeout"),
    },
    State.SESSION: {
        **BUSY,
        Agree: request.opened,
        Previous: request.taken_back,
        Refuse: request.taken_back,
        b.Elapsed: ended("consent-timeout"),
    },
    State.CHECKING: {
        **BUSY,
        **REFUSED,
        b.DoorChecked: door.checked,
        b.Failed: pin.work_failed,
        b.Elapsed: ended("expired"),
    },
    State.COUNTING: {
        **BUSY,
        **REFUSED,
        b.TriesRead: pin.tries_read,
        b.Failed: pin.work_failed,
        b.Elapsed: ended("expired"),
    },
    State.LAST_TRY: {**BUSY, **REFUSED, Agree: pin.confirmed, b.Elapsed: late("pin-timeout")},
    State.PIN: {**ENTRY, Validate: door.validated},
    State.NEW_PIN: {**ENTRY, Validate: code.new_typed, Same: code.same},
    State.AGAIN: {**ENTRY, Validate: code.again_typed, Differ: code.differ},
    State.PIN_WRONG: {
        **BUSY,
        **REFUSED,
        Agree: pin.count,
        Validate: pin.count,
        b.Elapsed: pin.wrong_elapsed,
    },
    State.SIGNING: {
        **BUSY,
        Refuse: request.stopped,
        b.Signed: request.signed,
        b.PinRejected: pin.pin_rejected,
        b.Failed: pin.work_failed,
    },
    State.WORKING: {
        **BUSY,
        Refuse: request.stopped,
        b.Changed: code.changed,
        b.Proven: door.proven,
        b.SituationsRead: request.situations_read,
        b.PinRejected: pin.pin_rejected,
        b.PukRejected: pin.puk_rejected,
        b.Failed: pin.work_failed,
    },
    State.RESULT: {
        **ASKED,
        **IDENTITY,
        Agree: code.put_away,
        AgreeHeld: home.held,
        Validate: request.home,
        Refuse: request.home,
        b.Elapsed: request.home,
    },
}

DEADLINES: Mapping[State, Callable[[Box], float | None]] = {
    State.READING: _until,
    State.READY: _until,
    State.MENU: _until,
    State.PAGE: _until,
    State.CHOICE: _until,
    State.SELFTEST: _until,
    State.WAIT_CARD: _until,
    State.CONSENT: _until,
    State.SESSION: _until,
    State.CHECKING: _until,
    State.COUNTING: _until,
    State.LAST_TRY: _until,
    State.PIN: _entry,
    State.NEW_PIN: _entry,
    State.AGAIN: _entry,
    State.PIN_WRONG: _until,
    State.RESULT: _until,
}
"""State -> when its time ends; a state that is not here waits for ever (or for the card, while it is at work)."""

DRAWN = frozenset({State.LAST_TRY, State.PIN, State.NEW_PIN, State.AGAIN})
"""States with a time bar: ``Elapsed`` comes each second too, only to have it drawn."""
