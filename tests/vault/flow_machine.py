"""Every event of the flow, made at any moment of its world (``flow_world``), as a hypothesis machine.

What it is: one way to make each event, with a few variants, and rules that choose. Answers of the card end an order
that is in flight, or come with a ticket of another moment; keys obey the keypad (digits only while armed, none frozen).
"""

import dataclasses
import enum

import flow_kit as kit
from flow_world import World
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from appliance.keypad import entry as keys
from appliance.secret import Slot
from appliance.vault import box as b
from appliance.vault import flow, flow_menu, flow_selftest
from appliance.vault.box import State

FAULTS = ("card-mute", "card-reset", "card-removed", "reader-absent", "outcome-unknown", "card-refused", "internal")
TTLS = (300, 120, 20, 1)
BINDINGS = ({}, {}, {}, {"signer": "holder-1"}, {"signer": "somebody-else"}, {"card_session": "insertion-1"})
PASSING = (0.0, 0.4, 3.0, 12.0, 45.0, 100.0)
VARIANTS = 24


class Place(enum.Enum):
    """A state with something more to it."""

    OPENED = "session open"
    IN_SESSION = "signing in a session"
    LOOKING = "reading situations"
    UNBLOCKING = "unblocking"
    PROVING = "proving at the door"
    REPEATED = "new code typed twice"
    PROBING = "the keys are only keys"


PLACES = {
    Place.PROBING: flow_selftest.watches,
    Place.OPENED: lambda box: box.state is State.READY and box.session,
    Place.IN_SESSION: lambda box: box.state is State.SIGNING and box.session,
    Place.LOOKING: lambda box: box.state is State.WORKING and box.ask,
    Place.REPEATED: lambda box: box.state is State.AGAIN and box.entry.complete,
    Place.PROVING: lambda box: box.state is State.WORKING and box.errand is b.Errand.DOOR,
    Place.UNBLOCKING: lambda box: box.state is State.WORKING and box.errand is b.Errand.UNBLOCK,
}


def attach(world, _variant=0):
    world.reader = True
    world.feed(b.ReaderAttached())


def lose(world, variant):
    world.reader, world.inserted, world.verified = False, None, False
    world.feed(b.ReaderLost(("reader-absent", "reader-busy")[variant % 2]))


def insert(world, variant=0):
    """Variants 0 to 3 are cards with 3 to 0 tries, of either code; the others now and then a patient's."""
    world.insertions += 1
    session = f"insertion-{world.insertions}"
    if world.reader:
        world.inserted, world.verified = session, False
        world.tries = world.puk = 3 - variant % 4
    world.feed(b.CardInserted(session, "cps3", patient=variant > 4 and variant % 3 == 0))


def remove(world, _variant=0):
    world.inserted, world.verified = None, False
    world.feed(b.CardRemoved())


def judge(world, variant):
    """The card in, or one that was in before; its certificate is over, and is not."""
    over = variant % 2 == 0
    session = "insertion-0" if variant % 5 == 4 else world.inserted or "gone"
    world.feed(b.Judged(session, "expired" if over else "good", test=over, barred="card-expired" if over else None))


def ask(world, variant=0):
    number = len(world.requests) + 1
    if variant % 6 == 5:
        world.feed(b.Asked(kit.look(number, now=world.now)))
        return
    members = {"ttl": TTLS[variant // 6], **BINDINGS[variant % 6]}
    world.feed(b.Asked(kit.ask(number, now=world.now, count=1 + number % 3, **members)))


def cancel(world, variant):
    mine = variant % 2 == 0
    world.feed(b.Cancelled(kit.CLIENT if mine else "other-desk", world.box.ask.id if world.box.ask else "no-such-id"))


def display(world, variant):
    world.display = variant % 2 == 0
    world.feed(b.DisplayChanged(world.display))


def case(world, variant):
    """Opened, or closed; both now and then twice."""
    world.case_open = variant % 3 != 1
    world.locked |= world.case_open
    world.feed(b.CaseChanged(world.case_open))


def rearm(world, _variant=0):
    world.locked &= world.case_open
    world.feed(b.Rearmed())


def card_left(world, variant):
    """The card in, or one that was in before."""
    world.feed(b.CardLeft("insertion-0" if variant % 3 == 2 else world.inserted or "gone"))


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


def most(world):
    """How many digits the slot takes that is typed into."""
    return world.box.entry.maximum


def digit(world, _variant=0):
    if world.armed is None:
        world.feed(keys.Digit())  # on its way when the entry ended
    elif world.digits == most(world):
        world.feed(keys.Full())
    elif not world.frozen:
        world.page[world.armed] += 1
        world.feed(keys.Digit())


def clear(world, _variant=0):
    if world.armed is not None and world.frozen:
        return
    if world.armed is not None:
        world.page[world.armed] = 0
    world.feed(keys.Clear())


def validate(world, variant=0):
    """``#``, and what the page says of the new code: variant 2 typed the old one again, 3 another one than before."""
    differ = world.armed is Slot.AGAIN and (variant % 4 == 3 or world.page[Slot.NEW] != world.digits)
    same = world.armed is Slot.NEW and variant % 4 == 2 and world.page[Slot.OLD] == world.digits > 0
    world.feed(keys.Differ() if differ else keys.Same() if same else keys.Validate())


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
        world.feed(
            b.Identified(
                ticket, kit.card(world.inserted or "gone", barred="card-expired" if variant == VARIANTS - 1 else None)
            )
        )
    elif kind is b.TriesRead:
        world.feed(b.TriesRead(ticket, world.puk if order.puk else world.tries))
    elif kind is b.DoorChecked:
        world.feed(b.DoorChecked(ticket, "card-denied" if variant % 3 == 2 else None))
    elif kind is b.Informed:
        world.orders[ticket] = order
        inform(world, ticket)
    elif kind is b.Held:
        world.feed(b.Held(ticket))
    elif kind is b.Failed:
        code = FAULTS[variant % len(FAULTS)]
        world.pulled |= {ticket} if code == "card-removed" else set()
        if ticket == world.box.ticket:
            world.verified = False  # the card thread resets what failed under its transaction
        world.feed(b.Failed(ticket, code))
    else:
        finish_secret(world, order, wrong=kind in {b.PinRejected, b.PukRejected})


def finish_secret(world, order, *, wrong):
    """An order with a secret, or a signature after one: the card takes the code, or counts."""
    ticket, tries = order.ticket, world.puk if isinstance(order, b.UnblockPin) else world.tries
    if (wrong or tries == 0) and getattr(order, "verify", True):
        world.verified = False
        if isinstance(order, b.UnblockPin):
            world.puk = max(0, tries - 1)
            world.feed(b.PukRejected(ticket, world.puk))
        else:
            world.tries = max(0, tries - 1)
            world.feed(b.PinRejected(ticket, world.tries))
        return
    signer = world.box.signer
    world.verified = signer is not None and signer.session == world.inserted
    match order:
        case b.Sign():
            world.requests[order.ask.id].signed += 1
            world.spent += 1
            world.feed(b.Signed(ticket, kit.result(order.index)))
        case b.ReadSituations():
            if ticket == world.box.ticket:
                world.open.read = True
            world.feed(b.SituationsRead(ticket, kit.SITUATIONS))
        case b.Prove():
            world.feed(b.Proven(ticket))
        case _:
            world.tries = 3
            world.feed(b.Changed(ticket))


def inform(world, ticket):
    order = world.orders.pop(ticket)
    world.feed(b.Informed(ticket, kit.CHECKS if order.topic is b.Topic.SELFTEST else kit.ABOUT))


def probe(world, variant=0):
    """A key of the self-test; or one that was on its way when it ended."""
    world.feed(keys.Probed(variant % 16))


HAPPENINGS = {
    b.ReaderAttached: attach,
    b.ReaderLost: lose,
    b.CardInserted: insert,
    b.CardRemoved: remove,
    b.Identified: answer(b.Identified, b.Identify),
    b.Judged: judge,
    b.Asked: ask,
    b.Cancelled: cancel,
    b.TriesRead: answer(b.TriesRead, b.ReadTries),
    b.PinRejected: answer(b.PinRejected, b.Sign | b.ReadSituations | b.ChangePin | b.Prove),
    b.DoorChecked: answer(b.DoorChecked, b.CheckDoor),
    b.Proven: answer(b.Proven, b.Prove),
    b.PukRejected: answer(b.PukRejected, b.UnblockPin),
    b.Signed: answer(b.Signed, b.Sign),
    b.Changed: answer(b.Changed, b.ChangePin | b.UnblockPin),
    b.SituationsRead: answer(b.SituationsRead, b.ReadSituations),
    b.Informed: answer(b.Informed, b.Inform),
    keys.Probed: probe,
    b.Failed: answer(b.Failed, b.Order),
    b.Held: answer(b.Held, b.Identify),
    b.DisplayChanged: display,
    b.CaseChanged: case,
    b.Rearmed: rearm,
    b.ButtonPressed: key(b.ButtonPressed()),
    b.CardLeft: card_left,
    b.LinkChanged: lambda world, variant: world.feed(b.LinkChanged(variant % 2 == 0)),
    b.Elapsed: time,
    keys.Digit: digit,
    keys.Clear: clear,
    keys.KeyFault: keypad,
    keys.Validate: validate,
    **{kind: key(kind()) for kind in (keys.Full, keys.Refuse, keys.Agree, keys.Previous, keys.Next)},
    **{kind: key(kind()) for kind in (keys.AgreeHeld, keys.NextHeld, b.Stopping)},
}
"""Event -> how the world makes it."""

ON_THE_WAY = {b.Identify: b.Identified, b.ReadTries: b.TriesRead, b.CheckDoor: b.DoorChecked}
WRONG = {b.UnblockPin: b.PukRejected}

GOALS = [
    *((state, state is not State.PIN_WRONG, 1 if state is State.LAST_TRY else 3) for state in State),
    *((state, False, 3) for state in (State.COUNTING, State.RESULT)),
    *((state, True, 1) for state in (State.PIN, State.SIGNING)),
    *((goal, True, 3) for goal in Place),
]
"""Where to go, whether codes are right on the way, and the tries of a card that must come in."""


def go(world, goal, right, tries):
    """Do what leads to ``goal``, mostly what a person would; without this, chance seldom gets past the consent."""
    for _ in range(80):
        if there(world, goal):
            break
        if world.locked and not world.box.engaged:
            case(world, 1)
            rearm(world)
        DETOURS.get((world.box.state, goal), lambda world: go_on(world, right=right, tries=tries))(world)


def there(world, goal):
    return bool(PLACES[goal](world.box)) if isinstance(goal, Place) else world.box.state is goal


WAITING = {State.UNREADABLE, State.WAIT_CARD}
"""For another card: what is in goes first."""


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
        case state if state in b.ON_MENU:
            leave_menu(world)
        case State.CONSENT:
            agree(world)
        case State.SESSION | State.LAST_TRY | State.PIN_WRONG:
            world.now += world.box.state is State.LAST_TRY
            world.feed(keys.Agree())
        case State.RESULT:
            world.feed(keys.Validate())
        case State.PIN | State.NEW_PIN | State.AGAIN:
            type_on(world)
        case state if state not in WAITING and world.box.ticket in world.orders:
            order = type(world.orders[world.box.ticket])
            wrong = WRONG.get(order, b.PinRejected)
            finish_order(world, world.box.ticket, ON_THE_WAY.get(order, b.Signed if right else wrong))
        case _:
            remove(world)


def leave_menu(world):
    """By an errand with the code, where the menu stands at one; else by ``D``."""
    errand = world.box.state is State.MENU and world.box.card is not None and world.box.page <= 2
    world.feed(keys.Agree() if errand else keys.Refuse())


def type_on(world):
    """Another digit, or ``#`` when there is no room for one."""
    digit(world) if world.digits < most(world) else validate(world)


def read_badly(world):
    """The reading under way fails; one that ended as removed leaves only the card's removal to wait for."""
    if world.box.ticket in world.orders:
        finish_order(world, world.box.ticket, b.Failed)
    else:
        remove(world)


def agree(world):
    """Read the consent to its end, then ``A``."""
    last = world.box.page == world.box.ask.pages
    world.feed(keys.Agree() if last else keys.Next())


def to_menu(world):
    world.feed(keys.AgreeHeld())


def to_session(world):
    """With the consent read to its end: the offer."""
    world.feed(keys.Next())
    if world.box.poised:
        world.feed(keys.NextHeld())


def look(world):
    ask(world, 5)


def last_entry(world):
    world.feed(keys.Next() if world.box.page == 1 else keys.Agree())


def to_door(world):
    """On to the menu's entry of the door, and ``A``."""
    names = [item.name for item in flow_menu.items(world.box)]
    world.feed(keys.Agree() if names[world.box.page - 1] == "door" else keys.Next())


def to_item(name):
    """On to this entry of the menu, and ``A``."""

    def go_there(world):
        names = [item.name for item in flow_menu.items(world.box)]
        world.feed(keys.Agree() if names[world.box.page - 1] == name else keys.Next())

    return go_there


ENTRIES = {State.PAGE: "events", State.CHOICE: "contrast", State.SELFTEST: "selftest", Place.PROBING: "selftest"}
"""State -> the entry of the menu that leads there."""

DETOURS = {
    (State.EMPTY, State.NO_READER): lambda world: lose(world, 0),
    (State.READING, State.UNREADABLE): read_badly,
    (State.READY, State.EMPTY): remove,
    (State.READY, State.READING): remove,
    (State.EMPTY, State.WAIT_CARD): ask,
    **{(State.READY, goal): to_menu for goal in ENTRIES},
    **{(State.MENU, goal): to_item(name) for goal, name in ENTRIES.items()},
    (State.SELFTEST, Place.PROBING): lambda world: world.feed(keys.Agree()),
    **{
        (State.READY, goal): to_menu
        for goal in (
            *(State.MENU, State.NEW_PIN, State.AGAIN, State.WORKING, State.CHECKING),
            *(Place.UNBLOCKING, Place.REPEATED, Place.PROVING),
        )
    },
    (State.MENU, Place.UNBLOCKING): last_entry,
    **{(State.MENU, goal): to_door for goal in (State.CHECKING, Place.PROVING)},
    (State.CONSENT, State.SESSION): to_session,
    (State.CONSENT, Place.OPENED): to_session,
    (State.CONSENT, Place.IN_SESSION): lambda world: agree(world) if world.box.session else to_session(world),
    (State.READY, Place.LOOKING): look,
}
"""State and goal -> the step there, where it is not the way to a signature."""


STRANGERS = (
    {"client": "other-desk"},
    {"wanted": "jws"},
    {"count": 4},
    {"count": 5},
)
"""What a session that was opened for raw signatures of two documents of the first client does not cover."""


def sweep_sessions(stranger):
    """A request that no session covers, in an open one, up to whatever its ``A`` leads to; a code ends the session."""
    world = World()
    go(world, Place.OPENED, right=True, tries=3)
    members = {name: value for name, value in stranger.items() if name != "wanted"}
    made = kit.ask(99, now=world.now, **members)
    world.feed(b.Asked(kit.in_format(made, stranger["wanted"]) if "wanted" in stranger else made))
    for _ in range(20):
        if world.box.state is not State.CONSENT:
            break
        agree(world)
    assert (world.box.state, world.box.session) == (State.COUNTING, None)


def sweep(goal):
    """Every event in the state of ``goal``, each in a world of its own, and then the way back to rest."""
    for make in HAPPENINGS.values():
        for variant in (0, 1, 2, 3, 7, 9, 10, 23):
            world = World()
            go(world, *goal)
            assert there(world, goal[0])
            if variant == 10 and not world.box.engaged:
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
