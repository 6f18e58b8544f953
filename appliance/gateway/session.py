"""One link session: the tasks that carry between the vault's link and the broker.

What it is: asyncio around ``gateway.bridge``. What it is not: a place that decides or keeps anything: state messages
are kept in memory for the next connection, events and replies until PUBACK, nothing on disk.
Rule: an MQTT connection lives inside a link session, because the last will names the vault's boot; events and replies
go out one by one, each acknowledged to the vault after PUBACK and never before; only events wait for one another.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine  # noqa: TC003 - one rule for all annotations here
from typing import Final

from appliance.contract.state import OfflineReason
from appliance.errors import LinkError
from appliance.gateway.addresses import own_addresses
from appliance.gateway.backoff import delays
from appliance.gateway.bridge import Bridge, Publication, Refusal
from appliance.gateway.mqtt import BrokerError, Connection, Delivery, Endpoint
from appliance.link.channel import Channel
from appliance.link.messages import (
    EVENT_WINDOW,
    Ack,
    Addresses,
    Broker,
    Dropped,
    Event,
    FromVault,
    Reply,
    ReplyAck,
    State,
    Status,
    Welcome,
)

log = logging.getLogger(__name__)

REPLY_WINDOW: Final = 512
"""Replies that may wait for the broker. Before one more the link is not read: the vault slows down."""

FAREWELL: Final = 2.0
"""Seconds for the broker to take our last ``status``."""

REFUSED_PAUSE: Final = 10.0
"""Seconds before what the broker refused is tried again: an ACL may be mended."""

BROKER_DELAYS: Final = (1.0, 60.0)


class Session:
    """From one ``Welcome`` to the end of the link.

    Raises:
        LinkError: from the constructor, when the welcome names an impossible topic; from ``run``, when the link broke.
    """

    def __init__(self, channel: Channel[FromVault], welcome: Welcome, endpoint: Endpoint, *, subscribes: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._endpoint = endpoint
        self._bridge = bridge = Bridge.of(welcome)
        self._subscription = bridge.topics.request_filter if subscribes else None
        self._retained: dict[str, Publication] = {}
        self._stale: dict[str, Publication] = {}
        self._retain(bridge.status("online"))
        self._retain(bridge.info(welcome.info))
        self._changed = asyncio.Event()
        self._events: asyncio.Queue[Event] = asyncio.Queue(EVENT_WINDOW)
        self._replies: asyncio.Queue[tuple[Reply, float]] = asyncio.Queue(REPLY_WINDOW)
        self._inbox: asyncio.Queue[Delivery] = asyncio.Queue()  # bounded by the connection's slots
        self._answers: set[asyncio.Task[None]] = set()
        self._connection: Connection | None = None
        self._live = asyncio.Event()
        log.info("vault %s, last acknowledged event %d", welcome.device, welcome.last_acked)

    async def run(self, stop: asyncio.Event) -> None:
        """Carry until the link ends or ``stop`` is set, then say on ``status`` why, and disconnect."""
        work: tuple[Coroutine[None, None, object], ...] = (
            stop.wait(),
            self._read_link(),
            self._keep_broker(),
            self._carry_requests(),
            self._carry_events(),
            self._carry_replies(),
        )
        tasks = [asyncio.create_task(job) for job in work]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, *self._answers):
                task.cancel()
            results = await asyncio.gather(*tasks, *self._answers, return_exceptions=True)
            await self._say_goodbye("stopped" if stop.is_set() else "vault")
        for result in results:
            if isinstance(result, Exception):
                raise result

    # --- link -> MQTT ---------------------------------------------------------------------------------------------

    async def _read_link(self) -> None:
        async for message in self._channel:
            await self._take(message)
        log.info("the vault closed the link")

    async def _take(self, message: FromVault) -> None:
        match message:
            case State():
                self._retain(self._bridge.state(message))
                self._changed.set()
            case Status():
                self._retain(self._bridge.status(message.state))
                self._changed.set()
            case Event():
                await self._events.put(message)
            case Reply():
                await self._replies.put((message, self._loop.time()))
            case Welcome():
                raise LinkError("a second welcome")

    def _retain(self, publication: Publication) -> None:
        self._retained[publication.topic] = publication
        self._stale[publication.topic] = publication

    async def _carry_events(self) -> None:
        while True:
            event = await self._events.get()
            await self._deliver(self._bridge.event(event))
            await self._channel.send(Ack(event.seq))

    async def _carry_replies(self) -> None:
        """One after the other; what the broker refuses goes to the back, so that it holds up nobody else's."""
        while True:
            reply, since = await self._replies.get()
            accepted = await self._try_reply(reply, since)
            if accepted is None:
                log.warning("reply %d expired before the broker had it", reply.delivery)
            elif accepted:
                await self._channel.send(ReplyAck(reply.delivery))
            else:
                self._loop.call_later(REFUSED_PAUSE, self._put_back, reply, since)

    async def _try_reply(self, reply: Reply, since: float) -> bool | None:
        """Publish a reply, over as many connections as it takes: whether the broker took it; None: its life is over."""
        while True:
            while self._connection is None or not self._live.is_set():
                await self._live.wait()
            publication = self._bridge.reply(reply, self._loop.time() - since)
            if publication is None:
                return None
            try:
                return await self._connection.publish(publication)
            except BrokerError as error:
                log.debug("to be sent again: %s", error)

    def _put_back(self, reply: Reply, since: float) -> None:
        """For another try of what was refused: an ACL may be mended. The vault keeps what matters in any case."""
        if self._replies.full():
            log.warning("reply %d is refused and given up", reply.delivery)
        else:
            self._replies.put_nowait((reply, since))

    async def _deliver(self, publication: Publication) -> None:
        """Publish an event until the broker has it: events keep their order, whatever it costs."""
        while True:
            while self._connection is None or not self._live.is_set():
                await self._live.wait()
            try:
                if await self._connection.publish(publication):
                    return
            except BrokerError as error:
                log.debug("to be sent again: %s", error)
            else:
                await asyncio.sleep(REFUSED_PAUSE)

    # --- MQTT -> link ---------------------------------------------------------------------------------------------

    async def _carry_requests(self) -> None:
        while True:
            delivery = await self._inbox.get()
            verdict = self._bridge.arrive(delivery.arrival)
            match verdict:
                case None:
                    log.info("a message on no request topic")
                case Refusal():
                    log.info("dropped a message of %s: %s", verdict.dropped.client, verdict.dropped.reason)
                    await self._channel.send(verdict.dropped)
                    self._answer(delivery.connection, verdict.answer)
                case _:
                    await self._channel.send(verdict)
            delivery.settle()
            lost = delivery.connection.take_overflow()
            if lost:
                log.warning("%d messages came too fast and were dropped", lost)
                await self._channel.send(Dropped(None, "overflow", lost))

    def _answer(self, connection: Connection, answer: Publication | None) -> None:
        """Beside the stream of requests: its PUBACK may have to wait until they have been taken."""
        if answer is not None:
            task = asyncio.create_task(self._publish_answer(connection, answer))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    async def _publish_answer(self, connection: Connection, answer: Publication) -> None:
        try:
            await connection.publish(answer)
        except BrokerError as error:
            log.info("a refusal was not sent: %s", error)

    # --- the broker -----------------------------------------------------------------------------------------------

    async def _keep_broker(self) -> None:
        await self._channel.send(Broker(connected=False))
        await self._channel.send(Addresses(own_addresses()))
        waits = delays(*BROKER_DELAYS, random.random)
        while True:
            connection = Connection(self._endpoint, self._bridge.offline("lwt"), self._inbox, self._lose)
            opened = False
            try:
                await connection.open(self._subscription)
                opened = True
                self._connection = connection
                self._stale = dict(self._retained)
                await self._publish_stale(connection)
                waits = delays(*BROKER_DELAYS, random.random)
                await self._stay(connection)
            except BrokerError as error:
                log.warning("broker: %s", error)
            if opened:
                await connection.close()
                await self._channel.send(Broker(connected=False))
            await asyncio.sleep(next(waits))

    async def _stay(self, connection: Connection) -> None:
        log.info("broker connected")
        self._live.set()
        await self._channel.send(Broker(connected=True))
        await self._channel.send(Addresses(own_addresses()))
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._publish_stale(connection)

    async def _publish_stale(self, connection: Connection) -> None:
        while self._stale:
            topic = next(iter(self._stale))
            await connection.publish(self._stale.pop(topic))

    def _lose(self) -> None:
        """The connection is over: nobody publishes, and ``_stay`` finds out by its next publication."""
        self._live.clear()
        self._connection = None
        self._stale = dict(self._retained)
        self._changed.set()

    async def _say_goodbye(self, reason: OfflineReason) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            async with asyncio.timeout(FAREWELL):
                await connection.publish(self._bridge.offline(reason))
        except (BrokerError, TimeoutError) as error:
            log.warning("the broker did not take our farewell: %s", error or "no answer in time")
        await connection.close()
