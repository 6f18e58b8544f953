"""What the box keeps by name across restarts: settings chosen on it, and locks.

What it is: one small table of names and short texts. What it is not: a place for anything personal, or for what the
configuration says. Rule: a name that was never kept is None; the last value kept is the one found.
"""

import msgspec

from appliance.vault.database import Database

TABLE = "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
"""A file from before this table gains it when it is opened; nothing else of it changes."""


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """One row."""

    name: str
    value: str


def keep(database: Database, name: str, value: str) -> None:
    """Keep ``value`` under ``name``, inside the caller's transaction.

    Raises:
        JournalError: the file fails.
    """
    insert = "INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    database.run(insert, (name, value))


def find(database: Database, name: str) -> str | None:
    """What is kept under ``name``; None for nothing.

    Raises:
        JournalError: the file fails, or holds what is not text.
    """
    found = database.rows(Kept, "SELECT name, value FROM kept WHERE name = ?", (name,))
    return found[0].value if found else None
