"""A card, a person, software and another program, in any order: what the box promises about tries and secrets holds.

Hypothesis chooses what happens; the box is the product's own tables, drivers, keys and card work (``card_desk``), the
card is a soft one with its own counters, and ``card_judge`` says what must be true all the time.
"""

import ctypes
import logging
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from card_desk import Desk, quiet
from card_judge import IN_SESSION, PIN, PUK, Judge, seen
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from appliance.contract.messages import PracticeRequest
from appliance.errors import CardRemoved, OutcomeUnknown, PinWrong
from appliance.secret import Secret
from appliance.simulator.faults import Fault, Kind
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.softcps4 import SoftCps4
from appliance.vault import box as b
from appliance.vault import flow, work
from appliance.vault import flow_pin as pin
from appliance.vault.box import Errand, State
from appliance.vault.cards import Cards

sys.path.insert(0, str(Path(__file__).parents[1] / "vault"))
import flow_kit as kit

pytestmark = pytest.mark.usefixtures("uncounted")

CODE, OTHER_CODE, WRONG, LETTER, WRONG_LETTER = "73918264", "58204617", "91827364", "86427531", "13572468"
CODES = (CODE, OTHER_CODE, WRONG, LETTER, WRONG_LETTER)
RULE = b.SessionRule(signatures=4, seconds=600)
WISHES = ("sign", "session", "practice", "change", "unblock")
KEYS = "0123456789ABCD*#"
INSTRUCTIONS = (None, 0x20, 0x24, 0x2C, 0x2A, 0xB0)


class Machine(RuleBasedStateMachine):
    """One desk, and whatever may happen at it."""

    make = SoftCps3

    def __init__(self):
        super().__init__()
        card = self.make(TestPki.generate(), pin=CODE, puk=LETTER, pin_digits=(4, 8))
        self.handler, self.records = quiet()
        logging.getLogger("appliance").addHandler(self.handler)
        logging.getLogger("appliance").setLevel(logging.DEBUG)
        self.judge = Judge(CODE, LETTER, CODES, {PIN: PIN, PUK: PUK, PIN | 0x80: PIN, PUK | 0x80: PUK})
        self.desk = Desk(card, self.judge, RULE)
        self.asked = 0

    def teardown(self):
        try:
            if not self.judge.failed:
                self.desk.settle()
                self.judge.closing(self.desk, self.records)
        finally:
            self.desk.close()
            logging.getLogger("appliance").removeHandler(self.handler)

    # --- what may happen --------------------------------------------------------------------------------------------

    @initialize()
    def begin(self):
        self.desk.insert()
        self.desk.settle()

    @rule(settle=st.booleans())
    def insert(self, settle):
        self.desk.insert()
        self._settle(settle=settle)

    @rule(settle=st.booleans())
    def remove(self, settle):
        self.desk.remove()
        self._settle(settle=settle)

    @rule(key=st.sampled_from(KEYS), settle=st.booleans())
    def press(self, key, settle):
        self.desk.press(key)
        self._settle(settle=settle)

    @rule(key=st.sampled_from("AC"))
    def hold(self, key):
        self.desk.press(key)
        self.desk.hold(key)
        self.desk.settle()

    @rule(ins=st.sampled_from(INSTRUCTIONS), command=st.integers(1, 6), byte=st.integers(0, 40))
    def tear(self, ins, command, byte):
        """The next card work that gets so far is cut at that byte."""
        self.desk.card.arm(Fault(Kind.CUT, ins=ins, command=command, byte=byte))

    @rule()
    def forget_the_tear(self):
        self.desk.card.disarm()

    @rule()
    def another_program(self):
        self.desk.steal()
        self.desk.settle()

    @rule(seconds=st.sampled_from((None, None, 1.0, 40.0, 700.0)))
    def wait(self, seconds):
        self.desk.wait(seconds)
        self.desk.settle()

    @rule(count=st.integers(1, 3), client=st.sampled_from((kit.CLIENT, "other-desk")))
    def ask(self, count, client):
        self._ask(count, client)
        self.desk.settle()

    @rule()
    def look(self):
        self.asked += 1
        request = PracticeRequest(v=1, id=kit.ask(self.asked).id)
        self.desk.feed(b.Asked(b.Look(kit.CLIENT, request, self.desk.now + 120)))
        self.desk.settle()

    @rule(code=st.sampled_from(CODES), settle=st.booleans())
    def type(self, code, settle):
        self._type(code)
        self._settle(settle=settle)

    @rule(
        wish=st.sampled_from(WISHES),
        right=st.booleans(),
        steps=st.integers(1, 14),
    )
    def go_on(self, wish, right, steps):
        """What a person would do who wants something, for a while; without this, chance seldom gets to a code."""
        for _ in range(steps):
            self._go_on(wish, right=right)
            self.desk.settle()

    # --- how a person does it ---------------------------------------------------------------------------------------

    def _settle(self, *, settle):
        if settle:
            self.desk.settle()

    def _ask(self, count=1, client=kit.CLIENT):
        self.asked += 1
        self.desk.feed(b.Asked(kit.ask(self.asked, now=self.desk.now, count=count, client=client)))

    def _type(self, code):
        for key in f"*{code}#":
            self.desk.press(key)

    def _go_on(self, wish, *, right):
        desk, box = self.desk, self.desk.box
        match box.state:
            case State.EMPTY | State.WAIT_CARD if not desk.inside:
                desk.insert()
            case State.UNREADABLE | State.WAIT_CARD:
                desk.remove()
            case State.READY:
                self._begin(wish)
            case State.MENU:
                desk.press("C" if wish == "unblock" and box.page == 1 else "A")
            case State.CONSENT if box.page < box.ask.pages:
                desk.press("C")
            case State.CONSENT if wish == "session":
                desk.press("C")
                desk.hold("C")
                desk.press("A")
            case State.PIN if box.errand is Errand.UNBLOCK:
                self._type(self.judge.value[PUK] if right else WRONG_LETTER)
            case State.PIN:
                self._type(self.judge.value[PIN] if right else WRONG)
            case State.NEW_PIN | State.AGAIN:
                self._type(OTHER_CODE if self.judge.value[PIN] != OTHER_CODE else CODE)
            case _:
                self._agree()

    def _agree(self):
        if self.desk.box.state is State.LAST_TRY:
            self.desk.wait(1.0)
        self.desk.press("A")

    def _begin(self, wish):
        if wish in ("change", "unblock"):
            self.desk.press("A")
            self.desk.hold("A")
        elif wish == "practice":
            self.look()
        else:
            self._ask(1 + self.asked % 2)


class Machine4(Machine):
    """The same before a CPS4."""

    make = SoftCps4


REACHED = {State.LAST_TRY, State.SESSION, State.AGAIN, State.RESULT}
REACHED |= {IN_SESSION, b.Signed, b.Changed, b.SituationsRead, b.PinRejected, b.PukRejected}
BUDGET = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


MACHINES = pytest.mark.parametrize("machine", [Machine, Machine4], ids=["cps3", "cps4"])


@MACHINES
def test_whatever_happens(machine):
    run_state_machine_as_test(machine, settings=BUDGET)


@MACHINES
def test_a_person_gets_everywhere(machine):
    """What ``go_on`` does leads to every prompt and every end: the machine above is not idle."""
    seen.clear()
    for wish in WISHES:
        for right in (True, False):
            desk = machine()
            desk.begin()
            for _ in range(60):
                desk._go_on(wish, right=right)
                desk.desk.settle()
            desk.teardown()
    assert not {wanted for wanted in REACHED if not seen[wanted]}


def prompt_at_the_last_try(monkeypatch):
    def row(box, event, now):
        known = pin.counted(box, event.tries)
        return pin.prompt(known, None, now) if event.tries else pin.tries_read(box, event, now)

    monkeypatch.setitem(flow.TABLE[State.COUNTING], b.TriesRead, row)


def verify_twice(monkeypatch):
    def script(driver, layout, _tries):
        yield from driver.verify(layout)
        yield from driver.verify(layout)

    monkeypatch.setattr(Secret, "clear", lambda _secret, _slot: None)  # an emptied page refuses a second one by itself
    monkeypatch.setattr(work, "read_situations", script)


def leave_the_card_open(monkeypatch):
    async def nothing(_cards):
        """The order is not carried out."""

    monkeypatch.setattr(Cards, "_reset", nothing)


def keep_the_page(monkeypatch):
    monkeypatch.setattr(Secret, "wipe", lambda _secret: None)
    monkeypatch.setattr(Secret, "clear", lambda _secret, _slot: None)


def log_what_is_sent(monkeypatch):
    begun = Secret.command

    @contextmanager
    def command(secret, header, blocks):
        with begun(secret, header, blocks) as (address, length):
            logging.getLogger("appliance.vault").debug("%s", ctypes.string_at(address, length).hex(" "))
            yield address, length

    monkeypatch.setattr(Secret, "command", command)


def call_a_removal_a_wrong_code(monkeypatch):
    judged = Cards._judge

    def judge(cards, ticket, error):
        judged(cards, ticket, PinWrong(2) if isinstance(error, (CardRemoved, OutcomeUnknown)) else error)

    monkeypatch.setattr(Cards, "_judge", judge)


FAULTS = {
    prompt_at_the_last_try: "the last try without its own A",
    verify_twice: "a second try under one #|more tries than #|other counters than the model",
    leave_the_card_open: "the card is left open|a transaction without a session",
    keep_the_page: "digits left in the page",
    log_what_is_sent: "a code in a log",
    call_a_removal_a_wrong_code: "not what the box is told",
}


@MACHINES
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_faulty_box_is_found_out(machine, fault, monkeypatch):
    fault(monkeypatch)
    once = settings(BUDGET, max_examples=400, phases=[Phase.generate], database=None, report_multiple_bugs=False)
    with pytest.raises(AssertionError, match=FAULTS[fault]):
        run_state_machine_as_test(machine, settings=once)
