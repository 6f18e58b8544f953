"""A vault that is killed with its PIN shown to the card: pcscd itself makes the card forget it, before anybody else.

The session is the case that matters: the card stays verified between requests, for minutes. SIGKILL leaves the vault no
word to say; what resets the card is the daemon, when the vault's connection ends (docs/pin-residue.md).
"""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from journey_kit import PIN, TIMEOUT, missing, standing_bench
from journey_kit import check_one_verify_per_hash as check

from appliance.simulator.softcps3 import SoftCps3

SESSIONS = "[signing]\nsession = true\n"
HOLDER = "S. DURAND-TEST"
SOCKETS = {"real": ("pcscd", "pcscd.comm"), "desk": ("pcsc",)}

# Asks for the card as often as it can, from the first refusal (said) on; then, by VERIFY without data, for its PIN.
RUSH = """
import sys, time
from smartcard import scard
end = time.monotonic() + float(sys.argv[1])
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
_, (reader, *_) = scard.SCardListReaders(context, [])
refused = 0
while time.monotonic() < end:
    code, handle, protocol = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0)
    if code & 0xFFFFFFFF != scard.SCARD_E_SHARING_VIOLATION & 0xFFFFFFFF:
        break
    refused += 1
    if refused == 1:
        print("refused", flush=True)
assert not code, hex(code & 0xFFFFFFFF)
code, answer = scard.SCardTransmit(handle, scard.SCARD_PCI_T0, [0x00, 0x20, 0x00, 0x01, 0x00])
assert not code, hex(code & 0xFFFFFFFF)
print(bytes(answer).hex().upper(), flush=True)
"""


class Witness(SoftCps3):
    """Notes each loss of power and each warm reset; ``forgot`` is set by both."""

    def __init__(self, pki):
        super().__init__(pki)
        self.told, self.forgot = [], threading.Event()

    def reset(self):
        super().reset()
        self.told.append("reset")
        self.forgot.set()

    def power_off(self):
        self.told.append("off")
        super().power_off()


@pytest.fixture(params=["real", "desk"])
def bench(request, folder):
    """A session is open: the card, a ``Witness``, knows the PIN."""
    kind = request.param
    reason = missing() if kind == "real" else None
    if reason:
        pytest.skip(reason)
    with standing_bench(folder, kind, more=SESSIONS) as bench:
        bench.card = Witness(bench.pki)
        bench.socket_path = folder.joinpath(*SOCKETS[kind])
        bench.insert()
        replies = bench.ask("Premier.")
        bench.person.reads_consent()
        bench.person.holds("C")
        bench.person.sees("Session ?")
        bench.person.press("A")
        bench.person.enters()
        *_, done = replies
        assert done["phase"] == "done"
        bench.event("session/opened")
        bench.person.press("#")
        bench.person.sees("SESSION")
        assert bench.card.verified
        bench.card.told.clear()
        bench.card.forgot.clear()
        yield bench
    check([bench.card], bench.person.hashes)


def comes_back(bench):
    """The vault started again: there is no session, and the code is asked for and right."""
    bench.desk.wait_vault(connected=False)
    bench.box.start_vault()
    bench.event("system/started")
    bench.person.sees(HOLDER)
    assert "SESSION" not in " ".join(bench.desk.lines())
    replies = bench.ask("Deuxième.")
    bench.person.agrees()
    bench.person.is_asked_for_pin()
    assert not bench.card.verified
    assert bench.card.signature_count == 1
    bench.person.enters(PIN)
    *_, done = replies
    assert done["phase"] == "done"
    assert (bench.card.verify_count, bench.card.signature_count) == (2, 2)


def test_the_card_forgets_its_code_when_the_vault_is_killed(bench):
    began = time.monotonic()
    assert bench.box.end("vault", signal.SIGKILL) == -signal.SIGKILL
    assert bench.card.forgot.wait(TIMEOUT)
    print(f"the card was reset {1000 * (time.monotonic() - began):.0f} ms after the kill was sent")
    assert not bench.card.verified
    assert bench.card.told[0] == "reset"  # not the loss of power that an idle card comes to later
    comes_back(bench)


def test_who_waits_for_the_card_of_a_killed_vault_finds_it_without_the_code(bench):
    with subprocess.Popen(
        [sys.executable, "-c", RUSH, str(TIMEOUT)],
        env={**os.environ, "PCSCLITE_CSOCK_NAME": str(bench.socket_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as rival:
        assert rival.stdout.readline() == "refused\n"
        assert bench.card.verified
        bench.box.end("vault", signal.SIGKILL)
        assert rival.stdout.readline() == "63C3\n"
    assert rival.returncode == 0
    comes_back(bench)
