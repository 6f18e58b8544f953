"""Where in a TOML text a complaint of msgspec belongs: file, line and key.

What it is: pure text work for messages. What it is not: a parser: ``tomllib`` reads the file, and keeps no lines.
Rule: whatever the text, a message comes out; at worst it names line 1.
"""

import re
from typing import Final

_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at (?:`key` in )?`\$\.?(?P<where>[^`]*)`)?", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<key>.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<key>.*)`")

HINTS: Final[dict[tuple[str, ...], str]] = {("display", "driver"): "known controllers are ssd1306 and sh1106"}
"""What may stand there, where msgspec only says what may not."""


def explain(problem: str, text: str, name: str) -> str:
    """A message of msgspec as one line that names file, line and key."""
    place = _PLACE.fullmatch(problem)
    what, where = (place["what"], place["where"] or "") if place else (problem, "")
    keys = tuple(re.sub(r"\[.*?\]", "", where).split(".")) if where else ()
    if unknown := _UNKNOWN.fullmatch(what):
        keys, what = (*keys, unknown["key"]), "unknown key"
    elif missing := _MISSING.fullmatch(what):
        # the only required key that default.toml does not give is device.id
        keys, what = (*keys, missing["key"]), "is missing"
        keys = ("device", "id") if keys == ("device",) else keys
    what = "; ".join(filter(None, (what, HINTS.get(keys))))
    lines = _lines(text)
    line = next((lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in lines), 1)
    shown = ".".join(key if key.isprintable() else ascii(key) for key in keys) or "file"
    return f"{name}:{line}: {shown}: {what}"


_HEADER: Final = re.compile(r"\s*\[\[?\s*(?P<path>[^\[\]]+?)\s*\]")
_KEY: Final = re.compile(r"""\s*(?P<path>[\w"'.\- ]+?)\s*=""")


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Where each table and key stands. ``tomllib`` keeps no lines, and this serves messages only."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            here = table = _path(header["path"])
        elif key := _KEY.match(line):
            here = (*table, *_path(key["path"]))
        else:
            continue
        for depth in range(1, len(here) + 1):  # [mqtt.tls] is also the first line of mqtt
            found.setdefault(here[:depth], number)
    return found


def _path(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
