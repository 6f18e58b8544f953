"""Whether a card may open, and its proof: the doorkeeper, the script, and the orders of ``vault.cards``."""

import asyncio
import dataclasses
import datetime as dt
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import flow_kit as kit
import pytest
from card_identity import identity_of, soft_card

from appliance import config
from appliance.card.apdu import Command
from appliance.card.chain import Judgement
from appliance.card.cps3 import Cps3
from appliance.card.cps4 import Cps4
from appliance.card.script import play
from appliance.errors import (
    ApplianceError,
    CardMute,
    CardRemoved,
    CardReset,
    JournalError,
    OutcomeUnknown,
    PinBlocked,
    PinWrong,
    ReaderAbsent,
    SignatureInvalid,
)
from appliance.secret import Secret
from appliance.signing.challenge import Challenge
from appliance.simulator.softmodels import MODELS
from appliance.vault import box as b
from appliance.vault import cards, clock, doorkeeper, pcsc_watcher, service, work
from appliance.vault.doorkeeper import Doorkeeper, door_rule

sys.path.insert(0, str(Path(__file__).parents[1] / "card"))
from card_kit import carrier

HOLDER = "0123456789abcdef" * 2
SUNDAY = dt.datetime(2026, 11, 29, 12, 0, tzinfo=dt.UTC)


class Store:
    """Judges every certificate alike, and refuses as a box does that takes only good ones."""

    def __init__(self, result="good", **bars):
        self.result, self.barred = result, bars
        self.judged = []

    def judge_signer(self, certificate):
        self.judged.append(certificate)
        return Judgement(self.result)

    def bars(self, use, result):
        assert use == "door"
        return None if result == "good" else self.barred.get(result, "certificate-invalid")


def door(text=""):
    return config.parse(f'[device]\nid = "box-1"\n[door]\nenabled = true\n{text}').door


# --- may it -----------------------------------------------------------------------------------------------------------


def test_a_good_card_of_anybody_may():
    store = Store()
    assert Doorkeeper("box-1", door(), store).refusal(HOLDER, identity_of().authentication) is None
    assert store.judged == [identity_of().authentication]


@pytest.mark.parametrize(
    ("result", "code"), [("expired", "card-expired"), ("unknown", "clock-unset"), ("untrusted", "certificate-invalid")]
)
def test_another_certificate_may_not(result, code):
    store = Store(result, **{result: code})
    assert Doorkeeper("box-1", door(), store).refusal(HOLDER, identity_of().authentication) == code


def test_who_is_not_admitted_is_refused_before_any_certificate_is_looked_at():
    store = Store("untrusted")
    keeper = Doorkeeper("box-1", door('admit = ["' + "f" * 32 + '"]'), store)
    assert keeper.refusal(HOLDER, identity_of().authentication) == "card-denied"
    assert store.judged == []
    admitting = Doorkeeper("box-1", door(f'admit = ["{HOLDER}"]'), Store())
    assert admitting.refusal(HOLDER, identity_of().authentication) is None


@pytest.mark.parametrize(
    ("hours", "now", "code"),
    [
        ('{ sun = ["00:00-24:00"] }', SUNDAY, None),
        ('{ mon = ["00:00-24:00"] }', SUNDAY, "door-hours"),
        ('{ sun = ["00:00-24:00"] }', clock.BUILT - dt.timedelta(seconds=1), "clock-unset"),
    ],
)
def test_the_time_table_and_a_clock_that_nobody_set(monkeypatch, hours, now, code):
    monkeypatch.setattr(doorkeeper.clock, "wall", lambda: now)
    keeper = Doorkeeper("box-1", door(f"hours = {hours}"), Store())
    assert keeper.refusal(HOLDER, identity_of().authentication) == code


def test_the_hours_are_those_of_the_wall(monkeypatch):
    """23:30 UTC on Sunday is Monday morning in France."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        monkeypatch.setattr(doorkeeper.clock, "wall", lambda: SUNDAY.replace(hour=23, minute=30))
        keeper = Doorkeeper("box-1", door('hours = { mon = ["00:00-01:00"] }'), Store())
        assert keeper.refusal(HOLDER, identity_of().authentication) is None
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_box_without_a_door_opens_none():
    shipped = config.parse('[device]\nid = "box-1"\n').door
    assert door_rule(shipped) is None
    assert Doorkeeper("box-1", shipped, Store()).refusal(HOLDER, identity_of().authentication) == "door-absent"


def test_a_weak_door_says_so_in_the_log(caplog):
    assert door_rule(door()) == b.DoorRule()
    assert caplog.text == ""
    assert door_rule(door("presence_only = true\nat_insertion = true")) == b.DoorRule(True, True)
    assert "presence_only" in caplog.text
    assert "weak" in caplog.text


def test_no_challenge_is_asked_twice():
    keeper = Doorkeeper("box-1", door(), Store())
    asked = [keeper.challenge() for _ in range(64)]
    assert len({challenge.message for challenge in asked}) == 64
    assert {challenge.device for challenge in asked} == {"box-1"}


# --- the proof --------------------------------------------------------------------------------------------------------


class Scripted:
    """A driver that notes its calls; each is one command, and the one that is named fails."""

    def __init__(self, tries=3, **errors):
        self.calls, self.tries, self.errors = [], tries, errors

    def _say(self, name):
        self.calls.append(name)
        yield Command(0, 0, 0, 0)
        if name in self.errors:
            raise self.errors[name]

    def tries_left(self, _layout):
        yield from self._say("tries_left")
        return self.tries

    def verify(self, _layout):
        yield from self._say("verify")

    def authenticate(self, _layout, digest):
        yield from self._say("authenticate")
        return b"proof of " + digest


def prove(driver, tries=3):
    return play(work.prove(driver, identity_of().layout, tries, b"d" * 32), lambda _apdu: b"\x90\x00")


def test_the_counter_then_one_try_then_the_proof():
    driver = Scripted(tries=2)
    assert prove(driver, 2) == b"proof of " + b"d" * 32
    assert driver.calls == ["tries_left", "verify", "authenticate"]


def test_a_counter_that_moved_stops_before_the_try():
    driver = Scripted(tries=2)
    with pytest.raises(CardReset):
        prove(driver, 3)
    assert driver.calls == ["tries_left"]


@pytest.mark.parametrize("error", [PinWrong(2), PinBlocked(), CardRemoved("out"), CardReset("taken")])
def test_without_a_right_code_nothing_is_proved(error):
    driver = Scripted(verify=error)
    with pytest.raises(type(error)):
        prove(driver)
    assert driver.calls == ["tries_left", "verify"]


@pytest.mark.parametrize("loss", [CardRemoved, CardMute, ReaderAbsent])
def test_a_proof_whose_answer_is_lost_is_that_loss_and_no_unknown_outcome(loss):
    unknown = OutcomeUnknown("no answer")
    unknown.__cause__ = loss("gone")
    with pytest.raises(loss):
        prove(Scripted(authenticate=unknown))
    with pytest.raises(OutcomeUnknown):  # one of which nobody knows why stays itself
        prove(Scripted(authenticate=OutcomeUnknown("no answer")))


@pytest.mark.parametrize(("model", "driver"), [("cps3", Cps3), ("cps4", Cps4)])
def test_a_card_proves_itself_by_its_authentication_key(model, driver):
    card = MODELS[model](None)
    card.power_on()
    found = play(driver().identify({}), carrier(card.transmit)).identity
    challenge = Challenge("box-1", bytes(32))
    script = work.prove(driver(), found.layout, found.tries_left, challenge.digest)
    signature = play(script, carrier(card.transmit, "1234"))
    found.authentication.check(signature, challenge.message)
    with pytest.raises(SignatureInvalid):
        found.signature.check(signature, challenge.message)
    with pytest.raises(SignatureInvalid):
        found.authentication.check(signature, Challenge("box-2", bytes(32)).message)


# --- the orders -------------------------------------------------------------------------------------------------------


class Thread:
    """The card thread, its scripts played at once on ``card``; ``spoil`` changes what a script gives."""

    def __init__(self):
        self.card, self.held, self.spoil = None, [], lambda answer: answer

    def play(self, script, *, hold=False):
        self.held.append(hold)
        future = Future()
        try:
            future.set_result(self.spoil(play(script(), carrier(self.card.transmit, "1234"))))
        except ApplianceError as error:
            future.set_exception(error)
        return future

    def leave(self):
        """The card is gone."""


class Scribe:
    async def holder_tag(self, _identity):
        return HOLDER


class Desk:
    """``Cards`` with a soft card in, in a loop of its own."""

    def __init__(self, keeper):
        self.loop, self.secret, self.events, self.thread = asyncio.new_event_loop(), Secret(), [], Thread()

        async def connect():
            return cards.Cards(
                self.secret,
                Scribe(),
                self.events.append,
                shared=False,
                roles={},
                trust=Signers(),
                may_not_sign=(),
                doorkeeper=keeper,
            )

        self.cards = self.loop.run_until_complete(connect())
        self.cards._thread = self.thread
        self.thread.card = soft_card()
        self.cards._see(pcsc_watcher.CardSeen(self.thread.card.atr))
        self.card = self.do(b.Identify(1), b.Box()).card
        self.box = b.Box(signer=self.card, tries=3)

    def do(self, order, box=None):
        self.events.clear()

        async def done():
            self.cards.do(order, box or self.box)
            while self.cards._tasks:
                await asyncio.wait(self.cards._tasks)

        self.loop.run_until_complete(done())
        (event,) = self.events
        return event

    def close(self):
        self.secret.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class Signers(Store):
    def bars(self, use, result):
        return None if use == "sign" else super().bars(use, result)


@pytest.fixture
def desk_with():
    made = []

    def make(keeper):
        made.append(Desk(keeper))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


def test_the_orders_of_a_card_that_may(desk_with):
    desk = desk_with(Doorkeeper("box-1", door(), Store()))
    assert desk.do(b.CheckDoor(7)) == b.DoorChecked(7, None)
    assert desk.do(b.Prove(8)) == b.Proven(8)
    assert desk.thread.held[-1] is True  # what was verified is reset by us, and by nobody else's leave
    assert desk.thread.card.verify_count == 1


def test_the_check_looks_at_the_holder_and_the_certificate_of_the_card_in(desk_with):
    store = Store("expired", expired="card-expired")
    desk = desk_with(Doorkeeper("box-1", door(), store))
    assert desk.do(b.CheckDoor(7)) == b.DoorChecked(7, "card-expired")
    assert store.judged == [desk.cards.found.authentication]
    denying = Doorkeeper("box-1", door('admit = ["' + "f" * 32 + '"]'), store)
    assert desk_with(denying).do(b.CheckDoor(7)) == b.DoorChecked(7, "card-denied")


def test_another_insertion_than_the_one_that_asked_is_not_checked(desk_with):
    desk = desk_with(Doorkeeper("box-1", door(), Store()))
    for signer in (None, kit.card("insertion-of-before")):
        assert desk.do(b.CheckDoor(7), dataclasses.replace(desk.box, signer=signer)) == b.Failed(7, "card-removed")


def test_a_signature_that_does_not_verify_proves_nothing(desk_with):
    desk = desk_with(Doorkeeper("box-1", door(), Store()))
    desk.thread.spoil = lambda answer: bytes(len(answer)) if isinstance(answer, bytes) else answer
    assert desk.do(b.Prove(8)) == b.Failed(8, "signature-invalid")


def test_a_wrong_code_is_counted_and_a_card_gone_is_said(desk_with):
    desk = desk_with(Doorkeeper("box-1", door(), Store()))
    desk.thread.card = soft_card("9876")
    assert desk.do(b.Prove(8)) == b.PinRejected(8, 2)
    desk.cards._see(pcsc_watcher.CardGone())
    assert desk.do(b.Prove(9)) == b.Failed(9, "card-removed")
    assert desk.do(b.CheckDoor(9)) == b.Failed(9, "card-removed")


def test_without_a_doorkeeper_nothing_opens(desk_with):
    desk = desk_with(None)
    assert desk.do(b.CheckDoor(7)) == b.Failed(7, "card-unsupported")
    assert desk.do(b.Prove(8)) == b.Failed(8, "card-unsupported")
    assert desk.thread.card.verify_count == 0


# --- the shell: on disk before the relay ------------------------------------------------------------------------------


class Parts:
    """Ledger and face of a vault, that note in which order they are used; ``error`` ends the ledger's commit."""

    def __init__(self, error=None):
        self.done, self.error = [], error

    async def commit(self, effects):
        self.done.append(("on disk", effects))
        if self.error:
            raise self.error

    def open_door(self):
        self.done.append("open")


def perform(parts, effects):
    vault = object.__new__(service.Vault)
    vault._ledger = vault._face = parts
    asyncio.run(vault._perform(effects))


OPENING = kit.Play(*kit.DOOR_OPEN).effects
TOLD = tuple(effect for effect in OPENING if isinstance(effect, b.Publish | b.OpenDoor))


def test_the_step_is_on_disk_before_the_relay_moves():
    parts = Parts()
    perform(parts, TOLD)
    assert parts.done == [("on disk", TOLD), "open"]
    assert [effect.topic for effect in TOLD[:-1]] == ["pin/verified", "door/opened"]


def test_what_is_not_on_disk_opens_nothing():
    parts = Parts(JournalError("no room"))
    with pytest.raises(JournalError):
        perform(parts, TOLD)
    assert parts.done == [("on disk", TOLD)]
