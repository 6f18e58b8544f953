"""Certificates made for tests, with the IGC-Santé profile (card-reference §7.2-§7.4); fictitious holders."""

import dataclasses
import datetime as dt
import functools

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KEY_END = dt.datetime(2029, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2029, 1, 31, tzinfo=dt.UTC)

ISSUER = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ASIP-SANTE"),
        x509.NameAttribute(NameOID.COMMON_NAME, "TEST AC IGC-SANTE FORT PERSONNES"),
    ]
)
EXTENSIONS = {
    "1.2.250.1.71.1.2.2": "020100",
    "1.2.250.1.71.1.2.3": "1315" + b"8025000001/2500577253".hex(),
    "1.2.250.1.71.1.2.5": "040180",
    "1.2.250.1.71.1.2.7": "02013C",
    "1.2.250.1.71.4.2.5": "30060C0453493031",
    "1.2.250.1.71.1.2.9": "FF",  # unknown and no TLV: nobody's business
    "2.5.29.16": "3022800F32303236303130313030303030305A810F32303239303130313030303030305A",
}
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
FULL = ("given", "family", "id")


@functools.cache
def rsa_key(name, bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def ec_key():
    return ec.generate_private_key(ec.SECP256R1())


def name(person=FULL, title="Infirmier(e)", order=None):
    ava = {
        "given": x509.NameAttribute(NameOID.GIVEN_NAME, "SOPHIE"),
        "family": x509.NameAttribute(NameOID.SURNAME, "DURAND"),
        "id": x509.NameAttribute(NameOID.COMMON_NAME, "899900063480"),
    }
    rdns = [x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")])]
    if title:
        rdns.append(x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.TITLE, title)]))
    rdns.append(x509.RelativeDistinguishedName([ava[part] for part in (order or person)]))
    return x509.Name(rdns)


@dataclasses.dataclass(frozen=True)
class Profile:
    signature: bool = True
    usage: str | None = "profile"
    extended: bool = True


SIGNATURE = Profile()


def certificate(subject=None, key=None, profile=SIGNATURE, extensions=None, issuer=ISSUER):
    """DER of one leaf; ``extensions`` replaces the private ones, OID -> hex of the value."""
    key = key or rsa_key("signature" if profile.signature else "authentication")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject or name())
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(BEGIN)
        .not_valid_after(END)
    )
    if profile.usage == "profile":
        bits = dict.fromkeys(USAGES, False)
        bits |= {"content_commitment": True} if profile.signature else {"digital_signature": True}
        builder = builder.add_extension(x509.KeyUsage(**bits), critical=True)
    if profile.extended:
        usage = ExtendedKeyUsageOID.EMAIL_PROTECTION if profile.signature else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    for oid, value in (EXTENSIONS if extensions is None else extensions).items():
        raw = x509.UnrecognizedExtension(ObjectIdentifier(oid), bytes.fromhex(value))
        builder = builder.add_extension(raw, critical=False)
    signed = builder.sign(rsa_key("issuer"), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)
