"""Numbers of the PC/SC API, and what an ATR says of protocols.

What it is: the constants of `pcsclite.h` that the desk's reader uses. What it is not: a rule of who may do what.
Rule: names are those of the standard without their prefixes; values never change.
"""

import enum
from typing import Final

ATR_BYTES: Final = 33


class Status(enum.IntEnum):
    """Answers of SCard calls (`pcsclite.h`)."""

    SUCCESS = 0
    CANCELLED = 0x80100002
    INVALID_HANDLE = 0x80100003
    INSUFFICIENT_BUFFER = 0x80100008
    UNKNOWN_READER = 0x80100009
    SHARING_VIOLATION = 0x8010000B
    NO_SMARTCARD = 0x8010000C
    PROTO_MISMATCH = 0x8010000F
    INVALID_VALUE = 0x80100011
    NOT_TRANSACTED = 0x80100016
    READER_UNAVAILABLE = 0x80100017
    SERVICE_STOPPED = 0x8010001E
    UNSUPPORTED_FEATURE = 0x8010001F
    UNRESPONSIVE_CARD = 0x80100066
    UNPOWERED_CARD = 0x80100067
    RESET_CARD = 0x80100068
    REMOVED_CARD = 0x80100069


class Bits(enum.IntFlag):
    """``readerState`` of a reader (`pcsclite.h`)."""

    NONE = 0
    ABSENT = 0x02
    PRESENT = 0x04
    SWALLOWED = 0x08
    POWERED = 0x10
    NEGOTIABLE = 0x20


class Protocol(enum.IntFlag):
    """Transmission protocols; OLD_ANY is what old programs send for "any"."""

    NONE = 0
    T0 = 1
    T1 = 2
    RAW = 4
    OLD_ANY = 0x1000


class Share(enum.IntEnum):
    """``dwShareMode``."""

    EXCLUSIVE = 1
    SHARED = 2
    DIRECT = 3


class Disposition(enum.IntEnum):
    """What becomes of the card at disconnect, reconnect and end of transaction."""

    LEAVE = 0
    RESET = 1
    UNPOWER = 2
    EJECT = 3


class Attribute(enum.IntEnum):
    """Attributes the desk's reader knows (`reader.h`)."""

    ICC_PRESENCE = 0x00090300
    ICC_INTERFACE_STATUS = 0x00090301
    ATR_STRING = 0x00090303
    DEVICE_FRIENDLY_NAME = 0x7FFF0003
    DEVICE_SYSTEM_NAME = 0x7FFF0004


GET_FEATURES: Final = 0x42000D48
"""Control code CM_IOCTL_GET_FEATURE_REQUEST (PC/SC part 10 §2.2)."""


def atr_protocols(atr: bytes) -> Protocol:
    """Protocols an ATR offers (ISO 7816-3 §8.2.3): those its TD bytes name, T=0 without any; TA2 fixes one.

    What is no ATR offers none, as `ATRDecodeAtr` has it.
    """
    known = {0: Protocol.T0, 1: Protocol.T1}
    if not 2 <= len(atr) <= ATR_BYTES or atr[0] not in (0x3B, 0x3F):
        return Protocol.NONE
    offered, present, at, group = Protocol.NONE, atr[1] >> 4, 2, 1
    while present:
        first, at = at, at + present.bit_count()
        if at > len(atr):
            return Protocol.NONE
        if group == 2 and present & 1:
            return known.get(atr[first] & 15, Protocol.NONE)
        following = atr[at - 1] if present & 8 else 0
        if present & 8:
            offered |= known.get(following & 15, Protocol.NONE)
            if not offered:
                return Protocol.NONE
        present, group = following >> 4, group + 1
    return offered or Protocol.T0
