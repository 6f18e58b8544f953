"""Home with a card in: what its keys mean, and a card that was left in the box. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py), or the hour on
the wall, which the shell tells by ``CardLeft`` (``vault/evening.py``).
Rule: a card is said to be forgotten at most once an insertion, and only here, with nothing open and no session either;
a hand on the keypad, a request and an insertion begin the time anew.
"""

from collections.abc import Mapping
from dataclasses import replace

from appliance.contract import events
from appliance.keypad.entry import Agree, AgreeHeld, Clear, Digit, Full, Next, Previous, Refuse, Validate
from appliance.vault import box as b
from appliance.vault.box import Box, Card, Ending, State, Step, Topic
from appliance.vault.flow_ends import Row, rest
from appliance.vault.flow_menu import open_menu
from appliance.vault.flow_page import show

KEYS = (Clear, Digit, Full, Next, Previous, Refuse, Validate)
"""Keys that only say that somebody is there."""


def unblockable(box: Box) -> Card | None:
    """The card in, if its code is blocked and home offers to unblock it."""
    card = box.card
    blocked = card is not None and card.tries == 0 and card.puk and card.puk_tries != 0
    return card if blocked and box.display and box.keypad and not box.locked else None


def trouble(box: Box) -> tuple[str | None, bool]:
    """What keeps the card in from signing, as a code, and whether ``A`` unblocks it."""
    card = box.card
    if card is None or box.session:
        return None, False
    return ("pin-blocked" if card.tries == 0 else card.barred), unblockable(box) is not None


def watched(before: Box, box: Box, now: float) -> Box:
    """The box after a step: where it has come home with a card, the time begins; its hour may have come meanwhile."""
    card = box.card
    if box.state is not State.READY or card is None or card.session == box.reminded:
        return box
    if card.session == box.left and box.session is None:
        return replace(box, until=now)
    if box.times.forgotten is None or (before.state is State.READY and box.until is not None):
        return box
    return replace(box, until=now + box.times.forgotten)


def touched(box: Box, _event: object, _now: float) -> Step:
    """Somebody is there: the reminder goes, the time begins anew."""
    return (box, ()) if box.until is None else (replace(box, until=None, reminder=False), ())


def agreed(box: Box, event: Agree, now: float) -> Step:
    """``A``: the offer to unblock, where home has one; else a key like the others."""
    card = unblockable(box)
    if card is None:
        return touched(box, event, now)
    until = now + box.times.last_try
    offered = replace(rest(box), state=State.RESULT, ending=Ending.BLOCKED, outcome="pin-blocked", offer=card.session)
    return replace(offered, until=until), ()


def held(box: Box, event: AgreeHeld, now: float) -> Step:
    """``A`` that went down at home and is held: the menu, though the offer came between."""
    return open_menu(rest(box), event, now) if box.offer else (box, ())


def about(box: Box, _event: b.ButtonPressed, now: float) -> Step:
    """The panel button, with nothing open: what this box is. It never agrees to anything, here or elsewhere."""
    return show(box, Topic.ABOUT, now) if box.display and box.keypad else (box, ())


def left(box: Box, event: b.CardLeft, _now: float) -> Step:
    """The hour has come at which no card should be in; what is open is not disturbed."""
    card = box.card
    if card is None or event.session != card.session or card.session in {box.left, box.reminded}:
        return box, ()
    return replace(box, left=card.session), ()


def elapsed(box: Box, _event: b.Elapsed, now: float) -> Step:
    """The time at home is over: that of the reminder, or of a card of which nobody wanted anything."""
    card = box.card
    if box.reminder or card is None:
        return replace(box, until=None, reminder=False), ()
    if box.session:  # its own end comes first
        return replace(box, until=box.session.until), ()
    said = b.Publish("card/forgotten", events.CardForgotten(card_session=card.session))
    shown = replace(box, reminder=True, reminded=card.session, left=None, until=now + box.times.reminded)
    return shown, (said,)


ROWS: Mapping[type, Row] = {**dict.fromkeys(KEYS, touched), Agree: agreed, b.Elapsed: elapsed}
"""What home with a card has of its own."""
