"""The intermediate state against the reference vector and hashlib."""

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.card import luhn
from appliance.card.sha256 import compress, unfinished


def finish(message):
    """What the card does with it: pad the rest, compress, done."""
    part = unfinished(message)
    assert part.hashed % 512 == 0
    total = part.hashed + len(part.rest) * 8
    tail = part.rest + b"\x80"
    tail += bytes(-(len(tail) + 8) % 64) + total.to_bytes(8, "big")
    state = struct.unpack(">8I", part.state)
    for at in range(0, len(tail), 64):
        state = compress(state, tail[at : at + 64])
    return struct.pack(">8I", *state)


def test_the_vector_of_the_reference():
    message = bytes(range(100))
    part = unfinished(message)
    assert part.state.hex().upper() == "FC99A2DF88F42A7A7BB9D18033CDC6A20256755F9D5B9A5044A9CC315ABE84A7"
    assert part.hashed == 0x200
    assert part.rest == message[64:]
    assert finish(message).hex() == "bce0aff19cf5aa6a7469a30d61d04e4376e4bbf6381052ee9e7f33925c954d52"


@pytest.mark.parametrize(
    ("size", "hashed", "rest"),
    [(0, 0, 0), (1, 0, 1), (63, 0, 63), (64, 0, 64), (65, 512, 1), (128, 512, 64), (129, 1024, 1), (1000, 7680, 40)],
)
def test_the_last_block_is_kept(size, hashed, rest):
    part = unfinished(bytes(size))
    assert (part.hashed, len(part.rest)) == (hashed, rest)


@given(st.binary(max_size=700))
def test_against_hashlib(message):
    assert finish(message) == hashlib.sha256(message).digest()


@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("8025000001992138450", True),  # a real chip serial
        ("99900063480", True),
        ("99900038839", True),
        ("99700218896", True),
        ("99900023351", True),
        ("99700735741", True),
        ("899900063480", False),  # over the 12 digits of the PS_IdNat it does not hold
        ("99900063481", False),
        ("", False),
        ("9990006348x", False),
        ("\u0661", False),  # a digit, but not of ours
        ("0", True),
    ],
)
def test_luhn(digits, valid):
    assert luhn.check(digits) is valid


@given(st.from_regex(r"[0-9]{1,18}", fullmatch=True), st.data())
def test_luhn_sees_one_wrong_digit(body, data):
    number = next(body + str(key) for key in range(10) if luhn.check(body + str(key)))
    at = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != number[at]]))
    assert not luhn.check(number[:at] + other + number[at + 1 :])
