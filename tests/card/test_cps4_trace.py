"""The CPS4 driver against recorded dialogues, and a ChipDoc that is lost at every command."""

import contextlib
import dataclasses
import hashlib
import re
from pathlib import Path

import pytest
from card_kit import (
    EF_AODF,
    EF_CDF,
    EF_DIR,
    EF_ODF,
    EF_PRKDF,
    EF_SN,
    OK,
    Transcript,
    assemble,
    layout4,
)
from certificate_kit import rsa_key
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from hypothesis import given
from hypothesis import strategies as st
from trace_kit import HELLO, ended, lost_at_each_command, recorded_lengths

from appliance.card.apdu import SecretCommand
from appliance.card.cps4 import Cps4
from appliance.card.models import Model, identify
from appliance.card.script import play
from appliance.card.signature import block
from appliance.errors import (
    CardError,
    CardMute,
    CardRemoved,
    CardReset,
    CardUnsupported,
    CommandRefused,
    PinBlocked,
    PinWrong,
    ReaderAbsent,
)

TRACES = Path(__file__).parents[1] / "traces"
DRIVER = Cps4()
LAYOUT = layout4()
PRKDF4 = EF_PRKDF.replace(bytes.fromhex("02020081"), bytes.fromhex("02020010")).replace(
    bytes.fromhex("02020082"), bytes.fromhex("02020020")
)
CHIPDOC, ISD, CPS2TER = "01A4040C088025000001FF0100", "01A4040C07A0000001510000", "00A4040C088025000001FF0002"
STONES = [(CHIPDOC, "6985"), (ISD, OK), (CPS2TER, OK), (CHIPDOC, OK)]
SELECT_DF, VERIFY = ("01A40800020001", "612F"), "0120000108 31323334FFFFFFFF"
NOWHERE = ("01A40800087FFF7FFF7FFF7FFF", "6A82")
MSE_SIGN, MSE_AUTH = "012281B604 91022890", "012241B803 830120"
DIGEST = hashlib.sha256(HELLO).digest()
PSO = "012A9E9A20" + DIGEST.hex()
GET_256 = ("01C0000000", "5A" * 256 + OK)


def recorded(name, step):
    """The commands of one step of a trace, upper-case hex, up to the next step."""
    text = (TRACES / f"{name}.txt").read_text()
    part = text.split(f"# step: {step}\n", 1)[1].split("# step:", 1)[0]
    return [line[2:].replace(" ", "") for line in re.findall(r"^> .*$", part, re.MULTILINE)]


def select(path):
    return (f"01A40800{len(path) // 2:02X}{path}", "6127")


def reads(content):
    pairs, at = [], 0
    while at < len(content):
        size = min(256, len(content) - at)
        pairs.append((f"01B0{at:04X}{size % 256 if at else 0:02X}", content[at : at + size].hex() + OK))
        at += size
    return pairs


@pytest.fixture(scope="module")
def certificates():
    return recorded_lengths()


def test_identify_command_by_command(certificates):
    signature, authentication = certificates
    transcript = Transcript(
        [
            (CHIPDOC, OK),
            select("D003"),
            ("01B000000C", EF_SN.hex() + OK),
            select("2F00"),
            ("01B0000065", EF_DIR.hex() + OK),
            select("00015031"),
            ("01B0000040", EF_ODF.hex() + OK),
            select("00017001"),
            ("01B0000000", EF_AODF.hex() + OK),
            ("0120000100", "63C3"),
            ("0120000200", "63CA"),
            select("00017002"),
            ("01B0000000", PRKDF4[:256].hex() + OK),
            select("00017005"),
            ("01B0000000", EF_CDF[:256].hex() + OK),
            select("0001A001"),
            *reads(signature),
            select("0001A002"),
            *reads(authentication),
        ]
    )
    known = play(DRIVER.identify({}), transcript)
    transcript.close()
    assert len(transcript.sent) == 35  # the national middleware: 61 (traces §6)
    assert (known.identity.family, known.identity.serial, known.update) == ("cps4", "99213845", None)
    assert known.identity.layout == LAYOUT
    assert (known.identity.tries_left, known.identity.puk_tries_left) == (3, 10)
    again = Transcript(
        [
            (CHIPDOC, OK),
            select("D003"),
            ("01B000000C", EF_SN.hex() + OK),
            ("0120000100", "63C2"),
            select("00017005"),
            ("01B0000000", EF_CDF[:256].hex() + OK),
        ]
    )
    assert play(DRIVER.identify({"99213845": known}), again) == known.counted(2)
    again.close()


def test_the_signature_of_the_national_middleware_byte_for_byte():
    transcript = Transcript([(VERIFY, OK), NOWHERE, SELECT_DF, (MSE_SIGN, OK), (PSO, "6100"), GET_256])
    play(DRIVER.verify(LAYOUT), transcript)
    assert play(DRIVER.sign(LAYOUT, HELLO), transcript) == b"\x5a" * 256
    transcript.close()
    assert transcript.sent[2:] == recorded("cps4-middleware-wrong-pin", "sign=sig")


def test_the_authentication_of_the_national_middleware_byte_for_byte():
    sent = recorded("cps4-middleware-pin-lost-6982", "sign=aut")[-4:]
    digest = bytes.fromhex(sent[1] + sent[2][10:])[-32:]
    transcript = Transcript([(sent[0], OK), (sent[1], OK), (sent[2], "6100"), GET_256])
    assert sent[0] == MSE_AUTH.replace(" ", "")
    assert play(DRIVER.authenticate(LAYOUT, digest), transcript) == b"\x5a" * 256
    transcript.close()


def test_pss_with_both_keys_as_recorded():
    steps = (TRACES / "cps4-middleware-sign-variants.txt").read_text()
    pso = [("012A9E9A20" + DIGEST.hex(), OK)]
    for mse, script in (
        ("012281B60491022C90", DRIVER.sign_pss(LAYOUT, HELLO)),
        ("012281B60491022CA0", DRIVER.authenticate_pss(LAYOUT, DIGEST)),
    ):
        assert mse in steps.replace(" ", "")
        transcript = Transcript([(mse, OK), *pso])
        play(script, transcript)
        transcript.close()


def test_t1_has_le_and_no_get_response():
    transcript = Transcript([SELECT_DF, (MSE_SIGN, OK), (PSO + "00", "5A" * 256 + OK)])
    assert len(play(DRIVER.sign(LAYOUT, HELLO, selected=False), transcript, t1=True)) == 256
    transcript.close()
    encoded = block(DIGEST, 2048).hex()
    chained = [("112A8086FF" + encoded[:510], OK), ("012A808601" + encoded[510:] + "00", "5A" * 256 + OK)]
    transcript = Transcript([(MSE_AUTH, OK), *chained])
    assert len(play(DRIVER.authenticate(LAYOUT, DIGEST), transcript, t1=True)) == 256
    assert play(DRIVER.tries_left(LAYOUT), Transcript([("01200001", "63C1")]), t1=True) == 1


def test_the_block_is_what_cryptography_verifies():
    key = rsa_key("signature")
    numbers = key.private_numbers()
    encoded = int.from_bytes(block(DIGEST, 2048), "big")
    made = pow(encoded, numbers.d, numbers.public_numbers.n).to_bytes(256, "big")
    key.public_key().verify(made, DIGEST, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
    with pytest.raises(ValueError, match="short"):
        block(DIGEST, 488)
    for wrong in (b"", DIGEST[:-1], DIGEST + b"\0", HELLO):
        for script in (DRIVER.authenticate, DRIVER.authenticate_pss):
            with pytest.raises(ValueError, match="32"):
                play(script(LAYOUT, wrong), Transcript([]))


# --- references -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", [0x81, 0x90, 0x00])
def test_a_signature_key_no_cps4_has(reference):
    odd = dataclasses.replace(LAYOUT, signature=dataclasses.replace(LAYOUT.signature, reference=reference))
    for script in (DRIVER.sign, DRIVER.sign_pss):
        with pytest.raises(CardUnsupported):
            play(script(odd, HELLO), Transcript([]))


@pytest.mark.parametrize("changed", [{"reference": 0x21}, {"reference": 0x82}, {"size": None}, {"size": 2047}])
def test_an_authentication_key_no_cps4_has(changed):
    odd = dataclasses.replace(LAYOUT, authentication=dataclasses.replace(LAYOUT.authentication, **changed))
    with pytest.raises(CardUnsupported):
        play(DRIVER.authenticate(odd, DIGEST), Transcript([]))
    if "reference" in changed:
        with pytest.raises(CardUnsupported):
            play(DRIVER.authenticate_pss(odd, DIGEST), Transcript([]))


def test_other_references_of_the_card_are_obeyed():
    odd = dataclasses.replace(
        LAYOUT,
        pin=dataclasses.replace(LAYOUT.pin, reference=0x11, pad=None),
        signature=dataclasses.replace(LAYOUT.signature, reference=0x13),
    )
    unknown = ("012281B604 91022893", "6A88")
    transcript = Transcript([("0120001104 31323334", OK), NOWHERE, SELECT_DF, unknown, SELECT_DF, unknown])
    play(DRIVER.verify(odd), transcript)
    with pytest.raises(CommandRefused) as refused:
        play(DRIVER.sign(odd, HELLO), transcript)
    transcript.close()
    assert (refused.value.sw, refused.value.step) == (0x6A88, "MSE SET DST")


# --- PIN --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "detail"),
    [
        ("63C2", PinWrong, 2),
        ("63C0", PinWrong, 0),
        ("6983", PinBlocked, None),
        ("6984", PinBlocked, None),
        ("6985", CommandRefused, 0x6985),  # lost: the PIN is not sent again
        ("6881", CommandRefused, 0x6881),
        ("6700", CommandRefused, 0x6700),
    ],
)
def test_what_verify_answers(status, error, detail):
    ended(DRIVER.verify(LAYOUT), Transcript([(VERIFY, status), NOWHERE]), error, detail)


@pytest.mark.parametrize(("status", "tries"), [("63C3", 3), ("63C0", 0), ("6983", 0), ("6984", 0)])
def test_the_counter(status, tries):
    assert play(DRIVER.tries_left(LAYOUT), Transcript([("0120000100", status)])) == tries


def test_a_counter_that_cannot_be_had():
    with pytest.raises(CommandRefused):
        play(DRIVER.tries_left(LAYOUT), Transcript([("0120000100", "6700")]))


def test_a_pin_that_somebody_else_verified_is_forgotten_before_the_counter_is_told():
    count = "0120000100"
    transcript = Transcript([(count, OK), (CHIPDOC, OK), (count, "63C3")])
    assert play(DRIVER.tries_left(LAYOUT), transcript) == 3
    transcript.close()
    transcript = Transcript([(count, OK), (CHIPDOC, OK), (count, OK)])
    with pytest.raises(CardReset):
        play(DRIVER.tries_left(LAYOUT), transcript)
    transcript.close()


# --- the applet lost --------------------------------------------------------------------------------------------------


def test_recovery_at_detection_as_the_national_middleware_has_it():
    trace = (TRACES / "cps4-middleware-pin-lost-6982.txt").read_text()
    sent = [line[2:].replace(" ", "") for line in re.findall(r"^> .*$", trace, re.MULTILINE)]
    assert sent[:4] == [command for command, _ in STONES]
    transcript = Transcript([*STONES, select("D003"), ("01B000000C", "6982")])
    with pytest.raises(CommandRefused):
        play(identify(Model.CPS4, {}), transcript)
    transcript.close()


def test_no_chipdoc_is_no_cps4():
    transcript = Transcript([(CHIPDOC, "6A82"), (ISD, "6A82"), (CPS2TER, "6E00"), (CHIPDOC, "6A82")])
    with pytest.raises(CardUnsupported):
        play(DRIVER.identify({}), transcript)
    transcript.close()


@pytest.mark.parametrize("status", ["6985", "6881"])
def test_a_lost_applet_is_got_back_once_for_what_may_be_said_again(status):
    back = [(CHIPDOC, OK)] if status == "6881" else STONES
    count = "0120000100"
    for script, lost, after in (
        (DRIVER.tries_left(LAYOUT), (count, status), [(count, "63C3")]),
        (DRIVER.select(LAYOUT), ("01A40800020001", status), [SELECT_DF]),
        (DRIVER.sign(LAYOUT, HELLO), (MSE_SIGN, status), [SELECT_DF, (MSE_SIGN, OK), (PSO, "5A" + OK)]),
        (DRIVER.authenticate_pss(LAYOUT, DIGEST), ("012281B60491022CA0", status), None),
    ):
        pairs = [lost, *back, *(after or [SELECT_DF, ("012281B60491022CA0", OK), (PSO, "5A" + OK)])]
        transcript = Transcript(pairs)
        play(script, transcript)
        transcript.close()


def test_only_once_and_never_for_a_signature():
    transcript = Transcript([(MSE_SIGN, "6985"), *STONES, SELECT_DF, (MSE_SIGN, "6985")])
    with pytest.raises(CommandRefused):
        play(DRIVER.sign(LAYOUT, HELLO), transcript)
    transcript.close()
    gone = [(CHIPDOC, "6985"), (ISD, "6A82"), (CPS2TER, "6A82"), (CHIPDOC, "6985")]
    for pairs in ([(MSE_SIGN, "6985"), *gone], [(MSE_SIGN, OK), (PSO, "6985")], [(MSE_SIGN, OK), (PSO, "6982")]):
        transcript = Transcript(pairs)
        with pytest.raises(CommandRefused) as refused:
            play(DRIVER.sign(LAYOUT, HELLO), transcript)
        transcript.close()
        assert refused.value.sw in {0x6985, 0x6982}


@pytest.mark.parametrize("error", [CardRemoved, CardMute, CardReset, ReaderAbsent])
def test_a_signature_command_without_answer_is_outcome_unknown_and_nothing_else_is(error):
    for script, commands, signing in (
        (lambda: DRIVER.sign(LAYOUT, HELLO, selected=False), 3, {3}),
        (lambda: DRIVER.sign_pss(LAYOUT, HELLO), 2, {2}),
        (lambda: DRIVER.authenticate(LAYOUT, DIGEST), 3, {2, 3}),
        (lambda: DRIVER.authenticate_pss(LAYOUT, DIGEST), 2, {2}),
    ):
        lost_at_each_command(script, commands, signing, error)


@given(
    st.lists(st.binary(max_size=8) | st.sampled_from([b"\x90\x00", b"\x69\x85", b"\x68\x81"]), min_size=1),
    st.booleans(),
)
def test_any_answers_give_a_result_or_our_error(answers, t1):
    for script, secrets in (
        (DRIVER.identify({}), 0),
        (DRIVER.tries_left(LAYOUT), 0),
        (DRIVER.verify(LAYOUT), 1),
        (DRIVER.change(LAYOUT), 2),
        (DRIVER.unblock(LAYOUT), 2),
        (DRIVER.situations(LAYOUT), 0),
        (DRIVER.sign(LAYOUT, b"m"), 0),
        (DRIVER.authenticate(LAYOUT, bytes(32)), 0),
    ):
        seen = []
        count = 0

        def transmit(apdu, seen=seen):
            nonlocal count
            if isinstance(apdu, SecretCommand):
                seen.append(assemble(apdu, "1234", "8765"))
            count += 1
            return answers[count % len(answers)]

        with contextlib.suppress(CardError):
            play(script, transmit, t1=t1)
        assert len(seen) == len(set(seen)) <= secrets
        assert count < 200
