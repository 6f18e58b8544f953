"""What both dialects do alike with a signature.

What it is: the encoding of a digest, and the command whose answer must not be lost. What it is not: the commands
themselves. Rule: a block to sign is made here from a digest, never taken from somebody else: the card would sign
anything (traces §5, *key choice*).
"""

from appliance.card.apdu import Command
from appliance.card.files import expect
from appliance.card.script import Script
from appliance.errors import CardError, OutcomeUnknown, ReaderError

DIGEST_INFO_SHA256 = bytes.fromhex("3031300D060960864801650304020105000420")
"""DER of DigestInfo up to the 32-byte hash (RFC 8017 §9.2 note 1)."""

DIGEST = 32
"""Bytes of a SHA-256 digest."""


def digest_info(digest: bytes) -> bytes:
    """DigestInfo of a SHA-256 digest.

    Raises:
        ValueError: not 32 bytes; a fault of the caller.
    """
    if len(digest) != DIGEST:
        raise ValueError("a SHA-256 digest has 32 bytes")
    return DIGEST_INFO_SHA256 + digest


def block(digest: bytes, bits: int) -> bytes:
    """EMSA-PKCS1-v1_5 of a SHA-256 digest for a modulus of ``bits`` (RFC 8017 §9.2).

    Raises:
        ValueError: not 32 bytes, or a modulus too short for it; a fault of the caller.
    """
    info = digest_info(digest)
    fill = bits // 8 - len(info) - 3
    if fill < 8:
        raise ValueError("the modulus is too short")
    return b"\x00\x01" + b"\xff" * fill + b"\x00" + info


def sign_once(command: Command, step: str) -> Script[bytes]:
    """The command that makes a signature: once it has left, no answer is not the same as no signature.

    Raises:
        OutcomeUnknown: card or reader went away before the answer came. CommandRefused: the card said no.
    """
    try:
        answer = yield command
    except (CardError, ReaderError) as error:  # only the way to the card raises here; what the card says is an answer
        raise OutcomeUnknown(step) from error
    return expect(answer, step)
