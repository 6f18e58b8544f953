"""Replies by their Correlation Data: in order, to whom they belong, to the final one or the end of the time."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.client.replies import CORRELATION, Replies, TransportError
from appliance.client.transport import TransportError as Published

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
DONE = {"phase": "done", "final": True}


def test_each_request_hears_its_own_replies_up_to_the_final_one():
    replies = Replies()
    one, other = replies.expect(), replies.expect()
    assert len(one) == len(other) == CORRELATION
    assert one != other
    first, second = replies.until_final(one, 5), replies.until_final(other, 5)
    replies.put(other, {"phase": "accepted", "final": False})
    replies.put(one, {"phase": "signing", "final": False})
    replies.put(one, DONE)
    replies.put(one, {"phase": "late"})
    replies.put(other, DONE)
    assert [reply["phase"] for reply in first] == ["signing", "done"]
    assert [reply["phase"] for reply in second] == ["accepted", "done"]
    assert replies._waiting == {}


def test_who_waits_is_woken_by_the_reply():
    replies = Replies()
    correlation = replies.expect()
    waiting = replies.until_final(correlation, 10)
    heard = []
    thread = threading.Thread(target=lambda: heard.extend(waiting))
    thread.start()
    replies.put(correlation, DONE)
    thread.join(10)
    assert heard == [DONE]


def test_no_final_reply_in_time_is_an_error_and_nothing_is_kept():
    replies = Replies()
    correlation = replies.expect()
    replies.put(correlation, {"phase": "accepted"})
    waiting = replies.until_final(correlation, 0.0)
    with pytest.raises(TransportError, match="no final reply in time"):
        list(waiting)
    assert replies._waiting == {}
    assert Published is TransportError


def test_who_stops_listening_keeps_nothing():
    replies = Replies()
    correlation = replies.expect()
    replies.put(correlation, {"phase": "accepted"})
    waiting = replies.until_final(correlation, 5)
    assert next(waiting)["phase"] == "accepted"
    waiting.close()
    assert replies._waiting == {}
    replies.forget(correlation)


@given(JSON, st.binary(max_size=20))
def test_anything_may_come_and_only_objects_for_us_are_replies(value, stray):
    replies = Replies()
    correlation = replies.expect()
    replies.put(stray, value)
    replies.put(correlation, value)
    kept = replies._waiting[correlation]
    assert kept.qsize() == isinstance(value, dict)
