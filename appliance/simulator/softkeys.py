"""What a soft card's chip computes: the last round of SHA-256, and RSA with a private key.

What it is: FIPS 180-4 compression from a given state (hashlib cannot start in the middle), PKCS#1 v1.5 and PSS.
What it is not: code for the product; it is neither fast nor constant in time.
Rule: the constants are computed from the primes they are defined by, so that no table can be mistyped.
"""

import math
from itertools import islice

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

_WORD = 0xFFFFFFFF


def _primes() -> list[int]:
    return list(islice((n for n in range(2, 400) if all(n % d for d in range(2, math.isqrt(n) + 1))), 64))


def _cube_root(value: int) -> int:
    root = 1 << -(-value.bit_length() // 3)
    while root**3 > value:
        root = (2 * root + value // root**2) // 3
    return root


# FIPS 180-4 §4.2.2: the first 32 bits of the fractional parts of the cube roots; §5.3.3: of the square roots.
_K = [_cube_root(prime << 96) & _WORD for prime in _primes()]
START = b"".join((math.isqrt(prime << 64) & _WORD).to_bytes(4) for prime in _primes()[:8])


def _turn(word: int, count: int) -> int:
    return (word >> count | word << (32 - count)) & _WORD


def compress(state: bytes, block: bytes) -> bytes:
    """FIPS 180-4 §6.2.2: one block of 64 bytes into a state of 32."""
    words = [int.from_bytes(block[n : n + 4]) for n in range(0, 64, 4)]
    for n in range(16, 64):
        early, late = words[n - 15], words[n - 2]
        s0 = _turn(early, 7) ^ _turn(early, 18) ^ early >> 3
        s1 = _turn(late, 17) ^ _turn(late, 19) ^ late >> 10
        words.append((words[n - 16] + s0 + words[n - 7] + s1) & _WORD)
    first = [int.from_bytes(state[n : n + 4]) for n in range(0, 32, 4)]
    a, b, c, d, e, f, g, h = first
    for constant, word in zip(_K, words, strict=True):
        t1 = h + (_turn(e, 6) ^ _turn(e, 11) ^ _turn(e, 25)) + (e & f ^ ~e & _WORD & g) + constant + word
        t2 = (_turn(a, 2) ^ _turn(a, 13) ^ _turn(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (t1 + t2) & _WORD, a, b, c, (d + t1) & _WORD, e, f, g
    return b"".join(((x + y) & _WORD).to_bytes(4) for x, y in zip(first, (a, b, c, d, e, f, g, h), strict=True))


def finish(state: bytes, done_bits: int, rest: bytes) -> bytes:
    """SHA-256 of a message of which ``done_bits`` bits are in ``state`` and ``rest`` (0..64 bytes) is left."""
    padded = rest + b"\x80" + bytes(-(len(rest) + 9) % 64) + (done_bits + 8 * len(rest)).to_bytes(8)
    for n in range(0, len(padded), 64):
        state = compress(state, padded[n : n + 64])
    return state


def sign_digest(key: rsa.RSAPrivateKey, digest: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 over a digest of 32 (SHA-256) or 20 bytes (SHA-1), RFC 8017 §8.2."""
    algorithm = {32: hashes.SHA256(), 20: hashes.SHA1()}[len(digest)]  # noqa: S303 - SHA-1 is what this old card offers
    return key.sign(digest, padding.PKCS1v15(), Prehashed(algorithm))


def sign_pss(key: rsa.RSAPrivateKey, digest: bytes) -> bytes:
    """RSASSA-PSS over a SHA-256 digest, MGF1 with SHA-256 and a salt of 32 bytes (RFC 8017 §8.1).

    The salt length of a real card is unknown (card-reference §12, unknown 7); this one is the usual choice.
    """
    return key.sign(digest, padding.PSS(padding.MGF1(hashes.SHA256()), 32), Prehashed(hashes.SHA256()))


def sign_raw(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    """Block type 1 round ``data`` as it is (RFC 8017 §9.2 step 5 with T = data), then the private operation."""
    size = key.key_size // 8
    return operate(key, b"\0\1" + b"\xff" * (size - 3 - len(data)) + b"\0" + data)


def operate(key: rsa.RSAPrivateKey, block: bytes) -> bytes:
    """The private operation on a block as long as the modulus (RFC 8017 §5.1.2, §5.2.1).

    Raises:
        ValueError: not such a block.
    """
    numbers, size, value = key.private_numbers(), key.key_size // 8, int.from_bytes(block)
    if len(block) != size or value >= numbers.public_numbers.n:
        raise ValueError("the block is no number below the modulus")
    at_p, at_q = pow(value, numbers.dmp1, numbers.p), pow(value, numbers.dmq1, numbers.q)
    return (at_q + numbers.q * ((at_p - at_q) * numbers.iqmp % numbers.p)).to_bytes(size)


def decipher(key: rsa.RSAPrivateKey, cryptogram: bytes) -> bytes:
    """RSAES-PKCS1-v1_5 (RFC 8017 §7.2).

    Raises:
        ValueError: not a cryptogram for this key.
    """
    return key.decrypt(cryptogram, padding.PKCS1v15())
