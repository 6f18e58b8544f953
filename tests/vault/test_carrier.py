"""The vault's end of the link: who is let in, what comes in, and the stream of events."""

import asyncio
import dataclasses

import pytest
from carrier_kit import HERE, REQUEST, receive, run, vault

from appliance.errors import LinkError
from appliance.link import messages as link
from appliance.link.channel import connect
from appliance.vault import carrier


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


def test_the_addresses_of_the_box_are_what_the_gateway_said_last():
    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            assert box.carrier.addresses == ()
            for said in (("192.168.1.31",), ("10.0.0.2", "2001:db8::1")):
                await channel.send(link.Addresses(said))
                await channel.send(link.Broker(connected=True))  # taken in order: when this is, that was
                assert await box.broker.get() is True
                assert box.carrier.addresses == said
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


def test_what_a_gateway_says_reaches_the_vault():
    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            dropped = link.Dropped(None, "overflow", 3)
            for message in (REQUEST, dropped, link.Broker(connected=True)):
                await channel.send(message)
            assert await box.requests.get() == REQUEST
            assert await box.dropped.get() == dropped
            assert await box.broker.get() is True
            await channel.close()
            assert await box.ends.get() is None
            assert await box.broker.get() is False

    run(scenario())


def test_the_next_message_waits_until_a_request_is_taken_up():
    """A flood stays in the gateway and in the socket, never in the vault's memory."""

    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            box.free.clear()
            for message in (REQUEST, REQUEST, link.Broker(connected=True)):
                await channel.send(message)
            await box.requests.get()
            box.carrier.reply(HERE, b"news")  # what goes out does not wait
            assert (await channel.receive()).payload == b"news"
            assert (box.requests.empty(), box.broker.empty()) == (True, True)
            box.free.set()
            assert await box.requests.get() == REQUEST
            assert await box.broker.get() is True
            await channel.close()

    run(scenario())


def test_requests_come_no_faster_than_replies_leave(monkeypatch):
    monkeypatch.setattr(carrier, "BACKLOG", 3)
    backlogs = []

    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            take = box.take

            async def answer(request):
                backlogs.append(box.carrier._queue.qsize())
                for _ in range(20):
                    box.carrier.reply(HERE, b"x" * 100_000)
                await take(request)

            box.carrier._callbacks = dataclasses.replace(box.carrier._callbacks, request=answer)
            for _ in range(4):
                await channel.send(REQUEST)
            for count in range(1, 5):
                await receive(channel, 20)
                await box.requests.get()
                assert len(backlogs) >= count
            await channel.close()

    run(scenario())
    assert len(backlogs) == 4
    assert max(backlogs) <= 3


def test_a_gateway_may_leave_while_its_request_is_taken_up():
    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            box.free.clear()
            await channel.send(REQUEST)
            await box.requests.get()
            await channel.close()
            for text in (b"1", b"2", b"3"):
                box.carrier.reply(HERE, text * 1000)  # a send notices it
            await box.ends.get()
            box.free.set()
            channel, _ = await box.gateway()
            await channel.send(REQUEST)
            assert await box.requests.get() == REQUEST
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
