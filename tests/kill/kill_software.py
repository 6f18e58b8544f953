"""Practice software that never gives up: it listens to everything, asks, and asks again whenever the box is back.

What it is: one MQTT 5 connection that outlives every kill, and a book of all it received. What it is not: a judge while
things happen; what the book must hold is checked by its own methods. Rule: code of paho, not of the client we ship.
"""

import base64
import json
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.contract.topics import Topics

CLIENTS = ("kill-one", "kill-two", "kill-three", "kill-four")
"""Names to ask under, in turn: a client has so many requests a minute."""
EXPIRY = 60
KEEPALIVE = 60


@dataclass(slots=True)
class Wish:
    """A request: ``texts`` are its documents, ``manner`` what the person will do."""

    client: str
    manner: str
    documents: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    asked: int = 0

    @property
    def texts(self) -> list[str]:
        """Texts that no other request has, short enough to stand whole in PSO HASH."""
        return [f"{self.id} n{number}" for number in range(self.documents)]

    def body(self) -> bytes:
        documents = [
            {
                "kind": "content",
                "mediaType": "text/plain;charset=utf-8",
                "title": "Ordonnance",
                "data": base64.b64encode(text.encode()).decode(),
            }
            for text in self.texts
        ]
        return json.dumps({"v": 1, "id": self.id, "documents": documents, "format": "raw"}).encode()


class Book:
    """What was received: replies by request, in order; events by ``(journalId, seq)``, and the order they came in."""

    def __init__(self) -> None:
        self.replies: dict[str, list[dict]] = defaultdict(list)
        self.events: dict[tuple[str, int], dict] = {}
        self.order: list[tuple[str, int]] = []
        self.doubled = 0
        self.faults: list[str] = []

    def note_event(self, topic: str, body: dict) -> None:
        key = body["journalid"], body["seq"]
        known = self.events.setdefault(key, body)
        if known is body:
            self.order.append(key)
            body["name"] = topic
        else:
            self.doubled += 1
            if known != body | {"name": topic}:
                self.faults.append(f"event {key} came with two contents")

    def finals(self, request: str) -> list[dict]:
        return [reply for reply in self.replies[request] if reply["final"]]

    def ends(self, request: str) -> list[tuple[str, str | None]]:
        """The end events that name a request: name and code."""
        return [
            (event["name"], event["data"].get("code"))
            for event in self.events.values()
            if event["name"].startswith("sign/") and event["data"]["request"] == request
        ]


class Software:
    """The connection; a context manager that has subscribed.

    Args:
        url: of the broker.
        topics: of the box.
        news: called on the network thread, after the book was written, with ``("online", None)``,
            ``("final", request)``, ``("event", name)`` or ``("message", topic)``.
    """

    def __init__(self, url: str, topics: Topics, news: Callable[[str, str | None], None]) -> None:
        self.book = Book()
        self._topics = topics
        self._news = news
        self._address = urlsplit(url)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="kill-software", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_connect = lambda client, *_: client.subscribe(f"{topics.root}/#", qos=1)
        self._client.on_subscribe = lambda *_: news("subscribed", None)
        self._client.on_disconnect = lambda *_: news("gone", None)
        self._client.on_message = self._receive

    def open(self) -> None:
        self._client.connect(self._address.hostname or "", self._address.port or 0, KEEPALIVE, clean_start=True)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def ask(self, wish: Wish) -> None:
        """Send the request, the same each time; where the answer must go is new each time."""
        wish.asked += 1
        self._publish(wish, "sign", wish.body(), f"{wish.id}/{wish.asked}")

    def cancel(self, wish: Wish) -> None:
        body = {"v": 1, "id": str(uuid.uuid4()), "target": wish.id}
        self._publish(wish, "cancel", json.dumps(body).encode(), "cancel")

    def _publish(self, wish: Wish, verb: str, body: bytes, tail: str) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic = self._topics.reply(wish.client, tail)
        properties.CorrelationData = tail.encode()
        properties.MessageExpiryInterval = EXPIRY
        self._client.publish(self._topics.request(wish.client, verb), body, 1, properties=properties)

    def _receive(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        topic = message.topic.removeprefix(f"{self._topics.root}/")
        if topic.startswith("req/"):
            return
        body = json.loads(message.payload)
        place, _, rest = topic.partition("/")
        if place == "evt":
            self.book.note_event(rest, body)
            self._news("event", rest)
        elif place == "rsp" and body["id"]:
            self.book.replies[body["id"]].append(body)
            if body["final"]:
                self._news("final", body["id"])
        elif place == "rsp":
            self.book.faults.append(f"a reply without id: {body.get('code')}")
        elif topic == "status" and body["state"] == "online":
            self._news("online", None)
        self._news("message", topic)
