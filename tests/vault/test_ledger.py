"""What the gateway did not carry, in the audit: every loss is counted, no flood fills the disk."""

import asyncio
import json
import sqlite3

import pytest

from appliance.contract.topics import DEFAULT_PREFIX, Topics
from appliance.link import messages as link
from appliance.vault import box as b
from appliance.vault import flow, ledger
from appliance.vault.journal import Event
from appliance.vault.ledger import Ledger
from appliance.vault.scribe import Scribe

ONE = link.Dropped("demo-desk", "retained", 1)


def audit(path):
    """What stands in the audit: client, reason and count of each entry."""
    with sqlite3.connect(path) as database:
        rows = [json.loads(payload) for (payload,) in database.execute("SELECT payload FROM audit_payload")]
    database.close()
    assert {row["kind"] for row in rows} <= {"request/dropped"}
    return [(row["data"]["client"], row["data"]["reason"], row["data"]["count"]) for row in rows]


@pytest.fixture
def note(tmp_path):
    """Note losses, (second, Dropped) each, in a ledger of their own; what the audit then says."""

    async def noting(losses):
        path = tmp_path / "box.sqlite"
        scribe = await Scribe.open(path, lambda _journal, _first, _last: Event("journal", "dropped", lambda _seq: b""))
        book = Ledger(Topics(DEFAULT_PREFIX, "cps-demo"), scribe, lambda _ask: None, lambda: None)
        try:
            for now, dropped in losses:
                await book.note_dropped(dropped, now)
        finally:
            await scribe.close()
        return audit(path)

    return lambda losses: asyncio.run(noting(losses))


def test_an_order_that_changes_a_card_is_in_the_audit(tmp_path):
    """Whoever reads the trail after a crash finds a start without an end; the holder's own part can be erased."""
    path = tmp_path / "box.sqlite"

    async def commit(*effects):
        scribe = await Scribe.open(path, lambda _journal, _first, _last: Event("journal", "dropped", lambda _seq: b""))
        woken = []
        book = Ledger(Topics(DEFAULT_PREFIX, "cps-demo"), scribe, lambda _ask: None, lambda: woken.append(True))
        await book.commit(effects)
        await scribe.close()
        assert woken == [True]

    started = b.Record("pin/change-started", "insertion-1", "holder-1")
    asyncio.run(commit(b.Disarm(wipe=False), started, b.ChangePin(3)))
    asyncio.run(commit(b.Record("pin/change-failed", "insertion-1", "holder-1", "outcome-unknown")))
    with sqlite3.connect(path) as database:
        rows = list(database.execute("SELECT payload, holder FROM audit_payload ORDER BY entry"))
    database.close()
    told = [(json.loads(payload)["kind"], json.loads(payload)["data"], holder) for payload, holder in rows]
    assert told == [
        ("pin/change-started", {"card_session": "insertion-1"}, "holder-1"),
        ("pin/change-failed", {"card_session": "insertion-1", "code": "outcome-unknown"}, "holder-1"),
    ]


def test_the_first_loss_is_said_at_once_however_young_the_clock(note):
    assert note([(0.0, link.Dropped("demo-desk", "expiry", 3))]) == [("demo-desk", "expiry", 3)]


def test_a_flood_is_one_entry_a_minute_and_nothing_of_it_is_lost(note):
    flood = [(100.0 + second / 8, ONE) for second in range(8 * 150)]
    assert note(flood) == [("demo-desk", "retained", count) for count in (1, 480, 480)]


def test_each_client_and_each_reason_is_counted_by_itself(note):
    losses = [ONE, link.Dropped("demo-desk", "expiry", 2), link.Dropped("other-desk", "retained", 3)]
    losses.append(link.Dropped(None, "overflow", 4))
    assert note([(7.0, dropped) for dropped in losses * 2]) == [
        (dropped.client, dropped.reason, dropped.count) for dropped in losses
    ]


def test_many_clients_fill_no_memory(note, monkeypatch):
    monkeypatch.setattr(ledger, "KNOWN", 3)
    losses = [(1.0, link.Dropped(f"desk-{number}", "retained", 1)) for number in range(10)]
    assert len(note(losses)) == 10


def test_the_lock_of_an_opened_case_and_its_end_are_kept_and_in_the_audit(tmp_path):
    path = tmp_path / "box.sqlite"

    async def commit(*effects):
        scribe = await Scribe.open(path, lambda _journal, _first, _last: Event("journal", "dropped", lambda _seq: b""))
        book = Ledger(Topics(DEFAULT_PREFIX, "cps-demo"), scribe, lambda _ask: None, lambda: None)
        await book.commit(effects)
        kept = await scribe.kept("tamper")
        await scribe.close()
        return kept

    opened = b.Box(case=b.Case.CLOSED)
    box, effects = flow.step(opened, b.CaseChanged(opened=True), 0.0)
    assert asyncio.run(commit(*effects)) == "locked"
    box, effects = flow.step(box, b.CaseChanged(opened=False), 1.0)
    assert asyncio.run(commit(*effects)) == "locked"
    box, effects = flow.step(box, b.Rearmed(), 2.0)
    assert asyncio.run(commit(*effects)) == "armed"
    with sqlite3.connect(path) as database:
        rows = [json.loads(payload) for (payload,) in database.execute("SELECT payload FROM audit_payload")]
    database.close()
    told = [(row["kind"], row["data"]) for row in rows]
    assert told == [("tamper/opened", {}), ("tamper/closed", {}), ("tamper/rearmed", {})]
