"""The identity of the soft card, read by the product's own driver."""

import functools
import sys
from pathlib import Path

from appliance.card.cps3 import Cps3
from appliance.card.script import play
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3

sys.path.insert(0, str(Path(__file__).parents[1] / "card"))
from card_kit import carrier


def soft_card(pin="1234"):
    card = SoftCps3(TestPki.generate(), pin=pin)
    card.power_on()
    return card


@functools.cache
def identity_of():
    return play(Cps3().identify({}), carrier(soft_card().transmit)).identity
