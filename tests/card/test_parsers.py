"""Any bytes give a value or one of our errors, and an end: 10,080 examples over all parsers of card bytes."""

import contextlib

import pytest
from card_kit import mutated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parsers import ERRORS, PARSERS, SEEDS

EXAMPLES = 840


def test_every_parser_has_a_seed_that_parses():
    assert PARSERS.keys() == SEEDS.keys()
    for name, parse in PARSERS.items():
        parse(SEEDS[name])


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_any_bytes(name):
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.binary(max_size=200) | mutated(SEEDS[name]) | mutated(SEEDS[name]))
    def feed(data):
        with contextlib.suppress(*ERRORS):
            PARSERS[name](data)

    feed()
