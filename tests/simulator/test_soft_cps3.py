import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from soft_kit import any_commands, fetch, say

from appliance.errors import SimulatorError
from appliance.simulator import softkeys
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3

APPLICATION = "00A4040C0DE828BD080F8025000001FF0010"
RIGHT = "0020000108 31323334FFFFFFFF"
WRONG = "0020000108 30303030FFFFFFFF"
PUK = "0020000208 3132333435363738"
NEW_PIN = "002C020108 34333231FFFFFFFF"
SET_DST = "002241B606 800142 840181"
SET_AT = "002241A406 840182 800102"
SET_HT = "002241AA03 800140"


@pytest.fixture
def card():
    return SoftCps3(TestPki.generate())


def verify(card, which, signature, message):
    pki = TestPki.generate()
    key = getattr(pki, which).certificate.public_key()
    key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def hash_command(message):
    done = max(0, (len(message) - 1) // 64) * 64
    state = softkeys.START
    for n in range(0, done, 64):
        state = softkeys.compress(state, message[n : n + 64])
    head = b"\x90\x28" + state + (8 * done).to_bytes(8) if done else b"\x90\x00"
    rest = message[done:]
    body = head + bytes((0x80, len(rest))) + rest
    return (b"\x00\x2a\x90\xa0" + bytes((len(body),)) + body).hex()


@pytest.mark.parametrize(
    ("commands", "sw"),
    [
        (["00A404000DE828BD080F8025000001FF0010"], "6A86"),  # card-reference §3.1
        (["00A404040DE828BD080F8025000001FF0010"], "612F"),
        (["00A404040CE828BD080F8025000001FF00"], "6A82"),
        (["00A4090404D0033F00"], "6A82"),  # no 3F00 in front
        (["00A4090402 2F00"], "6A82"),
        (["00A404040880250000 01FF0100", "00A4090402 2F00"], "6127"),  # but right after the root's name
        (["00A404040880250000 01FF0100", "00A4090402 2F00", "00A4090402 2F00"], "6A82"),
        (["00A4090403 3F00D0"], "6700"),
        (["00A4090404 3F00D010"], "6A82"),  # EF_ACTUA
        ([APPLICATION, "00A4020C02 A001"], "6A86"),  # card-reference §3.2
        ([APPLICATION, "00A4020402 A001"], "6126"),
        ([APPLICATION, "00A4020401 A0"], "6700"),
        ([APPLICATION, "00A4020402 D003"], "6A82"),
        (["00A4000402 3F00"], "6A86"),
        (["00B0000010"], "6986"),  # nothing selected
        (["00A4090C04 3F00D003", "00B0000000"], "6C0C"),
        (["00A4090C04 3F00D003", "00B000000C"], "9000"),
        (["00A4090C04 3F00D003", "00B000000D"], "6C0C"),
        (["00A4090C04 3F00D003", "00B0000C01"], "6B00"),
        (["00A4090C04 3F00D003", "00B00000"], "6700"),
        (["00B09C000C"], "9000"),
        ([APPLICATION, "00B09C000C"], "6A82"),
        (["00A4090C06 3F000001D120", "00B000002A"], "6982"),
        ([RIGHT, "00A4090C06 3F000001D120", "00B000002A"], "9000"),
        (["00C0000010"], "6985"),
        (["00A4090404 3F00D003", "00B09C000C", "00C0000027"], "6985"),  # another command in between
        (["00A4090404 3F00D003", "00C0000028"], "6C27"),
        (["0084000008"], "9000"),
        (["00840000"], "6700"),
        (["00D6000001 00"], "6D00"),
        (["A0A4000002 3F00"], "9F0A"),  # the CPS2ter face has the floor from there on
        (["A0A4000002 3F00", "00A4090C02 3F00"], "6E00"),
        (["A0A4000002 3F00", APPLICATION], "6E00"),
        (["A0A4000002 3F00", "00A4040C08 8025000001FF0100", "00A4090C02 3F00"], "9000"),
        (["0CA4000002 3F00"], "6E00"),
        (["00A409"], "6700"),
        (["0020000108 313233"], "6700"),
        (["00A4090404 3F00D003 00"], "6700"),  # Le after data: not under T=0
    ],
)
def test_status_words(card, commands, sw):
    assert say(card, *commands) == sw


@pytest.mark.parametrize(
    ("commands", "sw"),
    [
        (["0020000100"], "63C3"),
        (["00200001"], "63C3"),
        ([RIGHT, "0020000100"], "9000"),
        ([WRONG], "63C2"),
        ([WRONG, WRONG, WRONG], "63C0"),
        ([WRONG, WRONG, WRONG, RIGHT], "6983"),
        ([WRONG, WRONG, WRONG, "0020000100"], "6983"),
        ([WRONG, WRONG, RIGHT, WRONG], "63C2"),
        ([RIGHT, WRONG, "0020000100"], "63C2"),
        (["0020000104 31323334"], "6700"),
        (["0020000104 31323334", "0020000100"], "63C3"),  # a length costs nothing
        (["0020010108 31323334FFFFFFFF"], "6A86"),
        (["0020000308 31323334FFFFFFFF"], "6A88"),
        ([PUK], "9000"),
        (["0020000208 3030303030303030"], "63C9"),
        ([NEW_PIN], "6982"),
        ([PUK, NEW_PIN], "9000"),
        ([PUK, NEW_PIN, "0020000108 34333231FFFFFFFF"], "9000"),
        ([WRONG, WRONG, WRONG, PUK, NEW_PIN, "0020000100"], "63C3"),
        ([PUK, "002C020108 343332FFFFFFFFFF"], "6A80"),
        ([PUK, "002C020104 34333231"], "6700"),
        ([PUK, "002C000110 313233343536373834333231FFFFFFFF"], "6A86"),
        (["0024000110 31323334FFFFFFFF34333231FFFFFFFF", "0020000108 34333231FFFFFFFF"], "9000"),
        (["0024000110 30303030FFFFFFFF34333231FFFFFFFF"], "63C2"),
        (["0024000110 31323334FFFFFFFF343332FFFFFFFFFF"], "6A80"),
        (["002400010C 31323334FFFFFFFF34333231"], "6700"),
        (["0024000210 31323334353637383837363534333231"], "6982"),
        (["0024000110 31323334FFFFFFFF34333231FFFFFFFF", "0020000100"], "63C3"),  # a change verifies nothing
        ([RIGHT, "0024000110 30303030FFFFFFFF34333231FFFFFFFF", "0020000100"], "63C2"),
    ],
)
def test_pin_status_words(card, commands, sw):
    assert say(card, *commands) == sw


def test_the_puk_can_be_used_up(card):
    card.counters[2].uses = 1
    assert say(card, PUK, NEW_PIN) == "9000"
    assert say(card, NEW_PIN) == "6984"


def test_counters_are_read_in_the_mf_only(card):
    ask = "00CB3FFF0A4D087006BF810102A080"
    assert fetch(card, ask).hex() == "7016bf810112a0109a01039b0103a1088c06f3000013ff00"
    assert say(card, APPLICATION, ask) == "6A88"
    assert say(card, "00CB3FFF0A4D087006BF900102A080") == "6119"
    assert say(card, "00A4090C02 3F00", "00CB3FFF0A4D087006BF900102A080") == "6A88"
    assert say(card, "00CB3FFF0B4D097007BF9001037F4880") == "6A80"
    assert say(card, "00CB3F000A4D087006BF810102A080") == "6A86"


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 5000])
def test_signature_with_the_last_round_on_the_card(card, size):
    message = bytes(n % 251 for n in range(size))
    assert say(card, RIGHT, APPLICATION, SET_HT, hash_command(message), SET_DST) == "9000"
    verify(card, "signature", fetch(card, "002A9E9A00"), message)
    assert card.signature_count == 1
    assert say(card, "002A9E9A00") == "6985"  # one hash, one signature


def test_signature_of_a_bare_hash(card):
    digest = hashlib.sha256(b"abc").hexdigest()
    assert say(card, RIGHT, APPLICATION, SET_DST, "002A9E9A20" + digest) == "6100"
    verify(card, "signature", fetch(card, "002A9E9A20" + digest), b"abc")
    assert say(card, "002A9E9A14" + digest[:40]) == "6700"
    assert say(card, "002241B606 800112 840181", "002A9E9A14" + digest[:40]) == "6100"


def test_the_hash_survives_a_signature_refused_for_the_pin(card):
    assert say(card, APPLICATION, SET_HT, hash_command(b"abc"), SET_DST, "002A9E9A00") == "6982"
    assert say(card, RIGHT, SET_DST, "002A9E9A00") == "9000"  # traces: pin-lost-6982
    assert card.signature_count == 1


def test_internal_authenticate(card):
    info = "3031300D060960864801650304020105000420" + hashlib.sha256(b"abc").hexdigest()
    assert say(card, APPLICATION, SET_AT, "0088000033" + info) == "6982"
    assert say(card, RIGHT) == "9000"
    verify(card, "authentication", fetch(card, "0088000033" + info), b"abc")
    assert say(card, "0088000067" + "00" * 103) == "6700"
    assert say(card, "0088010033" + info) == "6A86"
    assert card.signature_count == 1


def test_decipher_through_a_chain(card):
    key = TestPki.generate().authentication.certificate.public_key()
    data = "81" + key.encrypt(b"session key", padding.PKCS1v15()).hex()
    first, last = "102A8086FF" + data[:510], "002A808602" + data[510:]
    assert say(card, APPLICATION, "002241B806 80011A 840182", first, last) == "6982"
    assert say(card, RIGHT, first) == "9000"
    assert fetch(card, last) == b"session key"
    assert say(card, last) == "6A80"  # the chain is over
    assert say(card, first, APPLICATION, last) == "6985"


@pytest.mark.parametrize(
    ("commands", "sw"),
    [
        ([SET_DST], "6A88"),  # the key is local to the application
        ([APPLICATION, "002241B603 840181"], "6A80"),
        ([APPLICATION, "002241B606 800142 840182"], "6A80"),  # a key serves what it is for
        ([APPLICATION, "002241A406 800102 840181"], "6A80"),
        ([APPLICATION, "002241B605 8001428401"], "6A80"),
        ([APPLICATION, "002281B606 800142 840181"], "6A86"),
        ([APPLICATION, "002A9E9A00"], "6985"),
        ([APPLICATION, "002A9E0000"], "6A86"),
        ([APPLICATION, hash_command(b"abc")], "6985"),
        ([APPLICATION, "002241AA03 800110", hash_command(b"abc")], "6985"),
        ([APPLICATION, SET_HT, "002A90A004 90008001"], "6A80"),
        ([APPLICATION, SET_HT, "002A90A004 91008000"], "6A80"),
        ([APPLICATION, SET_HT, "002A90A02C 9028" + "00" * 32 + "00000000000000018000"], "6A80"),
        ([APPLICATION, SET_HT, "002A90A045 90008041" + "00" * 65], "6A80"),
        ([APPLICATION, SET_HT, hash_command(b"abc"), SET_DST, APPLICATION, "002A9E9A00"], "6985"),
    ],
)
def test_security_environment(card, commands, sw):
    assert say(card, RIGHT, *commands) == sw


def test_a_reset_loses_everything(card):
    assert say(card, RIGHT, APPLICATION, SET_HT, hash_command(b"abc"), SET_DST) == "9000"
    for end in (card.reset, card.power_off, card.power_on):
        end()
        assert say(card, "0020000100") == "63C3"
        assert say(card, "002A9E9A00") == "6985"
        assert say(card, "00B0000001") == "6986"
        say(card, RIGHT, APPLICATION)


def test_get_response_in_pieces(card):
    assert say(card, RIGHT, APPLICATION, SET_DST, "002A9E9A20" + "11" * 32) == "6100"
    assert say(card, "00C00000E7") == "6119"
    assert say(card, "00C0000019") == "9000"
    assert say(card, "00C0000019") == "6985"


def test_the_card_counts_and_its_log_holds_no_data(card):
    say(card, "0020000100", WRONG, RIGHT, PUK, "0024000110 31323334FFFFFFFF34333231FFFFFFFF")
    assert (card.verify_count, card.apdu_count, card.signature_count) == (3, 5, 0)
    assert card.log[1:3] == [("00200001", 0x63C2), ("00200001", 0x9000)]


def test_a_twelve_digit_pin():
    card = SoftCps3(TestPki.generate(), pin="123456789012", pin_digits=(4, 12))
    assert say(card, "002000010C 313233343536373839303132") == "9000"
    assert say(card, RIGHT) == "6700"
    assert fetch(card, "00CB3FFF0B4D097007BF8101037F4180").endswith(bytes.fromhex("80010C810104"))


@pytest.mark.parametrize(
    "wrong",
    [{"pin": "12345"}, {"pin": ""}, {"pin": "12a4"}, {"puk": "1234"}, {"serial": "123"}, {"serial": "1234567é"}],
)
def test_impossible_cards(wrong):
    with pytest.raises(SimulatorError):
        SoftCps3(TestPki.generate(), **wrong)


@settings(max_examples=300, deadline=None)
@given(any_commands("00A4", "00B0", "00C0", "00CB", "0020", "0022", "0024", "002A", "002C", "0084", "0088", "102A"))
def test_any_bytes_get_an_answer(commands):
    card = SoftCps3(TestPki.generate())
    for command in [bytes.fromhex(RIGHT), bytes.fromhex(APPLICATION), *commands]:
        assert len(card.transmit(command)) >= 2
