"""The behaviour of the product: state x event -> state, effects.

What it is: two tables (TABLE, DEADLINES) of small functions over one frozen value. What it is not: input, output or
time: ``now`` is given. Rule: what is not in the table changes nothing.

Promises held here and walked by tests (design §5): nothing is signed without ``A`` after the last page was reached;
at most one VERIFY a ``#``; every open request ends in exactly one Finish; a request that has met a card is bound to it.
"""

from collections.abc import Callable, Mapping

from appliance.keypad.entry import (
    Agree,
    Clear,
    Digit,
    Full,
    KeyFault,
    Next,
    Previous,
    Refuse,
    Validate,
)
from appliance.vault import box as b
from appliance.vault import flow_card as card
from appliance.vault import flow_request as request
from appliance.vault.box import Box, State, Step
from appliance.vault.flow_ends import Row, ended, late, open_ask

REFRESH = 1.0
"""Seconds between two drawings of a time bar."""


def step(box: Box, event: b.Event, now: float) -> Step:
    """The next box and what it wants done; an event without a row, or a late answer, changes nothing."""
    if getattr(event, "ticket", box.ticket) != box.ticket:
        return box, ()
    if isinstance(event, b.Elapsed) and not _due(box, now):
        return box, ()
    row = TABLE[box.state].get(type(event)) or ALWAYS.get(type(event))
    return row(box, event, now) if row else (box, ())


def deadline(box: Box, now: float) -> float | None:
    """When ``Elapsed`` must come, in the seconds of ``now``; None when nothing is awaited."""
    end = _end(box)
    return min(end, now + REFRESH) if end is not None and box.state in DRAWN else end


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
    return min(request.entry_of(box).deadline, open_ask(box).expires)


ALWAYS: Mapping[type, Row] = {
    b.ReaderAttached: card.reader_attached,
    b.ReaderLost: card.reader_lost,
    b.CardInserted: card.card_inserted,
    b.CardRemoved: card.card_removed,
    b.LinkChanged: card.link_changed,
    b.DisplayChanged: card.display_changed,
    KeyFault: card.key_fault,
    b.Cancelled: request.cancelled,
}
"""Rows of every state that has none of its own for the event."""

ASKED: Mapping[type, Row] = {b.Asked: request.asked}
BUSY: Mapping[type, Row] = {b.Asked: request.busy}
REFUSED: Mapping[type, Row] = {Refuse: ended("refused")}
IDENTITY: Mapping[type, Row] = {b.Identified: card.identified, b.Failed: card.unreadable, b.Held: card.held}

TABLE: Mapping[State, Mapping[type, Row]] = {
    State.STARTING: ASKED,
    State.NO_READER: ASKED,
    State.EMPTY: ASKED,
    State.UNREADABLE: ASKED,
    State.READY: ASKED,
    State.READING: {**ASKED, **IDENTITY, Refuse: request.refused, b.Elapsed: ended("expired")},
    State.WAIT_CARD: {**BUSY, **REFUSED, b.Elapsed: late("card-absent")},
    State.CONSENT: {
        **BUSY,
        **REFUSED,
        Agree: request.agreed,
        Next: request.turn(1),
        Previous: request.turn(-1),
        b.Elapsed: ended("consent-timeout"),
    },
    State.COUNTING: {
        **BUSY,
        **REFUSED,
        b.TriesRead: request.tries_read,
        b.Failed: request.work_failed,
        b.Elapsed: ended("expired"),
    },
    State.LAST_TRY: {**BUSY, **REFUSED, Agree: request.prompt, b.Elapsed: late("pin-timeout")},
    State.PIN: {
        **BUSY,
        **REFUSED,
        Digit: request.digit,
        Full: request.touched,
        Clear: request.cleared,
        Validate: request.validated,
        b.Elapsed: late("pin-timeout"),
    },
    State.PIN_WRONG: {
        **BUSY,
        **REFUSED,
        Agree: request.count,
        Validate: request.count,
        b.Elapsed: request.wrong_elapsed,
    },
    State.SIGNING: {
        **BUSY,
        Refuse: request.stopped,
        b.Signed: request.signed,
        b.PinRejected: request.pin_rejected,
        b.Failed: request.work_failed,
    },
    State.RESULT: {
        **ASKED,
        **IDENTITY,
        Agree: request.home,
        Validate: request.home,
        Refuse: request.home,
        b.Elapsed: request.home,
    },
}

DEADLINES: Mapping[State, Callable[[Box], float | None]] = {
    State.READING: _until,
    State.WAIT_CARD: _until,
    State.CONSENT: _until,
    State.COUNTING: _until,
    State.LAST_TRY: _until,
    State.PIN: _entry,
    State.PIN_WRONG: _until,
    State.RESULT: _until,
}
"""State -> when its time ends; a state that is not here waits for ever (or for the card, while it signs)."""

DRAWN = frozenset({State.LAST_TRY, State.PIN})
"""States with a time bar: ``Elapsed`` comes each second too, only to have it drawn."""
