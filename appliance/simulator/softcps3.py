"""A soft CPS3: the IAS-ECC card of a health professional, as the reference traces show it.

What it is: the command side of card-reference §3-§6 under T=0, with the card's own counters, and its CPS2ter face.
What it is not: contactless, secure messaging, UPDATE BINARY.
Rule: commands are dispatched by table; where no trace shows an answer the stricter one is given, so that a driver that
satisfies this card asks nothing unproven of a real one.
"""

from typing import Unpack

from appliance.simulator import softcps2ter, softfiles
from appliance.simulator.pki import TestPki
from appliance.simulator.softapdu import Apdu, Refused, Transport
from appliance.simulator.softcps2ter import Cps2ter
from appliance.simulator.softcpx import Options, SoftCpx
from appliance.simulator.softfiles import CONTACT, FOLDERS, MF, Ef
from appliance.simulator.softpin import PIN, PUK
from appliance.simulator.softsign import AUTHENTICATION, SIGNATURE, Keys
from appliance.simulator.softtlv import tlv

ATR = bytes.fromhex("3BAC00402A001225006480000310009000")  # card-reference §1.2: CPS3 contact, T=0 only
_BY_ID, _BY_NAME, _BY_PATH = 0x02, 0x04, 0x09
_FCP, _NOTHING = 0x04, 0x0C
_TEMPLATE = 0x62


class SoftCps3(SoftCpx):
    """One card.

    Args:
        pki: whose card; its keys sign.
        options: see ``Options``.

    Raises:
        SimulatorError: a serial, PIN or PUK of the wrong shape.
    """

    atr: bytes | None = ATR
    generation = softfiles.CPS3

    def __init__(self, pki: TestPki, **options: Unpack[Options]) -> None:
        super().__init__(pki, (SIGNATURE, AUTHENTICATION), **options)
        self._keys = Keys(self._private)
        self._root_by_name = False
        self._selects = {_BY_ID: self._by_id, _BY_NAME: self._by_name, _BY_PATH: self._by_path}
        # (tag, reference, part) -> (folder where it is found, content): card-reference §3.3, traces/README §3.
        self._objects = {
            (0xBF81, PIN, 0xA0): (MF, self._codes.describe),
            (0xBF81, PUK, 0xA0): (MF, self._codes.describe),
            (0xBF81, PIN, 0x7F41): (MF, self._codes.lengths),
            (0xBF81, PUK, 0x7F41): (MF, self._codes.lengths),
            (0xBF90, 1, 0xA0): (CONTACT, self._keys.describe),
            (0xBF90, 2, 0xA0): (CONTACT, self._keys.describe),
        }
        self._old_face = Cps2ter(lambda: self.verified, self.selected)
        self._floor_lost = False
        self._transport = Transport(
            {
                0x20: self._codes.verify,
                0x22: self._manage_environment,
                0x24: self._codes.change,
                0x2A: self._keys.operate,
                0x2C: self._codes.unblock,
                0x84: self._challenge,
                0x88: self._keys.authenticate,
                0xA4: self._select,
                0xB0: self._read,
                0xCB: self._get_data,
            }
        )

    def reset(self) -> None:
        """Forget the PIN, the selections, the security environment and what waits; the IAS face has the floor."""
        super().reset()
        self._keys.forget()
        self._transport.reset()
        self._old_face.reset()
        self._root_by_name = self._floor_lost = False

    def _respond(self, apdu: bytes) -> bytes:
        """Class A0 gives the floor to the CPS2ter face; only the root's name takes it back (traces/README §2)."""
        if apdu[:1] == bytes((softcps2ter.CLASS,)):
            self._floor_lost = True
            return self._old_face.transmit(apdu)
        if self._floor_lost:
            if apdu[:3] != bytes((0x00, 0xA4, _BY_NAME)) or apdu[5:13] != softfiles.ROOT_AID:
                return b"\x6e\x00"
            self._floor_lost = False
        return self._transport.transmit(apdu)

    def _select(self, command: Apdu) -> bytes:
        """ISO 7816-4 §11.2.2; P1 02 by file id, 04 by name, 09 by path; P2 04 = FCP, 0C = nothing."""
        way, wanted = self._selects.get(command.header[2]), command.header[3]
        if way is None or wanted not in (_FCP, _NOTHING):
            raise Refused(0x6A86)
        folder, file = way(command)
        if file is None:  # a DF: its security environment starts empty
            self._keys.forget()
        self._choose(folder, file)
        self._root_by_name = command.header[2] == _BY_NAME and folder == MF
        if wanted == _NOTHING:
            return b""
        return file.control(_TEMPLATE) if file is not None else softfiles.folder_control(folder, _TEMPLATE)

    def _by_name(self, command: Apdu) -> tuple[int, Ef | None]:
        for folder, aid in FOLDERS.items():
            if command.data == aid:
                return folder, None
        raise Refused(0x6A82)

    def _by_id(self, command: Apdu) -> tuple[int, Ef | None]:
        """Needs P2=04 (card-reference §3.2)."""
        if command.header[3] != _FCP:
            raise Refused(0x6A86)
        if len(command.data) != 2:
            raise Refused(0x6700)
        if command.data == b"\x3f\x00":
            return MF, None
        return self._folder, self._find(self._folder, command.data)

    def _by_path(self, command: Apdu) -> tuple[int, Ef | None]:
        """Full path with 3F00; without it only right after the root was selected by name (card-reference §3.2)."""
        path = command.data
        if not path or len(path) % 2:
            raise Refused(0x6700)
        if path[:2] == b"\x3f\x00":
            path = path[2:]
        elif not self._root_by_name:
            raise Refused(0x6A82)
        folder = MF
        if path and int.from_bytes(path[:2]) in FOLDERS:
            folder, path = int.from_bytes(path[:2]), path[2:]
        return folder, self._find(folder, path) if path else None

    def _read(self, command: Apdu) -> bytes:
        """READ BINARY by offset or by short file id."""
        p1, offset = command.p
        if command.le is not None and p1 & 0x80:
            self._choose(self._folder, self._by_short_id(p1 & 0x1F))
        else:
            offset |= p1 << 8
        return self._content(offset, command.le)

    def _by_short_id(self, short_id: int) -> Ef:
        for (folder, _), file in self.files.items():
            if folder == self._folder and file.short_id == short_id:
                return file
        raise Refused(0x6A82)

    def _manage_environment(self, command: Apdu) -> bytes:
        return self._keys.manage(command, application=self._folder == CONTACT)

    def _get_data(self, command: Apdu) -> bytes:
        """GET DATA through an extended header list 4D (card-reference §5.1).

        What a card without that object answers is seen for 7F48 of a key only: 6A80. In the wrong DF: 6A88.
        """
        if command.p != (0x3F, 0xFF):
            raise Refused(0x6A86)
        for (tag, reference, part), (folder, describe) in self._objects.items():
            header = tag.to_bytes(2) + bytes((reference,))
            if command.data == tlv(0x4D, tlv(0x70, tlv(int.from_bytes(header), _tag(part) + b"\x80"))):
                if folder != self._folder:
                    raise Refused(0x6A88)
                return tlv(0x70, tlv(int.from_bytes(header), describe(reference)))
        raise Refused(0x6A80)


def _tag(tag: int) -> bytes:
    return tag.to_bytes((tag.bit_length() + 7) // 8)
