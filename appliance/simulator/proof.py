"""What a stranger can check of a signature with the ``openssl`` program alone.

What it is: files and two commands. What it is not: our own verification; nothing of the box is imported here.
Rule: an exit code of openssl is the only word that counts.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import SimulatorError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What openssl said, and the commands that anybody can repeat."""

    signature: bool
    chain: bool
    commands: tuple[str, ...]


def judge(folder: Path, document: Path, signature: bytes, certificate: bytes) -> Verdict:
    """Check ``signature`` (RSASSA-PKCS1-v1_5, SHA-256) of ``document`` and the chain of ``certificate`` (DER).

    ``folder`` holds ``root.pem`` and ``intermediate.pem``; signature, certificate and key are written there too.

    Raises:
        SimulatorError: there is no openssl, or the certificate cannot be read.
    """
    signed, der, key = folder / "signature.bin", folder / "signer.der", folder / "signer.pub"
    signed.write_bytes(signature)
    der.write_bytes(certificate)
    pem = folder / "signer.pem"
    made = _openssl("x509", "-inform", "DER", "-in", der, "-out", pem)
    read = _openssl("x509", "-in", pem, "-noout", "-pubkey", "-out", key)
    if made.returncode or read.returncode:
        raise SimulatorError("openssl cannot read the certificate")
    check = ("dgst", "-sha256", "-verify", key, "-signature", signed, document)
    chain = ("verify", "-CAfile", folder / "root.pem", "-untrusted", folder / "intermediate.pem", pem)
    commands = tuple(" ".join(("openssl", *map(str, words))) for words in (check, chain))
    return Verdict(_openssl(*check).returncode == 0, _openssl(*chain).returncode == 0, commands)


def _openssl(*words: str | Path) -> "subprocess.CompletedProcess[bytes]":
    if shutil.which("openssl") is None:
        raise SimulatorError("the openssl program is not installed")
    return subprocess.run(["openssl", *map(str, words)], check=False, capture_output=True, timeout=30)
