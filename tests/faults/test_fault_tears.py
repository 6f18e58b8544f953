"""Issue 3, item 1: the card is torn out at every byte of VERIFY and of the signature, over many requests to one box."""

import time

import pytest
from fault_bench import PIN, TEXT, is_home, is_ready
from fault_tears import BORDERS, PSO, VERIFY, VERIFY_COMMAND, Tear, all_tears

from appliance.simulator.pcsclite_codes import Status
from appliance.simulator.softpin import PIN as PIN_REFERENCE


def torn(bench, tear, *contents):
    """A request whose card is torn; its final reply, and when the tear was known to be over."""
    bench.insert()
    bench.faulty.arm(tear.fault)
    asked = bench.ask(*contents)
    bench.person.agrees()
    bench.person.enters(PIN)  # it waits for a prompt without marks
    end = asked.end
    return asked, end, time.monotonic()


def check_tear(bench, tear):
    """What the request says and the card counts; at rest in time, with an empty reader."""
    _, end, since = torn(bench, tear, TEXT)
    assert end.get("code") == tear.code, end
    assert (bench.verified, bench.signed) == (tear.signing or tear.ran, tear.signing and tear.ran)
    if tear.code is None:
        # The card left with its answer given: nobody knows before the next command.
        bench.person.sees("Signé")
        bench.reader.remove()
        bench.client.wait_state("state/card", lambda card: card["presence"] == "absent")
    bench.rests(is_home, since)


@pytest.mark.parametrize("tear", all_tears(), ids=lambda tear: tear.id)
def test_torn_at_a_byte(stand, tear):
    """In turn, so that each VERIFY that was torn is followed by one that the card takes: the page held nothing else."""
    bench = stand("desk")
    check_tear(bench, tear)
    assert bench.card.counters[PIN_REFERENCE].left == 3


@pytest.mark.parametrize("tear", BORDERS, ids=lambda tear: tear.id)
def test_torn_in_a_reader_that_says_so(stand, tear):
    """USB readers that report the absence itself, instead of a command that failed."""
    bench = stand("desk", torn=Status.NO_SMARTCARD)
    check_tear(bench, tear)
    bench.serves(is_home)


@pytest.mark.parametrize("tear", BORDERS, ids=lambda tear: tear.id)
def test_torn_over_the_real_pcscd(stand, tear):
    bench = stand("real")
    check_tear(bench, tear)
    bench.serves(is_home)


@pytest.mark.parametrize(("byte", "made"), [(0, 1), (100, 2)])
def test_torn_in_the_second_of_three_documents(stand, byte, made):
    """The first is told as signed, the second as unknown; the third, never begun, as not signed."""
    bench = stand("desk")
    asked, end, since = torn(bench, Tear(signing=True, byte=byte, document=1), "Un.", "Deux.", "Trois.")
    assert end["code"] == "outcome-unknown"
    first, second, third = [reply["result"] for reply in asked.had if "result" in reply]
    assert (first["index"], "signature" in first) == (0, True)
    assert (second["index"], second["code"]) == (1, "outcome-unknown")
    assert (third["index"], "signature" in third) == (2, False)
    assert (bench.verified, bench.signed) == (1, made)
    assert "1 signé sur 3." in bench.person.sees("1 signé sur 3.")
    bench.rests(is_home, since)
    bench.serves(is_home)


def test_the_lengths_are_those_of_the_commands(stand):
    """What the tears are counted by, seen at the card: VERIFY, PSO HASH and PSO COMPUTE DIGITAL SIGNATURE."""
    bench = stand("desk")
    bench.insert()
    seen = []
    honest = bench.card.transmit

    def watched(apdu):
        answer = honest(apdu)
        if apdu[1] in {VERIFY, PSO}:
            seen.append((apdu[1], len(apdu), len(answer)))
        return answer

    bench.card.transmit = watched
    bench.signs()
    del bench.card.transmit
    assert (seen[0], seen[-1]) == ((VERIFY, VERIFY_COMMAND, 2), (PSO, 5, 258))
    assert [ins for ins, _, _ in seen] == [VERIFY, PSO, PSO]
    bench.rests(is_ready)
