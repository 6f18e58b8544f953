"""Trust on the box: what a card's chain is worth is told, decides, and follows the files without a restart."""

import datetime as dt
import shutil

import pytest
from journey_kit import TIMEOUT, comes, fails

from appliance.simulator.launch import write_authorities
from appliance.simulator.pki import PRODUCTION, STUDENT, TestPki
from appliance.simulator.softcps3 import SoftCps3

YEAR = dt.timedelta(days=365)


def identity(bench):
    *_, reply = bench.client.request("identity", {}, TIMEOUT)
    return reply


def judged(bench):
    """What the event and the answer of ``identity`` say; both must say the same."""
    event, reply = bench.event("card/identified"), identity(bench)
    for said in (event, reply):
        assert said["revocation"] == "unknown"
    assert (event["trust"], event["test"]) == (reply["trust"], reply["test"])
    return event["trust"]


def put(bench, pki):
    bench.card = SoftCps3(pki)
    bench.reader.insert(bench.card)


def out(bench):
    bench.reader.remove()
    bench.event("card/removed")


def refused_as(bench, code):
    replies = bench.ask("Un.")
    comes(replies, "accepted")
    fails(replies, code)
    assert bench.card.verify_count == 0


def test_a_trusted_card_signs_and_the_answer_says_so(any_bench):
    bench = any_bench
    bench.insert()
    assert judged(bench) == "good"
    replies = bench.ask("Pansement simple.")
    for phase in ("accepted", "awaiting-consent"):
        comes(replies, phase)
    bench.person.agrees()
    bench.person.enters()
    *_, done = replies
    assert (done["phase"], done["trust"], done["revocation"]) == ("done", "good", "unknown")


def test_the_store_is_read_again_for_the_next_card(bench):
    shutil.rmtree(bench.box.trust)
    bench.insert()
    assert judged(bench) == "untrusted"
    refused_as(bench, "certificate-invalid")
    bench.person.sees("Carte invalide")
    out(bench)
    write_authorities(bench.box.trust, (bench.pki.root, bench.pki.intermediate))
    put(bench, bench.pki)
    assert judged(bench) == "good"
    out(bench)
    write_authorities(bench.box.trust, ())
    (bench.box.trust / "test/1.pem").write_text("damaged")
    put(bench, bench.pki)
    assert judged(bench) == "untrusted"
    assert "test/1.pem does not count" in bench.box.log("vault")


def test_a_card_that_stays_in_is_judged_again_when_a_request_meets_it(bench):
    """What it was worth when it came in is not what it is worth days later; the files stand for the clock here."""
    bench.insert()
    assert judged(bench) == "good"
    shutil.rmtree(bench.box.trust)
    assert identity(bench)["trust"] == "untrusted"
    refused_as(bench, "certificate-invalid")
    bench.person.sees("Carte invalide")
    bench.person.press("#")
    write_authorities(bench.box.trust, (bench.pki.root, bench.pki.intermediate))
    replies = bench.ask("Pansement simple.")
    bench.person.agrees()
    bench.person.enters()
    *_, done = replies
    assert (done["phase"], done["trust"]) == ("done", "good")
    assert bench.names.count("card/identified") == 1


@pytest.mark.parametrize(
    ("start", "result", "code", "screen"),
    [
        (-4 * YEAR, "expired", "card-expired", "Carte expirée"),
        (-3 * YEAR - dt.timedelta(days=5), "expired", "card-expired", "Carte expirée"),  # only the key's own period
        (YEAR, "not-yet-valid", "certificate-invalid", "Carte invalide"),
    ],
)
def test_a_card_out_of_its_time(bench, start, result, code, screen):
    put(bench, TestPki.generate(valid_from=dt.datetime.now(dt.UTC) + start))
    assert judged(bench) == result
    refused_as(bench, code)
    bench.person.sees(screen)


def test_a_card_in_training_does_not_sign(bench):
    pki = TestPki.generate(STUDENT)
    write_authorities(bench.box.trust, (pki.root, pki.intermediate))
    put(bench, pki)
    assert judged(bench) == "good"
    refused_as(bench, "card-denied")


def test_a_test_authority_makes_a_test_card_of_any(bench):
    """It says of itself that it is no test card; the store that vouches for it says otherwise, and so does the box."""
    pki = TestPki.generate(PRODUCTION)
    write_authorities(bench.box.trust, (pki.root, pki.intermediate))
    put(bench, pki)
    event = bench.event("card/identified")
    assert (event["trust"], event["test"]) == ("good", True)
    bench.person.sees("TEST")
