"""The IGC-Santé profile: names, extensions and usages of the certificates (card-reference §7).

What it is: how one certificate of a chain looks. What it is not: the keeper of keys; that is ``pki``. The authorities
have the names of the real ones, of the TEST or of the production chain, and keys of their own.
Rule: every extension of the observed test certificates is there, and nothing else.
"""

import datetime as dt
import functools
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, ObjectIdentifier

from appliance.simulator.softholder import Holder, Structure

DAY = dt.timedelta(days=1)
POLICY = "1.2.250.1.213.1.7.2.1.1.1.1"  # card-reference §7.4: the test policy
SITE = "http://igc-sante.esante.gouv.fr"


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


def _key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True, slots=True)
class Chain:
    """One root and its issuer of persons' certificates (card-reference §7.1).

    Attributes:
        strength: FORT issues CPS and CPF, STANDARD issues CPE and CPA.
        test: the TEST chain, with its own names.
    """

    strength: str = "FORT"
    test: bool = True

    @classmethod
    def of(cls, holder: Holder) -> "Chain":
        """The chain of a card, by category (table G01: bit 8 is TEST) and type."""
        return cls("FORT" if holder.card_type < 2 else "STANDARD", bool(holder.category & 0x80))

    @property
    def root_name(self) -> x509.Name:
        """Subject of the root."""
        return self._name(f"AC RACINE IGC-SANTE {self.strength}")

    @property
    def issuer_name(self) -> x509.Name:
        """Subject of the issuer."""
        return self._name(f"AC IGC-SANTE {self.strength} PERSONNES")

    @property
    def file(self) -> str:
        """How the issuer's files are called where it publishes them."""
        return f"ACI-{self.strength[:2]}-PP{'-TEST' if self.test else ''}"

    def ldap(self, attribute: str) -> str:
        """Where the directory publishes a list."""
        names = [name.replace(" ", "%20") for name in (self._common(self.issuer_name), self._common(self.root_name))]
        unit = "IGC-SANTE%20TEST" if self.test else "IGC-SANTE"
        return (
            f"ldap://annuaire-igc.esante.gouv.fr/cn={names[0]},ou={names[1]},ou={unit},ou=0002%20187512751,"
            f"o=ASIP-SANTE,c=FR?{attribute}list;binary?base?objectClass=pkiCA"
        )

    def _name(self, common: str) -> x509.Name:
        pairs = (
            (NameOID.COUNTRY_NAME, "FR"),
            (NameOID.ORGANIZATION_NAME, "ASIP-SANTE"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "0002 187512751"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "IGC-SANTE TEST" if self.test else "IGC-SANTE"),
            (NameOID.COMMON_NAME, f"TEST {common}" if self.test else common),
        )
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])

    @staticmethod
    def _common(name: x509.Name) -> str:
        return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


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
def make_root(chain: Chain, bits: int) -> Authority:
    """The self-signed root, once a process, chain and size."""
    key = _key(bits)
    builder = _builder(chain.root_name, chain.root_name, key, _CA_START, _CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    return Authority(builder.sign(key, hashes.SHA256()), key)


@functools.cache
def make_issuer(chain: Chain, bits: int) -> Authority:
    """The authority that issues the cards of persons."""
    root, key = make_root(chain, bits), _key(bits)
    builder = _builder(chain.issuer_name, chain.root_name, key, _CA_START, _CA_DAYS)
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
    key, chain = _key(), Chain.of(leaf.holder)
    builder = _builder(_subject(leaf.holder), chain.issuer_name, key, leaf.start, 3 * 365 + 30)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
    builder = builder.add_extension(_authority_key(issuer), critical=False)
    builder = builder.add_extension(_usage(*leaf.usage), critical=True)
    builder = builder.add_extension(
        x509.CertificatePolicies(
            [x509.PolicyInformation(ObjectIdentifier(POLICY), [f"{SITE}/PC{'%20TEST' if chain.test else ''}"])]
        ),
        critical=False,
    )
    builder = builder.add_extension(x509.ExtendedKeyUsage(leaf.extended), critical=False)
    builder = builder.add_extension(
        x509.CRLDistributionPoints(
            [_point(f"{SITE}/CRL/{chain.file}.crl"), _point(chain.ldap("certificaterevocation"))]
        ),
        critical=False,
    )
    builder = builder.add_extension(x509.FreshestCRL([_point(chain.ldap("deltarevocation"))]), critical=False)
    builder = builder.add_extension(_information_access(chain), critical=False)
    for oid, value in _private_extensions(leaf):
        builder = builder.add_extension(x509.UnrecognizedExtension(ObjectIdentifier(oid), value), critical=False)
    return Authority(builder.sign(issuer.key, hashes.SHA256()), key)


def _subject(holder: Holder) -> x509.Name:
    """``C``, ``title``, then one multi-valued RDN ``GN + SN + CN``; a structure's card: _structure_subject."""
    if holder.structure is not None:
        return _structure_subject(holder.structure, holder.title)
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


def _structure_subject(structure: Structure, title: str) -> x509.Name:
    """``C, ST, O, OU, title, pseudonym, CN=<structure>/<registry>``, and no name (card-reference §7.2)."""
    pairs = (
        (NameOID.COUNTRY_NAME, "FR"),
        (NameOID.STATE_OR_PROVINCE_NAME, structure.region),
        (NameOID.ORGANIZATION_NAME, structure.name),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, structure.ident),
        (NameOID.TITLE, title),
        (NameOID.PSEUDONYM, structure.pseudonym),
        (NameOID.COMMON_NAME, f"{structure.ident}/{structure.registry}"),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def _point(url: str) -> x509.DistributionPoint:
    return x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)


def _information_access(chain: Chain) -> x509.AuthorityInformationAccess:
    uri = x509.UniformResourceIdentifier
    return x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri("http://ocsp.esante.gouv.fr")),
            x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS,
                uri(f"{SITE}/AC{'%20TEST' if chain.test else ''}/{chain.file}.cer"),
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
        ("1.2.250.1.71.1.2.2", bytes((2, 1, leaf.holder.card_type))),
        ("1.2.250.1.71.1.2.3", bytes((0x13, len(number))) + number),
        ("1.2.250.1.71.1.2.5", bytes((4, 1, leaf.holder.category))),
    ]
    # card-reference §7.3: G15 for who has a profession, G16 for who learns one
    for oid, code in (("1.2.250.1.71.1.2.7", leaf.holder.profession), ("1.2.250.1.71.1.2.8", leaf.holder.future)):
        if code is not None:
            extensions.append((oid, bytes((2, 1, code))))
    codes = b"".join(bytes((0x0C, len(code))) + code.encode() for code in leaf.holder.specialties)
    if codes:
        extensions.append(("1.2.250.1.71.4.2.5", bytes((0x30, len(codes))) + codes))
    return extensions
