"""Who may open the vault's own sockets, and what a slow peer can hold up: nothing but itself.

Without systemd: the vault binds them here. Rude peers are in ``tests/simulator/test_status.py``, second gateways in
``tests/vault/test_carrier.py``.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from appliance.link import messages as link
from appliance.simulator.desk import Desk
from appliance.simulator.launch import Box
from appliance.simulator.pcsclite import PcscliteServer
from appliance.vault.carrier import HELLO

WAIT = 10.0
SOCKETS = ("link.sock", "admin.sock")
ASK = link.encode(link.AskStatus())
GREET = link.encode(link.Hello("0.1.0"))
CONNECT = """
import errno, os, socket, sys
path, uid, gid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.setgroups([])
os.setresgid(gid, gid, gid)
os.setresuid(uid, uid, uid)
with socket.socket(socket.AF_UNIX) as plug:
    print(errno.errorcode.get(plug.connect_ex(path), "connected"))
"""
NOBODY, STRANGERS, FRIENDS = 65534, 65534, 54321


@pytest.fixture
def box():
    folder = Path(tempfile.mkdtemp(prefix="cps-peers-"))
    folder.chmod(0o755)
    with Desk(folder / "desk") as desk, PcscliteServer(folder / "pcscd") as reader:
        box = Box(folder, url="mqtt://127.0.0.1:9", desk=desk.path, reader=reader.path, rights={})
        box.start_vault()
        try:
            desk.wait_for("Insérez")
            yield box
        finally:
            box.stop()
    shutil.rmtree(folder)


def peer(box, name):
    plug = socket.socket(socket.AF_UNIX)
    plug.settimeout(WAIT)
    plug.connect(str(box.run / name))
    return plug


def line(plug):
    with plug.makefile("rb") as stream:
        return stream.readline()


def is_served(box, name):
    """Another peer of this socket is answered now."""
    with peer(box, name) as plug:
        plug.sendall(ASK if name == "admin.sock" else GREET)
        answer = msgspec.json.decode(line(plug))
    return answer["type"] == ("box-status" if name == "admin.sock" else "welcome")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("name", SOCKETS)
def test_a_socket_opens_to_its_group_and_to_no_other(box, name):
    path = box.run / name
    os.chown(path, 0, FRIENDS)  # as the socket units do
    found = {
        (uid, gid): subprocess.run(
            [sys.executable, "-c", CONNECT, str(path), str(uid), str(gid)], check=True, capture_output=True, text=True
        ).stdout.strip()
        for uid, gid in ((NOBODY, STRANGERS), (NOBODY, FRIENDS), (FRIENDS, STRANGERS), (FRIENDS, 0), (0, 0))
    }
    assert found == {
        (NOBODY, STRANGERS): "EACCES",
        (NOBODY, FRIENDS): "connected",
        (FRIENDS, STRANGERS): "EACCES",  # a number is no right: the group is
        (FRIENDS, 0): "EACCES",
        (0, 0): "connected",
    }


@pytest.mark.parametrize("stalled", SOCKETS)
def test_a_peer_that_sends_one_byte_and_stalls_holds_up_nobody(box, stalled):
    with peer(box, stalled) as slow:
        slow.sendall(b"{")
        assert is_served(box, "admin.sock")
        if stalled == "admin.sock":
            assert is_served(box, "link.sock")
            slow.sendall(ASK[1:])  # slow is not rude: its line is answered once it is whole
            assert msgspec.json.decode(line(slow))["type"] == "box-status"
        else:
            assert box.end("vault", signal.SIGTERM) == 0  # nor does it keep the vault from its end


def test_a_line_that_comes_byte_by_byte_is_a_line(box):
    with peer(box, "link.sock") as slow:
        for byte in GREET:
            slow.sendall(bytes((byte,)))
        assert msgspec.json.decode(line(slow))["type"] == "welcome"


def test_nobody_keeps_the_gateways_seat_by_saying_nothing(box):
    with peer(box, "link.sock") as slow:
        slow.sendall(b"{")
        with peer(box, "link.sock") as other:
            assert other.recv(1) == b""  # the seat is taken
        slow.settimeout(HELLO + WAIT)
        assert slow.recv(1) == b""
        assert is_served(box, "link.sock")
    assert "says hello at once" in box.log("vault")


def test_a_peer_that_reads_nothing_holds_up_nobody(box):
    with peer(box, "admin.sock") as deaf:
        deaf.setblocking(False)
        sent = 0
        try:
            while sent < 4 << 20:  # until the vault, whose answers nobody takes, takes no more questions
                sent += deaf.send(ASK * 1000)
        except BlockingIOError:
            assert sent
        assert is_served(box, "admin.sock")
        assert is_served(box, "link.sock")
        assert box.end("vault", signal.SIGTERM) == 0
