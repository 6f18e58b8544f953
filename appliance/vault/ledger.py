"""What of a step must outlive it: public events, the states of requests, the audit's words, in one transaction.

What it is: effects of the flow as records of the journal. What it is not: the journal (journal.py) or a decision.
Rule: every public event has an audit entry of its own, and so has every agreement of a person, and every order that
changes a card.
"""

import uuid
from collections.abc import Callable, Sequence

import msgspec

from appliance.contract import events
from appliance.contract.messages import verb_of
from appliance.contract.topics import Topics
from appliance.link import messages as link
from appliance.vault import answers, clock
from appliance.vault import box as b
from appliance.vault.box import AnyAsk, Ask
from appliance.vault.journal import Entry, Event, Move, Receive, RequestRow, RequestState, Step
from appliance.vault.scribe import Scribe

QUIET = 60.0
"""Seconds in which what one client loses for one reason is counted, not written: a flood fills no disk."""
KNOWN = 256
"""Clients and reasons counted at once."""


class Ledger:
    """For one start of the vault; ``record`` says where a new request's reply goes, ``wake`` that events came."""

    def __init__(
        self, topics: Topics, scribe: Scribe, record: Callable[[AnyAsk], Receive], wake: Callable[[], None]
    ) -> None:
        self._topics = topics
        self._scribe = scribe
        self._record = record
        self._wake = wake
        self._dropped: dict[tuple[str, str], tuple[int, float]] = {}

    async def commit(self, effects: Sequence[b.Effect]) -> None:
        """Everything of one step that must outlive it.

        Raises:
            JournalError: it is not on disk; nothing else of the step may happen.
        """
        outgoing = [self._public(effect) for effect in effects if isinstance(effect, b.Publish)]
        moves = [self._move(effect) for effect in effects if isinstance(effect, b.Move)]
        entries = _entries(effects)
        keeping = [(effect.name, effect.value) for effect in effects if isinstance(effect, b.Keep)]
        if outgoing or moves or entries or keeping:
            await self._scribe.commit(outgoing, moves, entries, keeping)
            self._wake()

    async def recover(self) -> list[RequestRow]:
        """End what a crash left open, and return every request whose final reply is still owed.

        After card-started nobody knows whether a signature exists; before it nothing happened (design §2). What was
        only to be read can be asked for again, and no event tells of it.

        Raises:
            JournalError: the journal fails.
        """
        cut = [(row, _cut_code(row)) for row in await self._scribe.open_requests() if not row.final]
        failed = [
            b.Publish("sign/failed", events.SignFailed(client=row.peer, request=row.id, code=code, signed=0))
            for row, code in cut
            if row.verb == "sign"
        ]
        if cut:
            moves = [Step(row.peer, row.id, RequestState.FAILED, code) for row, code in cut]
            await self._scribe.commit([self._public(publish) for publish in failed], moves, _entries(failed))
        return await self._scribe.open_requests()

    async def note_dropped(self, dropped: link.Dropped, now: float) -> None:
        """Requests that the gateway did not carry, in the audit: at most once a minute for each client and reason.

        Raises:
            JournalError: the journal fails.
        """
        key = dropped.client or "", dropped.reason
        count, since = self._dropped.get(key, (0, -QUIET))
        if now - since < QUIET:
            self._dropped[key] = count + dropped.count, since
            return
        if len(self._dropped) >= KNOWN:
            self._dropped.clear()
        self._dropped[key] = 0, now
        said: dict[str, str | int | bool | None] = {"client": dropped.client, "reason": dropped.reason}
        await self._scribe.commit([], [], [Entry("request/dropped", {**said, "count": count + dropped.count})])

    def _move(self, move: b.Move) -> Move:
        if move.to is RequestState.RECEIVED:
            return self._record(move.ask)
        return Step(move.ask.client, move.ask.id, move.to, answers.contract_code(move.code) if move.code else None)

    def _public(self, publish: b.Publish) -> Event:
        return public_event(self._topics, self._scribe.journal_id, self._scribe.boot_id, publish)


def _cut_code(row: RequestRow) -> str:
    return "outcome-unknown" if row.state is RequestState.CARD_STARTED and row.verb == "sign" else "cancelled"


def _entries(effects: Sequence[b.Effect]) -> list[Entry]:
    return [entry for effect in effects if (entry := _entry(effect)) is not None]


def _entry(effect: b.Effect) -> Entry | None:
    """The audit's word for an effect; every public event has one, and the person's agreement."""
    if isinstance(effect, b.Publish):
        data = {name: value for name, value in msgspec.to_builtins(effect.data).items() if name != "holder"}
        return Entry(effect.topic, data, getattr(effect.data, "holder", None))
    if isinstance(effect, b.Record):
        said = {"card_session": effect.card_session, "code": effect.code}
        return Entry(effect.kind, {name: word for name, word in said.items() if word}, effect.holder)
    if isinstance(effect, b.Move) and effect.to is RequestState.AGREED:
        ask = effect.ask
        seen = {"client": ask.client, "request": ask.id}
        if isinstance(ask, Ask):
            seen |= {"fingerprint": ask.consent.fingerprint, "shown": ask.consent.shown}
        else:
            seen |= {"verb": verb_of(ask.request)}
        return Entry("request/agreed", seen, effect.holder)
    return None


def public_event(topics: Topics, journal_id: str, boot_id: str, publish: b.Publish) -> Event:
    """A public event as the journal takes it; its envelope is made when its ``seq`` is given."""
    domain, name = publish.topic.split("/")
    time, ident = clock.timestamp(clock.wall()), str(uuid.uuid4())

    def encode(seq: int) -> bytes:
        return events.cloud_event(
            topics, domain, name, publish.data, id=ident, time=time, seq=seq, journal_id=journal_id, boot_id=boot_id
        )

    return Event(domain, name, encode)
