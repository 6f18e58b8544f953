"""``practice`` at the counter: consent and PIN, situations in the answer alone, one prompt at a time (contract)."""

import asyncio
import json
import sqlite3

import flow_kit as kit
import pytest
from flow_kit import tries
from reception_kit import CLIENT, OTHER, codes, config, counter, identifier, run, sign

from appliance.card.activity import Situation
from appliance.contract.topics import DEFAULT_PREFIX, Topics
from appliance.keypad.entry import Agree, Refuse, Validate
from appliance.vault import answers
from appliance.vault import box as b
from appliance.vault.journal import Event, RequestState
from appliance.vault.ledger import Ledger
from appliance.vault.scribe import Scribe

RIGHTS = {CLIENT: frozenset({"practice", "sign"}), OTHER: frozenset({"sign"})}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "box.sqlite"


@pytest.fixture(autouse=True)
def rights(monkeypatch):
    monkeypatch.setattr(type(config()), "rights_of", lambda _self, client: RIGHTS[client])


def practice(number=1, **members):
    return {"v": 1, "id": identifier(number), **members}


READ = (Agree(), tries(3), *kit.FOUR, Validate(), kit.read)


def test_the_stream_of_practice(path):
    async def scenario():
        async with counter(path) as desk:
            said = await desk.ask("practice", practice())
            said += await desk.feed(*READ)
            assert [body["phase"] for body in said] == ["accepted", "awaiting-consent", "awaiting-pin", "done"]
            assert said[-1] == {
                "id": identifier(1),
                "phase": "done",
                "final": True,
                "holder": "holder-1",
                "cardSession": kit.SESSION,
                "situations": [
                    {
                        "number": 1,
                        "structure": "CABINET DURAND",
                        "id": "123456789",
                        "sector": {"code": "SA07", "label": "Cabinet individuel"},
                    },
                    {"number": 3, "unknown": [{"tag": "87", "value": "3f"}]},
                ],
            }
            row = await desk.scribe.find_request(CLIENT, identifier(1))
            assert (row.verb, row.state) == ("practice", RequestState.DONE)
            again = await desk.ask("practice", practice())
            assert again == [said[-1]]
            assert codes(await desk.ask("sign", sign(1))) == ["id-reused"]

    run(scenario())
    everything = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"CABINET" not in everything
    assert b"123456789" not in everything


def test_practice_needs_its_right_and_its_turn(path):
    async def scenario():
        async with counter(path) as desk:
            assert codes(await desk.ask("practice", practice(1), client=OTHER)) == ["not-allowed"]
            await desk.ask("sign", sign(2), client=OTHER)
            (body,) = await desk.ask("practice", practice(3))
            assert (body["code"], body["inProgress"]) == ("busy", identifier(2))
            await desk.feed(Refuse())
            await desk.ask("practice", practice(3))
            (body,) = await desk.ask("sign", sign(4), client=OTHER)
            assert (body["code"], body["inProgress"]) == ("busy", identifier(3))
            (done, final) = await desk.ask("cancel", practice(5, target=identifier(3)))
            assert (done["target"], final["code"]) == (identifier(3), "cancelled")
            for number in range(6, 9):
                await desk.ask("practice", practice(number))
                await desk.feed(Refuse())
            assert codes(await desk.ask("practice", practice(9))) == ["rate-limited"]

    run(scenario())


def test_nothing_is_asked_over_the_menu(path):
    async def scenario():
        async with counter(path, kit.Play(*kit.MENU).box) as desk:
            for verb, body in (("practice", practice(1)), ("sign", sign(2))):
                (problem,) = await desk.ask(verb, body)
                assert (problem["code"], problem["final"]) == ("busy", True)
                assert "inProgress" not in problem
            await desk.feed(Refuse())
            assert codes(await desk.ask("practice", practice(1))) == [None, None]

    run(scenario())


@pytest.mark.parametrize("typed", [True, False])
def test_a_crash_while_practice_was_open_is_cancelled_and_no_signature_failed(path, typed):
    """What was only to be read can be asked for again; the audit still says who agreed to what."""
    published = []

    async def scenario():
        async with counter(path) as desk:
            await desk.ask("practice", practice())
            await desk.feed(*(READ[:-1] if typed else READ[:1]))
        scribe = await Scribe.open(path, lambda *_: Event("journal", "dropped", lambda _seq: b""))
        try:
            ledger = Ledger(Topics(DEFAULT_PREFIX, "cps-demo"), scribe, lambda _ask: None, lambda: None)
            (row,) = await ledger.recover()
            published.append(await scribe.last_seq())
        finally:
            await scribe.close()
        assert (row.state, row.code) == (RequestState.FAILED, "cancelled")

    run(scenario())
    assert published == [0]


def test_the_audit_says_who_agreed_that_practice_is_read(path):
    async def committing():
        scribe = await Scribe.open(path, lambda *_: Event("journal", "dropped", lambda _seq: b""))
        try:
            holder = await scribe.holder_tag("99900063480")
            ledger = Ledger(Topics(DEFAULT_PREFIX, "cps-demo"), scribe, counterfeit, lambda: None)
            look = kit.look()
            for move in (
                b.Move(look, RequestState.RECEIVED),
                b.Move(look, RequestState.ACCEPTED),
                b.Move(look, RequestState.AGREED, holder=holder),
            ):
                await ledger.commit([move])
        finally:
            await scribe.close()

    def counterfeit(ask):
        from appliance.contract.messages import body_sha256  # noqa: PLC0415 - one line of one test
        from appliance.vault.journal import Receive  # noqa: PLC0415

        return Receive(ask.client, ask.id, body_sha256(ask.request), "practice", "rsp/x", None)

    asyncio.run(committing())
    with sqlite3.connect(path) as database:
        (payload,) = [json.loads(row) for (row,) in database.execute("SELECT payload FROM audit_payload")]
    database.close()
    assert payload["kind"] == "request/agreed"
    assert payload["data"] == {"client": kit.CLIENT, "request": kit.look().id, "verb": "practice"}


def test_a_failed_practice_is_a_problem_without_situations():
    look = kit.look()
    finish = b.Finish(look, code="card-removed", situations=kit.SITUATIONS, holder="h", session="s")
    assert json.loads(answers.final(finish, b"")) == json.loads(answers.final(b.Finish(look, code="card-removed"), b""))
    assert answers.unsigned(finish) == []


@pytest.mark.parametrize(
    ("situation", "said"),
    [
        (Situation(2, None, None, None), {"number": 2}),
        (Situation(2, None, None, "ZZ99"), {"number": 2, "sector": {"code": "ZZ99", "label": ""}}),
        (
            Situation(16, None, None, None, ((0x5F24, b"\x01\xff"), (0, b""))),
            {"number": 16, "unknown": [{"tag": "5f24", "value": "01ff"}, {"tag": "00", "value": ""}]},
        ),
    ],
)
def test_a_situation_says_only_what_the_card_says(situation, said):
    reply = b.Finish(kit.look(), situations=(situation,), holder="h", session="s")
    assert json.loads(answers.final(reply, b""))["situations"] == [said]
