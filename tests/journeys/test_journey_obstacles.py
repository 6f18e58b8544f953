"""It must show, 3: wrong PIN, last try, refusal, a card that is pulled; seen on pixels, at the broker, at the card."""

from journey_kit import PIN, TIMEOUT, WRONG, comes, fails

from appliance.simulator.softpin import PIN as PIN_REFERENCE

TEXT = "Repos de 3 jours."


def asked_for_pin(bench):
    """A request on its way, up to the prompt."""
    replies = bench.ask(TEXT)
    for phase in ("accepted", "awaiting-consent"):
        comes(replies, phase)
    bench.person.agrees()
    assert comes(replies, "awaiting-pin")["attempt"] == 1
    return replies


def enter_wrong(bench, replies, left):
    """A wrong PIN with tries left after it."""
    bench.person.enters(WRONG)
    comes(replies, "signing")
    wrong = bench.event("pin/wrong")
    assert wrong.get("triesLeft") == (left if left <= 1 else None)
    if left:
        shown = bench.person.sees("Code faux")
        assert any(f"{left} essai" in line for line in shown)
    assert bench.card.counters[PIN_REFERENCE].left == left


def test_wrong_then_right(any_bench):
    bench = any_bench
    bench.insert()
    replies = asked_for_pin(bench)
    enter_wrong(bench, replies, 2)
    bench.person.press("A")
    assert "2 essais restants" in bench.person.is_asked_for_pin()
    assert comes(replies, "awaiting-pin")["attempt"] == 2
    bench.person.enters(PIN)
    comes(replies, "signing")
    comes(replies, "done")
    bench.event("sign/completed")
    assert bench.names[-4:] == ["card/identified", "pin/wrong", "pin/verified", "sign/completed"]
    assert bench.card.verify_count == bench.person.hashes == 2
    assert bench.card.signature_count == 1
    assert bench.card.counters[PIN_REFERENCE].left == 3


def test_a_wrong_pin_is_asked_for_again_by_itself(bench):
    bench.insert()
    replies = asked_for_pin(bench)
    enter_wrong(bench, replies, 2)
    bench.desk.advance(5)
    bench.person.is_asked_for_pin()
    assert comes(replies, "awaiting-pin")["attempt"] == 2
    bench.person.press("D")
    fails(replies, "pin-wrong")
    assert bench.card.verify_count == bench.person.hashes == 1


def test_the_third_wrong_pin_blocks_after_a_second_agreement(bench):
    bench.insert()
    replies = asked_for_pin(bench)
    for attempt, left in ((2, 2), (3, 1)):
        enter_wrong(bench, replies, left)
        bench.person.press("A")
        if left > 1:
            assert comes(replies, "awaiting-pin")["attempt"] == attempt
    warning = bench.person.sees("Dernier essai !")
    assert "A continuer" in warning[-1]
    bench.person.press(PIN + "#")  # nothing is typed yet, nothing is sent
    assert bench.person.sees("Dernier essai !") == warning
    assert bench.card.verify_count == 2
    assert bench.person.insists() == warning
    assert "1 essai restant" in bench.person.is_asked_for_pin()
    assert comes(replies, "awaiting-pin")["attempt"] == 3
    enter_wrong(bench, replies, 0)
    problem = fails(replies, "pin-blocked")
    assert (problem["status"], problem["triesLeft"], problem["retryable"]) == (423, 0, False)
    assert bench.person.sees("Carte bloquée")[0] == "Carte bloquée"
    bench.event("sign/failed")
    assert bench.names[-5:] == ["pin/wrong", "pin/wrong", "pin/wrong", "pin/blocked", "sign/failed"]
    assert (bench.card.verify_count, bench.card.signature_count) == (3, 0)

    # blocked is blocked: the next request ends before any prompt and sends the card nothing to verify
    bench.person.press("D")
    replies = bench.ask(TEXT)
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    bench.person.agrees()
    fails(replies, "pin-blocked")
    assert bench.card.verify_count == 3


def test_the_last_try_can_be_declined(bench):
    bench.insert()
    replies = asked_for_pin(bench)
    enter_wrong(bench, replies, 2)
    bench.person.press("A")
    comes(replies, "awaiting-pin")
    enter_wrong(bench, replies, 1)
    comes(replies, "awaiting-pin")
    bench.person.press("A")
    warning = bench.person.sees("Dernier essai !")
    bench.person.press("A")  # as if for the screen before: not this one's answer
    assert bench.client.final("ping", timeout=TIMEOUT)["phase"] == "done"
    assert bench.desk.lines()[:2] == warning[:2]
    bench.person.press("D")
    problem = fails(replies, "pin-wrong")
    assert (problem["status"], problem["triesLeft"]) == (401, 1)
    assert bench.card.verify_count == bench.person.hashes == 2
    assert bench.card.counters[PIN_REFERENCE].left == 1


def test_too_few_digits_are_not_sent(bench):
    bench.insert()
    replies = asked_for_pin(bench)
    bench.person.types("12")
    bench.person.press("#")
    bench.person.is_asked_for_pin(2)
    bench.person.press("*")
    bench.person.enters(PIN)  # it waits for a prompt without marks
    comes(replies, "signing")
    comes(replies, "done")
    assert (bench.card.verify_count, bench.person.hashes) == (1, 2)


def test_refused_on_consent(bench):
    bench.insert()
    replies = bench.ask(TEXT)
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    pages = bench.person.reads_consent()
    assert "D refuser" in pages[-1][-1]
    bench.person.press("D")
    problem = fails(replies, "refused")
    assert (problem["status"], problem["retryable"]) == (499, False)
    assert bench.event("sign/refused") == {"client": "dossier", "request": problem["id"], "code": "refused"}
    assert bench.person.sees("Refusé") == ["Refusé", "Rien n'a été signé."]
    assert (bench.card.verify_count, bench.card.signature_count) == (0, 0)


def test_refused_while_typing(bench):
    bench.insert()
    replies = asked_for_pin(bench)
    bench.person.types("123")
    bench.person.press("D")
    fails(replies, "refused")
    assert bench.event("sign/refused")["code"] == "refused"
    assert bench.card.verify_count == 0


def test_a_is_dead_before_the_last_page(bench):
    bench.insert()
    replies = bench.ask("Une ligne. " * 30)
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    bench.person.sees("C suite")
    bench.person.press("A")
    pages = bench.person.agrees()  # it turns from page 1 on: the first A changed nothing
    assert len(pages) > 3
    assert "A accepter" not in "".join(row for page in pages[:-1] for row in page)
    comes(replies, "awaiting-pin")


def test_pulled_while_typing(any_bench):
    """Removal is final, and what was typed is gone: else 12 and then 12(34) would be sent as a wrong PIN."""
    bench = any_bench
    bench.insert()
    replies = asked_for_pin(bench)
    bench.person.types("12")
    bench.reader.remove()
    problem = fails(replies, "card-removed")
    assert (problem["status"], problem["retryable"]) == (409, True)
    assert bench.person.sees("Carte retirée")[0] == "Carte retirée"
    failed = bench.event("sign/failed")
    assert (failed["code"], failed["signed"]) == ("card-removed", 0)
    assert "card/removed" in bench.names
    bench.person.press("34#")  # into nothing
    assert bench.card.verify_count == 0

    bench.reader.insert(bench.card)
    bench.event("card/identified")
    again = asked_for_pin(bench)
    bench.person.is_asked_for_pin(0)
    bench.person.enters(PIN)
    comes(again, "signing")
    comes(again, "done")
    bench.event("sign/completed")
    assert "pin/wrong" not in bench.names
    assert (bench.card.verify_count, bench.card.signature_count) == (1, 1)


def test_pulled_during_consent(bench):
    bench.insert()
    replies = bench.ask(TEXT)
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    bench.person.reads_consent()
    bench.reader.remove()
    fails(replies, "card-removed")
    bench.person.sees("Carte retirée")
    assert bench.card.verify_count == 0
