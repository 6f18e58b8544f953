"""A short replay of what ``make fuzz`` does at length: seeds, cut and bent in every place, and whatever was ever found.

The same functions as under atheris (``fuzz_targets``); its own run of 10^6 inputs a target is ``make fuzz``.
"""

from pathlib import Path

import pytest
from fuzz_targets import LIMIT, TARGETS, answers_of, seeds

FOUND = sorted((Path(__file__).parent / "found").glob("*"))
PLACES = 150
"""Places of a seed that are bent, evenly spread."""
BENT = (0x00, 0x01, 0x7F, 0x80, 0x81, 0x84, 0xFF)


def variants(seed):
    """The seed cut off, with a byte changed, dropped or doubled, at each place."""
    step = max(1, len(seed) // PLACES)
    for at in range(0, len(seed), step):
        yield seed[:at]
        yield seed[:at] + seed[at + 1 :]
        yield seed[:at] + seed[at : at + 1] + seed[at:]
        for value in BENT:
            yield seed[:at] + bytes((value,)) + seed[at + 1 :]


@pytest.mark.parametrize("target", [name for name in TARGETS if not name.startswith("identify")])
def test_a_parser_gives_a_value_or_our_error(target):
    seed = seeds()[target]
    TARGETS[target](seed)
    for data in variants(seed):
        TARGETS[target](data)


@pytest.mark.parametrize("target", ["identify-cps3", "identify-cps4"])
def test_a_card_that_says_anything_is_read_or_refused(target):
    for data in list(variants(seeds()[target]))[::4]:
        TARGETS[target](data)


def test_what_was_found_stays_mended():
    """Each ``found/TARGET--whatever``."""
    for file in FOUND:
        TARGETS[file.name.partition("--")[0]](file.read_bytes())


def test_a_card_that_never_ends_is_noticed():
    """The bound is one of the harness: a driver that asks for ever would fail every target."""
    transmit = answers_of(b"")
    for _ in range(LIMIT):
        transmit(b"")
    with pytest.raises(AssertionError, match="without an end"):
        transmit(b"")
