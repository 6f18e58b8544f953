"""Pseudonyms of the people whose cards were read.

What it is: identifier -> tag, and the way to forget a person. What it is not: a directory; nothing leads from a tag
to a person without that person's identifier in hand.
Rule: the tag is HMAC-SHA256 under a random salt of that holder alone, cut to 128 bits; the identifier is never
written. Without the salt nobody can link a tag to anyone again, this box included (design §2).
"""

import hashlib
import hmac
import secrets

from appliance.errors import JournalError
from appliance.vault.database import Database

SALT_SIZE = 32
TAG_DIGITS = 32


def tag_of(salt: bytes, identifier: str) -> str:
    """The tag (32 lower-case hexadecimal digits) of an identifier (PS_IdNat or RPPS) under a salt."""
    return hmac.digest(salt, identifier.encode(), hashlib.sha256).hex()[:TAG_DIGITS]


def find(database: Database, identifier: str) -> str | None:
    """The tag of a known holder, by trying every salt; None for a new one.

    Raises:
        JournalError: the file fails, or a row of it is not a tag and its salt.
    """
    for tag, salt in database.run("SELECT tag, salt FROM holder"):
        if not isinstance(tag, str) or not isinstance(salt, bytes):
            raise JournalError("the journal holds a value that is not of its column")
        if hmac.compare_digest(tag_of(salt, identifier).encode(), tag.encode()):
            return tag
    return None


def make(database: Database, identifier: str) -> str:
    """Give a new holder its salt, inside the caller's transaction, and return the tag.

    Raises:
        JournalError: the file fails.
    """
    salt = secrets.token_bytes(SALT_SIZE)
    tag = tag_of(salt, identifier)
    database.run("INSERT INTO holder VALUES (?, ?)", (tag, salt))
    return tag


def erase(database: Database, tag: str) -> bool:
    """Erase the salt behind a tag, inside the caller's transaction; False when there is none.

    Raises:
        JournalError: the file fails.
    """
    return bool(database.run("DELETE FROM holder WHERE tag = ? RETURNING 1", (tag,)))
