"""The vault's end of the link: one gateway, what goes to it, and what must reach it in the end.

What it is: asyncio around one ``link.channel``: replies that wait for their acknowledgement, retained states, the
stream of events from the journal. What it is not: a reader of requests (they go to ``on_request`` as they came).
Rule: a result or a final reply is sent until the gateway acknowledges it; an event until the broker has it.
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
WAITING = 1024
"""Results and final replies kept for a gateway that is away; the oldest gives way."""
HELLO = 5.0
"""Seconds for a gateway's first word; a silent one keeps no other out."""
BATCH = 50
QUEUE = 1024
BACKLOG = 64
"""Messages that may wait for the gateway before the next request is read."""


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


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Where what the gateway brings goes.

    ``request`` returns when the request has been taken up; ``broker`` hears its coming and going, ``delivered`` the
    number of a reply that the broker has, ``dropped`` what was not carried.
    """

    request: Callable[[link.Request], Awaitable[None]]
    broker: Callable[[bool], None]
    delivered: Callable[[int], Awaitable[None]]
    dropped: Callable[[link.Dropped], Awaitable[None]]


class Carrier:
    """Everything that passes the link, from the vault's side; ``addresses`` are the box's, as the gateway said last."""

    def __init__(
        self,
        welcome: link.Welcome,
        outbox: Outbox,
        callbacks: Callbacks,
    ) -> None:
        self._welcome = welcome
        self._outbox = outbox
        self._callbacks = callbacks
        self._deliveries = 0
        self._waiting: dict[int, link.Reply] = {}
        self._states: dict[str, link.State | link.Status] = {}
        self.addresses: tuple[str, ...] = ()
        self._taken = False
        self._queue: asyncio.Queue[link.FromVault | None] | None = None
        self._more = asyncio.Event()
        self._drained = asyncio.Event()

    def reply(self, to: Address, payload: bytes, *, final: bool = False, kept: bool = False) -> int:
        """Send a reply; a final or kept one until it is acknowledged. Returns its delivery number."""
        self._deliveries += 1
        expiry = FINAL_EXPIRY if final or kept else PROGRESS_EXPIRY
        message = link.Reply(self._deliveries, to.topic, to.correlation, payload, expiry, final)
        if final or kept:
            self._waiting[self._deliveries] = message
            while len(self._waiting) > WAITING:
                self._waiting.pop(next(iter(self._waiting)))
        self._put(message)
        return self._deliveries

    def status(self, state: link.BoxState) -> None:
        """How the box is as a whole; a gateway takes it for online until told otherwise."""
        self._keep("", link.Status(state))

    def state(self, name: link.StateName, payload: bytes) -> None:
        """The new content of a retained state; unchanged content is not sent again."""
        self._keep(name, link.State(name, payload))

    def _keep(self, name: str, message: link.State | link.Status) -> None:
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
            self._callbacks.broker(False)

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
            self._drained.set()
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

    async def _room(self) -> None:
        """Wait until the gateway has taken most of what it was sent: requests come no faster than replies leave."""
        while self._queue is not None and self._queue.qsize() > BACKLOG:
            self._drained.clear()
            await self._drained.wait()

    async def _receive(self, channel: Channel[link.FromGateway]) -> None:
        async for message in channel:
            match message:
                case link.Request():
                    await self._callbacks.request(message)  # the next one waits: a flood fills no memory here
                    await self._room()
                case link.Ack(seq):
                    await self._acknowledge(seq)
                case link.ReplyAck(delivery):
                    if self._waiting.pop(delivery, None) is not None:
                        await self._callbacks.delivered(delivery)
                case link.Broker(connected):
                    self._callbacks.broker(connected)
                case link.Addresses(addresses):
                    self.addresses = addresses
                case link.Dropped():
                    await self._callbacks.dropped(message)
                case link.Hello():
                    raise LinkError("hello is said once")
