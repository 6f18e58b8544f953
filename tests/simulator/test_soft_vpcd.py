import queue
import socket
import struct
import threading

import pytest

from appliance.errors import SimulatorError
from appliance.simulator.faults import Fault, FaultyCard, Kind
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import ATR, SoftCps3
from appliance.simulator.vpcd import VpcdSlot, connect

SERIAL = bytes.fromhex("00B09C000C")


class Reader:
    """The other side: what vpcd does, in a test's hands."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(10)
        self.address = self.server.getsockname()

    def accept(self):
        link, _ = self.server.accept()
        link.settimeout(10)
        return link


def send(link, data):
    link.sendall(struct.pack(">H", len(data)) + data)


def ask(link, data):
    send(link, data)
    size = struct.unpack(">H", link.recv(2, socket.MSG_WAITALL))[0]
    return link.recv(size, socket.MSG_WAITALL)


@pytest.fixture
def reader():
    reader = Reader()
    yield reader
    reader.server.close()


@pytest.fixture
def card():
    return FaultyCard(SoftCps3(TestPki.generate()))


@pytest.fixture
def ended():
    return queue.Queue()


@pytest.fixture
def slot(reader, ended):
    with VpcdSlot(lambda: connect(reader.address), on_close=lambda: ended.put(True)) as slot:
        yield slot


def test_atr_controls_and_commands(reader, slot, card):
    slot.insert(card)
    with reader.accept() as link:
        send(link, b"\x01")
        assert ask(link, b"\x04") == ATR
        assert ask(link, SERIAL).endswith(b"\x90\x00")
        assert ask(link, bytes.fromhex("002000010831323334FFFFFFFF")) == b"\x90\x00"
        send(link, b"\x02")
        assert ask(link, bytes.fromhex("0020000100")) == b"\x63\xc3"
        send(link, b"\x00")
        send(link, b"\x09")  # an unknown control is no command
        assert ask(link, b"\x04") == ATR


def test_a_message_in_pieces(reader, slot, card):
    slot.insert(card)
    with reader.accept() as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in struct.pack(">H", len(SERIAL)) + SERIAL:
            link.sendall(bytes((byte,)))
        size = struct.unpack(">H", link.recv(2, socket.MSG_WAITALL))[0]
        assert link.recv(size, socket.MSG_WAITALL).endswith(b"\x90\x00")


def test_a_card_upside_down_has_an_empty_atr(reader, slot, card):
    card.upside_down = True
    slot.insert(card)
    with reader.accept() as link:
        assert ask(link, b"\x04") == b""


def test_removal_closes_and_insertion_dials_again(reader, slot, card, ended):
    slot.insert(card)
    with reader.accept() as link:
        slot.remove()
        assert link.recv(1) == b""
    slot.remove()
    slot.insert(card)
    with reader.accept() as link:
        assert ask(link, b"\x04") == ATR
    assert ended.get(timeout=10)  # the reader hung up: that is told


def test_removal_by_hand_is_not_told(reader, slot, card, ended):
    slot.insert(card)
    slot.insert(card)
    slot.close()
    assert ended.empty()


def test_a_torn_card_hangs_up(reader, slot, card, ended):
    card.arm(Fault(Kind.CUT, ins=0xB0, byte=3))
    slot.insert(card)
    with reader.accept() as link:
        send(link, SERIAL)
        assert link.recv(2) == b""
    assert ended.get(timeout=10)
    assert card.card.apdu_count == 0


def test_a_mute_card_can_be_taken_out(reader, slot, card):
    card.arm(Fault(Kind.MUTE))
    slot.insert(card)
    with reader.accept() as link:
        send(link, SERIAL)
        assert card.muted.wait(10)
        remover = threading.Thread(target=slot.remove)
        remover.start()
        remover.join(10)
        assert not remover.is_alive()
        assert link.recv(2) == b""


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    slot = VpcdSlot(lambda: connect(address))
    with pytest.raises(SimulatorError, match=r"no vpcd at 127\.0\.0\.1:"):
        slot.insert(SoftCps3(TestPki.generate()))
    slot.close()
