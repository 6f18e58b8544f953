"""MQTT 5 packets in paho's words: what we ask of a broker, what a publication carries, what has arrived.

What it is: our values as paho's properties, and back. What it is not: a connection (``mqtt``).
Rule: nothing is decided here, and nothing that came in can raise: on paho's thread that would end it.
"""

from typing import Final

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from appliance.contract.limits import PACKET
from appliance.gateway.bridge import Arrival, Publication

RECEIVE_MAXIMUM: Final = 16
"""Unacknowledged QoS 1 messages that the broker may have on the way to us (MQTT 5 §3.1.2.11.3)."""


def connect() -> Properties:
    """What CONNECT says of us: how many messages at once, and how large (MQTT 5 §3.1.2.11)."""
    properties = _empty(PacketTypes.CONNECT)
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = PACKET
    return properties


def largest(connack: Properties | None) -> int:
    """Bytes of the largest packet that may be sent, by the broker's CONNACK and by the contract (MQTT 5 §3.2.2.3.6)."""
    return min(PACKET, getattr(connack, "MaximumPacketSize", PACKET))


def subscribe() -> SubscribeOptions:
    """Retained messages are not asked for, and the flag of a live one is kept so that it can be refused."""
    return SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)


def publish(publication: Publication) -> Properties:
    """How long the broker keeps it, and what it answers to (MQTT 5 §3.3.2.3)."""
    properties = _empty(PacketTypes.PUBLISH)
    if publication.expiry is not None:
        properties.MessageExpiryInterval = publication.expiry
    if publication.correlation is not None:
        properties.CorrelationData = publication.correlation
    return properties


def arrival(message: paho.MQTTMessage) -> Arrival:
    """What came, as the bridge takes it; a topic that is no UTF-8 becomes an empty one, which nothing answers to."""
    properties = message.properties
    try:
        topic = message.topic
    except UnicodeDecodeError:
        topic = ""
    return Arrival(
        topic=topic,
        payload=bytes(message.payload),
        retain=message.retain,
        expiry=getattr(properties, "MessageExpiryInterval", None),
        response_topic=getattr(properties, "ResponseTopic", None),
        correlation=getattr(properties, "CorrelationData", None),
    )


def _empty(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho types everything but this
