"""``appliance simulate --panel`` as it runs, over its WebSocket: who is turned away, a journey, faults, its end."""

import asyncio
import json
import signal
import socket

import aiohttp
import pytest
from panel_kit import Page, PanelProcess

NAME = "S. DURAND-TEST"


@pytest.fixture(scope="module")
def panel():
    with PanelProcess() as process:
        yield process
        left = process.left()
        assert process.end(signal.SIGTERM) == 0, process.errors
        assert process.errors == ""
        assert len(left) >= 3  # itself, vault, gateway, broker: the look at what is left can see
        assert process.left() == []


@pytest.fixture
def page(panel):
    with Page(panel.url) as page:
        page.wait_for(lambda page: page.state and page.state["status"] == "online")
        page.say("remove")
        page.wait_for(lambda page: page.state["card"] is None)
        page.say("flip", fault="10s")  # whatever a result is shown for
        page.wait_shown("Insérez")
        yield page


def fetch(method: str, url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    async def ask():
        async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as answer:
            return answer.status, dict(answer.headers), await answer.read()

    return asyncio.run(ask())


# --- who is turned away -----------------------------------------------------------------------------------------------


def test_the_page_comes_whole_and_asks_nobody_else(panel):
    for name, kind in (("", "text/html"), ("panel.css", "text/css"), ("panel.js", "text/javascript")):
        status, headers, body = fetch("GET", panel.url + name)
        assert (status, headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        for elsewhere in (b"http://", b"https://", b"url(", b"@import", b"<style", b"onclick", b"innerHTML"):
            assert elsewhere not in body, (name, elsewhere)


@pytest.mark.parametrize(
    "path", ["/", "/panel.js", "/ws", "/x/", "/{token}x/", "/{token}/other", "/{token}/../", "/{token}//etc/passwd"]
)
def test_nothing_else_is_served(panel, path):
    base, token = panel.url.rstrip("/").rsplit("/", 1)
    status, _, body = fetch("GET", base + path.format(token=token))
    assert status == 404
    assert token.encode() not in body


@pytest.mark.parametrize(
    "host", ["example.org", "127.0.0.1", "127.0.0.1.example.org:{port}", "[::1]:{port}", "0.0.0.0"]
)
def test_another_host_is_refused(panel, host):
    port = panel.host.rpartition(":")[2]
    assert fetch("GET", panel.url, Host=host.format(port=port))[0] == 403


def test_localhost_is_this_machine_too(panel):
    assert fetch("GET", panel.url, Host=panel.host.replace("127.0.0.1", "localhost"))[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://example.org", "null", "https://{host}", "http://127.0.0.1", "http://{host}.org"]
)
def test_another_origin_is_refused(panel, origin):
    foreign = origin.format(host=panel.host)
    assert fetch("GET", panel.url, Origin=foreign)[0] == 403
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught, Page(panel.url, Origin=foreign):
        pass
    assert caught.value.status == 403


def test_no_origin_no_conversation(panel):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    assert fetch("GET", panel.url + "ws", **upgrade, **key)[0] == 403


def test_no_token_no_conversation(panel):
    for url in (panel.url[:-2] + "/", panel.url.rsplit("/", 2)[0] + "/"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught, Page(url, Origin=f"http://{panel.host}"):
            pass
        assert caught.value.status == 404


def test_only_loopback_listens(panel):
    port = int(panel.host.rpartition(":")[2])
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", port))  # free: it does not listen on every address


@pytest.mark.parametrize("message", ["", "{}", '{"type":"down","key":"E"}', '{"type":"state"}', b"\0"])
def test_who_says_something_else_is_hung_up_on(page, message):
    page.send(message)
    assert page.wait_closed() == 1008


def test_who_says_too_much_is_hung_up_on(page):
    page.send("x" * 600_000)
    assert page.wait_closed() in {1009, 1006}  # the second where the farewell was lost behind what was not read


# --- journeys ---------------------------------------------------------------------------------------------------------


def enter(page, card="cps3"):
    page.say("insert", card=card)
    page.wait_shown(NAME)


def agree(page):
    """Read to the last page, and agree."""
    while "A accepter" not in " ".join(page.lines):
        before = page.lines
        page.press("C")
        page.wait_for(lambda page, before=before: page.lines != before)
    page.press("A")
    page.wait_shown("Code porteur")


def type_code(page, code="1234"):
    page.press(code)
    page.wait_shown("•" * len(code))
    page.press("#")


def ask(page, what="text", **more):
    """Send a sample; its number."""
    number = max(page.dossiers, default=0) + 1
    page.say("ask", what=what, **more)
    page.wait_for(lambda page: number in page.dossiers)
    return number


def wait_done(page, number):
    return page.wait_for(lambda page: (now := page.dossiers[number])["stage"] != "open" and now)


@pytest.mark.parametrize("shape", ["jws", "raw"])
def test_from_insertion_to_a_verified_signature(page, shape):
    enter(page)
    assert page.state["card"] == "cps3"
    number = ask(page, format=shape, text="Un pansement.")
    page.wait_shown("Ordonnance")
    page.press("C")
    page.wait_shown("Un pansement.")
    agree(page)
    type_code(page)
    done = wait_done(page, number)
    assert [check["good"] for check in done["checks"]] == [True, True]
    page.wait_shown("Signé")


def test_a_spoilt_document_is_not_verified(page):
    enter(page)
    number = ask(page, spoil=True)
    page.wait_shown("Ordonnance")
    agree(page)
    type_code(page)
    assert [check["good"] for check in wait_done(page, number)["checks"]] == [False, True]


def test_a_batch_is_judged_one_by_one(page):
    enter(page)
    number = ask(page, "batch", format="raw")
    page.wait_shown("3 documents")
    agree(page)
    type_code(page)
    done = wait_done(page, number)
    assert [check["good"] for check in done["checks"]] == [True] * 6
    assert "« Compte rendu de soins.pdf »" in done["checks"][4]["about"]


def test_torn_at_the_code_and_again(page):
    enter(page)
    page.say("flip", fault="tear-verify")
    page.wait_for(lambda page: page.state["on"] == ["tear-verify"])
    number = ask(page)
    page.wait_shown("Ordonnance")
    agree(page)
    type_code(page)
    assert "card-removed" in wait_done(page, number)["phase"]
    page.wait_for(lambda page: page.state["on"] == [] and page.state["card"] is None)
    enter(page)
    again = ask(page)
    page.wait_shown("Ordonnance")
    agree(page)
    type_code(page)
    assert all(check["good"] for check in wait_done(page, again)["checks"])


def test_torn_at_the_signature_nobody_can_know(page):
    enter(page, "cps4")
    page.say("flip", fault="tear-sign")
    number = ask(page)
    page.wait_shown("Ordonnance")
    agree(page)
    type_code(page)
    assert "outcome-unknown" in wait_done(page, number)["phase"]


def test_cancelled_by_the_software(page):
    enter(page)
    number = ask(page)
    page.wait_shown("Ordonnance")
    page.say("cancel")
    assert "cancelled" in wait_done(page, number)["phase"]


def test_wrong_things_are_answered(page):
    for what, code in (("json", "malformed"), ("size", "too-large"), ("version", "unsupported-version")):
        assert code in wait_done(page, ask(page, what))["phase"]


def test_a_key_that_a_page_held_comes_up_when_it_goes(panel, page):
    enter(page)
    with Page(panel.url) as other:
        other.wait_for(lambda page: page.state)
        other.say("down", key="5")
    ask(page)
    page.wait_shown("Ordonnance")
    agree(page)  # with a 5 held no other key would count
    page.press("D")
    page.wait_shown("Refusé")


def test_two_pages_see_the_same(panel, page):
    enter(page)
    with Page(panel.url) as other:
        other.wait_shown(NAME)
        assert other.frame["pixels"] == page.frame["pixels"]


# --- faults -----------------------------------------------------------------------------------------------------------

LASTING = ["slow", "stuck", "cover", "reader", "gateway", "vault", "broker"]


@pytest.mark.parametrize("fault", LASTING)
def test_a_lasting_fault_goes_on_and_off(page, fault):
    enter(page)
    before = max(page.entries)
    page.say("flip", fault=fault)
    page.wait_for(lambda page: fault in page.state["on"])
    page.say("flip", fault=fault)
    page.wait_for(lambda page: page.state["on"] == [] and page.state["status"] == "online" and page.state["vault"])
    page.say("flip", fault="ghost")  # told behind all that went before
    page.wait_for(lambda page: any("touches" in one["text"] for one in list(page.entries.values())[-3:]))
    assert not [one for one in page.entries.values() if one["tone"] == "bad" and one["number"] > before]


def test_a_stuck_key_is_seen_after_ten_seconds_of_the_boxs_clock(page):
    page.say("flip", fault="stuck")
    page.say("flip", fault="10s")
    page.wait_shown("Clavier bloqué")
    page.wait_for(lambda page: page.state["status"] == "degraded")
    page.say("flip", fault="stuck")
    page.wait_shown("Insérez")


def test_a_ghost_is_no_key(page):
    enter(page)
    ask(page)
    shown = page.wait_shown("Ordonnance")
    page.say("flip", fault="ghost")
    page.wait_for(lambda page: any("touches" in one["text"] for one in list(page.entries.values())[-3:]))
    assert page.lines == shown
    page.press("D")
    page.wait_shown("Refusé")


def wait_entry(page, topic, text, after):
    """The number of an entry of MQTT told behind ``after``."""
    found = page.wait_for(
        lambda page: [
            number
            for number, one in page.entries.items()
            if number > after and one["topic"] == topic and text in one["text"]
        ]
    )
    return found[0]


def test_without_a_display_nothing_is_signed_and_then_it_is_well_again(page):
    enter(page)
    before = max(page.entries)
    page.say("flip", fault="display")
    number = ask(page)
    ill = wait_entry(page, "evt/display/fault", "", before)
    wait_entry(page, "state/health", '"display": "ok"', ill)
    assert "display-absent" in wait_done(page, number)["phase"]
    again = ask(page)
    page.wait_shown("Ordonnance")
    page.press("D")
    assert "refused" in wait_done(page, again)["phase"]


def test_a_mute_card_is_well_when_it_comes_back(page):
    enter(page)
    page.say("flip", fault="mute")
    number = ask(page)
    page.wait_shown("Ordonnance")
    while "A accepter" not in " ".join(page.lines):
        before = page.lines
        page.press("C")
        page.wait_for(lambda page, before=before: page.lines != before)
    page.press("A")
    page.wait_for(lambda page: page.state["on"] == [])
    page.say("remove")
    wait_done(page, number)
    enter(page)


def test_what_cannot_be_done_is_said(page):
    page.say("flip", fault="nothing")
    page.say("insert", card="nothing")
    page.say("ask", what="nothing")
    page.wait_for(lambda page: [one["tone"] for one in page.entries.values()].count("bad") >= 3)


def test_no_digit_is_told_to_anybody(panel):
    """What is typed comes back as marks on the display only: no entry, no dossier, no other message."""
    code = "73914628"
    with Page(panel.url) as page:
        page.wait_for(lambda page: page.state and page.state["status"] == "online")
        page.say("insert", card="blocked")
        page.wait_shown(NAME)
        heard = len(page.entries)
        page.say("down", key="A")
        page.wait_shown("Menu")
        page.say("up", key="A")
        page.press("CA")
        page.wait_shown("Déblocage")
        page.press(code)
        page.wait_shown("•" * 8)
        page.press("D")
        page.say("flip", fault="10s")
        page.wait_shown(NAME)
        told = json.dumps([list(page.entries.values())[heard:], list(page.dossiers.values()), page.state, page.lines])
    assert not [part for part in (code[at : at + 5] for at in range(4)) if part in told]


# --- its end ----------------------------------------------------------------------------------------------------------


def test_ctrl_c_ends_it_with_a_page_open_and_nothing_is_left():
    with PanelProcess() as process, Page(process.url) as page:
        page.wait_for(lambda page: page.state)
        assert process.end(signal.SIGINT) == 0, process.errors
        assert page.wait_closed() in {1001, 1006}
        assert process.left() == []


def test_a_port_that_is_taken_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AssertionError, match="address already in use"):
            PanelProcess(str(taken.getsockname()[1]))
