"""What a client of the desk's reader may ask, in the words of the PC/SC API.

What it is: pcscd's half of the SCard calls (pcsc-lite 2.3.3 `winscard.c`) over a slot and its handles.
What it is not: a socket; it never sees a message.
Rule: each call answers, or raises SCardError with the status pcscd would give.
"""

from collections.abc import Iterable
from typing import Final

from appliance.simulator.pcsclite_codes import (
    GET_FEATURES,
    Attribute,
    Bits,
    Disposition,
    Protocol,
    Share,
    Status,
    atr_protocols,
)
from appliance.simulator.pcsclite_handles import EXCLUSIVE_USE, SCardError
from appliance.simulator.pcsclite_slot import RENEWALS, Slot, power_on

_NAMEABLE: Final = Protocol.T0 | Protocol.T1 | Protocol.RAW | Protocol.OLD_ANY
_EITHER: Final = Protocol.T0 | Protocol.T1
_SHARES: Final = frozenset(Share)
_DISPOSITIONS: Final = frozenset(Disposition)
_SHORTEST_COMMAND: Final = 4


class Reader:
    """The calls of clients on one slot.

    Args:
        slot: the reader; its ``turn`` is taken here.
        features: answer to GET_FEATURES; empty: the reader knows no control code (no PIN pad).
    """

    def __init__(self, slot: Slot, *, features: bytes = b"") -> None:
        self.slot = slot
        self.features = features

    def connect(self, name: bytes, share: int, preferred: int) -> tuple[int, int]:
        """SCardConnect: (handle, protocol). Waits for the end of somebody's transaction."""
        _check_mode(share, preferred)
        slot = self.slot
        with slot.turn:
            if not slot.attached or name != slot.name:
                raise SCardError(Status.UNKNOWN_READER)
            if slot.handles.sharing == EXCLUSIVE_USE:
                raise SCardError(Status.SHARING_VIOLATION)
            self._await_unlocked(0)
            if share != Share.DIRECT:
                self._need_power()
            protocol = self._negotiate(share, preferred)
            handle = slot.handles.open(exclusive=share == Share.EXCLUSIVE)
            slot.tell()
            return handle, protocol

    def reconnect(self, handle: int, share: int, preferred: int, disposition: int) -> int:
        """SCardReconnect: the protocol. What the handle missed is forgiven."""
        _check_mode(share, preferred)
        if disposition not in _DISPOSITIONS or disposition == Disposition.EJECT:
            raise SCardError(Status.INVALID_VALUE)
        slot = self.slot
        with slot.turn:
            slot.handles.admit(handle, aware=False)
            if slot.bits & Bits.ABSENT:
                raise SCardError(Status.NO_SMARTCARD)
            self._renew(disposition, Status.NO_SMARTCARD)
            if slot.bits & Bits.SWALLOWED:
                raise SCardError(Status.UNRESPONSIVE_CARD)
            slot.handles.admit(handle, aware=False)
            protocol = self._negotiate(share, preferred)
            slot.handles.share(handle, exclusive=share == Share.EXCLUSIVE)
            slot.handles.forgive(handle)
            slot.tell()
            return protocol

    def disconnect(self, handle: int, disposition: int) -> None:
        """SCardDisconnect. A handle whose reader went away is let go; a reset waits for somebody's transaction."""
        if disposition not in _DISPOSITIONS:
            raise SCardError(Status.INVALID_VALUE)
        slot = self.slot
        with slot.turn:
            if handle in slot.handles and disposition != Disposition.LEAVE:
                self._await_unlocked(handle)
            if handle not in slot.handles:
                return
            slot.handles.free(handle)
            self._dispose(disposition)
            if handle in slot.handles:
                slot.handles.close(handle)
            slot.tell()

    def begin(self, handle: int) -> None:
        """SCardBeginTransaction. SHARING_VIOLATION makes libpcsclite ask again."""
        with self.slot.turn:
            self.slot.handles.admit(handle)
            self.slot.handles.lock(handle)

    def end(self, handle: int, disposition: int) -> None:
        """SCardEndTransaction. After a reset the handle itself must reconnect too, as with pcscd."""
        if disposition not in _DISPOSITIONS:
            raise SCardError(Status.INVALID_VALUE)
        slot = self.slot
        with slot.turn:
            slot.handles.admit(handle)
            self._renew(disposition, Status.REMOVED_CARD)
            slot.handles.unlock(handle)
            slot.tell()
            if disposition == Disposition.EJECT:
                raise SCardError(Status.NOT_TRANSACTED)  # no motor

    def status(self, handle: int) -> None:
        """SCardStatus: whether the handle may still read the reader table as its card's."""
        with self.slot.turn:
            self.slot.handles.admit(handle)

    def transmit(self, handle: int, protocol: int, apdu: bytes) -> bytes:
        """SCardTransmit: one command, one answer; what the card says is not looked into."""
        slot = self.slot
        with slot.turn:
            slot.handles.admit(handle)
            if protocol != Protocol.RAW:
                if slot.bits & Bits.ABSENT:
                    raise SCardError(Status.NO_SMARTCARD)
                if protocol not in (slot.protocol, Protocol.OLD_ANY):
                    raise SCardError(Status.PROTO_MISMATCH)
            if not slot.bits & Bits.POWERED or len(apdu) < _SHORTEST_COMMAND:
                raise SCardError(Status.NOT_TRANSACTED)
            return slot.ask(lambda card: card.transmit(apdu)) or b""

    def control(self, handle: int, code: int) -> bytes:
        """SCardControl: the features the reader was made with, or UNSUPPORTED_FEATURE."""
        with self.slot.turn:
            self.slot.handles.admit(handle, aware=False)
            if code != GET_FEATURES or not self.features:
                raise SCardError(Status.UNSUPPORTED_FEATURE)
            return self.features

    def attribute(self, handle: int, name: int) -> bytes:
        """SCardGetAttrib: ATR, names, presence; else UNSUPPORTED_FEATURE."""
        slot = self.slot
        with slot.turn:
            slot.handles.admit(handle)
            present, powered = (bool(slot.bits & bit) for bit in (Bits.PRESENT, Bits.POWERED))
            known = {
                Attribute.ATR_STRING: slot.atr,
                Attribute.ICC_PRESENCE: bytes([2 * present]),
                Attribute.ICC_INTERFACE_STATUS: bytes([powered]),
                Attribute.DEVICE_FRIENDLY_NAME: slot.name + b"\0",
                Attribute.DEVICE_SYSTEM_NAME: slot.name + b"\0",
            }
            if name not in known:
                raise SCardError(Status.UNSUPPORTED_FEATURE)
            return known[Attribute(name)]

    def forget(self, handles: Iterable[int]) -> None:
        """A client is gone: its handles close, and a card it held locked is reset."""
        slot = self.slot
        with slot.turn:
            for handle in handles:
                if handle not in slot.handles:
                    continue
                held = slot.handles.owner == handle and not slot.handles.missed(handle)
                slot.handles.free(handle)
                self.disconnect(handle, Disposition.RESET if held else Disposition.LEAVE)

    def _await_unlocked(self, handle: int) -> None:
        slot, handles = self.slot, self.slot.handles
        slot.turn.wait_for(lambda: handles.owner in (0, handle) or slot.handles is not handles)
        if slot.handles is not handles and not handle:
            raise SCardError(Status.READER_UNAVAILABLE)

    def _need_power(self) -> None:
        slot = self.slot
        if slot.bits & Bits.ABSENT:
            raise SCardError(Status.NO_SMARTCARD)
        if not slot.bits & Bits.POWERED:
            slot.energise(power_on, Status.NO_SMARTCARD)
        if not slot.bits & Bits.POWERED:
            raise SCardError(Status.UNPOWERED_CARD)  # pcscd's word for a mute card; its Reconnect says UNRESPONSIVE

    def _negotiate(self, share: int, preferred: int) -> int:
        slot = self.slot
        if preferred & Protocol.RAW:
            slot.protocol = Protocol.RAW
        elif share != Share.DIRECT and not slot.protocol:
            wanted = _EITHER if preferred & Protocol.OLD_ANY else preferred
            common = wanted & atr_protocols(slot.atr)
            if not common:
                raise SCardError(Status.PROTO_MISMATCH)
            slot.protocol = Protocol.T1 if common & Protocol.T1 else Protocol.T0
        elif share != Share.DIRECT and not preferred & slot.protocol:
            raise SCardError(Status.PROTO_MISMATCH)
        return int(slot.protocol)

    def _renew(self, disposition: int, torn: Status) -> None:
        """Make the card fresh for the handles that stay; LEAVE and EJECT do nothing."""
        if disposition in RENEWALS:
            self.slot.handles.warn_reset()
            self.slot.energise(RENEWALS[disposition], torn)

    def _dispose(self, disposition: int) -> None:
        """What becomes of the card when a handle closes; a card that is not there cannot refuse."""
        if disposition not in RENEWALS or self.slot.bits & Bits.ABSENT:
            return
        self.slot.handles.warn_reset()
        try:
            if disposition == Disposition.UNPOWER:
                self.slot.unpower()
            else:
                self.slot.energise(RENEWALS[disposition])
        except SCardError:
            return


def _check_mode(share: int, preferred: int) -> None:
    if share not in _SHARES:
        raise SCardError(Status.INVALID_VALUE)
    if share != Share.DIRECT and not preferred & _NAMEABLE:
        raise SCardError(Status.PROTO_MISMATCH)
