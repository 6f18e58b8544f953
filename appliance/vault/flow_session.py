"""Sessions: signatures without the code, never without ``A`` (design §5). Parts of the flow.

What it is: pure functions that open, use and end ``Box.session``. What it is not: rows (flow.py) or the card's state:
while a session is open the card stays verified under the box's own transaction.
Rule: whatever could leave the card verified without a session resets it; nothing but a finished request opens one.
A session that ends while it signs begins no further document, and is said to be closed when the one in the card is
done: only then its signatures are counted.

A session ends by removal, any reset, ``D`` anywhere, its time, its count, a fault of display or keypad, an opened case,
and the box's stop; also where the code is asked for, whoever asks (another peer, another format, more documents than
are left).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from appliance.contract import events
from appliance.keypad.entry import KeyFault, Refuse
from appliance.vault import flow_effects as do
from appliance.vault import flow_events as on
from appliance.vault.flow_box import AT_WORK, AnyAsk, Ask, Box, Session, State
from appliance.vault.flow_effects import Effect, Step

ENDED_BY: Mapping[type, Callable[..., str | None]] = {
    Refuse: lambda _box, _event: "key",
    on.CardRemoved: lambda _box, _event: "removed",
    on.CardInserted: lambda _box, _event: "removed",  # a removal was missed
    on.ReaderLost: lambda _box, _event: "removed",
    on.Failed: lambda box, _event: "reset" if box.state is State.SIGNING else None,
    on.DisplayChanged: lambda _box, event: None if event.ok else "fault",
    KeyFault: lambda _box, event: None if event.ok else "fault",
    on.CaseChanged: lambda _box, event: "tamper" if event.opened else None,
    on.Stopping: lambda _box, _event: "stopped",
}
"""Event -> why it ends a session, or None."""


def ended_by(box: Box, event: on.Event, now: float) -> Step:
    """The box before its row: without its session, if the event or the time ends it."""
    session = box.session
    if session is None:
        return box, ()
    rule = ENDED_BY.get(type(event))
    ended = "expired" if now >= session.until else rule(box, event) if rule else None
    reason = session.over or ended
    if isinstance(event, on.Stopping) and reason and box.state in AT_WORK:  # nothing comes after it
        return replace(box, session=None), (_closed(_used(box, session), reason),)
    return (box, ()) if session.over or reason is None else close(box, reason)


def close(box: Box, reason: str) -> Step:
    """End the session, if there is one; while it signs, what is left of its end waits for the document in the card."""
    session = box.session
    if session is None:
        return box, ()
    if box.state in AT_WORK:
        return replace(box, session=replace(session, over=reason)), ()
    said = _closed(session, reason)
    here = box.card is not None and reason != "removed"
    return replace(box, session=None), (said, do.ResetCard()) if here else (said,)


def is_over(box: Box) -> bool:
    """Whether the session under which the request in hand is signed has ended meanwhile."""
    return box.session is not None and box.session.over is not None


def covers(box: Box, ask: AnyAsk) -> bool:
    """Whether ``ask`` needs no code now: same peer, same insertion, same format, and enough signatures left."""
    session = box.session
    return (
        session is not None
        and isinstance(ask, Ask)
        and box.card is not None
        and (ask.client, box.card.session) == (session.client, session.card.session)
        and ask.request.format == session.format
        and ask.of <= session.left
    )


def can_open(box: Box) -> bool:
    """Whether a session may be offered with the open request: allowed, and it leaves a signature to make."""
    ask = box.ask
    if box.sessions is None or not isinstance(ask, Ask):
        return False
    return ask.of < box.sessions.signatures and not covers(box, ask)


def carried(box: Box, code: str | None, now: float) -> tuple[Session | None, tuple[Effect, ...]]:
    """The session after the request in hand has ended with ``code``: used, used up, opened, or none."""
    if box.session is not None and box.state is State.SIGNING:
        used = _used(box, box.session)
        reason = used.over or (None if used.left > 0 else "count")
        return (None, (_closed(used, reason),)) if reason else (used, ())
    if box.session is None and box.wanted and code is None and box.stop is None:
        return _opened(box, now)
    return box.session, ()


def _used(box: Box, session: Session) -> Session:
    """The session less the signatures of the request in hand."""
    return replace(session, left=session.left - len(box.results)) if box.state is State.SIGNING else session


def _opened(box: Box, now: float) -> tuple[Session | None, tuple[Effect, ...]]:
    ask, card, rule = box.ask, box.card, box.sessions
    if not isinstance(ask, Ask) or card is None or rule is None:
        return None, ()
    left = rule.signatures - len(box.results)
    session = Session(ask.client, card, ask.request.format, now + rule.seconds, left, rule.signatures)
    opened = events.SessionOpened(
        client=session.client,
        card_session=card.session,
        holder=card.holder,
        format=session.format,
        signatures=left,
        seconds=int(rule.seconds),
    )
    return session, (do.Publish("session/opened", opened),)


def _closed(session: Session, reason: str) -> do.Publish:
    closed = events.SessionClosed(
        client=session.client,
        card_session=session.card.session,
        holder=session.card.holder,
        reason=reason,
        signatures=session.of - session.left,
    )
    return do.Publish("session/closed", closed)
