"""BER-TLV as the soft cards write it (ISO/IEC 8825-1 §8.1).

What it is: one encoder. What it is not: a parser, or the product's; the soft cards share nothing with the drivers.
Rule: definite lengths, the shortest form.
"""


def tlv(tag: int, *parts: bytes) -> bytes:
    """BER-TLV with a definite length of at most 65535."""
    value = b"".join(parts)
    size = len(value)
    length = bytes((size,)) if size < 0x80 else bytes((0x81, size)) if size < 0x100 else b"\x82" + size.to_bytes(2)
    return tag.to_bytes((tag.bit_length() + 7) // 8) + length + value
