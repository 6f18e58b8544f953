"""TLS 1.3 with both certificates, against a real mosquitto; and what must not be accepted."""

import datetime as dt
import ipaddress

import mosquitto
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.config import parse
from appliance.errors import ConfigError
from appliance.gateway.service import endpoint_of
from appliance.link.messages import Ack, Broker

NOW = dt.datetime.now(dt.UTC)


class Authority:
    """A throw-away authority that writes PEM files."""

    def __init__(self, folder, name):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = folder / f"{name}.crt"
        self._write(self.certificate, self._sign(self.name, self.key, ca=True))

    def issue(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate, file = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        self._write(certificate, self._sign(subject, key, ca=False))
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        file.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        file.chmod(0o644)  # mosquitto reads it after it has given up root
        return certificate, file

    def _write(self, path, certificate):
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, key, *, ca):
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - dt.timedelta(days=1))
            .not_valid_after(NOW + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(here, critical=False)
            # Python 3.13 checks chains as RFC 5280 wants them: these three are what it asks for.
            .add_extension(_usage(ca=ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def _usage(*, ca):
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    signs = {"key_cert_sign": ca, "crl_sign": ca, "encipher_only": False, "decipher_only": False}
    return x509.KeyUsage(**dict.fromkeys(names, False) | {"digital_signature": not ca} | signs)


@pytest.fixture
def pki(folder):
    folder.chmod(0o755)
    return Authority(folder, "practice-ca")


@pytest.fixture
def tls_broker(folder, pki):
    if mosquitto.missing():
        pytest.skip(mosquitto.missing())
    certificate, key = pki.issue("localhost")
    lines = (
        f"cafile {pki.certificate}\ncertfile {certificate}\nkeyfile {key}\n"
        "require_certificate true\nuse_identity_as_username true\ntls_version tlsv1.3\n"
    )
    with mosquitto.PrivateMosquitto(folder / "broker", lines) as running:
        yield running


def tables(ca, cert, key):
    return f'[mqtt.tls]\nca = "{ca}"\ncert = "{cert}"\nkey = "{key}"\n'


def test_both_sides_show_a_certificate(vault, tls_broker, pki, make_gateway):
    make_gateway(tls_broker.url, more=tables(pki.certificate, *pki.issue("cps-demo")))
    vault.wait(Broker(connected=True))
    vault.event(1)
    vault.wait(Ack(1))


def test_a_broker_of_another_authority_is_not_trusted(vault, tls_broker, pki, folder, make_gateway):
    other = Authority(folder, "other-ca")
    gateway = make_gateway(tls_broker.url, more=tables(other.certificate, *pki.issue("cps-demo")))
    vault.wait(Broker(connected=False))
    gateway.wait_log("certificate verify failed")
    assert gateway.stop() == 0
    assert Broker(connected=True) not in vault.received


def test_files_that_cannot_be_used(folder):
    text = f'[device]\nid = "cps-demo"\n[mqtt]\nurl = "mqtts://127.0.0.1:1"\n[mqtt.tls]\nca = "{folder}/none.crt"\n'
    with pytest.raises(ConfigError, match=r"mqtt\.tls"):
        endpoint_of(parse(text))
    (folder / "bad.crt").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"mqtt\.tls"):
        endpoint_of(parse(text.replace("none", "bad")))
