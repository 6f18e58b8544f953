"""The SQLite file: how it is opened, how a transaction runs, and how its faults come out.

What it is: the only place that imports ``sqlite3``. What it is not: a place that knows what the rows mean.
Rule: whatever the disk or SQLite says leaves as ``JournalError``; a file that is not this box's own, or is damaged,
is refused and left as it was found. Durability is SQLite's: WAL, ``synchronous=FULL``, one writer (design §2).
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from appliance.errors import JournalError

# SQLite file format §1.3.9: a number of our own at byte 68 of the file ("CPSR").
APPLICATION_ID = 0x43505352
SCHEMA_VERSION = 1
HEADER_SIZE = 100
BUSY_SECONDS = 2.0

Value = str | int | bytes | None
T = TypeVar("T")

SCHEMA = (
    """CREATE TABLE meta (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        journal_id TEXT NOT NULL, boots INTEGER NOT NULL, last_seq INTEGER NOT NULL,
        acknowledged INTEGER NOT NULL, last_time INTEGER NOT NULL) STRICT""",
    """CREATE TABLE audit (
        entry INTEGER PRIMARY KEY, prev BLOB NOT NULL, h BLOB NOT NULL, payload_sha256 BLOB NOT NULL) STRICT""",
    """CREATE TABLE audit_payload (
        entry INTEGER PRIMARY KEY, salt BLOB NOT NULL, payload BLOB NOT NULL, holder TEXT) STRICT""",
    "CREATE INDEX audit_payload_holder ON audit_payload (holder) WHERE holder IS NOT NULL",
    """CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY, given_at INTEGER NOT NULL, domain TEXT NOT NULL, name TEXT NOT NULL,
        payload BLOB NOT NULL) STRICT""",
    "CREATE TABLE dropped (seq INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT",
    """CREATE TABLE request (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        peer TEXT NOT NULL, id TEXT NOT NULL, body_sha256 BLOB NOT NULL, verb TEXT NOT NULL, state TEXT NOT NULL,
        response_topic TEXT NOT NULL, correlation BLOB, progress INTEGER NOT NULL, code TEXT,
        received_at INTEGER NOT NULL, ended_at INTEGER, delivered INTEGER NOT NULL, UNIQUE (peer, id)) STRICT""",
    "CREATE INDEX request_undelivered ON request (number) WHERE delivered = 0",
    "CREATE INDEX request_ended_at ON request (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE TABLE holder (tag TEXT PRIMARY KEY, salt BLOB NOT NULL) STRICT",
)


class Database:
    """An open file; to be used by the one thread that opened it, as SQLite itself then insists."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open the file at ``path``, or make it (mode 0600) with empty tables.

        Raises:
            JournalError: not a database, damaged, of another program or version, held by another process, or the
                disk refuses. The file is left as it was.
        """
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            _check_size(path)
            connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"the journal cannot be opened: {error}") from error
        database = cls(connection)
        try:
            database._prepare()
        except BaseException:
            connection.close()
            raise
        return database

    def _prepare(self) -> None:
        # EXCLUSIVE before anything is read: one writer, and no memory-mapped index file that a full disk could tear.
        self.run("PRAGMA locking_mode=EXCLUSIVE")
        new = not self.run("SELECT 1 FROM sqlite_master LIMIT 1")
        mark = (self._pragma("application_id"), self._pragma("user_version"))
        if mark != ((0, 0) if new else (APPLICATION_ID, SCHEMA_VERSION)):
            raise JournalError("the file is not a journal of this version of the box")
        self.run("PRAGMA cell_size_check=ON")
        self.run("PRAGMA trusted_schema=OFF")
        if self._pragma("quick_check") != "ok":
            raise JournalError("the journal is damaged")
        self.run("PRAGMA secure_delete=ON")
        if self._pragma("journal_mode=WAL") != "wal":
            raise JournalError("the file system under the journal cannot keep a write-ahead log")
        self.run("PRAGMA synchronous=FULL")
        if new:
            with self.transaction():
                for statement in SCHEMA:
                    self.run(statement)
                self.run(f"PRAGMA application_id={APPLICATION_ID}")
                self.run(f"PRAGMA user_version={SCHEMA_VERSION}")

    def _pragma(self, text: str) -> object:
        return self.run(f"PRAGMA {text}")[0][0]

    def run(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows.

        Raises:
            JournalError: whatever SQLite, the disk or an impossible value answers.
        """
        try:
            with closing(self._connection.execute(sql, values)) as cursor:
                return cursor.fetchall()
        except (sqlite3.Error, OSError, OverflowError, UnicodeError) as error:
            # The kind only: a message of SQLite may quote values.
            raise JournalError(f"the journal failed: {fault(error)}") from error

    def rows(self, kind: type[T], sql: str, values: Sequence[Value] = ()) -> list[T]:
        """Run one statement and return its rows as ``kind`` (an ``array_like`` struct), types checked.

        Raises:
            JournalError: as ``run``; or a stored value is not what its column holds (a damaged file).
        """
        found = self.run(sql, values)
        try:
            return [msgspec.convert(row, kind, strict=False) for row in found]
        except msgspec.ValidationError as error:
            raise JournalError("the journal holds a value that is not of its column") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block is on disk when it ends, or nothing of it.

        Raises:
            JournalError: it could not begin or commit; nothing is kept.
        """
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            # SQLite rolls back by itself on a full disk or an I/O error; a second ROLLBACK would hide the first fault.
            if self._connection.in_transaction:
                self.run("ROLLBACK")
            raise

    def fold(self) -> None:
        """Bring the log into the file and empty it, so that what was erased is in neither.

        Raises:
            JournalError: the disk refuses, or a reader holds the log.
        """
        if self.run("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] != 0:
            raise JournalError("the log of the journal could not be emptied")

    def close(self) -> None:
        """Close the file; SQLite folds and removes the log.

        Raises:
            JournalError: the disk refuses, or another thread than the opening one asks.
        """
        try:
            self._connection.close()
        except sqlite3.Error as error:
            raise JournalError(f"the journal failed: {fault(error)}") from error


def _check_size(path: Path) -> None:
    """Refuse a file cut short, which SQLite reads as ending in empty pages (SQLite file format §1.3.2, §1.3.8).

    Raises:
        JournalError: it was.
        OSError: it cannot be read.
    """
    logs = [path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")]
    logged = any(log.exists() and log.stat().st_size > 0 for log in logs)
    size = path.stat().st_size
    if size == 0 and logged:
        # SQLite would throw the log away, and with it the last proof that there was a file.
        raise JournalError("the journal is empty but its log is not: damaged")
    if size == 0 or logged:  # with a log beside it, the file alone may rightly be older than its own header says
        return
    with path.open("rb") as file:
        header = file.read(HEADER_SIZE)
    page_size = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if len(header) < HEADER_SIZE or size != (65536 if page_size == 1 else page_size) * pages:
        raise JournalError("the journal is not a database, or was cut short")


def fault(error: Exception) -> str:
    """The stable name of a fault: SQLite's own code where it gave one, else the kind of the exception."""
    return getattr(error, "sqlite_errorname", None) or type(error).__name__
