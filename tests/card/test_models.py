"""ATRs of card-reference §1.2 and §1.3."""

import re

import pytest
from card_kit import mutated
from hypothesis import given
from hypothesis import strategies as st

from appliance.card.models import ATRS, Model, classify, historical, identify
from appliance.errors import CardUnsupported


@pytest.mark.parametrize(
    ("atr", "model"),
    [
        ("3B AC 00 40 2A 00 12 25 00 64 80 00 03 10 00 90 00", Model.CPS3),
        ("3B AC 00 40 2A 00 12 25 00 64 80 00 03 30 00 90 00", Model.CPS_UNKNOWN),  # a newer mask
        ("3B AC 00 40 2A 00 12 25 00 64 80 82 02 12 00 90 00", Model.CPS_UNKNOWN),  # CPS2ter generation
        ("3B DC 18 FF 00 00 12 25 00 64 80 00 04 01 00 90 00", Model.CPS4),
        ("3B 9B 18 80 01 00 12 25 00 64 80 04 01 00 00 90 44", Model.CPS4),
        ("3B 9B 18 80 01 00 12 25 00 64 80 00 04 01 00 90 44", Model.CPS4),
        ("3B 8F 80 01 00 31 B8 64 04 B0 EC C1 73 94 01 80 82 90 00 0E", Model.CPS_UNKNOWN),
        *((f"3B 75 13 00 00 4{x} 09 EA 90 00", Model.VITALE) for x in "345789BC"),
        ("3B 75 13 00 00 45 09 FA 90 00", Model.VITALE),
        ("3F 65 25 00 22 09 69 90 00", Model.VITALE),
        ("3F 65 25 00 2C 09 F9 90 00", Model.VITALE),
        ("3F 65 25 00 52 09 6A 90 00", Model.VITALE),
        ("3F 65 25 00 A3 09 6A 90 00", Model.VITALE),
        ("3F 65 25 00 A5 09 6A 90 00", Model.UNKNOWN),
        ("3B 65 00 00 20 63 CB A0 00", Model.UNKNOWN),  # some bank card
        ("", Model.UNKNOWN),
        ("3B", Model.UNKNOWN),
    ],
)
def test_classify(atr, model):
    assert classify(bytes.fromhex(atr)) is model


def test_the_vitale_pattern_may_be_the_callers():
    atr = bytes.fromhex("3B7513000099 09EA9000")
    assert classify(atr) is Model.UNKNOWN
    assert classify(atr, vitale=re.compile("3B75130000.*")) is Model.VITALE


def test_historical_bytes():
    assert historical(bytes.fromhex("3BAC00402A001225006480000310009000")).hex() == "001225006480000310009000"
    assert historical(bytes.fromhex("3B9B188001001225006480040100009044")).hex() == "0012250064800401000090"
    assert historical(bytes.fromhex("3BAC00402A0012")) == b""
    assert historical(bytes.fromhex("3BF0FFFFFF")) == b""
    assert historical(bytes.fromhex("3B02AABB")) == b"\xaa\xbb"


def test_a_card_without_a_driver_is_refused_before_anything_is_sent():
    for model in (Model.VITALE, Model.UNKNOWN):
        with pytest.raises(CardUnsupported):
            identify(model, {})


@given(st.binary(max_size=40) | st.sampled_from(sorted(ATRS)).flatmap(mutated))
def test_any_bytes_have_a_model(atr):
    assert classify(atr) in Model
    assert len(historical(atr)) <= 15
