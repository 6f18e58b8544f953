"""Every event of the flow, made at any moment of its world (``flow_world``), as a hypothesis machine.

What it is: one way to make each event, with a few variants, and rules that choose. Answers of the card end an order
that is in flight, or come with a ticket of another moment; keys obey the keypad (digits only while armed, none frozen).
"""

import dataclasses

import flow_kit as kit
from flow_world import World
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from appliance.keypad import entry as keys
from appliance.vault import box as b
from appliance.vault import flow
from appliance.vault.box import State

FAULTS = ("card-mute", "card-reset", "card-removed", "reader-absent", "outcome-unknown", "pin-blocked", "internal")
TTLS = (300, 120, 20, 1)
BINDINGS = ({}, {}, {}, {"signer": "holder-1"}, {"signer": "somebody-else"}, {"card_session": "insertion-1"})
PASSING = (0.0, 0.4, 3.0, 12.0, 45.0, 100.0)
VARIANTS = 24
PIN_MAX = kit.card().pin_max


def attach(world, _variant=0):
    world.reader = True
    world.feed(b.ReaderAttached())


def lose(world, variant):
    world.reader, world.inserted = False, None
    world.feed(b.ReaderLost(("reader-absent", "reader-busy")[variant % 2]))


def insert(world, variant=0):
    """Variants 0 to 3 are cards with 3 to 0 tries; the others now and then a patient's."""
    world.insertions += 1
    session = f"insertion-{world.insertions}"
    if world.reader:
        world.inserted, world.tries = session, 3 - variant % 4
    world.feed(b.CardInserted(session, "cps3", patient=variant > 4 and variant % 3 == 0))


def remove(world, _variant=0):
    world.inserted = None
    world.feed(b.CardRemoved())


def ask(world, variant=0):
    number = len(world.requests) + 1
    members = {"ttl": TTLS[variant // 6], **BINDINGS[variant % 6]}
    world.feed(b.Asked(kit.ask(number, now=world.now, count=1 + number % 3, **members)))


def cancel(world, variant):
    mine = variant % 2 == 0
    world.feed(b.Cancelled(kit.CLIENT if mine else "other-desk", world.box.ask.id if world.box.ask else "no-such-id"))


def display(world, variant):
    world.display = variant % 2 == 0
    world.feed(b.DisplayChanged(world.display))


def keypad(world, variant):
    world.keypad = variant % 2 == 0
    world.feed(keys.KeyFault(world.keypad))


def time(world, variant):
    """The time the box waits for; or any other, for an Elapsed may be late."""
    end = flow.deadline(world.box, world.now)
    if variant % 2 and end is not None:
        world.now = max(world.now, end)
    else:
        world.now += PASSING[variant // 2 % len(PASSING)]
    world.feed(b.Elapsed())


def digit(world, _variant=0):
    if not world.armed:
        world.feed(keys.Digit())  # on its way when the entry ended
    elif world.digits == PIN_MAX:
        world.feed(keys.Full())
    elif not world.frozen:
        world.digits += 1
        world.feed(keys.Digit())


def clear(world, _variant=0):
    if world.armed and world.frozen:
        return
    world.digits = 0 if world.armed else world.digits
    world.feed(keys.Clear())


def key(event):
    return lambda world, _variant=0: world.feed(event)


def answer(kind, order_kind):
    """An order in flight ends with ``kind``; when there is none, or half the time, an answer of another moment."""

    def make(world, variant):
        tickets = [ticket for ticket, order in world.orders.items() if isinstance(order, order_kind)]
        if tickets and variant % 4:
            finish_order(world, tickets[variant % len(tickets)], kind, variant)
            return
        before = world.box
        late = dataclasses.replace(kit.EXAMPLES[kind](before), ticket=before.ticket + (1 if variant % 2 else -1))
        world.feed(late)
        assert world.box is before

    return make


def finish_order(world, ticket, kind, variant=0):
    order = world.orders.pop(ticket)
    if kind is b.Identified:
        world.feed(b.Identified(ticket, kit.card(world.inserted or "gone", expired=variant == VARIANTS - 1)))
    elif kind is b.TriesRead:
        world.feed(b.TriesRead(ticket, world.tries))
    elif kind is b.Held:
        world.feed(b.Held(ticket))
    elif kind is b.Failed:
        code = FAULTS[variant % len(FAULTS)]
        world.pulled |= {ticket} if code == "card-removed" else set()
        world.tries = 0 if code == "pin-blocked" and isinstance(order, b.Sign | b.ReadTries) else world.tries
        world.feed(b.Failed(ticket, code))
    elif order.verify and (kind is b.PinRejected or world.tries == 0):
        world.tries = max(0, world.tries - 1)
        world.feed(b.PinRejected(ticket, world.tries))
    else:
        world.requests[order.ask.id].signed += 1
        world.feed(b.Signed(ticket, kit.result(order.index)))


HAPPENINGS = {
    b.ReaderAttached: attach,
    b.ReaderLost: lose,
    b.CardInserted: insert,
    b.CardRemoved: remove,
    b.Identified: answer(b.Identified, b.Identify),
    b.Asked: ask,
    b.Cancelled: cancel,
    b.TriesRead: answer(b.TriesRead, b.ReadTries),
    b.PinRejected: answer(b.PinRejected, b.Sign),
    b.Signed: answer(b.Signed, b.Sign),
    b.Failed: answer(b.Failed, b.Identify | b.ReadTries | b.Sign),
    b.Held: answer(b.Held, b.Identify),
    b.DisplayChanged: display,
    b.LinkChanged: lambda world, variant: world.feed(b.LinkChanged(variant % 2 == 0)),
    b.Elapsed: time,
    keys.Digit: digit,
    keys.Clear: clear,
    keys.KeyFault: keypad,
    **{kind: key(kind()) for kind in (keys.Full, keys.Validate, keys.Refuse, keys.Agree, keys.Previous, keys.Next)},
}
"""Event -> how the world makes it."""

ON_THE_WAY = {b.Identify: b.Identified, b.ReadTries: b.TriesRead}

GOALS = [
    *((state, state is not State.PIN_WRONG, 1 if state is State.LAST_TRY else 3) for state in State),
    *((state, False, 3) for state in (State.COUNTING, State.RESULT)),
    *((state, True, 1) for state in (State.PIN, State.SIGNING)),
]
"""Where to go: a state, whether PINs are right on the way, and the tries of a card that must come in."""


def go(world, goal, right, tries):
    """Do what leads to ``goal``, mostly what a person would; without this, chance seldom gets past the consent."""
    for _ in range(60):
        if world.box.state is goal:
            break
        DETOURS.get((world.box.state, goal), lambda world: go_on(world, right=right, tries=tries))(world)


def go_on(world, *, right, tries):
    match world.box.state:
        case State.STARTING | State.NO_READER:
            attach(world)
        case State.EMPTY | State.WAIT_CARD if world.inserted is None:
            insert(world, 3 - tries)
        case State.READY:
            display(world, 0)
            keypad(world, 0)
            ask(world)
        case State.UNREADABLE | State.WAIT_CARD:
            remove(world)
        case State.CONSENT:
            last = world.box.page == len(world.box.ask.consent.pages)
            world.feed(keys.Agree() if last else keys.Next())
        case State.LAST_TRY | State.PIN_WRONG | State.RESULT:
            world.feed(keys.Agree())
        case State.PIN if world.digits < PIN_MAX:
            digit(world)
        case State.PIN:
            world.feed(keys.Validate())
        case _ if world.box.ticket in world.orders:
            kind = ON_THE_WAY.get(type(world.orders[world.box.ticket]), b.Signed if right else b.PinRejected)
            finish_order(world, world.box.ticket, kind)
        case _:
            remove(world)


def read_badly(world):
    finish_order(world, world.box.ticket, b.Failed)


DETOURS = {
    (State.EMPTY, State.NO_READER): lambda world: lose(world, 0),
    (State.READING, State.UNREADABLE): read_badly,
    (State.READY, State.EMPTY): remove,
    (State.READY, State.READING): remove,
    (State.EMPTY, State.WAIT_CARD): ask,
}
"""State and goal -> the step there, where it is not the way to a signature."""


def sweep(goal):
    """Every event in the state of ``goal``, each in a world of its own, and then the way back to rest."""
    for make in HAPPENINGS.values():
        for variant in (0, 1, 2, 3, 7, 9, 10, 23):
            world = World()
            go(world, *goal)
            assert world.box.state is goal[0]
            if variant == 10 and world.box.ask is None:
                ask(world)
            make(world, variant)
            go(world, State.READY, right=variant not in {1, 7}, tries=3)
            assert world.box.state is State.READY, "there is no way back"


class Promises(RuleBasedStateMachine):
    """A world, and anything that may happen in it."""

    def __init__(self):
        super().__init__()
        self.world = World()

    @initialize(goal=st.sampled_from(GOALS))
    def begin(self, goal):
        go(self.world, *goal)

    @rule(goal=st.sampled_from(GOALS[1:]), kind=st.sampled_from(list(HAPPENINGS)), variant=st.integers(0, VARIANTS - 1))
    def happen_there(self, goal, kind, variant):
        go(self.world, *goal)
        HAPPENINGS[kind](self.world, variant)

    @rule(kind=st.sampled_from(list(HAPPENINGS)), variant=st.integers(0, VARIANTS - 1))
    def happen(self, kind, variant):
        HAPPENINGS[kind](self.world, variant)

    @rule(kind=st.sampled_from(list(HAPPENINGS)), variant=st.integers(0, VARIANTS - 1))
    def happen_too(self, kind, variant):
        HAPPENINGS[kind](self.world, variant)
