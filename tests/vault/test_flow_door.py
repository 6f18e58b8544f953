"""The door's errand in the flow: its order of things, what ends it, and that nothing opens twice for one insertion."""

import dataclasses

import flow_kit as kit
import flow_machine
import pytest
from flow_kit import FOUR, Play, door_checked, failed, identified, proven, rejected, tries
from flow_machine import Place
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.contract import events
from appliance.keypad.entry import Agree, AgreeHeld, Digit, KeyFault, Refuse, Validate
from appliance.screen import kinds
from appliance.vault import box as b
from appliance.vault import flow, flow_door, flow_ends, flow_menu, view
from appliance.vault.box import DoorRule, Errand, State
from appliance.vault.lamps import Meaning, Tone, meaning, tone

AT_INSERTION = DoorRule(at_insertion=True)
WEAK = DoorRule(presence_only=True)
WHO = {"card_session": kit.SESSION, "holder": "holder-1"}
OPENED_BY_PIN = b.Publish("door/opened", events.DoorOpened(method="pin", **WHO))
CODE = (*FOUR, Validate())
CLEARED = (*kit.DOOR_PIN, *FOUR)


def refused(code):
    return b.Publish("door/refused", events.DoorRefused(code=code, **WHO))


def screen(play):
    return view.look(play.box, play.now, "10:42", "0.1.0")


# --- the order of things ----------------------------------------------------------------------------------------------


def test_may_it_then_the_code_then_the_proof_then_one_pulse():
    play = Play(*kit.DOOR_ASKED)
    assert play.effects == (b.CheckDoor(play.box.ticket),)
    assert (play.box.state, screen(play)) == (State.CHECKING, kinds.Reading())
    play.feed(door_checked())
    assert play.effects == (b.ReadTries(play.box.ticket),)
    play.feed(tries(3))
    assert play.of(b.Arm)
    assert screen(play) == kinds.Pin(0, 3, 1.0, reminder=False, door=True)
    play.feed(*FOUR)
    assert not play.of(b.Prove)
    play.feed(Validate())
    assert play.effects == (b.Disarm(wipe=False), b.Prove(play.box.ticket))
    assert screen(play) == kinds.Reading()
    before = play.box
    play.feed(proven)
    assert play.effects == (
        b.Publish("pin/verified", events.PinVerified(**WHO)),
        b.Disarm(),
        OPENED_BY_PIN,
        b.ResetCard(),
        b.OpenDoor(),
    )
    assert (screen(play), meaning(play.box)) == (kinds.DoorOpen(), Meaning.GOOD)
    assert tone(proven(before), before, play.box) is Tone.GOOD
    assert play.elapse().box.state is State.READY


def test_what_opens_is_among_what_is_journalled_first():
    """The shell commits every Publish of a step before it does anything else of it (service.py)."""
    effects = Play(*kit.DOOR_OPEN).effects
    assert effects.index(OPENED_BY_PIN) < effects.index(b.OpenDoor())
    assert effects[-1] == b.OpenDoor()


def test_too_few_digits_prove_nothing():
    play = Play(*kit.DOOR_PIN, Digit(), Validate())
    assert play.box.state is State.PIN
    assert not play.of(b.Prove)
    assert play.of(b.Arm)


def test_the_menu_offers_the_door_where_there_is_one_and_a_card_is_in():
    def names(*steps, door=kit.DOOR):
        return [item.name for item in flow_menu.items(Play(*steps, door=door).box)]

    assert "door" in names(*kit.READY)
    assert "door" not in names(*kit.READY, door=None)
    assert "door" not in names(*kit.ATTACHED)


# --- what ends it -----------------------------------------------------------------------------------------------------

REFUSALS = [
    *("card-denied", "door-hours", "clock-unset", "certificate-invalid", "card-expired", "door-absent"),
]


@pytest.mark.parametrize("code", REFUSALS)
def test_a_card_that_may_not_is_asked_for_no_code(code):
    play = Play(*kit.DOOR_ASKED, door_checked(code))
    assert play.effects == (b.Disarm(), refused(code))
    assert (screen(play), meaning(play.box)) == (kinds.DoorShut(code), Meaning.BAD)


ENDS = [
    (kit.DOOR_ASKED, Refuse(), "refused"),
    (kit.DOOR_ASKED, failed("reader-busy"), "reader-busy"),
    (kit.DOOR_ASKED, b.CardRemoved(), "card-removed"),
    (kit.DOOR_PIN[:-1], Refuse(), "refused"),
    (kit.DOOR_PIN[:-1], failed("card-mute"), "card-mute"),
    (kit.DOOR_PIN[:-1], tries(0), "pin-blocked"),
    (kit.DOOR_PIN, Refuse(), "refused"),
    (kit.DOOR_PIN, b.CardRemoved(), "card-removed"),
    (kit.DOOR_PIN, b.ReaderLost("reader-absent"), "card-removed"),
    (kit.DOOR_PIN, b.DisplayChanged(ok=False), "display-absent"),
    (kit.DOOR_PIN, KeyFault(), "internal"),
    (kit.DOOR_PIN, b.CaseChanged(opened=True), "tamper-lockout"),
    ((*kit.PROVING, rejected(2)), Refuse(), "refused"),
    (kit.PROVING, rejected(0), "pin-blocked"),
    (kit.PROVING, failed("card-removed"), "card-removed"),
    (kit.PROVING, failed("signature-invalid"), "signature-invalid"),
    ((*kit.PROVING, b.CardRemoved()), proven, "card-removed"),
    ((*kit.PROVING, Refuse()), proven, "refused"),
    ((*kit.PROVING, b.DisplayChanged(ok=False)), proven, "display-absent"),
    ((*kit.PROVING, b.CaseChanged(opened=True)), proven, "tamper-lockout"),
    ((*kit.PROVING, b.CardRemoved(), b.CardInserted("insertion-2", "cps3")), proven, "card-removed"),
    ((*kit.PROVING, Refuse()), rejected(2), "pin-wrong"),
]


@pytest.mark.parametrize(("steps", "event", "code"), ENDS)
def test_whatever_ends_it_leaves_the_door_shut_and_says_why(steps, event, code):
    play = Play(*steps).feed(event)
    assert [e for e in play.of(b.Publish) if e.topic.startswith("door/")] == [refused(code)]
    assert b.OpenDoor() not in play.effects
    assert b.Disarm() in play.effects
    assert play.box.errand is None
    if code != "pin-blocked":
        assert screen(play) == kinds.DoorShut(code)
    assert b.Record not in map(type, play.effects)


def test_time_ends_each_of_its_states():
    for steps, code in ((kit.DOOR_ASKED, "expired"), (kit.DOOR_PIN[:-1], "expired"), (kit.DOOR_PIN, "pin-timeout")):
        play = Play(*steps).elapse()
        while play.box.errand:
            play.elapse()
        assert refused(code) in play.effects


def test_a_wrong_code_asks_again_from_the_counter_and_the_last_try_twice():
    play = Play(*kit.PROVING, rejected(2))
    assert (play.topics, screen(play)) == (["pin/wrong"], kinds.PinWrong(2))
    play.feed(Agree(), tries(2), *CODE, rejected(1), Agree(), tries(1))
    assert isinstance(screen(play), kinds.LastTry)
    play.feed(1.0, Agree(), *CODE, rejected(0))
    assert screen(play) == kinds.PinBlocked(unblock=True)
    assert play.topics == ["pin/wrong", "pin/blocked", "door/refused"]


def test_software_waits_and_a_session_ends_where_the_code_is_asked():
    play = Play(*kit.DOOR_ASKED).feed(kit.asked())
    assert isinstance(play.effects[0], b.Busy)
    inside = Play(*kit.OPENED, *kit.to_entry("door")[len(kit.MENU) - 1 :])
    assert inside.box.session
    inside.feed(door_checked("card-denied"))
    assert inside.box.session
    inside = Play(*kit.OPENED, *kit.to_entry("door")[len(kit.MENU) - 1 :], door_checked())
    assert inside.topics == ["session/closed"]


# --- at insertion -----------------------------------------------------------------------------------------------------


def test_at_insertion_the_card_is_asked_for_at_once():
    play = Play(*kit.READY, door=AT_INSERTION)
    assert play.box.state is State.CHECKING
    assert play.topics == ["card/identified"]
    assert play.effects[-1] == b.CheckDoor(play.box.ticket)
    play.feed(door_checked(), tries(3), *CODE, proven)
    assert OPENED_BY_PIN in play.effects


HINDERED = [
    (*kit.INSERTED, KeyFault(), identified()),
    (*kit.INSERTED, b.DisplayChanged(ok=False), identified()),
    (*kit.ATTACHED, b.CaseChanged(opened=True), b.CardInserted(kit.SESSION, "cps3"), identified()),
]


@pytest.mark.parametrize("steps", HINDERED)
def test_at_insertion_nothing_begins_that_could_not_end(steps):
    play = Play(*steps, door=AT_INSERTION)
    assert play.box.errand is None
    assert b.CheckDoor not in map(type, play.effects)


def test_a_request_that_waits_for_the_card_comes_first():
    play = Play(*kit.ATTACHED, kit.asked(), b.CardInserted(kit.SESSION, "cps3"), identified(), door=AT_INSERTION)
    assert play.box.state is State.CONSENT


def test_a_result_that_is_being_read_stays():
    other = (b.CardRemoved(), b.CardInserted("insertion-2", "cps3"))
    play = Play(*kit.SIGNING, *other, kit.signed, door=DoorRule())
    play.box = dataclasses.replace(play.box, door=AT_INSERTION)
    play.feed(identified())
    assert play.box.state is State.RESULT
    assert play.box.errand is None


# --- presence only ----------------------------------------------------------------------------------------------------


def test_presence_opens_without_a_code_and_is_called_weak():
    play = Play(*kit.DOOR_ASKED, door_checked(), door=WEAK)
    weak = b.Publish("door/opened", events.DoorOpened(method="presence", **WHO))
    assert play.effects == (b.Disarm(), weak, b.OpenDoor())
    assert screen(play) == kinds.DoorOpen(weak=True)


def test_presence_still_asks_whether_the_card_may():
    play = Play(*kit.DOOR_ASKED, door_checked("card-denied"), door=WEAK)
    assert screen(play) == kinds.DoorShut("card-denied")
    assert b.OpenDoor() not in play.effects


# --- once an insertion ------------------------------------------------------------------------------------------------


def test_a_second_time_asks_for_another_insertion():
    play = Play(*kit.DOOR_OPEN, Validate(), *kit.to_entry("door")[len(kit.READY) :])
    assert play.effects == (b.Disarm(), refused("door-used"))
    assert screen(play) == kinds.DoorShut("door-used")
    play.feed(b.CardRemoved(), b.CardInserted("insertion-2", "cps3"), identified(), AgreeHeld())
    play.feed(*kit.to_entry("door")[len(kit.MENU) :], door_checked(), tries(3), *CODE, proven)
    assert b.OpenDoor() in play.effects


def test_a_locked_box_opens_nothing_from_wherever_it_is_asked():
    play = Play(*kit.READY, b.CaseChanged(opened=True))
    following, effects = flow_door.begin(play.box, play.now)
    assert refused("tamper-lockout") in effects
    assert following.errand is None


TICKETED = {
    b.Identify: lambda box, ok: b.Identified(box.ticket, kit.card(box.inserted)) if ok else b.Failed(box.ticket, "x"),
    b.CheckDoor: lambda box, ok: b.DoorChecked(box.ticket, None if ok else "card-denied"),
    b.ReadTries: lambda box, ok: b.TriesRead(box.ticket, 3 if ok else 1),
    b.Prove: lambda box, ok: b.Proven(box.ticket) if ok else b.PinRejected(box.ticket, 2),
    b.ChangePin: lambda box, ok: b.Changed(box.ticket) if ok else b.PinRejected(box.ticket, 2),
    b.Sign: lambda box, ok: kit.signed(box) if ok else b.PinRejected(box.ticket, 2),
}
"""Order -> how the card answers it, well or not."""

LOOSE = (
    *(b.CardRemoved(), b.ReaderLost("reader-absent"), b.ReaderAttached(), b.Elapsed(), b.CaseChanged(opened=True)),
    *(b.CaseChanged(opened=False), b.Rearmed(), b.DisplayChanged(ok=False), b.DisplayChanged(ok=True)),
    *(Refuse(), Agree(), Validate(), AgreeHeld(), KeyFault(), KeyFault(ok=True), kit.asked(), *kit.LAST_PAGE),
)
DOORS = (DoorRule(), AT_INSERTION, WEAK, DoorRule(presence_only=True, at_insertion=True))
MOVES = st.one_of(
    *(st.sampled_from(names) for names in (["insert"], ["door"], ["code"], ["answer", "again", "badly"])),
    st.sampled_from(LOOSE),
)


class Walk:
    """A door, and whoever comes to it; each opening is judged: told, proved, in a box that is well, one an insertion.

    ``opened`` are the insertions for which it opened, ``order`` what the card was told last and has not answered.
    """

    def __init__(self, door):
        self.door, self.play = door, Play(*kit.ATTACHED, door=door)
        self.order, self.count, self.opened, self.pulses = None, 0, [], 0

    def feed(self, event):
        before, play = self.play.box, self.play.feed(event, after=0.7)
        orders = [effect for effect in play.effects if type(effect) in TICKETED]
        self.order = orders[-1] if orders else self.order
        for publish in play.of(b.Publish):
            if publish.topic == "door/opened":
                self.judge(event, before, publish.data)
        self.pulses += play.effects.count(b.OpenDoor())
        assert self.pulses == len(self.opened)

    def judge(self, event, before, told):
        assert told.method == ("presence" if self.door.presence_only else "pin")
        assert isinstance(event, b.DoorChecked if self.door.presence_only else b.Proven)
        assert (before.locked, before.display, before.keypad) == (False, True, True)
        assert before.inserted == told.card_session
        assert told.card_session not in self.opened, "two pulses of one insertion"
        self.opened.append(told.card_session)

    def insert(self):
        self.count += 1
        self.feed(b.CardInserted(f"insertion-{self.count}", "cps3"))

    def choose(self):
        """The door's entry, where the menu stands open."""
        box = self.play.box
        names = [item.name for item in flow_menu.items(box)] if box.state is State.MENU else []
        if "door" in names:
            self.play.box = dataclasses.replace(box, page=names.index("door") + 1)
            self.feed(Agree())

    def type(self):
        if self.play.box.state is State.PIN:
            for key in CODE:
                self.feed(key)

    def answer(self, *, well=True, again=False):
        """The card answers its order; ``again``: and may answer it once more."""
        if self.order is not None:
            answered, self.order = self.order, self.order if again else None
            made = TICKETED[type(answered)](self.play.box, well)
            self.feed(dataclasses.replace(made, ticket=answered.ticket))


DEEDS = {
    "insert": Walk.insert,
    "door": Walk.choose,
    "code": Walk.type,
    "answer": Walk.answer,
    "again": lambda walk: walk.answer(again=True),
    "badly": lambda walk: walk.answer(well=False),
}


def play_moves(door, moves):
    """The insertions for which it opened."""
    walk = Walk(door)
    for move in moves:
        DEEDS[move](walk) if isinstance(move, str) else walk.feed(move)
    return walk.opened


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(DOORS), st.lists(MOVES, max_size=40))
def test_no_sequence_of_events_gives_two_pulses_an_insertion(door, moves):
    """Whoever presses, pulls, answers twice or late; and nothing opens without its event, and without its proof."""
    play_moves(door, moves)


THROUGH = ("insert", "answer", AgreeHeld(), "door", "again", "again", "answer", "code", "again", "again")
ONCE_MORE = (Validate(), AgreeHeld(), *THROUGH[3:])


@pytest.mark.parametrize("door", DOORS)
def test_the_same_moves_open_once_and_a_door_that_forgets_is_found(monkeypatch, door):
    """The control: these moves do lead through the door, and without its memory they lead through it twice."""
    assert play_moves(door, [*THROUGH, *ONCE_MORE]) == ["insertion-1"]
    assert play_moves(door, [*THROUGH, *ONCE_MORE, *THROUGH]) == ["insertion-1", "insertion-2"]
    monkeypatch.setattr(flow_door, "_obstacle", lambda _box: None)
    with pytest.raises(AssertionError, match="two pulses"):
        play_moves(door, [*THROUGH, *ONCE_MORE])


# --- the promises of the whole flow know the door (flow_world) --------------------------------------------------------


def open_unproved(box, _event, now):
    return flow_door._opened(box, now)


def open_untold(box, event, now):
    following, effects = flow_door.proven(box, event, now)
    return following, tuple(e for e in effects if getattr(e, "topic", "") != "door/opened")


def keep_silent(box, _event, now):
    return flow_ends.rest(box), (b.Disarm(),)


BROKEN = [
    (State.CHECKING, b.DoorChecked, open_unproved, State.CHECKING),
    (State.WORKING, b.Proven, open_untold, Place.PROVING),
    (State.WORKING, b.PinRejected, open_unproved, Place.PROVING),
    (State.CHECKING, Refuse, keep_silent, State.CHECKING),
]


@pytest.mark.parametrize(("state", "kind", "row", "goal"), BROKEN, ids=[case[2].__name__ for case in BROKEN])
def test_a_door_that_breaks_a_promise_is_found(monkeypatch, state, kind, row, goal):
    monkeypatch.setitem(flow.TABLE, state, {**flow.TABLE[state], kind: row})
    with pytest.raises(AssertionError):
        flow_machine.sweep((goal, True, 3))


@pytest.mark.parametrize("goal", [State.CHECKING, Place.PROVING])
def test_a_door_that_keeps_them_is_not(goal):
    flow_machine.sweep((goal, True, 3))
    flow_machine.sweep((goal, False, 2))


def test_nothing_else_opens():
    """Every row of every state, given its example: only a proof opens, and only in the door's errand."""
    for state, ways in kit.WALKS.items():
        for name, steps in ways.items():
            for kind, example in kit.EXAMPLES.items():
                play = Play(*steps)
                errand = play.box.errand
                play.feed(example)
                if b.OpenDoor() in play.effects:
                    assert (state, errand, kind) == (State.WORKING, Errand.DOOR, b.Proven), name


def test_the_tables_know_it():
    assert flow.TABLE[State.CHECKING][b.DoorChecked] is flow_door.checked
    assert flow.TABLE[State.WORKING][b.Proven] is flow_door.proven
    assert Errand.DOOR not in b.RENEWALS
