"""A writer to be killed: commits for ever and prints what it was told is on disk."""

import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from appliance.vault.journal import Entry, Event, Journal, Receive, RequestState


def main() -> None:
    journal = Journal.open(
        Path(sys.argv[1]),
        wall=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        dropped=lambda first, last: Event("journal", "dropped", lambda seq: b"%d %d %d" % (seq, first, last)),
    )
    start = journal.last_seq
    for number in count(start + 1):
        identifier = f"{number}"
        seqs = journal.commit(
            events=[Event("card", "inserted", lambda seq: b"%d" % seq)] * 2,
            moves=[Receive("peer", identifier, bytes(32), "sign", "rsp/peer/x", b"c")],
            audit=[Entry("test", {"n": number})],
        )
        journal.move("peer", identifier, RequestState.ACCEPTED)
        if number % 3 == 0:
            journal.acknowledge(seqs[0])
        sys.stdout.write(f"{seqs[-1]} {identifier} {journal.audit_head().entry} {journal.last_acknowledged}\n")
        sys.stdout.flush()


main()
