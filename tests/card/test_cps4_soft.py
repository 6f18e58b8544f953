"""The CPS4 driver against the soft card, which shares no code with it; T=0 and T=1."""

import hashlib

import pytest
from card_kit import carrier
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils

from appliance.card.cps4 import Cps4
from appliance.card.models import Model, classify, identify
from appliance.card.script import play
from appliance.errors import CommandRefused, PinWrong
from appliance.simulator.softcps4 import CLOSED, LOST
from appliance.simulator.softmodels import MODELS

DRIVER = Cps4()
SIGN, LOGIN = {"cps4": 3, "cps4-t1": 2}, 3
"""Commands: MSE, PSO and on T=0 GET RESPONSE (design §7); VERIFY, what overwrites it, the DF."""
AUTO = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)


class Met:
    def __init__(self, model):
        self.model = model
        self.t1 = model == "cps4-t1"
        self.card = MODELS[model]()
        self.card.power_on()
        self.commands = 0
        self.found = self.run(identify(classify(self.card.atr), {})).identity

    def run(self, script, *pins):
        before = self.card.apdu_count
        try:
            return play(script, carrier(self.card.transmit, *pins), t1=self.t1)
        finally:
            self.commands = self.card.apdu_count - before


@pytest.fixture(params=["cps4", "cps4-t1"])
def met(request):
    return Met(request.param)


def test_identify(met):
    pki = MODELS[met.model].pki()
    assert classify(met.card.atr) is Model.CPS4
    assert met.commands <= 40
    assert met.found.family == "cps4"
    assert met.found.holder.name == f"{pki.holder.given} {pki.holder.family}"
    assert (met.found.layout.signature.reference, met.found.layout.authentication.reference) == (0x10, 0x20)
    assert (met.card.verify_count, met.card.signature_count) == (0, 0)


def test_login_and_ten_signatures(met):
    met.run(DRIVER.verify(met.found.layout))
    assert met.commands == LOGIN
    for number in range(10):
        message = b"document %d" % number
        signature = met.run(DRIVER.sign(met.found.layout, message))
        assert met.commands == SIGN[met.model]
        met.found.signature.check(signature, message)
    assert (met.card.verify_count, met.card.signature_count) == (1, 10)


def test_authenticate(met):
    digest = hashlib.sha256(b"challenge").digest()
    met.run(DRIVER.verify(met.found.layout))
    met.found.authentication.check_digest(met.run(DRIVER.authenticate(met.found.layout, digest)), digest)


def test_pss_with_both_keys(met):
    digest = hashlib.sha256(b"challenge").digest()
    met.run(DRIVER.verify(met.found.layout))
    made = met.run(DRIVER.sign_pss(met.found.layout, b"challenge"))
    met.found.signature.public_key.verify(made, b"challenge", AUTO, hashes.SHA256())
    made = met.run(DRIVER.authenticate_pss(met.found.layout, digest))
    met.found.authentication.public_key.verify(made, digest, AUTO, utils.Prehashed(hashes.SHA256()))


def test_situations(met):
    with pytest.raises(CommandRefused):
        met.run(DRIVER.situations(met.found.layout))
    met.run(DRIVER.verify(met.found.layout))
    assert [entry.number for entry in met.run(DRIVER.situations(met.found.layout))] == [1, 2]
    met.found.signature.check(met.run(DRIVER.sign(met.found.layout, b"m", selected=False)), b"m")


def test_without_pin_the_card_refuses(met):
    for script in (
        DRIVER.sign(met.found.layout, b"m", selected=False),
        DRIVER.authenticate(met.found.layout, bytes(32)),
    ):
        with pytest.raises(CommandRefused) as refused:
            met.run(script)
        assert refused.value.sw == 0x6982
    assert (met.card.verify_count, met.card.signature_count) == (0, 0)


@pytest.mark.parametrize("status", [LOST, CLOSED])
def test_an_applet_lost_between_pin_and_signature_costs_the_pin_and_nothing_else(met, status):
    met.run(DRIVER.verify(met.found.layout))
    met.card.lose_applet(status)
    with pytest.raises(CommandRefused) as refused:
        met.run(DRIVER.sign(met.found.layout, b"m"))
    assert refused.value.sw == 0x6982
    assert (met.card.verify_count, met.card.signature_count) == (1, 0)
    assert met.run(DRIVER.tries_left(met.found.layout)) == 3
    met.run(DRIVER.verify(met.found.layout))
    met.found.signature.check(met.run(DRIVER.sign(met.found.layout, b"m")), b"m")


@pytest.mark.parametrize("status", [LOST, CLOSED])
def test_a_pin_is_not_sent_again_to_an_applet_that_is_gone(met, status):
    met.card.lose_applet(status)
    with pytest.raises(CommandRefused):
        met.run(DRIVER.verify(met.found.layout))
    assert met.card.verify_count == 0
    with pytest.raises(PinWrong):  # the counter brings the applet back
        met.run(wrong_pin(met.found.layout), "0000")
    assert met.card.counters[1].left == 2


def wrong_pin(layout):
    assert (yield from DRIVER.tries_left(layout)) == 3
    yield from DRIVER.verify(layout)


def test_a_df_that_is_not_selected_any_more_is_selected_once(met):
    met.run(DRIVER.verify(met.found.layout))
    met.run(DRIVER.situations(met.found.layout))
    met.card.transmit(bytes.fromhex("01A40800022F00" + ("00" if met.t1 else "")))  # EF.DIR, in the MF
    signature = met.run(DRIVER.sign(met.found.layout, b"m"))
    assert met.commands == SIGN[met.model] + 2
    met.found.signature.check(signature, b"m")
    assert (met.card.verify_count, met.card.signature_count) == (1, 1)


def test_a_card_that_wants_the_recovery_at_insertion():
    met = Met("cps4-lost")
    assert met.found.serial == MODELS["cps4-lost"].options["serial"]
