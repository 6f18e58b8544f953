"""The vault's end of the link: replies and states, and which of them wait for a gateway."""

import asyncio

from carrier_kit import HERE, REQUEST, receive, run, vault

from appliance.link import messages as link
from appliance.link.channel import connect
from appliance.vault import carrier
from appliance.vault.carrier import FINAL_EXPIRY, PROGRESS_EXPIRY, Address


def test_states_and_finals_that_wait_are_told_to_whoever_comes_next():
    async def scenario():
        async with vault() as box:
            box.carrier.state("reader", b'{"state":"absent"}')
            box.carrier.state("card", b'{"presence":"absent"}')
            box.carrier.state("reader", b'{"state":"attached"}')
            box.carrier.reply(HERE, b"lost")
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
            box.carrier.reply(HERE, b"next")
            assert (await channel.receive()).payload == b"next"
            await channel.close()

    run(scenario())


def test_replies_and_states_pass_while_a_gateway_is_here():
    async def scenario():
        async with vault() as box:
            channel, _ = await box.gateway()
            await channel.send(REQUEST)
            await box.requests.get()
            one = box.carrier.reply(HERE, b"progress")
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


def test_a_result_waits_like_a_final_answer():
    async def scenario():
        async with vault() as box:
            box.carrier.reply(HERE, b"news")
            first = box.carrier.reply(HERE, b"result", kept=True)
            last = box.carrier.reply(HERE, b"end", final=True)
            wanted = [
                link.Reply(first, HERE.topic, b"c", b"result", FINAL_EXPIRY, final=False),
                link.Reply(last, HERE.topic, b"c", b"end", FINAL_EXPIRY, final=True),
            ]
            for _ in range(2):
                channel, _ = await box.gateway()
                assert await receive(channel, 2) == wanted
                await channel.close()
                await box.ends.get()
            channel, _ = await box.gateway()
            await receive(channel, 2)
            await channel.send(link.ReplyAck(first))
            assert await box.delivered.get() == first
            await channel.close()
            await box.ends.get()
            channel, _ = await box.gateway()
            assert await receive(channel, 1) == wanted[1:]
            await channel.close()

    run(scenario())


def test_how_the_box_is_is_told_when_it_changes_and_to_whoever_comes_next():
    async def scenario():
        async with vault() as box:
            box.carrier.status("online")
            channel, _ = await box.gateway()
            assert await channel.receive() == link.Status("online")
            box.carrier.status("online")  # unchanged: not sent
            box.carrier.status("degraded")
            assert await channel.receive() == link.Status("degraded")
            await channel.close()
            await box.ends.get()
            box.carrier.state("card", b"{}")
            channel, _ = await box.gateway()
            assert await receive(channel, 2) == [link.Status("degraded"), link.State("card", b"{}")]
            await channel.close()

    run(scenario())
