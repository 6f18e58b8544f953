import threading

import pytest

from appliance.simulator.faults import CardTorn, Fault, FaultyCard, Kind
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3

SERIAL = bytes.fromhex("00B09C000C")
VERIFY = bytes.fromhex("002000010831323334FFFFFFFF")


@pytest.fixture
def card():
    return FaultyCard(SoftCps3(TestPki.generate()))


def test_without_faults_it_is_the_card(card):
    assert card.transmit(SERIAL)[-2:] == b"\x90\x00"
    assert card.atr == card.card.atr
    card.reset()
    assert card.card.apdu_count == 1


def test_cut_in_the_command_never_reaches_the_card(card):
    card.arm(Fault(Kind.CUT, ins=0x20, byte=len(VERIFY) - 1))
    assert card.transmit(SERIAL)[-2:] == b"\x90\x00"
    with pytest.raises(CardTorn):
        card.transmit(VERIFY)
    assert card.card.verify_count == 0
    with pytest.raises(CardTorn):
        card.transmit(SERIAL)
    card.power_on()
    assert card.transmit(VERIFY) == b"\x90\x00"


def test_cut_in_the_answer_leaves_the_card_changed(card):
    card.arm(Fault(Kind.CUT, byte=len(VERIFY) + 1))
    with pytest.raises(CardTorn):
        card.transmit(VERIFY)
    assert card.card.verify_count == 1


def test_cut_after_the_answer(card):
    card.arm(Fault(Kind.CUT, byte=len(VERIFY) + 2))
    assert card.transmit(VERIFY) == b"\x90\x00"
    with pytest.raises(CardTorn):
        card.transmit(SERIAL)


def test_the_kth_command_with_an_instruction(card):
    card.arm(Fault(Kind.STATUS, command=2, ins=0xB0, sw=0x6F00))
    answers = [card.transmit(command)[-2:].hex() for command in (SERIAL, VERIFY, SERIAL, SERIAL)]
    assert answers == ["9000", "9000", "6f00", "9000"]
    assert card.card.apdu_count == 3


def test_two_faults_count_the_same_commands(card):
    card.arm(Fault(Kind.STATUS, command=1, sw=0x6581), Fault(Kind.STATUS, command=2, sw=0x6F00))
    assert [card.transmit(SERIAL)[-2:].hex() for _ in range(3)] == ["6581", "6f00", "9000"]


def test_slow_waits_through_what_it_was_given():
    waited = []
    card = FaultyCard(SoftCps3(TestPki.generate()), wait=waited.append)
    card.arm(Fault(Kind.SLOW, command=2, seconds=1.5, lasting=True))
    for _ in range(3):
        card.transmit(SERIAL)
    assert waited == [1.5, 1.5]
    card.disarm()
    card.transmit(SERIAL)
    assert len(waited) == 2


def in_thread(card):
    answers = []

    def run():
        try:
            answers.append(card.transmit(SERIAL))
        except CardTorn as torn:
            answers.append(torn)

    thread = threading.Thread(target=run)
    thread.start()
    assert card.muted.wait(10)
    return thread, answers


def test_mute_until_released(card):
    card.arm(Fault(Kind.MUTE))
    thread, answers = in_thread(card)
    assert answers == []
    card.release()
    thread.join(10)
    assert answers[0][-2:] == b"\x90\x00"


def test_a_mute_card_taken_out_and_put_back_never_runs_the_old_command(card):
    card.arm(Fault(Kind.MUTE))
    thread, answers = in_thread(card)
    card.power_off()
    card.power_on()
    thread.join(10)
    assert isinstance(answers[0], CardTorn)
    assert card.card.apdu_count == 0


def test_power_off_ends_a_slow_command():
    card = FaultyCard(SoftCps3(TestPki.generate()))
    card.arm(Fault(Kind.SLOW, seconds=3600))
    answers = []

    def run():
        with pytest.raises(CardTorn) as caught:
            card.transmit(SERIAL)
        answers.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    card.power_off()
    thread.join(10)
    assert not thread.is_alive()
    assert len(answers) == 1


def test_upside_down_gives_no_atr(card):
    card.upside_down = True
    assert card.atr is None
