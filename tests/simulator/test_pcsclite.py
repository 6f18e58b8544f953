"""The desk's pcscd, asked by real libpcsclite and pyscard in processes of their own.

With CPS_CLIENT_ROOT=<root of another Debian> in the environment the same clients run in that root.
"""

import json
import logging
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import SimulatorError
from appliance.simulator import pcsclite_wire as wire
from appliance.simulator.faults import CardTorn, Fault, FaultyCard, Kind
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.pcsclite_codes import GET_FEATURES, Attribute, Protocol, Share, Status, atr_protocols
from appliance.simulator.pcsclite_handles import Handles, SCardError

READER = "CPS Desk Reader 00 00"
PNP = "\\\\?PnP?\\Notification"
ATR_T0 = bytes.fromhex("3B6500002063CB6800")
ATR_T0_T1 = bytes.fromhex("3BD518FF8191FE1FC38073C8211309")[:-1] + b"\x09"
ANY = Protocol.T0 | Protocol.T1
EMPTY, PRESENT, CHANGED, UNKNOWN, UNAVAILABLE = 0x10, 0x20, 0x02, 0x04, 0x08
EXCLUSIVE_STATE, INUSE, MUTE = 0x80, 0x100, 0x200
LEAVE, RESET, UNPOWER, EJECT = range(4)
NO_SERVICE, NO_READERS, TIMEOUT = 0x8010001D, 0x8010002E, 0x8010000A
ECHO = [0x80, 0x01, 0, 0]
PATIENCE = 30
CLIENT = Path(__file__).with_name("pcsclite_client.py")
ROOT = os.environ.get("CPS_CLIENT_ROOT")


class EchoCard:
    """Answers each command with its own bytes and 9000; INS 02 waits until released, INS 03 tears, INS 04 is long."""

    def __init__(self, atr=ATR_T0):
        self.atr = atr
        self.done = []
        self.entered = threading.Event()
        self.released = threading.Event()

    def power_on(self):
        self.done.append("on")

    def power_off(self):
        self.done.append("off")

    def reset(self):
        self.done.append("reset")

    def transmit(self, apdu):
        self.done.append("apdu")
        if apdu[1] == 2:
            self.entered.set()
            assert self.released.wait(PATIENCE)
        if apdu[1] == 3:
            raise CardTorn("torn")
        return (bytes(65536) if apdu[1] == 4 else apdu) + b"\x90\x00"


class Client:
    """A child process; `call` waits for the answer, `begin` does not."""

    def __init__(self, path, *, isolated=False):
        command = [sys.executable, str(CLIENT)]
        if ROOT:
            shutil.copy(CLIENT, path.parent)
            inside = Path("/") / path.parent.relative_to(ROOT)
            command = ["chroot", ROOT, "python3", str(inside / CLIENT.name)]
            path = inside / path.name
        self.process = subprocess.Popen(
            (["unshare", "--net", "--"] if isolated else []) + command,
            env={"PCSCLITE_CSOCK_NAME": str(path), "PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answers = {}
        self.count = 0

    def begin(self, name, *arguments, background=True):
        self.count += 1
        question = {"id": self.count, "call": name, "args": arguments, "background": background}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self.count

    def result(self, number):
        while number not in self.answers:
            line = self.process.stdout.readline()
            assert line, "the client process ended"
            answer = json.loads(line)
            self.answers[answer["id"]] = (answer["code"], *answer["result"])
        return self.answers.pop(number)

    def call(self, name, *arguments):
        return self.result(self.begin(name, *arguments, background=False))

    def context(self):
        code, context = self.call("SCardEstablishContext", 0)
        assert code == Status.SUCCESS
        return context

    def connect(self, context, share=Share.SHARED, protocols=ANY):
        code, handle, protocol = self.call("SCardConnect", context, READER, share, protocols)
        return code, handle, protocol

    def card(self, share=Share.SHARED):
        code, handle, _ = self.connect(self.context(), share)
        assert code == Status.SUCCESS
        return handle

    def state(self, context, known=0, name=READER):
        """(code, event bits, events counted, ATR) of SCardGetStatusChange without waiting."""
        code, states = self.call("SCardGetStatusChange", context, 0, [[name, known]])
        _, event, atr = states[0]
        return code, event & 0xFFFF, event >> 16, bytes(atr)

    def transmit(self, handle, apdu=tuple(ECHO), protocol=Protocol.T0):
        return self.call("SCardTransmit", handle, protocol, list(apdu))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def path():
    with tempfile.TemporaryDirectory(prefix="pcsc", dir=Path(ROOT) / "tmp" if ROOT else None) as folder:
        yield Path(folder) / "s"


@pytest.fixture
def server(path):
    with PcscliteServer(path) as running:
        yield running


@pytest.fixture
def start(server):
    started = []

    def begin(**options):
        started.append(Client(server.path, **options))
        return started[-1]

    yield begin
    for client in started:
        client.kill()


@pytest.fixture
def client(start):
    return start()


# -- contexts and readers -------------------------------------------------------------------------------------------


def test_a_context_lists_the_reader_and_is_released(client):
    context = client.context()
    assert client.call("SCardListReaders", context, []) == (Status.SUCCESS, [READER])
    assert client.call("SCardIsValidContext", context) == (Status.SUCCESS,)
    assert client.call("SCardReleaseContext", context) == (Status.SUCCESS,)
    assert client.call("SCardReleaseContext", context) == (Status.INVALID_HANDLE,)


def test_a_scope_that_is_none_is_refused(client):
    assert client.call("SCardEstablishContext", 7)[0] == Status.INVALID_VALUE


def test_states_of_an_empty_a_full_and_a_mute_slot(server, client):
    context = client.context()
    assert client.state(context) == (Status.SUCCESS, EMPTY | CHANGED, 0, b"")
    server.insert(EchoCard())
    assert client.state(context) == (Status.SUCCESS, PRESENT | CHANGED, 1, ATR_T0)
    server.remove()
    server.insert(EchoCard(atr=None))
    assert client.state(context) == (Status.SUCCESS, PRESENT | MUTE | CHANGED, 3, b"")


def test_a_reader_nobody_knows(client):
    context = client.context()
    assert client.call("SCardGetStatusChange", context, 0, [["nothing", 0]])[0] == Status.UNKNOWN_READER
    assert client.call("SCardConnect", context, "nothing", Share.SHARED, ANY)[0] == Status.UNKNOWN_READER


def test_a_blocked_status_change_is_woken_by_insert_and_by_remove(server, client):
    context = client.context()
    waiting = client.begin("SCardGetStatusChange", context, 60_000, [[READER, EMPTY]])
    assert server.wait_watched(PATIENCE)
    server.insert(EchoCard())
    code, ((_, event, atr),) = client.result(waiting)
    assert (code, event, bytes(atr)) == (Status.SUCCESS, 1 << 16 | PRESENT | CHANGED, ATR_T0)
    waiting = client.begin("SCardGetStatusChange", context, 60_000, [[READER, event & ~CHANGED]])
    assert server.wait_watched(PATIENCE)
    server.remove()
    code, ((_, event, _),) = client.result(waiting)
    assert (code, event) == (Status.SUCCESS, 2 << 16 | EMPTY | CHANGED)


def test_pull_and_push_between_two_calls_is_seen_by_the_counter(server, client):
    context = client.context()
    server.insert(EchoCard())
    known = 1 << 16 | PRESENT
    assert client.state(context, known)[0] == TIMEOUT
    server.remove()
    server.insert(EchoCard())
    assert client.state(context, known) == (Status.SUCCESS, PRESENT | CHANGED, 3, ATR_T0)


def test_pnp_sees_the_reader_leave_and_come(server, client):
    context = client.context()
    waiting = client.begin("SCardGetStatusChange", context, 60_000, [[READER, EMPTY], [PNP, 0]])
    assert server.wait_watched(PATIENCE)
    server.unplug()
    code, ((_, reader, _), (_, pnp, _)) = client.result(waiting)
    assert (code, reader & 0xFFFF) == (Status.SUCCESS, UNKNOWN | UNAVAILABLE | CHANGED)
    assert pnp & CHANGED
    assert client.call("SCardListReaders", context, [])[0] == NO_READERS
    waiting = client.begin("SCardGetStatusChange", context, 60_000, [[PNP, 0]])
    assert server.wait_watched(PATIENCE)
    server.plug()
    code, ((_, pnp, _),) = client.result(waiting)
    assert code == Status.SUCCESS
    assert pnp & CHANGED
    assert client.call("SCardListReaders", context, []) == (Status.SUCCESS, [READER])


def test_cancel_from_another_thread_ends_the_wait(server, client):
    context = client.context()
    waiting = client.begin("SCardGetStatusChange", context, 60_000, [[READER, EMPTY]])
    assert server.wait_watched(PATIENCE)
    assert client.call("cancel_until_ended", context, waiting) == (Status.SUCCESS,)
    assert client.result(waiting)[0] == Status.CANCELLED
    assert client.state(context)[:2] == (Status.SUCCESS, EMPTY | CHANGED)  # the conversation is still in step


def test_cancel_of_a_context_that_is_none(server):
    with _connected(server) as raw:
        raw.sendall(_message(0x0D, struct.pack("=II", 1234, 0)))
        assert struct.unpack("=II", _read(raw, 8)) == (1234, Status.INVALID_HANDLE)


# -- connecting -----------------------------------------------------------------------------------------------------


def test_connect_without_a_card_and_direct(client):
    context = client.context()
    assert client.connect(context)[0] == Status.NO_SMARTCARD
    assert client.connect(context, Share.DIRECT, 0)[0] == Status.SUCCESS


@pytest.mark.parametrize(
    ("atr", "wanted", "answer"),
    [
        (ATR_T0, ANY, (Status.SUCCESS, Protocol.T0)),
        (ATR_T0, Protocol.T1, (Status.PROTO_MISMATCH, 0)),
        (ATR_T0_T1, ANY, (Status.SUCCESS, Protocol.T1)),
        (ATR_T0_T1, Protocol.OLD_ANY, (Status.SUCCESS, Protocol.T1)),
        (ATR_T0, Protocol.RAW, (Status.SUCCESS, Protocol.RAW)),
        (ATR_T0, 0, (Status.PROTO_MISMATCH, 0)),
    ],
)
def test_the_protocol_comes_from_the_atr(server, client, atr, wanted, answer):
    server.insert(EchoCard(atr))
    code, _, protocol = client.connect(client.context(), protocols=wanted)
    assert (code, protocol) == answer


def test_a_mute_card_is_unpowered_at_connect_and_unresponsive_at_reconnect(server, client):
    server.insert(EchoCard(atr=None))
    context = client.context()
    assert client.connect(context)[0] == Status.UNPOWERED_CARD
    _, handle, _ = client.connect(context, Share.DIRECT, 0)
    assert client.call("SCardReconnect", handle, Share.SHARED, ANY, RESET)[0] == Status.UNRESPONSIVE_CARD


def test_exclusive_keeps_others_out_and_shows(server, client, start):
    server.insert(EchoCard())
    mine, other = client.card(Share.EXCLUSIVE), start()
    context = other.context()
    assert other.connect(context)[0] == Status.SHARING_VIOLATION
    assert other.state(context)[:2] == (Status.SUCCESS, PRESENT | EXCLUSIVE_STATE | CHANGED)
    assert client.call("SCardDisconnect", mine, LEAVE) == (Status.SUCCESS,)
    assert other.connect(context)[0] == Status.SUCCESS
    assert other.state(context)[:2] == (Status.SUCCESS, PRESENT | INUSE | CHANGED)
    assert client.connect(client.context(), Share.EXCLUSIVE)[0] == Status.SHARING_VIOLATION


def test_a_desk_program_occupies_the_card(server, client):
    with pytest.raises(SCardError):
        server.occupy()
    card = EchoCard()
    server.insert(card)
    server.occupy()
    context = client.context()
    assert client.connect(context)[0] == Status.SHARING_VIOLATION
    server.vacate()
    assert client.connect(context)[0] == Status.SUCCESS
    assert card.done == ["on", "reset"]


def test_reconnect_changes_the_share_mode(server, client, start):
    server.insert(EchoCard())
    handle, other = client.card(), start()
    assert client.call("SCardReconnect", handle, Share.EXCLUSIVE, ANY, LEAVE)[0] == Status.SUCCESS
    context = other.context()
    assert other.connect(context)[0] == Status.SHARING_VIOLATION
    assert client.call("SCardReconnect", handle, Share.SHARED, ANY, LEAVE)[0] == Status.SUCCESS
    assert other.connect(context)[0] == Status.SUCCESS


# -- using the card -------------------------------------------------------------------------------------------------


def test_transmit_by_list_and_by_ctypes_on_the_same_handle(server, client):
    server.insert(EchoCard())
    handle = client.card()
    answer = [*ECHO, 0x90, 0x00]
    assert client.transmit(handle) == (Status.SUCCESS, answer)
    assert client.call("transmit_by_ctypes", handle, Protocol.T0, ECHO, 258) == (Status.SUCCESS, answer)
    assert client.call("transmit_by_ctypes", handle, Protocol.T0, ECHO, 5) == (Status.INSUFFICIENT_BUFFER, 6)
    assert client.transmit(handle) == (Status.SUCCESS, answer)  # nothing of the refused answer was sent


def test_transmit_of_the_largest_command_and_answer(server, client):
    server.insert(EchoCard())
    handle = client.card()
    code, answer = client.call("transmit_by_ctypes", handle, Protocol.T0, [0x80, 4] + [1] * 65_540, 65_538)
    assert (code, len(answer)) == (Status.SUCCESS, 65_538)


def test_transmit_with_the_other_protocol_or_half_a_header(server, client):
    card = EchoCard()
    server.insert(card)
    handle = client.card()
    assert client.transmit(handle, protocol=Protocol.T1)[0] == Status.PROTO_MISMATCH
    assert client.transmit(handle, apdu=[0x80, 1])[0] == Status.NOT_TRANSACTED
    assert "apdu" not in card.done


def test_status_and_attributes(server, client):
    server.insert(EchoCard())
    handle = client.card()
    code, name, state, protocol, atr = client.call("SCardStatus", handle)
    assert (code, name, state, protocol, bytes(atr)) == (Status.SUCCESS, READER, 1 << 16 | 0x34, Protocol.T0, ATR_T0)
    assert client.call("SCardGetAttrib", handle, Attribute.ATR_STRING) == (Status.SUCCESS, list(ATR_T0))
    assert client.call("SCardGetAttrib", handle, Attribute.ICC_PRESENCE) == (Status.SUCCESS, [2])
    assert client.call("SCardGetAttrib", handle, 0x00010100)[0] == Status.UNSUPPORTED_FEATURE
    assert client.call("SCardSetAttrib", handle, Attribute.ATR_STRING, [1])[0] == Status.UNSUPPORTED_FEATURE


def test_control_is_not_supported_and_the_conversation_goes_on(server, client):
    server.insert(EchoCard())
    handle = client.card()
    assert client.call("control_by_ctypes", handle, GET_FEATURES, 64) == (Status.UNSUPPORTED_FEATURE, [])
    assert client.transmit(handle)[0] == Status.SUCCESS


def test_a_reader_with_features(path):
    features = bytes.fromhex("060442330006")
    with PcscliteServer(path, features=features) as server:
        client = Client(path)
        try:
            server.insert(EchoCard())
            handle = client.card()
            assert client.call("control_by_ctypes", handle, GET_FEATURES, 64) == (Status.SUCCESS, list(features))
            assert client.call("control_by_ctypes", handle, GET_FEATURES, 2)[0] == Status.INSUFFICIENT_BUFFER
            assert client.call("control_by_ctypes", handle, GET_FEATURES + 1, 64)[0] == Status.UNSUPPORTED_FEATURE
        finally:
            client.kill()


def test_a_transaction_makes_others_wait(server, client, start):
    server.insert(EchoCard())
    mine, other = client.card(), start()
    theirs = other.card()
    assert client.call("SCardEndTransaction", mine, LEAVE)[0] == Status.NOT_TRANSACTED
    assert client.call("SCardBeginTransaction", mine) == (Status.SUCCESS,)
    waiting = other.begin("SCardTransmit", theirs, Protocol.T0, ECHO)
    assert client.transmit(mine)[0] == Status.SUCCESS
    assert client.call("SCardEndTransaction", mine, LEAVE) == (Status.SUCCESS,)
    assert other.result(waiting)[0] == Status.SUCCESS


def test_connect_waits_for_the_end_of_a_transaction(server, client, start):
    server.insert(EchoCard())
    mine, other = client.card(), start()
    context = other.context()
    client.call("SCardBeginTransaction", mine)
    waiting = other.begin("SCardConnect", context, READER, Share.SHARED, ANY)
    assert client.call("SCardDisconnect", mine, LEAVE) == (Status.SUCCESS,)
    assert other.result(waiting)[0] == Status.SUCCESS


@pytest.mark.parametrize(
    ("disposition", "done"), [(LEAVE, []), (RESET, ["reset"]), (UNPOWER, ["off", "on"]), (EJECT, [])]
)
def test_dispositions_at_disconnect(server, client, disposition, done):
    card = EchoCard()
    server.insert(card)
    context = client.context()
    _, handle, _ = client.connect(context)
    assert client.call("SCardDisconnect", handle, disposition) == (Status.SUCCESS,)
    assert client.connect(context)[0] == Status.SUCCESS  # powers again what was unpowered
    assert card.done == ["on", *done]


@pytest.mark.parametrize(("disposition", "done"), [(LEAVE, []), (RESET, ["reset"]), (UNPOWER, ["off", "on"])])
def test_reconnect_tells_the_other_handles(server, client, start, disposition, done):
    card = EchoCard()
    server.insert(card)
    mine, other = client.card(), start()
    theirs = other.card()
    assert client.call("SCardReconnect", mine, Share.SHARED, ANY, disposition) == (Status.SUCCESS, Protocol.T0)
    assert card.done == ["on", *done]
    assert client.transmit(mine)[0] == Status.SUCCESS
    expected = Status.RESET_CARD if done else Status.SUCCESS
    assert other.transmit(theirs)[0] == expected
    assert other.call("SCardStatus", theirs)[0] == expected
    assert other.call("SCardReconnect", theirs, Share.SHARED, ANY, LEAVE)[0] == Status.SUCCESS
    assert other.transmit(theirs)[0] == Status.SUCCESS


def test_the_end_of_a_transaction_with_reset_asks_everybody_to_reconnect(server, client):
    card = EchoCard()
    server.insert(card)
    handle = client.card()
    client.call("SCardBeginTransaction", handle)
    assert client.call("SCardEndTransaction", handle, RESET) == (Status.SUCCESS,)
    assert card.done == ["on", "reset"]
    assert client.transmit(handle)[0] == Status.RESET_CARD
    assert client.call("SCardEndTransaction", handle, 9)[0] == Status.INVALID_VALUE


def test_what_cannot_be_asked_is_refused(server, client):
    server.insert(EchoCard())
    context = client.context()
    handle = client.card()
    assert client.call("SCardConnect", context, READER, 9, ANY)[0] == Status.INVALID_VALUE
    assert client.call("SCardReconnect", handle, Share.SHARED, ANY, EJECT)[0] == Status.INVALID_VALUE
    assert client.call("SCardReconnect", handle, Share.SHARED, Protocol.T1, LEAVE)[0] == Status.PROTO_MISMATCH
    assert client.call("SCardDisconnect", handle, 9)[0] == Status.INVALID_VALUE
    client.call("SCardBeginTransaction", handle)
    assert client.call("SCardEndTransaction", handle, EJECT)[0] == Status.NOT_TRANSACTED  # no motor
    assert client.transmit(handle)[0] == Status.SUCCESS


def test_an_unpowered_card_answers_nobody_until_it_is_powered(server, client, start):
    card = EchoCard()
    server.insert(card)
    mine, other = client.card(), start()
    theirs = other.card()
    assert client.call("SCardDisconnect", mine, UNPOWER) == (Status.SUCCESS,)
    assert other.call("SCardReconnect", theirs, Share.SHARED, ANY, LEAVE)[0] == Status.SUCCESS
    assert other.transmit(theirs)[0] == Status.NOT_TRANSACTED
    assert other.call("SCardReconnect", theirs, Share.SHARED, ANY, UNPOWER)[0] == Status.SUCCESS
    assert other.transmit(theirs)[0] == Status.SUCCESS


def test_a_reset_is_no_event(server, client, start):
    server.insert(EchoCard())
    handle, watcher = client.card(), start()
    context = watcher.context()
    assert client.call("SCardReconnect", handle, Share.SHARED, ANY, RESET)[0] == Status.SUCCESS
    assert watcher.state(context)[2] == 1


# -- the card leaves ------------------------------------------------------------------------------------------------


def test_after_a_removal_the_handle_knows(server, client):
    card = EchoCard()
    server.insert(card)
    handle = client.card(Share.EXCLUSIVE)
    server.remove()
    assert card.done == ["on", "off"]
    assert client.transmit(handle)[0] == Status.REMOVED_CARD
    assert client.call("SCardStatus", handle)[0] == Status.REMOVED_CARD
    assert client.call("SCardReconnect", handle, Share.EXCLUSIVE, ANY, RESET)[0] == Status.NO_SMARTCARD
    server.insert(EchoCard())
    assert client.transmit(handle)[0] == Status.REMOVED_CARD  # another card is not the one connected to
    assert client.call("SCardReconnect", handle, Share.EXCLUSIVE, ANY, LEAVE)[0] == Status.SUCCESS
    assert client.transmit(handle)[0] == Status.SUCCESS
    server.remove()
    assert client.call("SCardDisconnect", handle, RESET) == (Status.SUCCESS,)


@pytest.mark.parametrize("torn", [Status.NOT_TRANSACTED, Status.NO_SMARTCARD])
def test_removal_during_a_command_ends_it(path, torn):
    card = EchoCard()
    with PcscliteServer(path, torn=torn) as server:
        client = Client(path)
        try:
            server.insert(card)
            handle = client.card()
            waiting = client.begin("SCardTransmit", handle, Protocol.T0, [0x80, 2, 0, 0])
            assert card.entered.wait(PATIENCE)
            server.remove()
            assert client.result(waiting)[0] == torn
            assert client.transmit(handle)[0] == Status.REMOVED_CARD
            card.released.set()
            server.insert(card)  # only now it is done with its former stay
            assert card.done == ["on", "apdu", "off", "on"]
        finally:
            card.released.set()
            client.kill()


def test_a_torn_card_is_out(server, client):
    card = EchoCard()
    server.insert(card)
    context = client.context()
    _, handle, _ = client.connect(context)
    assert client.transmit(handle, [0x80, 3, 0, 0])[0] == Status.NOT_TRANSACTED
    assert server.card is None
    assert client.state(context)[:3] == (Status.SUCCESS, EMPTY | CHANGED, 2)
    server.remove()
    server.insert(card)
    assert client.state(context)[2] == 3


def test_a_card_torn_while_it_is_powered(server, client):
    class Torn(EchoCard):
        def power_on(self):
            raise CardTorn("torn")

    server.insert(Torn())
    assert server.card is None
    assert client.state(client.context())[:2] == (Status.SUCCESS, EMPTY | CHANGED)


@pytest.mark.parametrize("step", ["SCardDisconnect", "SCardReconnect"])
def test_a_card_torn_by_a_reset(server, client, step):
    class Torn(EchoCard):
        def reset(self):
            raise CardTorn("torn")

    server.insert(Torn())
    handle = client.card()
    arguments = (RESET,) if step == "SCardDisconnect" else (Share.SHARED, ANY, RESET)
    expected = Status.SUCCESS if step == "SCardDisconnect" else Status.NO_SMARTCARD
    assert client.call(step, handle, *arguments)[0] == expected
    assert server.card is None


def test_a_card_that_falls_silent_is_released_by_its_removal(server, client):
    card = FaultyCard(EchoCard())
    card.arm(Fault(Kind.MUTE))
    server.insert(card)
    handle = client.card()
    waiting = client.begin("SCardTransmit", handle, Protocol.T0, ECHO)
    assert card.muted.wait(PATIENCE)
    server.remove()
    assert client.result(waiting)[0] == Status.NOT_TRANSACTED
    server.insert(card)
    assert client.call("SCardReconnect", handle, Share.SHARED, ANY, LEAVE)[0] == Status.SUCCESS
    assert client.transmit(handle)[0] == Status.SUCCESS


def test_a_defect_of_a_soft_card_is_a_removal_for_the_client(server, client, monkeypatch):
    told, heard = [], threading.Event()

    def hear(defect):
        told.append(defect.exc_type)
        heard.set()

    monkeypatch.setattr(threading, "excepthook", hear)

    class Broken(EchoCard):
        def transmit(self, _apdu):
            raise ValueError

    server.insert(Broken())
    handle = client.card()
    assert client.transmit(handle)[0] == Status.NOT_TRANSACTED
    assert server.card is None
    assert heard.wait(PATIENCE)  # the thread dies of it and says so, in its own time
    assert told == [ValueError]


def test_unplug_voids_handles_and_plug_powers_the_card_again(server, client):
    card = EchoCard()
    server.insert(card)
    context = client.context()
    _, handle, _ = client.connect(context)
    server.unplug()
    assert client.transmit(handle)[0] == Status.INVALID_VALUE
    assert client.call("SCardStatus", handle)[0] == Status.READER_UNAVAILABLE
    assert client.connect(context)[0] == Status.UNKNOWN_READER
    assert client.call("SCardDisconnect", handle, RESET) == (Status.SUCCESS,)
    server.plug()
    assert client.connect(context)[0] == Status.SUCCESS
    assert card.done == ["on", "off", "on"]


def test_unplug_during_a_command(server, client):
    card = EchoCard()
    server.insert(card)
    handle = client.card()
    waiting = client.begin("SCardTransmit", handle, Protocol.T0, [0x80, 2, 0, 0])
    assert card.entered.wait(PATIENCE)
    server.unplug()
    assert client.result(waiting)[0] == Status.READER_UNAVAILABLE
    card.released.set()


def test_a_card_put_into_an_unplugged_reader_waits_for_the_plug(server, client):
    server.unplug()
    card = EchoCard()
    server.insert(card)
    assert card.done == []
    server.plug()
    assert client.connect(client.context())[0] == Status.SUCCESS


def test_two_cards_do_not_fit(server):
    server.insert(EchoCard())
    with pytest.raises(SimulatorError):
        server.insert(EchoCard())


# -- clients and servers that die -----------------------------------------------------------------------------------


@pytest.mark.parametrize("hold", [True, False])
def test_a_client_that_dies_resets_the_card_it_held(server, client, start, hold):
    card = EchoCard()
    server.insert(card)
    client.card(Share.EXCLUSIVE if hold else Share.SHARED)
    client.kill()
    other = start()
    context = other.context()
    with server._slot.turn:
        assert server._slot.turn.wait_for(lambda: server._slot.handles.sharing == 0, PATIENCE)
    assert other.connect(context)[0] == Status.SUCCESS
    assert card.done == (["on", "reset"] if hold else ["on"])


def test_release_lets_go_of_the_handles(server, client, start):
    card = EchoCard()
    server.insert(card)
    context = client.context()
    client.connect(context, Share.EXCLUSIVE)
    assert client.call("SCardReleaseContext", context) == (Status.SUCCESS,)
    other = start()
    assert other.connect(other.context())[0] == Status.SUCCESS
    assert card.done == ["on", "reset"]


def test_a_server_that_dies_and_comes_back(path):
    card = EchoCard()
    server = PcscliteServer(path)
    server.insert(card)
    server.start()
    client = Client(path)
    try:
        context = client.context()
        waiting = client.begin("SCardGetStatusChange", context, 60_000, [[READER, PRESENT]])
        assert server.wait_watched(PATIENCE)
        server.close()
        assert client.result(waiting)[0] != Status.SUCCESS
        assert client.call("SCardEstablishContext", 0)[0] == NO_SERVICE
        assert not path.exists()
        server.close()
        server.start()
        with pytest.raises(SimulatorError):
            server.start()
        assert client.connect(client.context())[0] == Status.SUCCESS
        assert card.done == ["on", "off", "on"]
    finally:
        client.kill()
        server.close()


def test_close_while_a_card_is_mute(path):
    card = EchoCard()
    client = None
    try:
        with PcscliteServer(path) as server:
            server.insert(card)
            client = Client(path)
            handle = client.card()
            waiting = client.begin("SCardTransmit", handle, Protocol.T0, [0x80, 2, 0, 0])
            assert card.entered.wait(PATIENCE)
        assert client.result(waiting)[0] != Status.SUCCESS
    finally:
        card.released.set()
        client.kill()


def test_a_path_that_is_taken_and_a_name_that_is_too_long(path):
    path.touch()
    with pytest.raises(SimulatorError):
        PcscliteServer(path).start()
    with pytest.raises(SimulatorError):
        PcscliteServer(path, "n" * 128)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_client_in_an_empty_network_namespace(server, start):
    client = start(isolated=True)
    server.insert(EchoCard())
    assert client.transmit(client.card()) == (Status.SUCCESS, [*ECHO, 0x90, 0x00])
    theirs, ours = (Path(f"/proc/{who}/ns/net").readlink() for who in (client.process.pid, "self"))
    assert theirs != ours


def test_no_byte_of_a_command_is_logged(server, client, caplog):
    caplog.set_level(logging.DEBUG)
    server.insert(EchoCard())
    secret = [0x00, 0x20, 0x00, 0x01, 0x04, 0x31, 0x32, 0x33, 0x34]
    assert client.transmit(client.card(), secret)[0] == Status.SUCCESS
    assert client.call("SCardTransmit", 77, Protocol.T0, secret)[0] == Status.INVALID_HANDLE
    assert not [record for record in caplog.records if "1234" in record.getMessage() or "31" in record.getMessage()]


# -- bytes ----------------------------------------------------------------------------------------------------------


def _connected(server):
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(PATIENCE)
    raw.connect(str(server.path))
    return raw


def _read(raw, count):
    return raw.recv(count, socket.MSG_WAITALL)


def _message(command, body=b""):
    return wire.HEADER.pack(len(body), command) + body


def test_the_layout_is_that_of_the_headers():
    sizes = {command: struct.calcsize("=" + shape) for command, (shape, _) in wire.BODIES.items()}
    assert sizes == {
        0x01: 12, 0x02: 8, 0x04: 152, 0x05: 24, 0x06: 12, 0x07: 8, 0x08: 12, 0x09: 32, 0x0A: 24, 0x0B: 8, 0x0D: 8,
        0x0F: 280, 0x10: 280, 0x11: 12, 0x12: 0, 0x13: 0, 0x14: 0, 0x15: 0,
    }  # fmt: skip
    assert len(wire.reader_table(wire.ReaderState())) == 16 * 184
    row = wire.reader_table(wire.ReaderState(b"name", 1, 2, -1, ATR_T0, 1))
    assert struct.unpack_from("=IIi", row, 128) == (1, 2, -1)
    assert row[140 : 140 + len(ATR_T0)] == ATR_T0
    assert struct.unpack_from("=II", row, 176) == (len(ATR_T0), 1)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ((4, 4), (4, 4, Status.SUCCESS)),
        ((4, 5), (4, 5, Status.SUCCESS)),
        ((4, 6), (4, 5, Status.SERVICE_STOPPED)),
        ((4, 3), (4, 5, Status.SERVICE_STOPPED)),
        ((3, 4), (4, 5, Status.SERVICE_STOPPED)),
    ],
)
def test_versions(server, asked, answer):
    with _connected(server) as raw:
        raw.sendall(_message(0x11, struct.pack("=iiI", *asked, 0)))
        assert struct.unpack("=iiI", _read(raw, 12)) == answer


def test_a_context_that_is_not_this_clients(server):
    name = READER.encode().ljust(128, b"\0")
    with _connected(server) as raw:
        for context, expected in ((5, Status.INVALID_HANDLE), (6, Status.INVALID_VALUE)):
            raw.sendall(_message(0x04, struct.pack("=I128sIIiII", context, name, 2, 3, 0, 0, 0)))
            assert struct.unpack("=I128sIIiII", _read(raw, 152))[-1] == expected
            raw.sendall(_message(0x01, struct.pack("=III", 2, 0, 0)))
            assert struct.unpack("=III", _read(raw, 12))[2] == Status.SUCCESS


def test_reader_events_count_comings_and_goings(server):
    with _connected(server) as raw:
        counts = []
        for step in (lambda: None, server.unplug, server.plug, server.plug):
            step()
            raw.sendall(_message(0x15))
            counts.append(struct.unpack("=II", _read(raw, 8)))
    assert counts == [(2, 0), (3, 0), (4, 0), (4, 0)]


def test_a_stop_after_the_signal_is_not_answered(server):
    with _connected(server) as raw:
        raw.sendall(_message(0x13))
        assert len(_read(raw, 2944)) == 2944
        server.insert(EchoCard())
        raw.sendall(_message(0x14) + _message(0x15))
        assert struct.unpack("=II", _read(raw, 8)) == (0, Status.SUCCESS)  # the signal
        assert struct.unpack("=II", _read(raw, 8)) == (2, Status.SUCCESS)  # the count of readers, nothing between
        raw.sendall(_message(0x13))
        assert len(_read(raw, 2944)) == 2944
        raw.sendall(_message(0x14))
        assert struct.unpack("=II", _read(raw, 8)) == (0, Status.SUCCESS)


def test_a_handle_of_another_client_closes_the_thief_only(server, client):
    server.insert(EchoCard())
    handle = client.card()
    with _connected(server) as raw:
        raw.sendall(_message(0x09, struct.pack("=iIIIIIII", handle, 1, 16, 4, 0, 16, 258, 0)) + bytes(ECHO))
        assert raw.recv(1) == b""
    assert client.transmit(handle)[0] == Status.SUCCESS


def test_a_client_that_does_not_read_is_closed(server):
    def flood(raw):
        while True:
            raw.sendall(_message(0x13) * 100)

    with _connected(server) as raw, pytest.raises(ConnectionError):
        flood(raw)
    with _connected(server) as raw:
        raw.sendall(_message(0x15))
        assert len(_read(raw, 8)) == 8


COMMANDS = sorted(wire.BODIES)
KNOWN = st.sampled_from(COMMANDS).flatmap(
    lambda command: st.binary(
        min_size=struct.calcsize("=" + wire.BODIES[command][0]), max_size=struct.calcsize("=" + wire.BODIES[command][0])
    ).map(lambda body: _message(command, body))
)
ODD = st.builds(_message, st.integers(0, 0xFFFFFFFF), st.binary(max_size=64))
GARBAGE = st.lists(st.one_of(KNOWN, ODD, st.binary(max_size=300)), max_size=6).map(b"".join)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with PcscliteServer(tmp_path_factory.mktemp("pcsc") / "s") as running:
        running.insert(EchoCard())
        yield running


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=GARBAGE)
def test_garbage_closes_its_client_and_nothing_else(shared, garbage):
    with _connected(shared) as witness:
        with _connected(shared) as raw:
            try:
                raw.sendall(garbage)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(65536):
                    pass
            except ConnectionError:
                pass  # it was closed while it still spoke
        witness.sendall(_message(0x12))
        assert _read(witness, 2944).startswith(READER.encode() + b"\0")
    assert shared.card is not None


@given(header=st.binary(min_size=8, max_size=8), data=st.data())
def test_any_header_is_a_body_or_our_error(header, data):
    try:
        command, size = wire.size_of(header)
    except wire.WireError:
        return
    body = data.draw(st.binary(min_size=size, max_size=size))
    assert wire.encode(wire.decode(command, body)) == body


@given(message=KNOWN)
def test_bodies_survive_the_way_there_and_back(message):
    command, _ = wire.size_of(message[:8])
    body = wire.decode(command, message[8:])
    assert wire.encode(body) == message[8:]
    if command not in (0x12, 0x13, 0x14, 0x15):
        assert len(wire.refusal(body, Status.INVALID_VALUE)) == len(message) - 8
    try:
        assert 0 <= wire.trailer_of(body) <= wire.APDU_BYTES
    except wire.WireError:
        assert body.send_length > wire.APDU_BYTES


# -- ATR and handles ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("atr", "offered"),
    [
        ("3B00", Protocol.T0),
        ("3B6500002063CB6800", Protocol.T0),
        ("3B8001", Protocol.T1),
        ("3BD518FF8191FE1FC38073C8211309", Protocol.T1),
        ("3B80800101", Protocol.T0 | Protocol.T1),
        ("3B808F01", Protocol.NONE),
        ("3B801001", Protocol.T1),
        ("3B801000", Protocol.T0),
        ("3B80100F", Protocol.NONE),
        ("3B800F", Protocol.NONE),
        ("3B80", Protocol.NONE),
        ("3B", Protocol.NONE),
        ("", Protocol.NONE),
        ("0000", Protocol.NONE),
    ],
)
def test_protocols_of_an_atr(atr, offered):
    assert atr_protocols(bytes.fromhex(atr)) == offered


@given(atr=st.binary(max_size=40))
def test_any_atr_offers_t0_t1_or_nothing(atr):
    assert atr_protocols(atr) in (Protocol.NONE, Protocol.T0, Protocol.T1, Protocol.T0 | Protocol.T1)


def test_locks_are_counted_and_exclusive_use_keeps_one():
    book = Handles()
    one, two = book.open(exclusive=False), book.open(exclusive=False)
    book.lock(one)
    book.lock(one)
    book.unlock(one)
    with pytest.raises(SCardError, match="SHARING_VIOLATION"):
        book.unlock(two)
    with pytest.raises(SCardError, match="SHARING_VIOLATION"):
        book.share(one, exclusive=True)
    book.unlock(one)
    book.admit(two)
    book.close(two)
    book.share(one, exclusive=True)
    with pytest.raises(SCardError, match="NOT_TRANSACTED"):
        book.unlock(one)
    book.close(one)
    assert (book.sharing, book.owner) == (0, 0)
