"""A carrier behind a real socket, over a real journal, and a gateway that a test speaks for."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

from appliance.errors import LinkError
from appliance.link import messages as link
from appliance.link.channel import connect, serve
from appliance.vault.carrier import Address, Callbacks, Carrier
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
        self.dropped, self.ends = asyncio.Queue(), asyncio.Queue()
        self.free = asyncio.Event()
        self.free.set()
        callbacks = Callbacks(self.take, self.broker.put_nowait, self.delivered.put, self.dropped.put)
        self.carrier = Carrier(WELCOME, scribe, callbacks)

    async def take(self, request):
        """As the service does: a request is taken up when its turn has come."""
        await self.requests.put(request)
        await self.free.wait()

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
