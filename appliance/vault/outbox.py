"""The outbox: public events, numbered from 1 without a gap, kept until the broker has them and 30 days are over.

What it is: give, read, acknowledge and drop over the tables ``outbox`` and ``dropped``. What it is not: the stream
itself; the vault reads ``pending`` and sends.
Rule: rows go from the oldest end only, so those that stay are contiguous. What was acknowledged goes silently once
too old or too many; what was not goes only when there are too many, a tenth at once, and is named by an event
``journal/dropped {from, to}`` that is given its own number in the same transaction. If that event is dropped in its
turn before anyone had it, the next one names its range again.
"""

from collections.abc import Callable, Sequence

import msgspec

from appliance.errors import JournalError
from appliance.vault.database import Database
from appliance.vault.records import Event, Limits, Row

DAY_MS = 86_400_000
TRIMMED_AT_ONCE = 100

Naming = Callable[[int, int], Event]


class Age(msgspec.Struct, frozen=True, array_like=True):
    """When a row was given, in milliseconds since 1970 UTC."""

    seq: int
    given_at: int


class Range(msgspec.Struct, frozen=True, array_like=True):
    """Numbers ``first``..``last``, both included."""

    first: int
    last: int


def give(database: Database, event: Event, now_ms: int) -> int:
    """Number an event and keep it, inside the caller's transaction; return its ``seq``.

    Raises:
        JournalError: the file fails. Whatever ``event.encode`` raises.
    """
    seq = counters(database).last_seq + 1
    payload = event.encode(seq)
    database.run("INSERT INTO outbox VALUES (?, ?, ?, ?, ?)", (seq, now_ms, event.domain, event.name, payload))
    database.run("UPDATE meta SET last_seq = ?", (seq,))
    return seq


class Counters(msgspec.Struct, frozen=True, array_like=True):
    """The highest number ever given, and the highest the broker has acknowledged; 0 for none."""

    last_seq: int
    acknowledged: int


def counters(database: Database) -> Counters:
    """Where the outbox stands.

    Raises:
        JournalError: the file fails.
    """
    found = database.rows(Counters, "SELECT last_seq, acknowledged FROM meta")
    if not found:
        raise JournalError("the journal has lost its counters")
    return found[0]


def pending(database: Database, after: int, limit: int) -> list[Row]:
    """At most ``limit`` rows with a number above ``after``, in order, acknowledged or not.

    Raises:
        JournalError: the file fails.
    """
    return database.rows(
        Row, "SELECT seq, domain, name, payload FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
    )


def acknowledge(database: Database, seq: int) -> None:
    """Note that the broker has everything up to ``seq``, inside the caller's transaction.

    Raises:
        JournalError: the file fails.
    """
    database.run("UPDATE meta SET acknowledged = max(acknowledged, ?)", (seq,))
    database.run("DELETE FROM dropped WHERE seq <= ?", (seq,))


def trim(database: Database, limits: Limits, now_ms: int, naming: Naming) -> None:
    """Drop what the rule lets go, and name what nobody had, inside the caller's transaction.

    Raises:
        JournalError: the file fails. Whatever the named event's ``encode`` raises.
    """
    at = counters(database)
    _drop_through(database, min(at.acknowledged, at.last_seq - limits.rows))
    expired = 0
    for row in _oldest(database, TRIMMED_AT_ONCE):
        if row.seq > at.acknowledged or row.given_at > now_ms - limits.days * DAY_MS:
            break
        expired = row.seq
    _drop_through(database, expired)
    first = _oldest(database, 1)
    if first and first[0].seq <= at.last_seq - limits.rows:
        to = at.last_seq - limits.rows + max(1, limits.rows // 10)
        _name(database, _ranges(database, first[0].seq, to), naming, now_ms)


def _oldest(database: Database, limit: int) -> list[Age]:
    return database.rows(Age, "SELECT seq, given_at FROM outbox ORDER BY seq LIMIT ?", (limit,))


def _drop_through(database: Database, seq: int) -> None:
    database.run("DELETE FROM outbox WHERE seq <= ?", (seq,))


def _ranges(database: Database, first: int, to: int) -> list[tuple[int, int]]:
    """Drop ``first``..``to``, and return what has to be named: this range and those whose naming goes with it."""
    unnamed = database.rows(Range, "SELECT first, last FROM dropped WHERE seq <= ?", (to,))
    database.run("DELETE FROM dropped WHERE seq <= ?", (to,))
    _drop_through(database, to)
    return merged([*((known.first, known.last) for known in unnamed), (first, to)])


def merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Closed ranges of numbers, in order, those that touch or overlap made one."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return result


def _name(database: Database, ranges: Sequence[tuple[int, int]], naming: Naming, now_ms: int) -> None:
    for first, last in ranges:
        seq = give(database, naming(first, last), now_ms)
        database.run("INSERT INTO dropped VALUES (?, ?, ?)", (seq, first, last))
