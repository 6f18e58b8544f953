"""The menu and its settings: rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py), the errands
with the card's code (flow_code.py), pages (flow_page.py) or the self-test (flow_selftest.py).
Rule: nothing here touches a card; while any of it is on the display, no software brings up anything.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.screen.facts import page_count
from appliance.screen.languages import LANGUAGES
from appliance.vault import box as b
from appliance.vault import flow_code as code
from appliance.vault import flow_door as door
from appliance.vault import flow_selftest as selftest
from appliance.vault.box import Box, Errand, State, Step, Topic
from appliance.vault.flow_ends import Row, rest
from appliance.vault.flow_page import show
from appliance.vault.settings import OPTIONS, Setting


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the menu: its name for the screen's words, whether it is there, and what ``A`` does."""

    name: str
    serves: Callable[[Box], bool]
    begin: Row


def errand(kind: Errand, serves: Callable[[Box, b.Card], bool] = lambda _box, _card: True) -> Item:
    """An entry for the card that is in; none in a box that is locked since its case was open."""

    def there(box: Box) -> bool:
        return box.card is not None and not box.locked and serves(box, box.card)

    return Item(kind.value, there, lambda box, _event, now: code.begin(box, kind, now))


def page(topic: Topic, serves: Callable[[Box], bool] = lambda _box: True) -> Item:
    """An entry that opens pages of facts."""
    return Item(topic.value, serves, lambda box, _event, now: show(box, topic, now))


def setting(kind: Setting) -> Item:
    """An entry that opens a list of choices."""
    return Item(kind.value, lambda _box: True, lambda box, _event, now: _ask(box, kind, now))


MENU: tuple[Item, ...] = (
    errand(Errand.CHANGE),
    errand(Errand.UNBLOCK, lambda _box, card: card.puk),
    Item(Errand.DOOR.value, lambda box: door.serves(box) and not box.locked, door.chosen),
    page(Topic.CARD, lambda box: box.card is not None),
    page(Topic.EVENTS),
    page(Topic.NETWORK),
    *(setting(kind) for kind in Setting),
    Item(Topic.SELFTEST.value, lambda _box: True, selftest.begin),
    page(Topic.ABOUT),
)
"""The menu, from top to bottom; further entries are further rows."""


def items(box: Box) -> tuple[Item, ...]:
    """What the menu offers now."""
    return tuple(item for item in MENU if item.serves(box))


def open_menu(box: Box, _event: object, now: float) -> Step:
    """``A`` held on home: the menu, where display and keypad are well."""
    if not (box.display and box.keypad):
        return box, ()
    return _menu(box, 1, now), ()


def back(box: Box, _event: object, now: float) -> Step:
    """``D`` on a page or a list: the menu again, where it stood."""
    return _menu(box, box.row, now), ()


def _menu(box: Box, row: int, now: float) -> Box:
    at = min(row, len(items(box)))
    return replace(rest(box), state=State.MENU, page=at, row=at, until=now + box.times.menu)


def move(by: int) -> Row:
    """Another entry of the menu or of a list, or another page; the first and the last stay where they are."""

    def row(box: Box, _event: object, now: float) -> Step:
        page = min(max(box.page + by, 1), _length(box))
        return replace(box, page=page, until=now + box.times.menu), ()

    return row


def _length(box: Box) -> int:
    match box.state:
        case State.MENU:
            return len(items(box))
        case State.CHOICE:
            return len(OPTIONS[setting_of(box)])
        case _:
            return page_count(box.facts, LANGUAGES[box.settings.language])


def chosen(box: Box, event: object, now: float) -> Step:
    """``A`` on an entry."""
    return items(box)[box.page - 1].begin(replace(box, row=box.page), event, now)


# --- settings ---------------------------------------------------------------------------------------------------------


def setting_of(box: Box) -> Setting:
    """What the list sets; a row that calls this stands only where there is one."""
    if box.setting is None:
        raise AssertionError(box.state)
    return box.setting


def _ask(box: Box, kind: Setting, now: float) -> Step:
    """The list of a setting, at the option in use."""
    at = OPTIONS[kind].index(box.settings.value(kind)) + 1
    return replace(rest(box), state=State.CHOICE, setting=kind, page=at, until=now + box.times.menu), ()


def choose(box: Box, _event: object, now: float) -> Step:
    """``A`` on an option: in use from now on, and after a restart."""
    kind = setting_of(box)
    value = OPTIONS[kind][box.page - 1]
    return _menu(replace(box, settings=box.settings.at(kind, value)), box.row, now), (b.Keep(kind.value, value),)
