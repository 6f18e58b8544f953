"""An answer that never came: the script hears of it where it waits, and knows whether a signature may exist."""

import pytest
from card_kit import carrier, identified

from appliance.card.apdu import Block, Command, SecretCommand, Slot
from appliance.card.cps3 import Cps3
from appliance.card.script import play, wire
from appliance.errors import ApplianceError, CardMute, CardRemoved, CardReset, OutcomeUnknown, ReaderAbsent
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3

DRIVER = Cps3()
VERIFY = SecretCommand(0x00, 0x20, 0x00, 0x01, (Block(Slot.OLD, 8, 0xFF),))
READ = Command(0x00, 0xB0, 0x00, 0x00, le=4)
LONG = Command(0x00, 0x2A, 0x90, 0xA0, bytes(300))
LOSSES = [CardRemoved, CardMute, CardReset, ReaderAbsent]
TURNS = {
    "command": (READ, []),
    "secret": (VERIFY, []),
    "first of a chain": (LONG, []),
    "last of a chain": (LONG, ["9000"]),
    "right length": (READ, ["6C02"]),
    "get response": (READ, ["AA6110"]),
    "second get response": (READ, ["6110", "BB6101"]),
    "get response of the right length": (READ, ["6110", "6C02"]),
}


def listening(command, heard):
    """A script that notes the error it hears, reads something else, and gives that."""
    try:
        yield command
    except ApplianceError as error:
        heard.append(error)
    answer = yield READ
    return answer.data


def started(script, answers):
    apdus = wire(script)
    next(apdus)
    for answer in answers:
        apdus.send(bytes.fromhex(answer))
    return apdus


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("command", "answers"), TURNS.values(), ids=TURNS.keys())
def test_the_script_hears_of_it_and_may_go_on(command, answers, loss):
    heard, lost = [], loss("gone")
    apdus = started(listening(command, heard), answers)
    assert apdus.throw(lost) == bytes.fromhex("00B0000004")
    assert heard == [lost]
    with pytest.raises(StopIteration) as end:
        apdus.send(bytes.fromhex("CAFE9000"))
    assert end.value.value == bytes.fromhex("CAFE")


@pytest.mark.parametrize(("command", "answers"), TURNS.values(), ids=TURNS.keys())
def test_a_script_that_does_not_listen_ends_with_it(command, answers):
    def deaf():
        yield command

    apdus, lost = started(deaf(), answers), CardRemoved("gone")
    with pytest.raises(CardRemoved) as caught:
        apdus.throw(lost)
    assert caught.value is lost
    with pytest.raises(StopIteration):
        next(apdus)


def test_a_fault_of_ours_is_no_answer_of_the_card():
    heard, closed = [], []

    def script():
        try:
            yield from listening(READ, heard)
        finally:
            closed.append(True)

    apdus = started(script(), [])
    with pytest.raises(ZeroDivisionError):
        apdus.throw(ZeroDivisionError())
    assert (heard, closed) == ([], [True])


def test_an_answer_without_a_status_word_is_heard_as_a_mute_card():
    heard = []
    apdus = started(listening(READ, heard), [])
    apdus.send(b"\x90")
    assert [type(error) for error in heard] == [CardMute]


# --- CPS3 -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pki():
    return TestPki.generate()


@pytest.fixture
def card(pki):
    soft = SoftCps3(pki)
    soft.power_on()
    return soft


@pytest.fixture
def layout(card):
    return identified(carrier(card.transmit)).layout


class Tear:
    """A reader that loses the answer to command ``at``, counted from 1: the card did what it was told."""

    def __init__(self, card, at, loss):
        self.card, self.at, self.loss, self.sent = card, at, loss, []

    def __call__(self, apdu):
        answer = self.card.transmit(apdu)
        self.sent.append(apdu[:4].hex().upper())
        if len(self.sent) == self.at:
            raise self.loss("gone")
        return answer


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("at", "lost"),
    [(1, "002241AA"), (2, "002A90A0"), (3, "002241B6"), (4, "002A9E9A")],
    ids=["HT", "HASH", "DST", "CDS"],
)
def test_only_the_command_that_signs_leaves_the_outcome_unknown(card, layout, at, lost, loss):
    play(DRIVER.verify(layout), carrier(card.transmit))
    tear = Tear(card, at, loss)
    with pytest.raises(OutcomeUnknown if lost == "002A9E9A" else loss) as caught:
        play(DRIVER.sign(layout, b"message"), carrier(tear))
    assert tear.sent[-1] == lost
    assert len(tear.sent) == at
    assert card.signature_count == (1 if lost == "002A9E9A" else 0)
    if lost == "002A9E9A":
        assert isinstance(caught.value.__cause__, loss)


def test_a_signature_lost_while_its_bytes_are_fetched_is_unknown_too(card, layout):
    play(DRIVER.verify(layout), carrier(card.transmit))
    tear = Tear(card, 5, CardRemoved)

    def in_pieces(apdu):
        """The same card over a reader that leaves every answer to GET RESPONSE."""
        if apdu[1] == 0xC0:
            return tear(apdu)
        answer = tear(apdu)
        return answer if len(answer) == 2 else b"\x61\x00"

    with pytest.raises(OutcomeUnknown):
        play(DRIVER.sign(layout, b"message"), carrier(in_pieces))
    assert tear.sent[-2:] == ["002A9E9A", "00C00000"]
    assert card.signature_count == 1


@pytest.mark.parametrize(("at", "lost"), [(1, "002241A4"), (2, "00880000")])
def test_an_authentication_likewise(card, layout, at, lost):
    play(DRIVER.verify(layout), carrier(card.transmit))
    tear = Tear(card, at, CardRemoved)
    with pytest.raises(OutcomeUnknown if lost == "00880000" else CardRemoved):
        play(DRIVER.authenticate(layout, bytes(32)), carrier(tear))
    assert tear.sent[-1] == lost


@pytest.mark.parametrize("loss", LOSSES)
def test_a_verify_without_answer_is_the_loss_itself_and_never_said_again(card, layout, loss):
    tear = Tear(card, 1, loss)
    with pytest.raises(loss):
        play(DRIVER.verify(layout), carrier(tear))
    assert len(tear.sent) == 1
    assert card.verify_count == 1
