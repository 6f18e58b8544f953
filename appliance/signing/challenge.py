"""What the authentication key signs to open the door: bytes that mean nothing anywhere else.

What it is: the message of one challenge. What it is not: randomness (its caller's), a signature, or a judgement of the
certificate. Rule: nothing that a person, software or the card chose is in it, so that nobody can have the door's proof
made to serve as a document's signature, a TLS handshake or another box's challenge.

The bytes, in this order:

====================  ==================================================
``PREFIX``            22 bytes: ``CPS-APPLIANCE-DOOR-V1`` in ASCII, and 00
device id             4..40 bytes of ASCII (contract, *Topics*), and 00
nonce                 32 random bytes, fresh for each try
====================  ==================================================

The card signs RSASSA-PKCS1-v1_5 with SHA-256 over them (card-reference §6.4, §6.7). A TLS 1.3 client signs 64 spaces
and its own label first (RFC 8446 §4.4.3), a TLS 1.2 one a handshake message, whose first byte is below 19 hex (RFC 5246
§7.4), a JWS begins with ``ey``: none begins as ``PREFIX`` does.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

PREFIX: Final = b"CPS-APPLIANCE-DOOR-V1\x00"
NONCE: Final = 32
"""Bytes of a nonce."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of the box ``device``.

    Raises:
        ValueError: a nonce of another length, or a device id that could run into it; a fault of the caller.
    """

    device: str
    nonce: bytes

    def __post_init__(self) -> None:
        if len(self.nonce) != NONCE:
            raise ValueError(f"a nonce has {NONCE} bytes")
        if not self.device.isascii() or not self.device.isprintable():
            raise ValueError("a device id is printable ASCII")

    @property
    def message(self) -> bytes:
        """What is signed."""
        return PREFIX + self.device.encode("ascii") + b"\x00" + self.nonce

    @property
    def digest(self) -> bytes:
        """Its SHA-256: what the card is given."""
        return hashlib.sha256(self.message).digest()
