import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.contract.limits import EVENT_EXPIRY, PLAIN_BODY
from appliance.errors import LinkError
from appliance.gateway.backoff import delays
from appliance.gateway.bridge import Arrival, Bridge, Publication, Refusal
from appliance.link.messages import Dropped, Event, Reply, Request, State, Welcome, decode_from_gateway, encode

ROOT = "cpsr/v1/cps-demo"
BRIDGE = Bridge.of(Welcome("cps-demo", "cpsr/v1", "boot", "2026-11-23T10:00:00Z", "1.0.0", b"{}"))
TARGET = f"{ROOT}/rsp/prat/x"
GOOD = {"topic": f"{ROOT}/req/prat/sign", "payload": b"{}", "expiry": 60, "response_topic": TARGET, "correlation": b"c"}


def arrive(**changes):
    return BRIDGE.arrive(Arrival(**{**GOOD, **changes}))


def test_status_and_will():
    online = BRIDGE.status("online")
    assert (online.topic, online.qos, online.retain, online.expiry) == (f"{ROOT}/status", 1, True, None)
    assert json.loads(online.payload)["bootId"] == "boot"
    will = BRIDGE.offline("lwt")
    assert (will.topic, will.qos, will.retain) == (f"{ROOT}/status", 1, True)
    assert json.loads(will.payload) == {"state": "offline", "bootId": "boot", "reason": "lwt"}


@pytest.mark.parametrize(("name", "qos"), [("reader", 1), ("card", 1), ("health", 0), ("tamper", 1)])
def test_states(name, qos):
    assert BRIDGE.state(State(name, b"x")) == Publication(f"{ROOT}/state/{name}", b"x", qos=qos, retain=True)


def test_info_and_events():
    assert BRIDGE.info(b"i") == Publication(f"{ROOT}/info", b"i", retain=True)
    assert BRIDGE.event(Event(3, "pin", "wrong", b"e")) == Publication(
        f"{ROOT}/evt/pin/wrong", b"e", expiry=EVENT_EXPIRY
    )


def test_replies_lose_the_time_they_waited():
    reply = Reply(1, TARGET, b"c", b"r", 60, final=True)
    assert BRIDGE.reply(reply) == Publication(TARGET, b"r", expiry=60, correlation=b"c")
    assert BRIDGE.reply(reply, 12.9).expiry == 48
    assert BRIDGE.reply(reply, 59.5).expiry == 1
    assert BRIDGE.reply(reply, 60) is None
    assert BRIDGE.reply(reply, 9999) is None


@pytest.mark.parametrize("topic", [f"{ROOT}/status", f"{ROOT}/rsp/+/x", "elsewhere", f"{ROOT}/evt/card/inserted"])
def test_replies_go_to_response_topics_only(topic):
    with pytest.raises(LinkError, match="none of ours"):
        BRIDGE.reply(Reply(1, topic, None, b"r", 60, final=True))


def test_a_request_is_carried_unchanged():
    assert arrive() == Request("prat", "sign", b"{}", TARGET, b"c")
    assert arrive(correlation=None, payload=b"\xff" * PLAIN_BODY).payload == b"\xff" * PLAIN_BODY
    assert arrive(expiry=0) == arrive()


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        ({"retain": True}, "retained", "malformed"),
        ({"expiry": None}, "expiry", None),
        ({"expiry": 61}, "expiry", None),
        ({"payload": b"x" * (PLAIN_BODY + 1)}, "too-large", "too-large"),
        ({"correlation": b"x" * 1025}, "too-large", None),
        ({"response_topic": None}, "response-topic", None),
        ({"response_topic": f"{ROOT}/rsp/other"}, "response-topic", None),
        ({"response_topic": f"{ROOT}/rsp/prat/#"}, "response-topic", None),
        ({"retain": True, "payload": b"x" * (PLAIN_BODY + 1), "response_topic": None}, "response-topic", None),
    ],
)
def test_refusals(changes, reason, code):
    verdict = arrive(**changes)
    assert isinstance(verdict, Refusal)
    assert verdict.dropped == Dropped("prat", reason)
    if code is None:
        assert verdict.answer is None
        return
    answer = verdict.answer
    assert (answer.topic, answer.correlation, answer.expiry, answer.retain) == (TARGET, b"c", 60, False)
    assert json.loads(answer.payload)["code"] == code


@pytest.mark.parametrize("topic", ["", f"{ROOT}/req/prat", f"{ROOT}/req/x/sign", f"{ROOT}/rsp/prat/x", "a/b/c/d/e"])
def test_other_topics_are_nobodys(topic):
    assert arrive(topic=topic) is None


@given(
    st.builds(
        Arrival,
        topic=st.text(max_size=20) | st.builds("/".join, st.tuples(st.just(f"{ROOT}/req/prat"), st.text(max_size=8))),
        payload=st.binary(max_size=20),
        retain=st.booleans(),
        expiry=st.none() | st.integers(0, 2**32 - 1),
        response_topic=st.none() | st.text(max_size=20) | st.just(TARGET),
        correlation=st.none() | st.binary(max_size=2000),
    )
)
def test_whatever_arrives_is_carried_refused_or_nobodys(arrival):
    verdict = BRIDGE.arrive(arrival)
    message = verdict.dropped if isinstance(verdict, Refusal) else verdict
    assert message is None or decode_from_gateway(encode(message)) == message


def test_delays_double_up_to_the_most_with_chance():
    whole = [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert list(itertools.islice(delays(0.5, 10.0, lambda: 1.0), 7)) == whole
    assert list(itertools.islice(delays(0.5, 10.0, lambda: 0.0), 7)) == [value / 2 for value in whole]
