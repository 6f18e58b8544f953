import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.contract.topics import Topics, is_name

TOPICS = Topics("cpsr/v1", "cps-demo")
ROOT = "cpsr/v1/cps-demo"


def test_the_names_of_the_contract():
    assert TOPICS.status == f"{ROOT}/status"
    assert TOPICS.info == f"{ROOT}/info"
    assert TOPICS.state("card") == f"{ROOT}/state/card"
    assert TOPICS.event("patient-card", "inserted") == f"{ROOT}/evt/patient-card/inserted"
    assert TOPICS.request_filter == f"{ROOT}/req/+/+"
    assert TOPICS.request("prat", "sign") == f"{ROOT}/req/prat/sign"
    assert TOPICS.reply("prat") == f"{ROOT}/rsp/prat"
    assert TOPICS.reply("prat", "a/b") == f"{ROOT}/rsp/prat/a/b"


@pytest.mark.parametrize(("prefix", "device"), [("cpsr/v1", "abc"), ("cpsr/v1", "CPS-demo"), ("", "cps-demo"),
    ("cpsr/+", "cps-demo"), ("/cpsr", "cps-demo"), ("cpsr/", "cps-demo"), ("cpsr/v1", "cps-demo\n")])  # fmt: skip
def test_refuses_what_cannot_stand_in_a_topic(prefix, device):
    with pytest.raises(ValueError, match=r"characters|levels"):
        Topics(prefix, device)


@pytest.mark.parametrize("name", ["abcd", "a-b-", "0" * 40])
def test_names(name):
    assert is_name(name)


@pytest.mark.parametrize("name", ["abc", "0" * 41, "ABCD", "ab_d", "ab/d", "abcd\n", "é234", ""])
def test_no_names(name):
    assert not is_name(name)
    with pytest.raises(ValueError, match="client"):
        TOPICS.request(name, "sign")


@pytest.mark.parametrize("verb", ["", "Sign", "a/b", "+", "sign\n", "-a"])
def test_no_verbs(verb):
    with pytest.raises(ValueError, match="verb"):
        TOPICS.request("prat", verb)
    assert TOPICS.parse_request(f"{ROOT}/req/prat/{verb}") is None


def test_parse_request():
    assert TOPICS.parse_request(f"{ROOT}/req/prat/sign") == ("prat", "sign")
    assert TOPICS.parse_request(f"{ROOT}/req/prat/unknown-verb") == ("prat", "unknown-verb")


@pytest.mark.parametrize("topic", ["", f"{ROOT}/req/prat", f"{ROOT}/req/abc/sign", f"{ROOT}/req/prat/sign/x",
    f"{ROOT}/rsp/prat/sign", "cpsr/v1/other-box/req/prat/sign", f"/{ROOT}/req/prat/sign"])  # fmt: skip
def test_parse_request_takes_nothing_else(topic):
    assert TOPICS.parse_request(topic) is None


@pytest.mark.parametrize("tail", ["", "/x", "/a/b/c", "/0123abcd", "/$a"])
def test_reply_allowed(tail):
    assert TOPICS.reply_allowed("prat", f"{ROOT}/rsp/prat{tail}")
    assert TOPICS.is_reply(f"{ROOT}/rsp/prat{tail}")


@pytest.mark.parametrize("topic", [
    None, "", f"{ROOT}/rsp/other/x", f"{ROOT}/rsp/prat2", f"{ROOT}/rsp/prat/+", f"{ROOT}/rsp/prat/#",
    f"{ROOT}/rsp/prat/a#", f"{ROOT}/rsp/prat/", f"{ROOT}/rsp/prat//a", f"{ROOT}/rsp/prat/a b", f"{ROOT}/rsp/prat/é",
    f"{ROOT}/rsp/prat/a\0", f"{ROOT}/rsp/prat/\n", f"{ROOT}/rsp/+/x", f"{ROOT}/status", f"{ROOT}/evt/card/inserted",
    "cpsr/v1/other-box/rsp/prat", f"{ROOT}/rsp/prat/" + "x" * 600,
])  # fmt: skip
def test_reply_not_allowed(topic):
    assert not TOPICS.reply_allowed("prat", topic)


def test_a_client_that_is_no_name_has_no_replies():
    assert not TOPICS.reply_allowed("+", f"{ROOT}/rsp/+")
    assert not TOPICS.is_reply(f"{ROOT}/rsp/+")
    assert not TOPICS.is_reply(f"{ROOT}/status")
    with pytest.raises(ValueError, match="response topic"):
        TOPICS.reply("prat", "+")


@given(st.text(), st.text())
def test_whatever_the_topic_a_reply_stays_below_its_client(client, topic):
    if TOPICS.reply_allowed(client, topic):
        assert topic == f"{ROOT}/rsp/{client}" or topic.startswith(f"{ROOT}/rsp/{client}/")
    parsed = TOPICS.parse_request(topic)
    assert parsed is None or TOPICS.request(*parsed) == topic
