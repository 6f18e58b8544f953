"""Issue 5, item 6: the door, from the card to the relay, over real readers and soft cards; and what keeps it shut."""

import contextlib
import datetime as dt
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from journey_kit import PIN, TIMEOUT, WRONG, check_one_verify_per_hash, missing, standing_bench

from appliance.config import load
from appliance.simulator.faults import Fault, FaultyCard, Kind
from appliance.simulator.pins import HIGH, LOW, RELEASED
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps4 import SoftCps4
from appliance.simulator.softpin import PIN as PIN_REFERENCE

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
from fault_stranger import OK, SHARED, UNPOWER, Stranger

HOLDER = "S. DURAND-TEST"
PROVE = 0x88  # INTERNAL AUTHENTICATE
ANY_TIME = ", ".join(f'{day} = ["00:00-24:00"]' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
BLANKING = Path(__file__).parents[1] / "bench" / "blanking_vault.py"


class Door:
    """The box's door, as the bench sees it."""

    def __init__(self, bench):
        self.bench = bench
        self.gpio = load(bench.box.config).door.relay

    @property
    def pulses(self):
        return self.bench.desk.output(self.gpio)[1]

    def asked_for(self):
        """From home to the door's entry of the menu."""
        self.bench.person.holds("A")
        self.bench.person.sees("Ouvrir la porte")
        self.bench.person.press("CCA")

    def opens(self, count=1):
        """One pulse more, up and down again."""
        self.bench.desk.wait_rises(self.gpio, count)
        self.bench.desk.wait_output({self.gpio: LOW})
        assert self.pulses == count

    def stays_shut(self, code, count=0):
        """The event says why, and the relay has not moved."""
        refused = self.bench.event("door/refused")
        assert refused["code"] == code
        assert set(refused) == {"cardSession", "holder", "code"}
        assert self.bench.desk.output(self.gpio) == (LOW, count)


@contextlib.contextmanager
def standing_door(folder, kind, more):
    reason = missing() if kind == "real" else None
    if reason:
        pytest.skip(reason)
    with standing_bench(folder, kind, more=f"[door]\nenabled = true\npulse = 0.5\n{more}") as bench:
        bench.door = Door(bench)
        yield bench
    check_one_verify_per_hash([bench.card], bench.person.hashes)


@pytest.fixture
def bench_with(folder):
    """A bench whose box has a door, with further lines of ``[door]``."""
    with contextlib.ExitStack() as stack:
        yield lambda more="", kind="real": stack.enter_context(standing_door(folder, kind, more))


@pytest.mark.parametrize("kind", ["real", "desk"])
@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_a_card_opens_once(bench_with, model, kind):
    bench = bench_with(f"hours = {{ {ANY_TIME} }}", kind)
    if model == "cps4":
        bench.card = SoftCps4(bench.pki)
    bench.insert()
    identified = bench.event("card/identified")
    bench.door.asked_for()
    assert "pour ouvrir la porte" in bench.person.is_asked_for_pin()
    bench.person.enters()
    lines = bench.person.sees("Porte ouverte")
    assert not any("FAIBLE" in line for line in lines)
    assert bench.event("door/opened") == {
        "cardSession": identified["cardSession"],
        "holder": identified["holder"],
        "method": "pin",
    }
    bench.door.opens()
    assert bench.card.verify_count == 1
    bench.person.press("#")
    bench.person.sees(HOLDER)
    bench.door.asked_for()
    assert "remettez-la." in bench.person.sees("Déjà ouverte. Retirez")
    bench.door.stays_shut("door-used", count=1)
    assert bench.card.verify_count == 1
    bench.reader.remove()
    bench.event("card/removed")
    bench.insert()
    bench.door.asked_for()
    bench.person.enters()
    bench.event("door/opened")
    bench.door.opens(2)


def test_a_wrong_code_opens_nothing_and_a_right_one_after_it_does(bench_with):
    bench = bench_with()
    bench.insert()
    bench.door.asked_for()
    bench.person.enters(WRONG)
    assert any("2 essais" in line for line in bench.person.sees("Code faux"))
    bench.event("pin/wrong")
    assert bench.door.pulses == 0
    bench.person.press("A")
    bench.person.enters()
    bench.event("door/opened")
    bench.door.opens()


def test_a_blocked_card_is_told_where_its_code_stands(bench_with):
    bench = bench_with()
    bench.card.counters[PIN_REFERENCE].left = 1
    bench.insert()
    bench.door.asked_for()
    bench.person.insists()
    bench.person.enters(WRONG)
    assert "A débloquer" in bench.person.sees("Carte bloquée")[-1]
    bench.door.stays_shut("pin-blocked")


def test_the_person_may_think_better_of_it(bench_with):
    bench = bench_with()
    bench.insert()
    bench.door.asked_for()
    bench.person.is_asked_for_pin()
    bench.person.press("D")
    bench.person.sees("Vous avez annulé.")
    bench.door.stays_shut("refused")


REFUSED = [
    ('admit = ["' + "0" * 32 + '"]', "card-denied", "admise ici."),
    ("hours = {}", "door-hours", "ne le permettent pas"),
]


@pytest.mark.parametrize(("more", "code", "row"), REFUSED)
def test_who_may_not_is_asked_for_no_code(bench_with, more, code, row):
    bench = bench_with(more)
    bench.insert()
    bench.door.asked_for()
    assert bench.person.sees(row)[0] == "Porte fermée"
    bench.door.stays_shut(code)
    assert bench.card.verify_count == 0


def test_an_untrusted_card_is_asked_for_no_code_and_the_files_are_looked_at_each_time(bench_with):
    bench = bench_with()
    bench.insert()
    kept = bench.folder / "kept"
    shutil.move(bench.box.trust, kept)
    bench.door.asked_for()
    assert bench.person.sees("Le certificat de la")[0] == "Porte fermée"
    bench.door.stays_shut("certificate-invalid")
    bench.person.press("#")
    bench.person.sees(HOLDER)
    shutil.move(kept, bench.box.trust)
    bench.door.asked_for()
    bench.person.enters()
    bench.event("door/opened")
    bench.door.opens()


def test_an_expired_card_is_asked_for_no_code(bench_with):
    bench = bench_with()
    bench.card = type(bench.card)(TestPki.generate(valid_from=dt.datetime.now(dt.UTC) - dt.timedelta(days=1500)))
    bench.insert()
    bench.door.asked_for()
    assert bench.person.sees("expirée. Utilisez la")[0] == "Porte fermée"
    bench.door.stays_shut("card-expired")
    assert bench.card.verify_count == 0


def test_only_those_on_the_list_come_in(bench_with):
    """The tag that an event tells is the one an installer puts on the list; the box is started again for it."""
    bench = bench_with('admit = ["' + "0" * 32 + '"]')
    bench.insert()
    tag = bench.event("card/identified")["holder"]
    bench.box.end("vault")
    bench.desk.wait_vault(connected=False)
    bench.box.config.write_text(bench.box.config.read_text().replace("0" * 32, tag))
    bench.box.start_vault()
    bench.person.sees(HOLDER)
    bench.door.asked_for()
    bench.person.enters()
    assert bench.event("door/opened")["holder"] == tag
    bench.door.opens()


@pytest.mark.parametrize("kind", ["real", "desk"])
def test_at_insertion_the_code_is_asked_for_at_once(bench_with, kind):
    bench = bench_with("at_insertion = true", kind)
    bench.reader.insert(bench.card)
    bench.person.enters()
    bench.person.sees("Porte ouverte")
    bench.event("door/opened")
    bench.door.opens()


def test_presence_alone_opens_where_an_installer_wants_it_and_is_called_weak(bench_with):
    bench = bench_with("presence_only = true\nat_insertion = true")
    assert "presence_only" in bench.box.log("vault")
    bench.reader.insert(bench.card)
    assert "FAIBLE : SANS CODE" in bench.person.sees("Porte ouverte")
    assert bench.event("door/opened")["method"] == "presence"
    bench.door.opens()
    assert bench.card.verify_count == 0
    assert PROVE not in {bytes.fromhex(header)[1] for header, _ in bench.card.log}


def test_a_shipped_box_offers_no_door(folder):
    reason = missing()
    if reason:
        pytest.skip(reason)
    with standing_bench(folder) as bench:
        bench.insert()
        bench.person.holds("A")
        bench.person.sees("Menu")
        assert "Ouvrir la porte" not in bench.desk.lines()  # where it stands, it stands on the first page


def test_pulled_while_the_code_is_typed(bench_with):
    bench = bench_with()
    bench.insert()
    bench.door.asked_for()
    bench.person.types(PIN[:3])
    bench.reader.remove()
    assert bench.person.sees("Carte retirée trop")[0] == "Porte fermée"
    bench.door.stays_shut("card-removed")


@pytest.mark.parametrize(("ins", "byte"), [(0x20, 8), (PROVE, 5), (PROVE, 300)])
def test_torn_in_the_proof(bench_with, ins, byte):
    """VERIFY or the proof is cut: whatever the card did, nothing opens, and the code is not called wrong."""
    bench = bench_with()
    faulty = FaultyCard(bench.card)
    bench.reader.insert(faulty)
    bench.person.sees(HOLDER)
    faulty.arm(Fault(Kind.CUT, ins=ins, byte=byte))
    bench.door.asked_for()
    bench.person.enters()
    assert bench.person.sees("Carte retirée trop")[0] == "Porte fermée"
    bench.door.stays_shut("card-removed")
    assert not {"pin/wrong", "door/opened"} & set(bench.names)


def test_the_case_opened_in_the_proof_keeps_the_door_shut(bench_with):
    bench = bench_with()
    faulty = FaultyCard(bench.card)
    bench.reader.insert(faulty)
    bench.person.sees(HOLDER)
    faulty.arm(Fault(Kind.MUTE, ins=PROVE))
    bench.door.asked_for()
    bench.person.enters()
    assert faulty.muted.wait(TIMEOUT)
    bench.desk.open_case()
    bench.event("tamper/opened")
    faulty.release()
    bench.door.stays_shut("tamper-lockout")


@pytest.fixture
def stranger():
    """Another program at the reader of a bench over the real pcscd, connected to the card in it."""
    made = []

    def of(bench, mode=SHARED):
        made.append(Stranger(bench.folder / "pcscd" / "pcscd.comm"))
        assert made[-1].connects(mode) == OK
        return made[-1]

    yield of
    for program in made:
        program.kill()


SHARE = '[reader]\nshare = "shared"'


def test_a_card_that_another_program_holds_waits_for_it_and_opens_nothing_meanwhile(bench_with, stranger):
    bench = bench_with(SHARE)
    bench.insert()
    bench.door.asked_for()
    bench.person.types(PIN)
    other = stranger(bench)
    assert other.begins() == OK
    bench.person.press("#")
    bench.person.sees("Lecture")
    bench.person.press("D")  # while the card cannot be reached; nothing is begun for who has gone away
    assert bench.door.pulses == 0
    other.kill()
    bench.person.sees("Porte fermée")
    bench.door.stays_shut("refused")
    assert "door/opened" not in bench.names


def test_a_card_that_another_program_used_meanwhile_proves_itself_all_the_same(bench_with, stranger):
    """It took the power away while the code was typed: the counter is read again, then the one try, then the proof."""
    bench = bench_with(SHARE)
    bench.insert()
    bench.door.asked_for()
    bench.person.types(PIN)
    assert stranger(bench).leaves(UNPOWER) == OK
    bench.person.press("#")
    bench.person.sees("Porte ouverte")
    bench.event("door/opened")
    bench.door.opens()
    assert bench.card.counters[PIN_REFERENCE].left == 3


def audit(bench):
    with contextlib.closing(sqlite3.connect(f"file:{bench.box.state / 'box.sqlite'}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT payload FROM audit_payload ORDER BY entry").fetchall()
    return [json.loads(payload) for (payload,) in rows]


def test_killed_in_the_pulse_the_relay_falls_and_the_journal_knows(folder):
    """SIGKILL with the strike released: the kernel lets the pin go, ``ExecStopPost`` drives it low, no start opens."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with standing_bench(folder, more="[door]\nenabled = true\npulse = 10\n") as bench:
        door = Door(bench)
        bench.insert()
        door.asked_for()
        bench.person.enters()
        bench.desk.wait_output({door.gpio: HIGH})
        bench.box.end("vault", signal.SIGKILL)
        opened = [entry for entry in audit(bench) if entry["kind"] == "door/opened"]
        assert [entry["data"]["method"] for entry in opened] == ["pin"]
        bench.desk.wait_vault(connected=False)
        assert bench.desk.output(door.gpio)[0] == RELEASED
        blanked = subprocess.run(
            [sys.executable, BLANKING, str(bench.desk.path), "--config", str(bench.box.config)],
            timeout=TIMEOUT,
            check=False,
        )
        assert blanked.returncode == 0
        assert bench.desk.output(door.gpio) == (RELEASED, 0)
        bench.box.start_vault()
        bench.event("system/started")
        bench.desk.wait_output({door.gpio: LOW})
        assert door.pulses == 0
