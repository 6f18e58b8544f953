"""Authorities and leaves made for the tests of trust: nothing is right unless a test wants it so."""

import dataclasses
import datetime as dt
import functools
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from appliance.card.chain_link import read_link
from appliance.card.tlv import SEQUENCE, read, write

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
BITS = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
FROM_ISSUER = "from the issuer"
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


@functools.cache
def ec_key(name):
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def rsa_key(name, bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def dn(common, organization="ASIP-SANTE"):
    pairs = ((NameOID.COUNTRY_NAME, "FR"), (NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


@dataclasses.dataclass(frozen=True)
class Made:
    """A certificate and the key it is for."""

    certificate: x509.Certificate
    key: object

    @property
    def der(self):
        return self.certificate.public_bytes(DER)

    @property
    def pem(self):
        return self.certificate.public_bytes(PEM)

    @property
    def link(self):
        return read_link(self.der)

    @property
    def fingerprint(self):
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def make(  # noqa: PLR0913 -- everything a test may want to be odd
    name,
    issuer=None,
    *,
    subject=None,
    issuer_name=None,
    key=None,
    ca=True,
    path_length=None,
    usage=("key_cert_sign", "crl_sign"),
    begin=BEGIN,
    end=END,
    extensions=(),
    key_id=True,
    authority_key_id=FROM_ISSUER,
    digest=None,
    rsa_padding=None,
):
    """One certificate; without ``issuer`` it is self-signed. ``ca`` None: no basic constraints at all."""
    key = key or ec_key(name)
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject or dn(name))
        .issuer_name(issuer_name or (issuer.certificate.subject if issuer else subject or dn(name)))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
    if usage:
        builder = builder.add_extension(x509.KeyUsage(**{bit: bit in usage for bit in BITS}), critical=True)
    if key_id:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if authority_key_id == FROM_ISSUER:
        authority_key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    if authority_key_id:
        builder = builder.add_extension(authority_key_id, critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Made(builder.sign(signer, digest or hashes.SHA256(), rsa_padding=rsa_padding), key)


def leaf(issuer, name="899900063480", **odd):
    return make(name, issuer, **{"ca": False, "usage": ("content_commitment",), **odd})


def unknown(oid="1.2.3.4", value="0500"):
    return x509.UnrecognizedExtension(ObjectIdentifier(oid), bytes.fromhex(value))


@functools.cache
def root():
    return make("AC RACINE ESSAI")


@functools.cache
def issuer():
    return make("AC ESSAI PERSONNES", root(), path_length=0)


@functools.cache
def card():
    return leaf(issuer())


def rebuilt(made, signer, edit, digest=None):
    """The certificate with ``edit(fields)`` done to what is signed, signed again; for what no builder makes."""
    digest = digest or hashes.SHA256()
    whole = read(made.der)[0].children()
    fields = list(whole[0].children())
    edit(fields)
    body = write(SEQUENCE, b"".join(write(field.tag, field.value) for field in fields))
    if isinstance(signer.key, rsa.RSAPrivateKey):
        seal = signer.key.sign(body, padding.PKCS1v15(), digest)
    else:
        seal = signer.key.sign(body, ec.ECDSA(digest))
    return write(SEQUENCE, body + write(fields[2].tag, fields[2].value) + write(0x03, b"\x00" + seal))


def openssl_agrees(folder, leaf, authorities, moment=NOW):
    """Whether ``openssl verify`` ends at one of the self-signed ``authorities``."""
    roots = [made for made in authorities if made.certificate.issuer == made.certificate.subject]
    (folder / "roots.pem").write_bytes(b"".join(made.pem for made in roots))
    (folder / "links.pem").write_bytes(b"".join(made.pem for made in authorities if made not in roots))
    (folder / "leaf.pem").write_bytes(leaf.pem)
    given = ["-CAfile", folder / "roots.pem", "-no-CApath", "-no-CAstore", "-attime", str(int(moment.timestamp()))]
    if len(roots) < len(authorities):
        given += ["-untrusted", folder / "links.pem"]
    ran = subprocess.run(["openssl", "verify", *given, folder / "leaf.pem"], capture_output=True, check=False)
    return ran.returncode == 0
