"""The vault's end of the link: one gateway, what goes to it, and what must reach it in the end.

What it is: asyncio around one ``link.channel``: replies that wait for their acknowledgement, retained states, the
stream of events from the journal. What it is not: a reader of requests (they go to ``on_request`` as they came).
Rule: a final reply is sent until the gateway acknowledges it; an event until the broker has it; nothing else is kept.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from appliance.errors import JournalError, LinkError
from appliance.link import messages as link
from appliance.link.channel import Channel
from appliance.vault.journal import Row

log = logging.getLogger(__name__)

FINAL_EXPIRY = 3600
PROGRESS_EXPIRY = 300
"""Seconds a broker keeps a reply for software that is away."""
WAITING = 256
"""Final replies kept for a gateway that is away; the oldest gives way."""
HELLO = 5.0
"""Seconds for a gateway's first word; a silent one keeps no other out."""
BATCH = 50
QUEUE = 1024


@dataclass(frozen=True, slots=True)
class Address:
    """Where a reply goes: MQTT 5 Response Topic and Correlation Data of the request."""

    topic: str
    correlation: bytes | None


class Outbox(Protocol):
    """What the carrier needs of the journal, awaitable."""

    def pending(self, after: int, limit: int) -> Awaitable[list[Row]]:
        """Events above ``after``, in order."""

    def acknowledge(self, seq: int) -> Awaitable[None]:
        """The broker has every event up to ``seq``."""

    def acknowledged(self) -> Awaitable[int]:
        """The highest number the broker has."""


class Carrier:
    """Everything that passes the link, from the vault's side."""

    def __init__(
        self,
        welcome: link.Welcome,
        outbox: Outbox,
        on_request: Callable[[link.Request], None],
        on_broker: Callable[[bool], None],
        on_delivered: Callable[[int], Awaitable[None]],
    ) -> None:
        self._welcome = welcome
        self._outbox = outbox
        self._on_request = on_request
        self._on_broker = on_broker
        self._on_delivered = on_delivered
        self._deliveries = 0
        self._waiting: dict[int, link.Reply] = {}
        self._states: dict[str, link.State] = {}
        self._taken = False
        self._queue: asyncio.Queue[link.FromVault | None] | None = None
        self._more = asyncio.Event()

    def reply(self, to: Address, payload: bytes, *, final: bool) -> int:
        """Send a reply; a final one is kept until it is acknowledged. Returns its delivery number."""
        self._deliveries += 1
        expiry = FINAL_EXPIRY if final else PROGRESS_EXPIRY
        message = link.Reply(self._deliveries, to.topic, to.correlation, payload, expiry, final)
        if final:
            self._waiting[self._deliveries] = message
            while len(self._waiting) > WAITING:
                self._waiting.pop(next(iter(self._waiting)))
        self._put(message)
        return self._deliveries

    def state(self, name: link.StateName, payload: bytes) -> None:
        """The new content of a retained state; unchanged content is not sent again."""
        message = link.State(name, payload)
        if self._states.get(name) != message:
            self._states[name] = message
            self._put(message)

    def wake(self) -> None:
        """There are new events in the journal."""
        self._more.set()

    async def meet(self, channel: Channel[link.FromGateway]) -> None:
        """Serve one gateway until it leaves; a second one is turned away at once.

        Raises:
            LinkError: it broke the link's rules.
        """
        if self._taken:
            raise LinkError("a gateway is here already")
        self._taken = True
        try:
            cursor = await self._greet(channel)
            work = [
                asyncio.ensure_future(part)
                for part in (self._send(channel), self._stream(channel, cursor), self._receive(channel))
            ]
            try:
                ended, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for part in work:
                    part.cancel()
                await asyncio.gather(*work, return_exceptions=True)
            for part in ended:
                part.result()
            log.info("the gateway left")
        finally:
            self._taken, self._queue = False, None
            self._on_broker(False)

    async def _greet(self, channel: Channel[link.FromGateway]) -> int:
        """Hello, Welcome; the event cursor of this moment."""
        try:
            async with asyncio.timeout(HELLO):
                hello = await channel.receive()
        except TimeoutError:
            raise LinkError("a gateway says hello at once") from None
        if not isinstance(hello, link.Hello):
            raise LinkError("a gateway says hello first")
        acknowledged = await self._outbox.acknowledged()
        await channel.send(msgspec.structs.replace(self._welcome, last_acked=acknowledged))
        log.info("gateway %s is here", hello.version)
        return acknowledged

    def _put(self, message: link.FromVault) -> None:
        if self._queue is None:
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:  # the link ends there: states and finals are sent anew to the next gateway
            self._queue.get_nowait()
            self._queue.put_nowait(None)

    async def _send(self, channel: Channel[link.FromGateway]) -> None:
        """What is kept, once, then what comes: the queue begins where the copy of the kept ends."""
        queue: asyncio.Queue[link.FromVault | None] = asyncio.Queue(QUEUE)
        self._queue = queue
        kept: list[link.FromVault] = [*self._states.values(), *self._waiting.values()]
        for message in kept:
            await channel.send(message)
        while (come := await queue.get()) is not None:
            await channel.send(come)
        raise LinkError("the gateway is too slow")

    async def _stream(self, channel: Channel[link.FromGateway], cursor: int) -> None:
        """Events in order, from the last one the broker has acknowledged."""
        while True:
            self._more.clear()
            rows = await self._outbox.pending(cursor, BATCH)
            for row in rows:
                await channel.send(link.Event(row.seq, row.domain, row.name, row.payload))
                cursor = row.seq
            if not rows:
                await self._more.wait()

    async def _acknowledge(self, seq: int) -> None:
        try:
            await self._outbox.acknowledge(seq)
        except JournalError as error:  # a number that was never given: the gateway makes things up
            raise LinkError(str(error)) from error

    async def _receive(self, channel: Channel[link.FromGateway]) -> None:
        async for message in channel:
            match message:
                case link.Request():
                    self._on_request(message)
                case link.Ack(seq):
                    await self._acknowledge(seq)
                case link.ReplyAck(delivery):
                    if self._waiting.pop(delivery, None) is not None:
                        await self._on_delivered(delivery)
                case link.Broker(connected):
                    self._on_broker(connected)
                case link.Dropped(client, reason, count):
                    log.warning("%d requests of %s were not carried: %s", count, client or "several", reason)
                case link.Hello():
                    raise LinkError("hello is said once")
