import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.simulator.pki import PHYSICIAN, TestPki, luhn
from appliance.simulator.softfiles import CONTACT, MF, PinFormat, aodf, build_files
from appliance.simulator.softtlv import tlv

# card-reference §3.4: dumped from a real card.
REAL_AODF = bytes.fromhex(
    "3061303F0C1C436F646520706F7274657572206465206C61206361727465204350530301080401023019300603020520050030060302064005"
    "003007030203080401043003040101A11930170303040C100A0101020104020108020104800101"
    "0401FF305830390C22436F64652064652064C3A9626C6F63616765206465206C61206361727465204350530301083010300603020520050030"
    "06030206400500"
    "3003040104A11630140303041D100A0101020108020108020108800102"
)


def test_the_aodf_with_default_lengths_is_the_real_one():
    assert len(REAL_AODF) == 189
    assert aodf(PinFormat()) == REAL_AODF


def test_the_aodf_states_a_twelve_digit_pin():
    form = PinFormat.of(4, 12)
    assert bytes.fromhex("0A0101 020104 02010C 02010C 800101") in aodf(form)
    assert form.block("123456789012") == b"123456789012"
    assert form.block("1234") == b"1234" + b"\xff" * 8


@pytest.mark.parametrize(
    ("block", "good"),
    [
        (b"1234\xff\xff\xff\xff", True),
        (b"12345\xff\xff\xff", False),
        (b"123\xff\xff\xff\xff\xff", False),
        (b"12a4\xff\xff\xff\xff", False),
        (b"1234\xff\xff\xff", False),
        (b"12\xff4\xff\xff\xff\xff", False),
        (b"\xff" * 8, False),
    ],
)
def test_pin_blocks(block, good):
    assert PinFormat().accepts(block) is good


def test_the_chip_serial_carries_issuer_luhn_and_filler():
    content = build_files(TestPki.generate(), "99213845", PinFormat())[MF, 0xD003].content
    assert content.hex().upper() == "5A0A8025000001992138450F"  # card-reference §2.2, a real card
    other = build_files(TestPki.generate(), "00000018", PinFormat())[MF, 0xD003].content.hex().upper()
    digits = other[4:-1]
    assert digits[:18] == "802500000100000018"
    assert luhn(digits[:-1]) == int(digits[-1])


def test_files_carry_this_holder():
    pki = TestPki.generate(PHYSICIAN, card_number="2500000001")
    files = build_files(pki, "00000001", PinFormat())
    assert b"LIBRE-TEST" in files[CONTACT, 0xD102].content
    assert files[CONTACT, 0xD104].content.endswith(b"SM26")  # card-reference §8.3
    assert b"CPS3v3-2500000001" in files[CONTACT, 0x5032].content
    assert (MF, 0xD010) not in files
    assert [fid for (_, fid), file in files.items() if file.pin] == [0xD120, 0xD121]


@given(st.integers(0, 300))
def test_tlv_lengths(size):
    value = bytes(size)
    head = tlv(0x80, value)[: -size or None]
    assert head == (
        bytes((0x80, size))
        if size < 128
        else bytes((0x80, 0x81, size))
        if size < 256
        else b"\x80\x82\x01" + bytes((size - 256,))
    )
