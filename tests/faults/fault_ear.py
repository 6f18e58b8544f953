"""Practice software that is not there all the time: an MQTT 5 session that a broker may keep, or forget.

What it is: a subscriber to everything of one box that asks too, over connections that come and go. What it is not: the
client of practice software (appliance.client), which keeps no session.
Rule: every wait is for a message, and bounded.
"""

import json
import secrets
import threading
from collections.abc import Callable
from typing import Self

import paho.mqtt.client as paho
from ear import PATIENCE, Heard
from journey_kit import CLIENT
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.contract.limits import REQUEST_EXPIRY
from appliance.contract.topics import Topics
from appliance.simulator.launch import DEVICE

TOPICS = Topics("cpsr/v1", DEVICE)
SESSION = 3600
"""Seconds a broker keeps the session."""


class PatientEar:
    """Everything that was heard, over all connections; ``here`` and ``away`` open and close one."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.root = TOPICS.root
        self.kept = False
        self._name = f"patient-{secrets.token_hex(4)}"
        self._news = threading.Condition()
        self._ready = False
        self._client: paho.Client | None = None

    def here(self, port: int) -> Self:
        """Connect, and subscribe unless the broker knows the session."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self._name, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._note(ready=True)
        client.on_message = lambda _client, _data, message: self._note(message)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION
        client.connect("127.0.0.1", port, clean_start=False, properties=properties)
        client.loop_start()
        self._client = client
        with self._news:
            assert self._news.wait_for(lambda: self._ready, PATIENCE)
        return self

    def away(self) -> None:
        """Break off without a word: the session stays with the broker."""
        client, self._client, self._ready = self._client, None, False
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def ask(self, verb: str, body: dict, correlation: str) -> None:
        """Ask, and go on."""
        assert self._client
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic = TOPICS.reply(CLIENT, "patient")
        properties.CorrelationData = correlation.encode()
        properties.MessageExpiryInterval = REQUEST_EXPIRY
        self._client.publish(TOPICS.request(CLIENT, verb), json.dumps(body), 1, properties=properties)

    def replies(self, correlation: str) -> list[dict]:
        """The replies so far to what was asked so."""
        with self._news:
            return [heard.json for heard in self.heard if is_reply(heard, correlation)]

    def wait(self, wanted: Callable[[Heard], bool]) -> Heard:
        """The first message that is wanted, of those that came and those that come."""
        found: list[Heard] = []

        def is_there() -> bool:
            found[:] = [heard for heard in self.heard if wanted(heard)]
            return bool(found)

        with self._news:
            assert self._news.wait_for(is_there, PATIENCE), [heard.topic for heard in self.heard]
        return found[0]

    def phase(self, correlation: str, phase: str) -> dict:
        """The reply with this phase."""
        return self.wait(lambda heard: is_reply(heard, correlation) and heard.json["phase"] == phase).json

    def _on_connect(self, client, _data, flags, *_) -> None:
        self.kept = flags.session_present
        if self.kept:
            self._note(ready=True)
        else:
            client.subscribe(f"{TOPICS.root}/#", 1)

    def _note(self, message=None, *, ready: bool = False) -> None:
        with self._news:
            self._ready = self._ready or ready
            if message is not None:
                properties = message.properties
                topic = message.topic.removeprefix(f"{TOPICS.root}/")
                correlation = getattr(properties, "CorrelationData", None)
                expiry = getattr(properties, "MessageExpiryInterval", None)
                self.heard.append(Heard(topic, message.payload, message.retain, message.qos, expiry, correlation))
            self._news.notify_all()


def is_reply(heard: Heard, correlation: str) -> bool:
    return heard.topic.startswith("rsp/") and heard.correlation == correlation.encode()
