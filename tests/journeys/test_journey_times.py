"""It must show, 3: what else ends a request: time (the bench clock's), its sender, another request."""

import uuid

import pytest
from journey_kit import OTHER, PIN, TIMEOUT, comes, fails, signing

from appliance.client.transport import Client
from appliance.simulator.launch import DEVICE

TEXT = "Repos de 3 jours."


def up_to(bench, *phases, **members):
    replies = bench.ask(TEXT, **members)
    for phase in phases:
        comes(replies, phase)
    return replies


def test_nobody_agrees(bench):
    bench.insert()
    replies = up_to(bench, "accepted", "awaiting-consent")
    bench.person.reads_consent()
    bench.desk.advance(119)  # the default ttl is 120 s
    bench.person.press("B")
    bench.person.sees("par S. DURAND-TEST")  # page 1: it is still there
    bench.desk.advance(1)
    assert fails(replies, "consent-timeout")["status"] == 408
    assert bench.event("sign/refused")["code"] == "consent-timeout"
    assert bench.person.sees("Trop tard")[0] == "Trop tard"


@pytest.mark.parametrize(("typed", "patience"), [("", 30), ("12", 15)])
def test_nobody_types_on(bench, typed, patience):
    bench.insert()
    replies = up_to(bench, "accepted", "awaiting-consent")
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    bench.person.types(typed)
    bench.desk.advance(patience)
    fails(replies, "pin-timeout")
    assert bench.event("sign/refused")["code"] == "pin-timeout"
    bench.person.sees("Code non validé.")
    bench.person.press("34#")
    assert bench.card.verify_count == 0


def test_the_reminder_comes_when_the_pin_is_whole(bench):
    bench.insert()
    replies = up_to(bench, "accepted", "awaiting-consent")
    bench.person.agrees()
    bench.person.types(PIN)
    bench.desk.advance(10)
    assert "valider avec #" in bench.person.sees("valider avec #")
    bench.person.press("#")
    *_, done = replies
    assert done["phase"] == "done"


def test_the_request_has_less_time_than_the_pin(bench):
    bench.insert()
    replies = up_to(bench, "accepted", "awaiting-consent", ttl=20)
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    bench.desk.advance(20)
    assert fails(replies, "expired")["status"] == 410
    assert bench.event("sign/failed")["code"] == "expired"
    bench.person.sees("La demande a expiré.")


@pytest.mark.parametrize(("members", "wait", "code"), [({}, 60, "card-absent"), ({"ttl": 30}, 30, "expired")])
def test_no_card_comes(bench, members, wait, code):
    replies = up_to(bench, "accepted", "awaiting-card", **members)
    assert "pour dossier" in bench.person.sees("pour dossier")
    bench.desk.advance(wait)
    fails(replies, code)
    assert bench.event("sign/failed")["code"] == code


def test_a_request_waits_for_its_card(bench):
    replies = up_to(bench, "accepted", "awaiting-card")
    bench.reader.insert(bench.card)
    comes(replies, "awaiting-consent")
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    bench.person.enters()
    *_, done = replies
    assert done["phase"] == "done"


def test_the_sender_takes_its_request_back(bench):
    bench.insert()
    replies = up_to(bench, "accepted", "awaiting-consent", id=(target := str(uuid.uuid4())))
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    bench.person.types("123")
    with Client(bench.broker.url, DEVICE, OTHER) as other:  # not its own: nothing happens
        (refused,) = other.request("cancel", {"target": target}, TIMEOUT)
        assert refused["code"] == "not-allowed"
    bench.person.is_asked_for_pin(3)
    cancelled = bench.client.final("cancel", {"target": target}, TIMEOUT)
    assert (cancelled["phase"], cancelled["target"]) == ("done", target)
    assert fails(replies, "cancelled")["status"] == 499
    assert bench.event("sign/failed")["code"] == "cancelled"
    assert bench.person.sees("Annulé")[0] == "Annulé"
    bench.person.press("4#")
    assert bench.card.verify_count == 0


def test_one_request_at_a_time(bench):
    bench.insert()
    replies = up_to(bench, "accepted", "awaiting-consent", id=(opened := str(uuid.uuid4())))
    before = bench.person.reads_consent()[-1]
    with Client(bench.broker.url, DEVICE, OTHER) as other:
        (busy,) = other.request("sign", signing("Autre chose.", form="jws"), TIMEOUT)
    assert (busy["code"], busy["status"], busy["retryable"], busy["inProgress"]) == ("busy", 429, True, opened)
    assert bench.desk.lines() == before
    bench.person.press("A")
    comes(replies, "awaiting-pin")
    bench.person.enters()
    comes(replies, "signing")
    comes(replies, "done")
    assert bench.card.signature_count == 1


def test_the_same_request_again_has_the_same_answer(bench):
    body = signing(TEXT, v=1, id=str(uuid.uuid4()))
    bench.insert()
    first = bench.client.request("sign", body, TIMEOUT)
    bench.person.agrees()
    bench.person.is_asked_for_pin()
    # while it is open: where it stands, and from then on what comes goes to whoever asked last
    second = bench.client.request("sign", body, TIMEOUT)
    comes(second, "awaiting-pin")
    other = bench.client.request("sign", signing("Autre chose.", v=1, id=body["id"]), TIMEOUT)
    assert fails(other, "id-reused")["status"] == 409
    bench.person.enters()
    comes(second, "signing")
    done = comes(second, "done")
    assert [comes(first, phase)["phase"] for phase in ("accepted", "awaiting-consent", "awaiting-pin")]

    third = bench.client.request("sign", body, TIMEOUT)
    assert comes(third, "done") == done
    other = bench.client.request("sign", signing("Autre chose.", v=1, id=body["id"]), TIMEOUT)
    fails(other, "id-reused")
    assert (bench.card.verify_count, bench.card.signature_count, bench.person.hashes) == (1, 1, 1)
