"""The journal under damage: flipped bytes, kill -9, a full disk, files that are not ours."""

import random
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.errors import JournalError
from appliance.vault.journal import Entry, Event, Head, Journal, Receive, RequestState

SWAP = (
    "UPDATE audit SET entry = 115 - entry WHERE entry IN (7, 8); UPDATE audit SET entry = entry - 100 WHERE entry > 99"
)
CHILD = Path(__file__).with_name("journal_child.py")


def open_journal(path):
    return Journal.open(
        path,
        wall=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        dropped=lambda first, last: Event("journal", "dropped", lambda seq: b"%d %d %d" % (seq, first, last)),
    )


def event(size=1):
    return Event("card", "inserted", lambda _seq: b"x" * size)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "box.sqlite"


@pytest.fixture
def fifty(path):
    journal = open_journal(path)
    tag = journal.holder_tag("899700000017")
    journal.commit(audit=[Entry("test", {"n": n}, holder=tag if n % 5 == 0 else None) for n in range(50)])
    yield journal
    journal.close()


def test_the_chain_of_an_honest_file_verifies(fifty):
    fifty.verify()
    head = fifty.audit_head()
    assert head.entry == 50
    fifty.verify(known=head)
    fifty.commit(audit=[Entry("later")])
    fifty.verify(known=head)
    assert fifty.audit_head().entry == 51


def test_heads_differ_between_boxes_with_the_same_entries(fifty, tmp_path):
    other = open_journal(tmp_path / "other.sqlite")
    assert other.audit_head() != Head(0, fifty.audit_head().h)
    assert other.audit_head().h != bytes(32)
    other.verify(known=other.audit_head())
    other.close()


def flips(column, size):
    return [pytest.param(column, at, id=f"{column}-{at}") for at in range(size)]


@pytest.mark.parametrize(("column", "at"), [*flips("prev", 32), *flips("h", 32), *flips("payload_sha256", 32)])
def test_every_flipped_byte_of_the_chain_is_detected_and_named(fifty, column, at):
    run = fifty._database.run
    for entry in range(1, 51):
        honest = run(f"SELECT {column} FROM audit WHERE entry = ?", (entry,))[0][0]
        flipped = bytes([*honest[:at], honest[at] ^ (1 << (entry % 8)), *honest[at + 1 :]])
        run("BEGIN")
        run(f"UPDATE audit SET {column} = ? WHERE entry = ?", (flipped, entry))
        with pytest.raises(JournalError, match=rf"^audit entry {entry}:"):
            fifty.verify()
        run("ROLLBACK")
    fifty.verify()


def test_every_flipped_byte_of_an_entry_number_is_detected(fifty):
    run = fifty._database.run
    for entry in range(1, 51):
        for bit in range(63):
            other = entry ^ (1 << bit)
            if 1 <= other <= 50:
                continue  # taken by another entry: the table itself refuses two
            run("BEGIN")
            run("UPDATE audit SET entry = ? WHERE entry = ?", (other, entry))
            with pytest.raises(JournalError, match=r"^audit entry \d+:"):
                fifty.verify()
            run("ROLLBACK")


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM audit WHERE entry = 1",
        "DELETE FROM audit WHERE entry = 25",
        "DELETE FROM audit WHERE entry = 50",
        "UPDATE audit SET entry = -entry WHERE entry = 25",
        SWAP,
        "UPDATE audit_payload SET payload = X'7B7D' WHERE entry = 9",
        "UPDATE audit_payload SET salt = zeroblob(32) WHERE entry = 9",
        "UPDATE audit_payload SET entry = 60 WHERE entry = 9",
        "UPDATE audit_payload SET entry = -9 WHERE entry = 9",
        "UPDATE meta SET journal_id = 'another'",
    ],
)
def test_missing_moved_and_changed_rows_are_detected(fifty, path, damage):
    fifty.close()
    with sqlite3.connect(path) as connection:
        connection.executescript(damage)
    connection.close()
    again = open_journal(path)
    with pytest.raises(JournalError, match=r"^audit entry \d+:"):
        again.verify()
    again.close()


def test_only_a_head_known_elsewhere_shows_that_the_end_was_cut_off(fifty):
    head = fifty.audit_head()
    run = fifty._database.run
    for table in ("audit", "audit_payload"):
        run(f"DELETE FROM {table} WHERE entry > 40")
    fifty.verify()
    with pytest.raises(JournalError, match=r"^audit entry 50: the head known elsewhere"):
        fifty.verify(known=head)


def test_erasing_a_holder_leaves_the_chain_valid_and_nothing_in_the_files(path):
    journal = open_journal(path)
    tag = journal.holder_tag("899700000017")
    kept = journal.holder_tag("899700000025")
    (salt,) = (row[0] for row in journal._database.run("SELECT salt FROM holder WHERE tag = ?", (tag,)))
    journal.commit(
        audit=[Entry("card/identified", {"trace": "canary-erased"}, holder=tag), Entry("x", {"trace": "canary-kept"})]
    )
    head = journal.audit_head()
    assert found(path, salt)
    assert found(path, b"canary-erased")
    assert journal.erase_holder(tag) is True
    assert not found(path, salt)
    assert not found(path, b"canary-erased")
    assert found(path, b"canary-kept")
    journal.verify(known=head)
    assert journal.audit_head().entry == head.entry + 1, "the erasure itself is in the trail"
    assert journal.erase_holder(tag) is False
    assert journal.holder_tag("899700000017") != tag, "a person who comes back is somebody new"
    assert journal.holder_tag("899700000025") == kept
    journal.close()


def found(path, needle):
    return any(needle in file.read_bytes() for file in path.parent.iterdir())


@pytest.mark.parametrize("lines", [1, 2, 5, 17, 60])
def test_a_writer_killed_at_any_point_loses_nothing_it_was_told_is_kept(path, lines):
    for _round in range(2):
        child = subprocess.Popen([sys.executable, str(CHILD), str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(lines):
            told = child.stdout.readline()
        # Between one line and the next the child stands anywhere in its transactions.
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().splitlines(keepends=True)
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
        told = ([told] + [line for line in rest if line.endswith("\n")])[-1]
        seq, identifier, entry, acknowledged = told.split()
        journal = open_journal(path)
        kept = [row.seq for row in journal.pending(0, 100_000)]
        assert kept == list(range(1, journal.last_seq + 1))
        assert journal.last_seq >= int(seq)
        assert all(row.payload == b"%d" % row.seq for row in journal.pending(0, 100_000))
        assert journal.find_request("peer", identifier).state is RequestState.ACCEPTED
        assert journal.audit_head().entry >= int(entry)
        assert journal.last_acknowledged >= int(acknowledged)
        journal.verify()
        journal.close()


@pytest.mark.parametrize(
    "content",
    [b"not a database at all, but text" * 200, bytes(4096), b"SQLite format 3\0" + bytes(84), b"\x7fELF", b"\0"],
)
def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(path, content):
    path.write_bytes(content)
    with pytest.raises(JournalError):
        open_journal(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("statement", ["CREATE TABLE mine (x)", "PRAGMA user_version=7", "PRAGMA application_id=12"])
def test_the_database_of_another_program_is_refused_and_left_as_it_is(path, statement):
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="not a journal of this version"):
        open_journal(path)
    assert path.read_bytes() == before


def test_a_journal_of_a_later_version_is_refused(path):
    open_journal(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=2")
    connection.close()
    with pytest.raises(JournalError, match="not a journal of this version"):
        open_journal(path)


def test_an_emptied_file_beside_its_log_is_refused_and_the_log_is_kept(path):
    path.write_bytes(b"")
    log = path.with_name("box.sqlite-wal")
    log.write_bytes(b"the last proof")
    with pytest.raises(JournalError, match="damaged"):
        open_journal(path)
    assert log.read_bytes() == b"the last proof"


def test_a_file_left_empty_by_a_crash_at_the_first_start_is_taken_up(path):
    path.write_bytes(b"")
    journal = open_journal(path)
    assert journal.commit(events=[event()]) == [1]
    journal.close()


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_log_keeps_the_size_of_the_file_out_of_question(path, suffix):
    """After a cut during a checkpoint only SQLite can tell, from the log."""
    open_journal(path).close()
    content = path.read_bytes()
    path.write_bytes(content)
    path.with_name(path.name + suffix).write_bytes(b"no frame of it is whole")
    open_journal(path).close()


def test_a_crash_between_the_first_page_and_the_tables_is_taken_up(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    assert path.stat().st_size > 0
    open_journal(path).close()


def test_a_folder_that_is_not_there_and_a_folder_in_its_place(tmp_path):
    with pytest.raises(JournalError):
        open_journal(tmp_path / "nowhere" / "box.sqlite")
    with pytest.raises(JournalError):
        open_journal(tmp_path)


def filled(path):
    journal = open_journal(path)
    for number in range(40):
        journal.commit(
            events=[event(300)],
            moves=[Receive("peer", str(number), bytes(32), "sign", "rsp/peer/x", b"c")],
            audit=[Entry("test", {"n": number})],
        )
    journal.holder_tag("899700000017")
    journal.close()
    return path.read_bytes()


def use(path):
    """Everything a vault does with the file, each step on its own."""
    journal = open_journal(path)
    steps = [
        lambda: journal.pending(0, 1000),
        lambda: journal.last_time,
        journal.open_requests,
        lambda: journal.find_request("peer", "7"),
        journal.verify,
        lambda: journal.holder_tag("899700000017"),
        lambda: journal.commit(events=[event()], audit=[Entry("test")]),
        lambda: journal.move("peer", "9", RequestState.ACCEPTED),
        lambda: journal.acknowledge(3),
    ]
    refused = 0
    for step in steps:
        try:
            step()
        except JournalError:
            refused += 1
    journal.close()
    return refused


def test_random_damage_gives_an_answer_or_a_journal_error_and_nothing_else(path):
    content = filled(path)
    chance = random.Random(20260301)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 4, 64))):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            refused += use(path)
        except JournalError:
            refused += 1
        for name in ("box.sqlite-wal", "box.sqlite-shm"):
            path.with_name(name).unlink(missing_ok=True)
    assert refused > 20, "the damage was real"


def test_a_file_cut_short_is_refused_and_left_as_it_is(path):
    content = filled(path)
    for size in (100, 1000, 4096, len(content) // 2, len(content) - 4096, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(JournalError):
            open_journal(path)
        assert path.read_bytes() == content[:size]


def test_a_full_disk_is_a_journal_error_and_passes(path):
    journal = open_journal(path)
    journal.commit(events=[event()])
    pages = journal._database._pragma("page_count")
    journal._database.run(f"PRAGMA max_page_count={pages}")
    with pytest.raises(JournalError, match=r"SQLITE_FULL|OperationalError"):
        journal.commit(events=[event(200_000)], audit=[Entry("x")])
    assert journal.last_seq == 1
    assert journal.audit_head().entry == 0
    journal._database.run("PRAGMA max_page_count=100000")
    assert journal.commit(events=[event(200_000)]) == [2]
    journal.verify()
    journal.close()


def test_a_real_write_error_is_a_journal_error(path):
    """RLIMIT_FSIZE makes the kernel itself refuse the write (EFBIG), in a child of its own."""
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from test_journal_faults import event, open_journal\n"
        "from appliance.errors import JournalError\n"
        "journal = open_journal(Path(sys.argv[1]))\n"
        "journal.commit(events=[event()])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    journal.commit(events=[event(400_000)])\n"
        "except JournalError as error:\n"
        "    print('refused', error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "print(journal.commit(events=[event()]))\n"
        "journal.close()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(path), str(CHILD.parent)], capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines()[0].startswith("refused the journal failed: ")
    assert ran.stdout.splitlines()[1] == "[2]"


def test_a_value_of_another_kind_in_the_file_is_a_journal_error(path):
    """STRICT keeps honest writers honest; a damaged file may still hold anything."""
    journal = open_journal(path)
    journal.commit(moves=[Receive("peer", "1", bytes(32), "sign", "rsp/peer/x", b"c")], events=[event()])
    journal.holder_tag("899700000017")
    run = journal._database.run
    run("UPDATE request SET state = 'dreaming'")
    with pytest.raises(JournalError, match="not of its column"):
        journal.open_requests()
    run("UPDATE meta SET last_time = 9223372036854775807")
    with pytest.raises(JournalError, match="impossible"):
        assert journal.last_time
    run("DELETE FROM meta")
    with pytest.raises(JournalError, match="counters"):
        assert journal.last_seq
    with pytest.raises(JournalError, match="which one"):
        assert journal.last_time
    with pytest.raises(JournalError):
        journal.find_request("\ud800", "x")
    with pytest.raises(JournalError):
        journal.pending(2**80, 1)
    journal.close()


def test_a_holder_row_of_another_kind_is_a_journal_error(path):
    journal = open_journal(path)
    journal.holder_tag("899700000017")
    journal._database.run("DROP TABLE holder")
    journal._database.run("CREATE TABLE holder (tag, salt)")
    journal._database.run("INSERT INTO holder VALUES (1, 2)")
    with pytest.raises(JournalError, match="not of its column"):
        journal.holder_tag("899700000017")
    journal.close()


def test_a_start_that_fails_leaves_the_file_free(path):
    def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Journal.open(path, wall=broken, dropped=lambda first, last: event(first + last))
    journal = open_journal(path)
    assert journal.boot_count == 1
    journal.close()


def test_closing_in_another_thread_is_refused(path):
    journal = open_journal(path)
    with ThreadPoolExecutor(1) as pool, pytest.raises(JournalError):
        pool.submit(journal.close).result()
    journal.close()


def test_the_log_cannot_be_emptied_under_a_transaction(path):
    journal = open_journal(path)
    with pytest.raises(JournalError), journal._database.transaction():
        journal._database.fold()
    journal.close()


def test_messages_of_faults_quote_no_value(path):
    journal = open_journal(path)
    with pytest.raises(JournalError) as caught:
        journal._database.run("SELECT * FROM canary_in_a_message")
    assert "canary" not in str(caught.value)
    journal.close()


def test_opening_needs_no_more_than_the_file(path):
    open_journal(path).close()
    assert [file.name for file in path.parent.iterdir()] == ["box.sqlite"], "a clean close leaves no log behind"
