"""The transport rules of card-reference §4."""

import pytest
from card_kit import Transcript
from hypothesis import given
from hypothesis import strategies as st

from appliance.card.apdu import Block, Command, Response, SecretCommand, Slot
from appliance.card.script import ROUNDS, play, wire
from appliance.errors import CardDataMalformed, CardError, CardMute, CardRemoved

VERIFY = SecretCommand(0x00, 0x20, 0x00, 0x01, (Block(Slot.OLD, 8, 0xFF),))


def one(command):
    return (yield command)


def dialogue(command, *pairs, t1=False):
    transcript = Transcript(pairs)
    answer = play(one(command), transcript, t1=t1)
    transcript.close()
    return answer


@pytest.mark.parametrize(
    ("command", "t0", "t1"),
    [
        (Command(0, 0x20, 0, 1), "0020000100", "00200001"),  # case 1: T=0 has always P3
        (Command(0, 0xB0, 0, 0, le=12), "00B000000C", "00B000000C"),
        (Command(0, 0x2A, 0x9E, 0x9A, le=256), "002A9E9A00", "002A9E9A00"),
        (Command(0, 0xA4, 9, 0x0C, b"\x3f\x00"), "00A4090C023F00", "00A4090C023F00"),
        (Command(0, 0x88, 0, 0, b"ab", le=256), "00880000026162", "0088000002616200"),  # case 4 as case 3 on T=0
    ],
)
def test_the_five_forms(command, t0, t1):
    assert dialogue(command, (t0, "9000")) == Response(b"", 0x9000)
    assert dialogue(command, (t1, "9000"), t1=True).ok


def test_get_response_gathers_everything_on_the_same_channel():
    answer = dialogue(
        Command(0x01, 0xCB, 0x3F, 0xFF, b"\x4d\x00", le=256),
        ("01CB3FFF024D00", "6102"),
        ("01C0000002", "AABB6100"),
        ("01C0000000", "CC" * 256 + "6101"),
        ("01C0000001", "DD9000"),
    )
    assert answer == Response(b"\xaa\xbb" + b"\xcc" * 256 + b"\xdd", 0x9000)


def test_get_response_keeps_data_that_came_with_61xx_and_ends_on_6282():
    answer = dialogue(Command(0, 0xB0, 0, 0, le=256), ("00B0000000", "AA6103"), ("00C0000003", "BBCC6282"))
    assert answer == Response(b"\xaa\xbb\xcc", 0x9000)


def test_get_response_with_a_wrong_length_is_asked_once_more():
    answer = dialogue(
        Command(0, 0xCB, 0, 0, b"x", le=256),
        ("00CB00000178", "6105"),
        ("00C0000005", "6C02"),
        ("00C0000002", "AABB9000"),
    )
    assert answer.data == b"\xaa\xbb"


def test_get_response_refused_gives_the_refusal():
    assert dialogue(Command(0, 0xCB, 0, 0, b"x", le=256), ("00CB00000178", "6105"), ("00C0000005", "6F00")).sw == 0x6F00


def test_what_nobody_wants_is_not_fetched():
    """The FCI of a CPS4's SELECT (traces, cps4-middleware-insert-cold)."""
    assert dialogue(Command(1, 0xA4, 8, 0, b"\xd0\x03"), ("01A4080002D003", "6127")) == Response(b"", 0x9000)


def test_6cxx_once_with_the_right_length():
    assert dialogue(Command(0, 0xB0, 0, 0, le=0xE7), ("00B00000E7", "6C02"), ("00B0000002", "AABB9000")).data
    assert dialogue(Command(0, 0xB0, 0, 0, le=1), ("00B0000001", "6C00"), ("00B0000000", "AA9000")).data == b"\xaa"
    again = dialogue(Command(0, 0xB0, 0, 0, le=0xE7), ("00B00000E7", "6C02"), ("00B0000002", "6C01"))
    assert again.sw == 0x6C01


def test_6cxx_to_a_command_with_data_is_repeated_only_where_le_can_be_said():
    command = Command(0, 0x88, 0, 0, b"a", le=256)
    assert dialogue(command, ("00880000 01 61", "6C10")).sw == 0x6C10
    assert dialogue(command, ("008800000161 00", "6C02"), ("008800000161 02", "AABB9000"), t1=True).data


@pytest.mark.parametrize(("size", "blocks"), [(255, [255]), (256, [255, 1]), (257, [255, 2]), (510, [255, 255])])
def test_chaining(size, blocks):
    data, at, pairs = bytes(i % 251 for i in range(size)), 0, []
    for position, length in enumerate(blocks):
        cla = "00" if position == len(blocks) - 1 else "10"
        pairs.append((f"{cla}2A8086{length:02X}{data[at : at + length].hex()}", "9000"))
        at += length
    assert dialogue(Command(0, 0x2A, 0x80, 0x86, data, le=256), *pairs).ok


def test_a_chain_stops_at_the_first_refusal_and_is_never_half_repeated():
    long = Command(0x01, 0x2A, 0x80, 0x86, bytes(256), le=256)
    first = ("112A8086FF" + "00" * 255, "6884")
    assert dialogue(long, first).sw == 0x6884
    last = ("012A80860100", "6C10")
    assert dialogue(long, (first[0], "9000"), last).sw == 0x6C10


@pytest.mark.parametrize("status", ["9000", "63C2", "6983", "6C08", "6108"])
def test_a_secret_command_goes_out_once_whatever_the_card_says(status):
    answer = dialogue(VERIFY, ("0020000108 31323334FFFFFFFF", status))
    assert answer == Response(b"", int(status, 16))


def test_endless_answers_end():
    sent = []

    def transmit(apdu):
        sent.append(apdu)
        return b"\xaa\x61\x01"

    with pytest.raises(CardDataMalformed):
        play(one(Command(0, 0xB0, 0, 0, le=1)), transmit)
    assert len(sent) <= 1 + ROUNDS


@pytest.mark.parametrize("raw", [b"", b"\x90"])
@pytest.mark.parametrize("command", [VERIFY, Command(0, 0xB0, 0, 0, le=1)])
def test_no_status_word_is_a_mute_card(raw, command):
    with pytest.raises(CardMute):
        play(one(command), lambda _: raw)


def test_the_script_is_closed_when_the_reader_fails():
    closed = []

    def script():
        try:
            yield Command(0, 0xB0, 0, 0, le=1)
        finally:
            closed.append(True)

    def gone(_):
        raise CardRemoved

    with pytest.raises(CardRemoved):
        play(script(), gone)
    assert closed == [True]


def test_the_script_learns_that_an_answer_never_came():
    def script():
        try:
            yield Command(0, 0x2A, 0x9E, 0x9A, le=256)
        except CardRemoved:
            answer = yield Command(0, 0xB0, 0, 0, le=1)
            return answer.data
        return b""

    def gone_once(apdu):
        if apdu[1] == 0x2A:
            raise CardRemoved
        return b"\x07\x90\x00"

    assert play(script(), gone_once) == b"\x07"

    def mute_once(apdu):
        return b"" if apdu[1] == 0x2A else b"\x07\x90\x00"

    with pytest.raises(CardMute):
        play(script(), mute_once)


def test_wire_gives_the_scripts_value_and_its_errors():
    def script():
        answer = yield Command(0, 0xB0, 0, 0, le=1)
        return answer.data

    steps = wire(script())
    assert next(steps) == bytes.fromhex("00B0000001")
    with pytest.raises(StopIteration) as stop:
        steps.send(b"\x07\x90\x00")
    assert stop.value.value == b"\x07"

    def empty():
        return 5
        yield

    assert play(empty(), lambda _: b"") == 5


def test_what_travels_stays_out_of_repr():
    shown = repr(Command(0, 0x2A, 0x90, 0xA0, b"secret letter")) + repr(Response(b"SOPHIE", 0x9000))
    assert "secret" not in shown
    assert "SOPHIE" not in shown


@pytest.mark.parametrize("le", [0, 257, -1])
def test_le_out_of_range(le):
    with pytest.raises(ValueError, match="le"):
        Command(0, 0, 0, 0, le=le)
    with pytest.raises(ValueError, match="range"):
        Command(256, 0, 0, 0)


@given(
    st.builds(
        Command,
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 255),
        st.binary(max_size=600),
        st.none() | st.integers(1, 256),
    ),
    st.lists(st.binary(max_size=6) | st.sampled_from([b"\x61\x00", b"\x6c\x04", b"\x90\x00"]), min_size=1),
    st.booleans(),
)
def test_any_answers_give_a_response_or_our_error(command, answers, t1):
    sent = []

    def transmit(apdu):
        sent.append(apdu)
        return answers[len(sent) % len(answers)]

    try:
        answer = play(one(command), transmit, t1=t1)
    except CardError:
        pass
    else:
        assert isinstance(answer, Response)
    assert len(sent) <= len(command.data) // 255 + 3 + 2 * ROUNDS
    assert all(len(apdu) <= 261 for apdu in sent)


@given(st.binary(max_size=2000), st.integers(1, 256))
def test_a_card_that_speaks_in_pieces_is_heard_whole(content, piece):
    left = bytearray(content)

    def transmit(apdu):
        if apdu[1] == 0xC0:
            wanted = apdu[4] or 256
            said, left[:] = left[:wanted], left[wanted:]
        else:
            said = b""
        return bytes(said) + (bytes((0x61, min(len(left), piece) & 0xFF)) if left else b"\x90\x00")

    command = Command(0, 0xCB, 0x3F, 0xFF, b"x", le=256)
    if -(-len(content) // piece) >= ROUNDS:
        with pytest.raises(CardDataMalformed):
            play(one(command), transmit)
    else:
        assert play(one(command), transmit) == Response(content, 0x9000)
