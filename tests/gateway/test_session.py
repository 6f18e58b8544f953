"""A link session against a connection that a test plays: what real brokers rarely do."""

import asyncio
import contextlib
import socket

import pytest

from appliance.errors import LinkError
from appliance.gateway import session as gateway_session
from appliance.gateway.bridge import Arrival
from appliance.gateway.mqtt import BrokerError, Delivery, Endpoint
from appliance.gateway.session import Session
from appliance.link.channel import Channel
from appliance.link.messages import (
    Ack,
    Addresses,
    Broker,
    Dropped,
    Event,
    Reply,
    ReplyAck,
    Request,
    State,
    Welcome,
    decode_from_gateway,
    decode_from_vault,
)

ROOT = "cpsr/v1/cps-demo"
TARGET = f"{ROOT}/rsp/prat/x"
WELCOME = Welcome("cps-demo", "cpsr/v1", "b", "t", "1.0.0", b"{}")
ONLINE, AWAY = Broker(connected=True), Broker(connected=False)


class PlayedBroker:
    """Stands in for ``Connection``; every connection of a session is one of these."""

    def __init__(self):
        self.connections = []
        self.published = []
        self.answers = {}  # topic -> what publish does, one after the other; True when there is no more
        self.refusals = []  # what open raises, one after the other
        self.overflow = 0
        self.settled = 0

    def __call__(self, _endpoint, will, inbox, on_lost):
        connection = PlayedConnection(self, will, inbox, on_lost)
        self.connections.append(connection)
        return connection

    def topics(self):
        return [publication.topic.removeprefix(f"{ROOT}/") for publication in self.published]


class PlayedConnection:
    def __init__(self, broker, will, inbox, on_lost):
        self.broker, self.will, self.inbox, self.on_lost = broker, will, inbox, on_lost
        self.lost = False
        self.closed = 0

    async def open(self, subscription):
        self.subscription = subscription
        if self.broker.refusals:
            raise self.broker.refusals.pop(0)

    async def publish(self, publication):
        if self.lost:
            raise BrokerError("not connected")
        answers = self.broker.answers.get(publication.topic.removeprefix(f"{ROOT}/"), [])
        answer = answers.pop(0) if answers else True
        if answer == "lost":
            self.lose()
            raise BrokerError("lost")
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            answer = True
        self.broker.published.append(publication)
        return answer

    def lose(self):
        self.lost = True
        self.on_lost()

    def take_overflow(self):
        count, self.broker.overflow = self.broker.overflow, 0
        return count

    def settle(self, _delivery):
        self.broker.settled += 1

    async def close(self):
        self.closed += 1


@contextlib.asynccontextmanager
async def ends():
    """Both ends of a link, as channels."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    gateway = Channel(*await asyncio.open_unix_connection(sock=left), decode_from_vault)
    vault = Channel(*await asyncio.open_unix_connection(sock=right), decode_from_gateway)
    try:
        yield gateway, vault
    finally:
        await gateway.close()
        await vault.close()


class Play:
    """A running session with its vault's end and its played broker."""

    def __init__(self, broker, vault, session, stop, task):
        self.broker, self.vault, self.session, self.stop, self.task = broker, vault, session, stop, task
        self.seen = []

    async def until(self, wanted):
        while True:
            message = await self.vault.receive()
            if isinstance(message, Addresses):  # those of this machine, whatever they are
                continue
            self.seen.append(message)
            if message == wanted:
                return


@pytest.fixture
def broker(monkeypatch):
    played = PlayedBroker()
    monkeypatch.setattr(gateway_session, "Connection", played)
    monkeypatch.setattr(gateway_session, "BROKER_DELAYS", (0.001, 0.001))
    monkeypatch.setattr(gateway_session, "REFUSED_PAUSE", 0.001)
    return played


def play(broker, scenario):
    async def run():
        async with asyncio.timeout(20), ends() as (gateway, vault):
            stop = asyncio.Event()
            session = Session(gateway, WELCOME, Endpoint("h", 1, "cps-demo"), subscribes=True)
            task = asyncio.create_task(session.run(stop))
            found = Play(broker, vault, session, stop, task)
            await scenario(found)
            stop.set()
            await task
            return found

    return asyncio.run(run())


def test_a_refused_event_is_tried_again_before_the_next_one(broker):
    broker.answers["evt/card/inserted"] = [False, False]

    async def scenario(found):
        await found.vault.send(Event(1, "card", "inserted", b"{}"))
        await found.vault.send(Event(2, "card", "removed", b"{}"))
        await found.until(Ack(2))

    found = play(broker, scenario)
    assert found.seen == [AWAY, ONLINE, Ack(1), Ack(2)]
    events = [topic for topic in broker.topics() if topic.startswith("evt/")]
    assert events == ["evt/card/inserted"] * 3 + ["evt/card/removed"]


def test_what_was_lost_with_a_connection_is_sent_on_the_next(broker):
    broker.answers["evt/card/inserted"] = ["lost"]

    async def scenario(found):
        await found.until(ONLINE)
        await found.vault.send(Event(1, "card", "inserted", b"{}"))
        await found.until(Ack(1))

    found = play(broker, scenario)
    assert found.seen == [AWAY, ONLINE, AWAY, ONLINE, Ack(1)]
    assert [connection.closed for connection in broker.connections] == [1, 1]
    assert broker.topics() == ["status", "info", "status", "info", "evt/card/inserted", "status"]
    assert broker.connections[0].will.payload == b'{"bootId":"b","reason":"lwt","state":"offline"}'
    assert broker.connections[0].subscription == f"{ROOT}/req/+/+"


def test_a_connection_lost_while_idle(broker):
    async def scenario(found):
        await found.until(ONLINE)
        broker.connections[0].lose()
        await found.until(ONLINE)

    assert play(broker, scenario).seen == [AWAY, ONLINE, AWAY, ONLINE]


def test_a_state_that_changes_while_states_are_published(broker):
    gate = asyncio.Event()
    broker.answers["info"] = [gate]

    async def scenario(found):
        await found.vault.send(State("card", b"1"))
        await found.vault.send(State("card", b"2"))
        await found.vault.send(Event(1, "card", "inserted", b"{}"))
        await found.until(AWAY)
        gate.set()
        await found.until(Ack(1))

    play(broker, scenario)
    states = [publication.payload for publication in broker.published if publication.topic.endswith("state/card")]
    assert states[-1] == b"2"


def test_a_retained_document_that_is_refused_holds_nothing_up(broker):
    broker.answers["info"] = [False]

    async def scenario(found):
        await found.until(ONLINE)

    play(broker, scenario)


def test_an_expired_reply_is_not_acknowledged(broker, caplog):
    gate = asyncio.Event()
    broker.answers["rsp/prat/x"] = [gate]

    async def scenario(found):
        loop = asyncio.get_running_loop()
        await found.until(ONLINE)
        await found.vault.send(Reply(1, TARGET, None, b"1", 60, final=False))
        await found.vault.send(Reply(2, TARGET, None, b"2", 1, final=True))
        await found.vault.send(Reply(3, TARGET, None, b"3", 60, final=True))
        real, late = loop.time, loop.time() + 5
        await found.vault.send(Event(1, "card", "inserted", b"{}"))
        await found.until(Ack(1))  # so the replies before it have been read
        loop.time = lambda: max(real(), late)  # five seconds go by while the first one is on its way
        gate.set()
        await found.until(ReplyAck(3))

    found = play(broker, scenario)
    assert [message for message in found.seen if isinstance(message, ReplyAck)] == [ReplyAck(1), ReplyAck(3)]
    assert "reply 2 expired" in caplog.text


def test_more_than_may_wait_slows_the_vault_and_loses_nothing(broker, monkeypatch):
    monkeypatch.setattr(gateway_session, "REPLY_WINDOW", 3)
    monkeypatch.setattr(gateway_session, "EVENT_WINDOW", 3)
    broker.refusals = [BrokerError("away")] * 5

    async def scenario(found):
        for number in range(1, 11):
            await found.vault.send(Reply(number, TARGET, None, b"1", 60, final=False))
            await found.vault.send(Event(number, "card", "inserted", b"{}"))
        await found.until(ReplyAck(10))
        while Ack(10) not in found.seen:
            found.seen.append(await found.vault.receive())

    found = play(broker, scenario)
    for kind in (Ack, ReplyAck):
        assert [message for message in found.seen if isinstance(message, kind)] == [kind(n) for n in range(1, 11)]


def test_a_refused_reply_holds_up_nobody_elses(broker, monkeypatch):
    monkeypatch.setattr(gateway_session, "REFUSED_PAUSE", 3600)
    broker.answers["rsp/prat/x"] = [False] * 3

    async def scenario(found):
        await found.vault.send(Reply(1, TARGET, None, b"1", 60, final=True))
        await found.vault.send(Reply(2, f"{ROOT}/rsp/dossier/y", None, b"2", 60, final=True))
        await found.until(ReplyAck(2))

    found = play(broker, scenario)
    assert ReplyAck(1) not in found.seen
    assert broker.topics().count("rsp/dossier/y") == 1


def test_a_second_welcome_breaks_the_link(broker):
    async def scenario(found):
        await found.vault.send(WELCOME)

    async def until_broken(found):
        await scenario(found)
        with contextlib.suppress(LinkError):
            await found.task

    with pytest.raises(LinkError, match="second welcome"):
        play(broker, until_broken)


def arrival(**changes):
    good = {"topic": f"{ROOT}/req/prat/sign", "payload": b"{}", "expiry": 60, "response_topic": TARGET}
    return Arrival(**{**good, **changes})


def test_requests_are_settled_once_the_vault_has_them(broker):
    broker.answers["rsp/prat/x"] = ["lost"]

    async def scenario(found):
        await found.until(ONLINE)
        connection = broker.connections[0]
        broker.overflow = 4
        for n, came in enumerate((arrival(), arrival(topic="elsewhere"), arrival(retain=True))):
            connection.inbox.put_nowait(Delivery(came, n, 1, connection))
        await found.until(Dropped("prat", "retained"))
        await found.until(ONLINE)  # the refusal's connection was lost; nothing else was

    found = play(broker, scenario)
    assert found.seen[2:5] == [
        Request("prat", "sign", b"{}", TARGET, None),
        Dropped(None, "overflow", 4),
        Dropped("prat", "retained"),
    ]
    assert broker.settled == 3


def test_farewell_to_a_broker_that_does_not_answer(broker, monkeypatch, caplog):
    monkeypatch.setattr(gateway_session, "FAREWELL", 0.01)

    async def scenario(found):
        await found.until(ONLINE)
        broker.answers["status"] = [asyncio.Event()]

    play(broker, scenario)
    assert "did not take our farewell" in caplog.text
    assert broker.connections[0].closed == 1
