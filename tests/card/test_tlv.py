"""BER-TLV: what real cards write, and anything else."""

import pytest
from card_kit import EF_AODF, EF_ATR, EF_DIR, mutated
from hypothesis import given
from hypothesis import strategies as st

from appliance.card import tlv
from appliance.card.tlv import Tlv
from appliance.errors import CardDataMalformed

TAGS = st.sampled_from([0x04, 0x30, 0x5A, 0x80, 0xA0, 0x7F41, 0xBF8101])
TLVS = st.lists(st.builds(Tlv, TAGS, st.binary(max_size=300)), max_size=12)


def test_a_counter_of_a_real_card():
    data = bytes.fromhex("7016BF810112A0109A01039B0103A1088C06F3000013FF00")
    assert tlv.descend(data, 0x70, 0xBF8101, 0xA0, 0x9B).value == b"\x03"


def test_ef_atr_after_its_stray_byte():
    items = tlv.read_all(EF_ATR[1:])
    assert tlv.need(items, 0x4F).value.hex() == "8025000001ff0100"
    assert [item.tag for item in items] == [0x43, 0x46, 0x47, 0x4F, 0xE0, 0x78, 0x82]


@given(TLVS)
def test_what_is_written_is_read(items):
    data = b"".join(tlv.write(item.tag, item.value) for item in items)
    assert tlv.read_all(data) == tuple(items)
    assert tlv.read_all(data + bytes(5)) == tuple(items)
    assert tlv.ended(data + b"\0" * 8)
    assert not tlv.ended(data)


@given(TLVS.filter(bool), st.data())
def test_a_list_read_in_part_gives_its_whole_items_only(items, data):
    raw = b"".join(tlv.write(item.tag, item.value) for item in items)
    cut = data.draw(st.integers(0, len(raw)))
    part = tlv.whole(raw[:cut])
    assert part == tuple(items)[: len(part)]
    assert not tlv.ended(raw[:cut])


@pytest.mark.parametrize("size", [0, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF])
def test_lengths_at_their_borders(size):
    data = tlv.write(0x04, bytes(size))
    assert tlv.read(data) == (Tlv(0x04, bytes(size)), len(data))
    assert tlv.total_length(data[:4]) == len(data)


@pytest.mark.parametrize(
    "raw",
    [
        "",  # nothing
        "30",  # no length
        "3002 05",  # value cut short
        "3080 0500 0000",  # indefinite
        "3083 000001 00",  # three length bytes
        "3082 01",  # length cut short
        "3081",
        "BF",  # tag cut short
        "BF8181 01 00",  # tag too long
        "1F",
    ],
)
def test_malformed(raw):
    with pytest.raises(CardDataMalformed):
        tlv.read(bytes.fromhex(raw))


def test_too_many_and_too_long():
    with pytest.raises(CardDataMalformed):
        tlv.read_all(b"\x05\x00" * (tlv.MAX_ITEMS + 1))
    assert len(tlv.read_all(b"\x05\x00" * tlv.MAX_ITEMS)) == tlv.MAX_ITEMS
    with pytest.raises(ValueError, match="long"):
        tlv.write(0x04, bytes(0x10000))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("08", set()),  # as real cards write their flags (card-reference §3.3)
        ("0800", set()),
        ("", set()),
        ("00", set()),
        ("FF00", set()),
        ("0780", {0}),
        ("040C10", {4, 5, 11}),
        ("041D10", {3, 4, 5, 7, 11}),
        ("060040", {9}),
        ("0560", {1, 2}),
        ("07FF", {0}),  # unused bits are never read
    ],
)
def test_bit_strings(raw, expected):
    assert tlv.bits(Tlv(0x03, bytes.fromhex(raw))) == expected


@pytest.mark.parametrize(("raw", "expected"), [("81", 0x81), ("0081", 0x81), ("0800", 2048), ("00FFFFFFFF", 2**32 - 1)])
def test_integers_are_unsigned(raw, expected):
    assert tlv.unsigned(Tlv(0x02, bytes.fromhex(raw))) == expected


@pytest.mark.parametrize("raw", ["", "0100000000", "000000000000"])
def test_integers_of_a_strange_size(raw):
    with pytest.raises(CardDataMalformed):
        tlv.unsigned(Tlv(0x02, bytes.fromhex(raw)))


def test_text():
    assert tlv.text(Tlv(0x0C, "déblocage".encode())) == "déblocage"
    with pytest.raises(CardDataMalformed):
        tlv.text(Tlv(0x0C, b"d\xe9blocage"))


def test_find_and_need():
    items = (Tlv(1, b"a"), Tlv(1, b"b"))
    assert tlv.find(items, 1) == Tlv(1, b"a")
    assert tlv.find(items, 2) is None
    with pytest.raises(CardDataMalformed):
        tlv.need(items, 2)


@given(st.binary(max_size=400) | mutated(EF_AODF) | mutated(EF_DIR))
def test_any_bytes_give_a_value_or_our_error(data):
    for reader in (tlv.read, tlv.read_all, tlv.total_length, tlv.ended, tlv.whole):
        try:
            reader(data)
        except CardDataMalformed:
            continue
    item = Tlv(0x03, data)
    tlv.bits(item)
    for reader in (tlv.unsigned, tlv.text, Tlv.children):
        try:
            reader(item)
        except CardDataMalformed:
            continue
