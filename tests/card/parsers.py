"""Every parser of card bytes as one function from bytes, and what it may raise: for hypothesis here, for atheris.

``PARSERS[name](data)`` returns a value or raises one of ``ERRORS``; anything else is a finding. ``SEEDS[name]`` are
inputs that parse. ``read_answers`` is the transport: 61xx, 6Cxx, GET RESPONSE and chaining over answers cut out of
``data``; it counts its commands and fails when there is no end to them.
"""

import functools
from collections.abc import Callable

from card_kit import EF_AODF, EF_CDF, EF_DIR, EF_DODF, EF_ODF, EF_PRKDF, EF_SN
from certificate_kit import certificate

from appliance.card import pkcs15, tlv
from appliance.card.activity import parse_situation
from appliance.card.actua import check_update
from appliance.card.apdu import LE_ANY, Command, Response
from appliance.card.certificate import parse_certificate
from appliance.card.holder import read_holder
from appliance.card.models import classify, historical
from appliance.card.policy import bars
from appliance.card.script import ROUNDS, play
from appliance.errors import CardDataMalformed, CardMute, CertificateInvalid, UpdateInterrupted

ERRORS = (CardDataMalformed, CardMute, CertificateInvalid, UpdateInterrupted)

APPLICATION = pkcs15.parse_dir(EF_DIR)
COMMANDS = (
    Command(0x00, 0xB0, 0x00, 0x00, le=0xE7),
    Command(0x01, 0xA4, 0x08, 0x00, b"\xd0\x03"),
    Command(0x00, 0xCB, 0x3F, 0xFF, bytes(10), le=LE_ANY),
    Command(0x01, 0x2A, 0x80, 0x86, bytes(600), le=LE_ANY),
)


def read_tlv(data: bytes) -> None:
    """Every reader of TLVs, two levels down."""
    tlv.ended(data)
    for item in tlv.whole(data) + tlv.read_all(data):
        tlv.bits(item)
        for convert in (tlv.unsigned, tlv.text, tlv.Tlv.children):
            try:
                convert(item)
            except CardDataMalformed:
                continue


def read_person(data: bytes) -> None:
    """A certificate, and all that is made of it."""
    found = read_holder(parse_certificate(data))
    bars(found, ("CPF",))
    assert isinstance(found.name + found.short + found.activity + str(found.ps_id_label), str)
    assert len(found.specialty_labels) == len(found.specialties)


def read_atr(data: bytes) -> None:
    """An ATR."""
    classify(data)
    historical(data)


def read_answers(data: bytes) -> Response | None:
    """The first byte chooses protocol and command; what follows is answers, each behind its length."""
    if not data:
        return None
    command, t1 = COMMANDS[data[0] >> 1 & 3], bool(data[0] & 1)
    answers, at = [], 1
    while at < len(data):
        answers.append(data[at + 1 : at + 1 + data[at] % 24])
        at += 1 + data[at] % 24
    count = 0

    def transmit(_: object) -> bytes:
        nonlocal count
        count += 1
        assert count <= 3 + 2 * ROUNDS, "no end"
        return answers[(count - 1) % len(answers)] if answers else b""

    def one() -> object:
        return (yield command)

    return play(one(), transmit, t1=t1)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "tlv": read_tlv,
    "dir": pkcs15.parse_dir,
    "odf": functools.partial(pkcs15.parse_odf, application=APPLICATION),
    "aodf": pkcs15.parse_aodf,
    "prkdf": pkcs15.parse_prkdf,
    "cdf": functools.partial(pkcs15.parse_cdf, application=APPLICATION),
    "dodf": functools.partial(pkcs15.parse_dodf, application=APPLICATION),
    "certificate": read_person,
    "activity": functools.partial(parse_situation, 1),
    "actua": check_update,
    "atr": read_atr,
    "answers": read_answers,
}

SEEDS: dict[str, bytes] = {
    "tlv": EF_SN,
    "dir": EF_DIR,
    "odf": EF_ODF,
    "aodf": EF_AODF,
    "prkdf": EF_PRKDF,
    "cdf": EF_CDF,
    "dodf": EF_DODF,
    "certificate": certificate(),
    "activity": bytes.fromhex("EE28840F434142494E45542045535341492030850F343939373030373335373431303038860453413037"),
    "actua": bytes.fromhex("EC12 8107 20260301120000 8207 20260301120130"),
    "atr": bytes.fromhex("3BDC18FF00001225006480000401009000"),
    "answers": bytes.fromhex("04 02 6103 05 AABBCC 6101 03 DD 9000"),
}
