"""Our values as paho's properties and back; whatever arrives becomes a value."""

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.contract.limits import PACKET
from appliance.gateway import packets
from appliance.gateway.bridge import Publication


def message(topic, payload=b"", properties=None):
    found = paho.MQTTMessage(topic=topic)
    found.payload, found.properties = payload, properties
    return found


def connack(size):
    properties = Properties(PacketTypes.CONNACK)
    properties.MaximumPacketSize = size
    return properties


def test_connect_says_what_we_take():
    said = packets.connect()
    assert (said.ReceiveMaximum, said.MaximumPacketSize) == (packets.RECEIVE_MAXIMUM, PACKET)


@pytest.mark.parametrize(
    ("properties", "size"),
    [(None, PACKET), (Properties(PacketTypes.CONNACK), PACKET), (connack(1000), 1000), (connack(2**28 - 1), PACKET)],
)
def test_the_smaller_of_the_two_packets_counts(properties, size):
    assert packets.largest(properties) == size


def test_a_subscription_asks_for_no_retained_message_and_keeps_the_flag():
    options = packets.subscribe()
    assert (options.QoS, options.retainAsPublished, options.retainHandling) == (1, True, 2)


@pytest.mark.parametrize(("expiry", "correlation"), [(None, None), (60, None), (None, b"\x00\xff"), (1, b"c")])
def test_what_a_publication_carries_comes_back_as_it_was(expiry, correlation):
    sent = packets.publish(Publication("cpsr/v1/x/status", b"{}", expiry=expiry, correlation=correlation))
    unpacked = Properties(PacketTypes.PUBLISH)
    unpacked.unpack(sent.pack())
    arrival = packets.arrival(message(b"cpsr/v1/x/status", b"{}", unpacked))
    assert (arrival.topic, arrival.payload, arrival.retain) == ("cpsr/v1/x/status", b"{}", False)
    assert (arrival.expiry, arrival.correlation, arrival.response_topic) == (expiry, correlation, None)


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_any_topic_and_payload_become_a_value(topic, payload):
    arrival = packets.arrival(message(topic, payload))
    assert arrival.payload == payload
    assert arrival.topic in {topic.decode("utf-8", "replace"), ""}
    assert arrival.topic.encode() in {topic, b""}
