"""Issue 4, item 4: the practice situations behind the PIN, over MQTT, with the person's agreement."""

from journey_kit import PIN, TIMEOUT, WRONG, comes, fails


def practice(bench):
    replies = bench.client.request("practice", {}, TIMEOUT)
    for phase in ("accepted", "awaiting-consent"):
        comes(replies, phase)
    return replies


def agrees(bench, replies):
    lines = bench.person.sees("veut lire vos lieux")
    assert lines[0].startswith("dossier")
    bench.person.press("A")
    assert comes(replies, "awaiting-pin")["attempt"] == 1


def test_the_situations_of_a_card(any_bench):
    bench = any_bench
    bench.insert()
    replies = practice(bench)
    agrees(bench, replies)
    bench.person.enters(PIN)
    end = comes(replies, "done")
    assert [situation["number"] for situation in end["situations"]] == [1, 2]
    first = end["situations"][0]
    assert first["structure"].startswith("CABINET ESSAI")
    assert first["sector"]["code"].startswith("SA")
    assert first["sector"]["label"]
    assert "2 lieux d'exercice" in bench.person.sees("Transmis")
    bench.event("pin/verified")
    assert not any(name.startswith("sign/") for name in bench.names)
    assert (bench.card.verify_count, bench.card.signature_count) == (1, 0)

    # the card has forgotten the code
    bench.person.press("#")
    again = practice(bench)
    agrees(bench, again)
    bench.person.press("D")
    fails(again, "refused")
    assert "Rien n'est transmis." in bench.person.sees("Refusé")


def test_a_wrong_code_and_a_card_that_is_pulled(bench):
    bench.insert()
    replies = practice(bench)
    agrees(bench, replies)
    bench.person.enters(WRONG)
    bench.person.sees("Code faux")
    bench.person.press("A")
    assert comes(replies, "awaiting-pin")["attempt"] == 2
    bench.reader.remove()
    fails(replies, "card-removed")
    assert "situations" not in str(bench.told)
