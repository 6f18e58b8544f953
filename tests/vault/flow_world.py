"""The world around the flow: what the person saw and pressed, what the card counted, what is in flight and on disk.

What it is: a model that judges each step of the flow by the promises of design §5, in its own words. What it is not: a
second flow: it says nothing of what the next state is. ``flow_machine`` makes the events.
"""

import collections

import flow_kit as kit

from appliance.keypad import entry as keys
from appliance.screen import kinds
from appliance.secret import Slot
from appliance.vault import box as b
from appliance.vault import flow, flow_selftest, view
from appliance.vault.box import Box, State
from appliance.vault.records import LEGAL_MOVES, RequestState

ENDS = {"sign/completed", "sign/refused", "sign/failed"}
ENTRIES = {State.PIN: Slot.OLD, State.NEW_PIN: Slot.NEW, State.AGAIN: Slot.AGAIN}
TYPING = {*ENTRIES, *b.AT_WORK}
ENGAGED = {
    *(*TYPING, State.WAIT_CARD, State.CONSENT, State.SESSION, State.COUNTING, State.LAST_TRY, State.PIN_WRONG),
    State.CHECKING,
}
ONE_TRY = (b.Sign, b.ReadSituations, b.ChangePin, b.UnblockPin, b.Prove)
"""Orders with a secret behind them (``Sign`` only where it verifies)."""
STOPS = (
    keys.Refuse, b.Cancelled, b.CardRemoved, b.CardInserted, b.ReaderLost, b.DisplayChanged, keys.KeyFault,
    b.CaseChanged,
)  # fmt: skip
"""What makes nobody want what the card is about to say of its holder's practice."""
NEW_CODE = {"pin/changed", "pin/unblocked"}
NEW_CODE_OF = {b.Errand.CHANGE: "changed", b.Errand.UNBLOCK: "unblocked"}
NOT_READ = kinds.NotRead | kinds.PinBlocked
WORK = {
    State.COUNTING: (b.ReadTries,),
    State.CHECKING: (b.CheckDoor,),
    State.SIGNING: (b.Sign,),
    State.WORKING: ONE_TRY[1:],
}

seen = collections.Counter()
"""Pairs of state and event, and effects, that were met: a machine that never gets anywhere proves nothing."""


class Request:
    """What the world knows of one request."""

    def __init__(self, ask):
        self.ask = ask
        self.ends = 0
        self.disk = None
        self.last_page_seen = self.agreed = False
        self.met = None
        self.signed = self.wrong = 0  # documents; wrong PINs since the last right one
        self.read = self.stop = False  # the situations came, and somebody wanted them no longer
        self.session = False  # the person agreed to a session with it
        self.poised = False  # the last C went down with the last page shown


class World:
    """``feed`` plays one event and judges the step."""

    def __init__(self):
        self.box, self.now = Box(sessions=kit.RULE, door=kit.DOOR, times=kit.TIMES), 0.0
        self.reader, self.inserted = False, None
        self.display = self.keypad = True
        self.case_open = self.locked = False
        self.forgotten = []  # insertions that were said to be
        self.tries, self.puk = 3, 10  # the card's own counters
        self.verified = False  # the card has had a right PIN since its last reset
        self.spent = 0  # signatures without a PIN of their own since the last right one
        self.opened = None  # when the session was opened
        self.told, self.confirmed = None, False  # the counter as the box was told it, and A on the last-try screen
        self.warned = None  # since when the last-try screen stands
        self.changing = 0  # orders that change a card and have no end in the audit
        self.armed, self.frozen, self.page = None, False, dict.fromkeys(Slot, 0)  # digits in each slot
        self.orders = {}  # ticket -> order
        self.pulled = set()  # tickets whose work said that the card is gone
        self.requests = {}
        self.ended = None  # the request or errand whose end the screen tells, if it tells one
        self.changed = 0  # new codes that the card has taken, and that were told
        self.told_changed = 0
        self.differ = False  # what the last # found in the page
        self.validates = self.verifies = self.insertions = 0
        self.entered = set()  # insertions for which the door was opened

    @property
    def open(self):
        return self.requests[self.box.ask.id] if self.box.ask else None

    @property
    def digits(self):
        """In the slot that is typed into."""
        return self.page[self.armed] if self.armed is not None else 0

    def wipe(self):
        self.page = dict.fromkeys(Slot, 0)

    @property
    def screen(self):
        return view.look(self.box, self.now, "10:42", "0.1.0")

    # --- one step ---------------------------------------------------------------------------------------------------

    def feed(self, event):
        before, shown = self.box, self.screen
        self.note(event, shown)
        self.box, effects = flow.step(before, event, self.now)
        seen.update([(before.state, type(event)), *map(type, effects)])
        self.judge_ends(event, effects)
        self.judge_disk(effects)
        self.judge_page(before, effects)
        for effect in effects:
            match effect:
                case b.Sign():
                    self.judge_sign(event, effect, effects)
                    self.order(effect)
                case b.ReadSituations():
                    self.judge_agreement(self.open)
                    self.judge_try(event, effects)
                    self.order(effect)
                case b.ChangePin() | b.UnblockPin() | b.Prove():
                    self.judge_errand(effect)
                    self.judge_try(event, effects)
                    self.order(effect)
                case b.Identify() | b.ReadTries() | b.CheckDoor() | b.Inform():
                    self.order(effect)
                case b.ResetCard():
                    self.verified = False
        self.judge_state(before, event)
        self.judge_session(before, event, effects)
        if isinstance(event, b.Asked) and (before.errand or before.state in b.ON_MENU):
            assert self.box is before, "software came between a person and the menu or a code"
        self.judge_removal(before, event)
        self.judge_case(effects)
        self.judge_forgotten(before, effects)
        self.judge_result(before, effects)
        self.judge_records(before, effects)
        self.judge_door(before, event, effects)
        if self.box.state is not State.LAST_TRY:
            self.warned = None
        elif before.state is not State.LAST_TRY:
            self.warned = self.now

    def note(self, event, shown):
        """What the world knows before the box does: what the person saw when the key went down, what the card is."""
        if isinstance(event, keys.Agree):
            self.note_agreement(shown)
        if isinstance(event, STOPS) and self.box.state is State.WORKING and self.open:
            mine = not isinstance(event, b.Cancelled) or (event.client, event.id) == (kit.CLIENT, self.open.ask.id)
            self.open.stop |= mine and not getattr(event, "ok", False) and getattr(event, "opened", True)
        if isinstance(event, keys.Next) and isinstance(shown, kinds.Consent):
            self.open.poised = self.open.last_page_seen
        match event:
            case b.TriesRead(ticket, tries) if ticket == self.box.ticket:
                self.told, self.confirmed = tries, False
            case keys.Validate() | keys.Same() | keys.Differ():
                self.validates += isinstance(event, keys.Validate)
                self.differ = isinstance(event, keys.Differ)
                self.frozen = self.armed is not None
            case keys.Refuse():
                self.frozen = self.armed is not None
            case b.Asked(ask):
                self.requests[ask.id] = Request(ask)
            case _ if getattr(event, "ticket", None) == self.box.ticket:
                self.note_answer(event)

    def note_agreement(self, shown):
        self.confirmed |= isinstance(shown, kinds.LastTry) and self.now >= self.warned + 1
        match shown:
            case kinds.Consent() if self.open.last_page_seen:
                assert shown.agree
                self.open.agreed, self.open.session = True, False
            case kinds.SessionOffer():
                self.open.agreed = self.open.session = True
            case kinds.Permission():
                self.open.agreed = True

    def note_answer(self, event):
        match event:
            case b.PinRejected() if self.open:
                self.open.wrong += 1
            case b.Signed() | b.SituationsRead():
                self.open.wrong = 0
            case b.Changed():
                self.changed += 1

    def order(self, effect):
        assert effect.ticket not in self.orders, "two orders under one ticket"
        self.orders[effect.ticket] = effect
        if isinstance(effect, b.ReadTries):
            assert not self.verified, "a script that would let go of a verified card"
            assert effect.puk == (self.box.errand is b.Errand.UNBLOCK)

    def judge_ends(self, event, effects):
        """(a) Every request ends in exactly one Finish or Busy, and one event says so."""
        ended = [effect for effect in effects if isinstance(effect, b.Finish | b.Busy)]
        finished = [effect for effect in ended if isinstance(effect, b.Finish)]
        for effect in ended:
            self.requests[effect.ask.id].ends += 1
        for effect in finished:
            known = self.requests[effect.ask.id]
            indices = [result.index for result in effect.results]
            assert indices == list(range(known.signed))
            if isinstance(known.ask, b.Ask):
                assert (effect.code is None) == (known.signed == known.ask.of)
            else:
                wanted = known.read and not known.stop and self.now < known.ask.expires
                assert (effect.code is None) == wanted
                assert effect.situations == (kit.SITUATIONS if wanted else ())
            assert effect.tries is None or effect.tries == self.tries
            assert effect.code not in {"refused", "pin-timeout"} or known.wrong == 0, "given up after a wrong PIN"
            assert effect.code != "pin-wrong" or known.wrong > 0
        signing = [effect for effect in finished if isinstance(effect.ask, b.Ask)]
        assert sum(isinstance(e, b.Publish) and e.topic in ENDS for e in effects) == len(signing)
        self.told_changed += sum(isinstance(e, b.Publish) and e.topic in NEW_CODE for e in effects)
        assert self.told_changed == self.changed
        assert not any(isinstance(effect, b.Busy) for effect in ended) or isinstance(event, b.Asked)
        for identifier, known in self.requests.items():
            still_open = self.box.ask is not None and self.box.ask.id == identifier
            assert known.ends == (0 if still_open else 1), "an end too few or too many"

    def judge_disk(self, effects):
        """(f) What goes to disk is legal, and the end of a request is an end on disk too."""
        for move in effects:
            if isinstance(move, b.Move):
                known = self.requests[move.ask.id]
                legal = {RequestState.RECEIVED} if known.disk is None else LEGAL_MOVES[known.disk]
                assert move.to in legal
                assert (move.code is not None) == (move.to is RequestState.FAILED)
                assert known.agreed or move.to is not RequestState.AGREED, "agreed without A after the last page"
                known.disk = move.to
        for finish in effects:
            if isinstance(finish, b.Finish):
                wanted = RequestState.FAILED if finish.code else RequestState.DONE
                assert self.requests[finish.ask.id].disk is wanted

    def judge_page(self, before, effects):
        """(e) No digit stays in the page, no key goes into it, once nobody is to type a PIN."""
        for effect in effects:
            match effect:
                case b.Arm(_, slot, fresh):
                    self.armed, self.frozen = slot, False
                    self.page[slot] = 0 if fresh else self.page[slot]
                case b.Disarm(wipe):
                    self.armed, self.frozen = None, False
                    if wipe:
                        self.wipe()
                    assert wipe or self.box.state in b.AT_WORK
        if before.state in TYPING and self.box.state not in TYPING:
            assert b.Disarm() in effects
        assert self.armed is ENTRIES.get(self.box.state)
        assert not any(self.page.values()) or self.box.state in TYPING
        if self.armed is not None:
            assert self.box.entry.marks == self.digits
            assert self.screen.marks == self.digits

    def judge_sign(self, event, sign, effects):
        """(b) (c) (d) (f) What must be true when the card is told to sign."""
        known = self.requests[sign.ask.id]
        self.judge_agreement(known)
        assert sign.index == known.signed
        if sign.verify:
            self.judge_try(event, effects)
            return
        if known.signed == 0:  # no code was typed for this request: a session must cover it
            session = self.box.session
            assert session, "signed without a code"
            assert isinstance(event, keys.Agree)
            assert self.verified
            assert (session.client, session.card.session, session.format) == (
                *(sign.ask.client, self.inserted, sign.ask.request.format),
            )
            assert self.spent + sign.ask.of <= kit.RULE.signatures
            assert self.now < self.opened + kit.RULE.seconds
        assert self.verified
        assert self.box.session is None or self.box.session.over is None, "signed after the session's end"
        assert self.box.session is None or self.now < self.opened + kit.RULE.seconds

    def judge_agreement(self, known):
        assert known.agreed, "done without A after the last page"
        assert known.met is not None
        assert known.met == self.inserted, "done with another insertion"
        assert known.disk is RequestState.CARD_STARTED

    def judge_try(self, event, effects):
        """(c) One ``#``, one try; none at the last one without its own A; the card's own lengths."""
        assert isinstance(event, keys.Validate), "a try that nobody asked for"
        assert sum(isinstance(effect, ONE_TRY) for effect in effects) == 1
        self.verifies += 1
        assert self.verifies <= self.validates
        assert self.told >= 1
        assert self.told > 1 or self.confirmed, "the last try without its own A"
        card = kit.card()
        least = card.puk_min if self.box.errand is b.Errand.UNBLOCK else card.pin_min
        assert self.page[Slot.OLD] >= least
        assert self.box.session is None
        moved = any(isinstance(effect, b.Move) and effect.to is RequestState.CARD_STARTED for effect in effects)
        assert moved == (self.box.attempt == 1 and self.box.ask is not None)

    def judge_errand(self, order):
        """The card that is in is the one that the errand met."""
        assert self.box.signer.session == self.inserted
        if not isinstance(order, b.Prove):
            self.judge_change(order)

    def judge_change(self, order):
        """(l) A new code was typed twice, as long as the card wants it, for the card that is in."""
        assert not self.differ, "the two new codes were not one"
        assert self.page[Slot.NEW] == self.page[Slot.AGAIN] >= kit.card().pin_min
        assert self.box.signer.session == self.inserted
        assert isinstance(order, b.ChangePin) == (self.box.errand is b.Errand.CHANGE)

    def judge_session(self, before, event, effects):
        """(m) A session is said when it begins and ends; without one the card keeps no PIN."""
        told = [e for e in effects if isinstance(e, b.Publish) and e.topic.startswith("session/")]
        said = [publish.topic for publish in told]
        had, has = before.session is not None, self.box.session is not None
        assert said == [["session/closed"] if had and not has else [], ["session/opened"]][has and not had]
        assert not (has and isinstance(event, b.Stopping))
        if has and not had:
            request = self.requests[before.ask.id]
            assert request.agreed
            assert request.session
            self.opened, self.spent = self.now, request.signed
        if had and not has:
            assert told[0].data.signatures == self.spent, "signatures that were not made, or not told"
        if has and self.box.session.over:
            assert self.box.state is State.SIGNING
        elif has:
            assert self.box.session.left > 0
            assert self.box.session.left == kit.RULE.signatures - self.spent or self.box.state is State.SIGNING
            assert self.box.session.card.session == self.inserted
            assert self.now < self.opened + kit.RULE.seconds
            assert (self.reader, self.display, self.keypad, self.verified) == (True, True, True, True)
            assert not isinstance(event, keys.Refuse)
        elif self.box.state not in b.AT_WORK and self.inserted:
            assert not self.verified, "the card was left with a PIN"

    def judge_records(self, before, effects):
        """(n) An order that changes a card is in the audit before it leaves, and its end after it: one each."""
        orders = sum(isinstance(effect, b.ChangePin | b.UnblockPin) for effect in effects)
        kinds = [effect.kind for effect in effects if isinstance(effect, b.Record)]
        recorded = [kind for kind in kinds if kind != "tamper/rearmed"]
        public = [effect.topic for effect in effects if isinstance(effect, b.Publish)]
        started = [kind for kind in recorded if kind.endswith("-started")]
        assert len(started) == orders
        self.changing += orders
        ends = len(recorded) - len(started) + sum(topic in NEW_CODE for topic in public)
        ends += before.errand in b.RENEWALS and "pin/wrong" in public
        self.changing -= ends
        assert self.changing == (self.box.state is State.WORKING and self.box.errand in b.RENEWALS)

    def judge_door(self, before, event, effects):
        """(o) The door opens by a proof alone, once an insertion, told before it opens; each errand has one end."""
        told = [e for e in effects if isinstance(e, b.Publish) and e.topic.startswith("door/")]
        over = before.errand is b.Errand.DOOR and self.box.errand is not b.Errand.DOOR
        assert len(told) == over or [publish.data.code for publish in told] == ["door-used"]
        opened = [publish for publish in told if publish.topic == "door/opened"]
        assert len(opened) == effects.count(b.OpenDoor())
        if opened:
            assert effects.index(opened[0]) < effects.index(b.OpenDoor())
            assert isinstance(event, b.Proven)
            assert (opened[0].data.card_session, opened[0].data.method) == (self.inserted, "pin")
            assert self.inserted not in self.entered, "a second pulse of one insertion"
            self.entered.add(self.inserted)

    def judge_case(self, effects):
        """(o) After the case was open, and until an admin says so, no code is asked and no order with one is given."""
        assert self.box.locked == self.locked
        kept = [effect.value for effect in effects if isinstance(effect, b.Keep) and effect.name == "tamper"]
        assert kept in ([], ["locked" if self.locked else "armed"])
        if self.locked:
            assert self.box.state not in ENGAGED - b.AT_WORK
            assert not any(isinstance(effect, (b.ReadTries, *ONE_TRY, b.Arm)) for effect in effects)

    def judge_forgotten(self, before, effects):
        """(p) A card is forgotten once, at home, with nothing open; and home does not say so for ever."""
        said = [e.data.card_session for e in effects if isinstance(e, b.Publish) and e.topic == "card/forgotten"]
        if said:
            assert said == [self.inserted]
            assert self.inserted not in self.forgotten
            assert (before.state, before.session, self.box.state) == (State.READY, None, State.READY)
            self.forgotten += said
        assert bool(said) == (self.box.reminder and not before.reminder)
        assert not self.box.reminder or self.box.state in {State.READY, State.MENU}
        assert not self.box.reminder or flow.deadline(self.box, self.now) is not None

    def judge_removal(self, before, event):
        """(j) A removal ends no request that has met no card."""
        if isinstance(event, b.CardRemoved) and before.ask and self.requests[before.ask.id].met is None:
            assert (self.box.ask, self.box.state) == (before.ask, State.WAIT_CARD)

    def judge_result(self, before, effects):
        """(k) The last screen of a request never hides a signature, and nothing else is told as its end."""
        if self.box.state is not State.RESULT:
            return
        finished = [effect.ask.id for effect in effects if isinstance(effect, b.Finish)]
        if finished or before.state is not State.RESULT:
            self.ended = self.requests[finished[0]] if finished else before.errand or self.box.ended
        match self.screen, self.ended:
            case kinds.Removed(needed=False), None:
                pass
            case screen, Request(ask=b.Ask()):
                self.judge_signed(screen)
            case kinds.Read(count=count), Request(read=True, stop=False):
                assert count == len(kit.SITUATIONS)
            case kinds.CodeEnd(code), b.Errand() as errand:
                done = any(isinstance(e, b.Publish) and e.topic in NEW_CODE for e in effects)
                assert before.state is State.RESULT or done == (code == NEW_CODE_OF[errand])
            case kinds.DoorOpen(weak=False) | kinds.DoorShut() as screen, b.Errand.DOOR:
                opens = isinstance(screen, kinds.DoorOpen)
                assert before.state is State.RESULT or opens == (b.OpenDoor() in effects)
            case screen, about:
                assert isinstance(screen, kinds.PinBlocked if isinstance(about, b.Errand) else NOT_READ), screen
        if isinstance(self.screen, kinds.PinBlocked) and before.state is not State.RESULT:
            assert self.tries == 0

    def judge_signed(self, screen):
        signed, of = self.ended.signed, self.ended.ask.of
        match screen:
            case kinds.Done(count=count):
                assert count == signed == of
            case kinds.Outcome(signed=shown, of=shown_of):
                assert shown == signed < of
                assert shown_of == (of if signed else 0)
            case kinds.Removed(needed=True) | kinds.PinBlocked():
                assert signed == 0
            case _:
                raise AssertionError(screen)

    def judge_state(self, before, event):
        """(g) (h) (i) and that somebody always has the next word."""
        state, ask = self.box.state, self.box.ask
        errand = self.box.errand is not None
        assert not (ask and errand)
        assert (ask is not None or errand) == (state in ENGAGED or (ask is not None and state is State.READING))
        screen = self.screen
        match screen:
            case kinds.Consent(page=page, pages=pages):
                self.open.met = self.open.met or self.inserted
                self.open.last_page_seen |= page == pages
                assert screen.agree == self.open.last_page_seen
            case kinds.Permission():
                self.open.met = self.open.met or self.inserted
            case kinds.SessionOffer():
                assert self.open.poised
            case kinds.Ready():
                assert self.reader
                assert self.inserted
        assert self.box.inserted == self.inserted
        if state in b.ON_MENU:
            assert (self.display, self.keypad) == (True, True)
        assert not (flow_selftest.watches(self.box) and self.armed is not None), "keys that tell under a secret"
        if state in ENGAGED - {State.WAIT_CARD, *b.AT_WORK}:
            met = self.open.met if self.open else self.box.signer.session
            assert (self.reader, self.display, self.keypad, self.inserted) == (True, True, True, met)
        end = flow.deadline(self.box, self.now)
        assert end is not None or not self.box.engaged or state in b.AT_WORK, "something open without an end"
        if isinstance(event, b.Elapsed):
            assert self.box.state is not before.state or end is None or end > self.now, "time stands still"
        awaited = (WORK | {State.READING: (b.Identify,)}).get(state)
        if awaited and self.box.ticket not in self.pulled:
            assert isinstance(self.orders.get(self.box.ticket), awaited), "the box waits for nobody"
