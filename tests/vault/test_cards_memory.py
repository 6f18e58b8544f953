"""What ``vault.cards`` remembers of a card, when it stops believing it, and how an identification ends."""

import asyncio
import sys
from concurrent.futures import Future
from pathlib import Path

import flow_kit as kit
import pytest

from appliance.card.chain import Judgement
from appliance.card.script import play
from appliance.errors import ApplianceError, CardRemoved, CardReset, OutcomeUnknown, ReaderBusy
from appliance.secret import Secret
from appliance.simulator.pki import PHYSICIAN, TestPki
from appliance.simulator.softmodels import MODELS
from appliance.vault import box as b
from appliance.vault import cards, pcsc_watcher

sys.path.insert(0, str(Path(__file__).parents[1] / "card"))
from card_kit import carrier

COLD = 20
"""More commands than a card takes that is believed."""
RENEWED = TestPki.generate(PHYSICIAN)


class Thread:
    """The card thread, its scripts played at once: on ``card``, or ended by the next of ``errors``."""

    def __init__(self):
        self.card = None
        self.pins = ("1234", "8765")
        self.errors = []
        self.played = 0

    def play(self, script, **_held):
        self.played += 1
        future = Future()
        try:
            if self.errors:
                raise self.errors.pop(0)
            future.set_result(play(script(), carrier(self.card.transmit, *self.pins)))
        except ApplianceError as error:
            future.set_exception(error)
        return future

    def leave(self):
        """The card is gone."""


class Judging:
    """A store in which some certificates have a result of their own; every other is good."""

    def __init__(self):
        self.results, self.barred = {}, {}

    def judge_signer(self, certificate):
        return Judgement(self.results.get(certificate.der, "good"))

    def bars(self, _use, result):
        return self.barred.get(result)


class Scribe:
    """Gives pseudonyms; ``meanwhile`` happens before it answers."""

    meanwhile = staticmethod(lambda: None)

    async def holder_tag(self, _identity):
        self.meanwhile()
        return "holder-1"


class Desk:
    """``Cards`` with everything round it replaced, in a loop of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.secret = Secret()
        self.events, self.thread, self.trust, self.scribe = [], Thread(), Judging(), Scribe()
        self.cards = self.loop.run_until_complete(self._connect())
        self.cards._thread = self.thread
        self.box = b.Box()

    async def _connect(self):
        return cards.Cards(
            self.secret, self.scribe, self.events.append, shared=False, roles={}, trust=self.trust, may_not_sign=()
        )

    def close(self):
        self.secret.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def insert(self, card):
        """Put it in; the events of its identification, and how many commands that took."""
        if self.cards.atr:
            self.cards._see(pcsc_watcher.CardGone())
        self.thread.card = card
        card.power_on()
        self.cards._see(pcsc_watcher.CardSeen(card.atr))
        return self.identify()

    def identify(self):
        before = self.thread.card.apdu_count
        return self.do(b.Identify(1)), self.thread.card.apdu_count - before

    def do(self, order):
        """The one event of an order."""
        self.events.clear()

        async def done():
            self.cards.do(order, self.box)
            while self.cards._tasks:
                await asyncio.wait(self.cards._tasks)

        self.loop.run_until_complete(done())
        (event,) = self.events
        return event


@pytest.fixture
def desk():
    made = Desk()
    yield made
    made.close()


def card_of(model="cps3", pki=None, **options):
    return MODELS[model](pki, **options)


def known(desk, card):
    """The card was in before, and is known when it comes again."""
    first, cold = desk.insert(card)
    assert isinstance(first, b.Identified)
    again, warm = desk.insert(card)
    assert isinstance(again, b.Identified)
    assert warm < COLD < cold


SIGN = b.Sign(2, kit.ask(), 0, verify=True)


def order(desk, wanted):
    desk.box = b.Box(tries=3 if not isinstance(wanted, b.UnblockPin) else 10)
    return desk.do(wanted)


# --- a renewed certificate in the place of the old one, the directory unchanged --------------------------------------


@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_a_signature_that_does_not_verify_ends_the_belief(desk, model):
    known(desk, card_of(model))
    renewed = card_of(model, RENEWED)
    found, warm = desk.insert(renewed)
    assert (warm < COLD, found.card.name) == (True, "S. DURAND-TEST")  # as remembered: the directory says nothing
    assert order(desk, SIGN) == b.Failed(2, "signature-invalid")
    found, cold = desk.insert(renewed)
    assert cold > COLD
    assert found.card.name != "S. DURAND-TEST"
    assert isinstance(order(desk, SIGN), b.Signed)


@pytest.mark.parametrize("model", ["cps3", "cps4"])
@pytest.mark.parametrize("result", ["expired", "untrusted", "not-yet-valid"])
def test_a_remembered_certificate_that_is_not_good_is_read_again(desk, model, result):
    known(desk, card_of(model))
    desk.trust.results[desk.cards.found.signature.der] = result
    found, commands = desk.insert(card_of(model, RENEWED))
    assert commands > COLD
    assert (found.card.trust, found.card.name) == ("good", desk.cards.found.holder.short)
    assert desk.cards.found.signature.public_key.public_numbers() == RENEWED.signature.key.public_key().public_numbers()
    assert isinstance(order(desk, SIGN), b.Signed)


def test_what_keeps_a_remembered_card_from_signing_is_read_again(desk):
    known(desk, card_of())
    desk.trust.barred["good"] = "card-denied"
    found, commands = desk.insert(card_of())
    assert (found.card.barred, commands > COLD) == ("card-denied", True)


def test_a_card_that_stays_bad_is_read_again_once(desk):
    known(desk, card_of())
    desk.trust.results[desk.cards.found.signature.der] = "expired"
    plays = desk.thread.played
    found, commands = desk.insert(card_of())
    assert (found.card.trust, commands > COLD, desk.thread.played - plays) == ("expired", True, 2)


def test_a_card_nobody_knew_is_read_once_whatever_it_is_worth(desk):
    card = card_of()
    desk.insert(card)
    der = desk.cards.found.signature.der
    desk.cards._memory = {}
    desk.trust.results[der] = "untrusted"
    plays = desk.thread.played
    assert desk.insert(card)[0].card.trust == "untrusted"
    assert desk.thread.played - plays == 1


def test_without_the_time_another_reading_helps_nobody(desk):
    known(desk, card_of())
    desk.trust.results[desk.cards.found.signature.der] = "unknown"
    desk.trust.barred["unknown"] = "clock-unset"
    found, commands = desk.insert(card_of())
    assert (found.card.trust, commands < COLD) == ("unknown", True)


# --- codes whose form changed, the directory unchanged ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "pins", "kind"),
    [
        (SIGN, ("9999",), b.PinRejected),
        (b.ReadSituations(2), ("9999",), b.PinRejected),
        (b.ChangePin(2), ("9999", "8765"), b.PinRejected),
        (b.UnblockPin(2), ("87654321", "8765"), b.PukRejected),
    ],
)
@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_after_a_wrong_code_the_card_is_read_anew_when_it_comes_again(desk, model, wanted, pins, kind):
    card = card_of(model)
    known(desk, card)
    desk.thread.pins = pins
    assert isinstance(order(desk, wanted), kind)
    assert desk.insert(card)[1] > COLD
    assert desk.insert(card)[1] < COLD  # and believed again from then on


def test_a_field_of_another_form_is_found_out_after_one_wrong_try(desk):
    known(desk, card_of(pin_digits=(4, 8)))
    other = card_of(pin_digits=(6, 6), pin="123456")
    assert desk.insert(other)[0].card.pin_min == 4
    desk.thread.pins = ("9999",)
    assert isinstance(order(desk, SIGN), b.PinRejected)
    assert (desk.insert(other)[0].card.pin_min, desk.cards.found.tries_left) == (6, 2)


@pytest.mark.parametrize(("blocked", "wanted"), [(1, b.ChangePin(2)), (2, b.UnblockPin(2))])
def test_a_blocked_code_likewise(desk, blocked, wanted):
    card = card_of()
    known(desk, card)
    card.counters[blocked].left = 0
    desk.box = b.Box(tries=0)
    event = desk.do(wanted)
    assert (event.ticket, event.tries) == (2, 0)
    assert desk.insert(card)[1] > COLD


@pytest.mark.parametrize("error", [CardRemoved("gone"), OutcomeUnknown("gone")])
def test_a_loss_says_nothing_of_what_is_remembered(desk, error):
    card = card_of()
    known(desk, card)
    desk.thread.errors = [error]
    assert order(desk, SIGN) == b.Failed(2, error.code)
    assert desk.insert(card)[1] < COLD


def test_what_is_forgotten_is_the_card_that_was_tried_even_when_it_is_gone(desk):
    card = card_of()
    known(desk, card)
    tried = desk.thread.play

    def pulled(script, *, hold=False):
        future = tried(script, hold=hold)
        desk.cards._see(pcsc_watcher.CardGone())
        desk.events.clear()
        return future

    desk.thread.play, desk.thread.pins = pulled, ("9999",)
    assert isinstance(order(desk, SIGN), b.PinRejected)
    desk.thread.play = tried
    assert desk.insert(card)[1] > COLD


# --- how an identification ends ---------------------------------------------------------------------------------------


def test_reset_twice_in_a_row_is_not_a_busy_card(desk):
    desk.thread.errors = [CardReset("verified"), CardReset("verified"), CardReset("verified")]
    assert desk.insert(card_of())[0] == b.Held(1)
    assert desk.identify()[0] == b.Failed(1, "card-unsupported")
    assert desk.insert(desk.thread.card)[0] == b.Held(1)  # another insertion begins anew


def test_a_busy_card_stays_a_busy_card(desk):
    desk.thread.errors = [ReaderBusy("held"), ReaderBusy("held"), CardReset("reset"), ReaderBusy("held")]
    assert desk.insert(card_of())[0] == b.Held(1)
    assert [desk.identify()[0] for _ in range(3)] == [b.Held(1)] * 3
    assert isinstance(desk.identify()[0], b.Identified)


def test_a_card_that_left_while_the_box_waited_is_not_played_on(desk, monkeypatch):
    monkeypatch.setattr(cards, "BUSY_RETRY", 0)
    desk.thread.errors = [ReaderBusy("held")]
    assert desk.insert(card_of())[0] == b.Held(1)
    desk.box = b.Box(fault="reader-busy")
    plays, slept = desk.thread.played, asyncio.sleep

    async def sleep(seconds):
        desk.cards._see(pcsc_watcher.CardGone())
        desk.events.clear()
        await slept(seconds)

    monkeypatch.setattr(cards.asyncio, "sleep", sleep)
    assert desk.do(b.Identify(1)) == b.Failed(1, "card-removed")
    assert desk.thread.played == plays


def test_a_card_that_left_while_it_was_read_is_not_the_card_in(desk):
    def pull():
        desk.cards._see(pcsc_watcher.CardGone())
        desk.events.clear()

    desk.scribe.meanwhile = pull
    assert desk.insert(card_of())[0] == b.Failed(1, "card-removed")
    assert desk.cards.found is None


def test_a_card_without_an_atr_is_mute(desk):
    desk.thread.card = card_of()
    desk.cards._see(pcsc_watcher.CardSeen(b""))
    assert desk.do(b.Identify(1)) == b.Failed(1, "card-mute")
