import asyncio
import contextlib
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from appliance.errors import LinkError
from appliance.link import channel as link_channel
from appliance.link.channel import connect, serve
from appliance.link.messages import LINE_LIMIT, Ack, Broker, Hello, Request, State, Welcome, encode

WELCOME = Welcome("cps-demo", "cpsr/v1", "b", "t", "1.0.0", b"{}")


@pytest.fixture
def path():
    with tempfile.TemporaryDirectory(prefix="cps-link-") as folder:  # short: a socket's path has 107 bytes
        yield Path(folder) / "link.sock"


def run(scenario):
    async def bounded():
        async with asyncio.timeout(20):
            return await scenario

    return asyncio.run(bounded())


class Ends:
    """A served path and both ends of one connection."""

    def __init__(self, path, *, raw=False):
        self.path = path
        self.raw = raw

    async def __aenter__(self):
        self.arrived = asyncio.Queue()
        self.over = asyncio.Event()

        async def on_peer(peer):
            self.arrived.put_nowait(peer)
            await self.over.wait()

        self.server = await serve(self.path, on_peer)
        if self.raw:
            self.reader, self.writer = await asyncio.open_unix_connection(self.path)
        else:
            self.gateway = await connect(self.path)
        self.vault = await self.arrived.get()
        return self

    async def __aexit__(self, *_):
        self.over.set()
        if self.raw:
            self.writer.close()
        else:
            await self.gateway.close()
        self.server.close()
        await self.server.wait_closed()


def test_messages_pass_both_ways_in_order(path):
    async def scenario():
        async with Ends(path) as ends:
            for seq in range(1, 50):
                await ends.gateway.send(Ack(seq))
            await ends.gateway.send(Broker(connected=True))
            await ends.vault.send(WELCOME)
            assert await ends.gateway.receive() == WELCOME
            assert [await ends.vault.receive() for _ in range(49)] == [Ack(seq) for seq in range(1, 50)]
            await ends.gateway.close()
            assert [message async for message in ends.vault] == [Broker(connected=True)]
            assert await ends.vault.receive() is None

    run(scenario())


def test_the_peer_is_known(path):
    async def scenario():
        async with Ends(path) as ends:
            peer = ends.vault.peer
            assert (peer.pid, peer.uid, peer.gid) == (os.getpid(), os.getuid(), os.getgid())
            assert ends.gateway.peer == peer

    run(scenario())


def test_the_socket_file_is_for_user_and_group(path):
    async def scenario():
        async with Ends(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o660

    run(scenario())


def test_the_longest_line_passes(path):
    async def scenario():
        async with Ends(path) as ends:
            message = State("card", b"x" * ((LINE_LIMIT - len(encode(State("card", b"")))) // 4 * 3))
            await ends.vault.send(message)
            assert await ends.gateway.receive() == message
            with pytest.raises(LinkError, match="at most"):
                await ends.vault.send(State("card", b"x" * LINE_LIMIT))
            await ends.vault.send(WELCOME)
            assert await ends.gateway.receive() == WELCOME

    run(scenario())


@pytest.mark.parametrize("sent", [
    b"hello\n", b'{"type":"welcome"}\n', b'{"type":"ack","seq":0}\n', b"\n", b"\xff\n", encode(WELCOME),
    b" " * (LINE_LIMIT + 1), b" " * LINE_LIMIT + b"\n",
], ids=range(8))  # fmt: skip
def test_a_broken_rule_closes_the_connection(path, sent):
    async def scenario():
        async with Ends(path, raw=True) as ends:
            ends.writer.write(encode(Hello("1")) + sent)
            assert await ends.vault.receive() == Hello("1")
            with pytest.raises(LinkError):
                await ends.vault.receive()
            with pytest.raises(LinkError, match="closed"):
                await ends.vault.send(WELCOME)
            with contextlib.suppress(ConnectionResetError):  # bytes we did not read were thrown away: closed as well
                assert await ends.reader.read() == b""

    run(scenario())


def test_half_a_line_is_a_broken_rule(path):
    async def scenario():
        async with Ends(path, raw=True) as ends:
            ends.writer.write(encode(Hello("1"))[:-1])
            ends.writer.write_eof()
            with pytest.raises(LinkError, match="middle of a line"):
                await ends.vault.receive()

    run(scenario())


def test_a_peer_that_is_gone(path):
    async def scenario():
        async with Ends(path) as ends:
            ends.gateway.abort()

            async def insist():
                while True:
                    await ends.vault.send(WELCOME)

            with pytest.raises(LinkError):
                await insist()

    run(scenario())


def test_a_slow_reader_slows_the_sender(path):
    async def scenario():
        async with Ends(path) as ends:
            sent = 0

            async def flood():
                nonlocal sent
                while True:
                    await ends.gateway.send(Request("prat", "sign", b"x" * 90_000, "t"))
                    sent += 1

            task = asyncio.create_task(flood())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await task
            assert 0 < sent < 20  # the kernel's buffer and one high-water mark, not memory without end

    run(scenario())


def test_closing_does_not_wait_for_a_peer_that_does_not_read(path, monkeypatch):
    monkeypatch.setattr(link_channel, "FLUSH", 0.1)

    async def scenario():
        async with Ends(path) as ends:

            async def insist():
                while True:
                    await ends.gateway.send(Request("prat", "sign", b"x" * 90_000, "t"))

            flood = asyncio.create_task(insist())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await asyncio.shield(flood)
            await ends.gateway.close()
            with pytest.raises(LinkError):
                await flood

    run(scenario())


def test_a_served_descriptor(path):
    async def scenario():
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen()
        async with Served(listener.detach(), path) as gateway:
            await gateway.send(Hello("1"))
            assert await gateway.receive() == WELCOME

    run(scenario())


class Served:
    def __init__(self, where, path):
        self.where, self.path = where, path

    async def __aenter__(self):
        async def on_peer(peer):
            assert await peer.receive() == Hello("1")
            await peer.send(WELCOME)

        self.server = await serve(self.where, on_peer)
        self.gateway = await connect(self.path)
        return self.gateway

    async def __aexit__(self, *_):
        await self.gateway.close()
        self.server.close()
        await self.server.wait_closed()


def test_a_peer_that_breaks_a_rule_is_closed_and_the_next_one_served(path, caplog):
    async def scenario():
        seen = []

        async def on_peer(peer):
            async for message in peer:
                seen.append(message)
                await peer.send(WELCOME)

        server = await serve(path, on_peer)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"nonsense\n")
        assert await reader.read() == b""
        writer.close()
        gateway = await connect(path)
        await gateway.send(Hello("1"))
        assert await gateway.receive() == WELCOME
        await gateway.close()
        server.close()
        await server.wait_closed()
        assert seen == [Hello("1")]

    run(scenario())
    assert "link closed: not a message of the link" in caplog.text
    assert "nonsense" not in caplog.text


def test_nobody_listens(path):
    with pytest.raises(LinkError, match="No such file"):
        run(connect(path))


def test_the_path_of_a_living_process_is_not_taken(path):
    async def scenario():
        async with Ends(path) as ends:
            with pytest.raises(LinkError, match="another process"):
                await serve(path, None)
            knock = await ends.arrived.get()  # to see whether somebody lives there
            assert await knock.receive() is None

    run(scenario())


def test_the_path_of_a_dead_process_is_replaced(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))

    async def scenario():
        async with Ends(path) as ends:
            await ends.gateway.send(Hello("1"))
            assert await ends.vault.receive() == Hello("1")

    run(scenario())


def test_a_file_in_the_way_is_kept(path):
    path.write_text("mine")
    with pytest.raises(LinkError):
        run(serve(path, None))
    assert path.read_text() == "mine"
