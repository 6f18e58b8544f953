"""The data objects of a soft card: the holder's public ones, and what stands behind the PIN.

What it is: contents by label (card-reference §8.3). What it is not: where they stand; ``softfiles`` lists them.
Rule: only the practice situations have a known inner layout; the rest is our guess, and nobody may rely on it.
"""

from typing import NamedTuple

from appliance.simulator.softholder import Holder
from appliance.simulator.softtlv import tlv


class DataObject(NamedTuple):
    """One entry of EF.DODF; without ``content`` it is listed and its file is absent, as happens on real cards."""

    fid: int
    label: str
    content: bytes | None


def public_objects(holder: Holder, card_number: str) -> list[DataObject]:
    """What everybody may read of a holder."""
    specialty = holder.specialties[0].encode() if holder.specialties else b""
    kind, number = ("8", holder.rpps) if holder.structure is None else ("3", holder.structure.registry)
    name = tlv(0x81, holder.family.encode()) + tlv(0x82, holder.given.encode())
    info = tlv(0x81, kind.encode()) + tlv(0x82, number.encode()) + tlv(0x83, specialty)
    return [
        DataObject(0xD101, "CPS_ID_CARD", tlv(0xE1, tlv(0x81, card_number.encode()))),
        DataObject(0xD102, "CPS_NAME_PS", tlv(0xE2, name)),
        DataObject(0xD103, "CPS_LANG_PS", tlv(0xE3, tlv(0x81, b"fr"))),
        DataObject(0xD104, "CPS_INFO_PS", tlv(0xE4, info)),
        DataObject(0xD107, "CPS_DATA", bytes(64)),
    ]


def situation(number: int, content: bytes | None) -> DataObject:
    """Practice situation 1..16: files D120 to D12F."""
    return DataObject(0xD11F + number, f"CPS_ACTIVITY_{number:02}_PS", content)


def practice(structure: str, ident: str = "499700735741008", sector: str = "SA07", *more: bytes) -> bytes:
    """A well-formed situation: structure name, Struct_IdNat, sector, then whatever else (card-reference §8.3)."""
    known = tlv(0x84, structure.encode()) + tlv(0x85, ident.encode()) + tlv(0x86, sector.encode())
    return tlv(0xEE, known, *more)


TWO = tuple(situation(index + 1, practice(f"CABINET ESSAI {index}")) for index in range(2))
"""The two of the recordings."""

BILLING = 0xD130
"""Where the card with every situation lists CPS_SIT_FACT; nobody may select it (card-reference §8.3)."""

MANY = (
    *(situation(number, practice(f"CABINET ESSAI {number}")) for number in (1, 2)),
    # 3: a hole
    situation(4, practice("HÔPITAL D'ESSAI", "10B0307377", "SA01", tlv(0x87, b"01"), tlv(0x9F21, b"\x00\xff"))),
    situation(5, practice("CLINIQUE ESSAI", "10B0307377", "SA99")),  # a sector that no table holds
    situation(6, bytes.fromhex("EE28840F434142494E4554")),  # ends before its lengths say
    situation(7, bytes.fromhex("FFFFFFFFFFFFFFFF")),  # no TLV at all
    situation(8, None),  # listed, and no file
    situation(9, tlv(0xEE, tlv(0x84, b"CABINET \xc9\xff"), tlv(0x85, b""), tlv(0x86, b"SA07"))),  # not UTF-8; no id
    situation(10, tlv(0xEE)),
    situation(11, practice("MAISON DE SANTÉ D'ESSAI", sector="SA52") + bytes(24)),  # zeros up to the file's end
    # 12, 13: holes
    situation(14, practice("EHPAD ESSAI", "10B0307377", "SA17")),
    situation(15, tlv(0xEE, tlv(0x86, b"SA08"), tlv(0x84, b"GROUPE ESSAI"))),  # another order, no id
    situation(16, practice("S" * 120, sector="SA08")),  # a length of two bytes
    DataObject(BILLING, "CPS_SIT_FACT", tlv(0xEF, b"AM ESSAI")),
)
"""Every kind of situation in 16 places, and the one object that is not ours to read."""
