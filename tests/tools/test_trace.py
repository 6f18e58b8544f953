"""The trace of a dialogue: format, names, and above all what is masked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.card.apdu import Block, SecretCommand, Slot
from appliance.errors import CardRemoved
from appliance.tools.trace import Trace, describe


def traced(*exchanges, personal=False):
    lines = []
    trace = Trace(lines.append, personal=personal)
    trace.begin(bytes.fromhex("3B00"), t1=False)
    for command, answer in exchanges:
        sent = command if isinstance(command, SecretCommand) else bytes.fromhex(command)
        assert trace.through(lambda _command, answer=answer: bytes.fromhex(answer))(sent) == bytes.fromhex(answer)
    assert all(line.endswith("\n") for line in lines)
    return [line[:-1] for line in lines[1:]]


PADDED = SecretCommand(0, 0x20, 0, 1, (Block(Slot.OLD, 8, 0xFF),))
CHANGE = SecretCommand(0, 0x24, 0, 1, (Block(Slot.OLD, 8, 0xFF), Block(Slot.NEW, 8, 0xFF)))
BARE = SecretCommand(1, 0x20, 0, 0x11, (Block(Slot.OLD, 8, None),))


def test_format():
    lines = []
    trace = Trace(lines.append)
    trace.begin(bytes.fromhex("3BAC00"), t1=True)
    trace.step("identify")
    trace.through(lambda _: b"\x90\x00")(bytes.fromhex("00A4090C023F00"))
    assert lines == [
        "# power on, T=1, ATR 3B AC 00\n",
        "# step: identify\n",
        "#   SELECT 3F00\n",
        "> 00 A4 09 0C 02 3F 00\n",
        "< 90 00\n",
    ]


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (PADDED, "> 00 20 00 01 08" + " **" * 8),
        (CHANGE, "> 00 24 00 01 10" + " **" * 16),
        (BARE, "> 01 20 00 11 ** **"),
        ("0020000108313233FFFFFFFFFF", "> 00 20 00 01 08" + " **" * 8),
        ("012C0201083132333435363738", "> 01 2C 02 01 08" + " **" * 8),
        ("0020000100", "> 00 20 00 01 00"),
        ("012C038100", "> 01 2C 03 81 00"),
    ],
)
def test_the_data_of_a_secret_command_is_masked(command, line):
    assert traced((command, "9000"))[1] == line


def test_what_is_read_behind_a_code_is_masked_until_the_card_is_powered_again():
    read, answer = ("00B0000004", "EE0284009000")
    assert traced((read, answer))[-1] == "< EE 02 84 00 90 00"
    assert traced((PADDED, "63C2"), (read, answer))[-1] == "< ** ** ** ** 90 00"
    assert traced(("0020000108" + "31" * 8, "9000"), (read, answer))[-1] == "< ** ** ** ** 90 00"
    assert traced((PADDED, "9000"), ("00B0000000", "6C04"), (read, "6982"))[-1] == "< 69 82"
    lines = []
    trace = Trace(lines.append)
    for _ in range(2):
        trace.begin(b"\x3b", t1=False)
        trace.through(lambda _: bytes.fromhex(answer))(bytes.fromhex(read))
        trace.through(lambda _: b"\x90\x00")(PADDED)
    assert lines.count("< EE 02 84 00 90 00\n") == 2


def test_the_serial_and_certificates_are_masked_unless_asked_for():
    serial = (("00A4090C043F00D003", "9000"), ("00B000000C", "5A0A802500000199213845" + "0F9000"))
    certificate = (
        ("00A4090C063F000001A001", "9000"),
        ("00B0000008", "308208931234" + "56789000"),
        ("00B0000804", "534F50489000"),
    )
    other = (("00A4090C063F0000017001", "9000"), ("00B0000004", "300204019000"))
    lines = traced(*serial, *certificate, *other)
    assert "99 21 38 45" not in "\n".join(lines)
    assert "53 4F 50 48" not in "\n".join(lines)
    assert lines[-1] == "< 30 02 04 01 90 00"
    shown = "\n".join(traced(*serial, *certificate, personal=True))
    assert "99 21 38 45" in shown
    assert "53 4F 50 48" in shown


@pytest.mark.parametrize("command", ["002A9E9A00", "0088000004AABBCCDD", "012A808601AA", "112A808601AA"])
def test_what_a_private_key_answers_is_masked_through_get_response(command):
    lines = traced((command, "6104"), ("00C0000004", "DEADBEEF9000"))
    assert lines[2] == "< 61 04"
    assert lines[-1] == "< ** ** ** ** 90 00"


def test_a_hash_and_a_long_answer():
    assert traced(("002A90A0028000", "9000"))[0] == "#   PSO HASH, last round on the card, 2 bytes"
    assert traced(("002A9E9A00", "00" * 256 + "9000"))[-1] == "< **x256 90 00"


def test_an_answer_that_never_came_is_said():
    lines = []

    def gone(_command):
        raise CardRemoved("pulled")

    with pytest.raises(CardRemoved):
        Trace(lines.append).through(gone)(bytes.fromhex("00A4090C023F00"))
    assert lines[-1] == "# no answer: card-removed\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("00A4040C0D" + "E828BD080F8025000001FF0010", "SELECT the PKCS#15 application"),
        ("00A4040C0101", "SELECT by name"),
        ("01A4080004" + "00015031", "[channel 1] SELECT 0001/5031 (EF.ODF)"),
        ("00A40000", "SELECT "),
        ("00B000E700", "READ BINARY at 231, 256 bytes"),
        ("00CB3FFF0A4D087006BF810102A080", "GET DATA BF 81 01"),
        ("002241B606800142840181", "MSE SET DST 80 01 42 84 01 81"),
        ("0022410102AABB", "MSE SET 01 AA BB"),
        ("112A8086" + "FF" + "00" * 255, "[channel 1] [chained] PSO DECIPHER, 255 bytes"),
        ("002A000000", "PSO other, 0 bytes"),
        ("0088000001AA", "INTERNAL AUTHENTICATE, 1 bytes"),
        ("0120000100", "[channel 1] VERIFY without data: the counter of 01"),
        ("00240001021111", "CHANGE REFERENCE DATA, reference 01"),
        ("0084000008", "INS 84"),
        (PADDED, "VERIFY, reference 01"),
        (BARE, "[channel 1] VERIFY, reference 11"),
    ],
)
def test_words(command, words):
    assert describe(command if isinstance(command, SecretCommand) else bytes.fromhex(command)) == words


DIGITS = "8264917305"


@given(
    st.sampled_from((0x20, 0x24, 0x2C)),
    st.sampled_from((0x00, 0x01, 0x10)),
    st.binary(max_size=20),
    st.binary(max_size=20),
)
def test_no_digits_in_any_trace(ins, cla, before, after):
    """Whatever surrounds it, a code in the data of one of the three commands stands nowhere in the text."""
    data = before + DIGITS.encode() + after
    command = bytes((cla, ins, 0x00, 0x01, len(data))) + data
    text = "\n".join(traced((command.hex(), "9000")))
    assert DIGITS.encode().hex(" ").upper() not in text
    assert DIGITS not in text
