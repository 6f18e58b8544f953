"""Which screen the menu, its pages, its lists and the self-test show.

What it is: the part of ``view`` for these states. What it is not: pixels or behaviour. Rule: as in ``view``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from appliance.screen import kinds
from appliance.screen.kinds_menu import CardIn
from appliance.vault.box import Box, Probe, State
from appliance.vault.flow_menu import items, setting_of
from appliance.vault.flow_selftest import testing
from appliance.vault.legible import legible
from appliance.vault.settings import OPTIONS


def _menu(box: Box, _now: float, _clock: str) -> kinds.Screen:
    return kinds.Menu(tuple(item.name for item in items(box)), box.page)


def _page(box: Box, _now: float, _clock: str) -> kinds.Screen:
    facts = box.facts
    if isinstance(facts, CardIn):
        facts = replace(facts, name=legible(facts.name), profession=legible(facts.profession))
    return kinds.Page(box.topic.value if box.topic else "about", facts, box.page)


def _choice(box: Box, _now: float, _clock: str) -> kinds.Screen:
    setting = setting_of(box)
    options = OPTIONS[setting]
    return kinds.Choice(setting.value, options, box.page, options.index(box.settings.value(setting)) + 1)


def _selftest(box: Box, _now: float, _clock: str) -> kinds.Screen:
    test = testing(box)
    match test.probe:
        case Probe.LIT | Probe.DARK:
            return kinds.Pixels(lit=test.probe is Probe.LIT)
        case Probe.KEYS:
            return kinds.KeyGrid(test.seen)
        case _:
            return kinds.Question(test.probe.value)


SCREENS: Mapping[State, Callable[[Box, float, str], kinds.Screen]] = {
    State.MENU: _menu,
    State.PAGE: _page,
    State.CHOICE: _choice,
    State.SELFTEST: _selftest,
}
"""State -> screen."""
