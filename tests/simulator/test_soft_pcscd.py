"""What a real pcscd makes of the kinds of card: the protocol it takes, what it calls mute, what it sends by itself."""

import json
import subprocess
import sys
import threading

import pytest

from appliance.simulator import pcscd
from appliance.simulator.softmodels import MODELS
from appliance.simulator.vpcd import VpcdSlot

pytestmark = pytest.mark.skipif(pcscd.missing() is not None, reason=pcscd.missing() or "")

# A process of its own, because libpcsclite remembers its first socket path. Prints ATR, protocol, answers.
LOOK = """
import json, sys
from smartcard import scard
both = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
failed, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
assert not failed, hex(failed)
failed, readers = scard.SCardListReaders(context, [])
assert not failed, hex(failed)
state, atr = scard.SCARD_STATE_UNAWARE, []
while not state & scard.SCARD_STATE_PRESENT:
    failed, [(_, state, atr)] = scard.SCardGetStatusChange(context, 20000, [(readers[0], state)])
    assert not failed, hex(failed)
failed, card, protocol = scard.SCardConnect(context, readers[0], scard.SCARD_SHARE_EXCLUSIVE, both)
answers = []
if not failed:
    pci = scard.SCARD_PCI_T1 if protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0
    for command in sys.argv[1:]:
        wrong, answer = scard.SCardTransmit(card, pci, list(bytes.fromhex(command)))
        assert not wrong, hex(wrong)
        answers.append(bytes(answer).hex().upper())
    scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
print(json.dumps({
    "atr": bytes(atr).hex().upper(), "protocol": None if failed else protocol - 1, "answers": answers,
}))
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with pcscd.PrivatePcscd(tmp_path_factory.mktemp("pcscd")) as daemon:
        yield daemon


def look(daemon, card, *commands):
    with VpcdSlot(daemon.connect) as slot:
        slot.insert(card)
        done = subprocess.run(
            [sys.executable, "-c", LOOK, *commands],
            env=daemon.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    daemon.wait_for_card(present=False)
    return json.loads(done.stdout)


@pytest.mark.parametrize(("name", "protocol"), [("cps3", 0), ("cps4", 0), ("cps4-t1", 1), ("cps4-as-cps3", 0)])
def test_the_protocol_it_takes(daemon, name, protocol):
    card = MODELS[name]()
    seen = look(daemon, card)
    assert (seen["atr"], seen["protocol"]) == (card.atr.hex().upper(), protocol)
    assert card.apdu_count == 0  # it sends nothing by itself


def test_a_case_4_command_goes_through_as_it_is_under_either_protocol(daemon):
    select = ("01A4040C088025000001FF0100", "01A4080002D003")
    fci = "6F25800200"
    assert look(daemon, MODELS["cps4"](), *select, "01C0000027")["answers"][2].startswith(fci)
    answers = look(daemon, MODELS["cps4-t1"](), select[0], select[1] + "00", "01200001")["answers"]
    assert answers[1].startswith(fci)
    assert answers[2] == "63C3"


class Asked:
    """A soft card that says when its ATR was asked for."""

    def __init__(self, card):
        self.card, self.asked = card, threading.Event()
        self.power_on, self.power_off, self.reset, self.transmit = (
            card.power_on,
            card.power_off,
            card.reset,
            card.transmit,
        )

    @property
    def atr(self):
        self.asked.set()
        return self.card.atr


@pytest.mark.parametrize("name", ["mute", "reversed"])
def test_vpcd_cannot_show_a_card_without_an_atr(daemon, name):
    """It takes it for an empty slot; the desk's own reader shows it as mute (tests/simulator/test_pcsclite.py)."""
    card = Asked(MODELS[name]())
    with VpcdSlot(daemon.connect) as slot:
        slot.insert(card)
        assert card.asked.wait(20)
        daemon.wait_for_card(present=False)


@pytest.mark.parametrize("name", ["vitale", "unknown", "cps3-old"])
def test_a_strangers_atr_costs_it_no_command(daemon, name):
    card = MODELS[name]()
    seen = look(daemon, card)
    assert (seen["atr"], seen["protocol"]) == (card.atr.hex().upper(), 0)
    assert card.apdu_count == 0
