"""The vault's end of the link, over a real channel and a real journal."""

import asyncio
import contextlib
import logging
import tempfile
from pathlib import Path

import pytest

from appliance.errors import LinkError
from appliance.link import messages as link
from appliance.link.channel import connect, serve
from appliance.vault import carrier
from appliance.vault.carrier import FINAL_EXPIRY, PROGRESS_EXPIRY, Address, Carrier
from appliance.vault.journal import Event
from appliance.vault.scribe import Scribe

WELCOME = link.Welcome("cps-demo", "cpsr/v1", "boot", "2026-12-01T08:00:00.000Z", "1.0.0", b"{}")
HERE = Address("cpsr/v1/cps-demo/rsp/demo-desk/1", b"c")
REQUEST = link.Request("demo-desk", "ping", b"{}", HERE.topic, b"c")


class Vault:
    """A carrier behind a socket; what it was told stands in queues."""

    def __init__(self, path, scribe):
        self.path, self.scribe = path, scribe
        self.requests, self.broker, self.delivered = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
        self.ends = asyncio.Queue()
        self.carrier = Carrier(WELCOME, scribe, self.requests.put_nowait, self.broker.put_nowait, self.delivered.put)

    async def meet(self, channel):
        """As the service does, and keep how it ended."""
        try:
            await self.carrier.meet(channel)
        except LinkError as error:
            self.ends.put_nowait(error)
            raise
        self.ends.put_nowait(None)

    async def events(self, *names):
        await self.scribe.commit(
            [Event("card", name, lambda seq, name=name: f"{name} {seq}".encode()) for name in names], [], []
        )
        self.carrier.wake()

    async def gateway(self):
        """A gateway that has said hello and was welcomed."""
        channel = await connect(self.path)
        await channel.send(link.Hello("0.1.0"))
        return channel, await channel.receive()


@contextlib.asynccontextmanager
async def vault():
    def dropped(_journal, first, last):
        return Event("journal", "dropped", lambda seq: f"{seq}:{first}-{last}".encode())

    with tempfile.TemporaryDirectory(prefix="cps-carrier-") as folder:  # short: a socket's path has 107 bytes
        scribe = await Scribe.open(Path(folder) / "box.sqlite", dropped)
        made = Vault(Path(folder) / "link.sock", scribe)
        server = await serve(made.path, made.meet)
        try:
            yield made
        finally:
            server.close()
            await server.wait_closed()
            await scribe.close()


def run(scenario):
    async def bounded():
        async with asyncio.timeout(20):
            await scenario

    asyncio.run(bounded())


async def receive(channel, count):
    return [await channel.receive() for _ in range(count)]


def test_hello_is_answered_with_the_cursor_of_the_moment():
    async def scenario():
        async with vault() as box:
            channel, welcome = await box.gateway()
            assert (welcome.device, welcome.last_acked) == ("cps-demo", 0)
            await box.events("one", "two")
            await receive(channel, 2)
            await channel.send(link.Ack(2))
            await channel.close()
            assert await box.ends.get() is None
            channel, welcome = await box.gateway()
            assert welcome.last_acked == 2
            await channel.close()

    run(scenario())


@pytest.mark.parametrize("first", [link.Broker(connected=True), link.Ack(1), None])
def test_hello_comes_first(first):
    async def scenario():
        async with vault() as box:
            channel = await connect(box.path)
            if first is None:
                await channel.close()
            else:
                await channel.send(first)
                assert await channel.receive() is None
            assert "hello first" in str(await box.ends.get())
            assert await box.broker.get() is False
            channel, _ = await box.gateway()  # the next one is welcome
            await channel.close()

    run(scenario())


@pytest.mark.parametrize(("message", "word"), [(link.Hello("0.1.0"), "once"), (link.Ack(1), "acknowledged")])
def test_what_no_gateway_says_ends_the_link(message, word):
    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            await channel.send(message)
            assert await channel.receive() is None
            assert word in str(await box.ends.get())
            assert await box.scribe.acknowledged() == 0

    run(scenario())


def test_a_second_gateway_is_turned_away_and_the_first_stays():
    async def scenario():
        async with vault() as box:
            first, _ = await box.gateway()
            second = await connect(box.path)
            assert await second.receive() is None
            assert "already" in str(await box.ends.get())
            await second.close()
            await first.send(REQUEST)
            assert await box.requests.get() == REQUEST
            assert box.broker.empty()
            await first.close()

    run(scenario())


def test_what_a_gateway_says_reaches_the_vault(caplog):
    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            with caplog.at_level(logging.WARNING):
                for message in (REQUEST, link.Dropped(None, "overflow", 3), link.Broker(connected=True)):
                    await channel.send(message)
                assert await box.requests.get() == REQUEST
                assert await box.broker.get() is True
            assert "3 requests of several were not carried: overflow" in caplog.text
            await channel.close()
            assert await box.ends.get() is None
            assert await box.broker.get() is False

    run(scenario())


def test_states_and_finals_that_wait_are_told_to_whoever_comes_next():
    async def scenario():
        async with vault() as box:
            box.carrier.state("reader", b'{"state":"absent"}')
            box.carrier.state("card", b'{"presence":"absent"}')
            box.carrier.state("reader", b'{"state":"attached"}')
            box.carrier.reply(HERE, b"lost", final=False)
            kept = box.carrier.reply(HERE, b"kept", final=True)
            wanted = [
                link.State("reader", b'{"state":"attached"}'),
                link.State("card", b'{"presence":"absent"}'),
                link.Reply(kept, HERE.topic, b"c", b"kept", FINAL_EXPIRY, final=True),
            ]
            for _ in range(2):  # nothing was acknowledged: the next gateway hears it too
                channel, _ = await box.gateway()
                assert await receive(channel, 3) == wanted
                await channel.close()
                assert await box.ends.get() is None
            channel, _ = await box.gateway()
            await receive(channel, 3)
            await channel.send(link.ReplyAck(kept))
            assert await box.delivered.get() == kept
            await channel.send(link.ReplyAck(kept))  # twice: nothing more
            await channel.send(REQUEST)
            await box.requests.get()
            assert box.delivered.empty()
            await channel.close()
            await box.ends.get()
            channel, _ = await box.gateway()
            assert await receive(channel, 2) == wanted[:2]
            box.carrier.reply(HERE, b"next", final=False)
            assert (await channel.receive()).payload == b"next"
            await channel.close()

    run(scenario())


def test_replies_and_states_pass_while_a_gateway_is_here():
    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            await channel.send(REQUEST)
            await box.requests.get()
            one = box.carrier.reply(HERE, b"progress", final=False)
            two = box.carrier.reply(Address(HERE.topic, None), b"final", final=True)
            box.carrier.state("card", b"{}")
            box.carrier.state("card", b"{}")  # unchanged: not sent
            box.carrier.state("card", b'{"presence":"absent"}')
            assert await receive(channel, 4) == [
                link.Reply(one, HERE.topic, b"c", b"progress", PROGRESS_EXPIRY, final=False),
                link.Reply(two, HERE.topic, None, b"final", FINAL_EXPIRY, final=True),
                link.State("card", b"{}"),
                link.State("card", b'{"presence":"absent"}'),
            ]
            await channel.close()

    run(scenario())


def test_a_final_given_while_a_gateway_is_greeted_is_sent_once():
    """While the journal is asked for its cursor: such a reply is neither lost nor doubled."""

    async def scenario():
        async with vault() as box:
            asked, go = asyncio.Event(), asyncio.Event()
            real = box.scribe.acknowledged

            async def slow():
                asked.set()
                await go.wait()
                return await real()

            box.scribe.acknowledged = slow
            channel = await connect(box.path)
            await channel.send(link.Hello("0.1.0"))
            await asked.wait()
            box.carrier.state("card", b"{}")
            box.carrier.reply(HERE, b"meanwhile", final=True)
            go.set()
            await channel.receive()
            assert [type(message) for message in await receive(channel, 2)] == [link.State, link.Reply]
            box.carrier.reply(HERE, b"afterwards", final=True)
            assert (await channel.receive()).payload == b"afterwards"
            await channel.close()

    run(scenario())


def test_only_so_many_finals_wait(monkeypatch):
    monkeypatch.setattr(carrier, "WAITING", 2)

    async def scenario():
        async with vault() as box:
            for text in (b"1", b"2", b"3"):
                box.carrier.reply(HERE, text, final=True)
            channel, _ = await box.gateway()
            assert [reply.payload for reply in await receive(channel, 2)] == [b"2", b"3"]
            await channel.close()

    run(scenario())


def test_a_gateway_too_slow_is_let_go_and_no_final_is_lost(monkeypatch):
    monkeypatch.setattr(carrier, "QUEUE", 2)

    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            await channel.send(REQUEST)
            await box.requests.get()
            for text in (b"1", b"2", b"3"):  # no turn of the loop between them: the queue holds two
                box.carrier.reply(HERE, text, final=False)
            last = box.carrier.reply(HERE, b"end", final=True)
            assert "too slow" in str(await box.ends.get())
            await channel.close()
            channel, _ = await box.gateway()
            assert (await channel.receive()).delivery == last
            await channel.close()

    run(scenario())


def test_events_stream_in_order_from_the_last_acknowledged(monkeypatch):
    monkeypatch.setattr(carrier, "BATCH", 2)

    async def scenario():
        async with vault() as box:
            await box.events("a", "b", "c", "d", "e")
            channel, _ = await box.gateway()
            told = await receive(channel, 5)
            assert [(event.seq, event.domain, event.name) for event in told] == [
                (1, "card", "a"),
                (2, "card", "b"),
                (3, "card", "c"),
                (4, "card", "d"),
                (5, "card", "e"),
            ]
            assert told[2].payload == b"c 3"
            await box.events("f")
            assert (await channel.receive()).seq == 6
            await channel.send(link.Ack(4))
            await channel.send(REQUEST)
            await box.requests.get()
            assert await box.scribe.acknowledged() == 4
            await channel.close()
            await box.ends.get()
            channel, welcome = await box.gateway()
            assert welcome.last_acked == 4
            assert [event.seq for event in await receive(channel, 2)] == [5, 6]
            await channel.close()

    run(scenario())


def test_a_gateway_that_breaks_off_or_talks_nonsense_is_over():
    async def scenario():
        async with vault() as box:
            for line in (b"nonsense\n", b'{"type":"hel'):
                reader, writer = await asyncio.open_unix_connection(box.path)
                writer.write(link.encode(link.Hello("0.1.0")))
                await reader.readline()
                writer.write(line)
                writer.write_eof()
                assert isinstance(await box.ends.get(), LinkError)
                assert await box.broker.get() is False
                writer.close()
                await writer.wait_closed()
            channel, _ = await box.gateway()
            await channel.close()

    run(scenario())
