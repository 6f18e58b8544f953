"""The commands of a soft CPS4 for its private keys (card-reference §6.6, §6.7; traces cps4-middleware-sign-variants).

What it is: MSE SET (P1=81 with tag 91 for signatures, P1=41 with tag 83 for DECIPHER), PSO CDS over a bare hash in
PKCS#1 v1.5 or PSS, and DECIPHER as a raw RSA operation. What it is not: INTERNAL AUTHENTICATE (ChipDoc has none), or
algorithms that no recording shows. Rule: a key serves only what it was seen to serve, and only after the PIN.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import rsa

from appliance.simulator import softkeys
from appliance.simulator.softapdu import Apdu, Refused
from appliance.simulator.softsign import PrivateKeys

SIGNATURE, AUTHENTICATION = 0x10, 0x20
_HASHED = 0x80  # bit 8 of a key reference: the data of PSO CDS is a hash

# (algorithm, key) of tag 91 -> key, length of the hash, what is done with it.
_Signer = tuple[int, int, Callable[[rsa.RSAPrivateKey, bytes], bytes]]
_SIGNERS: dict[tuple[int, int], _Signer] = {
    (0x28, SIGNATURE | _HASHED): (SIGNATURE, 32, softkeys.sign_digest),
    (0x0A, SIGNATURE | _HASHED): (SIGNATURE, 20, softkeys.sign_digest),
    (0x2C, SIGNATURE | _HASHED): (SIGNATURE, 32, softkeys.sign_pss),
    (0x2C, AUTHENTICATION | _HASHED): (AUTHENTICATION, 32, softkeys.sign_pss),
}
_SET_SIGNATURE, _SET_DECIPHER = (0x81, 0xB6), (0x41, 0xB8)


class Keys4:
    """The current security environment: one signer, and whether DECIPHER has its key.

    Args:
        keys: with references 10 and 20.
    """

    def __init__(self, keys: PrivateKeys) -> None:
        self._keys = keys
        self._signer: _Signer | None = None
        self._deciphers = False

    def forget(self) -> None:
        """Empty the environment: a reset, or the selection of a DF."""
        self._signer = None
        self._deciphers = False

    def manage(self, command: Apdu, *, application: bool) -> bytes:
        """MSE SET; ``application``: the DF that holds the keys is selected, elsewhere they are not found (6A88)."""
        if command.p not in (_SET_SIGNATURE, _SET_DECIPHER):
            raise Refused(0x6A86)
        if not application:
            raise Refused(0x6A88)
        if command.p == _SET_DECIPHER:
            if command.data != bytes((0x83, 1, AUTHENTICATION)):
                raise Refused(0x6A80)
            self._deciphers = True
            return b""
        if len(command.data) != 4 or command.data[:2] != b"\x91\x02":
            raise Refused(0x6A80)
        signer = _SIGNERS.get((command.data[2], command.data[3]))
        if signer is None:
            raise Refused(0x6A80)
        self._signer = signer
        return b""

    def operate(self, command: Apdu) -> bytes:
        """PSO COMPUTE DIGITAL SIGNATURE (9E 9A) or DECIPHER (80 86)."""
        if command.p == (0x9E, 0x9A):
            return self._sign(command.data)
        if command.p == (0x80, 0x86):
            return self._decipher(command.data)
        raise Refused(0x6A86)

    def _sign(self, digest: bytes) -> bytes:
        if self._signer is None:
            raise Refused(0x6985)
        reference, size, make = self._signer
        if len(digest) != size:
            raise Refused(0x6700)
        return self._keys.use(reference, lambda private: make(private, digest), signs=True)

    def _decipher(self, block: bytes) -> bytes:
        """The whole block, without a prefix; one of type 1 comes out as a signature (card-reference §6.7)."""
        if not self._deciphers:
            raise Refused(0x6985)
        signs = block[:2] == b"\0\1"
        return self._keys.use(AUTHENTICATION, lambda private: softkeys.operate(private, block), signs=signs)
