"""The CPS3 driver against recorded dialogues, and against a card that refuses commands or loses them in every way."""

import dataclasses
import hashlib

import pytest
from card_kit import (
    AID,
    COUNTER_PIN,
    COUNTER_PUK,
    EF_AODF,
    EF_CDF,
    EF_DIR,
    EF_ODF,
    EF_PRKDF,
    EF_SN,
    OK,
    SELECT_AID,
    Transcript,
    assemble,
    carrier,
    identified,
    layout,
    reads,
)
from hypothesis import given
from hypothesis import strategies as st
from trace_kit import HELLO, ended, lost_at_each_command, recorded_lengths

from appliance.card.apdu import SecretCommand
from appliance.card.contents import read_data_objects
from appliance.card.cps3 import Cps3
from appliance.card.iasecc import IasEcc
from appliance.card.script import play
from appliance.errors import (
    CardDataMalformed,
    CardError,
    CardMute,
    CardRemoved,
    CardReset,
    CommandRefused,
    OutcomeUnknown,
    PinBlocked,
    PinWrong,
    ReaderAbsent,
)

DRIVER = Cps3()
LAYOUT = layout()
GET_PIN, GET_PUK = "00CB3FFF0A4D087006BF810102A080", "00CB3FFF0A4D087006BF810202A080"
SELECT_MF = ("00A4090C023F00", OK)
VERIFY = "0020000108 31323334FFFFFFFF"


def select(path):
    return (f"00A4090C{len(path) // 2:02X}{path}", OK)


def counters(pin=COUNTER_PIN, puk=COUNTER_PUK):
    for command, answer in ((GET_PIN, pin), (GET_PUK, puk)):
        size = f"{len(answer) // 2:02X}"
        yield from ((command, "61" + size), ("00C00000" + size, answer + OK))


@pytest.fixture(scope="module")
def certificates():
    return recorded_lengths()


def test_identify_command_by_command(certificates):
    signature, authentication = certificates
    first = 0xE7
    transcript = Transcript(
        [
            select("3F00D003"),
            ("00B000000C", EF_SN.hex() + OK),
            select("3F002F00"),
            ("00B0000065", EF_DIR.hex() + OK),
            select("3F0000015031"),
            ("00B0000040", EF_ODF.hex() + OK),
            select("3F0000017001"),
            ("00B00000E7", EF_AODF[:first].hex() + OK),
            ("00A4090C043F00D010", "6A82"),
            SELECT_MF,
            *counters(),
            select("3F0000017002"),
            ("00B00000E7", EF_PRKDF[:first].hex() + OK),
            select("3F0000017005"),
            ("00B00000E7", EF_CDF[:first].hex() + OK),
            select("3F000001A001"),
            *reads(signature),
            select("3F000001A002"),
            *reads(authentication),
        ]
    )
    found = identified(transcript)
    transcript.close()
    assert len(transcript.sent) == 40  # at most 40 (design §7); the national middleware: 74 (traces §6)
    assert found.family == "cps3"
    assert found.serial == "99213845"
    assert found.layout == LAYOUT
    assert found.signature.der == signature
    assert found.authentication.der == authentication
    assert found.holder.short == "S. DURAND"
    assert (found.tries_left, found.puk_tries_left) == (3, 10)
    assert "SOPHIE" not in repr(found)
    assert "99213845" not in repr(found)


def test_the_signature_of_the_national_middleware_byte_for_byte():
    transcript = Transcript(
        [
            (VERIFY, OK),
            (SELECT_AID, OK),
            ("002241AA03 800140", OK),
            ("002A90A017 9000 8013" + HELLO.hex(), OK),
            ("002241B606 800142840181", OK),
            ("002A9E9A00", "5A" * 256 + OK),
        ]
    )
    play(DRIVER.verify(LAYOUT), transcript)
    assert play(DRIVER.sign(LAYOUT, HELLO), transcript) == b"\x5a" * 256
    transcript.close()


def test_the_last_round_of_the_reference_vector():
    message = bytes(range(100))
    transcript = Transcript(
        [
            (SELECT_AID, OK),
            ("002241AA03800140", OK),
            (
                "002A90A050 9028 FC99A2DF88F42A7A7BB9D18033CDC6A20256755F9D5B9A5044A9CC315ABE84A7 0000000000000200"
                "8024" + message[64:].hex(),
                OK,
            ),
            ("002241B606800142840181", OK),
            ("002A9E9A00", "6100"),
            ("00C0000000", "5A" * 256 + OK),
        ]
    )
    assert len(play(DRIVER.sign(LAYOUT, message, selected=False), transcript)) == 256
    transcript.close()


def test_the_authentication_of_the_national_middleware_byte_for_byte():
    digest = hashlib.sha256(HELLO).digest()
    transcript = Transcript(
        [
            ("002241A406 800102840182", OK),
            ("0088000033 3031300D060960864801650304020105000420" + digest.hex(), "6100"),
            ("00C0000000", "84" * 231 + "6119"),
            ("00C0000019", "68" * 25 + OK),
        ]
    )
    assert len(play(DRIVER.authenticate(LAYOUT, digest), transcript)) == 256
    transcript.close()
    with_select = Transcript([(SELECT_AID, "6A82")])
    with pytest.raises(CommandRefused):
        play(DRIVER.authenticate(LAYOUT, digest, selected=False), with_select)
    for wrong in (b"", digest[:-1], digest + b"\0", HELLO):
        with pytest.raises(ValueError, match="32"):
            play(DRIVER.authenticate(LAYOUT, wrong), Transcript([]))


@pytest.mark.parametrize("error", [CardRemoved, CardMute, CardReset, ReaderAbsent])
def test_a_signature_command_without_answer_is_outcome_unknown_and_nothing_else_is(error):
    for script, commands in ((DRIVER.sign, 4), (DRIVER.authenticate, 2)):
        lost_at_each_command(lambda script=script: script(LAYOUT, bytes(32)), commands, {commands}, error)


def test_a_signature_lost_in_get_response_is_outcome_unknown():
    answers = iter(["9000", "9000", "9000", "6100", ""])
    with pytest.raises(OutcomeUnknown):
        play(DRIVER.sign(LAYOUT, b"m"), lambda _: bytes.fromhex(next(answers)))


@pytest.mark.parametrize("error", [CardRemoved, CardMute, CardReset, ReaderAbsent])
def test_a_verify_without_answer_is_never_repeated(error):
    sent = []

    def transmit(apdu):
        sent.append(apdu)
        raise error

    with pytest.raises(error):
        play(DRIVER.verify(LAYOUT), transmit)
    assert len(sent) == 1


def test_references_are_the_layouts():
    other = dataclasses.replace(
        LAYOUT,
        pin=dataclasses.replace(LAYOUT.pin, reference=0x11, pad=None, stored_length=12),
        signature=dataclasses.replace(LAYOUT.signature, reference=0x93),
    )
    transcript = Transcript(
        [
            ("0020001104 31323334", OK),
            (SELECT_AID, OK),
            ("002241AA03800140", OK),
            ("002A90A005 9000 8001 61", OK),
            ("002241B606 800142840193", "6A80"),
        ]
    )
    play(DRIVER.verify(other), transcript)
    with pytest.raises(CommandRefused) as refused:
        play(DRIVER.sign(other, b"a"), transcript)
    transcript.close()
    assert (refused.value.sw, refused.value.step) == (0x6A80, "MSE SET DST")


@pytest.mark.parametrize(
    ("status", "error", "detail"),
    [
        ("63C2", PinWrong, 2),
        ("63C1", PinWrong, 1),
        ("63C0", PinWrong, 0),
        ("6983", PinBlocked, None),
        ("6984", PinBlocked, None),
        ("6700", CommandRefused, 0x6700),
        ("6982", CommandRefused, 0x6982),
        ("6300", CommandRefused, 0x6300),
        ("6108", CommandRefused, 0x6108),
        ("6C08", CommandRefused, 0x6C08),
    ],
)
def test_what_verify_answers(status, error, detail):
    ended(DRIVER.verify(LAYOUT), Transcript([(VERIFY, status), (SELECT_AID, OK)]), error, detail)


@pytest.mark.parametrize("status", ["9000", "63C2", "6983", "6F00"])
def test_after_every_verify_something_at_least_as_long_covers_it(status):
    lengths = []

    def transmit(raw):
        return bytes.fromhex(status if raw[1] == 0x20 else "9000")

    try:
        play(DRIVER.verify(LAYOUT), carrier(transmit, lengths=lengths))
    except CardError:
        assert status != "9000"
    verify, *after = lengths
    assert verify == 13
    assert after == [18]


def test_a_pin_field_longer_than_the_aid_is_overwritten_by_a_path_that_leads_nowhere():
    wide = dataclasses.replace(LAYOUT, pin=dataclasses.replace(LAYOUT.pin, stored_length=14))
    transcript = Transcript(
        [
            ("002000010E 31323334FFFFFFFFFFFFFFFFFFFF", OK),
            ("00A4090C10 3F00 7FFF7FFF7FFF7FFF7FFF7FFF7FFF", "6A82"),
            (SELECT_AID, OK),
        ]
    )
    play(DRIVER.verify(wide), transcript)
    transcript.close()


def test_a_right_pin_whose_application_is_gone_is_not_reported_as_verified():
    with pytest.raises(CommandRefused) as refused:
        play(DRIVER.verify(LAYOUT), Transcript([(VERIFY, OK), (SELECT_AID, "6A82")]))
    assert refused.value.step == "SELECT application"


def test_counters():
    (get, length), (response, data), *_ = counters(COUNTER_PIN.replace("9B0103", "9B0101"))
    transcript = Transcript([SELECT_MF, (get, length), (response, data)])
    assert play(DRIVER.tries_left(LAYOUT), transcript) == 1
    transcript.close()


@pytest.mark.parametrize("answer", ["", "70", "7000", COUNTER_PUK, COUNTER_PIN.replace("9B", "9C"), "FF" * 20])
def test_a_counter_that_is_none(answer):
    transcript = Transcript([SELECT_MF, (GET_PIN, answer + OK)])
    with pytest.raises(CardDataMalformed):
        play(DRIVER.tries_left(LAYOUT), transcript)


def test_the_other_face_gives_the_floor_back_once():
    root = "00A404 0C 08 8025000001FF0100"
    transcript = Transcript([("00A4090C023F00", "6E00"), (root, OK), SELECT_MF, (GET_PIN, COUNTER_PIN + OK)])
    assert play(DRIVER.tries_left(LAYOUT), transcript) == 3
    transcript.close()
    for pairs in ([(root, OK), ("00A4090C023F00", "6E00")], [(root, "6A82")]):
        transcript = Transcript([("00A4090C023F00", "6A86"), *pairs])
        with pytest.raises(CommandRefused):
            play(DRIVER.tries_left(LAYOUT), transcript)
        transcript.close()


@given(st.lists(st.binary(max_size=8) | st.just(b"\x90\x00"), min_size=1, max_size=30), st.booleans())
def test_any_answers_give_a_result_or_our_error(answers, t1):
    verifies = []

    def transmit(apdu):
        if isinstance(apdu, SecretCommand):
            verifies.append(assemble(apdu, "1234"))
        transmit.count += 1
        return answers[transmit.count % len(answers)]

    for script in (
        DRIVER.identify({}),
        DRIVER.tries_left(LAYOUT),
        DRIVER.verify(LAYOUT),
        DRIVER.sign(LAYOUT, b"m"),
        DRIVER.authenticate(LAYOUT, bytes(32)),
        read_data_objects(IasEcc(), LAYOUT),
    ):
        transmit.count = 0
        try:
            play(script, transmit, t1=t1)
        except CardError:
            continue
    assert len(verifies) == 1
    assert LAYOUT.aid == AID
