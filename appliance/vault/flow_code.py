"""The person's own errands with the card's code: change and unblock. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py) or the
counter, the first prompt and the refusals, which requests have too (flow_pin.py).
Rule: the new code is typed twice and compared in the page; the flow sees only that they are one or are not. All that is
typed goes to the card under the last ``#``: one try.
"""

from dataclasses import replace

from appliance.contract import events
from appliance.keypad.entry import Differ, Same, Validate
from appliance.vault import box as b
from appliance.vault.box import Box, Errand, Hint, State, Step
from appliance.vault.flow_ends import bound_card, finish, rest
from appliance.vault.flow_pin import count, counted, enter, entry_of, puk_counted, recorded, unfinished


def begin(box: Box, errand: Errand, now: float) -> Step:
    """An errand of the person: the counter first; none in a locked box."""
    if box.locked:
        return rest(box), ()
    opened = replace(rest(box), errand=errand, signer=box.card, attempt=1, tries=None)
    return count(opened, None, now)


def put_away(box: Box, _event: object, now: float) -> Step:
    """``A`` under a result: unblock, where that is offered; else home."""
    if box.offer and box.card and box.card.session == box.offer and box.display and box.keypad:
        return begin(box, Errand.UNBLOCK, now)
    return rest(box), ()


def new_typed(box: Box, _event: Validate, now: float) -> Step:
    """``#`` under the new code: once more, from memory."""
    return enter(box, State.AGAIN, now) if entry_of(box).complete else unfinished(box, now)


def same(box: Box, _event: Same, now: float) -> Step:
    """The new code is the one typed before it: the card would keep its old code, or its letter's would open it."""
    return enter(box, State.NEW_PIN, now, Hint.SAME) if entry_of(box).complete else unfinished(box, now)


def differ(box: Box, _event: Differ, now: float) -> Step:
    """The two new codes are not one: nobody knows which was meant."""
    return enter(box, State.NEW_PIN, now, Hint.DIFFER) if entry_of(box).complete else unfinished(box, now)


def again_typed(box: Box, _event: Validate, now: float) -> Step:
    """``#`` under the repeated code, which is the same: the one order."""
    if not entry_of(box).complete:
        return unfinished(box, now)
    ticket = box.ticket + 1
    order = b.ChangePin(ticket) if box.errand is Errand.CHANGE else b.UnblockPin(ticket)
    working = replace(box, state=State.WORKING, ticket=ticket, entry=None, until=None)
    return working, (b.Disarm(wipe=False), *recorded(box, "started"), order)


def changed(box: Box, _event: b.Changed, now: float) -> Step:
    """The card has its new code, whatever happened meanwhile."""
    card = bound_card(box)
    who = {"card_session": card.session, "holder": card.holder}
    if box.errand is Errand.CHANGE:
        said, code = b.Publish("pin/changed", events.PinChanged(**who)), "changed"
    else:
        said, code = b.Publish("pin/unblocked", events.PinUnblocked(**who)), "unblocked"
    known = counted(box, None)
    following, effects = finish(known if box.errand is Errand.CHANGE else puk_counted(known, None), code, now)
    return following, (said, *effects)
