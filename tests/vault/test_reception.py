"""Requests as they arrive and the replies they get, over a real journal (contract, *Order of checks*, *Requests*)."""

import flow_kit as kit
import pytest
from card_identity import identity_of
from flow_kit import failed, held, identified
from reception_kit import CLIENT, OTHER, TOPIC, codes, counter, identifier, run, sign

from appliance.contract.limits import PLAIN_BODY
from appliance.keypad.entry import Refuse
from appliance.vault import box as b
from appliance.vault import reception
from appliance.vault.box import Box
from appliance.vault.journal import RequestState


@pytest.fixture
def path(tmp_path):
    return tmp_path / "box.sqlite"


# --- refusals -------------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_refused_in_order(path):
    async def scenario():
        async with counter(path) as desk:
            sound = sign()
            for verb, body, code, known in (
                ("sign", b"", "malformed", False),
                ("sign", b"[]", "malformed", False),
                ("sign", b'{"v":1,"v":1}', "malformed", False),
                ("sign", b" " * (PLAIN_BODY + 1), "too-large", False),
                ("sign", {**sound, "v": 2}, "unsupported-version", True),
                ("sign", {**sound, "v": 2, "surprise": 1}, "unsupported-version", True),
                ("sign", {**sound, "surprise": 1}, "schema-invalid", True),
                ("sign", {**sound, "documents": []}, "schema-invalid", True),
                ("sign", {**sound, "id": "1"}, "schema-invalid", False),
                ("sign", sign(text="x" * 33_000), "too-large", True),
                ("certificates", sound, "schema-invalid", True),
                (
                    "sign",
                    {**sound, "documents": [{**sound["documents"][0], "title": "\u05d0"}]},
                    "schema-invalid",
                    True,
                ),
            ):
                (said,) = await desk.ask(verb, body)
                assert (said["code"], said["final"]) == (code, True), code
                assert said["id"] == (sound["id"] if known else None)
                assert ("limit" in said) == (code == "too-large")
            assert await desk.scribe.find_request(CLIENT, sound["id"]) is None
            assert all(final for _, _, _, final in desk.carrier.sent)

    run(scenario())


def test_a_right_comes_before_the_rest(path):
    async def scenario():
        async with counter(path, per_minute=1) as desk:
            for verb, body in (("sign", sign()), ("identity", {"v": 1, "id": identifier(1)})):
                assert codes(await desk.ask(verb, body, client="no-rights")) == ["not-allowed"]
            assert codes(await desk.ask("sign", sign(format="raw"), client=OTHER)) == ["not-allowed"]
            assert codes(await desk.ask("sign", sign(count=2, progress=False))) == ["schema-invalid"]
            assert await desk.scribe.find_request("no-rights", identifier(1)) is None
            assert [body["phase"] for body in await desk.ask("sign", sign())] == ["accepted", "awaiting-consent"]
        async with counter(path, requests="off") as desk:
            for verb, body in (("sign", sign(2)), ("ping", {"v": 1, "id": identifier(1)})):
                assert codes(await desk.ask(verb, body)) == ["not-allowed"]

    run(scenario())


def test_the_rate_is_the_clients_own_and_says_when_to_come_again(path):
    async def scenario():
        async with counter(path, per_minute=2) as desk:
            for number in (1, 2):
                await desk.ask("sign", sign(number))
                await desk.feed(Refuse())
                desk.now += 10
            (body,) = await desk.ask("sign", sign(3))
            assert (body["code"], body["retryAfter"], body["retryable"]) == ("rate-limited", 41, True)
            assert codes(await desk.ask("sign", sign(2))) == ["refused"]  # a known id is no new request
            assert await desk.scribe.find_request(CLIENT, identifier(3)) is None
            assert codes(await desk.ask("sign", sign(3), client=OTHER)) == [None, None]
            await desk.feed(Refuse())
            desk.now += 41
            assert codes(await desk.ask("sign", sign(3))) == [None, None]

    run(scenario())


def test_one_request_at_a_time(path):
    async def scenario():
        async with counter(path) as desk:
            await desk.ask("sign", sign(1))
            (body,) = await desk.ask("sign", sign(2), client=OTHER)
            assert (body["code"], body["inProgress"], body["final"]) == ("busy", identifier(1), True)
            assert await desk.scribe.find_request(OTHER, identifier(2)) is None
            await desk.feed(Refuse())
            assert codes(await desk.ask("sign", sign(2), client=OTHER)) == [None, None]

    run(scenario())


# --- one request ----------------------------------------------------------------------------------------------------


def test_the_stream_of_one_signature(path):
    async def scenario():
        async with counter(path) as desk:
            said = await desk.ask("sign", sign())
            said += await desk.sign_it()
            assert [body["phase"] for body in said] == [
                "accepted",
                "awaiting-consent",
                "awaiting-pin",
                "signing",
                "done",
            ]
            assert {body["id"] for body in said} == {identifier(1)}
            assert [final for *_, final in desk.carrier.sent] == [False] * 4 + [True]
            assert {(topic, correlation) for topic, correlation, *_ in desk.carrier.sent} == {(TOPIC, b"c")}
            head = await desk.scribe.audit_head()
            assert said[-1]["auditHead"] == head.h.hex()
            row = await desk.scribe.find_request(CLIENT, identifier(1))
            assert (row.state, row.delivered, row.progress) == (RequestState.DONE, False, True)
            await desk.reception.delivered(len(desk.carrier.sent))
            row = await desk.scribe.find_request(CLIENT, identifier(1))
            assert (row.delivered, row.response_topic, row.correlation) == (True, "", None)
            await desk.reception.delivered(len(desk.carrier.sent))  # twice, and unknown ones: nothing
            await desk.reception.delivered(999)

    run(scenario())


def test_without_progress_there_is_the_end_and_nothing_else(path):
    async def scenario():
        async with counter(path) as desk:
            assert await desk.ask("sign", sign(progress=False), correlation=None) == []
            assert await desk.ask("sign", sign(progress=False), correlation=None) == []
            (body,) = await desk.sign_it()
            assert (body["phase"], body["final"]) == ("done", True)
            assert desk.carrier.sent[-1][1] is None

    run(scenario())


def test_an_end_that_the_box_gives_at_once_is_one_reply(path):
    async def scenario():
        async with counter(path, box=Box()) as desk:
            assert codes(await desk.ask("sign", sign())) == ["reader-absent"]
            row = await desk.scribe.find_request(CLIENT, identifier(1))
            assert (row.state, row.code) == (RequestState.FAILED, "reader-absent")

    run(scenario())


# --- the other verbs ------------------------------------------------------------------------------------------------


def test_cancel_is_the_openers(path):
    async def scenario():
        async with counter(path) as desk:
            wanted = {"v": 1, "id": identifier(50), "target": identifier(1)}
            assert codes(await desk.ask("cancel", wanted)) == ["not-allowed"]
            await desk.ask("sign", sign(1))
            assert codes(await desk.ask("cancel", wanted, client=OTHER)) == ["not-allowed"]
            assert codes(await desk.ask("cancel", {**wanted, "target": identifier(2)})) == ["not-allowed"]
            assert desk.box.ask is not None
            done, ended = await desk.ask("cancel", wanted, topic=TOPIC + "/cancel")
            assert (done["id"], done["target"], done["phase"]) == (identifier(50), identifier(1), "done")
            assert (ended["id"], ended["code"]) == (identifier(1), "cancelled")
            assert [topic for topic, *_ in desk.carrier.sent[-2:]] == [TOPIC + "/cancel", TOPIC]

    run(scenario())


def test_ping(path):
    async def scenario():
        async with counter(path) as desk:
            (body,) = await desk.ask("ping", {"v": 1, "id": identifier(1)}, client="no-rights")
            assert (body["phase"], body["bootId"]) == ("done", desk.scribe.boot_id)

    run(scenario())


def test_ping_tells_no_time_that_cannot_be(path, monkeypatch):
    async def scenario():
        async with counter(path) as desk:
            (body,) = await desk.ask("ping", {"v": 1, "id": identifier(1)})
            assert ("time" in body) == reception.clock.believable(reception.clock.wall())
            monkeypatch.setattr(reception.clock, "wall", lambda: reception.clock.BUILT.replace(year=1970))
            assert "time" not in (await desk.ask("ping", {"v": 1, "id": identifier(1)}))[0]
            monkeypatch.setattr(reception.clock, "wall", lambda: reception.clock.BUILT)
            assert (await desk.ask("ping", {"v": 1, "id": identifier(1)}))[0]["time"].endswith("Z")

    run(scenario())


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((), "reader-absent"),
        ((b.ReaderLost("reader-busy"),), "reader-busy"),
        (kit.ATTACHED, "card-absent"),
        (kit.INSERTED, "card-absent"),
        ((*kit.INSERTED, held), "reader-busy"),
        ((*kit.INSERTED, failed("card-mute")), "card-mute"),
        ((*kit.INSERTED, failed("card-data-malformed")), "card-unsupported"),
        (kit.PATIENT, "card-absent"),
        ((*kit.INSERTED, identified()), "card-absent"),  # pulled, and the flow is about to hear of it
    ],
)
def test_nobody_to_identify(path, steps, code):
    async def scenario():
        async with counter(path, box=kit.Play(*steps).box) as desk:
            assert codes(await desk.ask("identity", {"v": 1, "id": identifier(1)})) == [code]

    run(scenario())


def test_identity_is_answered_while_a_request_is_open(path):
    async def scenario():
        async with counter(path) as desk:
            desk.found = identity_of()
            await desk.ask("sign", sign(1))
            (body,) = await desk.ask("identity", {"v": 1, "id": identifier(2)})
            assert (body["name"]["family"], body["phase"]) == ("DURAND-TEST", "done")
            assert desk.box.ask is not None

    run(scenario())
