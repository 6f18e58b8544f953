"""The requests of practice software, as the file remembers them: how far each went, and where its reply must go.

What it is: receive, move, deliver and forget over the table ``request``. What it is not: the answers; those stay in
memory, so that after a restart a request that is ``done`` is known but its answer is lost (design §2).
Rule: only the moves of ``records.LEGAL_MOVES``; once the final reply has arrived nothing of its address is kept.
"""

from appliance.errors import JournalError
from appliance.vault.database import Database
from appliance.vault.records import FINAL, Limits, Move, Receive, RequestRow, RequestState, Step, check_move

SHA256_SIZE = 32


def find(database: Database, peer: str, identifier: str) -> RequestRow | None:
    """The request with that id of that peer, if it is still known.

    Raises:
        JournalError: the file fails.
    """
    found = database.rows(RequestRow, "SELECT * FROM request WHERE peer = ? AND id = ?", (peer, identifier))
    return found[0] if found else None


def undelivered(database: Database) -> list[RequestRow]:
    """The requests without a delivered final reply, oldest first.

    Raises:
        JournalError: the file fails.
    """
    return database.rows(RequestRow, "SELECT * FROM request WHERE delivered = 0 ORDER BY number")


def apply(database: Database, move: Move, now_ms: int) -> None:
    """Receive a request or move a known one, inside the caller's transaction.

    Raises:
        JournalError: an illegal move, an unknown or already known request, or the file fails.
    """
    if isinstance(move, Receive):
        _receive(database, move, now_ms)
    else:
        _step(database, move, now_ms)


def _receive(database: Database, new: Receive, now_ms: int) -> None:
    if find(database, new.peer, new.id) is not None:
        raise JournalError("that request was already received")
    if len(new.body_sha256) != SHA256_SIZE:
        raise JournalError("a body hash has 32 bytes")
    database.run(
        "INSERT INTO request VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, NULL, 0)",
        (
            *(new.peer, new.id, new.body_sha256, new.verb, RequestState.RECEIVED.value),
            *(new.response_topic, new.correlation, int(new.progress), now_ms),
        ),
    )


def _step(database: Database, step: Step, now_ms: int) -> None:
    row = find(database, step.peer, step.id)
    if row is None:
        raise JournalError("a request that was never received cannot move")
    check_move(row.state, step.state)
    if (step.code is not None) != (step.state is RequestState.FAILED):
        raise JournalError("a request that failed has a code, and no other has one")
    database.run(
        "UPDATE request SET state = ?, code = ?, ended_at = ? WHERE number = ?",
        (step.state.value, step.code, now_ms if step.state in FINAL else None, row.number),
    )


def deliver(database: Database, peer: str, identifier: str) -> None:
    """Note that the final reply arrived, inside the caller's transaction, and forget where it had to go.

    Raises:
        JournalError: a request that has not ended, or the file fails.
    """
    row = find(database, peer, identifier)
    if row is None:  # forgotten meanwhile
        return
    if not row.final:
        raise JournalError("only a request that has ended has a final reply to deliver")
    database.run(
        "UPDATE request SET delivered = 1, response_topic = '', correlation = NULL WHERE number = ?", (row.number,)
    )


def forget(database: Database, limits: Limits) -> None:
    """Drop the oldest ended requests beyond the limit, inside the caller's transaction; open ones always stay.

    Never by age: a clock that jumps would make the box forget, and sign again, what it has signed.

    Raises:
        JournalError: the file fails.
    """
    database.run(
        "DELETE FROM request WHERE delivered = 1 AND number <= (SELECT max(number) FROM request) - ?", (limits.rows,)
    )
