import json
import typing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import LinkError
from appliance.link import messages
from appliance.link.messages import (
    LINE_LIMIT,
    Ack,
    Addresses,
    AskCard,
    AskCase,
    AskStatus,
    BoxCard,
    BoxCase,
    BoxStatus,
    Broker,
    Dropped,
    Event,
    FromAdmin,
    FromGateway,
    FromVault,
    Hello,
    RearmCase,
    Reply,
    ReplyAck,
    Request,
    State,
    Status,
    ToAdmin,
    Welcome,
    decode_from_admin,
    decode_from_gateway,
    decode_from_vault,
    decode_to_admin,
    encode,
)

UP = [
    Hello("0.1.0"),
    Request("prat", "sign", b"\x00\xff", "t", b"\x01"),
    Request("prat", "ping", b"", "t"),
    Ack(1),
    ReplyAck(9),
    Broker(connected=True),
    Addresses(("192.168.1.20", "fe80::1")),
    Dropped("prat", "retained"),
    Dropped(None, "overflow", 3),
]
DOWN = [
    Welcome("cps-demo", "cpsr/v1", "b", "2026-11-23T10:00:00Z", "1.0.0", b"{}", 4),
    Event(1, "patient-card", "inserted", b"{}"),
    Reply(1, "t", None, b"{}", 60, final=True),
    State("card", b"{}"),
    Status("degraded"),
]

ASKED = AskStatus()
TOLD = BoxStatus(
    version="0.1.0", device="cps-demo", boot_id="b", screen="ready", reader=True, card=True, display=True, keypad=True,
    broker=False, tamper="closed", requests="off", memory="locked", last_seq=3, acknowledged=2,
)  # fmt: skip

ASKED_CARD = AskCard()
TOLD_CARD = BoxCard(
    fault=None, reader="Virtual PCD 00 00", atr="3BAC", family="cps3", holder="SOPHIE DURAND", tries_left=3
)
NO_CARD = BoxCard(fault="card-absent")
CASE = (AskCase(), BoxCase("locked")), (RearmCase(), BoxCase("open", "tamper-open"))
ADMIN = ((ASKED, TOLD), (ASKED_CARD, TOLD_CARD), (ASKED_CARD, NO_CARD), *CASE)

# Every field that may cross the link. A field that could carry what the person types belongs to no message.
FIELDS = {
    "Hello": {"version": str},
    "Request": {"client": str, "verb": str, "payload": bytes, "response_topic": str, "correlation": bytes | None},
    "Ack": {"seq": int},
    "ReplyAck": {"delivery": int},
    "Broker": {"connected": bool},
    "Addresses": {"addresses": tuple[str, ...]},
    "Dropped": {"client": str | None, "reason": typing.Literal, "count": int},
    "Welcome": {
        "device": str, "prefix": str, "boot_id": str, "since": str, "contract": str, "info": bytes, "last_acked": int,
    },
    "Event": {"seq": int, "domain": str, "name": str, "payload": bytes},
    "Reply": {
        "delivery": int, "response_topic": str, "correlation": bytes | None, "payload": bytes, "expiry": int,
        "final": bool,
    },
    "State": {"name": typing.Literal, "payload": bytes},
    "Status": {"state": typing.Literal},
    "AskStatus": {},
    "BoxStatus": {
        "version": str, "device": str, "boot_id": str, "screen": str, "reader": bool, "card": bool, "display": bool,
        "keypad": bool, "broker": bool, "tamper": str, "requests": str, "memory": str, "last_seq": int,
        "acknowledged": int,
    },
    "AskCard": {},
    "AskCase": {},
    "RearmCase": {},
    "BoxCase": {"case": str, "fault": str | None},
    "BoxCard": {
        "fault": str | None, "reader": str | None, "atr": str, "family": str | None, "serial": str | None,
        "number": str | None, "kind": str | None, "holder": str | None, "structure": str | None,
        "profession": str | None, "specialties": tuple[str, ...], "rpps": str | None, "adeli": str | None,
        "test": bool | None, "valid_from": str | None, "valid_until": str | None, "signs_until": str | None,
        "tries_left": int | None, "unblock_tries_left": int | None, "trust": typing.Literal,
    },
}  # fmt: skip

EVERY = tuple(struct for side in (FromGateway, FromVault, FromAdmin, ToAdmin) for struct in typing.get_args(side))


def test_the_set_is_closed_and_no_type_can_carry_a_pin():
    """Names and types of every field; a new one is a decision that this test asks for."""
    found = {}
    for struct in EVERY:
        hints = typing.get_type_hints(struct)
        found[struct.__name__] = {
            name: typing.Literal if typing.get_origin(hints[name]) is typing.Literal else hints[name]
            for name in struct.__struct_fields__
        }
    assert found == FIELDS
    words = {name for fields in found.values() for name, kind in fields.items() if kind is not bool}
    assert not [
        word for word in words if any(hint in word for hint in ("pin", "code", "digit", "secret", "key", "puk"))
    ]


def test_both_directions_have_their_own_types():
    assert not set(typing.get_args(FromGateway)) & set(typing.get_args(FromVault))
    assert not set(typing.get_args(FromAdmin)) & set(typing.get_args(ToAdmin))
    tags = {struct.__struct_config__.tag for struct in EVERY}
    assert len(tags) == len(FIELDS)


@pytest.mark.parametrize("message", UP, ids=lambda message: type(message).__name__)
def test_up(message):
    line = encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode_from_gateway(line) == message
    with pytest.raises(LinkError):
        decode_from_vault(line)


@pytest.mark.parametrize("message", DOWN, ids=lambda message: type(message).__name__)
def test_down(message):
    assert decode_from_vault(encode(message)) == message
    with pytest.raises(LinkError):
        decode_from_gateway(encode(message))


def test_the_admin_socket_has_a_set_of_its_own():
    for asked, told in ADMIN:
        assert decode_from_admin(encode(asked)) == asked
        assert decode_to_admin(encode(told)) == told
        for decode in (decode_from_gateway, decode_from_vault, decode_to_admin):
            with pytest.raises(LinkError):
                decode(encode(asked))
    for message in (*UP, *DOWN, *(told for _, told in ADMIN)):
        with pytest.raises(LinkError):
            decode_from_admin(encode(message))


@pytest.mark.parametrize("line", [
    b"", b"\n", b"{}", b"[]", b"null", b"\xff\n", b'{"type":"pin","digits":"1234"}', b'{"type":"ack"}',
    b'{"type":"ack","seq":0}', b'{"type":"ack","seq":"1"}', b'{"type":"ack","seq":1,"more":1}',
    b'{"type":"ack","seq":1}{"type":"ack","seq":2}', b'{"type":"broker","connected":1}',
    b'{"type":"dropped","client":"prat","reason":"because"}',
    b'{"type":"request","client":"+","verb":"sign","payload":"","response_topic":"t","correlation":null}',
    b'{"type":"request","client":"prat","verb":"sign","payload":"*","response_topic":"t","correlation":null}',
    b"[" * 200_000, b'{"type":"ack","x":' + b"[" * 200_000, b'{"type":"hello","version":"' + b"x" * 200 + b'"}',
])  # fmt: skip
def test_refuses_anything_else(line):
    with pytest.raises(LinkError):
        decode_from_gateway(line)
    with pytest.raises(LinkError):
        decode_from_vault(line)


def test_the_longest_line():
    room = LINE_LIMIT - len(encode(State("card", b"")))
    message = State("card", b"x" * (room // 4 * 3))
    assert LINE_LIMIT - 4 < len(encode(message)) <= LINE_LIMIT
    assert decode_from_vault(encode(message)) == message
    with pytest.raises(LinkError, match="at most"):
        encode(State("card", b"x" * (room // 4 * 3 + 3)))
    with pytest.raises(LinkError, match="at most"):
        decode_from_vault(b" " * LINE_LIMIT + encode(message))


def test_reprs_hold_no_payload():
    shown = repr(UP[1])
    assert "<2 bytes>" in shown
    assert "prat" in shown
    assert "xff" not in shown
    assert repr(TOLD_CARD) == "BoxCard(fault=None)"


@given(st.binary(max_size=200))
def test_any_bytes(line):
    for decode in (decode_from_gateway, decode_from_vault, decode_from_admin, decode_to_admin):
        try:
            assert isinstance(decode(line), messages.Message)
        except LinkError as error:
            assert error.code == "link-broken"  # noqa: PT017


@given(st.sampled_from([*UP, *DOWN, *(message for pair in ADMIN for message in pair)]), st.data())
def test_any_edit_of_a_line(message, data):
    line = bytearray(encode(message))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    test_any_bytes.hypothesis.inner_test(bytes(line))


def test_a_line_is_one_flat_json_object():
    for message in UP + DOWN:
        members = json.loads(encode(message))
        assert members.pop("type") == message.__struct_config__.tag
        assert set(members) == set(message.__struct_fields__)


def test_messages_are_frozen():
    with pytest.raises(AttributeError):
        UP[3].seq = 2
    assert issubclass(Ack, msgspec.Struct)
