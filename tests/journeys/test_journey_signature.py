"""It must show, 2: from the card's insertion to a signature that others verify, over pcscd, vpcd and mosquitto."""

import base64
import json
import uuid

import pytest
from cryptography import x509
from journey_kit import comes, content_text, document, signing
from journey_mosquitto import Listener, Requester, publish_request
from journey_proof import Proof

TEXT = "Prescription : pansement simple, 1 fois par jour, pendant 10 jours. Renouvelable 1 fois."
HOLDER = "S. DURAND-TEST"


def body(form, *, progress):
    return signing(TEXT, form=form, v=1, id=str(uuid.uuid4()), progress=progress)


def check_result(bench, form, reply):
    assert (reply["phase"], reply["final"]) == ("done", True)
    assert reply["counts"] == {"signed": 1, "failed": 0}
    assert (reply["result"]["index"], reply["result"]["shown"]) == (0, "content")
    proof = Proof(bench.folder, bench.pki)
    if form == "jws":
        proof.check_jws(reply["result"]["jws"], TEXT.encode())
    else:
        proof.check_raw(reply["result"], TEXT.encode())


@pytest.mark.parametrize("form", ["raw", "jws"])
def test_from_insertion_to_a_signature_that_others_verify(bench, form):
    person = bench.person
    with Listener(bench.broker.port) as listener:
        bench.reader.insert(bench.card)
        inserted = listener.event("card/inserted").body
        identified = listener.event("card/identified").body
        assert person.sees(HOLDER)[1:] == ["TEST", HOLDER, "Infirmier(e)", "A tenu 1 s : menu"]
        assert inserted["specversion"] == "1.0"
        assert inserted["type"] == "fr.cps-appliance.card.inserted.v1"
        assert inserted["data"]["family"] == identified["data"]["family"] == "cps3"
        assert inserted["data"]["cardSession"] == identified["data"]["cardSession"]
        assert (identified["data"]["test"], identified["data"]["assurance"]) == (True, "claimed")
        assert identified["seq"] == inserted["seq"] + 1

        # mosquitto_rr leaves at the first reply: with progress false that is the final one
        asked = body(form, progress=False)
        requester = Requester(bench.broker.port, "sign", asked, "rr-1")
        pages = person.agrees()
        assert pages[0][:3] == ["dossier (non appairé)", f"par {HOLDER}", "Ordonnance"]
        assert content_text(pages, "Ordonnance") == TEXT
        person.enters()
        printed = requester.reply()
        assert person.sees("Contenu affiché") == ["Signé", "1 document", "Contenu affiché"]
        assert printed.properties["correlation-data"] == "rr-1"
        assert printed.body["id"] == asked["id"]
        check_result(bench, form, printed.body)
        listener.event("sign/completed")
        assert [heard.body for heard in listener.replies(asked["id"])] == [printed.body]

        # the same with progress: the whole stream, in order
        told = body(form, progress=True)
        publish_request(bench.broker.port, "sign", told, "pub-2")
        person.agrees()
        person.enters()
        check_result(bench, form, listener.final(told["id"]).body)
        stream = listener.replies(told["id"])
        assert {heard.properties["correlation-data"] for heard in stream} == {"pub-2"}
        assert [heard.body for heard in stream[:-1]] == [
            {"id": told["id"], "phase": "accepted", "final": False},
            {"id": told["id"], "phase": "awaiting-consent", "final": False},
            {"id": told["id"], "phase": "awaiting-pin", "final": False, "attempt": 1},
            {"id": told["id"], "phase": "signing", "final": False, "done": 0, "of": 1},
        ]
        listener.wait(lambda heard: heard.body.get("data", {}).get("request") == told["id"])
        events = [heard for heard in listener.events() if heard.body["seq"] >= inserted["seq"]]
        assert [heard.topic.removeprefix("evt/") for heard in events] == [
            *("card/inserted", "card/identified"),
            *("pin/verified", "sign/completed"),
            *("pin/verified", "sign/completed"),
        ]
        assert [heard.body["seq"] for heard in events] == list(range(inserted["seq"], inserted["seq"] + len(events)))
        everything = json.dumps([heard.body for heard in listener.events()], ensure_ascii=False)
    assert "DURAND" not in everything
    assert bench.pki.holder.rpps not in everything
    assert bench.card.verify_count == person.hashes == 2
    assert bench.card.signature_count == 2


def test_openssl_refuses_the_signature_over_another_document(bench):
    """The control of the test above: the same programs, one character of the document changed."""
    bench.insert()
    replies = bench.ask(TEXT)
    bench.person.agrees()
    bench.person.enters()
    *_, done = replies
    proof, result = Proof(bench.folder, bench.pki), done["result"]
    proof.check_raw(result, TEXT.encode())
    certificate = x509.load_der_x509_certificate(base64.b64decode(result["certificate"]))
    changed = TEXT.replace("10 jours", "90 jours").encode()
    assert not proof.openssl_accepts(certificate, base64.b64decode(result["signature"]), changed)


@pytest.mark.parametrize("form", ["raw", "jws"])
def test_one_signature(any_bench, form):
    """The shortest journey, also without root."""
    bench = any_bench
    bench.insert()
    replies = bench.ask(TEXT, form=form)
    for phase in ("accepted", "awaiting-consent"):
        comes(replies, phase)
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    bench.person.enters()
    comes(replies, "signing")
    check_result(bench, form, comes(replies, "done"))
    bench.event("sign/completed")
    assert bench.names[-4:] == ["card/inserted", "card/identified", "pin/verified", "sign/completed"]
    assert bench.card.verify_count == bench.card.signature_count == bench.person.hashes == 1


def test_a_batch_is_one_agreement_and_one_pin(bench):
    texts = ["Premier : repos.", "Deuxième : marche.", b"%PDF-1.7 \xe2\xe3\xcf\xd3"]
    documents = [document(texts[0], "Un"), document(texts[1], "Deux"), document(texts[2], "Trois", "application/pdf")]
    bench.insert()
    replies = bench.client.request("sign", {"documents": documents, "format": "raw"}, 20)
    for phase in ("accepted", "awaiting-consent"):
        comes(replies, phase)
    pages = bench.person.agrees()
    assert "3 documents" in pages[0]
    assert "CONTENU NON AFFICHÉ" in pages[-1]
    comes(replies, "awaiting-pin")
    bench.person.enters()
    signing_replies = [comes(replies, "signing") for _ in range(3)]
    assert [(reply["done"], reply["of"]) for reply in signing_replies] == [(0, 3), (1, 3), (2, 3)]
    third = comes(replies, "signing")
    assert third["done"] == 3
    results = [reply["result"] for reply in (*signing_replies[1:], third)]
    assert [(result["index"], result["shown"]) for result in results] == [(0, "content"), (1, "content"), (2, "title")]
    proof = Proof(bench.folder, bench.pki)
    for text, result in zip(texts, results, strict=True):
        proof.check_raw(result, text if isinstance(text, bytes) else text.encode())
    done = comes(replies, "done")
    assert done["counts"] == {"signed": 3, "failed": 0}
    assert "result" not in done
    assert bench.person.sees("Signé") == ["Signé", "3 documents", "Titre seul affiché"]
    assert (bench.card.verify_count, bench.card.signature_count) == (1, 3)
    assert bench.person.hashes == 1
