"""The world around the flow: what the person saw and pressed, what the card counted, what is in flight and on disk.

What it is: a model that judges each step of the flow by the promises of design §5, in its own words. What it is not: a
second flow: it says nothing of what the next state is. ``flow_machine`` makes the events.
"""

import collections

import flow_kit as kit

from appliance.keypad import entry as keys
from appliance.screen import kinds
from appliance.vault import box as b
from appliance.vault import flow, view
from appliance.vault.box import Box, State
from appliance.vault.records import LEGAL_MOVES, RequestState

ENDS = {"sign/completed", "sign/refused", "sign/failed"}
TYPING = {State.PIN, State.SIGNING}
ASKING = {*TYPING, State.WAIT_CARD, State.CONSENT, State.COUNTING, State.LAST_TRY, State.PIN_WRONG}

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


class World:
    """``feed`` plays one event and judges the step."""

    def __init__(self):
        self.box, self.now = Box(), 0.0
        self.reader, self.inserted = False, None
        self.display = self.keypad = True
        self.tries = 3  # the card's own counter
        self.told, self.confirmed = None, False  # the counter as the box was told it, and A on the last-try screen
        self.armed, self.frozen, self.digits = False, False, 0
        self.orders = {}  # ticket -> order
        self.pulled = set()  # tickets whose work said that the card is gone
        self.requests = {}
        self.ended = None  # the request whose end the screen tells, if it tells one
        self.validates = self.verifies = self.insertions = 0

    @property
    def open(self):
        return self.requests[self.box.ask.id] if self.box.ask else None

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
                case b.Identify() | b.ReadTries():
                    self.order(effect)
        self.judge_state(before, event)
        self.judge_removal(before, event)
        self.judge_result(before, effects)

    def note(self, event, shown):
        """What the world knows before the box does: what the person saw when the key went down, what the card is."""
        if self.open and isinstance(event, keys.Agree):
            if isinstance(shown, kinds.Consent) and self.open.last_page_seen:
                assert shown.agree
                self.open.agreed = True
            self.confirmed |= isinstance(shown, kinds.LastTry)
        match event:
            case b.TriesRead(ticket, tries) if ticket == self.box.ticket:
                self.told, self.confirmed = tries, False
            case keys.Validate():
                self.validates += 1
                self.frozen = self.armed
            case keys.Refuse():
                self.frozen = self.armed
            case b.PinRejected(ticket) if ticket == self.box.ticket:
                self.open.wrong += 1
            case b.Signed(ticket) if ticket == self.box.ticket:
                self.open.wrong = 0
            case b.Asked(ask):
                self.requests[ask.id] = Request(ask)

    def order(self, effect):
        assert effect.ticket not in self.orders, "two orders under one ticket"
        self.orders[effect.ticket] = effect

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
            assert (effect.code is None) == (known.signed == known.ask.of)
            assert effect.tries is None or effect.tries == self.tries
            assert effect.code not in {"refused", "pin-timeout"} or known.wrong == 0, "given up after a wrong PIN"
            assert effect.code != "pin-wrong" or known.wrong > 0
        assert sum(isinstance(e, b.Publish) and e.topic in ENDS for e in effects) == len(finished)
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
                case b.Arm():
                    self.armed, self.frozen = True, False
                case b.Disarm(wipe):
                    self.armed = self.frozen = False
                    self.digits = 0 if wipe else self.digits
                    assert wipe or self.box.state is State.SIGNING
        if before.state in TYPING and self.box.state is not before.state:
            assert any(isinstance(effect, b.Disarm) for effect in effects)
        assert self.armed == (self.box.state is State.PIN)
        assert self.digits == 0 or self.box.state in TYPING
        if self.box.state is State.PIN:
            assert self.box.entry.marks == self.digits
            assert self.screen.marks == self.digits

    def judge_sign(self, event, sign, effects):
        """(b) (c) (d) (f) What must be true when the card is told to sign."""
        known = self.requests[sign.ask.id]
        assert known.agreed, "signed without A after the last page"
        assert known.met is not None
        assert known.met == self.inserted, "signed with another insertion"
        assert known.disk is RequestState.CARD_STARTED
        assert sign.index == known.signed
        if not sign.verify:
            assert known.signed > 0
            return
        assert isinstance(event, keys.Validate), "a VERIFY that nobody asked for"
        assert sum(isinstance(effect, b.Sign) for effect in effects) == 1
        self.verifies += 1
        assert self.verifies <= self.validates
        assert self.told >= 1
        assert self.told > 1 or self.confirmed, "the last try without its own A"
        assert self.digits >= kit.card().pin_min
        moved = any(isinstance(effect, b.Move) and effect.to is RequestState.CARD_STARTED for effect in effects)
        assert moved == (self.box.attempt == 1)

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
            self.ended = self.requests[finished[0]] if finished else None
        match self.screen, self.ended:
            case kinds.Removed(needed=False), None:
                pass
            case kinds.Done(count=count), Request(signed=signed, ask=ask):
                assert count == signed == ask.of
            case kinds.Outcome(signed=shown, of=of), Request(signed=signed, ask=ask):
                assert shown == signed < ask.of
                assert of == (ask.of if signed else 0)
            case kinds.Removed(needed=True) | kinds.PinBlocked(), Request(signed=signed):
                assert signed == 0
            case screen, _:
                raise AssertionError(screen)

    def judge_state(self, before, event):
        """(g) (h) (i) and that somebody always has the next word."""
        state, ask = self.box.state, self.box.ask
        assert (ask is not None) == (state in ASKING or (ask is not None and state is State.READING))
        screen = self.screen
        match screen:
            case kinds.Consent(page=page, pages=pages):
                self.open.met = self.open.met or self.inserted
                self.open.last_page_seen |= page == pages
                assert screen.agree == self.open.last_page_seen
            case kinds.Ready():
                assert self.reader
                assert self.inserted
        assert self.box.inserted == self.inserted
        if state in ASKING - {State.WAIT_CARD, State.SIGNING}:
            assert (self.reader, self.display, self.keypad, self.inserted) == (True, True, True, self.open.met)
        end = flow.deadline(self.box, self.now)
        assert end is not None or ask is None or state is State.SIGNING, "a request without an end"
        if isinstance(event, b.Elapsed):
            assert self.box.state is not before.state or end is None or end > self.now, "time stands still"
        awaited = {State.COUNTING: b.ReadTries, State.SIGNING: b.Sign, State.READING: b.Identify}.get(state)
        if awaited and self.box.ticket not in self.pulled:
            assert isinstance(self.orders.get(self.box.ticket), awaited), "the box waits for nobody"
