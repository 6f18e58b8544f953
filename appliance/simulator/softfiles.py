"""The file system of a soft CPS3 or CPS4, byte for byte as far as the reference knows it.

What it is: EFs built from a test PKI, a chip serial and a PIN format (card-reference §2.2 and §3, traces/README §3,
traces/filesystem-dump). What it is not: the rules for reaching them; those are the card's. What the data objects
contain stands in ``softobjects``.
Rule: what a real card writes wrongly (EF.ATR's stray byte, flags ``03 01 08``, PUK ids 02 against 04) is written so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from appliance.simulator.pki import TestPki, luhn
from appliance.simulator.softobjects import TWO, DataObject, public_objects
from appliance.simulator.softtlv import tlv

ROOT_AID = bytes.fromhex("80250000 01FF0100")
CONTACT_AID = bytes.fromhex("E828BD080F8025000001FF0010")
CONTACTLESS_AID = bytes.fromhex("E828BD080F8025000001FF0020")
ISSUER = "8025000001"

MF, CONTACT, CONTACTLESS = 0x3F00, 0x0001, 0x0002
FOLDERS = {MF: ROOT_AID, CONTACT: CONTACT_AID, CONTACTLESS: CONTACTLESS_AID}

_SHORT_IDS = {0x2F00: 0x1E, 0x2F01: 0x1D, 0xD003: 0x1C, 0x5031: 0x11, 0x5032: 0x12}
_MALFORMED_FLAGS = bytes.fromhex("030108")  # card-reference §3.3: an unused-bits count with no content
_PRIVATE_FLAGS = bytes.fromhex("03020780")

# card-reference §2.2, seen on a real card.
EF_ATR = bytes.fromhex(
    "80 4301B8 460404B0ECC1 4703940180 4F088025000001FF0100 E01002020104020201040202010002020100"
    "780806062B8122F87802 82029000"
)


@dataclass(frozen=True, slots=True)
class Generation:
    """What differs between the files of the families.

    Attributes:
        label: the start of TokenInfo's label.
        ids: last byte of the ids of the signature and authentication key, and of their certificates.
        references: their key references, as DER integers.
    """

    label: str
    ids: tuple[int, int]
    references: tuple[bytes, bytes]


CPS3 = Generation("CPS3v3", (0x01, 0x02), (bytes.fromhex("02020081"), bytes.fromhex("02020082")))
CPS4 = Generation("CPS4v1", (0x10, 0x20), (bytes.fromhex("020110"), bytes.fromhex("020120")))


@dataclass(frozen=True, slots=True)
class PinFormat:
    """What the AODF says of the holder's PIN: digits accepted, and the length of the padded block on the wire."""

    least: int = 4
    most: int = 4
    stored: int = 8

    @classmethod
    def of(cls, least: int, most: int) -> "PinFormat":
        """The block is 8 bytes, or longer where the PIN is."""
        return cls(least, most, max(8, most))

    def block(self, digits: str) -> bytes:
        """ASCII digits padded with FF."""
        return digits.encode().ljust(self.stored, b"\xff")

    def accepts(self, block: bytes) -> bool:
        """A well-formed block holding an allowed number of digits."""
        digits = block.rstrip(b"\xff")
        return len(block) == self.stored and self.least <= len(digits) <= self.most and digits.isdigit()


@dataclass(frozen=True, slots=True)
class Ef:
    """A transparent file. ``pin``: reading needs the holder's PIN."""

    fid: int
    content: bytes
    pin: bool = False

    @property
    def short_id(self) -> int:
        """ISO 7816-4 §7.4.1.1 short file id, 0 for none."""
        return _SHORT_IDS.get(self.fid, 0)

    def control(self, template: int) -> bytes:
        """File control parameters (ISO 7816-4 §7.4.3) in tag 62 (CPS3, P2=04) or 6F (CPS4, P2=00)."""
        short = bytes((self.short_id << 3,)) if self.short_id else b""
        return tlv(
            template,
            tlv(0x80, len(self.content).to_bytes(2)),
            bytes.fromhex("820101"),
            tlv(0x83, self.fid.to_bytes(2)),
            tlv(0x88, short),
            _access(0x11 if self.pin else 0),
        )


def folder_control(fid: int, template: int) -> bytes:
    """The same for the MF or a DF."""
    return tlv(template, bytes.fromhex("820138"), tlv(0x83, fid.to_bytes(2)), tlv(0x84, FOLDERS[fid]), _access(0))


def rules(access: str) -> bytes:
    """Access rules of a data object: A1 { 8C F3 ... } (traces/README §3)."""
    return tlv(0xA1, tlv(0x8C, b"\xf3" + bytes.fromhex(access)))


def build_files(
    pki: TestPki,
    serial: str,
    pin: PinFormat,
    generation: Generation = CPS3,
    hidden: Sequence[DataObject] = TWO,
) -> dict[tuple[int, int], Ef]:
    """All EFs of a card.

    Args:
        pki: holder, card number and certificates.
        serial: the eight digits of the chip.
        pin: see ``aodf``.
        generation: which family.
        hidden: the data objects behind the PIN; one without content is listed, and its file is absent.

    Returns:
        (folder id, file id) -> file. EF_ACTUA (D010) is absent, as on the observed card.
    """
    signature, authentication = (certificate.public_bytes(Encoding.DER) for certificate in pki.certificates)
    root = {0x2F00: _directory(), 0x2F01: EF_ATR, 0xD003: _serial(serial)}
    public = public_objects(pki.holder, pki.card_number)
    listed = [(entry, False) for entry in public] + [(entry, True) for entry in hidden]
    directory = b"".join(_object_entry(entry, pin=locked) for entry, locked in listed)
    contact = {
        0x5031: _padded(_odf(), 64),
        0x5032: _token_info(f"{generation.label}-{pki.card_number}"),
        0x7001: _padded(aodf(pin), 256),
        0x7002: _padded(_private_keys(generation), 320),
        0x7005: _padded(_certificates(generation), 320),
        0x7006: _padded(directory, max(512, -(-len(directory) // 256) * 256)),
        0xA001: signature,
        0xA002: authentication,
    }
    files = [(MF, Ef(fid, content)) for fid, content in root.items()]
    files += [(CONTACT, Ef(fid, content)) for fid, content in contact.items()]
    files += [(CONTACT, Ef(e.fid, e.content, locked)) for e, locked in listed if e.content is not None]
    return {(folder, ef.fid): ef for folder, ef in files}


def update_state(begin: str, end: str) -> bytes:
    """EF_ACTUA: when the last update of the card began and ended, as ``YYYYMMDDhhmmss`` (card-reference §2.2).

    An end of zeros is that of an update that was cut off (traces/README §4).
    """
    return tlv(0xEC, tlv(0x81, bytes.fromhex(begin)), tlv(0x82, bytes.fromhex(end)))


def aodf(pin: PinFormat) -> bytes:
    """EF.AODF (PKCS#15 §6.8); with the default format, the 189 bytes of a real card (card-reference §3.4)."""
    holder = tlv(
        0x30,
        tlv(0x30, _text("Code porteur de la carte CPS"), _MALFORMED_FLAGS, b"\x04\x01\x02", _HOLDER_RULES),
        tlv(0x30, b"\x04\x01\x01"),
        tlv(0xA1, tlv(0x30, bytes.fromhex("0303040C10"), _pin_lengths(pin), b"\x80\x01\x01", b"\x04\x01\xff")),
    )
    puk = tlv(
        0x30,
        tlv(0x30, _text("Code de déblocage de la carte CPS"), _MALFORMED_FLAGS, _PUK_RULES),
        tlv(0x30, b"\x04\x01\x04"),
        tlv(0xA1, tlv(0x30, bytes.fromhex("0303041D10"), _pin_lengths(PinFormat(8, 8, 8)), b"\x80\x01\x02")),
    )
    return holder + puk


_HOLDER_RULES = bytes.fromhex("3019 30060302 0520 0500 30060302 0640 0500 30070302 0308 040104")
_PUK_RULES = bytes.fromhex("3010 30060302 0520 0500 30060302 0640 0500")


def _pin_lengths(pin: PinFormat) -> bytes:
    """PinType ascii-numeric, then minLength, storedLength, maxLength."""
    return b"\x0a\x01\x01" + b"".join(bytes((2, 1, length)) for length in (pin.least, pin.stored, pin.most))


def _access(read: int) -> bytes:
    """Compact security attributes as on the observed files: ``read`` is 11 where the PIN is asked for."""
    rule = b"\x7b\xff\xff\xff\xff\xff" + bytes((read,))
    return tlv(0xA1, tlv(0x8C, rule), tlv(0x9C, rule)) + b"\x8a\x01\x05"


def _text(value: str) -> bytes:
    return tlv(0x0C, value.encode())


def _padded(content: bytes, size: int) -> bytes:
    return content.ljust(size, b"\0")


def _directory() -> bytes:
    """EF.DIR: contactless first, the AID again in a DDO (traces/README §1.5)."""
    return b"".join(
        tlv(0x61, tlv(0x4F, aid), tlv(0x50, label), tlv(0x51, path), tlv(0x73, tlv(0x4F, aid)))
        for aid, label, path in (
            (CONTACTLESS_AID, b"CPX IAS CL", b"\x3f\x00\x00\x02"),
            (CONTACT_AID, b"CPX IAS", b"\x3f\x00\x00\x01"),
        )
    )


def _serial(serial: str) -> bytes:
    """EF.SN.ICC: issuer, chip serial, Luhn digit, filler (card-reference §2.2)."""
    digits = ISSUER + serial
    return tlv(0x5A, bytes.fromhex(f"{digits}{luhn(digits)}F"))


def _odf() -> bytes:
    """PrKDF, CDF, DODF, AODF by two-byte paths."""
    entries = ((0xA0, 0x7002), (0xA4, 0x7005), (0xA7, 0x7006), (0xA8, 0x7001))
    return b"".join(tlv(tag, tlv(0x30, tlv(0x04, fid.to_bytes(2)))) for tag, fid in entries)


def _token_info(label: str) -> bytes:
    """EF.TokenInfo: no serial inside; six algorithms (traces/README §3)."""
    sha1, sha256, rsa = "06052B0E03021A", "0609608648016503040201", "06092A864886F70D0101"
    algorithms = (
        (1, "02020220", "0102", sha1, "10"),
        (2, "02020250", "0102", sha256, "40"),
        (3, "020106", "0640", f"{rsa}05", "12"),
        (4, "020140", "0640", f"{rsa}0B", "42"),
        (5, "020101", "0640", f"{rsa}01", "02"),
        (6, "020101", "0204", f"{rsa}01", "1A"),
    )
    supported = b"".join(
        tlv(0x30, bytes.fromhex(f"0201{index:02X}{mechanism}05000302{operations}{oid}0201{reference}"))
        for index, mechanism, operations, oid, reference in algorithms
    )
    name = tlv(0x80, label.encode())
    return tlv(0x30, b"\x02\x01\x00", _text("ASIP Sante"), name, b"\x03\x02\x06\x40", tlv(0xA2, supported))


def _private_keys(generation: Generation) -> bytes:
    """EF.PrKDF: key references as positive integers, 0081 and 0082 on a CPS3 (traces/README §1.7)."""
    signature = bytes.fromhex("3007 03020204 040101")
    authentication = bytes.fromhex("3007 03020001 040101 3008 0303060040 040101")
    rows = (
        ("CPS_PRIV_SIG", _PRIVATE_FLAGS, signature, "0303060040"),
        ("CPS_PRIV_AUT", bytes.fromhex("030205E0"), authentication, "03020560"),
    )
    return b"".join(
        tlv(
            0x30,
            tlv(0x30, _text(label), flags, b"\x04\x01\x01", tlv(0x30, access)),
            tlv(
                0x30,
                tlv(0x04, CONTACT_AID + bytes((number,))),
                bytes.fromhex(f"{usage} 0101FF 030204B0"),
                reference,
            ),
            tlv(0xA1, tlv(0x30, tlv(0x30, tlv(0x04)), bytes.fromhex("02020800"))),
        )
        for (label, flags, access, usage), number, reference in zip(
            rows, generation.ids, generation.references, strict=True
        )
    )


def _certificates(generation: Generation) -> bytes:
    """EF.CDF: files A001 and A002, whatever the ids of the keys."""
    rows = ((0xA001, "Certificat de Signature CPS"), (0xA002, "Certificat d'Authentification CPS"))
    return b"".join(
        tlv(
            0x30,
            tlv(0x30, _text(label), _MALFORMED_FLAGS),
            tlv(0x30, tlv(0x04, CONTACT_AID + bytes((number,)))),
            tlv(0xA1, tlv(0x30, tlv(0x30, tlv(0x04, fid.to_bytes(2))))),
        )
        for (fid, label), number in zip(rows, generation.ids, strict=True)
    )


def _object_entry(entry: DataObject, *, pin: bool) -> bytes:
    flags = _PRIVATE_FLAGS + b"\x04\x01\x01" if pin else _MALFORMED_FLAGS
    return tlv(
        0x30,
        tlv(0x30, _text(entry.label), flags),
        tlv(0x30, _text("CPS")),
        tlv(0xA1, tlv(0x30, tlv(0x04, entry.fid.to_bytes(2)))),
    )
