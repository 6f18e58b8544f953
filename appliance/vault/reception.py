"""Requests as they arrive, and the replies they get.

What it is: decoding, rights, duplicates, rate, and where each reply goes (contract, *Order of checks*). What it is
not: the link (carrier.py) or what a request leads to (flow.py).
Rule: every request that can be answered gets exactly one final reply; a known id never begins anything again.
"""

import logging

from appliance.card.identity import CardIdentity
from appliance.config import Config
from appliance.contract import messages as contract
from appliance.contract import problems, replies
from appliance.contract.limits import DEFAULT_TTL
from appliance.errors import IdReused, RequestError, TooLarge
from appliance.link import messages as link
from appliance.signing.consent import compose
from appliance.vault import access, answers, clock
from appliance.vault import box as b
from appliance.vault.box import AnyAsk, Ask, Box, Look
from appliance.vault.carrier import Address, Carrier
from appliance.vault.correspondence import Correspondence, Party
from appliance.vault.flow_ends import unusable
from appliance.vault.journal import Receive, RequestRow, RequestState
from appliance.vault.scribe import Scribe

log = logging.getLogger(__name__)


class Reception:
    """One for each start of the vault."""

    def __init__(self, config: Config, scribe: Scribe, carrier: Carrier) -> None:
        self._config = config
        self._scribe = scribe
        self._carrier = carrier
        self._rates = access.Rates(config.limits.requests_per_minute)
        self._letters = Correspondence(carrier, lambda key: scribe.deliver(*key))

    async def delivered(self, delivery: int) -> None:
        """The broker has a reply.

        Raises:
            JournalError: the disk refuses.
        """
        await self._letters.delivered(delivery)

    async def receive(self, message: link.Request, box: Box, found: CardIdentity | None, now: float) -> b.Event | None:
        """Answer a request, or return what it means to the flow; ``now`` is monotonic seconds."""
        address = Address(message.response_topic, message.correlation)
        try:
            request = contract.decode(message.verb, message.payload)
            access.check(self._config, message.client, request)
            match request:
                case contract.SignRequest() | contract.PracticeRequest():
                    return await self._open(message.client, request, address, box, now)
                case contract.CancelRequest():
                    return self._cancel(message.client, request, address, box)
                case contract.IdentityRequest():
                    self._identity(request, address, box, found)
                case contract.PingRequest():
                    time = clock.wall()
                    told = clock.timestamp(time) if clock.believable(time) else None
                    self._carrier.reply(address, answers.pong(request.id, self._scribe.boot_id, told), final=True)
        except RequestError as error:
            log.info("a request of %s is refused: %s", message.client, error.code)
            limit = error.limit if isinstance(error, TooLarge) else None
            body = problems.problem(contract.request_id(message.payload), error.code, str(error), limit=limit)
            self._carrier.reply(address, body, final=True)
        return None

    def recover(self, rows: list[RequestRow]) -> None:
        """Answer what a stop or a crash left without an answer; ``rows`` have ended on disk already."""
        for row in rows:
            key = row.peer, row.id
            self._letters.open(key, Party(Address(row.response_topic, row.correlation), row.progress))
            self._letters.close(key, problems.problem(row.id, answers.contract_code(row.code or "answer-lost")))

    def record(self, ask: AnyAsk) -> Receive:
        """What the journal keeps of a request that begins."""
        address = self._letters.first((ask.client, ask.id)).address
        digest = contract.body_sha256(ask.request)
        verb = contract.verb_of(ask.request)
        return Receive(ask.client, ask.id, digest, verb, address.topic, address.correlation, ask.request.progress)

    def tell(self, tell: b.Tell) -> None:
        """Send a progress reply to software that wants them."""
        self._letters.tell((tell.ask.client, tell.ask.id), answers.progress(tell), result=tell.result is not None)

    def busy(self, busy: b.Busy) -> None:
        """Turn a request away that may come again."""
        party = self._letters.drop((busy.ask.client, busy.ask.id))
        self._carrier.reply(party.address, problems.problem(busy.ask.id, "busy", in_progress=busy.open_id), final=True)

    async def finish(self, finish: b.Finish) -> None:
        """What became of each document that was not signed, then the final reply.

        Raises:
            JournalError: the journal fails.
        """
        key = finish.ask.client, finish.ask.id
        for payload in answers.unsigned(finish):
            self._letters.tell(key, payload, result=True)
        head = await self._scribe.audit_head()
        self._letters.close(key, answers.final(finish, head.h))

    async def _open(
        self,
        client: str,
        request: contract.SignRequest | contract.PracticeRequest,
        address: Address,
        box: Box,
        now: float,
    ) -> b.Event | None:
        """What needs the person: at most once, and not too often."""
        row = await self._scribe.find_request(client, request.id)
        if row is not None:
            self._again(row, request, Party(address, request.progress), box)
            return None
        wait = self._rates.wait(client, now)
        if wait > 0:
            body = problems.problem(request.id, "rate-limited", retry_after=int(wait) + 1)
            self._carrier.reply(address, body, final=True)
            return None
        asked: AnyAsk
        if isinstance(request, contract.SignRequest):
            asked = Ask(client, request, compose(request.documents, client), now + request.ttl)
        else:
            asked = Look(client, request, now + DEFAULT_TTL)
        self._letters.open((client, request.id), Party(address, request.progress))
        return b.Asked(asked)

    def _again(
        self, row: RequestRow, request: contract.SignRequest | contract.PracticeRequest, party: Party, box: Box
    ) -> None:
        """The same id once more: its state, its answer, or why there is none; never a second signature."""
        key = row.peer, row.id
        if row.body_sha256 != contract.body_sha256(request):
            raise IdReused("this id belongs to another request")
        if self._letters.is_open(key) and box.ask:
            self._letters.join(key, party, answers.progress(b.Tell(box.ask, PHASES.get(box.state, "accepted"))))
        elif not self._letters.repeat(key, party):
            code = row.code if row.state is RequestState.FAILED and row.code else "answer-lost"
            self._carrier.reply(party.address, problems.problem(row.id, answers.contract_code(code)), final=True)

    def _cancel(self, client: str, request: contract.CancelRequest, address: Address, box: Box) -> b.Event | None:
        ask = box.ask
        if ask is None or (ask.client, ask.id) != (client, request.target):
            body = problems.problem(request.id, "not-allowed", "nothing of yours with that id is open")
            self._carrier.reply(address, body, final=True)
            return None
        body = replies.encode(replies.Cancelled(id=request.id, target=request.target))
        self._carrier.reply(address, body, final=True)
        return b.Cancelled(client, request.target)

    def _identity(
        self, request: contract.IdentityRequest, address: Address, box: Box, found: CardIdentity | None
    ) -> None:
        if box.card and found:
            body = answers.identity(request, box.card, found)
        else:
            body = problems.problem(request.id, answers.contract_code(unusable(box) or "card-absent"))
        self._carrier.reply(address, body, final=True)


PHASES: dict[b.State, replies.Phase] = {
    b.State.READING: "accepted",
    b.State.WAIT_CARD: "awaiting-card",
    b.State.CONSENT: "awaiting-consent",
    b.State.SESSION: "awaiting-consent",
    b.State.COUNTING: "awaiting-consent",
    b.State.LAST_TRY: "awaiting-pin",
    b.State.PIN: "awaiting-pin",
    b.State.PIN_WRONG: "awaiting-pin",
    b.State.WORKING: "awaiting-pin",
    b.State.SIGNING: "signing",
}
"""Where an open request stands, in the contract's words."""
