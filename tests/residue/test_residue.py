"""What is left of a PIN in the running box: nothing, at each point; and two changed boxes in which it is found.

Each test types digits the box has not seen before its bench stood, so what is found is of this run; the numbers stay
the same within one bench, so what an earlier point left would be found at every later one too.
"""

import at_rest
import pytest
import residue_core
from residue_verdict import core, judge, last

from appliance.simulator.faults import Fault, Kind

INS_VERIFY = 0x20
BENCHES = ["shipped", "locked"]
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(params=BENCHES)
def bench(request):
    return request.getfixturevalue(request.param)


def test_residue_the_memory_is_named_in_info_and_log(shipped, locked):
    for bench in (shipped, locked):
        assert f"secrets in {bench.memory} memory" in bench.box.log("vault")
    assert locked.memory == "locked"


def test_residue_during_entry_core_and_cancel(bench, report):
    bench.card()
    replies = bench.ask()
    bench.types(bench.typed)
    judge(report, bench, bench.scan(), "during entry", [bench.typed])
    for maker in residue_core.makers(bench.memory):
        assert core(bench, maker, report, "during entry") == set()
    bench.desk.press("D")
    assert last(replies)["code"] == "refused"
    bench.sees("Refusé")
    judge(report, bench, bench.scan(), "cancelled with D")


def test_residue_after_a_signature(bench, report):
    card = bench.card()
    verified = card.card.verify_count
    replies = bench.ask()
    bench.types(bench.typed)
    bench.desk.press("#")
    assert last(replies)["phase"] == "done"
    bench.sees("Signé")
    bench.capture.wait_for(b"evt/sign/completed")
    assert card.card.verify_count == verified + 1
    judge(report, bench, bench.scan(), "after VERIFY and signature")


def test_residue_after_a_wrong_pin(bench, report):
    card = bench.card()
    verified = card.card.verify_count
    replies = bench.ask()
    bench.types(bench.wrong, part="wrong PIN")
    bench.desk.press("#")
    bench.sees("Code faux")
    assert card.card.verify_count == verified + 1
    judge(report, bench, bench.scan(), "after a wrong PIN")
    bench.desk.press("#")
    bench.sees("2 essais")
    bench.desk.press("D")
    assert last(replies)["code"] == "pin-wrong"


def test_residue_after_the_time_is_over(bench, report):
    bench.card()
    replies = bench.ask()
    bench.types(bench.typed)
    bench.desk.advance(31)
    assert last(replies)["code"] == "pin-timeout"
    bench.sees("Trop tard")
    judge(report, bench, bench.scan(), "after the time is over")


@pytest.mark.parametrize("byte", [9, 17], ids=["in the command", "in the answer"])
def test_residue_after_a_tear_in_verify(bench, byte, report):
    card = bench.card()
    card.arm(Fault(Kind.CUT, ins=INS_VERIFY, byte=byte))
    replies = bench.ask()
    bench.types(bench.typed)
    bench.desk.press("#")
    assert last(replies)["code"] in {"card-removed", "card-mute"}  # what vpcd says of a torn card differs
    judge(report, bench, bench.scan(), f"card torn at byte {byte}")
    bench.without_card()
    bench.card()
    judge(report, bench, bench.scan(), "  and the next card read")


def test_residue_while_and_after_pcscd_dies_in_transmit(bench, report):
    card = bench.card()
    card.arm(Fault(Kind.MUTE, ins=INS_VERIFY))
    replies = bench.ask()
    bench.types(bench.typed)
    bench.desk.press("#")
    assert card.muted.wait(10)
    judge(report, bench, bench.scan(), "in SCardTransmit", [bench.typed])
    bench.pcscd.kill()
    assert last(replies)["code"] == "reader-absent"
    judge(report, bench, bench.scan(), "pcscd killed in VERIFY")
    bench.pcscd.start()
    bench.without_card()


def test_residue_after_sigterm_while_typing(bench, report):
    bench.card()
    replies = bench.ask()
    bench.types(bench.typed)
    assert bench.box.end("vault") == 0
    bench.desk.wait_vault(connected=False)
    needles = [at_rest.text_needle(label, bench.search.number(label)) for label in bench.parts]
    assert at_rest.search([bench.folder], needles) == []  # base64, compressed and in tables too
    judge(report, bench, bench.scan(), "SIGTERM while typing")
    bench.box.start_vault()
    assert last(replies)["final"]
    bench.client.wait_online()
    bench.sees("DURAND-TEST")


# --- controls -------------------------------------------------------------------------------------------------------


def caught(bench):
    """What the same scan finds in a changed box after a signature that went well."""
    bench.card()
    replies = bench.ask()
    bench.types(bench.typed)
    bench.desk.press("#")
    assert last(replies)["phase"] == "done"
    bench.sees("Signé")
    scene = bench.scan()
    assert scene.gateway.of(bench.typed) == scene.files.of(bench.typed) == []
    return {(trace.form, trace.place, trace.digits) for trace in scene.vault.of(*bench.parts)}


def test_residue_control_a_box_that_does_not_wipe_is_caught(unwiped, report):
    found = caught(unwiped)
    report(f"control, wipe removed: {sorted(found)}")
    assert ("ASCII", "locked page", 12) in found


def test_residue_control_a_box_with_digits_in_queues_is_caught(queued, report):
    found = caught(queued)
    report(f"control, digits in queues: {sorted(found)}")
    assert [form for form, _place, digits in found if form == "pointers" and digits == 12]
    assert ("pointers", 12) in core(queued, "own writer", report, "control, digits in queues")
