"""Issue 4, item 3: sessions: three signatures under one code, each with its own ``A``; and every way one ends."""

import signal

import pytest
from journey_kit import DEVICE, OTHER, TIMEOUT, comes, fails, missing, signing, standing_bench
from journey_kit import check_one_verify_per_hash as check

from appliance.client.transport import Client
from appliance.simulator.faults import Fault, FaultyCard, Kind

ALLOWED = "[signing]\nsession = true\nsession_signatures = 4\nsession_minutes = 2\n"
HOLDER = "S. DURAND-TEST"
PSO = 0x2A


@pytest.fixture
def bench_of(folder):
    """A bench with lines of configuration; by default sessions are allowed."""

    def make(more=ALLOWED, kind="real"):
        reason = missing() if kind == "real" else None
        if reason:
            pytest.skip(reason)
        return standing_bench(folder, kind, more=more)

    return make


def opens(bench, text="Premier."):
    """A signature with its code, and a session with it."""
    replies = bench.ask(text)
    bench.person.reads_consent()
    bench.person.holds("C")
    lines = bench.person.sees("Session ?")
    bench.person.press("A")
    bench.person.enters()
    *_, end = replies
    assert end["phase"] == "done", end
    opened = bench.event("session/opened")
    bench.person.press("#")
    bench.person.sees("SESSION")
    return lines, opened


def agrees_only(bench, text, **members):
    """A request and its ``A``; the replies' phases."""
    replies = bench.ask(text, **members)
    bench.person.agrees()
    phases = [reply["phase"] for reply in replies]
    assert phases == ["accepted", "awaiting-consent", "signing", "done"]
    bench.person.sees("Signé")
    bench.person.press("#")


def needs_code(bench, text="Encore."):
    """The session is over: the code is asked for, and works."""
    replies = bench.ask(text)
    bench.person.agrees()
    bench.person.enters()
    *_, end = replies
    assert end["phase"] == "done", end


@pytest.mark.parametrize("kind", ["real", "desk"])
def test_three_signatures_under_one_code(bench_of, kind):
    with bench_of(kind=kind) as bench:
        bench.insert()
        lines, opened = opens(bench)
        assert "4 signatures, 2 min" in lines
        assert (opened["client"], opened["format"], opened["signatures"], opened["seconds"]) == (
            *("dossier", "raw", 3, 120),
        )
        assert any("SESSION 3 sign." in line for line in bench.desk.lines())
        agrees_only(bench, "Deuxième.")
        agrees_only(bench, "Troisième.")
        assert (bench.card.verify_count, bench.card.signature_count, bench.person.hashes) == (1, 3, 4)
        assert any("SESSION 1 sign." in line for line in bench.person.sees("SESSION"))
        assert "session/closed" not in bench.names
    check([bench.card], bench.person.hashes)


def test_it_is_counted_down_and_ends_with_its_time(bench_of):
    with bench_of() as bench:
        bench.insert()
        opens(bench)
        bench.desk.advance(61)
        bench.desk.wait_for(lambda lines: any("SESSION 3 sign. 0:" in line for line in lines), TIMEOUT)
        bench.desk.advance(60)
        closed = bench.event("session/closed")
        assert (closed["reason"], closed["signatures"]) == ("expired", 1)
        bench.desk.wait_for(lambda lines: HOLDER in lines and "SESSION" not in " ".join(lines), TIMEOUT)
        needs_code(bench)
        assert bench.card.verify_count == 2


def test_its_time_stops_a_batch_under_it(bench_of):
    """The document in the card is finished and counted, no other is begun, and only then the session is closed."""
    with bench_of() as bench:
        faulty = FaultyCard(bench.card)
        bench.reader.insert(faulty)
        bench.person.sees(HOLDER)
        opens(bench)
        faulty.arm(Fault(Kind.MUTE, 3, PSO))
        replies = bench.ask("Deux.", "Trois.", "Quatre.", ttl=300)
        bench.person.agrees()
        assert faulty.muted.wait(TIMEOUT)
        bench.desk.advance(120)
        assert bench.client.final("ping", timeout=TIMEOUT)["phase"] == "done"  # what time had to do, it has done
        faulty.release()
        had = list(replies)
        assert had[-1]["code"] == "expired"
        assert [reply["result"].get("code") for reply in had if "result" in reply] == [None, None, "expired"]
        bench.person.sees("2 signés sur 3.")
        closed = bench.event("session/closed")
        assert (closed["reason"], closed["signatures"], bench.card.signature_count) == ("expired", 3, 3)
        assert bench.names[-2:] == ["sign/failed", "session/closed"]
        needs_code(bench)
        assert bench.card.verify_count == 2


def test_it_ends_with_its_count(bench_of):
    with bench_of() as bench:
        bench.insert()
        opens(bench)
        for text in ("Deux.", "Trois.", "Quatre."):
            agrees_only(bench, text)
        closed = bench.event("session/closed")
        assert (closed["reason"], closed["signatures"]) == ("count", 4)
        needs_code(bench)
        assert (bench.card.verify_count, bench.card.signature_count) == (2, 5)


def test_to_decline_the_offer_is_not_to_refuse_the_document(bench_of):
    with bench_of() as bench:
        bench.insert()
        replies = bench.ask("Premier.")
        bench.person.reads_consent()
        bench.person.holds("C")
        bench.person.sees("Session ?")
        bench.person.press("D")
        bench.person.sees("A accepter")
        bench.person.press("A")
        bench.person.enters()
        *_, end = replies
        assert end["phase"] == "done"
        bench.person.press("#")
        bench.person.sees(HOLDER)
        needs_code(bench)
        assert "session/opened" not in bench.names


def test_it_ends_by_d(bench_of):
    with bench_of() as bench:
        bench.insert()
        opens(bench)
        bench.person.press("D")
        assert bench.event("session/closed")["reason"] == "key"
        needs_code(bench)


def test_it_ends_when_the_card_is_pulled(bench_of):
    with bench_of() as bench:
        bench.insert()
        opens(bench)
        bench.reader.remove()
        assert bench.event("session/closed")["reason"] == "removed"
        bench.insert()
        needs_code(bench)
        assert bench.card.verify_count == 2


def test_it_ends_when_the_card_has_lost_its_code(bench_of):
    """Another program's reset, as the card sees it: the signature is refused, and nothing is tried again."""
    with bench_of() as bench:
        faulty = FaultyCard(bench.card)
        bench.reader.insert(faulty)
        bench.person.sees(HOLDER)
        opens(bench)
        faulty.arm(Fault(Kind.STATUS, ins=PSO, sw=0x6982))
        replies = bench.ask("Deux.")
        bench.person.agrees()
        *_, end = replies
        assert end["phase"] == "error"
        assert bench.event("session/closed")["reason"] == "reset"
        assert (bench.card.verify_count, bench.card.signature_count) == (1, 1)
        needs_code(bench)


def test_it_ends_when_the_box_stops(bench_of):
    with bench_of() as bench:
        bench.insert()
        opens(bench)
        bench.box.end("vault", signal.SIGTERM)
        bench.box.start_vault()
        assert bench.event("session/closed")["reason"] == "stopped"
        bench.event("system/started")
        bench.person.sees(HOLDER)
        needs_code(bench)


def test_the_menu_ends_it_before_a_code_is_typed(bench_of):
    with bench_of() as bench:
        bench.insert()
        opens(bench)
        bench.person.opens_menu("Changer le code")
        assert bench.event("session/closed")["reason"] == "reset"
        bench.person.is_asked_for("Code actuel")
        bench.person.press("D")
        bench.person.sees("Annulé")


def test_another_peer_needs_the_code_and_ends_it(bench_of):
    with bench_of() as bench:
        bench.insert()
        opens(bench)
        with Client(bench.broker.url, DEVICE, OTHER) as other:
            replies = other.request("sign", signing("Autre chose.", form="jws"), TIMEOUT)
            bench.person.agrees()
            for phase in ("accepted", "awaiting-consent", "awaiting-pin"):
                comes(replies, phase)
            assert bench.event("session/closed")["reason"] == "reset"
            bench.person.press("D")
            fails(replies, "refused")


def test_another_format_needs_the_code(bench_of):
    with bench_of() as bench:
        bench.insert()
        opens(bench)
        replies = bench.ask("Autre.", form="jws")
        bench.person.agrees()
        for phase in ("accepted", "awaiting-consent", "awaiting-pin"):
            comes(replies, phase)
        bench.person.press("D")
        fails(replies, "refused")


@pytest.mark.parametrize("more", ["", ALLOWED + '[reader]\nshare = "shared"\n'], ids=["off", "shared"])
def test_no_session_where_none_is_allowed(bench_of, more):
    with bench_of(more) as bench:
        bench.insert()
        replies = bench.ask("Premier.")
        before = bench.person.reads_consent()[-1]
        bench.person.holds("C")
        assert bench.desk.lines() == before
        bench.person.press("A")
        bench.person.enters()
        *_, end = replies
        assert end["phase"] == "done"
        bench.person.press("#")
        bench.person.sees(HOLDER)
        replies = bench.ask("Deux.")
        bench.person.agrees()
        bench.person.is_asked_for_pin()
        bench.person.press("D")
        *_, end = replies
        assert end["code"] == "refused"
