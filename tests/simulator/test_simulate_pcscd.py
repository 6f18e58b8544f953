"""``appliance simulate`` over the real pcscd: a reader and a card that are not its own, and vpcd's."""

import subprocess
import sys

import pytest
from terminal_kit import Terminal

from appliance.simulator import pcscd

pytestmark = pytest.mark.skipif(pcscd.missing() is not None, reason=pcscd.missing() or "")

NAME = "S. DURAND-TEST"
SECOND_PORT = pcscd.VPCD[1] + 1


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with pcscd.PrivatePcscd(tmp_path_factory.mktemp("pcscd")) as daemon:
        yield daemon


def inside(daemon):
    """Words that run a command in the daemon's network: vpcd listens there."""
    return ("nsenter", f"--target={daemon.pid}", "--net")


def sign(terminal, pin):
    terminal.wait_picture(NAME)
    terminal.type("p")
    terminal.wait_picture("Compte rendu")
    while "accepter" not in " ".join(terminal.picture()):
        before = terminal.picture()
        terminal.type("c")
        terminal.wait_for(lambda before=before: terminal.picture() not in (before, []))
    terminal.type("a")
    terminal.wait_picture("Code porteur")
    terminal.type(f"{pin}\r")
    terminal.wait_picture("Signé")


def test_the_second_reader_with_a_card_of_somebody_else(daemon):
    """The vault takes the reader that was named, not the first; ``appliance softcard`` serves the card."""
    softcard = [sys.executable, "-m", "appliance", "softcard", "--pin", "2468", "--vpcd", f"127.0.0.1:{SECOND_PORT}"]
    with (
        subprocess.Popen([*inside(daemon), *softcard], stdout=subprocess.PIPE, text=True) as server,
        Terminal("simulate", "--reader", "00 01", PCSCLITE_CSOCK_NAME=str(daemon.socket_path)) as terminal,
    ):
        try:
            assert "soft CPS3" in server.stdout.readline()
            terminal.wait_for("card not ours")
            assert "Virtual PCD 00 01" in terminal.screen()[0]
            sign(terminal, "2468")
            terminal.wait_for("✓ openssl: signature OK, chain not checked")
            terminal.type("q")
            assert terminal.wait_end() == 0
        finally:
            server.terminate()


def test_our_card_in_a_virtual_reader(daemon):
    with Terminal("simulate", "--pcsc", prefix=inside(daemon), PCSCLITE_CSOCK_NAME=str(daemon.socket_path)) as terminal:
        terminal.wait_for("box online")
        assert "Virtual PCD 00 00" in terminal.screen()[0]
        terminal.type("i")
        sign(terminal, "1234")
        terminal.wait_for("✓ openssl: signature OK, chain OK")
        terminal.type("i")
        terminal.wait_for("✗ there is a card in the slot")
        terminal.type("ru")
        terminal.wait_for("✗ only the desk's own reader can be unplugged here")
        terminal.wait_for("card out")
        terminal.wait_picture("Insérez")
        terminal.type("q")
        assert terminal.wait_end() == 0
        assert terminal.left() == []
