"""The audit trail: an append-only hash chain whose payloads can be erased.

What it is: append, verify, erase over the tables ``audit`` and ``audit_payload``. What it is not: a defence against
cutting off the end or putting an older file back; only a head kept elsewhere shows that (``verify(known=…)``).
Rule: ``h = SHA-256(00 || entry, 8 bytes big-endian || prev || payload_sha256)`` and
``payload_sha256 = SHA-256(salt || payload)``; the ``prev`` of entry 1 is bound to the journal's own identity. The
chain holds no payload, so erasing payload and salt leaves it valid, and 32 random bytes of salt keep a guess from
being confirmed by the hash that stays.
"""

import hashlib
import json
import secrets
from datetime import datetime

import msgspec

from appliance.errors import JournalError
from appliance.vault.database import Database
from appliance.vault.records import Entry, Head

SALT_SIZE = 32
PAGE = 500


class Link(msgspec.Struct, frozen=True, array_like=True):
    """A row of the chain with its payload, if that was not erased."""

    entry: int
    prev: bytes
    h: bytes
    payload_sha256: bytes
    salt: bytes | None
    payload: bytes | None


def root(journal_id: str) -> bytes:
    """The ``prev`` of entry 1."""
    return hashlib.sha256(b"cps-appliance audit 1\0" + journal_id.encode()).digest()


def link_hash(entry: int, prev: bytes, payload_sha256: bytes) -> bytes:
    """``h`` of an entry."""
    return hashlib.sha256(b"\0" + entry.to_bytes(8, "big") + prev + payload_sha256).digest()


def head(database: Database, journal_id: str) -> Head:
    """The last entry and its ``h``; entry 0 and the root when there is none.

    Raises:
        JournalError: the file fails.
    """
    last = database.rows(Head, "SELECT entry, h FROM audit ORDER BY entry DESC LIMIT 1")
    return last[0] if last else Head(0, root(journal_id))


def append(database: Database, previous: Head, record: Entry, *, boot_id: str, now: datetime) -> Head:
    """Add one entry, inside the caller's transaction, and return the new head.

    Raises:
        JournalError: the file fails.
    """
    body = {"kind": record.kind, "time": now.isoformat(), "boot": boot_id, "data": dict(record.data)}
    payload = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    salt = secrets.token_bytes(SALT_SIZE)
    digest = hashlib.sha256(salt + payload).digest()
    entry = previous.entry + 1
    h = link_hash(entry, previous.h, digest)
    database.run("INSERT INTO audit VALUES (?, ?, ?, ?)", (entry, previous.h, h, digest))
    database.run("INSERT INTO audit_payload VALUES (?, ?, ?, ?)", (entry, salt, payload, record.holder))
    return Head(entry, h)


def verify(database: Database, journal_id: str, known: Head | None = None) -> None:
    """Recompute the whole chain, and every payload that was not erased.

    Args:
        database: the open file.
        journal_id: the journal's identity, the root of the chain.
        known: a head that was seen earlier and kept elsewhere; the chain must still contain it.

    Raises:
        JournalError: naming the first bad entry, or the known head that is missing.
    """
    prev = root(journal_id)
    entry = 0
    known_is_there = known is None or known == Head(0, prev)
    while page := database.rows(
        Link,
        "SELECT entry, prev, h, payload_sha256, salt, payload FROM audit LEFT JOIN audit_payload USING (entry)"
        " WHERE entry > ? ORDER BY entry LIMIT ?",
        (entry, PAGE),
    ):
        for link in page:
            entry += 1
            _check_link(link, entry, prev)
            prev = link.h
            known_is_there = known_is_there or known == Head(entry, prev)
    if database.run(
        "SELECT 1 FROM audit WHERE entry < 1 UNION ALL SELECT 1 FROM audit_payload WHERE entry < 1 LIMIT 1"
    ):
        raise JournalError("audit entry 1: something stands before it")
    if database.run("SELECT 1 FROM audit_payload WHERE entry > ? LIMIT 1", (entry,)):
        raise JournalError(f"audit entry {entry + 1}: missing, its payload is there")
    if not known_is_there and known is not None:
        raise JournalError(f"audit entry {known.entry}: the head known elsewhere is not in the chain")


def _check_link(link: Link, entry: int, prev: bytes) -> None:
    if link.entry != entry:
        raise JournalError(f"audit entry {entry}: missing")
    if link.prev != prev:
        raise JournalError(f"audit entry {entry}: does not follow the one before")
    if link.h != link_hash(entry, prev, link.payload_sha256):
        raise JournalError(f"audit entry {entry}: hash does not match")
    if link.salt is not None and hashlib.sha256(link.salt + (link.payload or b"")).digest() != link.payload_sha256:
        raise JournalError(f"audit entry {entry}: payload does not match")


def erase_holder(database: Database, tag: str) -> None:
    """Erase the payloads that speak of a holder, inside the caller's transaction; the chain stays valid.

    Raises:
        JournalError: the file fails.
    """
    database.run("DELETE FROM audit_payload WHERE holder = ?", (tag,))
