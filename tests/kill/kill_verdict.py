"""What must hold after a round, whatever was killed when.

What it is: checks over what practice software received, what the card signed and what the file holds. What it is not:
the round itself. Rule: an assertion that fails names the request or the number that broke it.
"""

import base64
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from kill_software import Book, Wish

from appliance.vault.journal import Event, Journal

SIGNED = frozenset({"done", "answer-lost"})
"""Ends of a request whose documents are all signed."""
UNSIGNED = frozenset({"cancelled", "refused", "reader-absent"})
"""Ends of a request for which the card made no signature, unless it was taken back in the middle of a batch."""
UNKNOWN = frozenset({"outcome-unknown"})
"""The end of a request that was cut while the card worked: each document was signed once or not at all."""


def end_of(reply: dict) -> str:
    """What a final reply says: its code, or ``done``."""
    return reply["code"] if reply["phase"] == "error" else reply["phase"]


def check_answers(wish: Wish, book: Book, signed: Counter[str]) -> str:
    """Every final reply to a request tells the same story, and the card's count fits it; how it ended at first."""
    finals = [end_of(reply) for reply in book.finals(wish.id)]
    assert finals, f"{wish.id}: no final reply"
    first, all_of = finals[0], set(finals)
    assert first in SIGNED | UNSIGNED | UNKNOWN, f"{wish.id} ended as {first}"
    assert all_of <= SIGNED or len(all_of) == 1, f"{wish.id} was told {finals}"
    assert "done" not in finals[finals.index("answer-lost") :] if "answer-lost" in finals else True, finals
    counts = [signed[text] for text in wish.texts]
    assert max(counts) <= 1, f"{wish.id} was signed {counts} times"
    if first in SIGNED:
        assert min(counts) == 1, f"{wish.id} is {first}, but the card signed {counts}"
    if first in UNSIGNED and (first, wish.manner, wish.documents > 1) != ("cancelled", "cancel", True):
        assert max(counts) == 0, f"{wish.id} is {first}, but the card signed {counts}"
    return first


def check_results(wish: Wish, book: Book, key: RSAPublicKey) -> None:
    """Every signature that came back is the card's, over the text that was asked for."""
    for reply in book.replies[wish.id]:
        if "result" in reply:
            text = wish.texts[reply["result"]["index"]]
            key.verify(base64.b64decode(reply["result"]["signature"]), text.encode(), PKCS1v15(), SHA256())


def check_end_event(wish: Wish, book: Book, end: str) -> None:
    """One public event says how a request ended, and says what software was told."""
    ends = book.ends(wish.id)
    assert len(ends) == 1, f"{wish.id}: end events {ends}"
    name, code = ends[0]
    assert (name == "sign/completed") == (end in SIGNED), f"{wish.id}: {end}, but {name}"
    assert code is None or code == end, f"{wish.id}: {end}, but {name} {code}"


def check_numbers(book: Book) -> int:
    """Events came from one journal, in order, none missing unnamed; the highest number."""
    assert len({journal for journal, _ in book.events}) == 1, "more than one journal"
    numbers = [seq for _, seq in book.order]
    assert numbers == sorted(numbers), "events out of order"
    named: set[int] = set()
    for event in book.events.values():
        if event["name"] == "journal/dropped":
            named |= set(range(event["data"]["from"], event["data"]["to"] + 1))
    missing = set(range(1, numbers[-1] + 1)) - set(numbers) - named
    assert not missing, f"events missing unnamed: {sorted(missing)}"
    return numbers[-1]


def check_file(file: Path, wishes: Sequence[Wish], book: Book, last: int) -> int:
    """The audit chain holds, with every head that was given out; every request has ended; entries of the chain."""

    def dropped(_first: int, _last: int) -> Event:
        raise AssertionError("nothing is dropped here")

    journal = Journal.open(file, wall=lambda: datetime.now(UTC), dropped=dropped)
    try:
        journal.verify()
        heads = {bytes(row[0]).hex() for row in journal._database.run("SELECT h FROM audit")}
        for wish in wishes:
            row = journal.find_request(wish.client, wish.id)
            assert row is not None, f"{wish.id} is not in the file"
            assert row.final, f"{wish.id} is {row.state} in the file"
            given = {reply["auditHead"] for reply in book.finals(wish.id) if "auditHead" in reply}
            assert given <= heads, f"{wish.id}: a head that the chain does not hold"
        unsent = [row.name for row in journal.pending(last, 10)]
        assert unsent in (["stopping"], []), f"events that nobody received: {unsent}"
        return journal.audit_head().entry
    finally:
        journal.close()
