"""The look at every signature before it leaves the box.

What it is: the rule, in one name that the services call. What it is not: cryptography (``card.certificate`` has it) or
a judgement of the certificate (validity, chain, revocation).
Rule: a signature that does not verify with the card's own certificate is never answered (design §4, walk ii).
"""

from appliance.card.certificate import parse_certificate


def verify_signature(certificate_der: bytes, message: bytes, signature: bytes) -> None:
    """Return when ``signature`` is RSASSA-PKCS1-v1_5 with SHA-256 of ``message`` by the certificate's key.

    Raises:
        SignatureInvalid: it is not.
        CardDataMalformed, CertificateInvalid: the certificate cannot be read, or its key is not RSA.
    """
    parse_certificate(certificate_der).check(signature, message)
