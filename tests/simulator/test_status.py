"""``appliance status`` against a running vault, and the manners of its admin socket."""

import json
import socket
import stat
import subprocess
import sys

import pytest

from appliance.simulator.desk import Desk
from appliance.simulator.launch import DEVICE, Box
from appliance.simulator.pcsclite import PcscliteServer

NOWHERE = "mqtt://127.0.0.1:9"


@pytest.fixture
def box(tmp_path_factory):
    folder = tmp_path_factory.mktemp("box")
    with Desk(folder / "desk") as desk, PcscliteServer(folder / "pcscd") as reader:
        box = Box(folder, url=NOWHERE, desk=desk.path, reader=reader.path, rights={})
        box.start_vault()
        try:
            desk.wait_for("Insérez")
            yield box
        finally:
            box.stop()


def ask(box, *options):
    command = [sys.executable, "-m", "appliance", "status", "--config", str(box.config), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)


def test_a_box_without_broker_is_told_as_it_is(box):
    done = ask(box, "--json")
    status = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1
    assert status.pop("boot_id")
    assert status.pop("version")
    assert status.pop("memory") in {"memfd_secret", "locked"}
    assert status == {
        "device": DEVICE,
        "screen": "empty",
        "reader": True,
        "card": False,
        "display": True,
        "keypad": True,
        "broker": False,
        "tamper": "closed",
        "requests": "broker",
        "last_seq": 2,
        "acknowledged": 0,
    }
    told = ask(box)
    assert "reader        yes\n" in told.stdout
    assert "broker        no\n" in told.stdout


def test_no_vault_is_exit_3_and_a_bad_configuration_is_2(tmp_path):
    box = Box(tmp_path, url=NOWHERE, desk=tmp_path / "desk", reader=tmp_path / "pcscd", rights={})
    assert ask(box).returncode == 3
    box.config.write_text("[device]\n")
    assert ask(box).returncode == 2


def test_both_sockets_are_for_their_groups_only(box):
    for name in ("link.sock", "admin.sock"):
        assert stat.S_IMODE((box.run / name).stat().st_mode) == 0o660


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b'{"type":"ack","seq":1}\n', b"x" * 300_000 + b"\n", b'{"type":"ask-st']
)
@pytest.mark.parametrize("name", ["link.sock", "admin.sock"])
def test_a_rude_peer_is_hung_up_on_and_the_vault_goes_on(box, name, line):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(str(box.run / name))
        try:
            peer.sendall(line)
            peer.shutdown(socket.SHUT_WR)
            answer = peer.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        assert answer == b""
    assert json.loads(ask(box, "--json").stdout)["screen"] == "empty"
