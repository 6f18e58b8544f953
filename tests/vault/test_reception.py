"""Requests as they arrive and the replies they get, over a real journal (contract, *Order of checks*, *Requests*)."""

import asyncio
import base64
import contextlib
import json
import uuid

import flow_kit as kit
import pytest
from card_identity import identity_of
from flow_kit import failed, held, identified, signed, tries

from appliance.config import parse
from appliance.contract.limits import PLAIN_BODY
from appliance.keypad.entry import Agree, Digit, Refuse, Validate
from appliance.link import messages as link
from appliance.vault import answers, flow, reception
from appliance.vault import box as b
from appliance.vault.box import Box
from appliance.vault.journal import Event, RequestState, Step
from appliance.vault.reception import Reception
from appliance.vault.scribe import Scribe

CLIENT, OTHER = "demo-desk", "other-desk"
TOPIC = f"cpsr/v1/cps-demo/rsp/{CLIENT}/1"


def config(requests="broker", per_minute=5):
    return parse(
        f'[device]\nid = "cps-demo"\n[mqtt]\nrequests = "{requests}"\n'
        f"[limits]\nrequests_per_minute = {per_minute}\n"
        f'[rights]\n{CLIENT} = ["sign", "sign-raw", "identity"]\nno-rights = []\n'
    )


def identifier(number):
    return str(uuid.UUID(int=number))


def sign(number=1, text="Pansement simple.", count=1, **members):
    data = base64.b64encode(text.encode()).decode()
    document = {"kind": "content", "mediaType": "text/plain;charset=utf-8", "title": "Ordonnance", "data": data}
    return {"v": 1, "id": identifier(number), "documents": [document] * count, "format": "jws", **members}


class Replies:
    """What the carrier would send: (topic, correlation, body, final)."""

    def __init__(self):
        self.sent = []

    def reply(self, to, payload, *, final):
        self.sent.append((to.topic, to.correlation, json.loads(payload), final))
        return len(self.sent)


class Counter:
    """The vault's shell without its hardware: reception, flow and journal; ``now`` stands still."""

    def __init__(self, scribe, settings, box=None):
        self.scribe, self.carrier, self.now = scribe, Replies(), 0.0
        self.reception = Reception(settings, scribe, self.carrier)
        self.box, self.found = box or kit.Play(*kit.READY).box, None

    async def ask(self, verb, body, client=CLIENT, topic=TOPIC, correlation=b"c"):
        """Send a request; the bodies of its replies."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        before = len(self.carrier.sent)
        message = link.Request(client, verb, payload, topic, correlation)
        event = await self.reception.receive(message, self.box, self.found, self.now)
        if event is not None:
            await self.feed(event)
        return self.since(before)

    async def feed(self, *events):
        """Let events happen, as the service does: the journal first, then everything else."""
        before = len(self.carrier.sent)
        for event in events:
            made = event(self.box) if callable(event) else event
            self.box, effects = flow.step(self.box, made, self.now)
            moves = [self.move(effect) for effect in effects if isinstance(effect, b.Move)]
            await self.scribe.commit([], moves, [])
            for effect in effects:
                match effect:
                    case b.Tell():
                        self.reception.tell(effect)
                    case b.Finish():
                        await self.reception.finish(effect)
                    case b.Busy():
                        self.reception.busy(effect)
        return self.since(before)

    def move(self, move):
        if move.to is RequestState.RECEIVED:
            return self.reception.record(move.ask)
        code = answers.contract_code(move.code) if move.code else None
        return Step(move.ask.client, move.ask.id, move.to, code)

    def since(self, before):
        return [body for _, _, body, _ in self.carrier.sent[before:]]

    async def sign_it(self):
        pages = len(self.box.ask.consent.pages)
        turns = (kit.keys.Next(),) * (pages - 1)
        return await self.feed(*turns, Agree(), tries(3), *(Digit(),) * 4, Validate(), signed)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "box.sqlite"


@contextlib.asynccontextmanager
async def counter(path, box=None, **settings):
    def dropped(_journal, first, last):
        return Event("journal", "dropped", lambda seq: f"{seq}:{first}-{last}".encode())

    scribe = await Scribe.open(path, dropped)
    try:
        yield Counter(scribe, config(**settings), box)
    finally:
        await scribe.close()


def run(scenario):
    async def bounded():
        async with asyncio.timeout(20):
            await scenario

    asyncio.run(bounded())


def codes(bodies):
    return [body.get("code") for body in bodies]


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


# --- the same id again ----------------------------------------------------------------------------------------------


def test_an_open_request_asked_again_tells_its_state_and_answers_there(path):
    async def scenario():
        async with counter(path) as desk:
            await desk.ask("sign", sign())
            (body,) = await desk.ask("sign", sign(), topic=TOPIC + "/new", correlation=b"d")
            assert (body["phase"], body["final"]) == ("awaiting-consent", False)
            await desk.feed(*kit.LAST_PAGE, Agree())
            assert [body["phase"] for body in await desk.ask("sign", sign(), topic=TOPIC + "/newer")] == [
                "awaiting-consent"
            ]
            await desk.feed(tries(3))
            (body,) = await desk.ask("sign", sign(), topic=TOPIC + "/newest", correlation=b"e")
            assert body["phase"] == "awaiting-pin"
            await desk.feed(Refuse())
            assert desk.carrier.sent[-1][:2] == (TOPIC + "/newest", b"e")
            assert desk.carrier.sent[-1][2]["code"] == "refused"

    run(scenario())


def test_every_state_in_which_a_request_is_open_has_its_phase():
    open_states = {state for state, walks in kit.WALKS.items() for steps in walks.values() if kit.Play(*steps).box.ask}
    assert set(reception.PHASES) == open_states


def test_a_request_that_ended_is_answered_again_and_never_begun_again(path):
    async def scenario():
        async with counter(path) as desk:
            await desk.ask("sign", sign())
            done = (await desk.sign_it())[-1]
            for _ in range(7):  # more than the rate: a known id is no new request
                assert await desk.ask("sign", sign(), topic=TOPIC + "/again") == [done]
            assert desk.box.ask is None
            assert desk.carrier.sent[-1][0] == TOPIC + "/again"

    run(scenario())


def test_an_id_belongs_to_its_body_and_its_client(path):
    async def scenario():
        async with counter(path) as desk:
            await desk.ask("sign", sign())
            for other in (sign(text="Autre."), sign(format="raw"), sign(ttl=60), sign(signer="somebody")):
                (body,) = await desk.ask("sign", other)
                assert (body["code"], body["id"]) == ("id-reused", identifier(1))
            await desk.feed(Refuse())
            assert codes(await desk.ask("sign", sign(text="Autre."))) == ["id-reused"]
            assert codes(await desk.ask("sign", sign(), client=OTHER)) == [None, None]
            assert len(desk.reception._addresses) == 1

    run(scenario())


def test_after_a_restart_an_end_is_known_and_an_answer_lost(path):
    async def scenario():
        async with counter(path) as desk:
            await desk.ask("sign", sign(1))
            await desk.sign_it()
            await desk.ask("sign", sign(2))
            await desk.feed(Refuse())
            await desk.reception.delivered(len(desk.carrier.sent))
        async with counter(path) as desk:
            assert codes(await desk.ask("sign", sign(1))) == ["answer-lost"]
            assert codes(await desk.ask("sign", sign(2))) == ["refused"]
            assert codes(await desk.ask("sign", sign(1, text="Autre."))) == ["id-reused"]
            assert desk.box.ask is None

    run(scenario())


def test_a_start_answers_what_a_crash_left(path):
    async def scenario():
        async with counter(path) as desk:
            await desk.ask("sign", sign(1))
            await desk.sign_it()
            await desk.ask("sign", sign(2), topic=TOPIC + "/2", correlation=b"2")
            await desk.feed(Refuse())
            await desk.ask("sign", sign(3), topic=TOPIC + "/3")
            await desk.scribe.commit([], [Step(CLIENT, identifier(3), RequestState.FAILED, "cancelled")], [])
        async with counter(path) as desk:
            await desk.reception.recover(await desk.scribe.open_requests())
            told = [(topic, correlation, body["code"], final) for topic, correlation, body, final in desk.carrier.sent]
            assert told == [
                (TOPIC, b"c", "answer-lost", True),
                (TOPIC + "/2", b"2", "refused", True),
                (TOPIC + "/3", b"c", "cancelled", True),
            ]
            assert codes(await desk.ask("sign", sign(3))) == ["cancelled"]
            for delivery in (1, 2, 3):
                await desk.reception.delivered(delivery)
            assert await desk.scribe.open_requests() == []

    run(scenario())


def test_only_so_many_answers_are_remembered(path, monkeypatch):
    monkeypatch.setattr(reception, "REMEMBERED", 1)

    async def scenario():
        async with counter(path) as desk:
            for number in (1, 2):
                await desk.ask("sign", sign(number))
                last = (await desk.sign_it())[-1]
            assert await desk.ask("sign", sign(2)) == [last]
            assert codes(await desk.ask("sign", sign(1))) == ["answer-lost"]

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
