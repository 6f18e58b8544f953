"""The vault's shell: events in, one at a time, through the flow, effects out.

What it is: asyncio around journal, reader, keys, display and link; the only place where they meet. What it is not:
logic: what happens is the flow's, what is answered reception's, what is shown view's.
Rule: the journal's transaction of a step is on disk before any other effect of that step begins.
"""

import asyncio
import logging
import signal
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from appliance import __version__
from appliance.config import Config, Environment
from appliance.contract import VERSION, events, state
from appliance.contract.topics import Topics
from appliance.link import messages as link
from appliance.link.channel import serve
from appliance.notify import notify
from appliance.screen.fr import WORDS
from appliance.screen.screens import render
from appliance.secret import Secret, Slot
from appliance.vault import answers, clock, flow, view
from appliance.vault import box as b
from appliance.vault.box import Box
from appliance.vault.cards import Cards
from appliance.vault.carrier import Carrier
from appliance.vault.journal import Entry, Event, Journal, Move, RequestRow, RequestState, Step
from appliance.vault.keys import Keys
from appliance.vault.oled import Oled
from appliance.vault.pulse import stale
from appliance.vault.reception import Reception
from appliance.vault.scribe import Scribe

log = logging.getLogger(__name__)

CAPABILITIES = ("sign:jws", "sign:raw", "identity", "ping", "cancel")
LANGUAGES = ("fr",)
MINUTE = 60


class Vault:
    """One running vault. ``run`` ends when ``stop`` was called."""

    def __init__(self, config: Config, environment: Environment, scribe: Scribe) -> None:
        self._config = config
        self._environment = environment
        self._scribe = scribe
        self._loop = asyncio.get_running_loop()
        self._topics = Topics(config.mqtt.prefix, config.device.id)
        self._inbox: asyncio.Queue[b.Event | link.Request | BaseException | None] = asyncio.Queue()
        self._box = Box(times=_times(config))
        self._alarm: asyncio.TimerHandle | None = None
        self._secret = Secret()
        self._oled = Oled(config.display.driver, config.display.port, config.display.address, self._report)
        self._keys = Keys(
            config.keypad.rows,
            config.keypad.columns,
            config.keypad.layout,
            self._secret,
            self._post_from_thread,
            clock=self._loop.time,
        )
        reader = config.reader
        self._cards = Cards(self._secret, scribe, self._post, shared=reader.share == "shared", roles=reader.roles)
        self._carrier = Carrier(
            self._welcome(), scribe, self._post, lambda up: self._post(b.LinkChanged(up)), self._delivered
        )
        self._reception = Reception(config, scribe, self._carrier)

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
        self._show()
        await self._recover()
        started = events.Started(version=__version__, contract=VERSION)
        await self._commit([b.Publish("system/started", started)])
        where = self._environment.sockets.get("link", self._config.paths.run / "link.sock")
        server = await serve(where, self._carrier.meet)
        try:
            self._keys.start()
            self._cards.start()
            self._announce()
            self._tick()
            self._feed()
            notify(self._environment.notify_socket, "READY=1")
            while (event := await self._inbox.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                await self._take(event)
        finally:
            notify(self._environment.notify_socket, "STOPPING=1")
            server.close()
            await self._close()

    async def _close(self) -> None:
        """Nothing secret, nothing lit, no verified card is left behind."""
        self._keys.close()
        await self._cards.close()
        self._secret.close()
        self._oled.close()
        await self._commit([b.Publish("system/stopping", events.Stopping(reason="stopped"))])

    # --- in -----------------------------------------------------------------------------------------------------------

    def _post(self, event: b.Event | link.Request) -> None:
        self._inbox.put_nowait(event)

    def _post_from_thread(self, event: b.Event) -> None:
        self._loop.call_soon_threadsafe(self._inbox.put_nowait, event)

    def _report(self, ok: bool) -> None:  # noqa: FBT001 - the display's callback
        self._post_from_thread(b.DisplayChanged(ok))

    async def _delivered(self, delivery: int) -> None:
        await self._reception.delivered(delivery)

    async def _take(self, event: b.Event | link.Request) -> None:
        now = self._loop.time()
        if isinstance(event, link.Request):
            meant = await self._reception.receive(event, self._box, self._cards.found, now)
            if meant is None:
                return
            event = meant
        before, (self._box, effects) = self._box.state, flow.step(self._box, event, now)
        if self._box.state is not before:
            log.info("%s: %s -> %s", type(event).__name__, before.value, self._box.state.value)
        await self._perform(effects)
        self._arm_alarm()
        self._show()

    def _arm_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
        at = flow.deadline(self._box, self._loop.time())
        self._alarm = None if at is None else self._loop.call_at(at, self._post, b.Elapsed())

    def _tick(self) -> None:
        """The clock on the screen, once a minute."""
        self._show()
        self._loop.call_later(MINUTE - clock.wall().second, self._tick)

    def _feed(self) -> None:
        """Tell the service manager that we live, while every loop turns; a silent one gets us restarted."""
        seconds = self._environment.watchdog
        if seconds is None:
            return
        standing = stale((self._keys.pulse, self._oled.pulse, *self._cards.pulses))
        if standing:
            log.error("standing still: %s", ", ".join(standing))
        else:
            notify(self._environment.notify_socket, "WATCHDOG=1")
        self._loop.call_later(seconds / 3, self._feed)

    def _show(self) -> None:
        screen = view.look(self._box, self._loop.time(), clock.label(clock.wall()), __version__)
        self._oled.show(render(screen, WORDS))

    # --- out ----------------------------------------------------------------------------------------------------------

    async def _perform(self, effects: Sequence[b.Effect]) -> None:
        await self._commit(effects)
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
                case b.Announce():
                    self._announce()
                case b.Identify() | b.ReadTries() | b.Sign() | b.ResetCard():
                    self._cards.do(effect, self._box)

    def _guard(self, effect: b.Arm | b.Disarm) -> None:
        """Whether digits go into the page, and whether it keeps them."""
        if isinstance(effect, b.Arm):
            self._keys.arm(Slot.OLD, effect.maximum)
            return
        self._keys.disarm()
        if effect.wipe:
            self._secret.wipe()

    async def _commit(self, effects: Sequence[b.Effect]) -> None:
        """Everything of one step that must outlive it, in one transaction."""
        outgoing = [self._public(effect) for effect in effects if isinstance(effect, b.Publish)]
        moves = [self._move(effect) for effect in effects if isinstance(effect, b.Move)]
        if outgoing or moves:
            audit = [entry for effect in effects if (entry := _entry(effect)) is not None]
            await self._scribe.commit(outgoing, moves, audit)
            self._carrier.wake()

    def _move(self, move: b.Move) -> Move:
        if move.to is RequestState.RECEIVED:
            return self._reception.record(move.ask)
        return Step(move.ask.client, move.ask.id, move.to, answers.contract_code(move.code) if move.code else None)

    def _public(self, publish: b.Publish) -> Event:
        return public_event(self._topics, self._scribe.journal_id, self._scribe.boot_id, publish)

    def _announce(self) -> None:
        self._carrier.state("reader", answers.reader(self._box))
        self._carrier.state("card", answers.card(self._box))
        self._carrier.state("health", answers.health(self._box, clock_set=clock.believable(clock.wall())))

    # --- beginning ----------------------------------------------------------------------------------------------------

    def _welcome(self) -> link.Welcome:
        info = state.Info(
            software=__version__,
            contract=VERSION,
            capabilities=CAPABILITIES if self._config.mqtt.requests != "off" else (),
            languages=LANGUAGES,
            journal_id=self._scribe.journal_id,
        )
        return link.Welcome(
            device=self._config.device.id,
            prefix=self._config.mqtt.prefix,
            boot_id=self._scribe.boot_id,
            since=clock.timestamp(clock.wall()),
            contract=VERSION,
            info=state.encode(info),
        )

    async def _recover(self) -> None:
        """End what a crash left open: after card-started nobody knows, before it nothing happened (design §2)."""
        cut = [row for row in await self._scribe.open_requests() if not row.final]
        ends = [(row, _cut_code(row)) for row in cut]
        failed = [
            b.Publish("sign/failed", events.SignFailed(client=row.peer, request=row.id, code=code, signed=0))
            for row, code in ends
        ]
        moves = [Step(row.peer, row.id, RequestState.FAILED, code) for row, code in ends]
        if moves:
            audit = [entry for effect in failed if (entry := _entry(effect)) is not None]
            await self._scribe.commit([self._public(publish) for publish in failed], moves, audit)
        await self._reception.recover(await self._scribe.open_requests())


def _cut_code(row: RequestRow) -> str:
    return "outcome-unknown" if row.state is RequestState.CARD_STARTED else "cancelled"


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
    )


def _entry(effect: b.Effect) -> Entry | None:
    """The audit's word for an effect; every public event has one, and the person's agreement."""
    if isinstance(effect, b.Publish):
        data = {name: value for name, value in msgspec.to_builtins(effect.data).items() if name != "holder"}
        return Entry(effect.topic, data, getattr(effect.data, "holder", None))
    if isinstance(effect, b.Move) and effect.to is RequestState.AGREED:
        ask = effect.ask
        seen = {"client": ask.client, "request": ask.id, "fingerprint": ask.consent.fingerprint}
        return Entry("request/agreed", seen | {"shown": ask.consent.shown}, effect.holder)
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
