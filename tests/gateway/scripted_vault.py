"""A vault that says what a test tells it to: the other end of the link, on a thread of its own.

It keeps the promises of the real one that a gateway may rely on: Welcome after Hello, then states, the events after
its cursor, and the final replies that nobody acknowledged.
"""

import asyncio
import threading
from pathlib import Path

from appliance.link.channel import Channel, serve
from appliance.link.messages import Ack, Event, Hello, Reply, ReplyAck, State, Welcome

PATIENCE = 30.0


class ScriptedVault:
    def __init__(self, path: Path, device: str = "cps-demo", boot_id: str = "boot-1") -> None:
        self.path = path
        self.device = device
        self.boot_id = boot_id
        self.greets = True
        self.received = []  # everything from gateways, in order, across connections
        self.states = {}
        self.events = []
        self.finals = {}
        self.cursor = 0
        self.connections = 0
        self._news = threading.Condition()
        self._channel: Channel | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted-vault")

    # --- life -----------------------------------------------------------------------------------------------------

    def __enter__(self):
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_):
        self.leave()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def listen(self):
        self._call(self._listen())

    def leave(self):
        """As a vault that stops: nobody listens, the connection ends."""
        self._call(self._leave())

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    async def _listen(self):
        self._server = await serve(self.path, self._on_peer)

    async def _leave(self):
        self._server.close()
        self.path.unlink(missing_ok=True)
        if self._channel is not None:
            await self._channel.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE)

    # --- what the test says -----------------------------------------------------------------------------------------

    def event(self, seq, domain="card", name="inserted", payload=None):
        message = Event(seq, domain, name, payload or b'{"seq":%d}' % seq)
        self.events.append(message)
        self._say(message)

    def reply(self, message: Reply):
        if message.final:
            self.finals[message.delivery] = message
        self._say(message)

    def state(self, name, payload):
        self.states[name] = State(name, payload)
        self._say(self.states[name])

    def say(self, message):
        self._say(message)

    def cut(self):
        """The link breaks, and the vault goes on listening."""
        self._call(self._cut())

    async def _cut(self):
        self._channel.abort()

    def _say(self, message):
        self._call(self._send(message))

    async def _send(self, message):
        if self._channel is not None:
            await self._channel.send(message)

    # --- what the test waits for --------------------------------------------------------------------------------------

    def wait(self, wanted, count=1):
        """The first ``count`` received messages that are ``wanted``, a type or a value."""

        def holds(message):
            return isinstance(message, wanted) if isinstance(wanted, type) else message == wanted

        found = []

        def enough():
            found[:] = [message for message in self.received if holds(message)]
            return len(found) >= count

        with self._news:
            assert self._news.wait_for(enough, PATIENCE), f"{wanted}: not in {self.received}"
        return found[0] if count == 1 else found

    def forget(self):
        with self._news:
            self.received.clear()

    # --- the link -----------------------------------------------------------------------------------------------------

    async def _on_peer(self, channel):
        hello = await channel.receive()
        self._note(hello)
        if not isinstance(hello, Hello) or not self.greets:
            return
        self.connections += 1
        await channel.send(
            Welcome(
                self.device, "cpsr/v1", self.boot_id, "2026-11-23T10:00:00Z", "1.0.0", b'{"software":"x"}', self.cursor
            )
        )
        for message in self.states.values():
            await channel.send(message)
        for event in [event for event in self.events if event.seq > self.cursor]:
            await channel.send(event)
        for message in list(self.finals.values()):
            await channel.send(message)
        self._channel = channel
        try:
            async for message in channel:
                match message:
                    case Ack(seq):
                        self.cursor = max(self.cursor, seq)
                    case ReplyAck(delivery):
                        self.finals.pop(delivery, None)
                self._note(message)
        finally:
            self._channel = None

    def _note(self, message):
        with self._news:
            self.received.append(message)
            self._news.notify_all()
