"""Signatures judged by others: the openssl program and joserfc.

What it is: verification from files and from the reply alone, with the test root as the only thing that is trusted.
What it is not: our own code: nothing of ``appliance`` verifies here.
"""

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.jwk import RSAKey

from appliance.simulator.pki import TestPki

HEADER = 16 * 1024
"""joserfc's own limit for a header is 512 bytes, less than any certificate (library-facts §3.7)."""


def openssl(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False, timeout=30)


@dataclass(frozen=True, slots=True)
class Proof:
    """Files in a folder, and the PKI whose root is trusted."""

    folder: Path
    pki: TestPki

    def check_raw(self, result: dict, content: bytes) -> None:
        """``openssl dgst -verify`` with the certificate of the reply, then its chain."""
        assert result["alg"] == "RS256"
        certificate = x509.load_der_x509_certificate(base64.b64decode(result["certificate"]))
        assert self.openssl_accepts(certificate, base64.b64decode(result["signature"]), content)
        self.check_chain(certificate)

    def openssl_accepts(self, certificate: x509.Certificate, signature: bytes, content: bytes) -> bool:
        """Whether openssl takes the signature over the content."""
        leaf, key, signed, document = (self.folder / name for name in ("leaf.pem", "key.pem", "signature", "document"))
        leaf.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        assert openssl("x509", "-in", leaf, "-noout", "-pubkey", "-out", key).returncode == 0
        signed.write_bytes(signature)
        document.write_bytes(content)
        done = openssl("dgst", "-sha256", "-verify", key, "-signature", signed, document)
        assert (done.returncode == 0) == ("Verified OK" in done.stdout), done
        return done.returncode == 0

    def check_jws(self, token: str, content: bytes) -> None:
        """joserfc with the key of ``x5c``, then its chain; the payload is the document."""
        registry = jws.JWSRegistry(algorithms=["RS256"])
        registry.max_header_length = HEADER
        header = jws.extract_compact(token.encode(), registry=registry).headers()
        assert header.keys() == {"alg", "x5c"}
        (leaf,) = header["x5c"]
        certificate = x509.load_der_x509_certificate(base64.b64decode(leaf))
        key = RSAKey.import_key(
            certificate.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        signed = jws.deserialize_compact(token, key, registry=registry)
        assert signed.payload == content
        self.check_chain(certificate)

    def check_chain(self, certificate: x509.Certificate) -> None:
        """``openssl verify`` from the leaf over the intermediate to the test root; not without the intermediate."""
        assert certificate == self.pki.signature.certificate
        names = {"root": self.pki.root, "intermediate": self.pki.intermediate, "leaf": certificate}
        files = {name: self.folder / f"{name}.pem" for name in names}
        for name, file in files.items():
            file.write_bytes(names[name].public_bytes(serialization.Encoding.PEM))
        trusted = ("verify", "-no-CApath", "-no-CAstore", "-CAfile", files["root"])
        whole = openssl(*trusted, "-untrusted", files["intermediate"], files["leaf"])
        assert whole.returncode == 0, whole.stdout + whole.stderr
        assert openssl(*trusted, files["leaf"]).returncode != 0
