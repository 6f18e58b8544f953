"""Requests and events over MQTT 5, for practice software (contract, *Requests*).

What it is: a small synchronous, thread-safe client on paho; replies come as an iterator, events through a queue or a
callback. What it is not: a judge of what it carries: values are the contract's JSON objects.
Rule: every request names a Response Topic of this client, carries fresh Correlation Data and lives ``REQUEST_EXPIRY``
seconds at the broker; nothing polls.
"""

import json
import logging
import secrets
import ssl
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from appliance.client.replies import Replies, Reply, TransportError
from appliance.contract import MAJOR
from appliance.contract.limits import PACKET, REQUEST_EXPIRY
from appliance.contract.topics import DEFAULT_PREFIX, Topics

__all__ = ["PORTS", "Client", "Message", "Reply", "TransportError"]

log = logging.getLogger(__name__)

PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE: Final = 30
EVENTS: Final = 1000
"""Events that wait for ``events``; the oldest goes first when nobody takes them."""


@dataclass(frozen=True, slots=True)
class Message:
    """What came on a topic; ``body`` is the decoded JSON. ``topic`` is below the device: ``evt/card/inserted``."""

    topic: str
    body: Any
    retained: bool


class Client:
    """One connection of a practice software to one box; a context manager.

    Args:
        url: ``mqtt://host:port`` or ``mqtts://host:port``.
        device: the box's id.
        client: this software's name, ``[a-z0-9-]{4,40}``.
        prefix: the topics' prefix.
        tls: a context for ``mqtts``; the system's authorities by default.
        on_message: called on the network thread for ``evt``, ``status``, ``info`` and ``state``; it must not block.

    Raises:
        ValueError: a name that cannot stand in a topic, or another kind of url.
    """

    def __init__(  # noqa: PLR0913 -- what a connection needs, by keyword
        self,
        url: str,
        device: str,
        client: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        tls: ssl.SSLContext | None = None,
        on_message: Callable[[Message], None] | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("url is mqtt://host:port or mqtts://host:port")
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self.topics = Topics(prefix, device)
        self.client = client
        self._replies_filter = self.topics.reply(client) + "/#"
        self._on_message_callback = on_message
        self._replies = Replies()
        self._events: deque[Message] = deque(maxlen=EVENTS)
        self._state = threading.Condition()
        self._subscribed = False
        self._refusal: str | None = None
        self._latest: dict[str, Any] = {}
        self._paho = self._prepare(
            (tls or ssl.create_default_context()) if parts.scheme == "mqtts" else None,
        )

    # --- connection -----------------------------------------------------------------------------------------------

    def open(self, timeout: float = 10.0) -> None:
        """Connect and subscribe.

        Raises:
            TransportError: not within ``timeout`` seconds.
        """
        properties = _empty(PacketTypes.CONNECT)
        properties.MaximumPacketSize = PACKET
        try:
            self._paho.connect(self._host, self._port, KEEPALIVE, clean_start=True, properties=properties)
        except OSError as error:
            raise TransportError(f"{self._host}:{self._port}: {error}") from error
        self._paho.loop_start()
        with self._state:
            done = self._state.wait_for(lambda: self._subscribed or self._refusal is not None, timeout)
        if not done or self._refusal is not None:
            self.close()
            raise TransportError(self._refusal or "no answer of the broker in time")

    def close(self) -> None:
        """Disconnect; safe to call again."""
        self._paho.disconnect()
        self._paho.loop_stop()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- requests -------------------------------------------------------------------------------------------------

    def request(self, verb: str, body: Mapping[str, Any] | None = None, timeout: float = 330.0) -> Iterator[Reply]:
        """Send a request and give its replies as they come, the final one last.

        ``v`` and ``id`` are added when the body has none. The request leaves before the first reply is asked for.

        Raises:
            TransportError: from the iterator when no final reply came within ``timeout`` seconds; here when the broker
                is away.
        """
        members: dict[str, Any] = {"v": MAJOR, "id": str(uuid.uuid4()), **(body or {})}
        return self.send(verb, json.dumps(members, ensure_ascii=False).encode(), timeout)

    def send(self, verb: str, payload: bytes, timeout: float = 330.0) -> Iterator[Reply]:
        """The same with a body as bytes.

        Raises:
            TransportError: as ``request``.
        """
        if not self._subscribed:  # paho would keep it and send it later, as a surprise
            raise TransportError("not connected")
        correlation = self._replies.expect()
        properties = _empty(PacketTypes.PUBLISH)
        properties.ResponseTopic = self.topics.reply(self.client, correlation.hex())
        properties.CorrelationData = correlation
        properties.MessageExpiryInterval = REQUEST_EXPIRY
        sent = self._paho.publish(self.topics.request(self.client, verb), payload, 1, properties=properties)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._replies.forget(correlation)
            raise TransportError(paho.error_string(sent.rc))
        return self._replies.until_final(correlation, timeout)

    def final(self, verb: str, body: Mapping[str, Any] | None = None, timeout: float = 330.0) -> Reply:
        """The final reply alone, without progress on the way.

        Raises:
            TransportError: as ``request``.
        """
        *_, last = self.request(verb, {"progress": False, **(body or {})}, timeout)
        return last

    # --- events and state -----------------------------------------------------------------------------------------

    def events(self, timeout: float | None = None) -> Iterator[Message]:
        """Events in order as they come; ends when none came for ``timeout`` seconds (None: never)."""
        while True:
            with self._state:
                if not self._state.wait_for(lambda: self._events, timeout):
                    return
                event = self._events.popleft()
            yield event

    def latest(self, topic: str) -> Any:  # noqa: ANN401 -- any JSON value
        """The last retained document below the device (``status``, ``info``, ``state/card``); None before one came."""
        with self._state:
            return self._latest.get(topic)

    def wait_state(self, topic: str, wanted: Callable[[Any], bool], timeout: float = 10.0) -> Any:  # noqa: ANN401 -- any JSON value
        """The retained document on ``topic`` once ``wanted`` holds for it.

        Raises:
            TransportError: not within ``timeout`` seconds.
        """
        with self._state:
            if not self._state.wait_for(lambda: topic in self._latest and wanted(self._latest[topic]), timeout):
                raise TransportError(f"{topic}: not as wanted in time")
            return self._latest[topic]

    def wait_online(self, timeout: float = 10.0) -> None:
        """Wait for the box on the broker.

        Raises:
            TransportError: not within ``timeout`` seconds.
        """
        self.wait_state("status", lambda status: isinstance(status, dict) and status.get("state") == "online", timeout)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _prepare(self, tls: ssl.SSLContext | None) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{self.client}-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        if tls is not None:
            client.tls_set_context(tls)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._tell(refusal=f"connection refused: {reason}")
            return
        root = self.topics.root
        filters = (f"{root}/status", f"{root}/info", f"{root}/state/+", f"{root}/evt/#", self._replies_filter)
        client.subscribe([(name, 1) for name in filters])

    def _on_subscribe(
        self, _client: paho.Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        # the replies stand last; the others may be closed to us by the broker's ACL
        if reasons[-1].is_failure:
            self._tell(refusal=f"subscription refused: {reasons[-1]}")
        else:
            self._tell(subscribed=True)

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, _reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._tell(subscribed=False)

    def _tell(self, *, subscribed: bool = False, refusal: str | None = None) -> None:
        with self._state:
            self._subscribed = subscribed
            self._refusal = refusal or self._refusal
            self._state.notify_all()

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            body = json.loads(message.payload)
            topic = message.topic.removeprefix(f"{self.topics.root}/")
        except (ValueError, RecursionError) as error:  # an exception here would end paho's thread
            log.warning("not JSON: %s", type(error).__name__)
            return
        if topic.startswith("rsp/"):
            self._replies.put(getattr(message.properties, "CorrelationData", b""), body)
            return
        found = Message(topic, body, message.retain)
        if topic.startswith("evt/"):
            with self._state:
                self._events.append(found)
                self._state.notify_all()
        else:
            with self._state:
                self._latest[topic] = body
                self._state.notify_all()
        if self._on_message_callback is not None:
            self._on_message_callback(found)


def _empty(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho types everything but this
