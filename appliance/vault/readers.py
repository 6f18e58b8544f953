"""Which of the readers is ours, when there are several.

What it is: ``[reader] roles`` applied to the names pcscd lists. What it is not: PC/SC (pcsc.py, pcsc_watcher.py).
Rule: a reader that serves Vitale cards is never ours; once a role ``cps`` is given, no reader without it is.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

Role = Literal["cps", "vitale"]


def choose(readers: Sequence[str], roles: Mapping[str, Role]) -> str | None:
    """The reader for CPS cards, or None.

    Args:
        readers: names as pcscd lists them; on Linux they end in two numbers of the slot, ``… 00 00``.
        roles: whole name or any part of it -> role. The whole name wins, then the longest part.
    """
    found = {name: _key(name, roles) for name in readers}
    if "cps" not in roles.values():
        free = (name for name, key in found.items() if key is None or roles[key] != "vitale")
        return next(free, None)
    ours = [name for name, key in found.items() if key is not None and roles[key] == "cps"]
    return min(ours, key=lambda name: name != found[name], default=None)  # of equals, min takes the first


def _key(name: str, roles: Mapping[str, Role]) -> str | None:
    """The entry of ``roles`` that speaks of this reader."""
    if name in roles:
        return name
    return max((part for part in roles if part in name), key=len, default=None)
