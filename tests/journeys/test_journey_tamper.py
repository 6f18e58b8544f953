"""The case of the box is opened: the page is wiped, nothing is signed, and an admin arms it again.

Also the card that was left in the box, and the panel button. What the box says it says on its display, in its events,
in ``state/tamper``, on its LED and on its command line; all of it is read here from outside.
"""

import json
import signal
import subprocess
import sys
import threading

import pytest
from journey_kit import PIN, check_one_verify_per_hash, comes, fails, missing, standing_bench

from appliance.config import parse
from appliance.simulator.pins import HIGH, LOW
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.softpin import PIN as PIN_REFERENCE

SESSIONS = "[signing]\nsession = true\n"
FORGETFUL = "[card]\nforgotten_after = 30\n"
LOCKED = "Verrouillé"
HOLDER = "S. DURAND-TEST"
WIRING = parse('[device]\nid = "cps-demo"\n').signals
RED = {WIRING.red: HIGH, WIRING.green: LOW, WIRING.blue: LOW}


class Slow(SoftCps3):
    """Signs its first document only when it is let: ``asked`` is set when it was told to, ``go`` lets it."""

    def __init__(self, pki):
        super().__init__(pki)
        self.asked, self.go = threading.Event(), threading.Event()

    def transmit(self, command):
        signs = command[1] == 0x2A and command[2] == 0x9E  # PSO COMPUTE DIGITAL SIGNATURE, ISO 7816-8 table 1
        if signs and not self.asked.is_set():
            self.asked.set()
            assert self.go.wait(20)
        return super().transmit(command)


@pytest.fixture
def bench(folder):
    """Over the desk's own reader and broker."""
    with standing_bench(folder, "desk", more=SESSIONS + FORGETFUL) as bench:
        yield bench
    check_one_verify_per_hash([bench.card], bench.person.hashes)


@pytest.fixture(params=["real", "desk"])
def both(request, folder):
    reason = missing() if request.param == "real" else None
    if reason:
        pytest.skip(reason)
    with standing_bench(folder, request.param, more=SESSIONS) as bench:
        yield bench
    check_one_verify_per_hash([bench.card], bench.person.hashes)


def command(bench, *words):
    """``appliance`` …; its exit code, and the object on its last line or None."""
    done = subprocess.run(
        [sys.executable, "-m", "appliance", *words, "--config", str(bench.box.config), "--json"],
        check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    return done.returncode, json.loads(lines[-1]) if lines else None


def rearm(bench):
    return command(bench, "tamper", "rearm")


def case(bench, wanted):
    """Wait for the retained ``state/tamper``, and for the box's own word on how it is."""
    bench.client.wait_state("state/tamper", lambda state: state == {"state": wanted})
    well = wanted == "closed"
    bench.client.wait_state("status", lambda status: status["state"] == ("online" if well else "degraded"))
    bench.client.wait_state("state/health", lambda health: health["case"] == ("ok" if well else "fault"))


def at_the_prompt(bench):
    bench.insert()
    replies = bench.ask("Repos.")
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    return replies


def signs(bench, text="Repos de 3 jours."):
    """From home to a signature."""
    before = bench.card.signature_count
    replies = bench.ask(text)
    bench.person.agrees()
    bench.person.enters()
    *_, done = replies
    assert done["phase"] == "done"
    assert bench.card.signature_count == before + 1


def test_the_case_is_opened_while_the_code_is_typed(both):
    bench = both
    case(bench, "closed")
    replies = at_the_prompt(bench)
    bench.person.types(PIN)
    bench.desk.open_case()
    fails(replies, "tamper-lockout")
    bench.person.sees(LOCKED)
    bench.event("tamper/opened")
    case(bench, "open")
    bench.person.press("#")  # what was typed is gone: there is nothing that it validates
    assert bench.card.verify_count == 0

    # nothing is asked any more, but the box lives
    fails(bench.ask("Encore."), "tamper-lockout")
    fails(bench.client.request("practice", {}, 20), "tamper-lockout")
    assert bench.client.final("ping")["phase"] == "done"
    assert bench.client.final("identity")["phase"] == "done"
    bench.person.press("#")
    assert rearm(bench) == (1, {"case": "open", "fault": "tamper-open"})

    bench.desk.open_case(False)
    bench.event("tamper/closed")
    case(bench, "locked")
    bench.reader.remove()
    bench.event("card/removed")
    bench.reader.insert(bench.card)
    bench.event("card/identified")
    bench.person.sees(LOCKED)
    assert bench.card.verify_count == 0

    assert rearm(bench) == (0, {"case": "closed", "fault": None})
    case(bench, "closed")
    bench.person.sees(HOLDER)
    signs(bench)


def test_the_case_is_opened_while_a_document_is_in_the_card(bench):
    bench.card = Slow(bench.pki)
    bench.insert()
    replies = bench.ask("Un.", "Deux.", "Trois.")
    bench.person.agrees()
    bench.person.enters()
    assert bench.card.asked.wait(20)
    bench.desk.open_case()
    bench.event("tamper/opened")
    bench.person.sees("Signature")  # the card is at work: only its own answer ends that
    bench.card.go.set()
    *progress, problem = replies
    assert (problem["phase"], problem["code"]) == ("error", "tamper-lockout")
    told = [reply["result"] for reply in progress if "result" in reply]
    assert [result["index"] for result in told] == [0, 1, 2]
    assert "signature" in told[0]
    assert [result["code"] for result in told[1:]] == ["tamper-lockout"] * 2
    assert bench.card.signature_count == 1
    assert bench.event("sign/failed")["signed"] == 1
    bench.person.sees("1 signé sur 3.")
    assert not bench.card.verified


def test_a_session_ends_with_it(bench):
    bench.insert()
    replies = bench.ask("Un.")
    bench.person.reads_consent()
    bench.person.holds("C")
    bench.person.sees("Session ?")
    bench.person.press("A")
    bench.person.enters()
    *_, done = replies
    assert done["phase"] == "done"
    bench.person.press("#")
    bench.person.sees("SESSION")
    assert bench.card.verified
    bench.desk.open_case()
    assert bench.event("session/closed")["reason"] == "tamper"
    bench.person.sees(LOCKED)
    bench.desk.wait_output(RED)
    assert not bench.card.verified


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_lock_outlives_the_vault_and_can_always_be_lifted(bench, how):
    bench.insert()
    bench.desk.open_case()
    bench.event("tamper/opened")
    bench.desk.open_case(False)
    bench.event("tamper/closed")
    bench.box.end("vault", how)
    bench.desk.wait_vault(connected=False)
    bench.box.start_vault()
    bench.event("system/started")
    bench.person.sees(LOCKED)
    case(bench, "locked")
    assert command(bench, "tamper", "status") == (1, {"case": "locked", "fault": None})
    code, status = command(bench, "status")
    assert (code, status["tamper"]) == (1, "locked")
    fails(bench.ask("Repos."), "tamper-lockout")
    assert rearm(bench) == (0, {"case": "closed", "fault": None})
    bench.person.press("#")
    bench.person.sees(HOLDER)
    signs(bench)
    bench.box.end("vault", how)
    bench.desk.wait_vault(connected=False)
    bench.box.start_vault()
    bench.person.sees(HOLDER)  # and it stays armed
    case(bench, "closed")


def test_a_case_that_was_opened_while_the_box_was_down_is_found_open(bench):
    bench.box.end("vault")
    bench.desk.wait_vault(connected=False)
    bench.box.start_vault()
    bench.person.sees("Insérez")
    bench.desk.open_case()
    bench.event("tamper/opened")
    case(bench, "open")
    bench.box.end("gateway", signal.SIGKILL)
    bench.client.wait_state("status", lambda status: status["state"] == "offline")
    bench.box.start_gateway()
    case(bench, "open")  # said again after a reconnect


def test_the_menu_has_no_errand_in_a_locked_box(bench):
    bench.insert()
    bench.desk.open_case()
    bench.person.sees(LOCKED)
    bench.person.holds("A")
    lines = bench.person.sees("Menu")
    assert not {"Changer le code", "Débloquer le code"} & set(lines)


def test_a_forgotten_card_is_asked_for_once(bench):
    bench.insert()
    bench.desk.wait_light(0xCF)
    bench.desk.advance(1799)
    bench.desk.wait_light(None)
    _, sounds = bench.desk.output(WIRING.buzzer)
    bench.desk.advance(1)
    bench.desk.wait_light(0xCF)
    assert HOLDER in bench.person.sees("Carte oubliée ?")
    assert bench.event("card/forgotten") == {"cardSession": bench.client.latest("state/card")["cardSession"]}
    bench.desk.wait_rises(WIRING.buzzer, sounds + 1)
    bench.person.press("B")
    bench.desk.wait_for(lambda lines: HOLDER in lines and "Carte oubliée ?" not in lines)
    bench.desk.advance(3600)
    bench.desk.wait_light(None)
    bench.person.press("B")
    bench.person.sees(HOLDER)
    bench.reader.remove()
    bench.event("card/removed")
    assert bench.names.count("card/forgotten") == 1


def test_home_says_that_the_card_is_blocked_and_unblocks_it(bench):
    bench.card.counters[PIN_REFERENCE].left = 0
    bench.insert()
    assert "A débloquer" in bench.person.sees("Code bloqué")
    bench.person.press("A")
    assert "A débloquer" in bench.person.sees("Carte bloquée")[-1]
    bench.person.press("A")
    bench.person.gives("Déblocage", "12345678")
    bench.person.gives("Nouveau code", "4321")
    bench.person.gives("Confirmation", "4321")
    bench.person.sees("Code débloqué")
    bench.person.press("#")
    bench.desk.wait_for(lambda lines: HOLDER in lines and "Code bloqué" not in lines)


def test_the_panel_button_shows_what_the_box_is_and_agrees_to_nothing(bench):
    bench.insert()
    bench.desk.push()
    bench.person.sees("À propos")
    bench.desk.push(False)
    bench.person.press("DD")
    bench.person.sees(HOLDER)
    replies = bench.ask("Repos.")
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    pages = bench.person.reads_consent()
    bench.desk.push()
    bench.desk.push(False)
    assert bench.desk.lines() == pages[-1]
    bench.person.press("D")
    fails(replies, "refused")


def test_a_box_without_a_switch_has_nothing_of_it(folder):
    with standing_bench(folder, "desk", more="[signals]\ntamper_switch = false\n") as bench:
        bench.insert()
        bench.desk.open_case()
        bench.client.wait_state("state/tamper", lambda state: state == {"state": "absent"})
        assert rearm(bench) == (3, {"case": "absent", "fault": "tamper-absent"})
        signs(bench)
        assert "tamper/opened" not in bench.names
