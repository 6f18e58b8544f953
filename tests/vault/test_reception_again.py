"""The same request once more: its state, its answer, or why there is none (contract, *Order of checks*)."""

import flow_kit as kit
import pytest
from flow_kit import failed, signed, tries
from reception_kit import CLIENT, OTHER, TOPIC, codes, counter, identifier, run, sign

from appliance.keypad.entry import Agree, Refuse
from appliance.vault import correspondence, reception
from appliance.vault.box import Box
from appliance.vault.journal import RequestState, Step


@pytest.fixture
def path(tmp_path):
    return tmp_path / "box.sqlite"


def finals(desk):
    """Where final answers went: (topic, correlation, code or phase)."""
    return [(topic, c, body.get("code", body["phase"])) for topic, c, body, final in desk.carrier.sent if final]


def test_an_open_request_asked_again_tells_its_state_and_answers_everywhere(path):
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
            assert finals(desk) == [
                (TOPIC, b"c", "refused"),
                (TOPIC + "/new", b"d", "refused"),
                (TOPIC + "/newer", b"c", "refused"),
                (TOPIC + "/newest", b"e", "refused"),
            ]
            await desk.reception.delivered(len(desk.carrier.sent) - 1)  # one of them is enough
            assert (await desk.scribe.find_request(CLIENT, identifier(1))).delivered

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
            assert [desk.reception._letters.is_open((client, identifier(1))) for client in (CLIENT, OTHER)] == [
                False,
                True,
            ]

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
            desk.reception.recover(await desk.scribe.open_requests())
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
    monkeypatch.setattr(correspondence, "REMEMBERED", 1)

    async def scenario():
        async with counter(path) as desk:
            for number in (1, 2):
                await desk.ask("sign", sign(number))
                last = (await desk.sign_it())[-1]
            assert await desk.ask("sign", sign(2)) == [last]
            assert codes(await desk.ask("sign", sign(1))) == ["answer-lost"]

    run(scenario())


# --- batches --------------------------------------------------------------------------------------------------------

BATCH = {"count": 3, "format": "raw"}


async def begin_batch(desk, **there):
    """Three documents, up to the card's work."""
    await desk.ask("sign", sign(**BATCH), **there)
    turns = (kit.keys.Next(),) * (len(desk.box.ask.consent.pages) - 1)
    await desk.feed(*turns, Agree(), tries(3), *(kit.keys.Digit(),) * 4, kit.keys.Validate())


def indices(bodies):
    """What is said of documents: (index, code or "signed"); the end is ("end", code or phase)."""
    return [
        (body["result"]["index"], body["result"].get("code", "signed"))
        if "result" in body
        else ("end", body.get("code", body["phase"]))
        for body in bodies
        if body["final"] or "result" in body
    ]


def test_results_of_a_batch_are_kept_and_told_again(path):
    async def scenario():
        async with counter(path) as desk:
            await begin_batch(desk)
            await desk.feed(signed)
            joined = await desk.ask("sign", sign(**BATCH), topic=TOPIC + "/new")
            assert indices(joined) == [(0, "signed")]
            assert (joined[-1]["phase"], "result" in joined[-1]) == ("signing", False)
            told = await desk.feed(signed, signed)
            assert indices(told) == [*[(1, "signed")] * 2, *[(2, "signed")] * 2, *[("end", "done")] * 2]
            whole = [(0, "signed"), (1, "signed"), (2, "signed"), ("end", "done")]
            kept = [desk.carrier.sent[number - 1] for number in desk.carrier.kept]
            assert indices([body for topic, _, body, _ in kept if topic == TOPIC]) == whole
            assert indices([body for topic, _, body, _ in kept if topic == TOPIC + "/new"]) == whole
            before = len(desk.carrier.kept)
            assert indices(await desk.ask("sign", sign(**BATCH), topic=TOPIC + "/again")) == whole
            assert len(desk.carrier.kept) == before + 4
            assert desk.box.ask is None

    run(scenario())


@pytest.mark.parametrize(
    ("events", "code"),
    [((Refuse(), signed), "refused"), ((signed, failed("outcome-unknown")), "outcome-unknown")],
)
def test_a_batch_that_ends_early_says_so_of_every_document_left(path, events, code):
    async def scenario():
        async with counter(path) as desk:
            await begin_batch(desk)
            whole = [(0, "signed"), (1, code), (2, code), ("end", code)]
            assert indices(await desk.feed(*events)) == whole
            assert indices(await desk.ask("sign", sign(**BATCH), topic=TOPIC + "/again")) == whole
            row = await desk.scribe.find_request(CLIENT, identifier(1))
            assert (row.state, row.code) == (RequestState.FAILED, code)

    run(scenario())


def test_a_batch_that_never_began_says_so_once(path):
    async def scenario():
        async with counter(path, box=Box()) as desk:
            told = await desk.ask("sign", sign(**BATCH))
            assert indices(told) == [("end", "reader-absent")]

    run(scenario())
