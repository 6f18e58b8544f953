"""From a request to its signature: consent, tries left, PIN, the card's work. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py).
Rule: one ``#`` gives at most one ``Sign`` with ``verify``; nothing else gives any.
"""

from dataclasses import replace

from msgspec import UNSET

from appliance.contract import events
from appliance.keypad.entry import Agree, Clear, Digit, Entry, Refuse, Validate
from appliance.vault import box as b
from appliance.vault.box import Box, Effect, Ending, State, Step
from appliance.vault.flow_ends import Row, begin, bound_card, ended, finish, open_ask, rest
from appliance.vault.records import RequestState


def asked(box: Box, event: b.Asked, now: float) -> Step:
    """Nothing is open: begin. A request that waits for the card being read keeps its place."""
    return busy(box, event, now) if box.ask else begin(box, event.ask, now)


def busy(box: Box, event: b.Asked, _now: float) -> Step:
    """One request at a time; the other leaves no trace and may come again."""
    return box, (b.Busy(event.ask, open_ask(box).id),)


def cancelled(box: Box, event: b.Cancelled, now: float) -> Step:
    """Only the opener's, only the open one; while the card signs, the document in hand is finished first."""
    ask = box.ask
    if ask is None or (ask.client, ask.id) != (event.client, event.id):
        return box, ()
    if box.state is State.SIGNING:
        return replace(box, stop="cancelled"), ()
    return finish(box, "cancelled", now)


def refused(box: Box, event: Refuse, now: float) -> Step:
    """``D`` while the card is read: it means the request that waits for it, if any."""
    return ended("refused")(box, event, now) if box.ask else (box, ())


def stopped(box: Box, _event: Refuse, _now: float) -> Step:
    """``D`` while the card signs: no further document is begun."""
    return replace(box, stop="refused"), ()


def turn(by: int) -> Row:
    """Turn the pages of the consent."""

    def row(box: Box, _event: object, _now: float) -> Step:
        page = min(max(box.page + by, 1), len(open_ask(box).consent.pages))
        return replace(box, page=page, seen=max(box.seen, page)), ()

    return row


def agreed(box: Box, _event: Agree, _now: float) -> Step:
    """``A`` counts once the last page was reached; then the card's own counter is read."""
    ask = open_ask(box)
    if box.seen < len(ask.consent.pages):
        return box, ()
    following, effects = count(box, None, 0)
    return following, (b.Move(ask, RequestState.AGREED, holder=bound_card(box).holder), *effects)


def count(box: Box, _event: object, _now: float) -> Step:
    """Read the tries left, afresh before every prompt."""
    ticket = box.ticket + 1
    return replace(box, state=State.COUNTING, ticket=ticket, until=None, entry=None), (b.ReadTries(ticket),)


def _counted(box: Box, tries: int | None) -> Box:
    """The counter as the card just told it; None: full again after a right PIN."""
    card = replace(box.card, tries=tries) if box.card else None
    return replace(box, card=card, tries=box.tries if tries is None else tries)


def tries_read(box: Box, event: b.TriesRead, now: float) -> Step:
    """None left: blocked. One: a second confirmation. More: the PIN."""
    known = _counted(box, event.tries)
    if event.tries <= 0:
        return blocked(known, now)
    if event.tries == 1:
        return replace(known, state=State.LAST_TRY, until=now + box.times.last_try), ()
    return prompt(known, None, now)


def blocked(box: Box, now: float) -> Step:
    """The card takes no PIN any more; nothing is tried again."""
    card = bound_card(box)
    following, effects = finish(box, "pin-blocked", now, Ending.BLOCKED, 0)
    return following, (
        b.Publish("pin/blocked", events.PinBlocked(card_session=card.session, holder=card.holder)),
        *effects,
    )


def prompt(box: Box, _event: object, now: float) -> Step:
    """Ask for the PIN."""
    card = bound_card(box)
    times = (box.times.first_digit, box.times.next_digit, box.times.entry, box.times.reminder)
    entry = Entry.begin(now, card.pin_min, card.pin_max, *times)
    told = b.Tell(open_ask(box), "awaiting-pin", attempt=box.attempt)
    return replace(box, state=State.PIN, entry=entry, until=None), (b.Arm(card.pin_max), told)


def entry_of(box: Box) -> Entry:
    """The entry in progress; only PIN rows call this."""
    if box.entry is None:
        raise AssertionError(box.state)
    return box.entry


def digit(box: Box, _event: Digit, now: float) -> Step:
    """One more mark."""
    return replace(box, entry=entry_of(box).digit(now)), ()


def touched(box: Box, _event: object, now: float) -> Step:
    """A key that means nothing here: somebody is there."""
    return replace(box, entry=entry_of(box).touch(now)), ()


def cleared(box: Box, _event: Clear, now: float) -> Step:
    """No mark any more."""
    return replace(box, entry=entry_of(box).clear(now)), ()


def validated(box: Box, _event: Validate, now: float) -> Step:
    """``#`` with enough digits: the one VERIFY. Too few: the prompt stays and goes on taking digits."""
    entry = entry_of(box)
    if not entry.complete:
        return replace(box, entry=entry.touch(now)), (b.Arm(bound_card(box).pin_max),)
    ask, ticket = open_ask(box), box.ticket + 1
    started = (b.Move(ask, RequestState.CARD_STARTED),) if box.attempt == 1 else ()
    effects: tuple[Effect, ...] = (
        b.Disarm(wipe=False),
        *started,
        b.Tell(ask, "signing", done=0),
        b.Sign(ticket, ask, 0, verify=True),
    )
    return replace(box, state=State.SIGNING, ticket=ticket, entry=None, until=None), effects


def pin_rejected(box: Box, event: b.PinRejected, now: float) -> Step:
    """A wrong PIN is no error while tries remain."""
    wrong = _counted(box, event.tries)
    card, few = bound_card(box), event.tries if event.tries <= 1 else UNSET
    data = events.PinWrong(card_session=card.session, holder=card.holder, tries_left=few)
    told: tuple[Effect, ...] = (b.Publish("pin/wrong", data), b.Disarm())
    if event.tries <= 0:
        following, more = blocked(wrong, now)
        return following, told + more
    stop = _stop(box, now)
    if stop:  # giving up after a wrong PIN is pin-wrong (contract, Requests)
        following, more = finish(wrong, "pin-wrong" if stop == "refused" else stop, now, tries=event.tries)
        return following, told + more
    waiting = replace(wrong, state=State.PIN_WRONG, attempt=box.attempt + 1, until=now + box.times.result)
    return waiting, told


def wrong_elapsed(box: Box, event: b.Elapsed, now: float) -> Step:
    """The message was read: prompt again, if the request still has time."""
    return finish(box, "expired", now) if now >= open_ask(box).expires else count(box, event, now)


def signed(box: Box, event: b.Signed, now: float) -> Step:
    """One document more; the next, or the end."""
    ask = open_ask(box)
    results = (*box.results, event.result)
    card = bound_card(box)
    verified = b.Publish("pin/verified", events.PinVerified(card_session=card.session, holder=card.holder))
    told: tuple[Effect, ...] = () if box.verified else (verified,)
    if ask.of > 1:
        told = (*told, b.Tell(ask, "signing", done=len(results), result=event.result))
    known, stop = replace(_counted(box, None), results=results, verified=True), _stop(box, now)
    if len(results) == ask.of:
        following, more = finish(known, None, now, Ending.DONE)
    elif stop:
        following, more = finish(known, stop, now)
    else:
        following = replace(known, ticket=box.ticket + 1)
        more = (b.Sign(following.ticket, ask, len(results), verify=False),)
    return following, told + more


def _stop(box: Box, now: float) -> str | None:
    """Why the request goes no further, now that the card has answered; None when it may."""
    if box.stop or box.card is None:
        return box.stop or "card-removed"
    return "expired" if now >= open_ask(box).expires else None


def work_failed(box: Box, event: b.Failed, now: float) -> Step:
    """Card or reader gave up; ``event.code`` says whether a signature may exist."""
    if event.code == "pin-blocked":
        return blocked(box, now)
    return finish(box, event.code, now, Ending.REMOVED if event.code == "card-removed" else Ending.OUTCOME)


def home(box: Box, _event: object, _now: float) -> Step:
    """The result was read."""
    return rest(box), ()
