"""Facts as rows of text, and rows as pages.

What it is: what ``kinds_menu`` tells, in the words of a language, broken into rows of the screen. What it is not:
pixels (``pages_menu.py``). Rule: nothing is cut: a long text takes more rows, more rows take another page; what belongs
together stays on one page where a page can hold it.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from appliance.screen.kinds_menu import AboutBox, CardIn, Facts, Happenings, Network, Report
from appliance.screen.text import COLUMNS, wrap
from appliance.screen.words import Words

__all__ = ["PAGE_ROWS", "page_count", "pages"]

PAGE_ROWS: Final = 3
"""Rows between the title and the keys."""
HEX: Final = 16
"""Hexadecimal digits of the package's hash that are shown."""

Part = tuple[str, ...]
"""Texts that belong together; each begins a row of its own."""


def pages(facts: Facts | None, words: Words) -> list[tuple[str, ...]]:
    """The rows of each page, at most ``PAGE_ROWS``; one page at least."""
    if facts is None:
        return [(words.pages.waiting,)]
    made: list[tuple[str, ...]] = [()]
    for part in PARTS[type(facts)](facts, words):
        rows = [row for text in part for row in wrap(text, COLUMNS)]
        if len(made[-1]) + len(rows) > PAGE_ROWS and made[-1]:
            made.append(())
        for row in rows:
            if len(made[-1]) == PAGE_ROWS:
                made.append(())
            made[-1] = (*made[-1], row)
    return made


def page_count(facts: Facts | None, words: Words) -> int:
    """How many pages there are, from 1."""
    return len(pages(facts, words))


def _network(facts: Network, words: Words) -> list[Part]:
    text = words.pages
    state = (text.reached if facts.up else text.unreached)[not facts.since].format(since=facts.since)
    where = text.own_broker if facts.own else text.other_broker
    way = [] if facts.own and not facts.encrypted else [text.encrypted]
    addresses: list[Part] = [(text.address, address) for address in facts.addresses]
    return [(where, facts.broker), (state, *way), (text.device, facts.device), *(addresses or [(text.no_address,)])]


def _card(facts: CardIn, words: Words) -> list[Part]:
    text = words.pages
    kind = " ".join(part for part in (facts.kind, text.families[facts.family]) if part)
    tries = [text.tries.format(n=text.all_tries if facts.tries is None else facts.tries)]
    if facts.puk:
        tries.append(text.puk_tries.format(n=text.all_tries if facts.puk_tries is None else facts.puk_tries))
    parts = [
        (facts.name, facts.profession),
        (kind, words.test if facts.test else ""),
        (text.until.format(date=facts.until) if facts.until else "", text.trust[facts.trust]),
        tuple(tries),
    ]
    said = [tuple(row for row in part if row) for part in parts]
    return [part for part in said if part]


def _happenings(facts: Happenings, words: Words) -> list[Part]:
    """A row for the day, then a row an event: time and what happened."""
    text = words.pages
    if not facts.latest:
        return [(text.nothing,)]
    parts: list[Part] = []
    for day, happened in groupby(facts.latest, key=lambda one: one.day):
        rows = [f"{one.time} {text.events.get(one.topic, one.topic)}" for one in happened]
        parts += [(text.day.format(day=day), rows[0]), *((row,) for row in rows[1:])]
    return parts


def _about(facts: AboutBox, words: Words) -> list[Part]:
    text = words.pages
    short = facts.package[:HEX]
    return [
        (words.version.format(version=facts.version), text.contract.format(contract=facts.contract)),
        (text.device, facts.device),
        (text.memory, text.memories[facts.memory]),
        (text.package, " ".join(short[at : at + 4] for at in range(0, HEX, 4))),
    ]


def _report(facts: Report, words: Words) -> list[Part]:
    text = words.pages
    rows = [text.verdict.format(part=text.parts[part], verdict=text.verdicts[verdict]) for part, verdict in facts.rows]
    return [
        *((row,) for row in rows),
        (text.keys_seen.format(n=facts.keys),),
        (text.memory, text.memories[facts.memory]),
    ]


PARTS: Final[Mapping[type, Callable[[Any, Words], Sequence[Part]]]] = MappingProxyType(
    {Network: _network, CardIn: _card, Happenings: _happenings, AboutBox: _about, Report: _report}
)
"""Facts -> what stands on their pages."""
