"""A subscriber that keeps everything it hears, in order, with the properties that matter; and a careless publisher."""

import json
import threading
from dataclasses import dataclass

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PATIENCE = 30.0


@dataclass(frozen=True)
class Heard:
    topic: str
    payload: bytes
    retain: bool
    qos: int
    expiry: int | None
    correlation: bytes | None

    @property
    def json(self):
        return json.loads(self.payload)


class Ear:
    def __init__(self, port, root="cpsr/v1/cps-demo", filters=("#",)):
        self.heard = []
        self.root = root
        self._news = threading.Condition()
        self._ready = False
        self._acknowledged = set()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe([(f"{root}/{name}", 1) for name in filters])
        self._client.on_subscribe = lambda *_: self._note(ready=True)
        self._client.on_publish = lambda _client, _data, mid, *_: self._note(mid=mid)
        self._client.on_message = lambda _client, _data, message: self._note(message)
        self._client.connect("127.0.0.1", port, clean_start=True)

    def __enter__(self):
        self._client.loop_start()
        with self._news:
            assert self._news.wait_for(lambda: self._ready, PATIENCE)
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, message=None, *, ready=False, mid=None):
        with self._news:
            self._ready = self._ready or ready
            if mid is not None:
                self._acknowledged.add(mid)
            if message is not None:
                properties = message.properties
                self.heard.append(
                    Heard(
                        message.topic.removeprefix(f"{self.root}/"),
                        message.payload,
                        message.retain,
                        message.qos,
                        getattr(properties, "MessageExpiryInterval", None),
                        getattr(properties, "CorrelationData", None),
                    )
                )
            self._news.notify_all()

    def on(self, topic):
        with self._news:
            return [heard for heard in self.heard if heard.topic == topic]

    def wait(self, wanted, count=1):
        """The first ``count`` messages for which ``wanted`` (a topic or a predicate) holds."""
        holds = wanted if callable(wanted) else lambda heard: heard.topic == wanted
        found = []

        def enough():
            found[:] = [heard for heard in self.heard if holds(heard)]
            return len(found) >= count

        with self._news:
            assert self._news.wait_for(enough, PATIENCE), f"{wanted}: not in {self.heard}"
        return found[0] if count == 1 else found

    def wait_status(self, **members):
        return self.wait(lambda heard: heard.topic == "status" and heard.json.items() >= members.items())

    def forget(self):
        with self._news:
            self.heard.clear()

    def ask(self, verb, payload, **how):
        """Publish on a request topic as it should be, but for ``how``: client, expiry, response, correlation, retain,
        qos; None leaves the property out."""
        how = {"client": "prat", "expiry": 60, "correlation": b"c1", "retain": False, "qos": 1, **how}
        how.setdefault("response", f"{self.root}/rsp/{how['client']}/x")
        properties = Properties(PacketTypes.PUBLISH)
        for name, value in (
            ("MessageExpiryInterval", how["expiry"]),
            ("ResponseTopic", how["response"]),
            ("CorrelationData", how["correlation"]),
        ):
            if value is not None:
                setattr(properties, name, value)
        topic = f"{self.root}/req/{how['client']}/{verb}"
        sent = self._client.publish(topic, payload, how["qos"], how["retain"], properties)
        with self._news:
            assert self._news.wait_for(lambda: sent.mid in self._acknowledged, PATIENCE)
