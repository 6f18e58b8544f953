"""What goes into the journal and what comes out of it, as values.

What it is: the request's life as a table, the records a caller hands to ``Journal.commit``, the rows it reads back.
What it is not: SQL (``journal.py``) and the hash chain (``audit.py``).
Rule: nothing here has a field for a PIN, a name, an RPPS number, a document or an answer (design §2, *Nothing
personal at rest*).
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from appliance.errors import JournalError


class RequestState(enum.StrEnum):
    """How far a request has gone (design §2, *The file*)."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    AGREED = "agreed"
    CARD_STARTED = "card-started"
    DONE = "done"
    FAILED = "failed"


FINAL = frozenset({RequestState.DONE, RequestState.FAILED})

# No arrow leads back and none leaves an end: the box never signs the same request twice by itself.
LEGAL_MOVES: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.RECEIVED: frozenset({RequestState.ACCEPTED, RequestState.FAILED}),
    RequestState.ACCEPTED: frozenset({RequestState.AGREED, RequestState.FAILED}),
    RequestState.AGREED: frozenset({RequestState.CARD_STARTED, RequestState.FAILED}),
    RequestState.CARD_STARTED: FINAL,
    RequestState.DONE: frozenset(),
    RequestState.FAILED: frozenset(),
}


def check_move(old: RequestState, new: RequestState) -> None:
    """Refuse a move that the table does not have.

    Raises:
        JournalError: the move is illegal.
    """
    if new not in LEGAL_MOVES[old]:
        raise JournalError(f"a request cannot go from {old} to {new}")


@dataclass(frozen=True, slots=True)
class Event:
    """A public event to be given the next ``seq``.

    ``encode(seq)`` returns the payload, for the number must stand inside it. It is called inside the transaction:
    whatever it raises undoes the whole commit and reaches the caller unchanged.
    """

    domain: str
    name: str
    encode: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """An audit entry: what happened, as JSON-able data; ``holder`` is a tag of ``Journal.holder_tag`` or None."""

    kind: str
    data: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Receive:
    """A request seen for the first time: its row starts at ``received``."""

    peer: str
    id: str
    body_sha256: bytes
    verb: str
    response_topic: str
    correlation: bytes | None
    progress: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """A legal move of a known request.

    ``code`` belongs to an end, and to it alone: the problem's code with ``failed``, None with ``done``.
    """

    peer: str
    id: str
    state: RequestState
    code: str | None = None


Move = Receive | Step


class Row(msgspec.Struct, frozen=True, array_like=True):
    """An event as it lies in the outbox; ``payload`` is exactly what its ``encode`` returned."""

    seq: int
    domain: str
    name: str
    payload: bytes


class RequestRow(msgspec.Struct, frozen=True, array_like=True):
    """A request as the file knows it; times in milliseconds since 1970 UTC.

    ``response_topic`` and ``correlation`` are emptied once the final reply was delivered: nothing needs them then.
    """

    number: int
    peer: str
    id: str
    body_sha256: bytes
    verb: str
    state: RequestState
    response_topic: str
    correlation: bytes | None
    progress: bool
    code: str | None
    received_at: int
    ended_at: int | None
    delivered: bool

    @property
    def final(self) -> bool:
        """Whether the request has ended, well or not."""
        return self.state in FINAL


class Head(msgspec.Struct, frozen=True, array_like=True):
    """The end of the audit chain: the number of its last entry (0: none yet) and that entry's 32-byte ``h``."""

    entry: int
    h: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept (design §2: older than 30 days or beyond 10,000)."""

    rows: int = 10_000
    days: int = 30
