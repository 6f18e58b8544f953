"""The box's own tables, keys, page, card work and drivers before a soft card, one thing after the other, in one thread.

What it is: ``flow.step`` with ``vault.cards`` for its orders and ``vault.keys`` for what a key means; of the card
thread only PC/SC is replaced, by a soft card at once. What it is not: a judge (``card_judge``).
"""

import asyncio
import ctypes
import logging
from concurrent.futures import Future

from appliance.card.apdu import SecretCommand
from appliance.card.chain import Judgement
from appliance.errors import ApplianceError, CardRemoved, CardReset, ReaderBusy
from appliance.secret import Secret
from appliance.simulator.faults import CardTorn, FaultyCard
from appliance.tools.trace import Trace
from appliance.vault import box as b
from appliance.vault import cards, flow, pcsc, pcsc_watcher
from appliance.vault.typist import Typist

CONNECTED = 1


class SoftThread(pcsc.CardThread):
    """The vault's card thread, its jobs done at once and its card a soft one."""

    def __init__(self, secret, carry):
        super().__init__(secret, shared=False)
        self._carry = carry
        self.soft = None  # the card in the reader
        self.stolen = False  # another program has reset it under our transaction

    @property
    def held(self):
        return self._held

    def _put(self, job):
        future = Future()
        try:
            future.set_result(job())
        except ApplianceError as error:
            if not isinstance(error, ReaderBusy):
                self._forget(error)
            future.set_exception(error)
        return future

    def _begin(self):
        if not self._held:
            if self.soft is None:
                raise CardRemoved("no card")
            self._card, self._held, self.stolen = CONNECTED, True, False

    def _let_go(self):
        self._held = False

    def _reset_card(self, _card):
        if self.soft is None:
            return pcsc.scard.SCARD_W_REMOVED_CARD
        self.soft.reset()
        return pcsc.scard.SCARD_S_SUCCESS

    def _disconnect(self, disposition=pcsc.scard.SCARD_RESET_CARD):
        if self._card is not None and self.soft is not None and disposition == pcsc.scard.SCARD_RESET_CARD:
            self.soft.reset()
        self._card, self._held = None, False

    def _drop(self):
        self._disconnect()

    def _transmit(self, command):
        if isinstance(command, SecretCommand):
            with self._secret.command(command.header(), command.blocks) as (address, length):
                return self._exchange(command, ctypes.string_at(address, length))
        return self._exchange(command, command)

    def _exchange(self, command, apdu):
        if self.soft is None:
            raise CardRemoved("pulled")
        if self.stolen:
            self.stolen = False
            raise CardReset("another program")
        return self._carry(command, apdu)


class Scribe:
    """Only the pseudonym of a holder is asked of it."""

    async def holder_tag(self, _identity):
        return "holder-1"


class Trusting:
    """Every card is good: chains are not what is at stake here."""

    def judge_signer(self, _certificate):
        return Judgement("good")

    def bars(self, _use, _result):
        return None


class Desk:
    """A box and a soft card. ``judge`` hears of every step, every exchange and every key.

    Args:
        card: the soft card, not yet in the reader.
        judge: see ``card_judge.Judge``.
        sessions: what a session may be; None for none.
    """

    def __init__(self, card, judge, sessions=None):
        self.loop = asyncio.new_event_loop()
        self.card = FaultyCard(card)
        self.judge = judge
        self.now = 0.0
        self.box = b.Box(sessions=sessions)
        self.secret = Secret()
        self.inside = False
        self.lines = []
        self.trace = Trace(self.lines.append)
        self._inbox = []
        self._torn = False
        self._failure = None  # raised in card work, where asyncio would only log it
        self.thread = SoftThread(self.secret, self._carry)
        self.keys = Typist(self.secret, "123A456B789C*0#D")
        self.cards = self.loop.run_until_complete(self._connect())
        self.loop.set_exception_handler(self._stray)
        self.see(pcsc_watcher.ReaderSeen("soft reader 00 00"))

    async def _connect(self):
        found = cards.Cards(
            self.secret, Scribe(), self._inbox.append, shared=False, roles={}, trust=Trusting(), may_not_sign=()
        )
        found._thread = self.thread
        return found

    def _stray(self, _loop, context):
        self._failure = context.get("exception") or AssertionError(context["message"])

    def close(self):
        for task in self.cards._tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.secret.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    # --- the outside world ------------------------------------------------------------------------------------------

    def insert(self):
        if self.inside:
            return
        self.card.power_on()
        self.inside, self._torn, self.thread.soft = True, False, self.card
        self.trace.begin(self.card.atr, t1=False)
        self.see(pcsc_watcher.CardSeen(self.card.atr))

    def remove(self):
        """Pull it; the watcher says so before any work in hand hears of it."""
        if not self.inside:
            return
        self.card.power_off()
        self.inside, self.thread.soft = False, None
        self.card.disarm()
        self.see(pcsc_watcher.CardGone())

    def steal(self):
        """Another program resets the card; under a transaction of ours our next command says so."""
        if self.inside:
            self.card.reset()
            self.thread.stolen = self.thread.held

    def press(self, key):
        """One key, as the keypad thread understands it."""
        event = self.keys.act(key)
        if event is not None:
            self.judge.pressed(self, key, event)
            self.feed(event)

    def hold(self, key):
        event = self.keys.hold(key)
        if event is not None:
            self.feed(event)

    def wait(self, seconds=None):
        """Let time pass: so many seconds, or until the box's own time is up."""
        end = flow.deadline(self.box, self.now)
        if seconds is None:
            self.now = self.now if end is None else max(self.now, end)
        else:
            self.now += seconds
        self.feed(b.Elapsed())

    def see(self, sight):
        self.cards._see(sight)
        self._drain()

    # --- the box ----------------------------------------------------------------------------------------------------

    def feed(self, event):
        self._inbox.append(event)
        self._drain()

    def settle(self):
        """Let the card answer whatever is outstanding, and what follows from it."""
        while self.cards._tasks or self._inbox or self._torn:
            while self.cards._tasks:
                self.loop.run_until_complete(asyncio.wait(self.cards._tasks))
            self._drain()
            if self._torn and not self.cards._tasks:
                self._torn = False
                self.remove()
        self.loop.run_until_complete(asyncio.sleep(0))
        if self._failure:
            self.judge.failed = True
            raise self._failure
        self.judge.settled(self)

    def _drain(self):
        while self._inbox:
            event = self._inbox.pop(0)
            before = self.box
            self.box, effects = flow.step(before, event, self.now)
            self.judge.step(self, before, event, effects)
            for effect in effects:
                self._perform(effect)

    def _perform(self, effect):
        match effect:
            case b.Arm(maximum, slot, fresh):
                self.keys.arm(slot, maximum, fresh=fresh)
            case b.Disarm(wipe):
                self.keys.disarm()
                if wipe:
                    self.secret.wipe()
            case _ if isinstance(effect, b.Order):
                self.loop.call_soon(self.cards.do, effect, self.box)
                self.loop.run_until_complete(asyncio.sleep(0))  # begun, and answered when the loop runs again

    def _carry(self, command, apdu):
        """One exchange with the soft card, traced and judged."""
        before = self.card.card.apdu_count

        def transmit(_command):
            try:
                return self.card.transmit(apdu)
            except CardTorn:
                self._torn = True
                self.thread.soft = None
                raise CardRemoved("pulled during a command") from None

        self.judge.leaves(command, apdu)
        answer = b""
        try:
            answer = self.trace.through(transmit)(command)
        finally:
            self.judge.arrived(command, apdu, ran=self.card.card.apdu_count > before, answer=answer)
        return answer


def quiet():
    """Log records of the box, kept and not shown: (handler, records)."""
    records = []

    class Keep(logging.Handler):
        def emit(self, record):
            records.append(self.format(record))

    handler = Keep()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    return handler, records
