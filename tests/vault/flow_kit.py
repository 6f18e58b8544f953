"""The flow played in a test: a card, requests, the way to each state, and one example of each event."""

import dataclasses
import functools
import typing
import uuid

import msgspec

from appliance.card.activity import Situation
from appliance.contract.messages import Document, PracticeRequest, SignRequest
from appliance.contract.replies import RawResult
from appliance.keypad import entry as keys
from appliance.screen.kinds_menu import AboutBox
from appliance.signing.consent import compose
from appliance.vault import box as b
from appliance.vault import flow, flow_menu
from appliance.vault.box import Ask, Box, Card, DoorRule, Look, SessionRule, State

CLIENT = "demo-desk"
SESSION = "insertion-1"
LETTER = "Pansement simple, une fois par jour, à domicile, dimanche et jours fériés compris."


def card(session=SESSION, **changes):
    found = Card(session, "holder-1", "S. DURAND", "Infirmière", test=True, family="cps3", pin_min=4, pin_max=4)
    return dataclasses.replace(found, **changes)


@functools.cache
def documents(count=1, media_type="text/plain;charset=utf-8"):
    found = tuple(
        Document(kind="content", media_type=media_type, title=f"Acte {i}", data=LETTER.encode())
        for i in range(1, count + 1)
    )
    return found, compose(found, CLIENT)


def ask(number=1, *, now=0.0, client=CLIENT, count=1, media_type="text/plain;charset=utf-8", **members):
    """A request received at ``now``; ``members`` are the request's own, ``ttl`` 120 by default."""
    found, consent = documents(count, media_type)
    request = SignRequest(v=1, id=str(uuid.UUID(int=number)), documents=found, format="raw", **members)
    return Ask(client, request, consent, now + request.ttl)


def in_format(asked, wanted):
    """The same request in another format."""
    return dataclasses.replace(asked, request=msgspec.structs.replace(asked.request, format=wanted))


def look(number=1, *, now=0.0, client=CLIENT, **members):
    """A request to read the practice situations."""
    return Look(client, PracticeRequest(v=1, id=str(uuid.UUID(int=number)), **members), now + 120)


def result(index=0):
    return RawResult(index=index, shown="content", signature=b"s" * 256, certificate=b"c")


RULE = SessionRule(signatures=5, seconds=300)
"""What a session may be in the tests; shipped boxes open none."""
TIMES = b.Times(forgotten=600, reminded=120)
"""The times of the machine: a card that is left in is said to be forgotten."""
DOOR = DoorRule()
"""The door in the tests; shipped boxes open none."""


class Play:
    """A box and its time; ``feed`` takes events, functions of the box that give one, and seconds that pass."""

    def __init__(self, *events, sessions=RULE, door=DOOR):
        self.box, self.now = Box(sessions=sessions, door=door), 0.0
        self.effects = ()
        self.feed(*events)

    def feed(self, *events, after=0.0):
        """Play ``events``, ``after`` seconds later; ``effects`` are the last one's."""
        self.now += after
        for event in events:
            if isinstance(event, float):
                self.now += event
                continue
            made = event(self.box) if callable(event) else event
            self.box, self.effects = flow.step(self.box, made, self.now)
        return self

    def elapse(self):
        """Let the time that the box waits for come."""
        self.now = max(self.now, flow.deadline(self.box, self.now))
        return self.feed(b.Elapsed())

    def of(self, kind):
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def finish(self):
        (finish,) = self.of(b.Finish)
        return finish

    @property
    def topics(self):
        return [publish.topic for publish in self.of(b.Publish)]


def identified(**changes):
    return lambda box: b.Identified(box.ticket, card(box.inserted, **changes))


def failed(code):
    return lambda box: b.Failed(box.ticket, code)


def held(box):
    return b.Held(box.ticket)


def tries(count):
    return lambda box: b.TriesRead(box.ticket, count)


def rejected(count):
    return lambda box: b.PinRejected(box.ticket, count)


def puk_rejected(count):
    return lambda box: b.PukRejected(box.ticket, count)


def changed(box):
    return b.Changed(box.ticket)


def door_checked(code=None):
    return lambda box: b.DoorChecked(box.ticket, code)


ABOUT = AboutBox("0.1.0", "1.0.0", "cps-demo", "locked", "0123456789abcdef" * 4)
CHECKS = b.Checks(clock=True, memory="locked")


def informed(facts=ABOUT):
    return lambda box: b.Informed(box.ticket, facts)


def proven(box):
    return b.Proven(box.ticket)


def to_entry(name):
    """From home, a card in: ``C`` as often as it takes to this entry of the menu, and ``A``."""
    names = [item.name for item in flow_menu.items(Play(*MENU).box)]
    return (*MENU, *(keys.Next(),) * names.index(name), keys.Agree())


SITUATIONS = (Situation(1, "CABINET DURAND", "123456789", "SA07"), Situation(3, None, None, None, ((0x87, b"?"),)))


def read(box):
    return b.SituationsRead(box.ticket, SITUATIONS)


def signed(box):
    return b.Signed(box.ticket, result(len(box.results)))


def asked(**changes):
    return b.Asked(ask(**changes))


def looked(**changes):
    return b.Asked(look(**changes))


ATTACHED = (b.ReaderAttached(),)
INSERTED = (*ATTACHED, b.CardInserted(SESSION, "cps3"))
READY = (*INSERTED, identified())
PATIENT = (*ATTACHED, b.CardInserted("insertion-v", patient=True))
LAST_PAGE = (keys.Next(),) * (len(documents(3)[1].pages) - 1)
CONSENT = (*READY, asked())
AGREED = (*CONSENT, *LAST_PAGE, keys.Agree())
PIN = (*AGREED, tries(3))
TYPED = (*PIN, *(keys.Digit(),) * 4)
SIGNING = (*TYPED, keys.Validate())
BATCH = (*READY, asked(count=3), *LAST_PAGE, keys.Agree(), tries(3), *(keys.Digit(),) * 4, keys.Validate())
WRONG = (*SIGNING, rejected(2))
LAST_TRY = (*AGREED, tries(1))
MENU = (*READY, keys.AgreeHeld())
FOUR = (keys.Digit(),) * 4
CHANGE = (*MENU, keys.Agree())
OLD = (*CHANGE, tries(3))
NEW = (*OLD, *FOUR, keys.Validate())
AGAIN = (*NEW, *FOUR, keys.Validate())
CHANGING = (*AGAIN, *FOUR, keys.Validate())
UNBLOCK = (*MENU, keys.Next(), keys.Agree())
PUK = (*UNBLOCK, tries(10))
UNBLOCKING = (
    *(*PUK, *FOUR, *FOUR, keys.Validate()),
    *(*FOUR, keys.Validate()),
    *(*FOUR, keys.Validate()),
)
PROBING = (*to_entry("selftest"), *(keys.Agree(),) * 8)
"""The self-test at the keys."""
DOOR_ASKED = to_entry("door")
DOOR_PIN = (*DOOR_ASKED, door_checked(), tries(3))
PROVING = (*DOOR_PIN, *FOUR, keys.Validate())
DOOR_OPEN = (*PROVING, proven)
LOOK = (*READY, looked())
LOOKING = (*LOOK, keys.Agree(), tries(3), *FOUR, keys.Validate())
HELD_C = (keys.Next(), keys.NextHeld())
OFFER = (*CONSENT, *LAST_PAGE, *HELD_C)
OPENED = (*OFFER, keys.Agree(), tries(3), *FOUR, keys.Validate(), signed, keys.Agree())
"""Home, with an open session of which one signature is used."""
IN_SESSION = (*OPENED, asked(number=2), *LAST_PAGE, keys.Agree())

WALKS = {
    State.STARTING: {"start": ()},
    State.NO_READER: {"absent": (b.ReaderLost("reader-absent"),), "busy": (b.ReaderLost("reader-busy"),)},
    State.EMPTY: {"empty": ATTACHED, "removed and read": (*READY, b.CardRemoved(), keys.Agree())},
    State.READING: {
        "card": INSERTED,
        "held": (*INSERTED, held),
        "asked": (*INSERTED, asked()),
        "asked and held": (*INSERTED, asked(), held),
    },
    State.UNREADABLE: {"mute": (*INSERTED, failed("card-mute")), "patient": PATIENT},
    State.READY: {"ready": READY, "session": OPENED},
    State.MENU: {
        "first": MENU,
        "second": (*MENU, keys.Next()),
        "session": (*OPENED, keys.AgreeHeld()),
        "no card": (*ATTACHED, keys.AgreeHeld()),
        "no reader": (b.ReaderLost("reader-absent"), keys.AgreeHeld()),
        "unreadable": (*INSERTED, failed("card-mute"), keys.AgreeHeld()),
    },
    State.PAGE: {
        **{name: to_entry(name) for name in ("card", "events", "network", "about")},
        "told": (*to_entry("about"), informed()),
        "report": (*PROBING, *(keys.Probed(place) for place in range(16))),
        "reported": (*PROBING, keys.Probed(3), keys.Refuse(), informed(CHECKS)),
    },
    State.CHOICE: {name: to_entry(name) for name in ("language", "contrast", "sound")},
    State.SELFTEST: {
        "asked": to_entry("selftest"),
        **{f"step {count}": (*to_entry("selftest"), *(keys.Agree(),) * count) for count in range(1, 8)},
        "keys": (*PROBING, keys.Probed(5)),
    },
    State.WAIT_CARD: {"empty": (*ATTACHED, asked()), "patient": (*PATIENT, asked())},
    State.CONSENT: {
        "first page": CONSENT,
        "last page": (*CONSENT, *LAST_PAGE),
        "title": (*READY, asked(media_type="application/pdf")),
        "practice": LOOK,
        "session": (*OPENED, asked(number=2), *LAST_PAGE),
        "back": (*OFFER, keys.Previous()),
    },
    State.SESSION: {"offered": OFFER},
    State.CHECKING: {"door": DOOR_ASKED},
    State.COUNTING: {
        "first": AGREED,
        "again": (*WRONG, keys.Agree()),
        "change": CHANGE,
        "unblock": UNBLOCK,
        "door": DOOR_PIN[:-1],
    },
    State.LAST_TRY: {"counted": LAST_TRY, "change": (*CHANGE, tries(1)), "unblock": (*UNBLOCK, tries(1))},
    State.PIN: {
        "empty": PIN,
        "typed": TYPED,
        "second": (*WRONG, keys.Validate(), tries(2)),
        "last": (*LAST_TRY, 1.0, keys.Agree()),
        "change": (*OLD, *FOUR),
        "unblock": (*PUK, *FOUR),
        "door": (*DOOR_PIN, *FOUR),
        "practice": (*LOOK, keys.Agree(), tries(3)),
        "session wanted": (*OFFER, keys.Agree(), tries(3)),
    },
    State.NEW_PIN: {
        "change": NEW,
        "typed": (*NEW, *FOUR),
        "same": (*NEW, *FOUR, keys.Same()),
        "differ": (*AGAIN, *FOUR, keys.Differ()),
        "unblock": (*PUK, *FOUR, *FOUR, keys.Validate()),
    },
    State.AGAIN: {"change": AGAIN, "typed": (*AGAIN, *FOUR)},
    State.PIN_WRONG: {
        "two left": WRONG,
        "one left": (*SIGNING, rejected(1)),
        "change": (*CHANGING, rejected(2)),
        "door": (*PROVING, rejected(2)),
        "unblock": (*UNBLOCKING, puk_rejected(9)),
        "practice": (*LOOKING, rejected(2)),
    },
    State.SIGNING: {
        "one": SIGNING,
        "batch": (*BATCH, signed),
        "stopped": (*BATCH, keys.Refuse()),
        "card gone": (*SIGNING, b.CardRemoved()),
        "reader gone": (*SIGNING, b.ReaderLost("reader-absent")),
        "another card": (*SIGNING, b.CardRemoved(), b.CardInserted("insertion-2", "cps4")),
        "session": IN_SESSION,
        "session over": (*IN_SESSION, keys.Refuse()),
    },
    State.WORKING: {
        "change": CHANGING,
        "door": PROVING,
        "door, card gone": (*PROVING, b.CardRemoved()),
        "unblock": UNBLOCKING,
        "practice": LOOKING,
        "change, card gone": (*CHANGING, b.CardRemoved()),
        "practice, reader gone": (*LOOKING, b.ReaderLost("reader-absent")),
        "unblock, another card": (*UNBLOCKING, b.CardRemoved(), b.CardInserted("insertion-2", "cps4")),
    },
    State.RESULT: {
        "done": (*SIGNING, signed),
        "batch done": (*BATCH, signed, signed, signed),
        "removed": (*READY, b.CardRemoved()),
        "blocked": (*AGREED, tries(0)),
        "refused": (*CONSENT, keys.Refuse()),
        "changed": (*CHANGING, changed),
        "door open": DOOR_OPEN,
        "door shut": (*DOOR_ASKED, door_checked("card-denied")),
        "unblocked": (*UNBLOCKING, changed),
        "read": (*LOOKING, read),
        "change refused": (*NEW, keys.Refuse()),
        "session opened": OPENED[:-1],
        "another card": (*SIGNING, b.CardRemoved(), b.CardInserted("insertion-2", "cps4"), signed),
    },
}
"""State -> ways to reach it."""

EXAMPLES = {
    b.ReaderAttached: b.ReaderAttached(),
    b.ReaderLost: b.ReaderLost("reader-absent"),
    b.CardInserted: b.CardInserted("insertion-9", "cps3"),
    b.CardRemoved: b.CardRemoved(),
    b.Identified: identified(),
    b.Judged: lambda box: b.Judged(box.inserted or SESSION, "expired", test=True, barred="card-expired"),
    b.Asked: asked(number=9),
    b.Cancelled: lambda box: b.Cancelled(CLIENT, box.ask.id if box.ask else "none"),
    b.TriesRead: tries(3),
    b.DoorChecked: door_checked(),
    b.Proven: proven,
    b.PinRejected: rejected(2),
    b.Signed: signed,
    b.PukRejected: puk_rejected(9),
    b.Changed: changed,
    b.SituationsRead: read,
    b.Stopping: b.Stopping(),
    b.Informed: informed(),
    b.Failed: failed("card-mute"),
    b.Held: held,
    b.DisplayChanged: b.DisplayChanged(ok=False),
    b.LinkChanged: b.LinkChanged(up=True),
    b.CaseChanged: b.CaseChanged(opened=True),
    b.Rearmed: b.Rearmed(),
    b.ButtonPressed: b.ButtonPressed(),
    b.CardLeft: lambda box: b.CardLeft(box.inserted or SESSION),
    b.Elapsed: b.Elapsed(),
    **{kind: kind() for kind in typing.get_args(keys.KeyEvent)},
    keys.Probed: keys.Probed(7),
}
"""One of each event; a function where it depends on the box."""

TICKETED = (
    *(b.Identified, b.TriesRead, b.PinRejected, b.PukRejected, b.Signed, b.Changed, b.SituationsRead),
    *(b.Informed, b.Failed, b.Held, b.DoorChecked, b.Proven),
)
