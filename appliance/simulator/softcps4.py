"""A soft CPS4: the ChipDoc applet on logical channel 1, as the reference traces show it.

What it is: the command side of card-reference §3.1, §5 and §6.6 as corrected by traces/README §1, under T=0 or T=1;
the applets beside ChipDoc as far as its recovery needs them, and the CPS2ter face on channel 0. What it is not:
contactless, secure messaging, the CPS2ter emulation of channel 0 beyond its files.
Rule: as for the soft CPS3, the stricter answer wherever no trace shows one. The PIN is lost whenever ChipDoc is
selected by name.
"""

import enum
from typing import Unpack

from appliance.simulator import softcps2ter, softfiles
from appliance.simulator.pki import TestPki
from appliance.simulator.softapdu import Apdu, Refused, Transport
from appliance.simulator.softcps2ter import Cps2ter
from appliance.simulator.softcpx import Options, SoftCpx
from appliance.simulator.softfiles import CONTACT, FOLDERS, MF, ROOT_AID, Ef
from appliance.simulator.softsign4 import AUTHENTICATION, SIGNATURE, Keys4

# card-reference §1.2: the first is the one that users report, T=0 only; of the others pcscd takes T=1 (traces §2).
ATR = bytes.fromhex("3BDC18FF00001225006480000401009000")
DUAL_ATR = bytes.fromhex("3B9B188001001225006480040100009044")
RC_ATR = bytes.fromhex("3B9B188001001225006480000401009044")

SECURITY_DOMAIN_AID = bytes.fromhex("A0000001510000")
CPS2TER_AID = bytes.fromhex("8025000001FF0002")
LOST, CLOSED = 0x6985, 0x6881
"""Status words of a ChipDoc that is lost, and of a channel that is closed (card-reference §3.1)."""

_SELECT = 0xA4
_BY_NAME, _BY_PATH = 0x04, 0x08
_FCI, _NOTHING = 0x00, 0x0C
_TEMPLATE = 0x6F
_CHANNEL = 0x03


class _Way(enum.Enum):
    """How far the recovery has come: the security domain on channel 1, then CPS2ter on channel 0 (traces, pin-lost)."""

    AWAY = enum.auto()
    DOMAIN = enum.auto()
    OPEN = enum.auto()


class SoftCps4(SoftCpx):
    """One card.

    Args:
        pki: whose card; its keys sign.
        atr: one of the three; those that offer T=1 make it a card that speaks T=1.
        options: see ``Options``.

    Raises:
        SimulatorError: a serial, PIN or PUK of the wrong shape.
    """

    generation = softfiles.CPS4

    def __init__(self, pki: TestPki, *, atr: bytes = ATR, **options: Unpack[Options]) -> None:
        super().__init__(pki, (SIGNATURE, AUTHENTICATION), **options)
        self.atr = atr
        self._keys = Keys4(self._private)
        self._applet = b""  # which one has channel 1; none until it is selected there
        self._way = _Way.OPEN
        t1 = atr in (DUAL_ATR, RC_ATR)
        self._channels = {
            0: Transport({_SELECT: self._select_beside}, t1=t1),
            1: Transport(
                {
                    0x20: self._codes.verify,
                    0x22: self._manage_environment,
                    0x24: self._codes.replace,
                    0x2A: self._keys.operate,
                    0x2C: self._codes.release,
                    0x84: self._challenge,
                    _SELECT: self._select,
                    0xB0: self._read,
                },
                cla=0x01,
                t1=t1,
            ),
        }
        self._old_face = Cps2ter(lambda: self.verified, self.selected)

    def reset(self) -> None:
        """Forget PIN, selections, environment and what waits; channel 1 is closed. ChipDoc lost stays lost."""
        super().reset()
        self._applet = b""
        self._keys.forget()
        self._old_face.reset()
        for channel in self._channels.values():
            channel.reset()

    def lose_applet(self, status: int = LOST) -> None:
        """ChipDoc goes, and the PIN with it: every command on channel 1 ends in ``status``.

        After 6881 selecting ChipDoc again is enough; after 6985 that ends in 6985 too, resets change nothing, and only
        the security domain on channel 1 followed by CPS2ter on channel 0 makes it selectable (card-reference §3.1).
        """
        self.forget_pin()
        self._keys.forget()
        self._applet = b""
        self._way = _Way.AWAY if status == LOST else _Way.OPEN

    def _respond(self, apdu: bytes) -> bytes:
        if apdu[:1] == bytes((softcps2ter.CLASS,)):
            return self._old_face.transmit(apdu)
        channel = self._channels.get(apdu[0] & _CHANNEL if apdu else 0)
        if channel is None:
            return CLOSED.to_bytes(2)
        if channel is self._channels[0]:
            # The applet beside ChipDoc has the old class; of ours it knows SELECT by name (traces, cps4-dual-atr).
            return channel.transmit(apdu) if apdu[1:3] == bytes((_SELECT, _BY_NAME)) else b"\x6e\x00"
        if self._applet != ROOT_AID and apdu[1:3] != bytes((_SELECT, _BY_NAME)):
            return self._absent.to_bytes(2)
        return channel.transmit(apdu)

    @property
    def _absent(self) -> int:
        """What a command gets that ChipDoc does not hear."""
        if self._applet == SECURITY_DOMAIN_AID:
            return 0x6E00
        return LOST if self._way is _Way.AWAY else CLOSED

    def _select_beside(self, command: Apdu) -> bytes:
        """Channel 0: CPS2ter alone has a name there."""
        if command.data != CPS2TER_AID:
            raise Refused(0x6A82)
        if command.header[3] != _NOTHING:
            raise Refused(0x6A86)
        if self._way is _Way.DOMAIN:
            self._way = _Way.OPEN
        return b""

    def _select(self, command: Apdu) -> bytes:
        """Channel 1: P1 04 by name without an answer; P1 08 by path from the MF with the FCI in tag 6F."""
        if command.p == (_BY_NAME, _NOTHING):
            return self._by_name(command.data)
        if command.p == (_BY_PATH, _FCI):
            return self._by_path(command.data)
        raise Refused(0x6A86)

    def _by_name(self, aid: bytes) -> bytes:
        if aid == SECURITY_DOMAIN_AID:
            self._way = _Way.OPEN if self._way is _Way.OPEN else _Way.DOMAIN
        elif aid != ROOT_AID:
            raise Refused(0x6A82)
        elif self._way is not _Way.OPEN:
            raise Refused(LOST)
        self._applet = aid
        self.forget_pin()
        self._keys.forget()
        self._choose(MF, None)
        return b""

    def _by_path(self, path: bytes) -> bytes:
        """The path has no 3F00 in front (traces/README §1.1)."""
        if not path or len(path) % 2:
            raise Refused(0x6700)
        folder = MF
        if int.from_bytes(path[:2]) in FOLDERS and path[:2] != MF.to_bytes(2):
            folder, path = int.from_bytes(path[:2]), path[2:]
        file: Ef | None = self._find(folder, path) if path else None
        if file is None:
            self._keys.forget()
        self._choose(folder, file)
        return file.control(_TEMPLATE) if file is not None else softfiles.folder_control(folder, _TEMPLATE)

    def _read(self, command: Apdu) -> bytes:
        """READ BINARY by offset; short file ids are on no record."""
        p1, offset = command.p
        if p1 & 0x80:
            raise Refused(0x6A86)
        return self._content(p1 << 8 | offset, command.le)

    def _manage_environment(self, command: Apdu) -> bytes:
        return self._keys.manage(command, application=self._folder == CONTACT)
