"""Reader and card, from the flow's orders to the flow's events.

What it is: the watcher's sights and the card thread's results as ``box`` events; the one card in memory. What it is
not: PC/SC (pcsc.py) or card knowledge (card/, work.py).
Rule: every order ends in exactly one event with its ticket; what was read of a card is forgotten when it leaves.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping

from appliance.card.identity import CardIdentity, Driver
from appliance.card.models import Model, classify, driver_for
from appliance.contract.events import Family
from appliance.errors import ApplianceError, CardMute, CardRemoved, CardReset, PinBlocked, PinWrong, ReaderBusy
from appliance.secret import Secret
from appliance.vault import box as b
from appliance.vault import clock, pcsc, pcsc_watcher, work
from appliance.vault.box import Box, Card
from appliance.vault.pulse import Pulse
from appliance.vault.readers import Role
from appliance.vault.scribe import Scribe

log = logging.getLogger(__name__)

BUSY_RETRY = 1.0
"""Seconds before a held card is tried again."""

FAMILIES: dict[str, Family] = {"cps3": "cps3", "cps4": "cps4"}
"""Models and drivers whose family the contract names; every other one is unknown to it."""


class Cards:
    """The reader side of the vault; ``found`` is the card in, as read, or None."""

    def __init__(
        self,
        secret: Secret,
        scribe: Scribe,
        post: Callable[[b.Event], None],
        *,
        shared: bool,
        roles: Mapping[str, Role],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._scribe = scribe
        self._post = post
        self._thread = pcsc.CardThread(secret, shared=shared)
        self._watcher = pcsc_watcher.Watcher(self._see_from_thread, roles)
        self._atr = b""
        self._session = ""
        self._driver: Driver | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.found: CardIdentity | None = None

    @property
    def pulses(self) -> tuple[Pulse, ...]:
        """The marks of both threads."""
        return self._thread.pulse, self._watcher.pulse

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

    def do(self, order: b.Identify | b.ReadTries | b.Sign | b.ResetCard, box: Box) -> None:
        """Begin an order; its event comes later."""
        match order:
            case b.Identify(ticket):
                self._begin(self._identify(ticket, again=box.fault == "reader-busy"))
            case b.ReadTries(ticket):
                self._begin(self._tries(ticket))
            case b.Sign():
                self._begin(self._sign(order, box.tries))
            case b.ResetCard():
                self._begin(self._reset())

    # --- sights -------------------------------------------------------------------------------------------------------

    def _see_from_thread(self, sight: pcsc_watcher.Sight) -> None:
        self._loop.call_soon_threadsafe(self._see, sight)

    def _see(self, sight: pcsc_watcher.Sight) -> None:
        match sight:
            case pcsc_watcher.ReaderSeen(name):
                log.info("reader attached")
                self._thread.use(name)
                self._post(b.ReaderAttached())
            case pcsc_watcher.ReaderGone():
                log.info("no reader")
                self._forget()
                self._post(b.ReaderLost("reader-absent"))
            case pcsc_watcher.CardSeen(atr):
                model = classify(atr)
                self._atr, self._session = atr, secrets.token_urlsafe(12)
                log.info("card in: %s", model.value if atr else "mute")
                family = FAMILIES.get(model.value, "unknown")
                self._post(b.CardInserted(self._session, family, patient=model is Model.VITALE))
            case pcsc_watcher.CardGone():
                log.info("card out")
                self._forget()
                self._post(b.CardRemoved())

    def _forget(self) -> None:
        self.found, self._driver, self._atr = None, None, b""
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
        try:
            if not atr:
                raise CardMute("no ATR")
            if again:
                await asyncio.sleep(BUSY_RETRY)
            driver = driver_for(classify(atr))
            found = await asyncio.wrap_future(self._thread.play(driver.identify))
            tag = await self._scribe.holder_tag(found.holder.ps_id or found.serial)
        except (ReaderBusy, CardReset):  # another program had it, or has it still
            self._post(b.Held(ticket))
            return
        except ApplianceError as error:
            self._fail(ticket, error)
            return
        if session == self._session:
            self.found, self._driver = found, driver
            self._post(b.Identified(ticket, _card(found, session, tag)))

    async def _tries(self, ticket: int) -> None:
        try:
            driver, found = self._known()
            tries = await asyncio.wrap_future(self._thread.play(lambda: driver.tries_left(found.layout)))
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
        except PinWrong as error:
            self._post(b.PinRejected(order.ticket, error.tries_left))
        except PinBlocked:
            self._post(b.PinRejected(order.ticket, 0))
        except ApplianceError as error:
            self._fail(order.ticket, error)
        else:
            self._post(b.Signed(order.ticket, result))

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


def _card(found: CardIdentity, session: str, tag: str) -> Card:
    """What flow and screens need of a card."""
    holder, pin = found.holder, found.layout.pin
    return Card(
        session=session,
        holder=tag,
        name=holder.short,
        profession=holder.activity,
        test=holder.test,
        family=FAMILIES.get(found.family, "unknown"),
        pin_min=min(pin.min_length, pin.max_length),
        pin_max=max(pin.min_length, pin.max_length),
        expired=clock.wall() > (found.signature.key_not_after or found.signature.not_after),
        tries=found.tries_left,
    )
