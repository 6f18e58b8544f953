import hashlib
import json
import re
from base64 import b64encode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.contract import messages
from appliance.contract.limits import INLINE, PLAIN_BODY
from appliance.contract.messages import (
    VERBS,
    CancelRequest,
    IdentityRequest,
    PingRequest,
    SignRequest,
    body_sha256,
    decode,
    is_plain_text,
    request_id,
    shown,
    verb_of,
)
from appliance.errors import Malformed, RequestError, SchemaInvalid, TooLarge, UnsupportedVersion

ID = "0192f0c8-1111-7aaa-8bbb-123456789abc"
OTHER = "0192f0c8-2222-4aaa-8bbb-123456789abc"


def document(data=b"Bonjour", **changes):
    found = {"kind": "content", "mediaType": "text/plain;charset=utf-8", "title": "Note", "data": b64(data)}
    return {**found, **changes}


def b64(data):
    return b64encode(data).decode()


def sign(**changes):
    return {"v": 1, "id": ID, "documents": [document()], "format": "raw", **changes}


def body(members):
    return json.dumps(members).encode()


def test_sign_with_its_defaults():
    request = decode("sign", body(sign()))
    assert isinstance(request, SignRequest)
    assert (request.id, request.format, request.ttl, request.progress) == (ID, "raw", 120, True)
    assert (request.signer, request.card_session) == (None, None)
    assert request.documents[0].data == b"Bonjour"
    assert verb_of(request) == "sign"


def test_sign_with_everything():
    request = decode("sign", body(sign(ttl=300, signer="h_1-Z", cardSession="s1", progress=False, format="jws")))
    assert (request.ttl, request.signer, request.card_session, request.progress) == (300, "h_1-Z", "s1", False)


@pytest.mark.parametrize(
    ("verb", "members", "struct"),
    [
        ("identity", {}, IdentityRequest),
        ("identity", {"certificates": True}, IdentityRequest),
        ("ping", {"progress": False}, PingRequest),
        ("cancel", {"target": OTHER.upper()}, CancelRequest),
    ],
)
def test_the_other_verbs(verb, members, struct):
    request = decode(verb, body({"v": 1, "id": ID, **members}))
    assert isinstance(request, struct)
    assert verb_of(request) == verb
    if struct is CancelRequest:
        assert request.target == OTHER


@pytest.mark.parametrize("uuid", [ID, "00000000-0000-0000-0000-000000000000", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"])
def test_any_uuid_is_an_id(uuid):
    assert decode("ping", body({"v": 1, "id": uuid})).id == uuid
    assert decode("ping", body({"v": 1, "id": uuid.upper()})).id == uuid


@pytest.mark.parametrize(
    "uuid", ["", "x", ID[:-1], ID + "0", ID + "\n", "{" + ID + "}", ID.replace("-", ""), 7, None, []]
)
def test_what_is_no_id(uuid):
    with pytest.raises(SchemaInvalid):
        decode("ping", body({"v": 1, "id": uuid}))
    assert request_id(body({"id": uuid})) is None


@pytest.mark.parametrize("change", [
    {"documents": []}, {"documents": [document()] * 101}, {"documents": document()}, {"format": "cms"},
    {"format": "RAW"}, {"ttl": 0}, {"ttl": 301}, {"ttl": "120"}, {"ttl": 1.5}, {"ttl": True}, {"progress": 1},
    {"signer": ""}, {"signer": "a b"}, {"signer": "a\n"}, {"cardSession": "x" * 129}, {"extra": 1}, {"v": "1"},
    {"v": True}, {"v": None}, {"v": 1.0},
    {"documents": [document(kind="digest")]}, {"documents": [document(title="")]},
    {"documents": [document(title="x" * 65)]}, {"documents": [document(title=" x")]},
    {"documents": [document(title="a\nb")]}, {"documents": [document(title="a\u202eb")]},
    {"documents": [document(title="a\u200bb")]}, {"documents": [document(data=b"")]},
    {"documents": [document() | {"data": "a"}]}, {"documents": [document() | {"data": "****"}]},
    {"documents": [document() | {"data": "aGVsbG8"}]}, {"documents": [document(mediaType="é/é")]},
    {"documents": [document(mediaType="")]}, {"documents": [document(sha256="")]},
])  # fmt: skip
def test_sign_refuses_another_shape(change):
    with pytest.raises(SchemaInvalid):
        decode("sign", body(sign(**change)))


@pytest.mark.parametrize("name", ["v", "id", "documents", "format"])
def test_sign_needs_its_members(name):
    with pytest.raises(SchemaInvalid):
        decode("sign", body({key: value for key, value in sign().items() if key != name}))


def test_refusals_quote_no_value_of_the_request():
    for change in ({"secretmember": 1}, {"format": "secretvalue"}, {"signer": "secret value"}):
        with pytest.raises(SchemaInvalid) as refusal:
            decode("sign", body(sign(**change)))
        assert "secret" not in str(refusal.value)
    with pytest.raises(SchemaInvalid, match=re.escape("value not allowed - at `$.format`")):
        decode("sign", body(sign(format="x")))


def test_an_unknown_verb():
    with pytest.raises(SchemaInvalid, match="unknown verb"):
        decode("open-the-door", body({"v": 1, "id": ID}))


@pytest.mark.parametrize("version", [0, 2, -1, 10**30])
def test_another_version(version):
    with pytest.raises(UnsupportedVersion):
        decode("sign", body({"v": version, "anything": "else"}))


@pytest.mark.parametrize("payload", [
    b"", b"x", b"[]", b"1", b'"a"', b"null", b"{", b'{"a":1}x', b'{"a":1,}', b"\xff", b'{"a":"\xc3"}',
    b"\xef\xbb\xbf{}",
    b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'{"a":"x","\\u0061":1}', b'{"a":NaN}', b'{"a":Infinity}',
    b'{"a":"\\ud800"}', b'{"\\ud800":1}', b'{"a":"e\\u0301"}', '{"e\u0301":1}'.encode(), b'{"a":["e\\u0301"]}',
    b'{"a":' + b"9" * 5000 + b"}", b'{"a":"\n"}', b"[" * 100, b'{"a":' * 9 + b"1" + b"}" * 9,
    b'{"a":' + b"[" * 8 + b"]" * 8 + b"}", b"[" * 90_000, b'{"a":"' + b"[" * 100,
])  # fmt: skip
def test_malformed(payload):
    with pytest.raises(Malformed):
        decode("sign", payload)
    assert request_id(payload) is None


def test_depth_is_counted_outside_strings_only():
    nested = b'{"a":' + b"[" * 7 + b'"]]]]{{{{\\"[["' + b"]" * 7 + b"}"
    with pytest.raises(SchemaInvalid):  # eight levels pass the first look
        decode("ping", nested)


def test_the_size_of_a_body():
    full = b'{"a":"' + b"x" * (PLAIN_BODY - 8) + b'"}'
    assert len(full) == PLAIN_BODY
    with pytest.raises(SchemaInvalid):
        decode("ping", full)
    with pytest.raises(TooLarge) as refusal:
        decode("ping", full + b" ")
    assert refusal.value.limit == PLAIN_BODY
    assert request_id(full + b" ") is None


def test_the_sum_of_the_documents():
    assert decode("sign", body(sign(documents=[document(b"x" * (INLINE // 2))] * 2)))
    with pytest.raises(TooLarge) as refusal:
        decode("sign", body(sign(documents=[document(b"x" * (INLINE // 2)), document(b"x" * (INLINE // 2 + 1))])))
    assert refusal.value.limit == INLINE


def test_request_id_of_a_refused_body():
    assert request_id(body({"v": 9, "id": ID.upper(), "x": 1})) == ID


def test_body_sha256_is_over_canonical_json():
    request = decode("sign", body(sign(documents=[document("é".encode(), title="Été")], signer="h1")))
    canonical = (
        '{"documents":[{"data":"w6k=","kind":"content","mediaType":"text/plain;charset=utf-8","title":"Été"}],'
        '"format":"raw","signer":"h1","ttl":120,"verb":"sign"}'
    )
    assert body_sha256(request) == hashlib.sha256(canonical.encode()).digest()


def test_body_sha256_covers_what_it_says_and_no_more():
    base = body_sha256(decode("sign", body(sign())))
    same = [{"id": OTHER}, {"progress": False}, {"ttl": 120}, {"signer": None}, {"cardSession": "s1"}]
    other = [{"ttl": 119}, {"signer": "h1"}, {"format": "jws"}, {"documents": [document(b"bonjour")]},
             {"documents": [document()] * 2}, {"documents": [document(title="note")]}]  # fmt: skip
    assert {body_sha256(decode("sign", body(sign(**change)))) for change in same} == {base}
    sums = {body_sha256(decode("sign", body(sign(**change)))) for change in other}
    assert len(sums) == len(other)
    assert base not in sums


def test_body_sha256_of_the_other_verbs():
    common = {"v": 1, "id": ID}
    sums = {
        body_sha256(decode("ping", body(common))),
        body_sha256(decode("identity", body(common))),
        body_sha256(decode("cancel", body({**common, "target": ID}))),
        body_sha256(decode("cancel", body({**common, "target": OTHER}))),
    }
    assert len(sums) == 4


@pytest.mark.parametrize("media_type", ["text/plain;charset=utf-8", "text/plain; charset=utf-8",
    "Text/Plain;Charset=UTF-8", 'text/plain;charset="utf-8"', "text/plain ; charset=utf-8 "])  # fmt: skip
def test_plain_text(media_type):
    assert is_plain_text(media_type)
    assert shown(media_type) == "content"


@pytest.mark.parametrize("media_type", ["text/plain", "text/plain;charset=utf8", "text/plain;charset=latin-1",
    "text/plain;charset=utf-8;format=flowed", "text/plain;charset =utf-8", "text/html;charset=utf-8", "",
    "text/plain;;charset=utf-8", "text/plain;charset='utf-8'", "application/vnd.cps-appliance.lines+json",
    "text/plain\t;charset=utf-8"])  # fmt: skip
def test_not_plain_text(media_type):
    assert not is_plain_text(media_type)
    assert shown(media_type) == "title"


def test_reprs_hold_no_content():
    request = decode("sign", body(sign(documents=[document(b"Bonjour Durand", title="Durand")])))
    assert "Durand" not in repr(request)


def test_requests_have_json_schemas():
    _, components = msgspec.json.schema_components(VERBS.values())
    assert components["SignRequest"]["additionalProperties"] is False
    assert components["SignRequest"]["properties"]["documents"]["maxItems"] == 100
    assert set(messages.VERBS) == {"sign", "identity", "practice", "ping", "cancel"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
MEMBERS = st.sampled_from(["v", "id", "documents", "format", "ttl", "signer", "cardSession", "progress", "target"])


def attempt(verb, payload):
    """Our error or a value, nothing else."""
    try:
        request = decode(verb, payload)
    except RequestError as error:
        assert error.code in {"malformed", "schema-invalid", "unsupported-version", "too-large"}  # noqa: PT017
    else:
        assert len(body_sha256(request)) == 32


@given(st.sampled_from(list(VERBS)), st.binary(max_size=300))
def test_any_bytes(verb, payload):
    attempt(verb, payload)


@given(st.sampled_from(list(VERBS)), st.dictionaries(MEMBERS, JSON, max_size=5))
def test_any_json(verb, members):
    attempt(verb, json.dumps({"v": 1, "id": ID, **members}).encode())


@settings(max_examples=200)
@given(st.data())
def test_any_edit_of_a_good_request(data):
    good = bytearray(body(sign()))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    attempt("sign", bytes(good))
