"""pcsc-lite's calls as the house makes them: result codes as our errors, readers by name, a page sent by address.

What it is: what the card thread, the watcher and the direct line have in common. What it is not: a connection, or a
thread (pcsc.py, pcsc_watcher.py). Rule: nothing is kept from one call to the next.
"""

import ctypes

from smartcard import scard

from appliance.errors import ApplianceError, CardMute, CardRemoved, CardReset, ReaderAbsent, ReaderBusy

RESPONSE_ROOM = 258
STATUS_WORD = 2
"""Bytes that every answer of a card has at least (ISO 7816-4 §5.1)."""

ERRORS: dict[int, type[ApplianceError]] = {
    scard.SCARD_W_REMOVED_CARD: CardRemoved,
    scard.SCARD_E_NO_SMARTCARD: CardRemoved,
    scard.SCARD_W_UNRESPONSIVE_CARD: CardMute,
    scard.SCARD_W_UNPOWERED_CARD: CardMute,
    scard.SCARD_E_PROTO_MISMATCH: CardMute,
    scard.SCARD_W_RESET_CARD: CardReset,
    scard.SCARD_E_SHARING_VIOLATION: ReaderBusy,
}
"""Result code -> error; every other code means that reader or pcscd are away (library-facts §3.1)."""

_pcsclite = ctypes.CDLL("libpcsclite.so.1")


class _IoRequest(ctypes.Structure):
    """SCARD_IO_REQUEST (pcsclite.h): protocol and own length, both unsigned long."""

    _fields_ = (("dwProtocol", ctypes.c_ulong), ("cbPciLength", ctypes.c_ulong))


_pcsclite.SCardTransmit.argtypes = (
    ctypes.c_long,
    ctypes.POINTER(_IoRequest),
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_ulong),
)
_pcsclite.SCardTransmit.restype = ctypes.c_long


def check(result: int) -> None:
    """Raise the error that stands for a PC/SC result code."""
    if result != scard.SCARD_S_SUCCESS:
        raise ERRORS.get(result & 0xFFFFFFFF, ERRORS.get(result, ReaderAbsent))(f"PC/SC {result & 0xFFFFFFFF:08X}")


def list_readers(context: int | None) -> list[str]:
    """Names of the readers pcscd has now.

    Raises:
        ReaderAbsent: pcscd is away.
    """
    result, readers = scard.SCardListReaders(context, [])
    if result == scard.SCARD_E_NO_READERS_AVAILABLE:
        return []
    check(result)
    return list(readers)


def readers_now() -> list[str]:
    """The same, for a caller without a context.

    Raises:
        ReaderAbsent: pcscd is away.
    """
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    check(result)
    try:
        return list_readers(context)
    finally:
        scard.SCardReleaseContext(context)


def transmit_page(card: int | None, protocol: int, address: int, length: int) -> tuple[int, bytes]:
    """Send the ``length`` bytes at ``address``: they never are a Python value; result code and answer."""
    pci = _IoRequest(protocol, ctypes.sizeof(_IoRequest))
    room = ctypes.create_string_buffer(RESPONSE_ROOM)
    received = ctypes.c_ulong(RESPONSE_ROOM)
    result = _pcsclite.SCardTransmit(card, ctypes.byref(pci), address, length, None, room, received)
    return int(result), room.raw[: received.value]
