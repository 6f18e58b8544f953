"""Which commands a card of each kind gets to see until the box knows what it is."""

import pytest
from card_kit import EF_SN, OK, Transcript, carrier

from appliance.card.models import Model, classify, identify
from appliance.card.policy import bars
from appliance.card.script import play
from appliance.config_tables import Card
from appliance.errors import CardUnsupported, CommandRefused, UpdateInterrupted
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.softcps4 import SoftCps4
from appliance.simulator.softmodels import MODELS

CHIPDOC, ISD, CPS2TER = "01A4040C088025000001FF0100", "01A4040C07A0000001510000", "00A4040C088025000001FF0002"
SERIAL, ROOT = "00A4090C043F00D003", "00A4040C088025000001FF0100"
STRANGE_ATR = bytes.fromhex("3BAC00402A001225006480000399009000")
"""A CPx by its historical bytes, and no ATR of any table."""


def meet(card):
    card.power_on()
    return play(identify(classify(card.atr), {}), carrier(card.transmit)).identity


@pytest.mark.parametrize(
    ("model", "family", "holder"),
    [
        ("cps3", "cps3", "S. DURAND-TEST"),
        ("cps4", "cps4", "S. DURAND-TEST"),
        ("cps4-as-cps3", "cps4", "S. DURAND-TEST"),
        ("cps4-lost", "cps4", "S. DURAND-TEST"),
        ("cps3-updated", "cps3", "S. DURAND-TEST"),
        ("blocked", "cps3", "S. DURAND-TEST"),
        ("puk-exhausted", "cps3", "S. DURAND-TEST"),
        ("expired", "cps3", "S. DURAND-TEST"),
        ("key-expired", "cps3", "S. DURAND-TEST"),
        ("not-yet-valid", "cps3", "S. DURAND-TEST"),
        ("production", "cps3", "C. MARTIN"),
        ("cpf", "cps3", "L. PETIT-TEST"),
        ("cpe", "cps3", "EHPAD LES TILLEULS TEST"),
        ("pin12", "cps3", "S. DURAND-TEST"),
        ("situations", "cps3", "S. DURAND-TEST"),
    ],
)
def test_cards_the_box_knows(model, family, holder):
    found = meet(MODELS[model]())
    assert (found.family, found.holder.short) == (family, holder)
    assert found.holder.test is (model != "production")
    assert bars(found.holder, Card().may_not_sign) == ("card-denied" if model == "cpf" else None)
    assert found.tries_left == (0 if model in {"blocked", "puk-exhausted"} else 3)
    assert found.puk_tries_left == (0 if model == "puk-exhausted" else 10)
    assert found.layout.pin.max_length == (12 if model == "pin12" else 4)


@pytest.mark.parametrize(
    ("model", "error", "most"),
    [
        ("vitale", CardUnsupported, 0),
        ("unknown", CardUnsupported, 0),
        ("cps3-old", CardUnsupported, 3),  # its ATR is a CPx's: SELECT twice, and once the IAS-ECC root
        ("update-interrupted", UpdateInterrupted, 12),
    ],
)
def test_cards_the_box_does_not_use(model, error, most):
    card = MODELS[model]()
    with pytest.raises(error):
        meet(card)
    assert card.apdu_count <= most
    assert all(header[2:4] in {"A4", "B0", "CB"} for header, _ in card.log)


def test_an_unknown_atr_is_asked_as_cps4_then_as_cps3():
    assert classify(STRANGE_ATR) is Model.CPS_UNKNOWN
    for card, first in ((SoftCps3(TestPki.generate()), "01A4040C"), (SoftCps4(TestPki.generate()), "01A4040C")):
        card.atr = STRANGE_ATR
        found = meet(card)
        assert card.log[0][0] == first
        assert found.family == ("cps3" if isinstance(card, SoftCps3) else "cps4")


def probe(model, *pairs):
    transcript = Transcript(pairs)
    try:
        play(identify(model, {}), transcript)
    finally:
        transcript.close()


def test_a_stranger_with_the_historical_bytes_of_a_cpx_sees_four_selects_at_most():
    for pairs in (
        [(CHIPDOC, "6E00"), (SERIAL, "6A82")],
        [(CHIPDOC, "6881"), (SERIAL, "6E00"), (ROOT, "6A82")],
        [(CHIPDOC, "6E00"), (SERIAL, "6E00"), (ROOT, OK), (SERIAL, "6A82")],
    ):
        with pytest.raises(CardUnsupported):
            probe(Model.CPS_UNKNOWN, *pairs)


def test_an_unknown_card_that_has_chipdoc_and_lost_it_is_worth_the_recovery():
    stones = [(CHIPDOC, "6985"), (CHIPDOC, "6985"), (ISD, OK), (CPS2TER, OK), (CHIPDOC, "6985")]
    with pytest.raises(CardUnsupported):
        probe(Model.CPS_UNKNOWN, *stones)


def test_a_cps3_whose_other_face_has_the_floor_is_asked_on_channel_1_first():
    """Were the root called on channel 0 of a CPS4, its channel 1 would be lost (models._identify_cps3)."""
    with pytest.raises(CommandRefused):
        probe(
            Model.CPS3,
            (SERIAL, "6E00"),
            (CHIPDOC, "6881"),
            (SERIAL, "6E00"),
            (ROOT, OK),
            (SERIAL, OK),
            ("00B000000C", "6982"),
        )
    with pytest.raises(CommandRefused):
        probe(
            Model.CPS3,
            (SERIAL, "6E00"),
            (CHIPDOC, OK),
            ("01A4080002D003", "6127"),
            ("01B000000C", EF_SN.hex() + OK),
            ("01A40800022F00", "6A82"),
        )


@pytest.mark.parametrize("status", ["6581", "6F00"])
def test_a_cps3_that_is_ill_is_taken_for_no_other_card(status):
    with pytest.raises(CommandRefused) as refused:
        probe(Model.CPS3, (SERIAL, status))
    assert (refused.value.sw, refused.value.step) == (int(status, 16), "EF.SN")
