"""The IGC-Santé TEST profile: names, extensions and usages of the certificates (card-reference §7).

What it is: how one certificate of the test chain looks. What it is not: the keeper of keys; that is ``pki``.
Rule: every extension of the observed test certificates is there, and nothing else.
"""

import datetime as dt
import functools
from dataclasses import dataclass

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, ObjectIdentifier

from appliance.errors import SimulatorError

DAY = dt.timedelta(days=1)
POLICY = "1.2.250.1.213.1.7.2.1.1.1.1"  # card-reference §7.4: the test policy
SITE = "http://igc-sante.esante.gouv.fr"
LDAP = (
    "ldap://annuaire-igc.esante.gouv.fr/cn=TEST%20AC%20IGC-SANTE%20FORT%20PERSONNES,ou=TEST%20AC%20RACINE%20IGC-SANTE"
    "%20FORT,ou=IGC-SANTE%20TEST,ou=0002%20187512751,o=ASIP-SANTE,c=FR?{0}list;binary?base?objectClass=pkiCA"
)


class Holder(msgspec.Struct, frozen=True):
    """A fictitious card holder.

    Attributes:
        given, family: as the certificate writes them.
        rpps: 11 digits, Luhn-valid.
        profession: code of table G15 (60 nurse, 10 physician).
        title: the profession's label in the subject.
        specialties: codes of table R01, may be empty.
        category: table G01, 0x80 = test card, 0x00 = production card.
    """

    given: str
    family: str
    rpps: str
    profession: int
    title: str
    specialties: tuple[str, ...] = ()
    category: int = 0x80

    def __post_init__(self) -> None:
        if (
            len(self.rpps) != 11
            or not self.rpps.isascii()
            or not self.rpps.isdigit()
            or luhn(self.rpps[:-1]) != int(self.rpps[-1])
        ):
            raise SimulatorError("a holder's RPPS has 11 digits and passes Luhn")


def luhn(digits: str) -> int:
    """Check digit (ISO/IEC 7812-1 annex B) to append to ``digits``."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


def _key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _ca_name(common: str) -> x509.Name:
    """card-reference §7.1; the TEST chain has OU=IGC-SANTE TEST."""
    pairs = (
        (NameOID.COUNTRY_NAME, "FR"),
        (NameOID.ORGANIZATION_NAME, "ASIP-SANTE"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "0002 187512751"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "IGC-SANTE TEST"),
        (NameOID.COMMON_NAME, common),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


ROOT_NAME = _ca_name("TEST AC RACINE IGC-SANTE FORT")
ISSUER_NAME = _ca_name("TEST AC IGC-SANTE FORT PERSONNES")


def _usage(*set_bits: str) -> x509.KeyUsage:
    bits = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return x509.KeyUsage(**{bit: bit in set_bits for bit in bits})


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, start: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + days * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


# The real authorities are valid from 2013 to 2033; ours start with the oldest test and last as long as one can want.
_CA_START = dt.datetime(2013, 6, 25)  # noqa: DTZ001 - X.509 builders read naive times as UTC
_CA_DAYS = 60 * 365


@functools.cache
def make_root(bits: int) -> Authority:
    """The self-signed root, once a process and size."""
    key = _key(bits)
    builder = _builder(ROOT_NAME, ROOT_NAME, key, _CA_START, _CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    return Authority(builder.sign(key, hashes.SHA256()), key)


@functools.cache
def make_issuer(bits: int) -> Authority:
    """The authority that issues the cards of persons."""
    root, key = make_root(bits), _key(bits)
    builder = _builder(ISSUER_NAME, ROOT_NAME, key, _CA_START, _CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    builder = builder.add_extension(_authority_key(root), critical=False)
    return Authority(builder.sign(root.key, hashes.SHA256()), key)


def _authority_key(issuer: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())


@dataclass(frozen=True, slots=True)
class Leaf:
    """What makes one certificate of a card differ from another; ``start`` is naive UTC."""

    holder: Holder
    card_number: str
    start: dt.datetime
    usage: set[str]
    extended: list[ObjectIdentifier]


def make_leaf(issuer: Authority, leaf: Leaf) -> Authority:
    """A new key of the card and its certificate."""
    key = _key()
    builder = _builder(_subject(leaf.holder), ISSUER_NAME, key, leaf.start, 3 * 365 + 30)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
    builder = builder.add_extension(_authority_key(issuer), critical=False)
    builder = builder.add_extension(_usage(*leaf.usage), critical=True)
    builder = builder.add_extension(
        x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier(POLICY), [f"{SITE}/PC%20TEST"])]),
        critical=False,
    )
    builder = builder.add_extension(x509.ExtendedKeyUsage(leaf.extended), critical=False)
    builder = builder.add_extension(
        x509.CRLDistributionPoints(
            [_point(f"{SITE}/CRL/ACI-FO-PP-TEST.crl"), _point(LDAP.format("certificaterevocation"))]
        ),
        critical=False,
    )
    builder = builder.add_extension(x509.FreshestCRL([_point(LDAP.format("deltarevocation"))]), critical=False)
    builder = builder.add_extension(_information_access(), critical=False)
    for oid, value in _private_extensions(leaf):
        builder = builder.add_extension(x509.UnrecognizedExtension(ObjectIdentifier(oid), value), critical=False)
    return Authority(builder.sign(issuer.key, hashes.SHA256()), key)


def _subject(holder: Holder) -> x509.Name:
    """``C``, ``title``, then one multi-valued RDN ``GN + SN + CN`` (card-reference §7.2)."""
    attribute = x509.NameAttribute
    return x509.Name(
        [
            x509.RelativeDistinguishedName([attribute(NameOID.COUNTRY_NAME, "FR")]),
            x509.RelativeDistinguishedName([attribute(NameOID.TITLE, holder.title)]),
            x509.RelativeDistinguishedName(
                [
                    attribute(NameOID.GIVEN_NAME, holder.given),
                    attribute(NameOID.SURNAME, holder.family),
                    attribute(NameOID.COMMON_NAME, f"8{holder.rpps}"),
                ]
            ),
        ]
    )


def _point(url: str) -> x509.DistributionPoint:
    return x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)


def _information_access() -> x509.AuthorityInformationAccess:
    uri = x509.UniformResourceIdentifier
    return x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri("http://ocsp.esante.gouv.fr")),
            x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS, uri(f"{SITE}/AC%20TEST/ACI-FO-PP-TEST.cer")
            ),
        ]
    )


def _private_extensions(leaf: Leaf) -> list[tuple[str, bytes]]:
    """Extensions given as DER: card-reference §7.3, and PrivateKeyUsagePeriod (RFC 3280 §4.2.1.4)."""
    period = b"".join(
        bytes((0x80 + n, 15)) + (leaf.start + days * DAY).strftime("%Y%m%d%H%M%SZ").encode()
        for n, days in enumerate((0, 3 * 365))
    )
    number = f"8025000001/{leaf.card_number}".encode()
    extensions = [
        ("2.5.29.16", bytes((0x30, len(period))) + period),
        ("1.2.250.1.71.1.2.2", bytes((2, 1, 0))),
        ("1.2.250.1.71.1.2.3", bytes((0x13, len(number))) + number),
        ("1.2.250.1.71.1.2.5", bytes((4, 1, leaf.holder.category))),
        ("1.2.250.1.71.1.2.7", bytes((2, 1, leaf.holder.profession))),
    ]
    codes = b"".join(bytes((0x0C, len(code))) + code.encode() for code in leaf.holder.specialties)
    if codes:
        extensions.append(("1.2.250.1.71.4.2.5", bytes((0x30, len(codes))) + codes))
    return extensions
