"""The words a language gives the menu's pages, lists and self-test.

What it is: the part of ``words`` for ``kinds_menu``. What it is not: a language. Rule: as in ``words``; what stands in
a row of a page may be longer than the row, and then takes two.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MenuWords"]


@dataclass(frozen=True, slots=True)
class MenuWords:
    """Every text of one language for the menu.

    Attributes:
        waiting: row while facts are gathered.
        own_broker: whose broker it is: the box's own; ``other_broker``: of the practice.
        reached: the broker is reached, field ``{since}``: with the time of the last change, and without it.
        unreached: as ``reached``, where it is not.
        encrypted: the way to the broker is TLS.
        device: label of the box's name.
        address: label of one address; ``no_address`` where none is known.
        families: family of a card in print.
        until: field ``{date}``.
        tries: field ``{n}``, a number or ``all_tries``; ``puk_tries`` likewise for the code de déblocage.
        trust: what a certificate is worth.
        nothing: there was no event yet.
        day: row above the events of a day, field ``{day}``.
        events: by ``domain/name``, at most 15 characters each: they stand beside a time.
        contract: field ``{contract}``.
        memory: label; ``memories`` by kind.
        package: label of the package's hash.
        parts: parts of the box in the report; ``verdicts`` what became of them; ``verdict`` both in one row.
        keys_seen: field ``{n}``.
        options: by setting and option, one row of ``COLUMNS`` less three each.
        questions: by step of the self-test, at most three rows.
        yes: label of key A on a question; ``no`` of key C.
        keys_title: beside the grid of keys, two rows of 10 characters; ``keys_count`` a third, field ``{n}``.
        keys_end: row below them: how to end.
    """

    waiting: str
    own_broker: str
    other_broker: str
    reached: tuple[str, str]
    unreached: tuple[str, str]
    encrypted: str
    device: str
    address: str
    no_address: str
    families: Mapping[str, str]
    until: str
    tries: str
    puk_tries: str
    all_tries: str
    trust: Mapping[str, str]
    nothing: str
    day: str
    events: Mapping[str, str]
    contract: str
    memory: str
    memories: Mapping[str, str]
    package: str
    parts: Mapping[str, str]
    verdict: str
    verdicts: Mapping[str, str]
    keys_seen: str
    options: Mapping[str, Mapping[str, str]]
    questions: Mapping[str, tuple[str, ...]]
    yes: str
    no: str
    keys_title: tuple[str, str]
    keys_count: str
    keys_end: str
