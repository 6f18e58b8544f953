"""EF_ACTUA: whether an update of the card was begun and not ended.

What it is: the judgement of one small file, and so a part of what a known card is recognised by. What it is not: the
dates of anything a person is shown. Rule: a beginning without a valid end stops everything; a file without a beginning
says nothing.

Source: card-reference §2.2 (template EC, 81 start, 82 end, BCD ``YYYYMMDDhhmmss``; CPS3, contact only).
"""

import datetime as dt

from appliance.card import tlv
from appliance.errors import UpdateInterrupted

_TEMPLATE, _START, _END = 0xEC, 0x81, 0x82
_DATE_BYTES = 7

SIZE = 20
"""Bytes of the template with its two dates: the first Le worth trying."""


def check_update(data: bytes) -> None:
    """Judge the content of EF_ACTUA; padding after the template is not looked at.

    Raises:
        UpdateInterrupted: a beginning without an end that is a date and not earlier.
        CardDataMalformed: no TLVs.
    """
    template = tlv.find(tlv.read_all(data), _TEMPLATE)
    if template is None:
        return
    fields = template.children()
    start, end = tlv.find(fields, _START), tlv.find(fields, _END)
    if start is None or not any(start.value):  # never begun
        return
    ended = _moment(end.value) if end else None
    begun = _moment(start.value)
    # A beginning that is no date cannot be compared: its end cannot be believed either.
    if begun is None or ended is None or ended < begun:
        raise UpdateInterrupted("an update of the card was begun and not ended")


def _moment(value: bytes) -> dt.datetime | None:
    """Seven BCD bytes as a moment, for comparison only; None when they are no date."""
    digits = value.hex()
    if len(value) != _DATE_BYTES or not digits.isdigit():
        return None
    try:
        return dt.datetime.strptime(digits, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the card states no zone
    except ValueError:
        return None
