"""The CPS3 driver against the soft card, which shares no code with it."""

import hashlib

import pytest
from card_kit import carrier, identified
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils

from appliance.card.certificate import Purpose
from appliance.card.contents import read_data_objects
from appliance.card.cps3 import Cps3
from appliance.card.iasecc import IasEcc
from appliance.card.models import Model, classify, driver_of, identify
from appliance.card.script import play
from appliance.errors import CommandRefused, PinBlocked, PinWrong
from appliance.simulator.pki import PHYSICIAN, TestPki
from appliance.simulator.softcps3 import SoftCps3

DRIVER = Cps3()


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
    found = identified(carrier(card.transmit)).layout
    card.log.clear()
    return found


def counted(card, script, pin="1234"):
    """Result, and how many commands it took."""
    before = card.apdu_count
    return play(script, carrier(card.transmit, pin)), card.apdu_count - before


def test_identify(card, pki):
    assert classify(card.atr) is Model.CPS3
    known, commands = counted(card, identify(classify(card.atr), {}))
    found = known.identity
    assert driver_of(found) == DRIVER
    assert commands <= 40
    assert found.serial == "99213845"
    assert found.holder.name == f"{pki.holder.given} {pki.holder.family}"
    assert found.holder.rpps == pki.holder.rpps
    assert found.holder.test
    assert found.holder.profession == "60"
    assert (found.signature.purpose, found.authentication.purpose) == (Purpose.SIGNATURE, Purpose.AUTHENTICATION)
    assert found.signature.public_key.public_numbers() == pki.signature.key.public_key().public_numbers()
    assert found.authentication.public_key.public_numbers() == pki.authentication.key.public_key().public_numbers()
    assert (found.tries_left, found.puk_tries_left) == (3, 10)
    assert (card.verify_count, card.signature_count) == (0, 0)


def test_another_holder_and_serial():
    card = SoftCps3(TestPki.generate(PHYSICIAN), serial="00000017")
    found = identified(carrier(card.transmit))
    assert found.serial == "00000017"
    assert (found.holder.profession, found.holder.profession_label) == ("10", "Médecin")
    assert found.holder.specialties == ("SM26",)


def test_verify_right_wrong_blocked(card, layout):
    assert counted(card, DRIVER.tries_left(layout))[0] == 3
    assert counted(card, DRIVER.verify(layout)) == (None, 2)
    for left in (2, 1, 0):
        with pytest.raises(PinWrong) as wrong:
            counted(card, DRIVER.verify(layout), "0000")
        assert wrong.value.tries_left == left
        assert counted(card, DRIVER.tries_left(layout))[0] == left
    with pytest.raises(PinBlocked):
        counted(card, DRIVER.verify(layout))
    assert card.verify_count == 5


def test_a_right_pin_gives_the_tries_back(card, layout):
    with pytest.raises(PinWrong):
        counted(card, DRIVER.verify(layout), "4321")
    counted(card, DRIVER.verify(layout))
    assert counted(card, DRIVER.tries_left(layout))[0] == 3


def test_after_every_verify_the_next_command_is_at_least_as_long(card, layout):
    for pin in ("1234", "0000"):
        sent = []
        carry = carrier(card.transmit, pin, lengths=sent)
        try:
            play(DRIVER.verify(layout), carry)
        except PinWrong:
            assert pin == "0000"
        assert [header[2:4] for header, _ in card.log[-2:]] == ["20", "A4"]
        assert sent[1] >= sent[0]


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 100, 128, 1000])
def test_sign(card, layout, pki, size):
    message = bytes(i * 7 % 256 for i in range(size))
    counted(card, DRIVER.verify(layout))
    signature, commands = counted(card, DRIVER.sign(layout, message))
    assert commands == 4
    assert len(signature) == 256
    pki.signature.key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    assert card.signature_count == 1


def test_ten_signatures_after_one_verify(card, layout, pki):
    counted(card, DRIVER.verify(layout))
    for number in range(10):
        message = b"document %d" % number
        signature, commands = counted(card, DRIVER.sign(layout, message))
        assert commands == 4
        pki.signature.key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    assert (card.verify_count, card.signature_count) == (1, 10)


def test_authenticate(card, layout, pki):
    digest = hashlib.sha256(b"challenge").digest()
    counted(card, DRIVER.verify(layout))
    signature, commands = counted(card, DRIVER.authenticate(layout, digest))
    assert commands == 3  # MSE, INTERNAL AUTHENTICATE, GET RESPONSE
    public = pki.authentication.key.public_key()
    public.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))


def test_without_pin_the_card_refuses_and_nothing_is_repeated(card, layout):
    for script in (DRIVER.sign(layout, b"m", selected=False), DRIVER.authenticate(layout, bytes(32), selected=False)):
        with pytest.raises(CommandRefused) as refused:
            counted(card, script)
        assert refused.value.sw == 0x6982
    assert (card.verify_count, card.signature_count) == (0, 0)


def test_a_pin_lost_to_a_reset_is_6982_never_a_second_verify(card, layout):
    counted(card, DRIVER.verify(layout))
    card.reset()
    with pytest.raises(CommandRefused) as refused:
        counted(card, DRIVER.sign(layout, b"m", selected=False))
    assert refused.value.sw == 0x6982
    assert card.verify_count == 1


def test_the_counter_may_be_asked_between_verify_and_sign(card, layout):
    counted(card, DRIVER.verify(layout))
    assert counted(card, DRIVER.tries_left(layout))[0] == 3
    signature, commands = counted(card, DRIVER.sign(layout, b"m", selected=False))
    assert (len(signature), commands) == (256, 5)


def test_an_application_that_is_not_selected_any_more_is_selected_once(card, layout, pki):
    counted(card, DRIVER.verify(layout))
    counted(card, DRIVER.tries_left(layout))  # leaves the MF current
    message = b"repos de trois jours"
    signature, commands = counted(card, DRIVER.sign(layout, message))
    assert commands == 8  # HT, HASH, DST refused; SELECT; the three again, and CDS
    pki.signature.key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    assert (card.verify_count, card.signature_count) == (1, 1)


def test_a_key_that_is_nowhere_is_asked_for_twice_and_no_more(card, layout):
    counted(card, DRIVER.verify(layout))

    def transmit(apdu):
        return b"\x6a\x88" if apdu[:4] == bytes.fromhex("002241B6") else card.transmit(apdu)

    before = card.apdu_count
    with pytest.raises(CommandRefused) as refused:
        play(DRIVER.sign(layout, b"m"), carrier(transmit))
    assert (refused.value.sw, refused.value.step, card.apdu_count - before) == (0x6A88, "MSE SET DST", 5)


def test_another_refusal_is_no_reason_to_select(card, layout):
    before = card.apdu_count
    with pytest.raises(CommandRefused) as refused:
        play(DRIVER.sign(layout, b"m"), carrier(lambda _apdu: b"\x6a\x80"))
    assert (refused.value.step, card.apdu_count) == ("MSE SET HT", before)


@pytest.mark.parametrize(("pin", "digits"), [("1234", (4, 8)), ("12345678", (4, 8)), ("123456", (6, 6))])
def test_pin_lengths_are_the_cards(pki, pin, digits):
    card = SoftCps3(pki, pin=pin, pin_digits=digits)
    found = identified(carrier(card.transmit))
    assert (found.layout.pin.min_length, found.layout.pin.max_length) == digits
    counted(card, DRIVER.verify(found.layout), pin)
    assert card.verify_count == 1


def test_data_objects(card, layout):
    objects, commands = counted(card, read_data_objects(IasEcc(), layout))
    assert commands <= 4
    assert any(entry.protected for entry in objects)
