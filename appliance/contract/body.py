"""The look at a request body before its shape is known (contract, *Limits*).

What it is: bytes in, plain JSON values out, or a refusal. What it is not: a schema.
Rule: one parser. What passes here is what the schema sees; no second reader of the same bytes can differ. The depth
is checked before any parser recurses.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from appliance.contract.limits import DEPTH, PLAIN_BODY
from appliance.errors import Malformed, TooLarge

_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_STEP: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


def parse_body(payload: bytes) -> dict[str, Any]:
    """A JSON object with UTF-8, NFC strings, no duplicate keys, at most ``DEPTH`` levels.

    Raises:
        TooLarge: longer than ``PLAIN_BODY``.
        Malformed: anything else than that.
    """
    if len(payload) > PLAIN_BODY:
        raise TooLarge(PLAIN_BODY, "body")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 at byte {error.start}") from None
    if _depth(text) > DEPTH:
        raise Malformed(f"more than {DEPTH} levels")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except ValueError as error:  # JSONDecodeError, and int() beyond its digits
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Malformed(f"not JSON{where}") from None
    if not isinstance(value, dict):
        raise Malformed("not an object")
    if not all(_is_clean(string) for string in _strings(value)):
        raise Malformed("text is not NFC, or half a surrogate pair")
    return value


def _depth(text: str) -> int:
    """Deepest nesting of brackets outside strings; of no use but as a bound when the text is not JSON."""
    deepest = level = 0
    for token in _TOKENS.finditer(text):
        level += _STEP.get(token[0], 0)
        deepest = max(deepest, level)
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("a member is given twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not JSON")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)


def _is_clean(text: str) -> bool:
    return unicodedata.is_normalized("NFC", text) and not any("\ud800" <= letter <= "\udfff" for letter in text)
