"""The door: from the person's wish, or the card's coming, to one pulse of the relay. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py), who may come
in and when (hours.py, doorkeeper.py), the counter and the prompt, which requests have too (flow_pin.py), or the relay.
Rule: one insertion opens once at most, by its own order: may it, then the code, then a proof; what opens is journalled
in the step that opens. Every errand of the door ends in one event, ``door/opened`` or ``door/refused``.

A box whose rule is ``presence_only`` asks neither code nor proof: public data of a card can be cloned, so the screen
and the event say so.
"""

from dataclasses import replace

from appliance.contract import events
from appliance.keypad.entry import Validate
from appliance.vault import box as b
from appliance.vault.box import Box, Effect, Errand, State, Step
from appliance.vault.flow_ends import OPENED, bound_card, finish, rest
from appliance.vault.flow_pin import count, counted, entry_of, stopped_by, unfinished
from appliance.vault.flow_pin import validated as sent

USED = "door-used"
"""Refused: the door was opened for this insertion already."""


def begin(box: Box, now: float) -> Step:
    """The person at the box wants to come in, or software for them: first whether this card may, now."""
    ticket = box.ticket + 1
    opened = replace(rest(box), errand=Errand.DOOR, signer=box.card, attempt=1, tries=None)
    obstacle = _obstacle(box)
    if obstacle:
        return finish(opened, obstacle, now)
    checking = replace(opened, state=State.CHECKING, ticket=ticket, until=now + box.times.entry)
    return checking, (b.CheckDoor(ticket),)


def _obstacle(box: Box) -> str | None:
    """What stands in the way of any card, or of this one once more."""
    if box.locked:
        return "tamper-lockout"
    return USED if box.card and box.entered == box.card.session else None


def serves(box: Box) -> bool:
    """Whether the menu offers it: this box has a door, is not locked, and a card is in."""
    return box.door is not None and not box.locked and box.card is not None


def chosen(box: Box, _event: object, now: float) -> Step:
    """``A`` on the menu's entry."""
    return begin(box, now)


def at_insertion(box: Box, now: float) -> Step:
    """A card was just read and nothing is open: where the box stands at a door, that asks for it to be opened."""
    wanted = box.door is not None and box.door.at_insertion and not box.locked
    if not wanted or box.state is not State.READY or not (box.display and box.keypad):
        return box, ()
    return begin(box, now)


def checked(box: Box, event: b.DoorChecked, now: float) -> Step:
    """The card may not; or it may, and has to prove that it is itself."""
    if event.code:
        return finish(box, event.code, now)
    if box.door is not None and box.door.presence_only:
        return _opened(box, now)
    return count(box, event, now)


def validated(box: Box, event: Validate, now: float) -> Step:
    """``#`` under the PIN: for the door, the one order with it behind; else as for everything."""
    if box.errand is not Errand.DOOR:
        return sent(box, event, now)
    if not entry_of(box).complete:
        return unfinished(box, now)
    ticket = box.ticket + 1
    proving = replace(box, state=State.WORKING, ticket=ticket, entry=None, until=None)
    return proving, (b.Disarm(wipe=False), b.Prove(ticket))


def proven(box: Box, _event: b.Proven, now: float) -> Step:
    """The card is who it says: open, unless somebody stopped it or it left meanwhile."""
    if box.errand is not Errand.DOOR:  # no other order is answered so
        return box, ()
    card, stop = bound_card(box), stopped_by(box, now)
    told: Effect = b.Publish("pin/verified", events.PinVerified(card_session=card.session, holder=card.holder))
    known = counted(box, None)
    following, effects = finish(known, stop, now) if stop else _opened(known, now)
    return following, (told, *effects)


def _opened(box: Box, now: float) -> Step:
    """The one place that opens."""
    following, effects = finish(box, OPENED, now)
    return replace(following, entered=bound_card(box).session), (*effects, b.OpenDoor())
