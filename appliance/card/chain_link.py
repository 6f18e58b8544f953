"""One certificate as a link of a chain.

What it is: what RFC 5280 §6.1 needs of a certificate, whether a card's or an authority's, and the check of its issuer's
signature. What it is not: a chain (chain.py), or what a card's certificate says of its holder (certificate.py).
Rule: any bytes give a ``Link`` or ``CardDataMalformed``; what a certificate forbids and nobody here understands is kept
in ``odd``, and closes it to every chain.
"""

import dataclasses
import datetime as dt
import hashlib
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtensionOID

from appliance.card import tlv
from appliance.card.certificate import (
    OID_CARD,
    OID_CATEGORY,
    OID_PRODUCT_TYPE,
    OID_PROFESSION,
    OID_SPECIALTIES,
    UNPARSED,
    ordered,
)
from appliance.errors import CardDataMalformed

MIN_RSA_BITS: Final = 2048
MIN_EC_BITS: Final = 256
HASHES: Final = frozenset({"sha256", "sha384", "sha512"})

_PERIOD: Final = "2.5.29.16"
_PROCESSED: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS.dotted_string,
        ExtensionOID.KEY_USAGE.dotted_string,
        ExtensionOID.EXTENDED_KEY_USAGE.dotted_string,
        ExtensionOID.CERTIFICATE_POLICIES.dotted_string,  # any policy will do (RFC 5280 §6.1.1 c)
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string,
        _PERIOD,
        *(OID_PRODUCT_TYPE, OID_CARD, OID_CATEGORY, OID_PROFESSION, OID_SPECIALTIES),
    }
)
"""Extensions that may be critical, because the card rooms know what they say."""
_LIMITING: Final = frozenset(
    {
        ExtensionOID.NAME_CONSTRAINTS.dotted_string,
        ExtensionOID.POLICY_CONSTRAINTS.dotted_string,
        ExtensionOID.INHIBIT_ANY_POLICY.dotted_string,
    }
)
"""Extensions that narrow what an authority may issue and that nobody here processes: refused, critical or not."""

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
_Name = tuple[tuple[tuple[str, str], ...], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Seal:
    """The issuer's signature on a certificate: over ``message``, as the DER has it, to the byte."""

    message: bytes = dataclasses.field(repr=False)
    value: bytes = dataclasses.field(repr=False)
    scheme: padding.PKCS1v15 | padding.PSS | ec.ECDSA | None
    hash: hashes.HashAlgorithm | None

    @property
    def strong(self) -> bool:
        """Whether the hash is one that still means something."""
        return self.hash is not None and self.hash.name in HASHES

    def by(self, key: Key) -> bool:
        """Whether ``key`` made it."""
        try:
            match key, self.scheme, self.hash:
                case rsa.RSAPublicKey(), padding.PKCS1v15() | padding.PSS() as scheme, hashes.HashAlgorithm() as made:
                    key.verify(self.value, self.message, scheme, made)
                case ec.EllipticCurvePublicKey(), ec.ECDSA() as algorithm, _:
                    key.verify(self.value, self.message, algorithm)
                case _:
                    return False
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return False
        return True


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """One certificate, as far as a chain needs it; times are aware UTC; ``repr`` names nobody.

    ``root``: it is its own issuer, and its own key says so. ``odd``: dotted OIDs of extensions that forbid its use
    here. ``key`` is None where it is of a kind or a size that vouches for nobody.
    """

    der: bytes = dataclasses.field(repr=False)
    fingerprint: bytes
    """SHA-256 of the DER, 32 bytes."""
    subject: _Name = dataclasses.field(repr=False)
    issuer: _Name = dataclasses.field(repr=False)
    not_before: dt.datetime
    not_after: dt.datetime
    authority: bool
    """Basic constraints say CA (RFC 5280 §4.2.1.9)."""
    path_length: int | None
    may_sign: bool
    """Key usage, where there is one, has keyCertSign (RFC 5280 §4.2.1.3)."""
    odd: tuple[str, ...]
    key_id: bytes | None
    issuer_key_id: bytes | None
    key: Key | None = dataclasses.field(repr=False, compare=False)
    seal: Seal = dataclasses.field(repr=False, compare=False)
    root: bool
    test: bool = False
    """It stands in the store of test authorities; set by who reads the store."""

    @property
    def self_issued(self) -> bool:
        """Same name above and below (RFC 5280 §6.1): counts in no path length."""
        return self.subject == self.issuer


def read_link(der: bytes) -> Link:
    """Read one DER certificate.

    Raises:
        CardDataMalformed: not a certificate, or one whose names, algorithms or extensions cannot be parsed.
    """
    try:
        parsed = x509.load_der_x509_certificate(ordered(der))
        extensions = {extension.oid.dotted_string: extension for extension in parsed.extensions}
        subject, issuer = _name(parsed.subject), _name(parsed.issuer)
        begin, end = parsed.not_valid_before_utc, parsed.not_valid_after_utc
        values = [extension.value for extension in extensions.values()]
    except UNPARSED as error:
        raise CardDataMalformed("not a certificate that can be read") from error
    key, seal = _key(parsed), _seal(der, parsed)
    constraints = next((value for value in values if isinstance(value, x509.BasicConstraints)), None)
    usage = next((value for value in values if isinstance(value, x509.KeyUsage)), None)
    return Link(
        der=bytes(der),
        fingerprint=hashlib.sha256(der).digest(),
        subject=subject,
        issuer=issuer,
        not_before=begin,
        not_after=end,
        authority=constraints is not None and constraints.ca,
        path_length=constraints.path_length if constraints else None,
        may_sign=usage is None or usage.key_cert_sign,
        odd=tuple(oid for oid, found in extensions.items() if _is_odd(oid, critical=found.critical)),
        key_id=next((value.digest for value in values if isinstance(value, x509.SubjectKeyIdentifier)), None),
        issuer_key_id=next(
            (value.key_identifier for value in values if isinstance(value, x509.AuthorityKeyIdentifier)), None
        ),
        key=key,
        seal=seal,
        root=key is not None and subject == issuer and seal.by(key),
    )


def subject_text(der: bytes) -> str:
    """The subject for a person's eyes, RFC 4514, in one line without a character that a terminal would obey.

    Raises:
        CardDataMalformed: as ``read_link``.
    """
    try:
        text = x509.load_der_x509_certificate(ordered(der)).subject.rfc4514_string()
    except UNPARSED as error:
        raise CardDataMalformed("not a certificate that can be read") from error
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _is_odd(oid: str, *, critical: bool) -> bool:
    return oid in _LIMITING or (critical and oid not in _PROCESSED)


def _name(name: x509.Name) -> _Name:
    """For comparing as RFC 5280 §7.1 asks: without regard to case, string type, spare spaces or order in an RDN."""
    return tuple(
        tuple(sorted((ava.oid.dotted_string, _folded(ava.value)) for ava in rdn))  # a BIT STRING is compared by byte
        for rdn in name.rdns
    )


def _folded(value: str | bytes) -> str:
    return " ".join(value.split()).casefold() if isinstance(value, str) else value.hex()


def _key(parsed: x509.Certificate) -> Key | None:
    """The key, where it may vouch; odd ones (OID 1.2.250.1.71.2.6.1 of the GIP-CPS) are no error."""
    try:
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    match key:
        case rsa.RSAPublicKey(key_size=size) if size >= MIN_RSA_BITS:
            return key
        case ec.EllipticCurvePublicKey(key_size=size) if size >= MIN_EC_BITS:
            return key
    return None


def _seal(der: bytes, parsed: x509.Certificate) -> Seal:
    """The signature over the certificate's own bytes: ``parsed`` may come from sorted ones (certificate.ordered).

    Raises:
        CardDataMalformed: what is signed names another algorithm than the signature (RFC 5280 §4.1.1.2), or the
            signature is no whole number of bytes.
    """
    whole = tlv.read(der)[0].children()
    inner = next((field for field in whole[0].children() if field.tag == tlv.SEQUENCE), None)
    if inner != whole[1]:
        raise CardDataMalformed("two signature algorithms in one certificate")
    if whole[2].value[:1] != b"\x00":
        raise CardDataMalformed("a signature with bits to spare")
    try:
        scheme, made = parsed.signature_algorithm_parameters, parsed.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        scheme = made = None
    return Seal(tlv.write(whole[0].tag, whole[0].value), parsed.signature, scheme, made)
