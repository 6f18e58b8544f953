"""The journal from the event loop: each call runs on the journal's own thread.

What it is: awaitable names for ``Journal``'s methods. What it is not: a second journal. Rule: one thread, so calls
happen in the order they were made.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from appliance.vault import clock
from appliance.vault.journal import Entry, Event, Head, Journal, Move, RequestRow, Row

T = TypeVar("T")


class Scribe:
    """An open journal and its thread."""

    def __init__(self, journal: Journal, thread: ThreadPoolExecutor) -> None:
        self._journal = journal
        self._thread = thread
        self.journal_id = journal.journal_id
        self.boot_id = journal.boot_id

    @classmethod
    async def open(cls, path: Path, dropped: Callable[[Journal, int, int], Event]) -> "Scribe":
        """Open the file at ``path`` on a new thread.

        Raises:
            JournalError: as ``Journal.open``.
        """
        thread = ThreadPoolExecutor(1, "journal")
        found: list[Journal] = []

        def begin() -> Journal:
            journal = Journal.open(path, wall=clock.wall, dropped=lambda first, last: dropped(found[0], first, last))
            found.append(journal)
            return journal

        try:
            return cls(await asyncio.get_running_loop().run_in_executor(thread, begin), thread)
        except BaseException:
            thread.shutdown()
            raise

    async def close(self) -> None:
        """Fold and close the file, end the thread."""
        await self._run(self._journal.close)
        self._thread.shutdown()

    async def commit(
        self,
        events: Sequence[Event],
        moves: Sequence[Move],
        audit: Sequence[Entry],
        keeping: Sequence[tuple[str, str]] = (),
    ) -> list[int]:
        """As ``Journal.commit``."""
        return await self._run(lambda: self._journal.commit(events, moves, audit, keeping))

    async def keep(self, name: str, value: str) -> None:
        """As ``Journal.keep``."""
        await self._run(lambda: self._journal.keep(name, value))

    async def kept(self, name: str) -> str | None:
        """As ``Journal.kept``."""
        return await self._run(lambda: self._journal.kept(name))

    async def pending(self, after: int, limit: int) -> list[Row]:
        """As ``Journal.pending``."""
        return await self._run(lambda: self._journal.pending(after, limit))

    async def acknowledge(self, seq: int) -> None:
        """As ``Journal.acknowledge``."""
        await self._run(lambda: self._journal.acknowledge(seq))

    async def acknowledged(self) -> int:
        """As ``Journal.last_acknowledged``."""
        return await self._run(lambda: self._journal.last_acknowledged)

    async def last_seq(self) -> int:
        """As ``Journal.last_seq``."""
        return await self._run(lambda: self._journal.last_seq)

    async def find_request(self, peer: str, identifier: str) -> RequestRow | None:
        """As ``Journal.find_request``."""
        return await self._run(lambda: self._journal.find_request(peer, identifier))

    async def open_requests(self) -> list[RequestRow]:
        """As ``Journal.open_requests``."""
        return await self._run(self._journal.open_requests)

    async def deliver(self, peer: str, identifier: str) -> None:
        """As ``Journal.deliver``."""
        await self._run(lambda: self._journal.deliver(peer, identifier))

    async def audit_head(self) -> Head:
        """As ``Journal.audit_head``."""
        return await self._run(self._journal.audit_head)

    async def holder_tag(self, identifier: str) -> str:
        """As ``Journal.holder_tag``."""
        return await self._run(lambda: self._journal.holder_tag(identifier))

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
