"""The desk's box trusts the cards made in its process, whoever made them first."""

from concurrent.futures import ThreadPoolExecutor

from appliance.simulator.launch import soft_authorities
from appliance.simulator.pki import PHYSICIAN, TestPki

BITS = 2056
"""A size nobody else asks for, so that nobody has made these authorities yet."""


def test_threads_that_ask_at_once_get_the_same_authorities():
    with ThreadPoolExecutor(6) as pool:
        asked = [
            pool.submit(TestPki.generate, PHYSICIAN, card_number=f"250057725{n % 2}", ca_bits=BITS) for n in range(6)
        ]
        made = [one.result() for one in asked]
    assert len({pki.root.serial_number for pki in made}) == 1
    assert len({pki.intermediate.serial_number for pki in made}) == 1


def test_the_authorities_are_those_of_every_card_for_a_person():
    assert soft_authorities() == (TestPki.generate(PHYSICIAN).root, TestPki.generate(PHYSICIAN).intermediate)
