"""The private keys of a soft card, and the commands of a soft CPS3 for them (card-reference §6.1 to §6.5).

What it is: the two keys behind the PIN; MSE SET, PSO HASH / CDS / DECIPHER and INTERNAL AUTHENTICATE with the local
keys 81 and 82. What it is not: PSS (a CPS3 has none), or the commands of a CPS4 (``softsign4``).
Rule: a key serves what its certificate is for, and only after the PIN.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import rsa

from appliance.simulator import softkeys
from appliance.simulator.pki import TestPki
from appliance.simulator.softapdu import Apdu, Refused
from appliance.simulator.softfiles import rules
from appliance.simulator.softtlv import tlv

SIGNATURE, AUTHENTICATION = 0x81, 0x82
_HT, _DST, _AT, _CT = 0xAA, 0xB6, 0xA4, 0xB8
_SHA256 = 0x40

# MSE template -> (algorithm, key) accepted; -1 = absent (card-reference §6.1).
_ENVIRONMENTS = {
    _HT: {(_SHA256, -1), (0x10, -1)},
    _DST: {(0x42, SIGNATURE), (0x12, SIGNATURE)},
    _AT: {(0x02, AUTHENTICATION)},
    _CT: {(0x1A, AUTHENTICATION)},
}
_DIGEST_SIZES = {0x42: 32, 0x12: 20}


class PrivateKeys:
    """Two keys that work after the PIN, and are counted.

    Args:
        signature, authentication: by the references that the card gives them.
        pki: whose keys.
        require_pin: raises ``Refused`` (6982) until the PIN was verified.

    Attributes:
        signature_count: signatures made, ever. operation_count: every private operation.
    """

    def __init__(self, signature: int, authentication: int, pki: TestPki, require_pin: Callable[[], None]) -> None:
        self._keys = {signature: pki.signature.key, authentication: pki.authentication.key}
        self._require_pin = require_pin
        self.signature_count = 0
        self.operation_count = 0

    def use(self, reference: int, operation: Callable[[rsa.RSAPrivateKey], bytes], *, signs: bool) -> bytes:
        """One private operation; ``signs`` says whether its result is a signature.

        Raises:
            Refused: 6982 without the PIN; 6A80 for a block that is none.
        """
        self._require_pin()
        try:
            result = operation(self._keys[reference])
        except ValueError as error:
            raise Refused(0x6A80) from error
        self.operation_count += 1
        self.signature_count += signs
        return result


class Keys:
    """What a CPS3 does with its keys: the current security environment, and the hash that waits to be signed.

    Args:
        keys: with references 81 and 82.
    """

    def __init__(self, keys: PrivateKeys) -> None:
        self._keys = keys
        self._environment: dict[int, tuple[int, int]] = {}
        self._digest = b""
        self._operations = {(0x90, 0xA0): self._hash, (0x9E, 0x9A): self._sign, (0x80, 0x86): self._decipher}

    def forget(self) -> None:
        """Empty the environment: a reset, or the selection of a DF."""
        self._environment.clear()
        self._digest = b""

    def manage(self, command: Apdu, *, application: bool) -> bytes:
        """MSE SET: 80 algorithm, 84 key, in any order.

        Args:
            command: its P2 is the template.
            application: the DF that holds the keys is selected; elsewhere local keys are not found (6A88).
        """
        if command.header[2] != 0x41 or command.header[3] not in _ENVIRONMENTS:
            raise Refused(0x6A86)
        template = command.header[3]
        if not application and template != _HT:
            raise Refused(0x6A88)
        fields = _simple_tlvs(command.data)
        choice = (fields.get(0x80, -1), fields.get(0x84, -1))
        if choice not in _ENVIRONMENTS[template]:
            raise Refused(0x6A80)
        self._environment[template] = choice
        return b""

    def operate(self, command: Apdu) -> bytes:
        """PERFORM SECURITY OPERATION, by P1 P2."""
        operation = self._operations.get(command.p)
        if operation is None:
            raise Refused(0x6A86)
        return operation(command)

    def authenticate(self, command: Apdu) -> bytes:
        """INTERNAL AUTHENTICATE: block type 1 round whatever is given, up to 40 % of the modulus."""
        if command.p != (0, 0):
            raise Refused(0x6A86)
        _, key = self._chosen(_AT)
        if not 1 <= len(command.data) <= 102:
            raise Refused(0x6700)
        return self._keys.use(key, lambda private: softkeys.sign_raw(private, command.data), signs=True)

    @staticmethod
    def describe(number: int) -> bytes:
        """Content of the private-key object ``number`` (1, 2), tag A0: size, non-repudiation, access rules."""
        access = {1: "11FFFFFF00", 2: "FF1111FF00"}[number]
        return tlv(0xA0, bytes.fromhex(f"80020100 9E010{2 - number}"), rules(access))

    def _hash(self, command: Apdu) -> bytes:
        """PSO HASH, last round: ``90 28 state counter | 90 00`` then ``80 LL rest`` (card-reference §6.3)."""
        if self._chosen(_HT)[0] != _SHA256:
            raise Refused(0x6985)
        state, rest = _split_hash(command.data)
        bits = int.from_bytes(state[32:])
        if bits % 512 or len(rest) > 64:
            raise Refused(0x6A80)
        self._digest = softkeys.finish(state[:32] or softkeys.START, bits, rest)
        return b""

    def _sign(self, command: Apdu) -> bytes:
        """PSO CDS over the hash in the card, or over a bare one (card-reference §6.2)."""
        algorithm, key = self._chosen(_DST)
        digest = command.data or self._digest
        if not digest:
            raise Refused(0x6985)
        if len(digest) != _DIGEST_SIZES[algorithm]:
            raise Refused(0x6700)
        signature = self._keys.use(key, lambda private: softkeys.sign_digest(private, digest), signs=True)
        self._digest = b""
        return signature

    def _decipher(self, command: Apdu) -> bytes:
        """PSO DECIPHER: ``81`` and the cryptogram, chained (card-reference §6.5)."""
        _, key = self._chosen(_CT)
        if len(command.data) != 257 or command.data[0] != 0x81:
            raise Refused(0x6A80)
        return self._keys.use(key, lambda private: softkeys.decipher(private, command.data[1:]), signs=False)

    def _chosen(self, template: int) -> tuple[int, int]:
        choice = self._environment.get(template)
        if choice is None:
            raise Refused(0x6985)
        return choice


def _simple_tlvs(data: bytes) -> dict[int, int]:
    """Tag, length 01, value: the only shape an MSE of this card takes."""
    if len(data) % 3 or any(data[n + 1] != 1 for n in range(0, len(data), 3)):
        raise Refused(0x6A80)
    return {data[n]: data[n + 2] for n in range(0, len(data), 3)}


def _split_hash(data: bytes) -> tuple[bytes, bytes]:
    """State with counter (40 bytes or none), and the rest of the message."""
    if len(data) < 4 or data[0] != 0x90 or data[1] not in (0, 40):
        raise Refused(0x6A80)
    state, rest = data[2 : 2 + data[1]], data[2 + data[1] :]
    if len(state) != data[1] or len(rest) < 2 or rest[0] != 0x80 or rest[1] != len(rest) - 2:
        raise Refused(0x6A80)
    return state, rest[2:]
