"""``appliance simulate`` in a real pty: keys in, the picture decoded from what the terminal shows.

Each test ends the program another way, and looks at the terminal it leaves behind.
"""

import signal
import subprocess
import sys
import termios

import pytest
from terminal_kit import Terminal

from appliance.client.transport import Client
from appliance.simulator.broker import IotcoreBroker, free_port
from appliance.simulator.launch import DEVICE
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3

NAME = "S. DURAND-TEST"


def start(*options, **how):
    terminal = Terminal("simulate", *options, **how)
    terminal.wait_for("box online")
    terminal.wait_picture("Insérez")
    return terminal


def sign(terminal, key="s"):
    """Ask, read on, agree; up to the PIN."""
    terminal.type(key)
    terminal.wait_picture("Ordonnance" if key == "s" else "Compte rendu")
    for _ in range(9):
        if "accepter" in " ".join(terminal.picture()):
            break
        before = terminal.picture()
        terminal.type("c")
        terminal.wait_for(lambda before=before: terminal.picture() not in (before, []))
    terminal.type("a")
    terminal.wait_picture("Code porteur")


def check_given_back(terminal):
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert (terminal.alternate, terminal.cursor_hidden) == (False, False)
    assert terminal.left() == []


def test_the_whole_journey_by_hand():
    with start() as terminal:
        terminal.wait_for("i puts our card in (PIN 1234, to unblock it 12345678); s asks for a signature")
        during = termios.tcgetattr(terminal.slave)
        assert not during[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        assert (terminal.alternate, terminal.cursor_hidden) == (True, True)
        terminal.type("i")
        terminal.wait_picture(NAME)
        sign(terminal)
        terminal.type("12")
        terminal.wait_picture("••")
        terminal.type("\x7f")  # Backspace is *
        terminal.wait_for(lambda: "•" not in " ".join(terminal.picture()))
        terminal.type("1234")
        terminal.wait_picture("••••")
        terminal.type("\r")
        terminal.wait_picture("Signé")
        terminal.wait_for("✓ openssl: signature OK, chain OK")
        sign(terminal, "p")
        terminal.type("\x1b[A")  # an arrow is no Escape
        terminal.type("\x1b")
        terminal.wait_for("rsp sign  error  refused")
        terminal.type("q")
        assert terminal.wait_end() == 0
        check_given_back(terminal)
        assert "mosquitto_sub -V mqttv5 -h 127.0.0.1 -p " in terminal.plain
        assert "cpsr/v1/cps-demo/#" in terminal.plain


def test_faults_and_switches_each_do_what_they_say():
    with start(columns=120, rows=50) as terminal:
        for key, told, seen in (
            ("t", "torn out while it gives its next signature", "Insérez"),
            ("i", "· card in", NAME),
        ):
            terminal.type(key)
            terminal.wait_for(told)
            terminal.wait_picture(seen)
        sign(terminal)
        terminal.type("1234\r")
        terminal.wait_for("rsp sign  error  outcome-unknown")
        terminal.wait_for("card out · reader up")
        terminal.type("+")
        terminal.wait_for("the box's clock: + 60 s")
        terminal.wait_picture("Insérez")
        terminal.type("wi")
        terminal.wait_for("card-refused")
        terminal.type("rlmi")
        terminal.wait_for("card in, slow")
        terminal.wait_picture("Lecture")
        terminal.type("rl")  # out of the mute, and well again
        terminal.wait_for("the card is well again")
        terminal.type("i=")
        terminal.wait_picture(NAME)
        terminal.type("u")
        terminal.wait_for("reader DOWN")
        terminal.wait_for("evt/reader/lost")
        terminal.type("u")
        terminal.wait_picture(NAME)
        terminal.type("es")
        terminal.wait_for("display-absent")
        terminal.type("i")
        terminal.wait_for("✗ there is a card in the slot")
        terminal.type("\x03")
        assert terminal.wait_end() == 0
        check_given_back(terminal)


def test_each_process_is_killed_and_comes_back():
    with start(columns=120, rows=50) as terminal:
        for key, name in (("v", "vault"), ("g", "gateway"), ("k", "broker")):
            terminal.type(key)
            terminal.wait_for(f"{name} DOWN")
            if key == "v":
                terminal.type("1")
                terminal.wait_for("✗ the vault is not there")
            terminal.type(key)
            terminal.wait_for(f"· {name} started")
            terminal.wait_for(f"{name} up")
        terminal.type("i")
        terminal.wait_picture(NAME)
        terminal.type("x?")
        terminal.wait_for("✗ nothing was asked yet")
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.wait_end() == 0
        check_given_back(terminal)


def test_a_large_terminal_gets_half_blocks_and_a_smaller_one_is_drawn_anew():
    with start(columns=160, rows=50) as terminal:
        assert any("█" in row for row in terminal.screen())
        terminal.type("i")
        terminal.wait_picture(NAME)
        terminal.resize(80, 24)
        terminal.process.send_signal(signal.SIGWINCH)  # the pty is no controlling terminal: nobody else sends it
        terminal.wait_for(lambda: any("⣿" in row for row in terminal.screen()))
        assert NAME in " ".join(terminal.picture())
        terminal.resize(60, 20)
        terminal.process.send_signal(signal.SIGWINCH)
        terminal.wait_for("80 x 24 at least, please: this is 60 x 20")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait_end() == 0
        check_given_back(terminal)


def test_the_window_is_closed():
    with start() as terminal:
        terminal.hang_up()
        assert terminal.process.wait(30) == 0
        assert terminal.left() == []


def test_a_broker_of_somebody_else_and_another_name():
    with (
        IotcoreBroker() as broker,
        Client(broker.url, DEVICE, "outside") as outside,
        start("--broker", broker.url, "--client", "cabinet-2", "--pin", "8642") as terminal,
    ):
        assert broker.url in terminal.screen()[0]
        terminal.type("k")
        terminal.wait_for("✗ the broker is not ours")
        terminal.type("i")
        terminal.wait_picture(NAME)
        assert "card/identified" in [event.topic.removeprefix("evt/") for event in outside.events(timeout=1)]
        terminal.type("s")
        terminal.wait_picture("cabinet-2")
        sign(terminal)
        terminal.type("8642\r")
        terminal.wait_for("✓ openssl: signature OK, chain OK")


@pytest.mark.parametrize("options", [("--pin", "12"), ("--client", "AB"), ("--broker", "mqtt://192.0.2.1"), ("--x",)])
def test_usage_is_exit_2(options):
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "simulate", *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert "usage: appliance simulate" in done.stderr


def test_without_a_terminal_there_is_nothing_to_do():
    command = [sys.executable, "-m", "appliance", "simulate"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "needs a terminal" in done.stderr


def check_refused(terminal, *complaints):
    assert terminal.wait_end() == 3
    for complaint in complaints:
        assert complaint in terminal.plain
    check_given_back(terminal)


def test_a_reader_that_is_not_there(tmp_path):
    path = tmp_path / "pcscd"
    with PcscliteServer(path, "Some Reader 00 00"):
        for options in (("--reader", "Other"), ("--pcsc",)):
            with Terminal("simulate", *options, PCSCLITE_CSOCK_NAME=str(path)) as terminal:
                check_refused(terminal, "no reader '", "pcscd has these:", "Some Reader 00 00")


def test_no_pcscd_and_no_broker(tmp_path):
    with Terminal("simulate", "--reader", "Any", PCSCLITE_CSOCK_NAME=str(tmp_path / "none")) as terminal:
        check_refused(terminal, "pcscd does not answer")
    with Terminal("simulate", "--broker", f"mqtt://127.0.0.1:{free_port()}") as terminal:
        check_refused(terminal, "the broker: ")


def test_a_card_that_is_not_ours(tmp_path):
    """In a reader of somebody else's server: chosen by a part of its name, played on, never moved."""
    with PcscliteServer(tmp_path / "pcscd", "Some Reader 00 00") as reader:
        variables = {"PCSCLITE_CSOCK_NAME": str(tmp_path / "pcscd")}
        with start("--reader", "Some", **variables) as terminal:
            assert "Some Reader 00 00" in terminal.screen()[0]
            terminal.wait_for("card not ours")
            card = SoftCps3(TestPki.generate(), pin="9753")
            reader.insert(card)
            terminal.wait_picture(NAME)
            for key in "irtu":
                terminal.type(key)
            terminal.wait_for("✗ this reader's card is not ours")
            terminal.wait_for("✗ only the desk's own reader can be unplugged here")
            sign(terminal)
            terminal.type("9753\r")
            terminal.wait_for("✓ openssl: signature OK, chain not checked (not our authorities)")
            assert (card.verify_count, card.signature_count) == (1, 1)
