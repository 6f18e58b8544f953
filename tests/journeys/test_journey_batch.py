"""It must show, 3: what becomes of a batch when the gateway dies, when the person has enough, when a card fails."""

import signal

import pytest
from journey_kit import PIN, comes, fails
from journey_proof import Proof

from appliance.simulator.faults import Fault, FaultyCard, Kind

TEXTS = tuple(f"Ordonnance {number} : repos {number} jours." for number in range(1, 7))
HASH_AND_SIGN = 0x2A  # PERFORM SECURITY OPERATION: two of them make a signature


def at_the_prompt(bench):
    """A batch on its way, its PIN typed and not yet validated."""
    replies = bench.ask(*TEXTS)
    for phase in ("accepted", "awaiting-consent"):
        comes(replies, phase)
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    bench.person.types(PIN)
    return replies


def silent_at(bench, number):
    """The card in the slot will not answer for document ``number``, from 1, until it is released."""
    faulty = FaultyCard(bench.card)
    bench.reader.insert(faulty)
    bench.person.sees("S. DURAND-TEST")
    faulty.arm(Fault(Kind.MUTE, command=2 * number, ins=HASH_AND_SIGN))
    return faulty


def said(replies):
    """What was said of each document, in order, and the end."""
    *told, last = replies
    return [reply["result"] for reply in told if "result" in reply], last


@pytest.mark.parametrize("back", ["after the batch", "before the batch"])
def test_a_gateway_killed_before_the_pin_brings_every_result(any_bench, back):
    bench = any_bench
    bench.insert()
    replies = at_the_prompt(bench)
    bench.box.end("gateway", signal.SIGKILL)
    bench.client.wait_state("status", lambda status: status["state"] == "offline")
    if back == "before the batch":
        bench.box.start_gateway()
        bench.client.wait_online()
    bench.person.press("#")
    assert "6 documents" in bench.person.sees("6 documents")
    if back == "after the batch":
        bench.box.start_gateway()
    results, done = said(replies)
    assert (done["phase"], done["counts"]) == ("done", {"signed": 6, "failed": 0})
    assert [result["index"] for result in results] == list(range(6))
    proof = Proof(bench.folder, bench.pki)
    for text, result in zip(TEXTS, results, strict=True):
        proof.check_raw(result, text.encode())
    assert (bench.card.verify_count, bench.card.signature_count) == (1, 6)


def test_a_gateway_killed_in_the_middle_brings_every_result(bench):
    """Some results are with the broker already: those may come twice, and none is missing."""
    faulty = silent_at(bench, 4)
    replies = at_the_prompt(bench)
    bench.person.press("#")
    assert faulty.muted.wait(20)
    bench.box.end("gateway", signal.SIGKILL)
    bench.client.wait_state("status", lambda status: status["state"] == "offline")
    bench.box.start_gateway()
    bench.client.wait_online()
    faulty.release()
    results, done = said(replies)
    assert done["phase"] == "done"
    assert sorted({result["index"] for result in results}) == list(range(6))
    assert len({(result["index"], result["signature"]) for result in results}) == 6
    assert (bench.card.verify_count, bench.card.signature_count) == (1, 6)


def check_cut(bench, replies, signed, code):
    """A batch cut short: what software, events, card and person are told."""
    results, problem = said(replies)
    fails(iter([problem]), code)
    assert [(result["index"], result.get("code")) for result in results] == [
        (index, None if index < signed else code) for index in range(len(TEXTS))
    ]
    assert all(result["shown"] == "content" for result in results)
    Proof(bench.folder, bench.pki).check_raw(results[signed - 1], TEXTS[signed - 1].encode())
    failed = bench.event("sign/failed")
    assert (failed["code"], failed["signed"]) == (code, signed)
    assert (bench.card.verify_count, bench.card.signature_count) == (1, signed)


@pytest.mark.parametrize(("number", "shown"), [(1, "1 signé sur 6."), (3, "3 signés sur 6.")])
def test_enough_in_the_middle(any_bench, number, shown):
    """``D`` while the card signs: the document in hand is finished, no other is begun, and the screen says how many."""
    bench = any_bench
    faulty = silent_at(bench, number)
    replies = at_the_prompt(bench)
    bench.person.press("#")
    assert faulty.muted.wait(20)
    bench.person.press("D")
    faulty.release()
    check_cut(bench, replies, number, "refused")
    lines = bench.person.sees("sur 6.")
    assert shown in lines
    assert "Le reste : non signé." in lines
    assert not any("Rien" in line for line in lines)


def test_a_card_pulled_in_the_middle(bench):
    """The command had left: nobody knows of that document, and the person is told of those before it."""
    faulty = silent_at(bench, 3)
    replies = at_the_prompt(bench)
    bench.person.press("#")
    assert faulty.muted.wait(20)
    bench.reader.remove()
    check_cut(bench, replies, 2, "outcome-unknown")
    assert "2 signés sur 6." in bench.person.sees("sur 6.")


def test_the_same_batch_asked_again_brings_it_all_again(bench):
    bench.insert()
    body = {"id": "0192f0c1-2345-7abc-8def-0123456789ab"}
    first = bench.ask(*TEXTS[:2], **body)
    bench.person.agrees()
    bench.person.enters()
    whole = said(first)
    assert [result["index"] for result in whole[0]] == [0, 1]
    assert said(bench.ask(*TEXTS[:2], **body)) == whole
    assert (bench.card.verify_count, bench.card.signature_count) == (1, 2)
