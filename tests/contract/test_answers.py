"""Replies, problems, events and retained documents."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from appliance.contract import VERSION, events, replies, state
from appliance.contract.events import EVENTS, cloud_event, event_type
from appliance.contract.problems import PROBLEMS, URN, problem
from appliance.contract.topics import Topics

ID = "0192f0c8-1111-7aaa-8bbb-123456789abc"
TOPICS = Topics("cpsr/v1", "cps-demo")

CODES = """
malformed, schema-invalid, unsupported-version (400) · pin-wrong (401) · not-allowed, not-paired (403) · card-absent,
consent-timeout, pin-timeout (408) · id-reused, card-removed, wrong-holder, challenge-stale, answer-lost (409) ·
expired (410) · too-large (413) · card-unsupported, card-mute, card-expired, card-revoked, card-denied,
certificate-invalid, signer-unknown (422) · pin-blocked, tamper-lockout (423) · busy, rate-limited (429) ·
refused, cancelled (499) · outcome-unknown, internal (500) · reader-absent, reader-busy,
display-absent, clock-unset (503)
"""

NAMES = """
reader/attached|lost|busy|fault card/inserted|identified|removed|unreadable|expiring|expired|renewed|denied|forgotten
patient-card/inserted|removed pin/verified|wrong|blocked|changed|unblocked sign/completed|refused|failed
auth/completed|refused|failed session/opened|closed door/opened|refused tamper/opened|closed pairing/added|removed
keypad/fault display/fault system/started|stopping|fault journal/dropped
"""


def plain(payload):
    return json.loads(payload)


# --- replies ------------------------------------------------------------------------------------------------------


def test_progress_says_only_what_applies():
    assert plain(replies.encode(replies.Progress(id=ID, phase="accepted"))) == {
        "id": ID, "phase": "accepted", "final": False,
    }  # fmt: skip
    assert plain(replies.encode(replies.Progress(id=ID, phase="awaiting-pin", attempt=2)))["attempt"] == 2


def test_results_keep_the_members_of_their_format():
    raw = replies.RawResult(index=0, shown="content", signature=b"\xfb\xff", certificate=b"\x30")
    progress = plain(replies.encode(replies.Progress(id=ID, phase="signing", done=1, of=2, result=raw)))
    assert (progress["done"], progress["of"]) == (1, 2)
    assert progress["result"] == {
        "index": 0, "shown": "content", "signature": "+/8=", "alg": "RS256", "certificate": "MA==",
    }  # fmt: skip
    jws = replies.JwsResult(index=1, shown="title", jws="a.b.c")
    failed = replies.FailedResult(index=2, shown="title", code="card-removed")
    assert plain(msgspec.json.encode(jws)) == {"index": 1, "shown": "title", "jws": "a.b.c"}
    assert plain(msgspec.json.encode(failed)) == {"index": 2, "shown": "title", "code": "card-removed"}


def test_done_is_final():
    jws = replies.JwsResult(index=0, shown="content", jws="a.b.c")
    done = replies.Done(id=ID, counts=replies.Counts(signed=1), audit_head="0" * 64, result=jws)
    assert plain(replies.encode(done)) == {
        "id": ID, "phase": "done", "final": True, "counts": {"signed": 1, "failed": 0}, "auditHead": "0" * 64,
        "result": {"index": 0, "shown": "content", "jws": "a.b.c"},
    }  # fmt: skip


def identity():
    return replies.IdentityReply(
        id=ID, holder="h1", name=replies.Name(given="Alix", family="Durand"), rpps="10000000001",
        profession=replies.Coded(code="60", label="Infirmier"), card_type="CPS", test=True,
        validity=replies.Validity(not_before="2026-01-01T00:00:00Z", not_after="2029-01-01T00:00:00Z"),
        tries_left=3, card_session="s1", trust="good",
    )  # fmt: skip


def test_identity_ping_and_cancel():
    found = plain(replies.encode(identity()))
    assert found["name"] == {"given": "Alix", "family": "Durand"}
    assert (found["cardType"], found["triesLeft"], found["assurance"], found["final"]) == ("CPS", 3, "claimed", True)
    assert (found["trust"], found["revocation"]) == ("good", "unknown")
    assert "certificates" not in found
    assert plain(replies.encode(replies.Pong(id=ID, contract=VERSION, boot_id="b")))["bootId"] == "b"
    assert plain(replies.encode(replies.Cancelled(id=ID, target=ID)))["phase"] == "done"


def test_reprs_of_replies_hold_nothing():
    assert "Durand" not in repr(identity())
    assert "10000000001" not in repr(identity())


@pytest.mark.parametrize("struct", [replies.Progress, replies.Done, replies.IdentityReply, replies.Pong, state.Status,
    state.Offline, state.Info, state.Reader, state.Card, state.Health])  # fmt: skip
def test_answers_have_json_schemas(struct):
    assert struct.__name__ in msgspec.json.schema(struct)["$defs"]


# --- problems -----------------------------------------------------------------------------------------------------


def test_every_code_of_the_contract_and_no_other():
    wanted = {}
    for group, status in re.findall(r"([a-z,\s-]+)\((\d+)\)", CODES):
        wanted |= {code.strip(): int(status) for code in group.split(",")}
    assert {code: entry.status for code, entry in PROBLEMS.items()} == wanted


def test_titles_are_french_labels():
    titles = [entry.title for entry in PROBLEMS.values()]
    assert len(set(titles)) == len(titles)
    assert all(title.isprintable() and len(title) <= 64 and title[0].isupper() for title in titles)


@pytest.mark.parametrize("code", PROBLEMS)
def test_a_problem_has_the_members_of_rfc_9457(code):
    found = plain(problem(ID, code))
    entry = PROBLEMS[code]
    assert found == {
        "id": ID, "type": URN + code, "title": entry.title, "status": entry.status, "code": code,
        "retryable": entry.retryable, "instance": f"urn:uuid:{ID}", "phase": "error", "final": True,
    }  # fmt: skip


def test_members_that_only_some_problems_have():
    assert plain(problem(None, "malformed", "why"))["detail"] == "why"
    assert plain(problem(None, "malformed"))["id"] is None
    assert plain(problem(None, "malformed"))["instance"] is None
    assert plain(problem(ID, "too-large", limit=32768))["limit"] == 32768
    assert (
        plain(problem(ID, "busy", in_progress="x", retry_after=5)).items()
        >= {"inProgress": "x", "retryAfter": 5}.items()
    )


@pytest.mark.parametrize(("left", "said"), [(0, 0), (1, 1), (2, None), (3, None), (None, None)])
def test_tries_are_said_only_when_at_most_one(left, said):
    assert plain(problem(ID, "pin-wrong", tries_left=left)).get("triesLeft") == said


def test_a_code_outside_the_table_is_a_mistake():
    with pytest.raises(KeyError):
        problem(ID, "card-data-malformed")


# --- events -------------------------------------------------------------------------------------------------------


def test_every_event_of_the_contract_and_no_other():
    wanted = set()
    for domain, names in re.findall(r"([a-z-]+)/([a-z|-]+)", NAMES):
        wanted |= {(domain, name) for name in names.split("|")}
    assert set(EVENTS) == wanted


def test_a_cloud_event():
    payload = cloud_event(
        TOPICS, "card", "identified",
        events.CardIdentified(card_session="s1", family="cps3", holder="h1", test=True, trust="good"),
        id=ID, time="2026-11-23T10:00:00Z", seq=7, journal_id="j1", boot_id="b1",
    )  # fmt: skip
    assert plain(payload) == {
        "specversion": "1.0", "id": ID, "source": "cpsr/v1/cps-demo",
        "type": "fr.cps-appliance.card.identified.v1", "time": "2026-11-23T10:00:00Z",
        "datacontenttype": "application/json", "seq": 7, "journalid": "j1", "bootid": "b1",
        "data": {
            "cardSession": "s1", "family": "cps3", "holder": "h1", "test": True, "assurance": "claimed",
            "trust": "good", "revocation": "unknown",
        },
    }  # fmt: skip
    assert event_type("pin", "wrong") == "fr.cps-appliance.pin.wrong.v1"


def test_journal_dropped_names_its_range():
    assert plain(msgspec.json.encode(events.JournalDropped(first=3, last=9))) == {"from": 3, "to": 9}


@pytest.mark.parametrize(("domain", "name", "data"), [("card", "stolen", events.Empty()),
    ("card", "removed", events.Empty()), ("door", "opened", events.Empty()), ("reader", "lost", None)])  # fmt: skip
def test_an_event_outside_the_table_is_a_mistake(domain, name, data):
    with pytest.raises(ValueError, match=f"{domain}/{name}"):
        cloud_event(TOPICS, domain, name, data, id=ID, time="t", seq=1, journal_id="j", boot_id="b")


MEMBERS_OF_EVENTS = {
    "cardSession", "family", "holder", "test", "assurance", "code", "triesLeft", "client", "request", "format",
    "documents", "shown", "signed", "version", "contract", "reason", "from", "to",
    "signatures", "seconds", "trust", "revocation", "method",
}  # fmt: skip
MEMBERS_OF_RETAINED = {
    "state", "bootId", "since", "contract", "reason", "software", "capabilities", "languages", "journalId",
    "publicKeys", "use", "jwk", "thumbprint", "packageSha256", "presence", "family", "cardSession", "display",
    "keypad", "case", "journal", "clock", "secretMemory",
}  # fmt: skip


def members_of(structs):
    _, components = msgspec.json.schema_components(structs)
    return {name for schema in components.values() for name in schema.get("properties", {})}


def test_no_event_can_hold_a_name_an_rpps_or_a_serial():
    found = members_of({struct for struct in EVENTS.values() if struct})
    assert found == MEMBERS_OF_EVENTS
    assert not [name for name in found if re.search("name|rpps|serial|given|birth|title|pin", name, re.IGNORECASE)]


def test_nothing_retained_can_hold_an_identity():
    structs = [state.Status, state.Offline, state.Info, state.Reader, state.Card, state.Health]
    assert members_of(structs) == MEMBERS_OF_RETAINED
    assert "holder" not in MEMBERS_OF_RETAINED


def test_retained_documents():
    assert plain(state.encode(state.Status(state="online", boot_id="b", since="t"))) == {
        "state": "online", "bootId": "b", "since": "t", "contract": VERSION,
    }  # fmt: skip
    assert plain(state.encode(state.Offline(boot_id="b", reason="lwt"))) == {
        "state": "offline", "bootId": "b", "reason": "lwt",
    }  # fmt: skip
    assert plain(state.encode(state.Card(presence="absent"))) == {"presence": "absent"}
    assert plain(state.encode(state.Tamper(state="locked"))) == {"state": "locked"}


@pytest.mark.parametrize("memory", ["memfd_secret", "locked"])
def test_info_says_what_memory_holds_the_digits(memory):
    info = state.Info(
        software="0.1.0", contract=VERSION, capabilities=("sign:jws",), languages=("fr",), journal_id="j",
        secret_memory=memory,
    )  # fmt: skip
    assert plain(state.encode(info)) == {
        "software": "0.1.0", "contract": VERSION, "capabilities": ["sign:jws"], "languages": ["fr"],
        "journalId": "j", "secretMemory": memory, "publicKeys": [],
    }  # fmt: skip


def test_patterns_are_read_alike_by_json_schema_and_by_python():
    folder = Path(state.__file__).parent
    patterns = [found for file in folder.glob("*.py") for found in re.findall(r'pattern=r"(.*?)"', file.read_text())]
    assert patterns
    assert all(pattern.startswith("^") and pattern.endswith(r"$(?!\n)") for pattern in patterns)
