"""What the door's challenge is made of, to the byte, and that it is nothing else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.signing.challenge import NONCE, PREFIX, Challenge

devices = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=4, max_size=40)
nonces = st.binary(min_size=NONCE, max_size=NONCE)


def test_the_bytes_are_those_of_the_document():
    challenge = Challenge("cabinet-1", bytes(range(32)))
    assert challenge.message == b"CPS-APPLIANCE-DOOR-V1\x00cabinet-1\x00" + bytes(range(32))
    assert challenge.digest == hashlib.sha256(challenge.message).digest()
    assert len(PREFIX) == 22


@given(devices, nonces, devices, nonces)
def test_two_challenges_share_no_bytes_unless_they_are_one(device, nonce, other, another):
    same = (device, nonce) == (other, another)
    assert (Challenge(device, nonce).message == Challenge(other, another).message) == same


@given(devices, nonces)
def test_it_begins_as_nothing_else_that_a_key_signs(device, nonce):
    message = Challenge(device, nonce).message
    assert not message.startswith((b" " * 64, b"ey"))
    assert message[0] > 0x19  # the handshake types of TLS 1.2 end below


@pytest.mark.parametrize("nonce", [b"", bytes(31), bytes(33)])
def test_a_nonce_has_its_length(nonce):
    with pytest.raises(ValueError, match="32"):
        Challenge("box-1", nonce)


@pytest.mark.parametrize("device", ["bo\x00x", "boîte", "a\nb"])
def test_a_device_id_cannot_run_into_the_nonce(device):
    with pytest.raises(ValueError, match="ASCII"):
        Challenge(device, bytes(32))
