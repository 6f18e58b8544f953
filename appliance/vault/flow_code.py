"""The menu, and the person's own errands with the card's code: change and unblock. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py) or the
counter, the first prompt and the refusals, which requests have too (flow_pin.py).
Rule: the new code is typed twice and compared in the page; the flow sees only that they are one or are not. All that is
typed goes to the card under the last ``#``: one try.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.contract import events
from appliance.keypad.entry import AgreeHeld, Differ, Same, Validate
from appliance.vault import box as b
from appliance.vault.box import Box, Card, Errand, Hint, State, Step
from appliance.vault.flow_ends import Row, bound_card, finish, rest
from appliance.vault.flow_pin import count, counted, enter, entry_of, puk_counted, recorded, unfinished


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the menu: its name for the screen's words, and for which cards it is there."""

    errand: Errand
    serves: Callable[[Card], bool]

    @property
    def name(self) -> str:
        """Key of ``Words.menu``."""
        return self.errand.value


MENU = (
    Item(Errand.CHANGE, lambda _card: True),
    Item(Errand.UNBLOCK, lambda card: card.puk),
)
"""The menu, from top to bottom; further entries are further rows."""


def items(box: Box) -> tuple[Item, ...]:
    """What the menu offers for the card that is in."""
    card = box.card
    return tuple(item for item in MENU if card and item.serves(card))


def open_menu(box: Box, _event: AgreeHeld, now: float) -> Step:
    """``A`` held on home, a card in: the menu, where display and keypad are well."""
    if not (box.display and box.keypad):
        return box, ()
    return replace(box, state=State.MENU, page=1, until=now + box.times.menu), ()


def move(by: int) -> Row:
    """Another entry; the first and the last stay where they are."""

    def row(box: Box, _event: object, now: float) -> Step:
        page = min(max(box.page + by, 1), len(items(box)))
        return replace(box, page=page, until=now + box.times.menu), ()

    return row


def chosen(box: Box, _event: object, now: float) -> Step:
    """``A`` on an entry."""
    return begin(box, items(box)[box.page - 1].errand, now)


def begin(box: Box, errand: Errand, now: float) -> Step:
    """An errand of the person: the counter first."""
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
