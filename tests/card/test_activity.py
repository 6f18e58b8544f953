"""Practice situations: the parser, and which files it is fed from."""

import pytest
from card_folder import Folder
from card_kit import layout
from hypothesis import given
from hypothesis import strategies as st

from appliance.card import tlv
from appliance.card.activity import Situation, files, parse_situation
from appliance.card.cps3 import Cps3
from appliance.card.files import MAX_OBJECT
from appliance.card.identity import remember
from appliance.card.layout import DataObject
from appliance.card.script import play
from appliance.errors import CommandRefused

LAYOUT = layout()
HOME = LAYOUT.application.path
RECORDED = bytes.fromhex("EE28840F434142494E45542045535341492030850F343939373030373335373431303038860453413037")
"""cps3-middleware-data-objects, D120."""


def test_the_recorded_situation():
    found = parse_situation(1, RECORDED + bytes(8))
    assert found == Situation(1, "CABINET ESSAI 0", "499700735741008", "SA07")
    assert "CABINET" not in repr(found)
    assert "4997" not in repr(found)


def test_unknown_tags_are_kept_raw():
    data = tlv.write(0xEE, tlv.write(0x87, b"\x01") + tlv.write(0x86, b"SA08") + tlv.write(0x9F21, b"\xff\x00"))
    assert parse_situation(3, data) == Situation(3, None, None, "SA08", ((0x87, b"\x01"), (0x9F21, b"\xff\x00")))


@pytest.mark.parametrize("data", [b"", bytes(30)])
def test_an_empty_file_is_a_hole(data):
    assert parse_situation(2, data) is None


@pytest.mark.parametrize("data", [b"\xff" * 8, RECORDED[:10], b"\x84\x01A", b"\xee"])
def test_bytes_that_make_no_sense_survive_as_they_are(data):
    assert parse_situation(4, data) == Situation(4, None, None, None, ((0, data),))


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (0x84, b"CABINET \xc9"),  # not UTF-8: which of the old encodings it is, nobody says
        (0x84, b"A\x00B"),
        (0x84, b"  "),
        (0x85, b""),
        (0x85, b"4/99"),
        (0x86, b"SA7"),
        (0x86, b"sa07"),
    ],
)
def test_a_known_tag_whose_value_is_none_is_kept_raw(tag, value):
    found = parse_situation(5, tlv.write(0xEE, tlv.write(tag, value)))
    assert found == Situation(5, None, None, None, ((tag, value),))


def test_the_first_of_two_counts():
    data = tlv.write(0xEE, tlv.write(0x86, b"SA07") + tlv.write(0x86, b"SA08"))
    assert parse_situation(6, data) == Situation(6, None, None, "SA07", ((0x86, b"SA08"),))


def entry(label, path):
    return DataObject(label, HOME + path, protected=True)


def test_only_situations_are_files_to_read_in_their_order():
    objects = (
        entry("CPS_ACTIVITY_16_PS\0", b"\xd1\x2f"),
        entry("CPS_ACTIVITY_02_PS", b"\xd1\x21"),
        entry("CPS_ACTIVITY_02_PS", b"\xd1\x22"),  # said twice: the first
        entry("CPS_SIT_FACT", b"\xd1\x30"),
        entry("CPS_DATA", b"\xd1\x07"),
        entry("CPS2TER_ACTIVITY_01_PS", b"\x40\x10"),
        entry("CPS_ACTIVITY_00_PS", b"\xd1\x40"),
        entry("CPS_ACTIVITY_17_PS", b"\xd1\x41"),
        entry("CPS_ACTIVITY_1_PS", b"\xd1\x42"),
        entry("xCPS_ACTIVITY_01_PS", b"\xd1\x43"),
        entry("CPS_ACTIVITY_01_PSx", b"\xd1\x44"),
    )
    assert files(objects, LAYOUT) == ((2, HOME + b"\xd1\x21"), (16, HOME + b"\xd1\x2f"))


def test_no_other_object_can_be_read_under_the_name_of_a_situation():
    objects = (
        entry("CPS_SIT_FACT", b"\xd1\x30"),
        entry("CPS_ACTIVITY_01_PS", b"\xd1\x30"),
        DataObject("CPS_ACTIVITY_02_PS", bytes.fromhex("3F007F014000"), protected=True),
        DataObject("CPS_ACTIVITY_03_PS", bytes.fromhex("3F00D003"), protected=True),
    )
    assert files(objects, LAYOUT) == ()


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda inner: tlv.write(0xEE, inner)))
def test_any_bytes_give_a_situation_or_a_hole(data):
    found = parse_situation(1, data)
    assert (found is None) is not any(data)
    if found is not None:
        assert found.sector is None or len(found.sector) == 4


@pytest.mark.parametrize("end", ["6C", "6282", "9000"])
@pytest.mark.parametrize("size", [200, 300, 900])
def test_a_situation_longer_than_one_read(end, size):
    content = tlv.write(0xEE, tlv.write(0x84, b"S" * size))
    card = Folder(end)
    card.files["3F000001D120"] = content
    card.files["3F000001D121"] = content[:-1]  # cut short by its file
    first, second = play(Cps3().situations(LAYOUT), card)
    assert (first.structure, second.unknown) == ("S" * size, ((0, content[:-1]),))
    assert card.count < 30


def test_what_a_situation_says_of_its_length_is_bounded():
    card = Folder()
    card.files["3F000001D120"] = b"\xee\x82\xff\xff" + b"\x84" * 5000
    (found,) = play(Cps3().situations(LAYOUT), card)
    assert found.unknown[0][1] == card.files["3F000001D120"][:MAX_OBJECT]


def test_a_situation_refused_is_not_a_hole():
    whole = Folder()
    whole.files["3F000001D120"] = RECORDED

    def transmit(apdu):
        return b"\x69\x82" if apdu[1] == 0xA4 and apdu.endswith(b"\xd1\x20") else whole(apdu)

    with pytest.raises(CommandRefused):
        play(Cps3().situations(LAYOUT), transmit)


@pytest.mark.parametrize("status", [b"\x6b\x00", b"\x6a\x86", b"\x62\x82", b"\x90\x00"])
def test_a_file_without_content_is_a_hole(status):
    whole = Folder()
    whole.files["3F000001D120"] = b""
    whole.files["3F000001D121"] = RECORDED

    def transmit(apdu):
        empty = apdu[1] == 0xB0 and whole.content == b""
        return status if empty else whole(apdu)

    (found,) = play(Cps3().situations(LAYOUT), transmit)
    assert (found.number, found.sector) == (2, "SA07")


def test_a_read_refused_otherwise_is_not_a_hole():
    whole = Folder()
    whole.files["3F000001D120"] = RECORDED

    def transmit(apdu):
        return b"\x69\x82" if apdu[1] == 0xB0 and whole.content == RECORDED else whole(apdu)

    with pytest.raises(CommandRefused):
        play(Cps3().situations(LAYOUT), transmit)


def test_an_empty_ef_actua_says_nothing():
    card = Folder()
    card.files["3F00D010"] = b""
    known = play(Cps3().identify({}), card)
    assert known.update == b""
    assert play(Cps3().identify(remember({}, known)), card) == known.counted(3)
