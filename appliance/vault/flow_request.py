"""From a request to what it asked for: consent, session, the card's work. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py) or the code
(flow_pin.py). Rule: nothing is signed and nothing is read without ``A`` after the last page was reached.
"""

from dataclasses import replace

from appliance.contract import events
from appliance.keypad.entry import Agree, NextHeld, Previous, Refuse
from appliance.vault import box as b
from appliance.vault.box import Box, Effect, Ending, State, Step
from appliance.vault.flow_ends import Row, begin, bound_card, ended, finish, open_ask, rest, signing_ask
from appliance.vault.flow_pin import count, counted, stopped_by
from appliance.vault.flow_session import can_open, covers
from appliance.vault.records import RequestState


def asked(box: Box, event: b.Asked, now: float) -> Step:
    """Nothing is open: begin. A request that waits for the card being read keeps its place."""
    return busy(box, event, now) if box.ask else begin(box, event.ask, now)


def busy(box: Box, event: b.Asked, _now: float) -> Step:
    """One at a time, software or person; who is turned away leaves no trace and may come again."""
    return box, (b.Busy(event.ask, box.ask.id if box.ask else None),)


def cancelled(box: Box, event: b.Cancelled, now: float) -> Step:
    """Only the opener's, only the open one; while the card is at work, what is in hand is finished first."""
    ask = box.ask
    if ask is None or (ask.client, ask.id) != (event.client, event.id):
        return box, ()
    if box.state in b.AT_WORK:
        return replace(box, stop="cancelled"), ()
    return finish(box, "cancelled", now)


def refused(box: Box, event: Refuse, now: float) -> Step:
    """``D`` while the card is read: it means the request that waits for it, if any."""
    return ended("refused")(box, event, now) if box.ask else (box, ())


def stopped(box: Box, _event: Refuse, _now: float) -> Step:
    """``D`` while the card is at work: nothing further is begun, and nothing that was read is told."""
    return replace(box, stop="refused"), ()


def turn(by: int) -> Row:
    """Turn the pages of the consent."""

    def row(box: Box, _event: object, _now: float) -> Step:
        pages = open_ask(box).pages
        page, poised = min(max(box.page + by, 1), pages), by > 0 and box.seen >= pages
        return replace(box, page=page, seen=max(box.seen, page), poised=poised), ()

    return row


def agreed(box: Box, _event: Agree, now: float) -> Step:
    """``A`` counts once the last page was reached; then the card's own counter is read, or a session signs at once."""
    ask = open_ask(box)
    if box.seen < ask.pages:
        return box, ()
    move = b.Move(ask, RequestState.AGREED, holder=bound_card(box).holder)
    following, effects = _sign_in_session(box, ask) if covers(box, ask) else count(box, None, now)
    return following, (move, *effects)


def _sign_in_session(box: Box, ask: b.AnyAsk) -> Step:
    ticket = box.ticket + 1
    signing = replace(box, state=State.SIGNING, ticket=ticket, verified=True, until=None)
    return signing, (
        b.Move(ask, RequestState.CARD_STARTED),
        b.Tell(ask, "signing", done=0),
        b.Sign(ticket, signing_ask(box), 0, verify=False),
    )


def offered(box: Box, _event: NextHeld, _now: float) -> Step:
    """``C`` pressed and held where ``A`` counted already: the person is told what a session would be, if allowed."""
    if not (box.poised and can_open(box)):
        return box, ()
    return replace(box, state=State.SESSION), ()


def taken_back(box: Box, _event: Previous | Refuse, _now: float) -> Step:
    """``B`` or ``D``: back to the consent, without a session; to decline it is not to refuse what is to be signed."""
    return replace(box, state=State.CONSENT, poised=False), ()


def opened(box: Box, event: Agree, now: float) -> Step:
    """``A`` under the offer agrees to the request and to the session, which begins when the request is done."""
    return agreed(replace(box, wanted=True), event, now)


def signed(box: Box, event: b.Signed, now: float) -> Step:
    """One document more; the next, or the end."""
    ask = signing_ask(box)
    results = (*box.results, event.result)
    told: tuple[Effect, ...] = () if box.verified else (_verified(box),)
    if ask.of > 1:
        told = (*told, b.Tell(ask, "signing", done=len(results), result=event.result))
    known, stop = replace(counted(box, None), results=results, verified=True), stopped_by(box, now)
    if len(results) == ask.of:
        following, more = finish(known, None, now, Ending.DONE)
    elif stop:
        following, more = finish(known, stop, now)
    else:
        following = replace(known, ticket=box.ticket + 1)
        more = (b.Sign(following.ticket, ask, len(results), verify=False),)
    return following, told + more


def situations_read(box: Box, event: b.SituationsRead, now: float) -> Step:
    """What the card says of its holder's practice goes out, unless somebody stopped it meanwhile."""
    known, stop = counted(box, None), stopped_by(box, now)
    if stop:
        following, more = finish(known, stop, now)
    else:
        following, more = finish(known, None, now, Ending.DONE, situations=event.situations)
    return following, (_verified(box), *more)


def _verified(box: Box) -> b.Publish:
    card = bound_card(box)
    return b.Publish("pin/verified", events.PinVerified(card_session=card.session, holder=card.holder))


def home(box: Box, _event: object, _now: float) -> Step:
    """The result was read."""
    return rest(box), ()
