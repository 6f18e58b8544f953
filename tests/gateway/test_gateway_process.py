"""The gateway's own process between a scripted vault and two real brokers."""

import contextlib
import json
import os
import signal
import socket

import pytest
from ear import Ear
from scripted_vault import ScriptedVault

from appliance.client.transport import Client, TransportError
from appliance.contract.limits import PLAIN_BODY
from appliance.link.messages import Ack, Broker, Dropped, Hello, Reply, ReplyAck, Request, Status

ROOT = "cpsr/v1/cps-demo"
ONLINE = Broker(connected=True)


@pytest.fixture
def ear(broker):
    with Ear(broker.port) as listening:
        yield listening


def test_birth_state_and_clean_end(vault, ear, gateway):
    vault.state("card", b'{"presence":"absent"}')
    vault.wait(ONLINE)
    assert isinstance(vault.received[0], Hello)
    status = ear.wait_status(state="online")
    assert status.json == {
        "state": "online", "bootId": "boot-1", "since": "2026-11-23T10:00:00Z", "contract": "1.0.0",
    }  # fmt: skip
    assert ear.wait("info").payload == b'{"software":"x"}'
    assert ear.wait("state/card").payload == b'{"presence":"absent"}'
    vault.state("card", b'{"presence":"present"}')
    vault.state("health", b'{"display":"ok"}')
    assert ear.wait("state/card", 2)[1].payload == b'{"presence":"present"}'
    ear.wait("state/health")
    vault.say(Status("degraded"))
    ear.wait_status(state="degraded")
    assert gateway.stop() == 0
    assert ear.on("status")[-1].json == {"state": "offline", "bootId": "boot-1", "reason": "stopped"}
    assert "Traceback" not in gateway.log()


def test_what_is_retained_is_there_for_who_comes_later(vault, broker, gateway):
    vault.state("card", b'{"presence":"absent"}')
    vault.wait(ONLINE)
    with Ear(broker.port) as late:
        assert late.wait_status(state="online").retain
        assert late.wait("info").retain
        assert late.wait("state/card").retain


def test_will_after_a_kill(vault, ear, gateway):
    vault.wait(ONLINE)
    gateway.kill()
    assert ear.wait_status(state="offline").json == {"state": "offline", "bootId": "boot-1", "reason": "lwt"}


def test_all_is_said_again_after_the_broker_was_away(vault, broker, gateway):
    vault.state("reader", b'{"state":"attached"}')
    vault.state("card", b'{"presence":"absent"}')
    vault.wait(ONLINE)
    broker.stop()
    vault.wait(Broker(connected=False), 2)  # the first one came with the welcome
    vault.state("card", b'{"presence":"present"}')
    vault.event(1)
    vault.reply(Reply(1, f"{ROOT}/rsp/prat/x", b"c", b'{"final":true}', 60, final=True))
    broker.start()  # empty
    with Ear(broker.port) as ear:
        ear.wait_status(state="online")
        ear.wait("info")
        assert ear.wait("state/card").payload == b'{"presence":"present"}'
        ear.wait("state/reader")
        vault.wait(ONLINE, 2)
        vault.wait(Ack(1))
        vault.wait(ReplyAck(1))
    assert vault.connections == 1


def test_events_go_out_in_order_and_are_acknowledged_after_puback(vault, ear, gateway):
    vault.wait(ONLINE)
    for seq in range(1, 41):
        vault.event(seq)
    vault.wait(Ack(40))
    assert [heard.json["seq"] for heard in ear.wait("evt/card/inserted", 40)] == list(range(1, 41))
    assert [message.seq for message in vault.wait(Ack, 40)] == list(range(1, 41))
    assert all(604_000 < heard.expiry <= 604_800 for heard in ear.on("evt/card/inserted"))
    assert not any(heard.retain for heard in ear.on("evt/card/inserted"))


def test_no_acknowledgement_without_a_broker(vault, broker, make_gateway):
    broker.stop()
    make_gateway(broker.url)
    vault.wait(Broker(connected=False))
    vault.event(1)
    broker.start()
    vault.wait(Ack(1))
    order = [message for message in vault.received if message in (ONLINE, Ack(1))]
    assert order == [ONLINE, Ack(1)]


def test_a_killed_gateway_loses_no_event_and_no_answer(vault, broker, ear, make_gateway):
    gateway = make_gateway(broker.url)
    vault.wait(ONLINE)
    vault.event(1)
    vault.wait(Ack(1))
    os.kill(gateway.process.pid, signal.SIGSTOP)  # it lives, and carries nothing
    for seq in range(2, 12):
        vault.event(seq)
    vault.reply(Reply(7, f"{ROOT}/rsp/prat/x", b"c7", b'{"final":true}', 60, final=True))
    gateway.kill()
    vault.forget()
    make_gateway(broker.url)
    vault.wait(Ack(11))
    vault.wait(ReplyAck(7))
    ear.wait(lambda heard: heard.topic == "evt/card/inserted" and heard.json["seq"] == 11)
    seqs = [heard.json["seq"] for heard in ear.on("evt/card/inserted")]
    assert list(dict.fromkeys(seqs)) == list(range(1, 12))
    assert ear.wait("rsp/prat/x").correlation == b"c7"
    assert not vault.finals


def test_a_request_and_its_replies(vault, ear, gateway):
    vault.wait(ONLINE)
    ear.ask("sign", b"anything at all \xff", correlation=b"\x00\x01")
    assert vault.wait(Request) == Request("prat", "sign", b"anything at all \xff", f"{ROOT}/rsp/prat/x", b"\x00\x01")
    for delivery, final in ((1, False), (2, False), (3, True)):
        vault.reply(Reply(delivery, f"{ROOT}/rsp/prat/x", b"\x00\x01", b'{"n":%d}' % delivery, 30, final=final))
    found = ear.wait("rsp/prat/x", 3)
    assert [heard.json["n"] for heard in found] == [1, 2, 3]
    assert {heard.correlation for heard in found} == {b"\x00\x01"}
    assert all(0 < heard.expiry <= 30 for heard in found)
    assert [message.delivery for message in vault.wait(ReplyAck, 3)] == [1, 2, 3]


def test_a_request_without_correlation(vault, ear, gateway):
    vault.wait(ONLINE)
    ear.ask("ping", b"{}", correlation=None, response=f"{ROOT}/rsp/prat", qos=0)
    assert vault.wait(Request) == Request("prat", "ping", b"{}", f"{ROOT}/rsp/prat", None)
    vault.reply(Reply(1, f"{ROOT}/rsp/prat", None, b"{}", 30, final=True))
    assert ear.wait("rsp/prat").correlation is None


REFUSED = [
    ({"expiry": None}, "expiry", None),
    ({"expiry": 61}, "expiry", None),
    ({"response": None}, "response-topic", None),
    ({"response": f"{ROOT}/rsp/other/x"}, "response-topic", None),
    ({"response": f"{ROOT}/status"}, "response-topic", None),
    ({"payload": b"x" * (PLAIN_BODY + 1)}, "too-large", "too-large"),
    ({"payload": b"x" * (PLAIN_BODY + 1), "response": f"{ROOT}/rsp/other/x"}, "response-topic", None),
]


@pytest.mark.parametrize("case", REFUSED, ids=range(len(REFUSED)))
@pytest.mark.usefixtures("gateway")
def test_what_is_not_carried(vault, ear, case):
    change, reason, code = case
    vault.wait(ONLINE)
    ear.ask("sign", **{"payload": b"{}", **change})
    assert vault.wait(Dropped) == Dropped("prat", reason)
    ear.ask("ping", b"{}")  # what comes after is carried
    assert vault.wait(Request).verb == "ping"
    assert [message for message in vault.received if isinstance(message, Request)] == [vault.wait(Request)]
    answers = [heard for heard in ear.heard if heard.topic.startswith("rsp/")]
    if code is None:
        assert answers == []
    else:
        answer = ear.wait("rsp/prat/x")
        assert answer.json["code"] == code
        assert answer.json["final"] is True
        assert answer.json["id"] is None
        assert answer.correlation == b"c1"
        assert (code == "too-large") == ("limit" in answer.json)


@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)  # iotcore does not pass the flag on
@pytest.mark.usefixtures("gateway")
def test_a_request_that_is_retained_now(vault, ear):
    vault.wait(ONLINE)
    ear.ask("sign", b"{}", retain=True)
    assert vault.wait(Dropped) == Dropped("prat", "retained")
    assert ear.wait("rsp/prat/x").json["code"] == "malformed"
    ear.ask("ping", b"{}")
    assert vault.wait(Request).verb == "ping"


def test_a_request_that_was_retained_before_is_not_carried(vault, ear, broker, make_gateway):
    ear.ask("sign", b"{}", retain=True)
    make_gateway(broker.url)
    vault.wait(ONLINE)
    ear.ask("ping", b"{}")
    assert vault.wait(Request).verb == "ping"


def test_requests_off(vault, ear, broker, make_gateway):
    make_gateway(broker.url, "off")
    vault.wait(ONLINE)
    ear.ask("ping", b"{}")
    vault.event(1)
    vault.wait(Ack(1))
    assert not [message for message in vault.received if isinstance(message, Request)]


def test_the_vault_goes_and_another_boot_comes(vault, ear, gateway):
    vault.state("card", b'{"presence":"present"}')
    vault.wait(ONLINE)
    vault.leave()
    assert ear.wait_status(state="offline").json == {"state": "offline", "bootId": "boot-1", "reason": "vault"}
    vault.boot_id = "boot-2"
    vault.listen()
    ear.wait_status(state="online", bootId="boot-2")
    vault.wait(ONLINE, 2)
    assert gateway.process.poll() is None
    gateway.kill()
    assert ear.wait_status(reason="lwt").json["bootId"] == "boot-2"


def test_a_broken_link_is_taken_up_again(vault, ear, gateway):
    vault.wait(ONLINE)
    vault.cut()
    vault.wait(ONLINE, 2)
    assert vault.connections == 2
    vault.event(1)
    vault.wait(Ack(1))


def test_a_vault_that_breaks_the_rules(vault, ear, gateway):
    vault.wait(ONLINE)
    vault.say(Reply(1, f"{ROOT}/status", None, b"{}", 30, final=False))  # no reply topic: would forge a status
    vault.wait(ONLINE, 2)
    gateway.wait_log("none of ours")
    assert all(heard.payload != b"{}" for heard in ear.on("status"))


def test_a_vault_that_does_not_welcome(folder, broker, make_gateway):
    with ScriptedVault(folder / "link.sock") as vault:
        vault.greets = False
        gateway = make_gateway(broker.url)
        vault.wait(Hello, 2)
        vault.greets = True
        vault.wait(ONLINE)
        assert gateway.stop() == 0


def test_it_stops_when_nobody_is_there(make_gateway, folder):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(folder / "notify"))
    manager.settimeout(30)
    with contextlib.closing(manager):
        gateway = make_gateway("mqtt://127.0.0.1:1", NOTIFY_SOCKET=str(folder / "notify"))
        assert manager.recv(1000).startswith(b"READY=1\n")
        assert gateway.stop() == 0
        assert manager.recv(1000) == b"STOPPING=1"
    assert "no vault" in gateway.log()


def test_it_stops_while_the_broker_is_away(vault, make_gateway):
    gateway = make_gateway("mqtt://127.0.0.1:1")
    vault.wait(Broker(connected=False))
    assert gateway.stop() == 0


def test_a_configuration_that_cannot_be_used(make_gateway):
    gateway = make_gateway("mqtt://192.0.2.1:1883")
    assert gateway.process.wait(30) == 2
    assert "mqtts" in gateway.log()


def test_nothing_of_a_payload_is_logged_or_written(vault, ear, gateway, folder):
    vault.wait(ONLINE)
    ear.ask("sign", b"DURAND 10000000001")
    ear.ask("sign", b"DURAND 10000000001", expiry=None)
    vault.wait(Dropped)
    vault.reply(Reply(1, f"{ROOT}/rsp/prat/x", None, b'"DURAND"', 30, final=True))
    vault.wait(ReplyAck(1))
    assert gateway.stop() == 0
    assert "DURAND" not in gateway.log()
    kept = {path.name for path in folder.iterdir() if path.is_file()}
    assert kept == {"appliance.toml"}


def test_the_sdk(vault, broker, gateway):
    vault.wait(ONLINE)
    heard = []
    with Client(broker.url, "cps-demo", "prat", on_message=heard.append) as client:
        client.wait_online()
        assert client.wait_state("info", bool) == client.latest("info") == {"software": "x"}
        replies = client.request("sign", {"format": "raw"}, timeout=20)
        request = vault.wait(Request)
        body = json.loads(request.payload)
        assert (body["v"], body["format"], len(body["id"])) == (1, "raw", 36)
        vault.reply(Reply(1, request.response_topic, b"another", b'{"n":0,"final":true}', 30, final=False))
        vault.reply(Reply(2, request.response_topic, request.correlation, b'{"n":1,"final":false}', 30, final=False))
        vault.reply(Reply(3, request.response_topic, request.correlation, b'{"n":2,"final":true}', 30, final=True))
        assert list(replies) == [{"n": 1, "final": False}, {"n": 2, "final": True}]
        vault.event(1)
        vault.event(2, "card", "removed")
        events = client.events(timeout=20)
        assert [next(events).topic, next(events).topic] == ["evt/card/inserted", "evt/card/removed"]
        assert list(client.events(timeout=0)) == []
        vault.state("card", b'{"presence":"present"}')
        client.wait_state("state/card", lambda card: card["presence"] == "present")
        with pytest.raises(TransportError, match="in time"):
            client.final("ping", timeout=0.05)
        assert json.loads(vault.wait(Request, 2)[1].payload)["progress"] is False
        with pytest.raises(TransportError, match="not as wanted"):
            client.wait_state("state/card", lambda card: card["presence"] == "gone", timeout=0.05)
    assert {message.topic for message in heard} >= {"status", "info", "evt/card/inserted", "state/card"}
    with pytest.raises(TransportError, match="not connected"):
        client.request("ping")


def test_the_sdk_without_a_broker():
    with pytest.raises(TransportError), Client("mqtt://127.0.0.1:1", "cps-demo", "prat"):
        pass
    with pytest.raises(ValueError, match="mqtt://"):
        Client("http://127.0.0.1", "cps-demo", "prat")
    with pytest.raises(ValueError, match="characters"):
        Client("mqtt://127.0.0.1", "CPS", "prat")
