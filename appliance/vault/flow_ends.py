"""How a request begins and ends: the parts of the flow that every row leans on.

What it is: pure functions over ``Box``. What it is not: the tables (flow.py).
Rule: an open request leaves the box only through ``finish``, which wipes the page and sends the one final reply.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from appliance.contract import events
from appliance.vault import box as b
from appliance.vault.box import Ask, Box, Card, Effect, Ending, State, Step
from appliance.vault.records import RequestState

Row = Callable[[Box, Any, float], Step]

CARD_FAULTS = frozenset({"card-mute", "card-unsupported", "certificate-invalid", "reader-absent"})
"""Faults of a card that the contract has a code for; every other unreadable card is card-unsupported to software."""

PERSON_CODES = frozenset({"refused", "consent-timeout", "pin-timeout", "pin-wrong"})
"""Ends that the person gave, by a key or by silence: the event is sign/refused; every other one is sign/failed."""


def open_ask(box: Box) -> Ask:
    """The open request; a row that calls this stands only where one is open (held by the walk test)."""
    if box.ask is None:
        raise AssertionError(box.state)
    return box.ask


def bound_card(box: Box) -> Card:
    """The card the request has met; a row that calls this stands only where there is one (held by the walk test)."""
    if box.signer is None:
        raise AssertionError(box.state)
    return box.signer


def rest(box: Box) -> Box:
    """The box with nothing open, where reader and card put it."""
    return replace(
        box,
        state=_resting_state(box),
        ask=None,
        signer=None,
        ended=None,
        outcome=None,
        signed=0,
        entry=None,
        results=(),
        verified=False,
        stop=None,
        until=None,
    )


def _resting_state(box: Box) -> State:
    if not box.reader:
        return State.NO_READER
    if box.inserted is None:
        return State.EMPTY
    if box.card:
        return State.READY
    return State.UNREADABLE if box.unreadable else State.READING


def finish(box: Box, code: str | None, now: float, ending: Ending = Ending.OUTCOME, tries: int | None = None) -> Step:
    """End the open request: event, disk state, final reply, page wiped, PIN forgotten, result on the screen.

    ``code`` None means every document is signed. ``tries`` is told to software only when 0 or 1 are left.
    """
    ask = open_ask(box)
    effects: list[Effect] = [
        b.Disarm(),
        b.Move(ask, RequestState.FAILED if code else RequestState.DONE, code),
        _end_event(box, ask, code),
        b.Finish(ask, box.results, code, tries),
    ]
    # The card's answer to this request, if it still comes, is late; only identification goes on beside requests.
    following = replace(rest(box), ticket=box.ticket if box.state is State.READING else box.ticket + 1)
    if box.state is State.SIGNING and box.card:
        effects.append(b.ResetCard())
    if box.state is State.SIGNING and following.state is State.READING:  # another card came in meanwhile
        effects.append(b.Identify(following.ticket))
    shown = replace(following, state=State.RESULT, ending=ending, outcome=code, ended=ask, until=now + box.times.result)
    shown = replace(shown, signed=len(box.results))
    return shown, tuple(effects)


def _end_event(box: Box, ask: Ask, code: str | None) -> b.Publish:
    if code is None:
        card = bound_card(box)
        completed = events.SignCompleted(
            client=ask.client,
            request=ask.id,
            holder=card.holder,
            card_session=card.session,
            format=ask.request.format,
            documents=ask.of,
            shown=ask.consent.shown,
        )
        return b.Publish("sign/completed", completed)
    if code in PERSON_CODES and not box.results:
        return b.Publish("sign/refused", events.SignRefused(client=ask.client, request=ask.id, code=code))
    failed = events.SignFailed(client=ask.client, request=ask.id, code=code, signed=len(box.results))
    return b.Publish("sign/failed", failed)


def ended(code: str, ending: Ending = Ending.OUTCOME) -> Row:
    """A row that ends the request with ``code``.

    After a wrong PIN, giving up or letting time pass is final as ``pin-wrong`` (contract, *Requests*).
    """

    def row(box: Box, _event: object, now: float) -> Step:
        after_wrong = box.attempt > 1 and code in {"refused", "pin-timeout"}
        return finish(box, "pin-wrong" if after_wrong else code, now, ending, box.tries if after_wrong else None)

    return row


def late(code: str) -> Row:
    """A row that ends the request when a time is over: its own as ``expired``, else the state's as ``code``."""
    over = ended(code)

    def row(box: Box, event: object, now: float) -> Step:
        return finish(box, "expired", now) if now >= open_ask(box).expires else over(box, event, now)

    return row


def begin(box: Box, ask: Ask, now: float) -> Step:
    """Bring a new request before the person, as far as reader, display and card allow."""
    taken: tuple[Effect, ...] = (b.Move(ask, RequestState.RECEIVED), b.Move(ask, RequestState.ACCEPTED))
    told = (*taken, b.Tell(ask, "accepted"))
    opened = replace(rest(box), ask=ask, page=1, seen=1, attempt=1, tries=None)
    refusal = _obstacle(opened)
    if refusal:
        following, effects = finish(opened, refusal, now)
        return following, taken + effects
    if opened.card:
        following, effects = meet(opened, opened.card, now)
        return following, told + effects
    if opened.state is State.READING:
        return opened, told
    waiting = replace(opened, state=State.WAIT_CARD, until=now + box.times.wait_card)
    return waiting, (*told, b.Tell(ask, "awaiting-card"))


def _obstacle(box: Box) -> str | None:
    """What stands in the way of any request, as a code of the contract."""
    if not box.display:
        return "display-absent"
    return unusable(box) if box.keypad else "internal"


def unusable(box: Box) -> str | None:
    """What is wrong with the reader or with the card in it, as a code of the contract; a patient's card is no card."""
    if not box.reader:
        return box.fault or "reader-absent"
    if box.fault == "reader-busy":
        return box.fault
    return card_fault(box) if box.unreadable and box.fault != "patient-card" else None


def card_fault(box: Box) -> str:
    """The contract's code for a card that cannot be used."""
    return box.fault if box.fault in CARD_FAULTS else "card-unsupported"


def meet(box: Box, card: Card, now: float) -> Step:
    """A request meets a card: bound to it from here on, and shown."""
    ask = open_ask(box)
    if ask.request.signer not in {None, card.holder} or ask.request.card_session not in {None, card.session}:
        return finish(box, "wrong-holder", now)
    if card.expired:
        return finish(box, "card-expired", now)
    return replace(box, state=State.CONSENT, signer=card, page=1, seen=1, until=None), (
        b.Tell(ask, "awaiting-consent"),
    )
