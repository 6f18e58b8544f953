"""The compact JWS, made as the card makes it and read by other people's code."""

import base64
import datetime as dt
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws as jose
from joserfc.errors import BadSignatureError
from joserfc.jwk import RSAKey

from appliance.errors import CardDataMalformed, SignatureInvalid
from appliance.signing.jws import assemble, signing_input
from appliance.signing.verification import verify_signature

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate_of(key):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + dt.timedelta(days=1000))
    return built.sign(key, hashes.SHA256())


CERTIFICATE = certificate_of(KEY)
DER = CERTIFICATE.public_bytes(serialization.Encoding.DER)


def card_signs(message):
    """What the card answers: RSASSA-PKCS1-v1_5 over SHA-256 of the message."""
    return KEY.sign(message, padding.PKCS1v15(), hashes.SHA256())


def registry():
    """joserfc caps a header at 512 bytes, which no ``x5c`` fits (its own documented limit; raised here only)."""
    made = jose.JWSRegistry(algorithms=["RS256"])
    made.max_header_length = 16 * 1024
    made.max_payload_length = 96 * 1024
    return made


def read(token):
    """A consumer's view: the key comes from ``x5c``, everything else from joserfc."""
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    leaf = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0], validate=True))
    key = RSAKey.import_key(
        leaf.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return jose.deserialize_compact(token, key, registry=registry())


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=2000))
def test_joserfc_verifies_every_payload_and_gets_it_back(payload):
    signed = signing_input(payload, DER)
    found = read(assemble(signed, card_signs(signed)))
    assert found.payload == payload
    assert found.protected["alg"] == "RS256"


def test_a_payload_of_the_largest_inline_size_verifies():
    payload = bytes(range(256)) * 128
    signed = signing_input(payload, DER)
    assert read(assemble(signed, card_signs(signed))).payload == payload


def test_header_is_exactly_algorithm_type_and_leaf():
    header = json.loads(base64.urlsafe_b64decode(signing_input(b"x", DER).split(b".")[0] + b"=="))
    assert header == {"alg": "RS256", "x5c": [base64.b64encode(DER).decode()]}
    typed = json.loads(base64.urlsafe_b64decode(signing_input(b"x", DER, typ="cps-auth+jws").split(b".")[0] + b"=="))
    assert typed == {"alg": "RS256", "typ": "cps-auth+jws", "x5c": [base64.b64encode(DER).decode()]}


@given(st.binary(max_size=64), st.binary(min_size=1, max_size=300), st.binary(max_size=256))
def test_parts_are_unpadded_base64url_and_equal_input_gives_equal_bytes(payload, der, signature):
    signed = signing_input(payload, der)
    assert signed == signing_input(payload, der)
    token = assemble(signed, signature)
    assert token.count(".") == 2
    assert not set(token) & set("=+/\n ")
    assert base64.urlsafe_b64decode(token.split(".")[1] + "==") == payload
    assert base64.urlsafe_b64decode(token.split(".")[2] + "==") == signature


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_part_does_not_verify(part):
    signed = signing_input(b"Pansement simple", DER, typ="a")
    parts = assemble(signed, card_signs(signed)).split(".")
    changed = {0: signing_input(b"", DER, typ="b").decode().split(".")[0], 1: "UGFuc2VtZW50IGRvdWJsZQ", 2: "A" * 342}
    parts[part] = changed[part]
    with pytest.raises(BadSignatureError):
        read(".".join(parts))


def test_the_look_before_it_leaves_lets_the_card_pass_and_nothing_else():
    message = signing_input(b"Pansement simple", DER)
    signature = card_signs(message)
    verify_signature(DER, message, signature)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for bad in (
        signature[:-1] + bytes([signature[-1] ^ 1]),
        signature[:-1],
        b"",
        bytes(256),
        other.sign(message, padding.PKCS1v15(), hashes.SHA256()),
        KEY.sign(message, padding.PKCS1v15(), hashes.SHA1()),
        KEY.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
    ):
        with pytest.raises(SignatureInvalid):
            verify_signature(DER, message, bad)
    with pytest.raises(SignatureInvalid):
        verify_signature(DER, message + b".", signature)
    with pytest.raises(CardDataMalformed):
        verify_signature(DER[:-1], message, signature)
