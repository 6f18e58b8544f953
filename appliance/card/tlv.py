"""BER-TLV as cards write it: a lenient, bounded reader and the small writer that commands need.

What it is: tags, lengths and values (ISO 7816-4 §5.2.2, X.690 §8.1), and the three primitive values PKCS#15 needs.
What it is not: an ASN.1 compiler. Rule: any bytes give a value or ``CardDataMalformed``; nothing recurses, so depth is
that of the caller's own calls, and every length is bounded by the bytes at hand.

Lenient where real cards are malformed (card-reference §3.3): ``03 01 08`` and ``03 02 08 00`` are empty BIT STRINGs,
integers are unsigned, a tag 00 ends a file.
"""

import dataclasses
from collections.abc import Iterable

from appliance.errors import CardDataMalformed

MAX_TAG = 3
"""Bytes of one tag at most; ``BF8101`` is the longest in use (card-reference §5.1)."""

MAX_LENGTH = 0xFFFF
"""Longest value accepted; the longest file of a CPx card is a certificate of about 2 kB."""

MAX_ITEMS = 256
"""Siblings at most in one value; a directory file holds tens."""

SEQUENCE = 0x30
SET = 0x31
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
ENUMERATED = 0x0A
UTF8_STRING = 0x0C


@dataclasses.dataclass(frozen=True, slots=True)
class Tlv:
    """One data object: its tag as a big-endian number (``0xBF8101``) and its value."""

    tag: int
    value: bytes = dataclasses.field(repr=False)

    def children(self) -> "tuple[Tlv, ...]":
        """The objects inside, one level down.

        Raises:
            CardDataMalformed: the value is no list of TLVs.
        """
        return read_all(self.value)


def read(data: bytes, at: int = 0) -> tuple[Tlv, int]:
    """The object that starts at ``at``, and where the next one starts.

    Raises:
        CardDataMalformed: cut short, a tag or length beyond the bounds, an indefinite length.
    """
    tag, start, length = _head(data, at)
    end = start + length
    if end > len(data):
        raise CardDataMalformed("TLV value cut short")
    return Tlv(tag, bytes(data[start:end])), end


def read_all(data: bytes) -> tuple[Tlv, ...]:
    """All objects of a file or value, in order; a tag 00 ends the list (file padding, card-reference §3.3).

    Raises:
        CardDataMalformed: as ``read``, or more than ``MAX_ITEMS``.
    """
    items: list[Tlv] = []
    at = 0
    while at < len(data) and data[at] != 0x00:
        if len(items) == MAX_ITEMS:
            raise CardDataMalformed("too many TLVs")
        item, at = read(data, at)
        items.append(item)
    return tuple(items)


def total_length(head: bytes) -> int:
    """Header and value of the object whose first bytes are ``head``: how much of a file is worth reading.

    Raises:
        CardDataMalformed: not the head of a TLV.
    """
    _, start, length = _head(head, 0)
    return start + length


def whole(data: bytes) -> tuple[Tlv, ...]:
    """The objects of a list read in part: those that are complete, without the last one if it is cut.

    Raises:
        CardDataMalformed: not a list of TLVs, as far as can be seen.
    """
    at = 0
    while at < len(data) and data[at] != 0x00 and len(data) - at >= MAX_TAG + 3:
        end = at + total_length(data[at:])
        if end > len(data):
            break
        at = end
    return read_all(data[:at])


def ended(data: bytes) -> bool:
    """Whether a list of TLVs, read so far as ``data``, has met its closing 00.

    False when the list stops at or beyond the end of ``data``: more of the file must be read.

    Raises:
        CardDataMalformed: not a list of TLVs, as far as can be seen.
    """
    at = 0
    while at < len(data):
        if data[at] == 0x00:
            return True
        if len(data) - at < MAX_TAG + 3:
            return False
        at += total_length(data[at:])
    return False


def find(items: Iterable[Tlv], tag: int) -> Tlv | None:
    """The first object with this tag, or None."""
    return next((item for item in items if item.tag == tag), None)


def need(items: Iterable[Tlv], tag: int) -> Tlv:
    """The first object with this tag.

    Raises:
        CardDataMalformed: there is none.
    """
    item = find(items, tag)
    if item is None:
        raise CardDataMalformed(f"no tag {tag:X}")
    return item


def descend(data: bytes, *tags: int) -> Tlv:
    """Follow ``tags`` down, the first of each level.

    Raises:
        CardDataMalformed: one is missing.
    """
    item = Tlv(0, data)
    for tag in tags:
        item = need(item.children(), tag)
    return item


def write(tag: int, value: bytes) -> bytes:
    """One object in definite, shortest form.

    Raises:
        ValueError: longer than ``MAX_LENGTH``; a fault of the caller.
    """
    if len(value) > MAX_LENGTH:
        raise ValueError("value too long")
    size = len(value)
    form = b"" if size < 0x80 else b"\x81" if size < 0x100 else b"\x82"
    length = form + size.to_bytes(2 if size >= 0x100 else 1, "big")
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big") + length + value


def unsigned(item: Tlv) -> int:
    """An INTEGER or ENUMERATED as an unsigned number.

    Cards write ``02 01 81`` and ``02 02 00 81`` for the same key reference (traces §1.7).

    Raises:
        CardDataMalformed: empty, or longer than four bytes.
    """
    if not 1 <= len(item.value) <= 5 or (len(item.value) == 5 and item.value[0]):
        raise CardDataMalformed("integer of a strange size")
    return int.from_bytes(item.value, "big")


def bits(item: Tlv) -> frozenset[int]:
    """Numbers of the bits that are set in a BIT STRING; bit 0 is the leftmost (X.680 §22.2).

    An unused-bits count without content, or of eight or more, names no bits (card-reference §3.3).
    """
    content = item.value[1:]
    used = len(content) * 8 - (item.value[0] if item.value else 0)
    return frozenset(n for n in range(max(used, 0)) if content[n >> 3] >> (7 - (n & 7)) & 1)


def text(item: Tlv) -> str:
    """A UTF8String.

    Raises:
        CardDataMalformed: not UTF-8.
    """
    try:
        return item.value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CardDataMalformed("text is not UTF-8") from error


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start of the value, length of the value."""
    try:
        tag, at = _tag(data, at)
        first = data[at]
        at += 1
        if first < 0x80:
            return tag, at, first
        count = first & 0x7F
        if not 1 <= count <= 2:
            # 80 is the indefinite form, which no card file uses; three bytes would pass MAX_LENGTH.
            raise CardDataMalformed("TLV length out of bounds")
        if at + count > len(data):
            raise CardDataMalformed("TLV length cut short")
        return tag, at + count, int.from_bytes(data[at : at + count], "big")
    except IndexError as error:
        raise CardDataMalformed("TLV header cut short") from error


def _tag(data: bytes, at: int) -> tuple[int, int]:
    """The tag as a number, and where the length starts."""
    tag = data[at]
    at += 1
    if tag & 0x1F != 0x1F:
        return tag, at
    for _ in range(MAX_TAG - 1):
        byte = data[at]
        tag, at = tag << 8 | byte, at + 1
        if not byte & 0x80:
            return tag, at
    raise CardDataMalformed("TLV tag too long")
