"""One MQTT 5 connection on paho, for asyncio (library-facts §3.4).

What it is: one paho client for one TCP connection, on paho's own thread, whose callbacks only enqueue to the loop.
What it is not: a reconnector or a queue: paho resends unacknowledged messages of an old connection by itself, which
would double ours, so each connection is a new client and ``gateway.service`` decides what is sent again.
Rule: publish only while connected; a publication is over at PUBACK, at its refusal, or when the connection is lost. A
request is acknowledged to the broker when the vault has it; until then it fills one of ``SLOTS``.
"""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from appliance.contract.limits import PACKET
from appliance.errors import ApplianceError
from appliance.gateway import packets
from appliance.gateway.bridge import Arrival, Publication

log = logging.getLogger(__name__)

SLOTS: Final = 32
"""Requests held at once."""

STALL: Final = 2.0
"""Seconds to wait for a free slot; what still finds none is dropped and counted."""

KEEPALIVE: Final = 30
ANSWER: Final = 10.0
"""Seconds for CONNACK and SUBACK."""

FAREWELL: Final = 2.0
"""Seconds for DISCONNECT to leave."""


class BrokerError(ApplianceError):
    """The broker cannot be reached, refuses us, or the connection was lost."""

    code = "broker-away"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker is, and how we are known there."""

    host: str
    port: int
    client_id: str
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An arrival that holds a slot until it is settled."""

    arrival: Arrival
    mid: int
    qos: int
    connection: "Connection"

    def settle(self) -> None:
        """Tell the broker that the message has been taken over, and free the slot."""
        self.connection.settle(self)


class Connection:
    """One connection, from CONNECT to its loss. All methods are for the loop's thread.

    Args:
        endpoint: the broker.
        will: the last will; retained.
        inbox: where deliveries go.
        on_lost: called once in the loop's thread when an opened connection is over, before pending publications fail.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        will: Publication,
        inbox: "asyncio.Queue[Delivery]",
        on_lost: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._endpoint = endpoint
        self._inbox = inbox
        self._on_lost = on_lost
        self._slots = threading.BoundedSemaphore(SLOTS)
        self._overflowed = 0
        self._pending: dict[int, asyncio.Future[ReasonCode]] = {}
        self._connack: asyncio.Future[ReasonCode] = self._loop.create_future()
        self._largest = PACKET
        self._ended = asyncio.Event()
        self._client = self._prepare(will)

    # --- for the service ------------------------------------------------------------------------------------------

    async def open(self, subscription: str | None) -> None:
        """Connect, and subscribe with QoS 1 when there is something to subscribe to.

        Raises:
            BrokerError: not reached, or refused; the connection is closed then.
        """
        try:
            await self._dial()
            async with asyncio.timeout(ANSWER):
                await self._accepted(self._connack, "connection")
                if subscription is not None:
                    await self._accepted(self._subscribe(subscription), "subscription")
        except TimeoutError:
            await self.close()
            raise BrokerError("no answer in time") from None
        except (BrokerError, asyncio.CancelledError):
            await self.close()
            raise

    async def publish(self, publication: Publication) -> bool:
        """Publish; True at PUBACK, False when the broker refuses it or would not take its size.

        Raises:
            BrokerError: the connection is lost; the broker may have it or not.
        """
        if self._ended.is_set():
            raise BrokerError("not connected")
        if len(publication.payload) + len(publication.topic) > self._largest:
            log.error("the broker takes no %d bytes on %s", len(publication.payload), publication.topic)
            return False
        message = self._client.publish(
            publication.topic,
            publication.payload,
            publication.qos,
            publication.retain,
            packets.publish(publication),
        )
        if message.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(f"publish: {paho.error_string(message.rc)}")
        # on_publish comes through the loop, so it cannot run before this line
        answer = self._pending[message.mid] = self._loop.create_future()
        try:
            reason = await answer
        finally:
            self._pending.pop(message.mid, None)
        if reason.is_failure:
            log.error("the broker refuses %s: %s", publication.topic, reason)
        return not reason.is_failure

    def settle(self, delivery: Delivery) -> None:
        """See ``Delivery.settle``."""
        if not self._ended.is_set():
            self._client.ack(delivery.mid, delivery.qos)
        self._slots.release()

    def take_overflow(self) -> int:
        """How many messages were dropped for want of a slot since the last call."""
        count, self._overflowed = self._overflowed, 0
        return count

    async def close(self) -> None:
        """Disconnect without the will, and wait for paho's thread to end. Safe to call again."""
        self._client.disconnect()
        if self._connack.done() and not self._ended.is_set():
            try:
                async with asyncio.timeout(FAREWELL):
                    await self._ended.wait()
            except TimeoutError:
                log.warning("the broker did not take our DISCONNECT")
                self._cut()
        await asyncio.to_thread(self._client.loop_stop)
        self._end("closed")

    # --- inside ---------------------------------------------------------------------------------------------------

    def _prepare(self, will: Publication) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._endpoint.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = 5.0
        if self._endpoint.tls is not None:
            client.tls_set_context(self._endpoint.tls)
        client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    async def _dial(self) -> None:
        properties = packets.connect()

        def dial() -> None:  # DNS, TCP and TLS block
            self._client.connect(
                self._endpoint.host, self._endpoint.port, KEEPALIVE, clean_start=True, properties=properties
            )

        attempt = self._loop.run_in_executor(None, dial)
        try:
            await asyncio.shield(attempt)
        except asyncio.CancelledError:
            await asyncio.wait([attempt])  # a thread cannot be cancelled: at most connect_timeout
            raise
        except (OSError, ValueError) as error:
            raise BrokerError(f"{self._endpoint.host}:{self._endpoint.port}: {error}") from error
        self._client.loop_start()

    def _subscribe(self, subscription: str) -> "asyncio.Future[ReasonCode]":
        rc, mid = self._client.subscribe(subscription, options=packets.subscribe())
        if mid is None or rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(f"subscribe: {paho.error_string(rc)}")
        answer = self._pending[mid] = self._loop.create_future()
        return answer

    async def _accepted(self, answer: "asyncio.Future[ReasonCode]", what: str) -> None:
        reason = await answer
        if reason.is_failure:
            raise BrokerError(f"{what} refused: {reason}")

    def _cut(self) -> None:
        """Break the TCP connection: else paho's thread would wait for room to write."""
        plug = self._client.socket()
        if isinstance(plug, socket.socket):
            with suppress(OSError):  # broken already, as wanted
                plug.shutdown(socket.SHUT_RDWR)

    def _end(self, why: str) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        self._on_lost()
        for answer in (self._connack, *self._pending.values()):
            if not answer.done():
                answer.set_exception(BrokerError(why))
                answer.exception()  # one that nobody awaits any more is no news
        self._pending.clear()

    def _resolve(self, answer: "asyncio.Future[ReasonCode] | None", reason: ReasonCode) -> None:
        if answer is not None and not answer.done():
            answer.set_result(reason)

    def _resolve_mid(self, mid: int, reason: ReasonCode) -> None:
        self._resolve(self._pending.pop(mid, None), reason)

    def _note_limits(self, properties: Properties | None) -> None:
        self._largest = packets.largest(properties)

    # --- on paho's thread: enqueue, nothing else ------------------------------------------------------------------

    def _on_connect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._note_limits, properties)
        self._loop.call_soon_threadsafe(self._resolve, self._connack, reason)

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._end, str(reason))

    def _on_subscribe(
        self, _client: paho.Client, _data: object, mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._resolve_mid, mid, reasons[0])

    def _on_publish(
        self, _client: paho.Client, _data: object, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._resolve_mid, mid, reason)

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        # All slots taken: this thread reads no further, and TCP slows the broker down. A vault takes milliseconds.
        if not self._slots.acquire(timeout=STALL):
            self._overflowed += 1
            client.ack(message.mid, message.qos)
            return
        delivery = Delivery(packets.arrival(message), message.mid, message.qos, self)
        self._loop.call_soon_threadsafe(self._inbox.put_nowait, delivery)
