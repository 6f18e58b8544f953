"""Issue 4, item 3: the code's life on the keypad: change, wrong code, last try, unblock, wrong PUK, torn commands."""

import json
import signal
import sqlite3

import pytest
from journey_kit import PIN, TIMEOUT, comes, fails

from appliance.simulator.faults import Fault, FaultyCard, Kind
from appliance.simulator.softpin import PIN as PIN_REFERENCE
from appliance.simulator.softpin import PUK as PUK_REFERENCE

PUK, NEW = "12345678", "4711"
VERIFY, CHANGE, RESET = 0x20, 0x24, 0x2C
HOLDER = "S. DURAND-TEST"


def left(bench, reference=PIN_REFERENCE):
    return bench.card.counters[reference].left


def secrets(bench):
    """The secret commands that the card has counted in its log: VERIFY with data, CHANGE, RESET RETRY COUNTER."""
    sent = [bytes.fromhex(header) for header, _ in bench.card.log]
    return sum(header[1] in {CHANGE, RESET} for header in sent) + bench.card.verify_count


def changes(bench, old=PIN, new=NEW, again=None):
    """From the menu to the last ``#`` of a change."""
    bench.person.opens_menu("Changer le code")
    types_change(bench, old, new, again)


def types_change(bench, old=PIN, new=NEW, again=None):
    bench.person.gives("Code actuel", old)
    bench.person.gives("Nouveau code", new)
    bench.person.gives("Confirmation", again or new)


def unblocks(bench, puk=PUK, new=NEW):
    """From the entry of the PUK to the last ``#``."""
    bench.person.gives("Déblocage", puk)
    bench.person.gives("Nouveau code", new)
    bench.person.gives("Confirmation", new)


def signs(bench, pin):
    """A whole signature with this code: it is the card's."""
    replies = bench.ask("Repos.")
    bench.person.agrees()
    bench.person.enters(pin)
    *_, end = replies
    assert end["phase"] == "done", end


def blocks(bench):
    """Insert a card that takes no PIN any more."""
    bench.card.counters[PIN_REFERENCE].left = 0
    bench.insert()


# --- change -----------------------------------------------------------------------------------------------------------


def test_a_change(any_bench):
    bench = any_bench
    bench.insert()
    bench.person.opens_menu("Changer le code")
    lines = bench.person.is_asked_for("Code actuel")
    assert "3 essais restants" in lines
    types_change(bench)
    assert bench.person.sees("Code changé")[0] == "Code changé"
    assert set(bench.event("pin/changed")) == {"cardSession", "holder"}
    bench.person.press("#")
    bench.person.sees(HOLDER)
    signs(bench, NEW)
    assert left(bench) == 3


def test_the_new_code_is_typed_twice_and_is_not_the_old_one(bench):
    bench.insert()
    bench.person.opens_menu("Changer le code")
    bench.person.gives("Code actuel", PIN)
    bench.person.gives("Nouveau code", PIN)
    bench.person.sees("Prenez un autre code.")
    bench.person.gives("Nouveau code", NEW)
    bench.person.gives("Confirmation", "4712")
    bench.person.sees("Pas identiques.")
    assert secrets(bench) == 0
    bench.person.gives("Nouveau code", NEW)
    bench.person.press("12#")  # too few: the prompt goes on
    bench.person.is_asked_for("Confirmation", 2)
    bench.person.press("*")
    bench.person.gives("Confirmation", NEW)
    bench.person.sees("Code changé")
    assert secrets(bench) == 1
    bench.person.press("#")
    signs(bench, NEW)


def test_a_wrong_old_code_up_to_the_last_try_and_blocked(bench):
    bench.insert()
    changes(bench, old="9999")
    assert any("2 essais" in line for line in bench.person.sees("Code faux"))
    assert "triesLeft" not in bench.event("pin/wrong")
    bench.person.press("A")
    types_change(bench, old="9999")
    bench.person.sees("1 essai")
    assert bench.event("pin/wrong")["triesLeft"] == 1
    bench.person.press("A")
    warning = bench.person.sees("Dernier essai !")
    bench.person.press(PIN + "#")  # nothing is typed yet, nothing is sent
    assert bench.person.sees("Dernier essai !") == warning
    assert (secrets(bench), left(bench)) == (2, 1)
    bench.person.insists()
    types_change(bench, old="9999")
    lines = bench.person.sees("Carte bloquée")
    assert "A débloquer" in lines[-1]
    bench.event("pin/blocked")
    assert (secrets(bench), left(bench)) == (3, 0)


def test_the_last_try_of_a_change_can_be_declined(bench):
    bench.card.counters[PIN_REFERENCE].left = 1
    bench.insert()
    bench.person.opens_menu("Changer le code")
    bench.person.sees("Dernier essai !")
    bench.person.press("D")
    bench.person.sees("Votre code n'a pas")
    assert (secrets(bench), left(bench)) == (0, 1)


def test_given_up_and_too_late(bench):
    bench.insert()
    bench.person.opens_menu("Changer le code")
    bench.person.gives("Code actuel", PIN)
    bench.person.is_asked_for("Nouveau code")
    bench.person.press("47D")
    bench.person.sees("Annulé")
    bench.person.press("#")
    bench.person.opens_menu("Changer le code")
    bench.person.gives("Code actuel", PIN)
    bench.person.is_asked_for("Nouveau code")
    bench.desk.advance(30)
    bench.person.sees("Trop tard")
    bench.person.press("#")
    bench.person.sees(HOLDER)
    assert secrets(bench) == 0
    signs(bench, PIN)  # what was typed before is nowhere any more


def test_pulled_while_the_new_code_is_typed(bench):
    bench.insert()
    bench.person.opens_menu("Changer le code")
    bench.person.gives("Code actuel", PIN)
    bench.person.is_asked_for("Nouveau code")
    bench.reader.remove()
    lines = bench.person.sees("Carte retirée")
    assert "Code inchangé." in lines
    bench.insert()
    signs(bench, PIN)


@pytest.mark.parametrize(("byte", "new"), [(3, False), (22, True)])
def test_a_torn_change_is_never_called_a_wrong_code(bench, byte, new):
    """The command is cut before or after the card has run it; the person is told to look which code it has."""
    faulty = FaultyCard(bench.card)
    bench.reader.insert(faulty)
    bench.person.sees(HOLDER)
    faulty.arm(Fault(Kind.CUT, ins=CHANGE, byte=byte))
    changes(bench)
    lines = bench.person.sees("essayez une signature")
    assert lines[0] in {"Carte retirée", "À vérifier"}
    bench.insert()
    bench.event("card/identified")
    assert not {"pin/wrong", "pin/changed"} & set(bench.names)
    signs(bench, NEW if new else PIN)


def test_a_change_that_a_crash_cut_off_is_in_the_audit(bench):
    """A start without an end: nobody knows which code the card has."""
    faulty = FaultyCard(bench.card)
    bench.reader.insert(faulty)
    bench.person.sees(HOLDER)
    faulty.arm(Fault(Kind.MUTE, ins=CHANGE))
    changes(bench)
    assert faulty.muted.wait(TIMEOUT)
    bench.box.end("vault", signal.SIGKILL)
    faulty.release()
    bench.desk.wait_vault(connected=False)
    bench.box.start_vault()
    bench.event("system/started")
    with sqlite3.connect(f"file:{bench.box.state / 'box.sqlite'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT payload FROM audit_payload ORDER BY entry").fetchall()
    database.close()
    kinds = [json.loads(payload)["kind"] for (payload,) in rows]
    assert [kind for kind in kinds if kind.startswith("pin/")] == ["pin/change-started"]


def test_a_torn_verify_is_card_removed_and_no_wrong_pin(bench):
    faulty = FaultyCard(bench.card)
    bench.reader.insert(faulty)
    bench.person.sees(HOLDER)
    replies = bench.ask("Repos.")
    bench.person.agrees()
    faulty.arm(Fault(Kind.CUT, ins=VERIFY, byte=8))
    bench.person.enters()
    for phase in ("accepted", "awaiting-consent", "awaiting-pin", "signing"):
        comes(replies, phase)
    fails(replies, "card-removed")
    bench.person.sees("Carte retirée")
    bench.event("sign/failed")
    assert "pin/wrong" not in bench.names


# --- unblock ----------------------------------------------------------------------------------------------------------


def test_a_blocked_card_is_unblocked_where_it_is_found_blocked(any_bench):
    bench = any_bench
    blocks(bench)
    replies = bench.ask("Repos.")
    bench.person.agrees()
    *_, end = replies
    assert end["code"] == "pin-blocked"
    assert "A débloquer" in bench.person.sees("Carte bloquée")[-1]
    bench.person.press("A")
    lines = bench.person.is_asked_for("Déblocage")
    assert "10 essais restants" in lines
    assert "8 chiffres, courrier" in lines
    unblocks(bench)
    bench.person.sees("Code débloqué")
    bench.event("pin/unblocked")
    bench.person.press("#")
    assert (left(bench), left(bench, PUK_REFERENCE)) == (3, 10)
    signs(bench, NEW)


def test_from_the_menu_with_a_wrong_code_first(bench):
    bench.insert()
    bench.person.opens_menu("Débloquer le code")
    unblocks(bench, puk="87654321")
    lines = bench.person.sees("Relisez le courrier.")
    assert any("9 essais" in line for line in lines)
    assert (left(bench), left(bench, PUK_REFERENCE)) == (3, 9)
    bench.person.press("A")
    unblocks(bench)
    bench.person.sees("Code débloqué")
    bench.event("pin/unblocked")
    assert not {"pin/wrong", "pin/blocked"} & set(bench.names)
    bench.person.press("#")
    signs(bench, NEW)


def test_the_last_try_of_the_unblocking_code_asks_twice_and_then_only_a_new_card_helps(bench):
    bench.card.counters[PUK_REFERENCE].left = 1
    blocks(bench)
    bench.person.opens_menu("Débloquer le code")
    bench.person.sees("la carte inutilisable")
    bench.person.insists()
    unblocks(bench, puk="87654321")
    bench.person.sees("Demandez une nouvelle")
    assert left(bench, PUK_REFERENCE) == 0
    bench.person.press("#")
    before = secrets(bench)
    bench.person.opens_menu("Débloquer le code")
    bench.person.sees("Demandez une nouvelle")
    assert secrets(bench) == before


def test_an_unblocking_code_whose_uses_are_spent(bench):
    bench.card.counters[PUK_REFERENCE].uses = 0
    blocks(bench)
    bench.person.opens_menu("Débloquer le code")
    bench.person.sees("Déblocage impossible.")
    assert secrets(bench) == 0


def test_a_torn_unblocking(bench):
    faulty = FaultyCard(bench.card)
    bench.card.counters[PIN_REFERENCE].left = 0
    bench.reader.insert(faulty)
    bench.person.sees(HOLDER)
    faulty.arm(Fault(Kind.CUT, ins=RESET, byte=14))
    bench.person.opens_menu("Débloquer le code")
    unblocks(bench)
    bench.person.sees("essayez une signature")
    bench.insert()
    bench.event("card/identified")
    assert not {"pin/wrong", "pin/unblocked"} & set(bench.names)
    signs(bench, NEW)


# --- menu -------------------------------------------------------------------------------------------------------------


def test_nothing_prompts_while_the_menu_or_a_code_is_in_hand(bench):
    bench.insert()
    bench.person.holds("A")
    bench.person.sees("Menu")
    for body in ("Repos.", "Encore."):
        problem = fails(bench.ask(body), "busy")
        assert problem["retryable"]
        assert "inProgress" not in problem
        if body == "Repos.":
            assert bench.person.sees("Menu")[0].startswith("Menu")
            bench.person.press("A")
            bench.person.is_asked_for("Code actuel")
    assert bench.person.is_asked_for("Code actuel")
    bench.person.press("D")
    bench.person.sees("Annulé")
    signs(bench, PIN)


def test_a_short_press_opens_no_menu_and_the_menu_closes_by_itself(bench):
    bench.insert()
    bench.person.press("AAA")
    assert HOLDER in bench.desk.lines()
    bench.person.holds("A")
    bench.person.sees("Menu")
    bench.desk.advance(30)
    bench.person.sees(HOLDER)
    assert bench.client.final("ping", timeout=TIMEOUT)["phase"] == "done"
