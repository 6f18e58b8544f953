"""An X.509 certificate as the card gives it.

What it is: ``cryptography``'s parser behind one frozen value: what the certificate is for, until when, whose card, and
the check of a signature. What it is not: trust; the chain is somebody else's question. Rule: any bytes give a value,
``CardDataMalformed`` or ``CertificateInvalid``; the extensions of the CPx profile are optional and never an error.

Sources: card-reference §7.2-§7.4, RFC 5280 §4.2; PrivateKeyUsagePeriod: RFC 3280 §4.2.1.4.
"""

import dataclasses
import datetime as dt
import enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from appliance.card import tlv
from appliance.errors import CardDataMalformed, CertificateInvalid, SignatureInvalid

OID_PRODUCT_TYPE = "1.2.250.1.71.1.2.2"
OID_CARD = "1.2.250.1.71.1.2.3"
OID_CATEGORY = "1.2.250.1.71.1.2.5"
OID_PROFESSION = "1.2.250.1.71.1.2.7"
OID_FUTURE_PROFESSION = "1.2.250.1.71.1.2.8"
OID_SPECIALTIES = "1.2.250.1.71.4.2.5"

_OID_KEY_PERIOD = "2.5.29.16"  # parsed here: older versions of cryptography do not know it
_OPTIONAL = (
    *(OID_PRODUCT_TYPE, OID_CARD, OID_CATEGORY, OID_PROFESSION, OID_FUTURE_PROFESSION, OID_SPECIALTIES),
    _OID_KEY_PERIOD,
)
_PRINTABLE_STRING = 0x13


class Purpose(enum.Enum):
    """What a certificate says its key is for (card-reference §7.4)."""

    SIGNATURE = "signature"
    AUTHENTICATION = "authentication"
    OTHER = "other"


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate; times are aware UTC datetimes; ``repr`` names nobody.

    ``der`` is what the card gave, to the byte: hand it on, and let nobody parse it again (see ``ordered``).

    ``key_not_after`` is the end of PrivateKeyUsagePeriod, about a month before ``not_after``, where stated.
    ``category`` is the byte of table G01, ``profession`` the two-digit code of table G15, ``future_profession`` that of
    G16 (CPF; that the extension is an INTEGER like the other is an assumption, card-reference §7.3).
    """

    der: bytes = dataclasses.field(repr=False)
    purpose: Purpose
    subject: tuple[tuple[str, str], ...] = dataclasses.field(repr=False)
    """(OID, value) of every AVA of every RDN, in the order of the DER."""
    issuer: tuple[tuple[str, str], ...] = dataclasses.field(repr=False)
    serial_number: int = dataclasses.field(repr=False)
    not_before: dt.datetime
    not_after: dt.datetime
    key_not_after: dt.datetime | None
    product_type: int | None
    card: str | None = dataclasses.field(repr=False)
    category: int | None
    profession: str | None
    future_profession: str | None
    specialties: tuple[str, ...]
    public_key: rsa.RSAPublicKey = dataclasses.field(repr=False, compare=False)

    @property
    def key_size(self) -> int:
        """Length of the modulus in bits."""
        return self.public_key.key_size

    def usable_at(self, moment: dt.datetime) -> bool:
        """Whether the key may sign at ``moment`` (aware): in validity, and in the key's own period if there is one."""
        last = self.not_after if self.key_not_after is None else min(self.not_after, self.key_not_after)
        return self.not_before <= moment <= last

    def check(self, signature: bytes, message: bytes) -> None:
        """Verify RSASSA-PKCS1-v1_5 with SHA-256 over ``message``.

        Raises:
            SignatureInvalid: it does not verify (card-reference §6.8).
        """
        self._check(signature, message, hashes.SHA256())

    def check_digest(self, signature: bytes, digest: bytes) -> None:
        """Verify RSASSA-PKCS1-v1_5 over a SHA-256 ``digest`` of 32 bytes.

        Raises:
            SignatureInvalid: it does not verify.
        """
        self._check(signature, digest, utils.Prehashed(hashes.SHA256()))

    def _check(self, signature: bytes, data: bytes, algorithm: hashes.SHA256 | utils.Prehashed) -> None:
        try:
            self.public_key.verify(signature, data, padding.PKCS1v15(), algorithm)
        except InvalidSignature as error:
            raise SignatureInvalid("the card's signature does not verify") from error


def parse_certificate(der: bytes) -> Certificate:
    """Read one DER certificate.

    Raises:
        CardDataMalformed: not a certificate, or one whose extensions cannot be parsed.
        CertificateInvalid: a key that is not RSA, or whose algorithm nobody supports (OID 1.2.250.1.71.2.6.1 of the
            GIP-CPS days among them, card-reference §7.1).
    """
    try:
        parsed = x509.load_der_x509_certificate(ordered(der))
        extensions = {extension.oid.dotted_string: extension for extension in parsed.extensions}
        subject, issuer = _avas(parsed.subject), _avas(parsed.issuer)
        begin, end = parsed.not_valid_before_utc, parsed.not_valid_after_utc
        raw = {oid: extensions[oid].value.public_bytes() for oid in _OPTIONAL if oid in extensions}
    except UNPARSED as error:
        raise CardDataMalformed("not a certificate that can be read") from error
    try:
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateInvalid("the key of the certificate cannot be read") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise CertificateInvalid("the key of the certificate is not RSA")
    return Certificate(
        der=bytes(der),
        purpose=_purpose(extensions),
        subject=subject,
        issuer=issuer,
        serial_number=parsed.serial_number,
        not_before=begin,
        not_after=end,
        key_not_after=_key_end(raw.get(_OID_KEY_PERIOD)),
        product_type=_number(raw.get(OID_PRODUCT_TYPE)),
        card=_string(raw.get(OID_CARD)),
        category=_category(raw.get(OID_CATEGORY)),
        profession=_code(raw.get(OID_PROFESSION)),
        future_profession=_code(raw.get(OID_FUTURE_PROFESSION)),
        specialties=_strings(raw.get(OID_SPECIALTIES)),
        public_key=key,
    )


UNPARSED = (
    ValueError,
    TypeError,
    KeyError,  # cryptography 43: a string of a type it has no name for
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the parser raises on bytes that are no certificate; found by fuzzing, all mean the same here."""


def ordered(der: bytes) -> bytes:
    """``der`` with the AVAs of its two names in DER's order, for the parser only.

    Nobody promised an order for GN, SN and CN in their one RDN, and the GIP-CPS had another (card-reference §7.2); the
    parser refuses a SET that is not sorted (X.690 §11.6). Sorting moves bytes inside it and changes no length.
    """
    try:
        outer = tlv.read(der)[0]
        whole = outer.children()
        fields = list(whole[0].children())
        sequences = [at for at, field in enumerate(fields) if field.tag == tlv.SEQUENCE]
        # signature, issuer, validity, subject, subjectPublicKeyInfo (RFC 5280 §4.1)
        for at in (sequences[1], sequences[3]):
            rdns = (tlv.write(rdn.tag, _sorted(rdn.value)) for rdn in fields[at].children())
            fields[at] = tlv.Tlv(tlv.SEQUENCE, b"".join(rdns))
    except (CardDataMalformed, IndexError):
        return der
    body = tlv.write(whole[0].tag, b"".join(tlv.write(field.tag, field.value) for field in fields))
    rest = b"".join(tlv.write(part.tag, part.value) for part in whole[1:])
    changed = tlv.write(outer.tag, body + rest)
    return changed if len(changed) == len(der) else der


def _sorted(avas: bytes) -> bytes:
    return b"".join(sorted(tlv.write(ava.tag, ava.value) for ava in tlv.read_all(avas)))


def _avas(name: x509.Name) -> tuple[tuple[str, str], ...]:
    return tuple((ava.oid.dotted_string, ava.value) for rdn in name.rdns for ava in rdn if isinstance(ava.value, str))


def _purpose(extensions: dict[str, x509.Extension[x509.ExtensionType]]) -> Purpose:
    usage = extensions.get(ExtensionOID.KEY_USAGE.dotted_string)
    if usage is not None and isinstance(usage.value, x509.KeyUsage) and usage.value.content_commitment:
        return Purpose.SIGNATURE
    extended = extensions.get(ExtensionOID.EXTENDED_KEY_USAGE.dotted_string)
    if extended is not None and isinstance(extended.value, x509.ExtendedKeyUsage):
        return Purpose.AUTHENTICATION if ExtendedKeyUsageOID.CLIENT_AUTH in extended.value else Purpose.OTHER
    return Purpose.OTHER


def _item(raw: bytes | None) -> tlv.Tlv | None:
    """The TLV inside an optional extension; None when it is absent or not one: it never breaks the certificate."""
    try:
        return tlv.read(raw)[0] if raw else None
    except CardDataMalformed:
        return None


def _number(raw: bytes | None) -> int | None:
    item = _item(raw)
    return item.value[-1] if item and item.tag == tlv.INTEGER and len(item.value) == 1 else None


def _code(raw: bytes | None) -> str | None:
    number = _number(raw)
    return None if number is None else f"{number:02d}"


def _category(raw: bytes | None) -> int | None:
    item = _item(raw)
    return item.value[0] if item and item.tag == tlv.OCTET_STRING and len(item.value) == 1 else None


def _string(raw: bytes | None) -> str | None:
    item = _item(raw)
    return item.value.decode("ascii") if item and item.tag == _PRINTABLE_STRING and item.value.isascii() else None


def _strings(raw: bytes | None) -> tuple[str, ...]:
    item = _item(raw)
    if item is None or item.tag != tlv.SEQUENCE:
        return ()
    try:
        return tuple(tlv.text(part) for part in item.children() if part.tag == tlv.UTF8_STRING)
    except CardDataMalformed:
        return ()


def _key_end(raw: bytes | None) -> dt.datetime | None:
    """NotAfter ([1]) of PrivateKeyUsagePeriod, a GeneralizedTime ``YYYYMMDDhhmmssZ``."""
    item = _item(raw)
    try:
        end = tlv.find(item.children(), 0x81) if item else None
        return dt.datetime.strptime(tlv.text(end), "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC) if end else None
    except (CardDataMalformed, ValueError):
        return None
