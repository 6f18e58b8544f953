"""JSON Web Signatures around a signature that a card makes.

What it is: the two halves of RFC 7515 §7.1 compact serialization, before and after the card. What it is not: a
signer or a verifier; JOSE libraries verify, and the box checks with ``verification`` before it lets anything out.
Rule: RS256 only, attached payload, ``x5c`` holds the leaf alone (contract, *Requests*); equal input, equal bytes.
"""

import json
from base64 import b64encode, urlsafe_b64encode


def signing_input(payload: bytes, certificate_der: bytes, *, typ: str | None = None) -> bytes:
    """The ASCII bytes the card signs with RSASSA-PKCS1-v1_5 and SHA-256 (RFC 7515 §5.1, RFC 7518 §3.3).

    Args:
        payload: the document as supplied.
        certificate_der: the signer's certificate; it travels in ``x5c`` in standard base64 (RFC 7515 §4.1.6).
        typ: the ``typ`` header (RFC 7515 §4.1.9), none when None.

    Returns:
        ``BASE64URL(header) || '.' || BASE64URL(payload)``.
    """
    header: dict[str, str | list[str]] = {"alg": "RS256"}
    if typ is not None:
        header["typ"] = typ
    header["x5c"] = [b64encode(certificate_der).decode("ascii")]
    protected = json.dumps(header, separators=(",", ":")).encode("ascii")
    return _base64url(protected) + b"." + _base64url(payload)


def assemble(signed: bytes, signature: bytes) -> str:
    """The compact serialization of a ``signing_input`` and the card's signature over it (RFC 7515 §7.1)."""
    return (signed + b"." + _base64url(signature)).decode("ascii")


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
