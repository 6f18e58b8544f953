"""The vault's shell: events in, one at a time, through the flow, effects out.

What it is: asyncio around journal, reader, keys, display and link; the only place where they meet. What it is not:
logic: what happens is the flow's, what is answered reception's, what is shown the face's.
Rule: the journal's transaction of a step is on disk before any other effect of that step begins.
"""

import asyncio
import logging
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from appliance import __version__
from appliance.config import Config
from appliance.contract import VERSION, events, state
from appliance.contract.topics import Topics
from appliance.environment import Environment
from appliance.errors import ApplianceError, JournalError
from appliance.link import messages as link
from appliance.link.channel import Channel, serve, serve_with
from appliance.notify import notify
from appliance.screen.languages import LANGUAGES
from appliance.secret import Secret
from appliance.vault import answers, clock, flow
from appliance.vault import box as b
from appliance.vault.admin import Admin
from appliance.vault.box import Box
from appliance.vault.cards import Cards
from appliance.vault.carrier import Callbacks, Carrier
from appliance.vault.doorkeeper import Doorkeeper, door_rule
from appliance.vault.evening import struck
from appliance.vault.face import Face
from appliance.vault.flow_selftest import watches
from appliance.vault.flow_tamper import KEPT, case_of
from appliance.vault.informer import Informer
from appliance.vault.journal import Event, Journal
from appliance.vault.keypads import fit
from appliance.vault.ledger import Ledger, public_event
from appliance.vault.preferences import preferred
from appliance.vault.pulse import stale
from appliance.vault.reception import Reception
from appliance.vault.scribe import Scribe
from appliance.vault.trust import Trust

log = logging.getLogger(__name__)

CAPABILITIES = ("sign:jws", "sign:raw", "identity", "practice", "ping", "cancel")
MEETING = frozenset({"sign", "practice", "identity"})
"""Verbs that meet the card in."""
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """An event on its way through the inbox for somebody who waits until it was taken."""

    event: b.Event
    handled: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A request on its way through the inbox, and who waits for it."""

    request: link.Request
    handled: asyncio.Future[None]


class Vault:
    """One running vault. ``run`` ends when ``stop`` was called."""

    def __init__(self, config: Config, environment: Environment, scribe: Scribe) -> None:
        self._config = config
        self._environment = environment
        self._scribe = scribe
        self._loop = asyncio.get_running_loop()
        self._topics = Topics(config.mqtt.prefix, config.device.id)
        self._inbox: asyncio.Queue[b.Event | Inquiry | Wish | BaseException | None] = asyncio.Queue()
        self._box = Box(times=_times(config), sessions=_sessions(config), door=door_rule(config.door))
        self._alarm: asyncio.TimerHandle | None = None
        self._secret = Secret()
        self._face = Face(config, self._loop, self._report, self._post_from_thread)
        self._looked = clock.wall()
        self._keys = fit(config.keypad, self._secret, self._post_from_thread, self._loop.time)
        reader, trust = config.reader, Trust(config.trust)
        self._cards = Cards(
            self._secret,
            scribe,
            self._post,
            shared=reader.share == "shared",
            roles=reader.roles,
            may_not_sign=config.card.may_not_sign,
            trust=trust,
            doorkeeper=Doorkeeper(config.device.id, config.door, trust),
        )
        self._admin = Admin(config, scribe, self._cards, self._secret.kind)
        callbacks = Callbacks(self._hand_in, self._broker, self._delivered, self._dropped)
        self._carrier = Carrier(self._welcome(), scribe, callbacks)
        self._informer = Informer(config, scribe, self._cards, self._carrier, self._secret.kind, self._post, self.fail)
        self._reception = Reception(config, scribe, self._carrier)
        self._ledger = Ledger(self._topics, scribe, self._reception.record, self._carrier.wake)

    def stop(self) -> None:
        """End after the event in hand; for signal handlers."""
        self._inbox.put_nowait(None)

    def fail(self, error: BaseException) -> None:
        """End with a fault of our own: the service manager starts a vault that knows what was open."""
        self._inbox.put_nowait(error)

    def _stray(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A fault that nobody awaited is a fault of the vault."""
        self.fail(context.get("exception") or RuntimeError(context["message"]))

    async def run(self) -> None:
        """Serve until ``stop``.

        Raises:
            ApplianceError, or whatever fault of ours ends the vault.
        """
        log.info("vault %s, secrets in %s memory", __version__, self._secret.kind)
        self._loop.set_exception_handler(self._stray)
        async with AsyncExitStack() as stack:  # whatever begins here ends, also when the next thing cannot begin
            stack.callback(self._face.close)
            stack.callback(self._secret.close)
            locked = case_of(await self._scribe.kept(KEPT), fitted=self._config.signals.tamper_switch)
            self._box = replace(self._box, case=locked, settings=await preferred(self._config, self._scribe))
            self._face.show(self._box)
            self._face.start()
            self._reception.recover(await self._ledger.recover())
            for server in await self._listen():
                stack.callback(server.close)
            self._keys.start()
            stack.callback(self._keys.close)
            stack.callback(self._informer.close)
            self._cards.start()
            stack.push_async_callback(self._cards.close)
            started = events.Started(version=__version__, contract=VERSION)
            await self._ledger.commit([b.Publish("system/started", started)])
            self._announce()
            self._tick()
            self._feed()
            notify(self._environment.notify_socket, "READY=1")
            stack.callback(notify, self._environment.notify_socket, "STOPPING=1")
            await self._turn()

    async def _listen(self) -> tuple[asyncio.AbstractServer, asyncio.AbstractServer]:
        """Link and admin: sockets that the service manager passed, else our own."""
        passed, folder = self._environment.sockets, self._config.paths.run
        return (
            await serve(passed.get("link", folder / "link.sock"), self._carrier.meet),
            await serve_with(passed.get("admin", folder / "admin.sock"), self._meet_admin, link.decode_from_admin),
        )

    async def _turn(self) -> None:
        """Event by event, until the end; how it ended is the last public event."""
        try:
            while (event := await self._inbox.get()) is not None:
                await self._take(event)
        except JournalError:  # there is nowhere left to say it
            raise
        except Exception as error:
            code = error.code if isinstance(error, ApplianceError) else "internal"
            await self._ledger.commit([b.Publish("system/fault", events.Fault(code=code))])
            raise
        _, closed = flow.step(self._box, b.Stopping(), self._loop.time())
        await self._ledger.commit([*closed, b.Publish("system/stopping", events.Stopping(reason="stopped"))])

    # --- in -----------------------------------------------------------------------------------------------------------

    def _post(self, event: b.Event) -> None:
        self._inbox.put_nowait(event)

    async def _hand_in(self, request: link.Request) -> None:
        """A request takes its turn among keys and cards; returns when it is answered or open."""
        inquiry = Inquiry(request, self._loop.create_future())
        self._inbox.put_nowait(inquiry)
        await inquiry.handled

    async def _dropped(self, dropped: link.Dropped) -> None:
        await self._ledger.note_dropped(dropped, self._loop.time())

    def _post_from_thread(self, event: b.Event) -> None:
        self._loop.call_soon_threadsafe(self._inbox.put_nowait, event)

    def _report(self, ok: bool) -> None:  # noqa: FBT001 - the display's callback
        self._post_from_thread(b.DisplayChanged(ok))

    def _broker(self, up: bool) -> None:  # noqa: FBT001 - the carrier's callback
        self._informer.note_link()
        self._post(b.LinkChanged(up))

    async def _delivered(self, delivery: int) -> None:
        await self._reception.delivered(delivery)

    async def _wish(self, event: b.Event) -> None:
        """An event takes its turn; returns when what it led to is done."""
        wish = Wish(event, self._loop.create_future())
        self._inbox.put_nowait(wish)
        await wish.handled

    async def _take(self, event: b.Event | Inquiry | Wish | BaseException) -> None:
        if isinstance(event, BaseException):
            raise event
        now = self._loop.time()
        if isinstance(event, Inquiry):
            if event.request.verb in MEETING:
                await self._judge()
            meant = await self._reception.receive(event.request, self._box, self._cards.found, now)
            if not event.handled.done():  # its gateway may have left meanwhile
                event.handled.set_result(None)
            if meant is None:
                return
            event = meant
        if isinstance(event, Wish):
            await self._take(event.event)
            if not event.handled.done():
                event.handled.set_result(None)
            return
        before, (self._box, effects) = self._box, flow.step(self._box, event, now)
        if self._box.state is not before.state:
            log.info("%s: %s -> %s", type(event).__name__, before.state.value, self._box.state.value)
        await self._perform(effects)
        self._arm_alarm()
        self._keys.watch(on=watches(self._box))
        self._face.follow(event, before, self._box)

    async def _judge(self) -> None:
        """What the card in is worth by now, before a request meets it: it may have been in for days."""
        judged = await self._cards.judge()
        if judged:
            self._box, _ = flow.step(self._box, judged, self._loop.time())

    def _arm_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
        at = flow.deadline(self._box, self._loop.time())
        self._alarm = None if at is None else self._loop.call_at(at, self._post, b.Elapsed())

    def _tick(self) -> None:
        """The clock on the screen, and the hour at which no card should be in, once a minute."""
        before, self._looked = self._looked, clock.wall()
        if self._box.inserted and struck(self._config.card.forgotten_at, before, self._looked):
            self._post(b.CardLeft(self._box.inserted))
        self._face.refresh()
        self._loop.call_later(MINUTE - clock.wall().second, self._tick)

    def _feed(self) -> None:
        """Tell the service manager that we live, while every loop turns; a silent one gets us restarted."""
        seconds = self._environment.watchdog
        if seconds is None:
            return
        standing = stale((self._keys.pulse, *self._face.pulses, *self._cards.pulses))
        if standing:
            log.error("standing still: %s", ", ".join(standing))
        else:
            notify(self._environment.notify_socket, "WATCHDOG=1")
        self._loop.call_later(seconds / 3, self._feed)

    # --- out ----------------------------------------------------------------------------------------------------------

    async def _perform(self, effects: Sequence[b.Effect]) -> None:
        await self._ledger.commit(effects)
        for effect in effects:
            match effect:
                case b.Tell():
                    self._reception.tell(effect)
                case b.Finish():
                    await self._reception.finish(effect)
                case b.Busy():
                    self._reception.busy(effect)
                case b.Arm() | b.Disarm():
                    self._guard(effect)
                case b.Inform():
                    self._informer.inform(effect, self._box)
                case b.OpenDoor():
                    self._face.open_door()
                case b.Announce():
                    self._announce()
                case b.Publish() | b.Record() | b.Move() | b.Keep():  # the ledger's
                    pass
                case order:
                    self._cards.do(order, self._box)

    def _guard(self, effect: b.Arm | b.Disarm) -> None:
        """Whether digits go into the page, and whether it keeps them."""
        if isinstance(effect, b.Arm):
            self._keys.arm(effect.slot, effect.maximum, fresh=effect.fresh)
            return
        self._keys.disarm()
        if effect.wipe:
            self._secret.wipe()

    def _announce(self) -> None:
        self._carrier.state("reader", answers.reader(self._box))
        self._carrier.state("card", answers.card(self._box))
        self._carrier.state("tamper", answers.tamper(self._box))
        well = self._box.display and self._box.keypad and not self._box.locked
        self._carrier.status("online" if well else "degraded")
        self._carrier.state("health", answers.health(self._box, clock_set=clock.believable(clock.wall())))

    async def _meet_admin(self, channel: Channel[link.FromAdmin]) -> None:
        """Answer the installer's command line, each question with the box as it is then."""
        async for question in channel:
            if isinstance(question, link.RearmCase):
                await self._wish(b.Rearmed())
            await channel.send(await self._admin.answer(question, self._box))

    # --- beginning ----------------------------------------------------------------------------------------------------

    def _welcome(self) -> link.Welcome:
        info = state.Info(
            software=__version__,
            contract=VERSION,
            capabilities=CAPABILITIES if self._config.mqtt.requests != "off" else (),
            languages=tuple(LANGUAGES),
            journal_id=self._scribe.journal_id,
            secret_memory=self._secret.kind,
        )
        return link.Welcome(
            device=self._config.device.id,
            prefix=self._config.mqtt.prefix,
            boot_id=self._scribe.boot_id,
            since=clock.timestamp(clock.wall()),
            contract=VERSION,
            info=state.encode(info),
        )


def _times(config: Config) -> b.Times:
    times = config.timeouts
    return b.Times(
        first_digit=times.first_digit,
        next_digit=times.next_digit,
        entry=times.entry,
        reminder=times.reminder,
        last_try=times.last_try,
        wait_card=times.wait_card,
        result=times.result,
        menu=times.menu,
        forgotten=60 * config.card.forgotten_after or None,
        reminded=config.display.off,
    )


def _sessions(config: Config) -> b.SessionRule | None:
    """What a session may be here; none on a shared reader, where the open transaction would shut others out."""
    signing = config.signing
    if not signing.session:
        return None
    if config.reader.share == "shared":
        log.warning("sessions are refused: the reader is shared")
        return None
    return b.SessionRule(signing.session_signatures, 60 * signing.session_minutes)


async def run(config: Config) -> int:
    """Run the vault until SIGTERM or SIGINT; the exit code.

    Raises:
        JournalError, SecretError, KeypadFault, LinkError: it cannot start.
    """
    topics = Topics(config.mqtt.prefix, config.device.id)

    def dropped(journal: Journal, first: int, last: int) -> Event:
        publish = b.Publish("journal/dropped", events.JournalDropped(first=first, last=last))
        return public_event(topics, journal.journal_id, journal.boot_id, publish)

    scribe = await Scribe.open(config.paths.state / "box.sqlite", dropped)
    try:
        vault = Vault(config, Environment.from_process(), scribe)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, vault.stop)
        await vault.run()
    finally:
        await scribe.close()
    return 0
