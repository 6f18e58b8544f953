"""Practice situations of a health professional (``CPS_ACTIVITY_xx_PS``), read behind the PIN.

What it is: the parser of one situation's BER-TLV and its frozen shape. What it is not: the files it stands in (the
drivers) or labels (nomenclature.py). Rule: an unknown tag is kept as it is; bytes that make no sense make a situation
of which nothing is known, never an error of the whole card.

Source: card-reference §8.1, §8.3.
"""

import dataclasses
import re

from appliance.card import tlv
from appliance.card.layout import DataObject, Layout
from appliance.errors import CardDataMalformed

_LABEL = re.compile(r"CPS_ACTIVITY_(0[1-9]|1[0-6])_PS")
_TEMPLATE, _STRUCTURE, _IDENT, _SECTOR = 0xEE, 0x84, 0x85, 0x86
_FORMS = {
    _STRUCTURE: re.compile(r"[^\x00-\x1F\x7F-\x9F]+"),
    _IDENT: re.compile(r"[0-9A-Za-z]+"),
    _SECTOR: re.compile(r"[A-Z]{2}[0-9]{2}"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Situation:
    """One place of practice. ``number`` is 1 to 16, holes are allowed.

    ``structure`` is its name, ``ident`` its Struct_IdNat as the card writes it, ``sector`` a code of table R02
    ("SA07"). ``unknown`` holds (tag, value) of every other inner tag, raw, and of a known one whose value is none.
    """

    number: int
    structure: str | None = dataclasses.field(repr=False)
    ident: str | None = dataclasses.field(repr=False)
    sector: str | None
    unknown: tuple[tuple[int, bytes], ...] = dataclasses.field(default=(), repr=False)


def files(objects: tuple[DataObject, ...], layout: Layout) -> tuple[tuple[int, bytes], ...]:
    """(number, path) of the situations among a card's data objects, by number; nothing else is ever selected.

    A path that another label has too, or outside the application, is left out: ``CPS_SIT_FACT`` is billing data and
    the card must not be able to have it read under another name (card-reference §8.3).
    """
    other = {entry.path for entry in objects if not _LABEL.fullmatch(_plain(entry.label))}
    found: dict[int, bytes] = {}
    for entry in objects:
        match = _LABEL.fullmatch(_plain(entry.label))
        if match and entry.path not in other and entry.path.startswith(layout.application.path):
            found.setdefault(int(match[1]), entry.path)
    return tuple(sorted(found.items()))


def parse_situation(number: int, data: bytes) -> Situation | None:
    """One situation; None where the file is empty: a hole. Never raises."""
    if not any(data):
        return None
    try:
        fields = tlv.need(tlv.read_all(data), _TEMPLATE).children()
    except CardDataMalformed:
        return Situation(number, None, None, None, ((0, data),))
    known: dict[int, str] = {}
    unknown: list[tuple[int, bytes]] = []
    for item in fields:
        text = _text(item) if item.tag in _FORMS and item.tag not in known else None
        if text is None:
            unknown.append((item.tag, item.value))
        else:
            known[item.tag] = text
    return Situation(number, known.get(_STRUCTURE), known.get(_IDENT), known.get(_SECTOR), tuple(unknown))


def _plain(label: str) -> str:
    """A label without the NUL that some writers leave behind it (traces §5, *quirks*)."""
    return label.rstrip("\0")


def _text(item: tlv.Tlv) -> str | None:
    try:
        text = tlv.text(item).rstrip(" \0")
    except CardDataMalformed:
        return None
    return text if _FORMS[item.tag].fullmatch(text) else None
