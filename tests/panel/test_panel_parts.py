"""The panel's parts without a process: cards and traps, samples and verdicts, the tables."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st

from appliance.client.transport import TransportError
from appliance.contract import messages
from appliance.errors import RequestError, SimulatorError
from appliance.simulator.faults import CardTorn
from appliance.simulator.panel_cards import LABELS, TRAPS, Cards, TrappedCard, authorities
from appliance.simulator.panel_faults import FAULTS, switches
from appliance.simulator.panel_messages import Ask
from appliance.simulator.panel_practice import Practice, signed
from appliance.simulator.panel_samples import SAMPLES, Request, rows
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.softmodels import MODELS

COUNTER = bytes.fromhex("00200001")
VERIFY = bytes.fromhex("0020000108") + b"1234\0\0\0\0"


def trapped():
    changes = []
    return TrappedCard(SoftCps3(TestPki.generate()), lambda: changes.append(1)), changes


# --- cards ------------------------------------------------------------------------------------------------------------


def test_every_soft_card_is_in_the_tray_with_a_french_name(tmp_path):
    assert set(LABELS) == set(MODELS)
    offers = Cards(tmp_path, "1234", lambda: None).offers()
    assert {offer.name for offer in offers} == set(MODELS)
    assert [offer.first for offer in offers] == sorted((offer.first for offer in offers), reverse=True)
    assert offers[0].name == "cps3"
    letters = {offer.name: offer.letter for offer in offers}
    assert letters["cps3"] == "Code 1234 · déblocage 12345678"
    assert letters["pin12"].startswith("Code 123456789012 ")
    assert letters["vitale"] == ""


def test_a_card_keeps_what_happened_to_it_until_it_is_renewed(tmp_path):
    cards = Cards(tmp_path, "2468", lambda: None)
    card = cards.card("cps3")
    assert cards.card("cps3") is card
    assert cards.name(card) == "cps3"
    cards.renew("cps3")
    assert cards.name(card) is None
    assert cards.card("cps3") is not card
    cards.renew("cps4")  # never used
    with pytest.raises(SimulatorError):
        cards.card("cps5")


def test_authorities_of_each_chain_are_written_once(tmp_path):
    cards = Cards(tmp_path, "1234", lambda: None)
    for name in ("cps3", "cps4", "vitale"):
        cards.card(name)
    assert (tmp_path / "root.pem").read_text().count("BEGIN") == 1
    cards.card("production")
    assert (tmp_path / "root.pem").read_text().count("BEGIN") == 2
    assert (tmp_path / "intermediate.pem").read_text().count("BEGIN") == 2
    assert len({certificate.fingerprint(hashes.SHA256()) for certificate in authorities()}) == 4


def test_a_tear_waits_for_the_code_and_not_for_its_counter():
    card, changes = trapped()
    card.power_on()
    card.set.add("tear-verify")
    card.transmit(COUNTER)
    card.transmit(bytes.fromhex("00A4040000"))
    assert card.set == {"tear-verify"}
    with pytest.raises(CardTorn):
        card.transmit(VERIFY)
    assert card.set == set()
    assert changes == [1]
    assert card.card.verify_count == 1  # the card had it: the box cannot know


def test_a_slow_card_is_slow_until_it_is_not(monkeypatch):
    waits = []
    card, _ = trapped()
    monkeypatch.setattr(card, "_wait", waits.append)
    card.power_on()
    card.slow = True
    card.transmit(COUNTER)
    card.transmit(COUNTER)
    card.slow = False
    card.transmit(COUNTER)
    assert len(waits) == 2


def test_a_trap_goes_off_once():
    card, _ = trapped()
    card.power_on()
    card.set.add("status")
    assert card.transmit(COUNTER) == b"\x6f\x00"
    assert card.transmit(COUNTER) != b"\x6f\x00"


def test_every_trap_has_a_switch_and_every_switch_says_what_it_is():
    assert set(TRAPS) <= set(FAULTS)
    for switch in switches():
        assert switch.title
        assert switch.about.endswith(".")


# --- samples ----------------------------------------------------------------------------------------------------------

WRONG = {
    "size": "too-large",
    "version": "unsupported-version",
    "member": "schema-invalid",
    "verb": "schema-invalid",
    "json": "malformed",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_right_or_wrong_in_the_way_its_row_says(name):
    request = SAMPLES[name].make(Ask(what=name, title="Titre", text="Texte"), None)
    code = WRONG.get(name)
    if code is None:
        assert messages.verb_of(messages.decode(request.verb, request.body)) == request.verb
    else:
        assert code in SAMPLES[name].about
        with pytest.raises(RequestError) as caught:
            messages.decode(request.verb, request.body)
        assert caught.value.code == code


def test_an_id_is_used_again_for_another_document():
    first = SAMPLES["text"].make(Ask(what="text"), None)
    again = SAMPLES["reuse"].make(Ask(what="reuse"), first.ident)
    one, other = (messages.decode(request.verb, request.body) for request in (first, again))
    assert one.id == other.id
    assert messages.body_sha256(one) != messages.body_sha256(other)


def test_the_persons_own_text_is_what_is_sent():
    request = SAMPLES["text"].make(Ask(what="text", title="À moi", text="Bonjour", format="raw"), None)
    document = messages.decode("sign", request.body).documents[0]
    assert (document.title, document.data) == ("À moi", b"Bonjour")
    assert request.papers[0].content == b"Bonjour"


def test_the_page_knows_every_sample():
    assert [row.name for row in rows()] == list(SAMPLES)


# --- verdicts ---------------------------------------------------------------------------------------------------------

CONTENT = b"Pansement simple"


def results():
    """The two shapes in which a signature over ``CONTENT`` comes back, made here."""
    pki = TestPki.generate()
    key = pki.signature.key
    leaf = pki.signature.certificate.public_bytes(serialization.Encoding.DER)

    def b64url(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    def put(data):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    head = b64url(json.dumps({"alg": "RS256", "x5c": [base64.b64encode(leaf).decode()]}).encode())
    start = head + b"." + b64url(CONTENT)
    raw = {"signature": base64.b64encode(put(CONTENT)).decode(), "certificate": base64.b64encode(leaf).decode()}
    return {"raw": raw, "jws": {"jws": (start + b"." + b64url(put(start))).decode()}}


class Line:
    """A client that answers at once."""

    def __init__(self, *replies, away=False):
        self.replies, self.away, self.sent = replies, away, []

    def send(self, verb, payload):
        if self.away:
            raise TransportError("not connected")
        self.sent.append((verb, payload))
        return iter(self.replies)


def practice(line, folder):
    told = []
    return Practice(line, folder, lambda tone, text: told.append((tone, text)), lambda: None), told


def judged(folder, result, *, spoil=False, known=True):
    pki = TestPki.generate()
    if known:
        pki.write(folder)
    software, told = practice(Line(), folder)
    request = SAMPLES["text"].make(Ask(what="text", text=CONTENT.decode()), None)
    checks = software._judge(request, {"index": 0, **result}, spoil=spoil)
    assert [tone for tone, _ in told] == ["good" if check.good else "bad" for check in checks]
    return [check.good for check in checks]


@pytest.mark.parametrize("shape", ["raw", "jws"])
def test_openssl_finds_a_good_signature_good_and_a_spoilt_document_not(shape, tmp_path):
    result = results()[shape]
    assert judged(tmp_path, result) == [True, True]
    assert judged(tmp_path, result, spoil=True) == [False, True]


def test_without_authorities_nothing_is_said_of_the_chain(tmp_path):
    assert judged(tmp_path, results()["raw"], known=False) == [True]


def test_a_document_that_failed_is_not_verified(tmp_path):
    software, _ = practice(Line(), tmp_path)
    request = SAMPLES["batch"].make(Ask(what="batch"), None)
    (check,) = software._judge(request, {"index": 1, "code": "card-removed"}, spoil=False)
    assert (check.about, check.good) == ("« Bilan de soins » : non signé (card-removed)", False)


@given(
    st.dictionaries(
        st.sampled_from(["jws", "signature", "certificate"]), st.none() | st.text(max_size=20) | st.just("e30.e30.e30")
    )
)
def test_a_strange_result_is_our_error(result):
    try:
        signed(result, CONTENT)
    except SimulatorError:
        return


def test_away_broker_is_said_and_nothing_waits(tmp_path):
    software, told = practice(Line(away=True), tmp_path)
    software.ask(Ask(what="ping"))
    assert [dossier.stage for dossier in software.dossiers()] == ["failed"]
    assert told[0][0] == "bad"


def test_a_cancel_names_what_was_asked_last(tmp_path):
    line = Line({"phase": "done", "final": True})
    software, told = practice(line, tmp_path)
    software.cancel()
    assert line.sent == []
    assert told[0][0] == "desk"
    software.ask(Ask(what="text"))
    software.cancel()
    (_, asked), (verb, cancel) = line.sent
    assert verb == "cancel"
    assert json.loads(cancel)["target"] == json.loads(asked)["id"]
    assert messages.decode("cancel", cancel)


def test_no_sample_no_request(tmp_path):
    with pytest.raises(SimulatorError):
        practice(Line(), tmp_path)[0].ask(Ask(what="nothing"))


def test_what_a_dossier_says(tmp_path):
    software, _ = practice(Line(), tmp_path)
    request = Request("identity", b"{}")
    dossier = software._open("Lire l'identité")
    dossier = software._hear(request, {"phase": "awaiting-pin", "attempt": 2, "done": 0, "of": 3}, dossier, spoil=False)
    assert dossier.phase == "le boîtier attend le code (essai 2) · 0 sur 3"
    reply = {
        "phase": "done",
        "final": True,
        "name": {"given": "SOPHIE", "family": "DURAND"},
        "test": True,
        "holder": "x",
    }
    done = software._hear(request, reply, dossier, spoil=False)
    assert (done.stage, done.phase, done.detail) == ("done", "terminé", "nom : SOPHIE DURAND\ncarte de test : oui")
    reply = {"phase": "error", "final": True, "title": "Occupé", "code": "busy", "detail": "d"}
    failed = software._hear(request, reply, dossier, spoil=False)
    assert (failed.stage, failed.phase, failed.detail) == ("failed", "Occupé (busy)", "d")
    assert software.dossiers() == (failed,)
