"""What is left of a code that is changed, and of a code de déblocage: nothing, at each point, on both families.

As in ``test_residue.py``, what was typed at an earlier point is looked for at every later one too. Where the card keeps
silent over the command after a secret one, pcscd shows whether that covers what the secret one left. Each point is
shown on both boxes and on both families, not on all four pairs: what is sent does not depend on the page's memory.
"""

import at_rest
import pytest
from residue_forms import Trace
from residue_verdict import judge

from appliance.simulator.faults import Fault, Kind

VERIFY, CHANGE, RESET, SELECT = 0x20, 0x24, 0x2C, 0xA4
OLD, NEW, AGAIN, PUK = "Code actuel", "Nouveau code", "Confirmation", "Déblocage"
UNSURE = "changé ou non"

# The path that leads nowhere, which covers the new code: the second SELECT after the last ``#`` on a CPS3, where the
# counter is read once more by one, the first on a CPS4. And what carries the new code of an unblocking.
COVER = {"cps3": Fault(Kind.MUTE, 2, SELECT), "cps4": Fault(Kind.MUTE, 1, SELECT)}
UNBLOCKED_BY = {"cps3": RESET, "cps4": CHANGE}
# Bytes of the exchange with the new code that pass: all but the command's last one, or the command but no answer.
TORN = {"cps3": 28, "cps4": 17}

ONE_WAY = [("shipped", "cps4"), ("locked", "cps3")]
OTHER_WAY = [("shipped", "cps3"), ("locked", "cps4")]
one_way = pytest.mark.parametrize(("bench", "family"), ONE_WAY, indirect=["bench"])
other_way = pytest.mark.parametrize(("bench", "family"), OTHER_WAY, indirect=["bench"])
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def bench(request):
    return request.getfixturevalue(request.param)


def enters(bench, *entries):
    """Each (title, label), and ``#`` between them."""
    parts = {OLD: "old", NEW: "new", AGAIN: "again", PUK: "PUK"}
    for index, (title, label) in enumerate(entries):
        if index:
            bench.desk.press("#")
        bench.types(label, title, parts[title])


def changes(bench, old, new):
    """From home to the moment before the last ``#``."""
    bench.opens_menu("Changer")
    enters(bench, (OLD, old), (NEW, new), (AGAIN, new))


def unblocks(bench, puk, new):
    bench.opens_menu("Débloquer")
    enters(bench, (PUK, puk), (NEW, new), (AGAIN, new))


def is_held(card, after):
    """The card keeps silent over a command; the last one it answered was ``after``."""
    assert card.muted.wait(10)
    card.muted.clear()
    header, _status = card.card.log[-1]
    assert int(header[2:4], 16) == after


@one_way
def test_residue_of_a_change(bench, family, report):
    card = bench.card(family)
    old, new, again, last = bench.pin, bench.fresh(), bench.fresh(), bench.fresh()
    bench.opens_menu("Changer")
    enters(bench, (OLD, old))
    judge(report, bench, bench.scan(), "old code typed", [old])
    bench.desk.press("#")
    enters(bench, (NEW, new))
    judge(report, bench, bench.scan(), "new code typed", [old, new])
    bench.desk.press("#")
    enters(bench, (AGAIN, again))
    judge(report, bench, bench.scan(), "again typed, another", [old, new, again])
    bench.desk.press("#")
    bench.sees("Pas identiques.")
    judge(report, bench, bench.scan(), "mismatch", [old])
    enters(bench, (NEW, last), (AGAIN, last))
    card.arm(COVER[family])
    bench.desk.press("#")
    is_held(card, CHANGE)
    judge(report, bench, bench.scan(), f"{family}: after CHANGE, covered", [last])  # in the slot of ``again``
    card.release()
    bench.sees("Code changé")
    bench.capture.wait_for(b"evt/pin/changed")
    judge(report, bench, bench.scan(), f"{family}: code changed")
    bench.pin = last
    bench.desk.press("#")


@one_way
def test_residue_of_a_torn_change(bench, family, report):
    card = bench.card(family)
    changes(bench, bench.pin, bench.fresh())
    card.arm(Fault(Kind.CUT, ins=CHANGE, byte=TORN[family]))
    bench.desk.press("#")
    bench.sees(UNSURE)
    judge(report, bench, bench.scan(), f"{family}: torn CHANGE")
    bench.without_card()


@one_way
def test_residue_of_a_torn_unblocking(bench, family, report):
    card = bench.card(family)
    unblocks(bench, bench.puk, bench.fresh())
    card.arm(Fault(Kind.CUT, ins=RESET, byte=5))
    bench.desk.press("#")
    bench.sees(UNSURE)
    judge(report, bench, bench.scan(), f"{family}: torn RESET RETRY COUNTER")
    bench.without_card()


@other_way
def test_residue_of_a_change_with_a_wrong_old_code(bench, family, report):
    bench.card(family)
    changes(bench, bench.wrong, bench.fresh())
    bench.desk.press("#")
    bench.sees("Code faux")
    judge(report, bench, bench.scan(), f"{family}: wrong old code")
    bench.desk.press("D")
    bench.desk.press("#")


@pytest.mark.parametrize(("bench", "family"), OTHER_WAY[:1], indirect=["bench"])
def test_residue_of_a_change_without_an_answer(bench, family, report):
    """The card stays in: nobody lets go of it, and no next card comes to cover anything."""
    soft = bench.card(family).card
    honest = soft.transmit
    changes(bench, bench.pin, bench.fresh())
    soft.transmit = lambda apdu: b"\x90" if apdu[1] == CHANGE else honest(apdu)
    bench.desk.press("#")
    bench.sees(UNSURE)
    judge(report, bench, bench.scan(), f"{family}: CHANGE without an answer")
    soft.transmit = honest
    bench.desk.press("#")


@other_way
def test_residue_of_an_unblocking(bench, family, report):
    card = bench.card(family)
    unblocks(bench, bench.wrong_puk, bench.fresh())
    bench.desk.press("#")
    bench.sees("Code faux")
    judge(report, bench, bench.scan(), f"{family}: wrong PUK")
    bench.desk.press("A")
    new = bench.fresh()
    enters(bench, (PUK, bench.puk))
    judge(report, bench, bench.scan(), "PUK typed", [bench.puk])
    bench.desk.press("#")
    enters(bench, (NEW, new), (AGAIN, new))
    card.arm(Fault(Kind.MUTE, ins=RESET), COVER[family])
    bench.desk.press("#")
    is_held(card, VERIFY)
    judge(report, bench, bench.scan(), f"{family}: after VERIFY PUK, in RESET", [new])
    card.release()
    is_held(card, UNBLOCKED_BY[family])
    judge(report, bench, bench.scan(), f"{family}: new code sent, covered", [new])  # in the slot of ``again``
    card.release()
    bench.sees("Code débloqué")
    bench.capture.wait_for(b"evt/pin/unblocked")
    judge(report, bench, bench.scan(), f"{family}: unblocked")
    bench.pin = new
    bench.desk.press("#")


@other_way
def test_residue_after_sigterm_while_the_new_code_is_typed(bench, family, report):
    bench.card(family)
    bench.opens_menu("Changer")
    enters(bench, (OLD, bench.pin), (NEW, bench.fresh()))
    assert bench.box.end("vault") == 0
    bench.desk.wait_vault(connected=False)
    needles = [at_rest.text_needle(label, bench.search.number(label)) for label in bench.parts]
    assert at_rest.search([bench.folder], needles) == []  # base64, compressed and in tables too
    judge(report, bench, bench.scan(), f"{family}: SIGTERM, new code typed")
    bench.box.start_vault()
    bench.client.wait_online()
    bench.sees("DURAND-TEST")


# --- control ----------------------------------------------------------------------------------------------------------


def test_residue_control_a_box_that_keeps_the_new_code_is_caught(kept_new, report):
    kept_new.card()
    new = kept_new.fresh()
    changes(kept_new, kept_new.typed, new)
    kept_new.desk.press("#")
    kept_new.sees("Code changé")
    scene = kept_new.scan()
    assert scene.gateway.of(*kept_new.parts) == scene.files.of(*kept_new.parts) == []
    found = scene.vault.of(*kept_new.parts)
    report(f"control, new code not wiped: {[(trace.form, trace.place, trace.digits) for trace in found]}")
    assert found == [Trace(new, "locked page", "ASCII", 12)]
