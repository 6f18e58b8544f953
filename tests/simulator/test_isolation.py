"""The empty network namespace of the desk's vault, read from /proc."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.simulator.isolation import network_of

READY = "import sys; print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def isolated():
    command = [sys.executable, "-m", "appliance.simulator.isolation", sys.executable, "-c", READY]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    yield child
    child.communicate(timeout=10)


def test_a_command_gets_an_empty_namespace_of_its_own(isolated):
    network = network_of(isolated.pid)
    assert network.empty
    assert network.namespace != str(Path("/proc/self/ns/net").readlink())


def test_our_own_network_is_not_empty():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        mine = network_of(os.getpid())
    assert mine.sockets >= 1
    assert not mine.empty
