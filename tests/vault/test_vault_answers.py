"""The bytes that practice software gets (contract, *Replies*, *State*)."""

import json

import flow_kit as kit
import msgspec
import pytest
from card_identity import identity_of
from flow_kit import Play, asked, failed, held, identified

from appliance.contract import problems
from appliance.contract.messages import IdentityRequest
from appliance.contract.replies import JwsResult
from appliance.keypad.entry import KeyFault
from appliance.vault import answers
from appliance.vault import box as b

ASK = kit.ask(7)
BATCH = kit.ask(8, count=3)
HEAD = bytes(range(32))


def test_a_code_outside_the_contract_is_internal():
    assert answers.contract_code("refused") == "refused"
    for code in ("card-reset", "signature-invalid", "card-data-malformed", "journal-fault", "no-such-code"):
        assert code not in problems.PROBLEMS
        assert answers.contract_code(code) == "internal"


@pytest.mark.parametrize(
    ("tell", "members"),
    [
        (b.Tell(ASK, "accepted"), {}),
        (b.Tell(ASK, "awaiting-pin", attempt=2), {"attempt": 2}),
        (b.Tell(ASK, "signing", done=0), {"done": 0, "of": 1}),
        (
            b.Tell(BATCH, "signing", done=1, result=JwsResult(index=0, shown="content", jws="a.b.c")),
            {"done": 1, "of": 3, "result": {"index": 0, "shown": "content", "jws": "a.b.c"}},
        ),
    ],
)
def test_progress(tell, members):
    assert json.loads(answers.progress(tell)) == {"id": tell.ask.id, "phase": tell.phase, "final": False, **members}


def test_the_end_of_one_document_carries_its_result():
    said = json.loads(answers.final(b.Finish(ASK, (kit.result(),)), HEAD))
    assert said["result"]["alg"] == "RS256"
    assert (said["id"], said["phase"], said["final"]) == (ASK.id, "done", True)
    assert (said["counts"], said["auditHead"]) == ({"signed": 1, "failed": 0}, HEAD.hex())
    assert {"trust", "revocation"}.isdisjoint(said)


def test_the_end_says_what_the_signer_is_worth():
    said = json.loads(answers.final(b.Finish(ASK, (kit.result(),), trust="good"), HEAD))
    assert (said["trust"], said["revocation"]) == ("good", "unknown")


def test_the_end_of_a_batch_counts():
    said = json.loads(answers.final(b.Finish(BATCH, tuple(map(kit.result, range(3)))), HEAD))
    assert said["counts"] == {"signed": 3, "failed": 0}
    assert "result" not in said


@pytest.mark.parametrize(
    ("finish", "code", "tries"),
    [
        (b.Finish(ASK, code="refused"), "refused", None),
        (b.Finish(ASK, code="card-reset"), "internal", None),
        (b.Finish(ASK, code="pin-wrong", tries=2), "pin-wrong", None),
        (b.Finish(ASK, code="pin-wrong", tries=1), "pin-wrong", 1),
        (b.Finish(ASK, code="pin-blocked", tries=0), "pin-blocked", 0),
        (b.Finish(BATCH, (kit.result(),), code="outcome-unknown"), "outcome-unknown", None),
    ],
)
def test_the_end_of_a_request_that_failed(finish, code, tries):
    said = json.loads(answers.final(finish, HEAD))
    assert (said["code"], said["phase"], said["final"], said.get("triesLeft")) == (code, "error", True, tries)
    assert said["status"] == problems.PROBLEMS[code].status


@pytest.mark.parametrize("signed", [0, 1, 2])
def test_a_batch_that_fails_in_the_middle_says_what_was_not_signed(signed):
    told = answers.unsigned(b.Finish(BATCH, tuple(map(kit.result, range(signed))), code="card-reset"))
    assert [json.loads(body) for body in told] == [
        {
            "id": BATCH.id,
            "phase": "signing",
            "final": False,
            "done": signed,
            "of": 3,
            "result": {"index": index, "shown": "content", "code": "internal"},
        }
        for index in (range(signed, 3) if signed else ())  # nothing signed: the final problem says it all
    ]


def test_nothing_else_has_documents_that_were_not_signed():
    assert answers.unsigned(b.Finish(BATCH, tuple(map(kit.result, range(3))))) == []
    assert answers.unsigned(b.Finish(ASK, code="refused")) == []


def test_identity_is_a_claim_and_brings_certificates_only_when_asked():
    found = identity_of()
    request = IdentityRequest(v=1, id=ASK.id)
    said = json.loads(answers.identity(request, kit.card(tries=2), found))
    assert said["name"] == {"given": "SOPHIE", "family": "DURAND-TEST"}
    assert (said["rpps"], said["profession"]["code"]) == ("99900063480", "60")
    assert (said["holder"], said["cardSession"], said["assurance"]) == ("holder-1", kit.SESSION, "claimed")
    assert (said["triesLeft"], said["test"], said["final"]) == (2, True, True)
    assert (said["trust"], said["revocation"]) == ("unknown", "unknown")
    assert "certificates" not in said
    assert "triesLeft" not in json.loads(answers.identity(request, kit.card(), found))
    full = answers.identity(msgspec.structs.replace(request, certificates=True), kit.card(), found)
    certificates = json.loads(full)["certificates"]
    assert set(certificates) == {"signature", "authentication"}
    assert msgspec.convert(certificates["signature"], bytes) == found.signature.der


def test_pong_tells_the_time_only_when_it_is_known():
    assert "time" not in json.loads(answers.pong(ASK.id, "boot", None))
    said = json.loads(answers.pong(ASK.id, "boot", "2026-12-01T08:00:00.000Z"))
    assert (said["bootId"], said["time"], said["final"]) == ("boot", "2026-12-01T08:00:00.000Z", True)


@pytest.mark.parametrize(
    ("steps", "reader", "card"),
    [
        ((), "absent", {"presence": "absent"}),
        ((b.ReaderLost("reader-busy"),), "busy", {"presence": "absent"}),
        (kit.ATTACHED, "attached", {"presence": "absent"}),
        (kit.INSERTED, "attached", {"presence": "reading", "family": "cps3", "cardSession": kit.SESSION}),
        ((*kit.INSERTED, held), "busy", {"presence": "reading", "family": "cps3", "cardSession": kit.SESSION}),
        (kit.READY, "attached", {"presence": "present", "family": "cps3", "cardSession": kit.SESSION}),
        (
            (*kit.INSERTED, held, identified()),
            "attached",
            {"presence": "present", "family": "cps3", "cardSession": kit.SESSION},
        ),
        (
            (*kit.INSERTED, failed("card-mute")),
            "attached",
            {"presence": "unreadable", "family": "cps3", "cardSession": kit.SESSION},
        ),
        (kit.PATIENT, "attached", {"presence": "patient"}),
        ((*kit.READY, b.CardRemoved()), "attached", {"presence": "absent"}),
        ((*kit.PATIENT, asked()), "attached", {"presence": "patient"}),
    ],
)
def test_retained_states_name_nobody(steps, reader, card):
    box = Play(*steps).box
    assert json.loads(answers.reader(box)) == {"state": reader}
    assert json.loads(answers.card(box)) == card


def test_health():
    said = json.loads(answers.health(Play(*kit.READY).box, clock_set=False))
    assert said == {"display": "ok", "keypad": "ok", "case": "ok", "journal": "ok", "clock": "unset"}
    broken = Play(*kit.READY, b.DisplayChanged(ok=False), KeyFault(), b.CaseChanged(opened=True)).box
    said = json.loads(answers.health(broken, clock_set=True))
    assert said == {"display": "fault", "keypad": "fault", "case": "fault", "journal": "ok", "clock": "rtc"}


def test_tamper():
    opened, shut = b.CaseChanged(opened=True), b.CaseChanged(opened=False)
    for events, said in (((), "absent"), ((opened,), "open"), ((opened, shut), "locked")):
        assert json.loads(answers.tamper(Play(*events).box)) == {"state": said}
    assert json.loads(answers.tamper(Play(opened, shut, b.Rearmed()).box)) == {"state": "closed"}
