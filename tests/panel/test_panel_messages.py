"""The panel's messages: a closed set, and what a page has not been told yet."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.simulator.panel_log import KEPT, Log
from appliance.simulator.panel_messages import Down, Entry, Frame, Hello, Insert, Play, Playing, State, decode, encode
from appliance.simulator.panel_news import Known, View, news

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


def test_a_message_of_the_page_is_what_it_says():
    assert decode('{"type":"down","key":"#"}') == Down(key="#")
    assert decode(b'{"type":"insert","card":"cps3"}') == Insert(card="cps3")
    assert decode('{"type":"play","journey":"sign-text"}') == Play(journey="sign-text")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        '{"type":"down"}',
        '{"type":"down","key":"E"}',
        '{"type":"down","key":"12"}',
        '{"type":"down","key":"1","more":1}',
        '{"type":"state"}',
        '{"type":"playing"}',
        '{"type":"play","journey":1}',
        '{"key":"1"}',
        '{"type":"ask","what":"text","format":"cms"}',
        '{"type":"insert","card":"' + "x" * 65 + '"}',
        '{"type":"insert","card":' + "[" * 10_000,
        '{"type":"down","key":"\ud800"}',
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - what it says is not repeated to anybody
        decode(text)


@given(st.binary(max_size=80) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_an_order_or_a_value_error(data):
    try:
        decode(data)
    except ValueError:
        return


@given(st.sampled_from("0123456789"))
def test_no_repr_tells_a_key(key):
    assert key not in repr(decode(json.dumps({"type": "down", "key": key})))
    assert key not in repr(decode(json.dumps({"type": "up", "key": key})))


HELLO = Hello(version="0", listen="", tray=(), switches=(), samples=(), title="", text="")
FRAME = Frame(pixels=bytes(1024), lines=("a",))
STATE = State(
    card=None, foreign=False, plugged=True, broker=True, gateway=True, vault=True, status="online", on=(), light=200,
    lamp=(False, True, False), beeps=0, relay=False, cover=False,
)  # fmt: skip


def entry(number):
    return Entry(number=number, at="12:00:00", tone="desk", topic="", text=str(number))


def test_a_new_page_is_told_everything_in_order_and_then_nothing():
    view = View(HELLO, FRAME, STATE, [entry(1), entry(2)], [])
    said, known = news(view, Known())
    assert said == [HELLO, STATE, FRAME, entry(1), entry(2)]
    assert news(view, known) == ([], known)


@given(st.lists(st.integers(0, 4), max_size=12))
def test_a_slow_page_hears_every_entry_once(steps):
    entries, heard, known = [], [], Known()
    for more in steps:
        entries += [entry(len(entries) + 1 + n) for n in range(more)]
        said, known = news(View(HELLO, FRAME, STATE, entries, []), known)
        heard += [message for message in said if isinstance(message, Entry)]
    assert heard == entries


def test_only_the_picture_of_now_is_told():
    _, known = news(View(HELLO, FRAME, STATE, [], []), Known())
    later = Frame(pixels=b"\xff" * 1024, lines=())
    assert news(View(HELLO, later, STATE, [], []), known)[0] == [later]


def test_where_the_journey_stands_is_told_when_it_moves():
    view = View(HELLO, FRAME, STATE, [], [])
    _, known = news(view, Known())
    begun = Playing(name="sign-text", step=1, stage="playing", said="")
    said, known = news(View(HELLO, FRAME, STATE, [], [], begun), known)
    assert said == [begun]
    assert news(View(HELLO, FRAME, STATE, [], [], begun), known) == ([], known)


def test_a_frame_travels_as_base64():
    assert json.loads(encode(FRAME)) == {"type": "frame", "pixels": "A" * 1366 + "==", "lines": ["a"]}


def test_the_log_keeps_the_last_ones_and_shows_topics():
    woken = []
    log = Log(lambda: woken.append(1))
    for number in range(KEPT + 5):
        log.tell("desk", f"message {number}")
    log.tell("heard", 'evt/card/inserted  {"family": "cps3"}')
    log.tell("heard", "status")
    entries = log.entries()
    assert len(entries) == KEPT
    assert [one.number for one in entries] == list(range(8, KEPT + 8))
    assert (entries[-2].topic, entries[-2].text) == ("evt/card/inserted", '{"family": "cps3"}')
    assert (entries[-1].topic, entries[-1].text) == ("status", "")
    assert (entries[0].topic, entries[0].text) == ("", "message 7")
    assert len(woken) == KEPT + 7
