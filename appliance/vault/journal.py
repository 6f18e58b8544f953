"""The one file of the box: audit trail, outbox of public events, and the requests, one transaction for all three.

What it is: the vault's memory across restarts and crashes, a synchronous class for one worker thread (SQLite refuses
any other than the one that opened it). What it is not: a place for anything personal; answers, names, identifiers and
documents stay in memory (design §2, *Nothing personal at rest*).
Rule: when ``commit`` returns, its events, moves and audit entries are on disk together; when it raises, none is.
Every fault of disk or file is a ``JournalError``.
"""

import secrets
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from appliance.errors import JournalError
from appliance.vault import audit, holders, kept, outbox, requests
from appliance.vault.database import Database
from appliance.vault.records import Entry, Event, Head, Limits, Move, Receive, RequestRow, RequestState, Row, Step

__all__ = [
    "Entry",
    "Event",
    "Head",
    "Journal",
    "Limits",
    "Move",
    "Receive",
    "RequestRow",
    "RequestState",
    "Row",
    "Step",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class Meta(msgspec.Struct, frozen=True, array_like=True):
    """What the file says of itself."""

    journal_id: str
    boots: int
    last_time: int


class Journal:
    """An open journal.

    ``journal_id`` is a UUID, new with each new file; ``boot_id`` a UUID, new with each opening; ``boot_count`` counts
    the openings of this file from 1.
    """

    def __init__(
        self, database: Database, *, wall: Callable[[], datetime], dropped: outbox.Naming, limits: Limits
    ) -> None:
        self._database = database
        self._wall = wall
        self._dropped = dropped
        self._limits = limits
        self.boot_id = str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
        with database.transaction():
            database.run(kept.TABLE)
            database.run(
                "INSERT INTO meta VALUES (1, ?, 0, 0, 0, ?) ON CONFLICT DO NOTHING",
                (str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)), self._now_ms()),
            )
            database.run("UPDATE meta SET boots = boots + 1")
            meta = self._meta()
        self.journal_id = meta.journal_id
        self.boot_count = meta.boots

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        wall: Callable[[], datetime],
        dropped: Callable[[int, int], Event],
        limits: Limits | None = None,
    ) -> "Journal":
        """Open the file at ``path``, or make it, and count the start.

        Args:
            path: the file; its folder must exist.
            wall: the wall clock, aware datetimes; it may be wrong or jump, nothing but ages and times depends on it.
            dropped: ``(from, to) -> `` the event ``journal/dropped`` that names what was lost unacknowledged.
            limits: what the outbox and the list of ended requests keep.

        Raises:
            JournalError: not this box's journal, damaged, held by another process, or the disk refuses; the file is
                left as it was.
        """
        database = Database.open(path)
        try:
            return cls(database, wall=wall, dropped=dropped, limits=limits or Limits())
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Fold the log into the file and close it.

        Raises:
            JournalError: the disk refuses, or this is not the thread that opened it.
        """
        self._database.close()

    def commit(
        self,
        events: Sequence[Event] = (),
        moves: Sequence[Move] = (),
        audit: Sequence[Entry] = (),
        keeping: Sequence[tuple[str, str]] = (),
    ) -> list[int]:
        """Put events, moves, audit entries and kept values on disk, all or nothing, and drop what the limits say.

        ``keeping`` are names and their new values.

        Returns:
            The ``seq`` of each event, in order.

        Raises:
            JournalError: an illegal move, an unknown or already known request, or the disk refuses.
        """
        now = self._wall()
        with self._database.transaction():
            for move in moves:
                requests.apply(self._database, move, self._ms(now))
            self._append(audit, now)
            for name, value in keeping:
                kept.keep(self._database, name, value)
            given = [outbox.give(self._database, event, self._ms(now)) for event in events]
            outbox.trim(self._database, self._limits, self._ms(now), self._dropped)
            requests.forget(self._database, self._limits)
            self._database.run("UPDATE meta SET last_time = max(last_time, ?)", (self._ms(now),))
        return given

    # --- outbox -----------------------------------------------------------------------------------------------------

    def pending(self, after: int, limit: int) -> list[Row]:
        """At most ``limit`` events with a number above ``after``, in order, acknowledged or not.

        Raises:
            JournalError: the file fails.
        """
        return outbox.pending(self._database, after, limit)

    def acknowledge(self, seq: int) -> None:
        """The broker has every event up to ``seq``; a lower number than before changes nothing.

        Raises:
            JournalError: no event has that number yet, or the disk refuses.
        """
        with self._database.transaction():
            if not 0 <= seq <= self.last_seq:
                raise JournalError("an event that was never given cannot be acknowledged")
            outbox.acknowledge(self._database, seq)

    @property
    def last_acknowledged(self) -> int:
        """The highest number the broker has acknowledged; 0 for none."""
        return outbox.counters(self._database).acknowledged

    @property
    def last_seq(self) -> int:
        """The highest number given; 0 for none."""
        return outbox.counters(self._database).last_seq

    @property
    def last_time(self) -> datetime:
        """The latest wall time a commit has seen (a floor for the clock, design §5)."""
        try:
            return EPOCH + self._meta().last_time * MILLISECOND
        except OverflowError as error:
            raise JournalError("the journal holds an impossible time") from error

    # --- requests ---------------------------------------------------------------------------------------------------

    def find_request(self, peer: str, id: str) -> RequestRow | None:  # noqa: A002 - the contract's member is named id
        """The request with that id of that peer, if it is still known.

        Raises:
            JournalError: the file fails.
        """
        return requests.find(self._database, peer, id)

    def recover(self) -> list[RequestRow]:
        """The requests that had not ended, oldest first. At start-up these are the ones a crash cut off.

        In ``card-started`` the outcome is unknown and nothing may be signed again; before it, the card did nothing.

        Raises:
            JournalError: the file fails.
        """
        return [row for row in self.open_requests() if not row.final]

    def undelivered(self) -> list[RequestRow]:
        """The requests that ended but whose final reply was not confirmed delivered, oldest first.

        Raises:
            JournalError: the file fails.
        """
        return [row for row in self.open_requests() if row.final]

    def open_requests(self) -> list[RequestRow]:
        """The requests without a delivered final reply, oldest first.

        Raises:
            JournalError: the file fails.
        """
        return requests.undelivered(self._database)

    def move(self, peer: str, id: str, state: RequestState, code: str | None = None) -> None:  # noqa: A002 - as above
        """One legal move alone, on disk when this returns.

        Raises:
            JournalError: an illegal move, an unknown request, or the disk refuses.
        """
        self.commit(moves=[Step(peer, id, state, code)])

    def deliver(self, peer: str, id: str) -> None:  # noqa: A002 - as above
        """The final reply has arrived: forget where it had to go. Twice does nothing more.

        Raises:
            JournalError: a request that has not ended, or the disk refuses.
        """
        with self._database.transaction():
            requests.deliver(self._database, peer, id)

    # --- audit ------------------------------------------------------------------------------------------------------

    def audit_head(self) -> Head:
        """The last entry's number and hash.

        Raises:
            JournalError: the file fails.
        """
        return audit.head(self._database, self.journal_id)

    def verify(self, known: Head | None = None) -> None:
        """Recompute the chain; with ``known``, an earlier head kept elsewhere, see that it is still contained.

        Raises:
            JournalError: naming the first bad entry.
        """
        audit.verify(self._database, self.journal_id, known)

    # --- kept values ------------------------------------------------------------------------------------------------

    def keep(self, name: str, value: str) -> None:
        """Keep one value alone, on disk when this returns.

        Raises:
            JournalError: the disk refuses.
        """
        self.commit(keeping=[(name, value)])

    def kept(self, name: str) -> str | None:
        """The value kept under ``name``; None for none.

        Raises:
            JournalError: the file fails.
        """
        return kept.find(self._database, name)

    # --- holders ----------------------------------------------------------------------------------------------------

    def holder_tag(self, identifier: str) -> str:
        """The tag of the holder with that identifier (PS_IdNat, RPPS), made at first sight; never the identifier.

        Raises:
            JournalError: the disk refuses.
        """
        with self._database.transaction():
            return holders.find(self._database, identifier) or holders.make(self._database, identifier)

    def erase_holder(self, tag: str) -> bool:
        """Forget a person: the salt behind the tag, and the audit payloads that carry it. The chain stays valid.

        Returns:
            False when no holder has that tag.

        Raises:
            JournalError: the disk refuses.
        """
        with self._database.transaction():
            if not holders.erase(self._database, tag):
                return False
            audit.erase_holder(self._database, tag)
            self._append([Entry("holder/erased")], self._wall())
        self._database.fold()
        return True

    # --- inside -----------------------------------------------------------------------------------------------------

    def _append(self, entries: Sequence[Entry], now: datetime) -> None:
        if entries:
            head = self.audit_head()
            for entry in entries:
                head = audit.append(self._database, head, entry, boot_id=self.boot_id, now=now)

    def _meta(self) -> Meta:
        found = self._database.rows(Meta, "SELECT journal_id, boots, last_time FROM meta")
        if not found:
            raise JournalError("the journal does not say which one it is")
        return found[0]

    def _now_ms(self) -> int:
        return self._ms(self._wall())

    @staticmethod
    def _ms(moment: datetime) -> int:
        return (moment - EPOCH) // MILLISECOND
