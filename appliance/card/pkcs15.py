"""PKCS#15 directory files to frozen shapes (ISO 7816-15, PKCS #15 v1.1).

What it is: what the card says about itself: application, PIN, PUK, keys, certificates, data objects. What it is not:
a reader of files (the driver reads them) or a list of known values. Rule: nothing is assumed that the card states;
any bytes give a value or ``CardDataMalformed``.

Sources: card-reference §3.3-§3.5 (traps, real AODF and PrKDF), traces §3 (file system both clients accept).
"""

import dataclasses

from appliance.card import tlv
from appliance.card.layout import Application, CertificateEntry, DataObject, Directory, Key, Pin, PrivateKey
from appliance.card.tlv import Tlv
from appliance.errors import CardDataMalformed
from appliance.secret import CAPACITY

MF = bytes.fromhex("3F00")
"""Root of every absolute path (ISO 7816-4 §7.3)."""

ISSUER = bytes.fromhex("E828BD080F")
"""RID of the card-independent PKCS#15 application, first bytes of the AIDs wanted (ISO 7816-15 §7.2)."""

CONTACTLESS = 0x20
"""Last byte of the contactless application's AID; the contact one ends in 10 (card-reference §2.1)."""

ODF = bytes.fromhex("5031")
"""File id of EF.ODF inside the application, when EF.DIR states none (ISO 7816-15 §7.5.1)."""

_MAX_PATH = 16
_PIN_TYPE_ASCII = 1  # PinType (ISO 7816-15 §8.9.2); BCD and half-nibble forms are not seen on any CPx
_FLAG_NEEDS_PADDING, _FLAG_UNBLOCKING, _FLAG_SO = 5, 6, 7  # PinFlags
_USAGE_SIGN, _USAGE_NON_REPUDIATION = 2, 9  # KeyUsageFlags
_TYPE_ATTRIBUTES = 0xA1


def parse_dir(data: bytes) -> Application:
    """The contact PKCS#15 application out of EF.DIR (ISO 7816-4 §8.2.1.1), wherever it stands in the file.

    Raises:
        CardDataMalformed: no TLVs, or no such application with a path (the national middleware wants one too).
    """
    found = [
        _application(record.children())
        for record in tlv.whole(data)
        if record.tag == 0x61 and _is_contact(record.children())
    ]
    if not found:
        raise CardDataMalformed("EF.DIR names no contact PKCS#15 application")
    return found[0]


def names_contact(data: bytes) -> bool:
    """Whether the whole records of EF.DIR read so far already name the contact application.

    Raises:
        CardDataMalformed: no TLVs.
    """
    return any(record.tag == 0x61 and _is_contact(record.children()) for record in tlv.whole(data))


def parse_odf(data: bytes, application: Application) -> Directory:
    """EF.ODF (ISO 7816-15 §8.3): which file is which, by context tag.

    Raises:
        CardDataMalformed: no TLVs, or private keys, certificates or authentication objects are not listed.
    """
    paths: dict[int, bytes] = {}
    for entry in tlv.read_all(data):
        # [0] PrKDF, [4] CDF, [7] DODF, [8] AODF; trusted and useful certificates ([5], [6]) are not ours.
        if entry.tag in _ODF_TAGS:
            paths.setdefault(entry.tag, _path(tlv.need(entry.children(), tlv.SEQUENCE), application))
    missing = [name for tag, name in _ODF_TAGS.items() if tag not in paths and name != "DODF"]
    if missing:
        raise CardDataMalformed(f"EF.ODF lists no {missing[0]}")
    return Directory(paths[0xA0], paths[0xA4], paths[0xA8], paths.get(0xA7))


def parse_aodf(data: bytes) -> tuple[Pin, Pin | None]:
    """The holder's PIN and, by its soPin flag, the PUK (the ids in the file do not match: card-reference §3.4).

    Raises:
        CardDataMalformed: no TLVs, no PIN or several, or lengths that no keypad could obey.
    """
    pins: list[Pin] = []
    puks: list[Pin] = []
    for entry in tlv.read_all(data):
        if entry.tag == tlv.SEQUENCE:
            flags, pin = _pin(entry)
            (puks if flags & {_FLAG_SO, _FLAG_UNBLOCKING} else pins).append(pin)
    if not pins:
        raise CardDataMalformed("EF.AODF describes no PIN")
    if len(pins) > 1 or len(puks) > 1:
        raise CardDataMalformed("EF.AODF describes several PINs, and a try must not be spent on the wrong one")
    return pins[0], puks[0] if puks else None


def parse_prkdf(data: bytes) -> tuple[PrivateKey, ...]:
    """All RSA private keys (ISO 7816-15 §8.4); algorithm references are not read, they lie (card-reference §3.3).

    Raises:
        CardDataMalformed: no TLVs, or a key without id or reference.
    """
    return tuple(_private_key(entry) for entry in tlv.read_all(data) if entry.tag == tlv.SEQUENCE)


def parse_cdf(data: bytes, application: Application) -> tuple[CertificateEntry, ...]:
    """All X.509 certificates that stand in a file of their own (ISO 7816-15 §8.7).

    Raises:
        CardDataMalformed: no TLVs, or a certificate without id or path.
    """
    entries = []
    for entry in tlv.read_all(data):
        if entry.tag == tlv.SEQUENCE:
            common, own = _parts(entry, 2)
            value = tlv.descend(entry.value, _TYPE_ATTRIBUTES, tlv.SEQUENCE, tlv.SEQUENCE)
            ident = tlv.need(own.children(), tlv.OCTET_STRING).value
            entries.append(CertificateEntry(ident, _path(value, application), _label(common)))
    return tuple(entries)


def parse_dodf(data: bytes, application: Application) -> tuple[DataObject, ...]:
    """All data objects that stand in files (ISO 7816-15 §8.8).

    Raises:
        CardDataMalformed: no TLVs, or an object without path.
    """
    objects = []
    for entry in tlv.read_all(data):
        if entry.tag == tlv.SEQUENCE:
            (common,) = _parts(entry, 1)
            path = _path(tlv.descend(entry.value, _TYPE_ATTRIBUTES, tlv.SEQUENCE), application)
            protected = tlv.find(common.children(), tlv.OCTET_STRING) is not None
            objects.append(DataObject(_label(common), path, protected))
    return tuple(objects)


def choose(
    keys: tuple[PrivateKey, ...], certificates: tuple[CertificateEntry, ...]
) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    """The keys that could sign and those that could authenticate, by their usage, each with its certificate's path.

    More than one of a kind is for the certificates to decide (card-reference §0.3, §7.4).

    Raises:
        CardDataMalformed: no key for signatures or none for authentication, or none of a kind with a certificate.
    """
    paths = {entry.ident: entry.path for entry in reversed(certificates)}
    signing = tuple(key for key in keys if _USAGE_NON_REPUDIATION in key.usage)
    authenticating = tuple(key for key in keys if _USAGE_SIGN in key.usage and _USAGE_NON_REPUDIATION not in key.usage)
    if not signing or not authenticating:
        raise CardDataMalformed("EF.PrKDF lacks the signature or the authentication key")
    return _with_certificates(signing, paths), _with_certificates(authenticating, paths)


_ODF_TAGS = {0xA0: "PrKDF", 0xA4: "CDF", 0xA7: "DODF", 0xA8: "AODF"}


def _is_contact(record: tuple[Tlv, ...]) -> bool:
    aid = tlv.find(record, 0x4F)
    return (
        aid is not None
        and aid.value.startswith(ISSUER)
        and aid.value[-1] != CONTACTLESS
        and tlv.find(record, 0x51) is not None
    )


def _application(record: tuple[Tlv, ...]) -> Application:
    aid, path = tlv.need(record, 0x4F).value, tlv.need(record, 0x51).value
    label, ddo = tlv.find(record, 0x50), tlv.find(record, 0x73)
    if not len(ISSUER) < len(aid) <= _MAX_PATH:
        raise CardDataMalformed("AID of a strange size")
    application = Application(aid, _absolute(path, MF), tlv.text(label) if label else "", b"")
    # The DDO may state the ODF's path as a PKCS#15 Path; on the cards seen it only repeats the AID (traces §1.5).
    stated = tlv.find(ddo.children(), tlv.SEQUENCE) if ddo else None
    odf = _path(stated, application) if stated else application.path + ODF
    return dataclasses.replace(application, odf=odf)


def _pin(entry: Tlv) -> tuple[frozenset[int], Pin]:
    common, _ = _parts(entry, 2)
    attributes = tlv.descend(entry.value, _TYPE_ATTRIBUTES, tlv.SEQUENCE).children()
    flags = tlv.bits(tlv.need(attributes, tlv.BIT_STRING))
    if tlv.unsigned(tlv.need(attributes, tlv.ENUMERATED)) != _PIN_TYPE_ASCII:
        raise CardDataMalformed("PIN is not ASCII digits")
    lengths = [tlv.unsigned(item) for item in attributes if item.tag == tlv.INTEGER]
    if len(lengths) not in (2, 3):
        raise CardDataMalformed("PIN lengths are not stated")
    # maxLength is optional; without it the field's own size is the limit (ISO 7816-15 §8.9.2).
    low, stored, high = (*lengths, lengths[1])[:3]
    if not 1 <= low <= high <= stored <= CAPACITY:
        raise CardDataMalformed("PIN lengths contradict each other")
    reference = tlv.find(attributes, 0x80)
    pad = tlv.find(attributes, tlv.OCTET_STRING)
    if pad is not None and len(pad.value) != 1:
        raise CardDataMalformed("pad character of a strange size")
    # A flag without a character pads with 00; a character without the flag is not used (traces §4).
    filler = (pad.value[0] if pad else 0x00) if _FLAG_NEEDS_PADDING in flags else None
    number = _byte(reference) if reference else 0
    return flags, Pin(number, low, stored, high, filler, _label(common))


def _private_key(entry: Tlv) -> PrivateKey:
    common, own = _parts(entry, 2)
    fields = own.children()
    usage = tlv.find(fields, tlv.BIT_STRING)
    body = tlv.descend(entry.value, _TYPE_ATTRIBUTES, tlv.SEQUENCE).children()
    size = tlv.find(body, tlv.INTEGER)
    return PrivateKey(
        reference=_byte(tlv.need(fields, tlv.INTEGER)),
        ident=tlv.need(fields, tlv.OCTET_STRING).value,
        usage=tlv.bits(usage) if usage else frozenset(),
        size=tlv.unsigned(size) if size else None,
        label=_label(common),
    )


def _with_certificates(keys: tuple[PrivateKey, ...], paths: dict[bytes, bytes]) -> tuple[Key, ...]:
    found = tuple(Key(key.reference, key.size, paths[key.ident]) for key in keys if key.ident in paths)
    if not found:
        raise CardDataMalformed("no certificate has the id of the key")
    return found


def _parts(entry: Tlv, count: int) -> tuple[Tlv, ...]:
    """The leading attribute sequences of a PKCS#15 object: common attributes, then class attributes."""
    parts = tuple(item for item in entry.children()[:count] if item.tag == tlv.SEQUENCE)
    if len(parts) != count:
        raise CardDataMalformed("PKCS#15 object lacks its attributes")
    return parts


def _label(common: Tlv) -> str:
    label = tlv.find(common.children(), tlv.UTF8_STRING)
    return tlv.text(label) if label else ""


def _byte(item: Tlv) -> int:
    value = tlv.unsigned(item)
    if value > 0xFF:
        raise CardDataMalformed("reference beyond one byte")
    return value


def _path(sequence: Tlv, application: Application) -> bytes:
    """A PKCS#15 Path ``SEQUENCE {path OCTET STRING, …}`` as an absolute path."""
    return _absolute(tlv.need(sequence.children(), tlv.OCTET_STRING).value, application.path)


def _absolute(path: bytes, home: bytes) -> bytes:
    """A path from the MF: absolute as it is, else below ``home``, whose DF may be repeated (card-reference §2.2)."""
    if not path or len(path) % 2 or len(path) > _MAX_PATH:
        raise CardDataMalformed("path of a strange size")
    if path.startswith(MF):
        return path
    below = home.removeprefix(MF)
    if below and path.startswith(below):
        return MF + path
    full = home + path
    if len(full) > _MAX_PATH:
        raise CardDataMalformed("path of a strange size")
    return full
