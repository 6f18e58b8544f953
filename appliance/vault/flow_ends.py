"""How a request or an errand begins and ends: the parts of the flow that every row leans on.

What it is: pure functions over ``Box``. What it is not: the tables (flow.py).
Rule: what is open leaves the box only through ``finish``, which wipes the page and sends a request's one final reply.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from appliance.card.activity import Situation
from appliance.contract import events
from appliance.vault import box as b
from appliance.vault.box import AnyAsk, Ask, Box, Card, Effect, Ending, Errand, State, Step
from appliance.vault.flow_session import carried
from appliance.vault.records import RequestState

Row = Callable[[Box, Any, float], Step]

CARD_FAULTS = frozenset({"card-mute", "card-unsupported", "certificate-invalid", "reader-absent"})
"""Faults of a card that the contract has a code for; every other unreadable card is card-unsupported to software."""

PERSON_CODES = frozenset({"refused", "consent-timeout", "pin-timeout", "pin-wrong"})
"""Ends that the person gave, by a key or by silence: the event is sign/refused; every other one is sign/failed."""


def open_ask(box: Box) -> AnyAsk:
    """The open request; a row that calls this stands only where one is open (held by the walk test)."""
    if box.ask is None:
        raise AssertionError(box.state)
    return box.ask


def signing_ask(box: Box) -> Ask:
    """The same where it is one to sign."""
    if isinstance(box.ask, Ask):
        return box.ask
    raise AssertionError(box.state)


def bound_card(box: Box) -> Card:
    """The card the request or errand has met; a row that calls this stands only where there is one."""
    if box.signer is None:
        raise AssertionError(box.state)
    return box.signer


def expires(box: Box) -> float:
    """When the open request's own time is over; the person's own errands have none."""
    return box.ask.expires if box.ask else float("inf")


def rest(box: Box) -> Box:
    """The box with nothing open, where reader and card put it; a session goes on."""
    return replace(
        box,
        state=_resting_state(box),
        ask=None,
        errand=None,
        signer=None,
        topic=None,
        facts=None,
        setting=None,
        selftest=None,
        wanted=False,
        poised=False,
        ended=None,
        outcome=None,
        offer=None,
        signed=0,
        entry=None,
        hint=None,
        results=(),
        verified=False,
        stop=None,
        until=None,
        reminder=False,
    )


def _resting_state(box: Box) -> State:
    if not box.reader:
        return State.NO_READER
    if box.inserted is None:
        return State.EMPTY
    if box.card:
        return State.READY
    return State.UNREADABLE if box.unreadable else State.READING


def finish(  # noqa: PLR0913, PLR0917 - how it ended, what the screen says of it, and the two things a reply may carry
    box: Box,
    code: str | None,
    now: float,
    ending: Ending = Ending.OUTCOME,
    tries: int | None = None,
    situations: tuple[Situation, ...] = (),
) -> Step:
    """End what is open: event, disk state, final reply, page wiped, PIN forgotten, result on the screen.

    ``code`` None means that a request got everything it asked for; an errand's ``code`` is what became of it.
    ``tries`` is told to software only when 0 or 1 are left.
    """
    about = box.ask or box.errand
    if about is None:
        raise AssertionError(box.state)
    effects: list[Effect] = [b.Disarm()]
    if box.ask:
        effects += _answer(box, box.ask, code, tries, situations)
    if box.errand is Errand.DOOR:
        effects.append(_door_event(box, code))
    # The card's answer to this, if it still comes, is late; only identification goes on beside requests.
    following = replace(rest(box), ticket=box.ticket if box.state is State.READING else box.ticket + 1)
    session, said = carried(box, code, now)
    effects += said
    if box.state in b.AT_WORK and box.card and session is None:
        effects.append(b.ResetCard())
    if box.state in b.AT_WORK and following.state is State.READING:  # another card came in meanwhile
        effects.append(b.Identify(following.ticket))
    offer = _unblockable(box) if ending is Ending.BLOCKED else None
    # whether the code has changed is the person's to find out: that is left time to be read, as the offer is
    long = offer is not None or (box.errand is not None and code == "outcome-unknown")
    shown = replace(
        following,
        state=State.RESULT,
        session=session,
        ending=ending,
        outcome=code,
        ended=about,
        offer=offer,
        signed=len(box.results) + len(situations),
        until=now + (box.times.last_try if long else box.times.result),
    )
    return shown, tuple(effects)


def _unblockable(box: Box) -> str | None:
    """The insertion of the card that was found blocked, if it is in still and has a code de déblocage."""
    card, met = box.card, box.signer
    here = card and met and card.session == met.session and card.puk and not box.locked
    return card.session if card and here else None


def _answer(
    box: Box, ask: AnyAsk, code: str | None, tries: int | None, situations: tuple[Situation, ...]
) -> list[Effect]:
    """What the disk, the world and the software are told of a request's end."""
    card = box.signer
    reply = b.Finish(ask, box.results, code, tries)
    if card and isinstance(ask, Ask) and code is None:
        reply = replace(reply, trust=card.trust)
    if card and not isinstance(ask, Ask):
        reply = replace(reply, situations=situations, holder=card.holder, session=card.session)
    move = b.Move(ask, RequestState.FAILED if code else RequestState.DONE, code)
    return [move, _end_event(box, ask, code), reply] if isinstance(ask, Ask) else [move, reply]


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


OPENED = "opened"
"""What becomes of the door's errand where it ends well; every other end is why it stayed shut."""


def _door_event(box: Box, code: str | None) -> b.Publish:
    """What the journal and the world are told of the door: once for each errand, before any relay moves."""
    card = bound_card(box)
    if code != OPENED:
        refused = events.DoorRefused(card_session=card.session, holder=card.holder, code=code or "internal")
        return b.Publish("door/refused", refused)
    weak = box.door is not None and box.door.presence_only
    opened = events.DoorOpened(card_session=card.session, holder=card.holder, method="presence" if weak else "pin")
    return b.Publish("door/opened", opened)


def ended(code: str, ending: Ending = Ending.OUTCOME) -> Row:
    """A row that ends what is open with ``code``.

    After a wrong PIN, giving up or letting time pass is final as ``pin-wrong`` (contract, *Requests*).
    """

    def row(box: Box, _event: object, now: float) -> Step:
        after_wrong = box.ask is not None and box.attempt > 1 and code in {"refused", "pin-timeout"}
        return finish(box, "pin-wrong" if after_wrong else code, now, ending, box.tries if after_wrong else None)

    return row


def late(code: str) -> Row:
    """A row that ends what is open when a time is over: a request's own is ``expired``, the state's is ``code``."""
    over = ended(code)

    def row(box: Box, event: object, now: float) -> Step:
        return finish(box, "expired", now) if now >= expires(box) else over(box, event, now)

    return row


def begin(box: Box, ask: AnyAsk, now: float) -> Step:
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
    if box.locked:
        return "tamper-lockout"
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
    """A request meets a card: bound to it from here on, and shown.

    What keeps a card from signing does not keep its practice situations from being read.
    """
    ask = open_ask(box)
    refusal = _unfit(ask, card) if isinstance(ask, Ask) else None
    if refusal:
        return finish(box, refusal, now)
    return replace(box, state=State.CONSENT, signer=card, page=1, seen=1, poised=False, until=None), (
        b.Tell(ask, "awaiting-consent"),
    )


def _unfit(ask: Ask, card: Card) -> str | None:
    """Why this card does not sign for this request."""
    if ask.request.signer not in {None, card.holder} or ask.request.card_session not in {None, card.session}:
        return "wrong-holder"
    return card.barred
