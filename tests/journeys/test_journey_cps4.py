"""Issue 4, items 1 and 3: a CPS4 on both protocols: signature, change, unblocking, session and practice."""

import pytest
from journey_kit import PIN, TIMEOUT, missing, standing_bench

from appliance.simulator.softmodels import MODELS
from appliance.simulator.softpin import PIN as PIN_REFERENCE

NEW, PUK = "4711", "12345678"
SESSIONS = "[signing]\nsession = true\n"


@pytest.fixture(params=["cps4", "cps4-t1"])
def bench(request, folder):
    if missing():
        pytest.skip(missing())
    with standing_bench(folder, more=SESSIONS) as bench:
        bench.card = MODELS[request.param](bench.pki)
        yield bench


def signs(bench, pin):
    replies = bench.ask("Repos.")
    bench.person.agrees()
    bench.person.enters(pin)
    *_, end = replies
    assert end["phase"] == "done", end
    bench.person.press("#")


def test_the_life_of_a_cps4(bench):
    bench.insert()
    signs(bench, PIN)

    bench.person.opens_menu("Changer le code")
    bench.person.gives("Code actuel", PIN)
    bench.person.gives("Nouveau code", NEW)
    bench.person.gives("Confirmation", NEW)
    bench.person.sees("Code changé")
    bench.event("pin/changed")
    bench.person.press("#")
    signs(bench, NEW)

    bench.card.counters[PIN_REFERENCE].left = 0
    bench.person.opens_menu("Changer le code")
    bench.person.sees("Carte bloquée")
    bench.person.press("A")
    bench.person.gives("Déblocage", PUK)
    bench.person.gives("Nouveau code", PIN)
    bench.person.gives("Confirmation", PIN)
    bench.person.sees("Code débloqué")
    bench.event("pin/unblocked")
    bench.person.press("#")

    replies = bench.client.request("practice", {}, TIMEOUT)
    bench.person.sees("veut lire vos lieux")
    bench.person.press("A")
    bench.person.enters(PIN)
    *_, end = replies
    assert [situation["number"] for situation in end["situations"]] == [1, 2]
    bench.person.press("#")

    replies = bench.ask("Premier.")
    bench.person.reads_consent()
    bench.person.holds("C")
    bench.person.sees("Session ?")
    bench.person.press("A")
    bench.person.enters(PIN)
    assert [reply["phase"] for reply in replies][-1] == "done"
    bench.event("session/opened")
    bench.person.press("#")
    verified = bench.card.verify_count
    replies = bench.ask("Deuxième.")
    bench.person.agrees()
    assert [reply["phase"] for reply in replies] == ["accepted", "awaiting-consent", "signing", "done"]
    assert bench.card.verify_count == verified
