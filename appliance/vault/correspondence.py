"""What each open request was told, to whom, and what it will be told again.

What it is: parties, results and final answers by client and request id, in memory. What it is not: the words
(answers.py) or the way to the gateway (carrier.py).
Rule: a result and a final answer are sent until the broker has them, and again to whoever repeats the request; progress
without a result is news, and old news is not repeated.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from appliance.vault.carrier import Address, Carrier

REMEMBERED = 256
"""Ended requests whose words are kept for software that asks again."""
ROOM = 16 * 1024 * 1024
"""Bytes of those words: a batch of 100 documents has 400 KiB of them."""
PARTIES = 4
"""Addresses one open request may have: software that lost its own asks again from another."""
UNDELIVERED = 2048
"""Deliveries of final answers that may wait for their acknowledgement."""

Key = tuple[str, str]
"""Client and request id."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who asked: where replies go, and whether progress is wanted."""

    address: Address
    progress: bool


@dataclass(slots=True)
class _Open:
    parties: dict[Address, bool]
    """Address -> whether progress is wanted there; who asked first stands first."""
    told: list[bytes] = field(default_factory=list)


class Correspondence:
    """One for each start of the vault; ``deliver`` notes on disk that a final answer has arrived."""

    def __init__(self, carrier: Carrier, deliver: Callable[[Key], Awaitable[None]]) -> None:
        self._carrier = carrier
        self._deliver = deliver
        self._open: dict[Key, _Open] = {}
        self._ended: OrderedDict[Key, tuple[bytes, ...]] = OrderedDict()
        self._size = 0
        self._deliveries: OrderedDict[int, Key] = OrderedDict()

    def open(self, key: Key, party: Party) -> None:
        """A request begins."""
        self._open[key] = _Open({party.address: party.progress})

    def is_open(self, key: Key) -> bool:
        """Whether its final answer is still to come."""
        return key in self._open

    def first(self, key: Key) -> Party:
        """Who asked first."""
        return _first(self._open[key])

    def join(self, key: Key, party: Party, news: bytes) -> None:
        """The same request again while it is open: what was told, where it stands (``news``), the rest as it comes."""
        thread = self._open[key]
        if party.address not in thread.parties and len(thread.parties) == PARTIES:
            del thread.parties[list(thread.parties)[1]]
        thread.parties[party.address] = party.progress
        if party.progress:
            for payload in thread.told:
                self._carrier.reply(party.address, payload, kept=True)
            self._carrier.reply(party.address, news)

    def repeat(self, key: Key, party: Party) -> bool:
        """The same request again after its end: every result and the final answer; False when they are forgotten."""
        words = self._ended.get(key)
        if words is None:
            return False
        *results, last = words
        for payload in results if party.progress else ():
            self._carrier.reply(party.address, payload, kept=True)
        self._carrier.reply(party.address, last, final=True)
        return True

    def tell(self, key: Key, payload: bytes, *, result: bool) -> None:
        """Progress for everybody who wants it; one that carries a result is kept."""
        thread = self._open.get(key)
        if thread is None:
            return
        if result:
            thread.told.append(payload)
        for address, progress in thread.parties.items():
            if progress:
                self._carrier.reply(address, payload, kept=result)

    def close(self, key: Key, payload: bytes) -> None:
        """The final answer, for everybody; remembered with the results before it."""
        thread = self._open.pop(key)
        self._remember(key, (*thread.told, payload))
        for address in thread.parties:
            self._deliveries[self._carrier.reply(address, payload, final=True)] = key
        while len(self._deliveries) > UNDELIVERED:
            self._deliveries.popitem(last=False)

    def drop(self, key: Key) -> Party:
        """Forget a request that never began; who asked."""
        return _first(self._open.pop(key))

    async def delivered(self, delivery: int) -> None:
        """The broker has a reply.

        Raises:
            JournalError: the disk refuses.
        """
        key = self._deliveries.pop(delivery, None)
        if key is not None:
            await self._deliver(key)

    def _remember(self, key: Key, words: tuple[bytes, ...]) -> None:
        self._ended[key] = words
        self._size += _length(words)
        while len(self._ended) > REMEMBERED or self._size > ROOM:
            _, oldest = self._ended.popitem(last=False)
            self._size -= _length(oldest)


def _first(thread: _Open) -> Party:
    return Party(*next(iter(thread.parties.items())))


def _length(words: tuple[bytes, ...]) -> int:
    return sum(map(len, words))
