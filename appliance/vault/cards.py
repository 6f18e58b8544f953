"""Reader and card, from the flow's orders to the flow's events.

What it is: the watcher's sights and the card thread's results as ``box`` events; the one card in memory. What it is
not: PC/SC (pcsc.py) or card knowledge (card/, work.py).
Rule: every order ends in exactly one event with its ticket; the card in is forgotten when it leaves (what it once
said stays in memory, and is believed only as far as the card repeats it).
"""

import asyncio
import functools
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping

from appliance.card import policy
from appliance.card.chain import Judgement
from appliance.card.identity import CardIdentity, Driver, Memory, forget, remember
from appliance.card.layout import Layout
from appliance.card.models import Model, classify, driver_of, identify
from appliance.card.script import Script
from appliance.contract.events import Family
from appliance.errors import (
    ApplianceError,
    CardMute,
    CardRemoved,
    CardReset,
    CardUnsupported,
    PinBlocked,
    PinWrong,
    PukBlocked,
    PukWrong,
    ReaderBusy,
    SignatureInvalid,
)
from appliance.secret import Secret
from appliance.vault import box as b
from appliance.vault import pcsc, pcsc_watcher, work
from appliance.vault.box import Box, Card
from appliance.vault.doorkeeper import Doorkeeper
from appliance.vault.pulse import Pulse
from appliance.vault.readers import Role
from appliance.vault.scribe import Scribe
from appliance.vault.trust import Trust

log = logging.getLogger(__name__)

BUSY_RETRY = 1.0
"""Seconds before a held card is tried again."""

DOUBTS = (PinWrong, PinBlocked, PukWrong, PukBlocked, SignatureInvalid)
"""Errors after which nothing remembered of a card is believed any more: it may want its codes in another form, or have
other keys, and the directory that would show it need not have changed."""

Renewal = Callable[[Driver, Layout, int | None], Script[None]]
"""``work.change`` or ``work.unblock``."""

FAMILIES: dict[str, Family] = {"cps3": "cps3", "cps4": "cps4"}
"""Models and drivers whose family the contract names; every other one is unknown to it."""


class Cards:
    """The reader side of the vault; ``found`` is the card in, as read, or None."""

    def __init__(  # noqa: PLR0913 - the vault's parts and the rules of reader and trust, by keyword
        self,
        secret: Secret,
        scribe: Scribe,
        post: Callable[[b.Event], None],
        *,
        shared: bool,
        roles: Mapping[str, Role],
        trust: Trust,
        may_not_sign: Collection[str],
        doorkeeper: Doorkeeper | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._scribe = scribe
        self._post = post
        self._trust = trust
        self._may_not_sign = may_not_sign
        self._doorkeeper = doorkeeper
        self._thread = pcsc.CardThread(secret, shared=shared)
        self._watcher = pcsc_watcher.Watcher(self._see_from_thread, roles)
        self._atr = b""
        self._session = ""
        self._was_reset = False  # the last identification ended so
        self._serial = ""  # of the card read last
        self._driver: Driver | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._memory: Memory = {}
        self.found: CardIdentity | None = None
        self.reader: str | None = None

    @property
    def pulses(self) -> tuple[Pulse, ...]:
        """The marks of both threads."""
        return self._thread.pulse, self._watcher.pulse

    @property
    def atr(self) -> bytes:
        """The ATR of the card in; empty without one, or when it gave none."""
        return self._atr

    async def judge(self) -> b.Judged | None:
        """What the card in is worth now; None without one."""
        session, found = self._session, self.found
        if found is None:
            return None
        judged = await asyncio.to_thread(self._trust.judge_signer, found.signature)
        test = found.holder.test or judged.test
        return b.Judged(session, judged.result, test, self._bars(found, judged))

    def _bars(self, found: CardIdentity, judged: Judgement) -> str | None:
        """What keeps this card from signing here."""
        return self._trust.bars("sign", judged.result) or policy.bars(found.holder, self._may_not_sign)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()
        self._watcher.start()

    async def close(self) -> None:
        """Stop watching, let the card go reset."""
        await asyncio.to_thread(self._watcher.close)
        await asyncio.to_thread(self._thread.close)
        for task in self._tasks:
            task.cancel()

    def do(self, order: b.Order, box: Box) -> None:
        """Begin an order; its event comes later."""
        match order:
            case b.Identify(ticket):
                self._begin(self._identify(ticket, again=box.fault == "reader-busy"))
            case b.ReadTries(ticket, puk):
                self._begin(self._tries(ticket, puk=puk))
            case b.Sign():
                self._begin(self._sign(order, box.tries))
            case b.ReadSituations(ticket):
                self._begin(self._read_situations(ticket, box.tries))
            case b.ChangePin(ticket):
                self._begin(self._renew(ticket, box.tries, work.change))
            case b.UnblockPin(ticket):
                self._begin(self._renew(ticket, box.tries, work.unblock))
            case b.CheckDoor(ticket):
                self._begin(self._check_door(ticket, box.signer))
            case b.Prove(ticket):
                self._begin(self._prove(ticket, box.tries))
            case b.ResetCard():
                self._begin(self._reset())

    # --- sights -------------------------------------------------------------------------------------------------------

    def _see_from_thread(self, sight: pcsc_watcher.Sight) -> None:
        self._loop.call_soon_threadsafe(self._see, sight)

    def _see(self, sight: pcsc_watcher.Sight) -> None:
        match sight:
            case pcsc_watcher.ReaderSeen(name):
                log.info("reader attached")
                self.reader = name
                self._thread.use(name)
                self._post(b.ReaderAttached())
            case pcsc_watcher.ReaderGone():
                log.info("no reader")
                self.reader = None
                self._forget()
                self._post(b.ReaderLost("reader-absent"))
            case pcsc_watcher.CardSeen(atr):
                model = classify(atr)
                self._atr, self._session, self._was_reset = atr, secrets.token_urlsafe(12), False
                log.info("card in: %s", model.value if atr else "mute")
                family = FAMILIES.get(model.value, "unknown")
                self._post(b.CardInserted(self._session, family, patient=model is Model.VITALE))
            case pcsc_watcher.CardGone():
                log.info("card out")
                self._forget()
                self._post(b.CardRemoved())

    def _forget(self) -> None:
        self.found, self._driver, self._atr, self._session = None, None, b"", ""
        self._thread.leave()

    # --- orders -------------------------------------------------------------------------------------------------------

    def _begin(self, order: Awaitable[None]) -> None:
        task = asyncio.ensure_future(order)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.call_exception_handler({"message": "card work", "exception": error})

    async def _identify(self, ticket: int, *, again: bool) -> None:
        session, atr = self._session, self._atr
        was_reset, self._was_reset = self._was_reset, False
        try:
            if not atr:
                raise CardMute("no ATR")
            if again:
                await asyncio.sleep(BUSY_RETRY)
                self._need(session)
            before = self._memory
            found, judged, barred = await self._read(atr, before)
            if found.serial in before and judged.result != "unknown" and (barred or judged.result != "good"):
                # what was remembered may be older than the card: a renewed certificate can stand in the same place
                found, judged, barred = await self._read(atr, {})
            tag = await self._scribe.holder_tag(found.holder.ps_id or found.serial)
            self._need(session)
        except (ReaderBusy, CardReset) as error:  # another program had it, or has it still
            self._was_reset = isinstance(error, CardReset)
            if was_reset and self._was_reset:  # and was reset by us in between: no other program does that
                self._fail(ticket, CardUnsupported("reset after reset it does not say what it must"))
            else:
                self._post(b.Held(ticket))
        except ApplianceError as error:
            self._fail(ticket, error)
        else:
            self.found, self._driver = found, driver_of(found)
            self._post(b.Identified(ticket, _card(found, session, tag, judged, barred)))

    def _need(self, session: str) -> None:
        """The card is the one that was in when its order began."""
        if session != self._session:
            raise CardRemoved("it left while it was read")

    async def _read(self, atr: bytes, memory: Memory) -> tuple[CardIdentity, Judgement, str | None]:
        """The card in, with what it is worth and what keeps it from signing; and remember it."""
        known = await asyncio.wrap_future(self._thread.play(lambda: identify(classify(atr), memory)))
        self._memory, found = remember(self._memory, known), known.identity
        self._serial = found.serial
        judged = await asyncio.to_thread(self._trust.judge_signer, found.signature)
        return found, judged, self._bars(found, judged)

    async def _tries(self, ticket: int, *, puk: bool) -> None:
        try:
            driver, found = self._known()
            counter = driver.puk_tries_left if puk else driver.tries_left
            tries = await asyncio.wrap_future(self._thread.play(lambda: counter(found.layout)))
        except ApplianceError as error:
            self._fail(ticket, error)
            return
        self._post(b.TriesRead(ticket, tries))

    async def _sign(self, order: b.Sign, tries: int | None) -> None:
        try:
            driver, found = self._known()
            task = work.Task(order.ask, order.index, found)
            counted = tries if order.verify else None
            result = task.result(
                await asyncio.wrap_future(self._thread.play(lambda: task.script(driver, counted), hold=True))
            )
        except ApplianceError as error:
            self._judge(order.ticket, error)
        else:
            self._post(b.Signed(order.ticket, result))

    async def _read_situations(self, ticket: int, tries: int | None) -> None:
        try:
            driver, found = self._known()
            script = functools.partial(work.read_situations, driver, found.layout, tries)
            situations = await asyncio.wrap_future(self._thread.play(script, hold=True))
        except ApplianceError as error:
            self._judge(ticket, error)
        else:
            self._post(b.SituationsRead(ticket, situations))

    async def _check_door(self, ticket: int, card: Card | None) -> None:
        """Whether the card in may open the door now."""
        try:
            _, found = self._known()
            keeper = self._keeper()
            if card is None or card.session != self._session:
                raise CardRemoved("another card than the one that asked")
            refusal = await asyncio.to_thread(keeper.refusal, card.holder, found.authentication)
        except ApplianceError as error:
            self._fail(ticket, error)
        else:
            self._post(b.DoorChecked(ticket, refusal))

    async def _prove(self, ticket: int, tries: int | None) -> None:
        """A fresh challenge, signed behind the PIN, and verified before anything opens."""
        try:
            driver, found = self._known()
            challenge = self._keeper().challenge()
            script = functools.partial(work.prove, driver, found.layout, tries, challenge.digest)
            signature = await asyncio.wrap_future(self._thread.play(script, hold=True))
            found.authentication.check(signature, challenge.message)
        except ApplianceError as error:
            self._judge(ticket, error)
        else:
            self._post(b.Proven(ticket))

    def _keeper(self) -> Doorkeeper:
        if self._doorkeeper is None:
            raise CardUnsupported("this box opens no door")
        return self._doorkeeper

    async def _renew(self, ticket: int, tries: int | None, script: Renewal) -> None:
        """Change or unblock; the card is reset after it, and until then out of reach of any other program."""
        try:
            driver, found = self._known()
            await asyncio.wrap_future(
                self._thread.play(functools.partial(script, driver, found.layout, tries), hold=True)
            )
        except ApplianceError as error:
            self._judge(ticket, error)
        else:
            self._post(b.Changed(ticket))

    def _judge(self, ticket: int, error: ApplianceError) -> None:
        """How an order with a secret ended: a code that was refused has its count, everything else its code."""
        if isinstance(error, DOUBTS):
            self._memory = forget(self._memory, self._serial)
        match error:
            case PinWrong(tries_left=tries):
                self._post(b.PinRejected(ticket, tries))
            case PinBlocked():
                self._post(b.PinRejected(ticket, 0))
            case PukWrong(tries_left=tries):
                self._post(b.PukRejected(ticket, tries))
            case PukBlocked():
                self._post(b.PukRejected(ticket, 0))
            case _:
                self._fail(ticket, error)

    async def _reset(self) -> None:
        try:
            await asyncio.wrap_future(self._thread.reset())
        except ApplianceError as error:  # the connection is dropped with a reset then, and the watcher tells the rest
            log.info("the card was not reset by us: %s", error.code)

    def _known(self) -> tuple[Driver, CardIdentity]:
        if self._driver is None or self.found is None:
            raise CardRemoved("no card")
        return self._driver, self.found

    def _fail(self, ticket: int, error: ApplianceError) -> None:
        log.info("card work ended: %s: %s", error.code, error)
        self._post(b.Failed(ticket, error.code))


def _card(found: CardIdentity, session: str, tag: str, judged: Judgement, barred: str | None) -> Card:
    """What flow and screens need of a card; a test authority makes it a test card, whatever it says itself."""
    holder, pin, puk = found.holder, found.layout.pin, found.layout.puk
    return Card(
        session=session,
        holder=tag,
        name=holder.short,
        profession=holder.activity,
        test=holder.test or judged.test,
        family=FAMILIES.get(found.family, "unknown"),
        pin_min=pin.min_length,
        pin_max=pin.max_length,
        barred=barred,
        trust=judged.result,
        tries=found.tries_left,
        puk_tries=found.puk_tries_left,
        puk=puk is not None,
        puk_min=puk.min_length if puk else 0,
        puk_max=puk.max_length if puk else 0,
    )
