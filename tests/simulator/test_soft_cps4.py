import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st
from soft_kit import any_commands, fetch, say

from appliance.errors import SimulatorError
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps4 import ATR, DUAL_ATR, RC_ATR, SoftCps4

CHIPDOC = "01A4040C08 8025000001FF0100"
DOMAIN = "01A4040C07 A0000001510000"
CPS2TER = "00A4040C08 8025000001FF0002"
APPLICATION = "01A4080002 0001"
RIGHT = "0120000108 31323334FFFFFFFF"
WRONG = "0120000108 30303030FFFFFFFF"
PUK = "0120000208 3132333435363738"
NEW_PIN = "0124010108 34333231FFFFFFFF"
RELEASE = "012C038100"
ASK, ASK_PUK = "0120000100", "0120000200"
SIGN = "012A9E9A20" + hashlib.sha256(b"abc").hexdigest()
V15, PSS, PSS_AUTH = "012281B604 91022890", "012281B604 91022C90", "012281B604 91022CA0"
DECIPHER = "012241B803 830120"


@pytest.fixture
def card():
    return SoftCps4(TestPki.generate())


def key(which):
    return getattr(TestPki.generate(), which).certificate.public_key()


def block_to_sign(message):
    info = bytes.fromhex("3031300D060960864801650304020105000420") + hashlib.sha256(message).digest()
    return b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info


def chained(block):
    return "112A8086FF" + block[:255].hex(), "012A808601" + block[255:].hex()


@pytest.mark.parametrize(
    ("commands", "sw"),
    [
        ([ASK], "6881"),  # channel 1 is closed until somebody is selected there
        (["01A4080002 D003"], "6881"),
        ([CHIPDOC], "9000"),
        ([DOMAIN, ASK], "6E00"),
        (["01A4040008 8025000001FF0100"], "6A86"),  # the traces ask by name for nothing but 9000
        (["01A404000D E828BD080F8025000001FF0010"], "6A86"),
        (["01A4040C0D E828BD080F8025000001FF0010"], "6A82"),
        ([CHIPDOC, "01A4080002 D003"], "6127"),
        ([CHIPDOC, "01A4080004 3F00D003"], "6A82"),  # traces/README §1.1: without 3F00
        ([CHIPDOC, "01A4080002 3F00"], "6A82"),
        ([CHIPDOC, "01A4080402 D003"], "6A86"),
        ([CHIPDOC, "01A4080C02 D003"], "6A86"),
        ([CHIPDOC, "01A4090002 D003"], "6A86"),
        ([CHIPDOC, "01A4000002 D003"], "6A86"),
        ([CHIPDOC, "01A4080002 D010"], "6A82"),
        ([CHIPDOC, "01A4080001 D0"], "6700"),
        ([CHIPDOC, APPLICATION], "612F"),
        ([CHIPDOC, APPLICATION, "01A4080002 7001"], "6A82"),  # absolute: not below the current DF
        ([CHIPDOC, "01A4080004 00017001"], "6126"),
        ([CHIPDOC, "01B0000010"], "6986"),
        ([CHIPDOC, "01A4080002 D003", "01B000000C"], "9000"),
        ([CHIPDOC, "01A4080002 D003", "01B0000000"], "6C0C"),
        ([CHIPDOC, "01A4080002 D003", "01B0000C01"], "6B00"),
        ([CHIPDOC, "01B09C000C"], "6A86"),
        ([CHIPDOC, "01A4080004 0001D120", "01B000002A"], "6982"),
        ([CHIPDOC, RIGHT, "01A4080004 0001D120", "01B000002A"], "9000"),
        ([CHIPDOC, "0184000008"], "9000"),
        ([CHIPDOC, "0188000001 00"], "6D00"),  # card-reference §6.7: ChipDoc has no INTERNAL AUTHENTICATE
        ([CHIPDOC, "01CB3FFF0A 4D087006BF810102A080"], "6D00"),
        ([CHIPDOC, "0DA4080002 D003"], "6E00"),
        (["02A4040C08 8025000001FF0100"], "6881"),
        ([CHIPDOC, "01A4080002 D003 00"], "6700"),  # Le after data: not under T=0
        (["00A4040C08 8025000001FF0100"], "6A82"),  # channel 0 stays with the old applet
        (["00A4090C04 3F00D003"], "6E00"),
        ([CPS2TER], "9000"),
        (["00A4040008 8025000001FF0002"], "6A86"),
        (["A0A4000002 4010"], "9F0A"),
    ],
)
def test_status_words(card, commands, sw):
    assert say(card, *commands) == sw


@pytest.mark.parametrize(
    ("commands", "sw"),
    [
        ([ASK], "63C3"),
        ([ASK_PUK], "63CA"),
        ([RIGHT, ASK], "9000"),
        ([WRONG], "63C2"),
        ([WRONG, WRONG, WRONG], "63C0"),
        ([WRONG, WRONG, WRONG, RIGHT], "6983"),
        ([WRONG, WRONG, WRONG, ASK], "6983"),
        (["0120000104 31323334"], "6700"),
        ([NEW_PIN], "6982"),
        ([RIGHT, NEW_PIN], "9000"),
        ([RIGHT, NEW_PIN, ASK], "63C3"),  # a change verifies nothing
        ([RIGHT, NEW_PIN, "0120000108 34333231FFFFFFFF"], "9000"),
        ([RIGHT, NEW_PIN, NEW_PIN], "6982"),
        ([RIGHT, "0124010108 343332FFFFFFFFFF"], "6A80"),
        ([RIGHT, "0124010104 34333231"], "6700"),
        ([RIGHT, "0124000110 31323334FFFFFFFF34333231FFFFFFFF"], "6A86"),  # the form of a CPS3
        ([RIGHT, "0124010208 3837363534333231"], "6A86"),
        ([RELEASE], "6982"),
        ([RIGHT, RELEASE], "6982"),
        ([PUK, RELEASE], "9000"),
        ([PUK, "012C030100"], "6A86"),  # bit 8 of the reference is wanted
        ([PUK, "012C020108 34333231FFFFFFFF"], "6A86"),
        ([PUK, "012C038108 34333231FFFFFFFF"], "6700"),
        ([WRONG, WRONG, WRONG, PUK, RELEASE, ASK], "63C3"),
        ([WRONG, WRONG, WRONG, PUK, RELEASE, RIGHT], "9000"),  # cut here: the old PIN, with its tries
        ([WRONG, WRONG, WRONG, PUK, RELEASE, NEW_PIN, RIGHT], "63C2"),
        ([WRONG, WRONG, WRONG, PUK, RELEASE, NEW_PIN, "0120000108 34333231FFFFFFFF"], "9000"),
        ([PUK, RELEASE, NEW_PIN, NEW_PIN], "6982"),  # one release, one new PIN
        ([PUK, RELEASE, CHIPDOC, NEW_PIN], "6982"),
        ([RIGHT, CHIPDOC, ASK], "63C3"),
    ],
)
def test_pin_status_words(card, commands, sw):
    assert say(card, CHIPDOC, *commands) == sw


def test_the_puk_can_be_used_up(card):
    card.counters[2].uses = 1
    assert say(card, CHIPDOC, PUK, RELEASE) == "9000"
    assert say(card, RELEASE) == "6984"


@pytest.mark.parametrize("size", [0, 64, 5000])
def test_signatures_of_a_bare_hash(card, size):
    message = bytes(n % 251 for n in range(size))
    command = "012A9E9A20" + hashlib.sha256(message).hexdigest()
    assert say(card, CHIPDOC, RIGHT, APPLICATION, V15) == "9000"
    key("signature").verify(fetch(card, command), message, padding.PKCS1v15(), hashes.SHA256())
    any_salt = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
    for which, environment in (("signature", PSS), ("authentication", PSS_AUTH)):
        assert say(card, environment) == "9000"
        key(which).verify(fetch(card, command), message, any_salt, hashes.SHA256())
    assert card.signature_count == 3
    assert say(card, command) == "6100"  # the environment stays, traces cps4-middleware-login-sign sets it each time


def test_signature_of_a_sha1(card):
    assert say(card, CHIPDOC, RIGHT, APPLICATION, "012281B604 91020A90", SIGN) == "6700"
    digest = hashlib.sha1(b"abc").hexdigest()
    signature = fetch(card, "012A9E9A14" + digest)
    with pytest.raises(InvalidSignature):
        key("signature").verify(signature, b"abc", padding.PKCS1v15(), hashes.SHA256())
    assert len(signature) == 256


def test_authentication_is_a_raw_block_through_decipher(card):
    first, last = chained(block_to_sign(b"abc"))
    assert say(card, CHIPDOC, APPLICATION, DECIPHER, first, last) == "6982"
    assert say(card, RIGHT, first) == "9000"
    key("authentication").verify(fetch(card, last), b"abc", padding.PKCS1v15(), hashes.SHA256())
    assert card.signature_count == 1


def test_decipher_gives_the_block_of_type_2(card):
    first, last = chained(key("authentication").encrypt(b"session key", padding.PKCS1v15()))
    assert say(card, CHIPDOC, RIGHT, APPLICATION, DECIPHER, first) == "9000"
    block = fetch(card, last)
    assert block[:2] == b"\0\2"
    assert block.endswith(b"\0session key")
    assert card.signature_count == 0


@pytest.mark.parametrize(
    ("commands", "sw"),
    [
        ([V15], "6A88"),  # the keys are local to the application
        ([DECIPHER], "6A88"),
        ([APPLICATION, "012281B604 91022881"], "6A80"),  # the reference of a CPS3: trials-cps4-middleware
        ([APPLICATION, "012281B604 91022810"], "6A80"),  # bit 8 is wanted
        ([APPLICATION, "012281B604 910228A0"], "6A80"),  # the authentication key signs by PSS only
        ([APPLICATION, "012281B604 91022B90"], "6A80"),
        ([APPLICATION, "012281B603 910128"], "6A80"),
        ([APPLICATION, "012281B604 84022890"], "6A80"),
        ([APPLICATION, "012241B803 830110"], "6A80"),
        ([APPLICATION, "012241B803 840120"], "6A80"),
        ([APPLICATION, "012241B606 800142 840181"], "6A86"),
        ([APPLICATION, SIGN], "6985"),
        ([APPLICATION, "012A808601 00"], "6985"),
        ([APPLICATION, DECIPHER, "012A808601 00"], "6A80"),
        ([APPLICATION, DECIPHER, *chained(b"\xff" * 256)], "6A80"),  # no number below the modulus
        ([APPLICATION, V15, APPLICATION, SIGN], "6985"),
        ([APPLICATION, V15, "012A90A002 9000"], "6A86"),  # no hashing on this card
        ([APPLICATION, V15, "012A9E9A00"], "6700"),
    ],
)
def test_security_environment(card, commands, sw):
    assert say(card, CHIPDOC, RIGHT, *commands) == sw
    assert card.signature_count == 0


def test_a_lost_applet_wants_the_whole_recovery_in_its_order(card):
    assert say(card, CHIPDOC, RIGHT) == "9000"
    card.lose_applet()
    assert say(card, ASK) == "6985"
    assert say(card, CHIPDOC) == "6985"
    assert say(card, CPS2TER, CHIPDOC) == "6985"
    assert say(card, DOMAIN, CHIPDOC) == "6985"
    card.power_off()
    card.power_on()
    assert say(card, CHIPDOC) == "6985"  # a reset is no recovery
    assert say(card, DOMAIN, CPS2TER, CHIPDOC) == "9000"
    assert say(card, ASK) == "63C3"  # the PIN went with it
    assert say(card, DOMAIN, CHIPDOC) == "9000"  # harmless when nothing is lost


def test_a_closed_channel_wants_chipdoc_only(card):
    assert say(card, CHIPDOC, RIGHT) == "9000"
    card.lose_applet(0x6881)
    assert say(card, APPLICATION) == "6881"
    assert say(card, CHIPDOC, APPLICATION) == "612F"
    assert say(card, ASK) == "63C3"


def test_another_program_on_channel_0_takes_nothing_away(card):
    assert say(card, CHIPDOC, RIGHT, APPLICATION, V15) == "9000"
    assert say(card, "A0A4000002 3F00", CPS2TER, "00A4040C07 A0000000790100") == "6A82"
    assert say(card, SIGN) == "6100"


def test_a_reset_closes_the_channel_and_forgets_the_pin(card):
    assert say(card, CHIPDOC, RIGHT, APPLICATION, V15) == "9000"
    for end in (card.reset, card.power_off, card.power_on):
        end()
        assert say(card, SIGN) == "6881"
        assert say(card, CHIPDOC, ASK) == "63C3"
        assert say(card, APPLICATION, SIGN) == "6985"
        say(card, RIGHT)


@pytest.mark.parametrize("atr", [DUAL_ATR, RC_ATR])
def test_under_t1_the_answer_comes_at_once_and_get_response_is_unknown(atr):
    card = SoftCps4(TestPki.generate(), atr=atr)
    assert card.atr == atr
    assert say(card, CHIPDOC, "01200001") == "63C3"
    assert card.transmit(bytes.fromhex("01A4080002 D003 00"))[:1] == b"\x6f"
    assert say(card, "01A4080002 D003") == "6127"  # traces cps4-dual-atr: no Le, so it is only announced
    assert say(card, "01C0000027") == "6D00"
    assert say(card, "01A4080002 D003 00", "01B000000D") == "6C0C"
    assert say(card, "01B0000000") == "9000"  # under T=1 00 means all there is
    assert say(card, RIGHT, APPLICATION, V15) == "9000"
    answer = card.transmit(bytes.fromhex(SIGN + "00"))
    key("signature").verify(answer[:-2], b"abc", padding.PKCS1v15(), hashes.SHA256())
    first, last = chained(block_to_sign(b"abc"))
    assert say(card, DECIPHER, first, last + "00") == "9000"
    assert say(card, "01A4080003 D003") == "6700"


def test_the_atr_that_users_report_is_the_default(card):
    assert card.atr == ATR


def test_what_is_reached_is_written_down(card):
    say(card, CHIPDOC, APPLICATION, "01A4080004 0001D120", "01A4080004 00019999", "A0A4000002 4010")
    assert card.selected == [(1, 0xD120), (0x3F00, 0x4010)]


def test_impossible_cards():
    with pytest.raises(SimulatorError):
        SoftCps4(TestPki.generate(), pin="12345")


@settings(max_examples=300, deadline=None)
@given(
    st.booleans(),
    any_commands(
        *("01A4", "01B0", "01C0", "0120", "0122", "0124", "012A", "012C", "0184", "112A", "00A4", "A0A4", "A0B0")
    ),
)
def test_any_bytes_get_an_answer(t1, commands):
    card = SoftCps4(TestPki.generate(), atr=DUAL_ATR if t1 else ATR)
    for command in [bytes.fromhex(CHIPDOC), bytes.fromhex(RIGHT), bytes.fromhex(APPLICATION), *commands]:
        assert len(card.transmit(command)) >= 2
