"""The state of SHA-256 before its last block (FIPS 180-4 §6.2).

What it is: the compression function alone, because the CPS3 card wants the intermediate state and hashes the last
block itself (card-reference §6.3), and hashlib cannot export one. What it is not: a hash for any other use.
Rule: public data only; nothing here runs in constant time.
"""

import dataclasses
import struct

BLOCK = 64
"""Bytes of one block."""

_K = struct.unpack(
    ">64I",
    bytes.fromhex(
        "428a2f9871374491b5c0fbcfe9b5dba53956c25b59f111f1923f82a4ab1c5ed5"
        "d807aa9812835b01243185be550c7dc372be5d7480deb1fe9bdc06a7c19bf174"
        "e49b69c1efbe47860fc19dc6240ca1cc2de92c6f4a7484aa5cb0a9dc76f988da"
        "983e5152a831c66db00327c8bf597fc7c6e00bf3d5a7914706ca635114292967"
        "27b70a852e1b21384d2c6dfc53380d13650a7354766a0abb81c2c92e92722c85"
        "a2bfe8a1a81a664bc24b8b70c76c51a3d192e819d6990624f40e3585106aa070"
        "19a4c1161e376c082748774c34b0bcb5391c0cb34ed8aa4a5b9cca4f682e6ff3"
        "748f82ee78a5636f84c878148cc7020890befffaa4506cebbef9a3f7c67178f2"
    ),
)
_INITIAL = struct.unpack(">8I", bytes.fromhex("6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"))
_M = 0xFFFFFFFF


@dataclasses.dataclass(frozen=True, slots=True)
class Unfinished:
    """A message hashed up to its last block.

    ``state``: 32 bytes, big-endian. ``hashed``: number of bits already hashed, a multiple of 512.
    ``rest``: what remains, 1 to 64 bytes, or none for the empty message.
    """

    state: bytes
    hashed: int
    rest: bytes = dataclasses.field(repr=False)


def unfinished(message: bytes) -> Unfinished:
    """Hash every block but the last; a message of whole blocks keeps its last one (card-reference §6.3)."""
    done = max(len(message) - 1, 0) // BLOCK * BLOCK
    state = _INITIAL
    for at in range(0, done, BLOCK):
        state = compress(state, message[at : at + BLOCK])
    return Unfinished(struct.pack(">8I", *state), done * 8, message[done:])


def compress(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    """One round of FIPS 180-4 §6.2.2: eight 32-bit words and 64 bytes to eight words.

    The rotations work on the word written twice, so that one shift does for one rotation.
    """
    w = list(struct.unpack(">16I", block))
    for t in range(16, 64):
        x, y = w[t - 15], w[t - 2]
        xx, yy = x << 32 | x, y << 32 | y
        w.append((w[t - 16] + (xx >> 7 ^ xx >> 18 ^ x >> 3) + w[t - 7] + (yy >> 17 ^ yy >> 19 ^ y >> 10)) & _M)
    a, b, c, d, e, f, g, h = state
    for k, word in zip(_K, w, strict=True):
        ee, aa = e << 32 | e, a << 32 | a
        first = h + ((ee >> 6 ^ ee >> 11 ^ ee >> 25) & _M) + (g ^ e & (f ^ g)) + k + word
        second = ((aa >> 2 ^ aa >> 13 ^ aa >> 22) & _M) + (a & b | c & (a | b))
        h, g, f, e = g, f, e, (d + first) & _M
        d, c, b, a = c, b, a, (first + second) & _M
    return tuple((old + new) & _M for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))
