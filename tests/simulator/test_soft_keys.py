import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.simulator import softkeys
from appliance.simulator.pki import TestPki


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_resumed_sha256_is_hashlibs(message):
    done = max(0, (len(message) - 1) // 64) * 64
    state = softkeys.START
    for n in range(0, done, 64):
        state = softkeys.compress(state, message[n : n + 64])
    assert softkeys.finish(state, 8 * done, message[done:]) == hashlib.sha256(message).digest()


def test_the_worked_vector_of_the_reference():
    message = bytes(range(100))  # card-reference §6.3
    state = softkeys.compress(softkeys.START, message[:64])
    assert state.hex().upper() == "FC99A2DF88F42A7A7BB9D18033CDC6A20256755F9D5B9A5044A9CC315ABE84A7"
    digest = softkeys.finish(state, 512, message[64:])
    assert digest.hex() == "bce0aff19cf5aa6a7469a30d61d04e4376e4bbf6381052ee9e7f33925c954d52"


def test_the_constants_are_those_of_the_standard():
    assert softkeys.START[:4].hex() == "6a09e667"  # FIPS 180-4 §5.3.3
    assert [softkeys._K[n] for n in (0, 63)] == [0x428A2F98, 0xC67178F2]  # FIPS 180-4 §4.2.2


def test_raw_signature_is_pkcs1_of_the_digest_info():
    key = TestPki.generate().authentication.key
    digest = hashlib.sha256(b"abc").digest()
    signature = softkeys.sign_raw(key, bytes.fromhex("3031300D060960864801650304020105000420") + digest)
    key.public_key().verify(signature, b"abc", padding.PKCS1v15(), hashes.SHA256())
    assert signature == softkeys.sign_digest(key, digest)
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"abd", padding.PKCS1v15(), hashes.SHA256())


def test_decipher():
    key = TestPki.generate().authentication.key
    assert softkeys.decipher(key, key.public_key().encrypt(b"session", padding.PKCS1v15())) == b"session"
