"""Counters and codes: from the tries left to the one secret command. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``, for requests and for the person's own errands.
What it is not: the tables (flow.py) or what a right code is used for (flow_request.py, flow_code.py).
Rule: one ``#`` gives at most one order with a secret behind it; nothing else gives any. A counter is read afresh before
each prompt, and the last try of either code asks twice.
"""

from dataclasses import replace

from msgspec import UNSET

from appliance.contract import events
from appliance.keypad.entry import Agree, Clear, Digit, Entry, Validate
from appliance.secret import Slot
from appliance.vault import box as b
from appliance.vault.box import Ask, Box, Effect, Ending, Errand, Hint, State, Step
from appliance.vault.flow_ends import bound_card, expires, finish, open_ask
from appliance.vault.flow_session import close, is_over
from appliance.vault.records import RequestState

SLOTS = {State.PIN: Slot.OLD, State.NEW_PIN: Slot.NEW, State.AGAIN: Slot.AGAIN}
"""State in which a secret is typed -> where its digits go."""

SETTLED = 1.0
"""Seconds in which an ``A`` on the last-try screen was meant for the screen before it (the consent, the wrong code)."""


def count(box: Box, _event: object, now: float) -> Step:
    """Read the tries left, afresh before every prompt; where the code is asked for, no session goes on."""
    alone, closed = close(box, "reset")
    ticket = box.ticket + 1
    until = None if box.ask else now + box.times.entry
    counting = replace(alone, state=State.COUNTING, ticket=ticket, until=until, entry=None, hint=None)
    return counting, (*closed, b.ReadTries(ticket, puk=box.errand is Errand.UNBLOCK))


def counted(box: Box, tries: int | None) -> Box:
    """The PIN's counter as the card just told it; None: full again after a right PIN."""
    card = replace(box.card, tries=tries) if box.card else None
    return replace(box, card=card, tries=box.tries if tries is None else tries)


def puk_counted(box: Box, tries: int | None) -> Box:
    """The same for the code de déblocage."""
    card = replace(box.card, puk_tries=tries) if box.card else None
    return replace(box, card=card, tries=box.tries if tries is None else tries)


def tries_read(box: Box, event: b.TriesRead, now: float) -> Step:
    """None left: blocked. One: a second confirmation. More: the code."""
    puk = box.errand is Errand.UNBLOCK
    known = puk_counted(box, event.tries) if puk else counted(box, event.tries)
    if event.tries <= 0:
        return finish(known, "puk-blocked", now) if puk else blocked(known, now)
    if event.tries == 1:
        return replace(known, state=State.LAST_TRY, until=now + box.times.last_try), ()
    return prompt(known, None, now)


def blocked(box: Box, now: float) -> Step:
    """The card takes no PIN any more; nothing is tried again."""
    card = bound_card(box)
    following, effects = finish(box, "pin-blocked", now, Ending.BLOCKED, 0)
    return following, (
        b.Publish("pin/blocked", events.PinBlocked(card_session=card.session, holder=card.holder)),
        *effects,
    )


def confirmed(box: Box, event: Agree, now: float) -> Step:
    """``A`` on the last-try screen, once it has stood there long enough to be what was answered."""
    asked = (box.until or now) - box.times.last_try
    return prompt(box, event, now) if now >= asked + SETTLED else (box, ())


def prompt(box: Box, _event: object, now: float) -> Step:
    """Ask for the PIN, or for the code de déblocage."""
    following, effects = enter(box, State.PIN, now)
    if box.ask and box.attempt == 1:  # each further entry was told when the one before it failed
        effects = (*effects, b.Tell(box.ask, "awaiting-pin", attempt=box.attempt))
    return following, effects


def enter(box: Box, state: State, now: float, hint: Hint | None = None) -> Step:
    """Begin the entry of ``state``, within the lengths the card itself gives."""
    card, times = bound_card(box), box.times
    puk = state is State.PIN and box.errand is Errand.UNBLOCK
    least, most = (card.puk_min, card.puk_max) if puk else (card.pin_min, card.pin_max)
    entry = Entry.begin(now, least, most, times.first_digit, times.next_digit, times.entry, times.reminder)
    # the page is empty when its first slot is armed; a new code may be typed a second time
    arm = b.Arm(most, SLOTS[state], fresh=state is not State.PIN)
    return replace(box, state=state, entry=entry, hint=hint, until=None), (arm,)


def entry_of(box: Box) -> Entry:
    """The entry in progress; only rows of ``SLOTS`` call this."""
    if box.entry is None:
        raise AssertionError(box.state)
    return box.entry


def digit(box: Box, _event: Digit, now: float) -> Step:
    """One more mark."""
    return replace(box, entry=entry_of(box).digit(now), hint=None), ()


def touched(box: Box, _event: object, now: float) -> Step:
    """A key that means nothing here: somebody is there."""
    return replace(box, entry=entry_of(box).touch(now)), ()


def cleared(box: Box, _event: Clear, now: float) -> Step:
    """No mark any more."""
    return replace(box, entry=entry_of(box).clear(now)), ()


def unfinished(box: Box, now: float) -> Step:
    """``#`` with too few digits: the prompt stays and goes on taking digits."""
    entry = entry_of(box)
    return replace(box, entry=entry.touch(now)), (b.Arm(entry.maximum, SLOTS[box.state]),)


def validated(box: Box, _event: Validate, now: float) -> Step:
    """``#`` with enough digits: the one order with the PIN behind it, or on to the new code."""
    if not entry_of(box).complete:
        return unfinished(box, now)
    if box.errand:
        return enter(box, State.NEW_PIN, now)
    ask, ticket = open_ask(box), box.ticket + 1
    effects: tuple[Effect, ...] = (b.Disarm(wipe=False),)
    if box.attempt == 1:
        effects = (*effects, b.Move(ask, RequestState.CARD_STARTED))
    if isinstance(ask, Ask):
        effects = (*effects, b.Tell(ask, "signing", done=0), b.Sign(ticket, ask, 0, verify=True))
    else:
        effects = (*effects, b.ReadSituations(ticket))
    state = State.SIGNING if isinstance(ask, Ask) else State.WORKING
    return replace(box, state=state, ticket=ticket, entry=None, until=None), effects


def pin_rejected(box: Box, event: b.PinRejected, now: float) -> Step:
    """A wrong PIN is no error while tries remain."""
    wrong = counted(box, event.tries)
    card, few = bound_card(box), event.tries if event.tries <= 1 else UNSET
    data = events.PinWrong(card_session=card.session, holder=card.holder, tries_left=few)
    told: tuple[Effect, ...] = (b.Publish("pin/wrong", data), b.Disarm())
    following, more = blocked(wrong, now) if event.tries <= 0 else _once_more(wrong, event.tries, now)
    if following.ask and following.state is State.PIN_WRONG:
        more = (*more, b.Tell(following.ask, "awaiting-pin", attempt=following.attempt))
    return following, told + more


def puk_rejected(box: Box, event: b.PukRejected, now: float) -> Step:
    """A wrong code de déblocage; the contract has no event for it. None left: only another card helps."""
    wrong, code = puk_counted(box, event.tries), "puk-blocked" if event.tries <= 0 else "puk-wrong"
    following, more = finish(wrong, code, now) if event.tries <= 0 else _once_more(wrong, event.tries, now)
    return following, (*recorded(box, "failed", code), b.Disarm(), *more)


def _once_more(box: Box, tries: int, now: float) -> Step:
    """Say how many are left, and ask again; giving up after a wrong PIN is pin-wrong (contract, *Requests*)."""
    stop, wrong = stopped_by(box, now), "puk-wrong" if box.errand is Errand.UNBLOCK else "pin-wrong"
    if stop:
        return finish(box, wrong if stop == "refused" else stop, now, tries=tries if box.ask else None)
    return replace(box, state=State.PIN_WRONG, attempt=box.attempt + 1, until=now + box.times.result), ()


def wrong_elapsed(box: Box, event: b.Elapsed, now: float) -> Step:
    """The message was read: prompt again, if a request still has time."""
    return finish(box, "expired", now) if now >= expires(box) else count(box, event, now)


def stopped_by(box: Box, now: float) -> str | None:
    """Why it goes no further, now that the card has answered; None when it may."""
    if box.stop or box.card is None:
        return box.stop or "card-removed"
    return "expired" if is_over(box) or now >= expires(box) else None


def work_failed(box: Box, event: b.Failed, now: float) -> Step:
    """Card or reader gave up; ``event.code`` says whether a signature may exist, or the code may have changed.

    That is said, and nothing is tried again (``outcome-unknown``).
    """
    following, effects = finish(
        box, event.code, now, Ending.REMOVED if event.code == "card-removed" else Ending.OUTCOME
    )
    told = recorded(box, "failed", event.code) if box.state is State.WORKING else ()
    return following, (*told, *effects)


def recorded(box: Box, how: str, code: str | None = None) -> tuple[Effect, ...]:
    """An order of the person's errand, and an end of it that no event tells of: a start without an end was cut off."""
    card = bound_card(box)
    if box.errand not in b.RENEWALS:
        return ()
    return (b.Record(f"pin/{box.errand.value}-{how}", card.session, card.holder, code),)
