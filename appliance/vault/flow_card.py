"""What happens when readers, cards, display, keypad and broker come and go: rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py).
Rule: while the card is at work with a secret behind it, only its own answer ends that: it alone knows what exists.
"""

from dataclasses import replace

from appliance.contract import events
from appliance.contract.events import Data, Empty
from appliance.keypad.entry import KeyFault
from appliance.vault import box as b
from appliance.vault import flow_door as door
from appliance.vault.box import Box, Effect, Ending, State, Step
from appliance.vault.flow_ends import card_fault, finish, meet, rest


def _settle(box: Box) -> Box:
    """Where the box now stands without a request; a signature goes on, a result stays to be read."""
    return box if box.state in {*b.AT_WORK, State.RESULT} else rest(box)


def reader_attached(box: Box, _event: b.ReaderAttached, _now: float) -> Step:
    """A reader is back; what is in it will be said."""
    if box.reader:
        return box, ()
    return _settle(replace(box, reader=True, fault=None)), (b.Publish("reader/attached", Empty()), b.Announce())


def reader_lost(box: Box, event: b.ReaderLost, now: float) -> Step:
    """No usable reader: the card is gone with it, and what was open ends."""
    name = "reader/busy" if event.code == "reader-busy" else "reader/lost"
    effects: tuple[Effect, ...] = (b.Publish(name, Empty()), b.Announce())
    gone = replace(box, reader=False, card=None, inserted=None, fault=event.code)
    if box.state in b.AT_WORK:
        return gone, effects
    gone = replace(gone, ticket=box.ticket + 1)
    if not box.engaged:
        return _settle(gone), effects
    following, more = finish(gone, "card-removed" if box.signer else event.code, now)
    return following, effects + more


def card_inserted(box: Box, event: b.CardInserted, now: float) -> Step:
    """A card is in: read who it is. A patient's card is named and left alone.

    Pulled and pushed during a signature, it is only noted, and read when the signature's end is known.
    """
    if not box.reader:
        return box, ()
    if box.inserted is not None:  # no card comes in while another is in: a removal was missed
        emptied, before = card_removed(box, b.CardRemoved(), now)
        following, after = card_inserted(emptied, event, now)
        return following, before + after
    seen = replace(box, inserted=event.session, family=event.family, fault="patient-card" if event.patient else None)
    effects: tuple[Effect, ...] = (_inserted(event), b.Announce())
    if box.state in b.AT_WORK:
        return seen, effects
    if event.patient:
        return (seen if box.ask else rest(seen)), effects
    ticket = box.ticket + 1
    # a request that waits for a card has met none yet
    return replace(rest(seen), ask=box.ask, ticket=ticket), (*effects, b.Identify(ticket))


def _inserted(event: b.CardInserted) -> b.Publish:
    if event.patient:
        return b.Publish("patient-card/inserted", Empty())
    return b.Publish("card/inserted", events.CardInserted(card_session=event.session, family=event.family))


def card_removed(box: Box, _event: b.CardRemoved, now: float) -> Step:
    """The card left: final for a request that had met it, and said on the screen."""
    if box.inserted is None:
        return box, ()
    patient = box.fault == "patient-card"
    data: Data = Empty() if patient else events.CardRemoved(card_session=box.inserted)
    removed = b.Publish("patient-card/removed" if patient else "card/removed", data)
    effects: tuple[Effect, ...] = (removed, b.Announce())
    gone = replace(box, card=None, inserted=None, fault=None)
    if box.state in {*b.AT_WORK, State.WAIT_CARD}:
        return gone, effects
    gone = replace(gone, ticket=box.ticket + 1)
    if box.ask and box.signer is None:  # it was only being read: the request has met no card, and waits on
        waiting = replace(gone, state=State.WAIT_CARD, until=now + box.times.wait_card)
        return waiting, (*effects, b.Tell(box.ask, "awaiting-card"))
    if box.engaged:
        following, more = finish(gone, "card-removed", now, Ending.REMOVED)
        return following, effects + more
    if patient or box.state is State.RESULT:
        return _settle(gone), effects
    return replace(rest(gone), state=State.RESULT, ending=Ending.REMOVED, until=now + box.times.result), effects


def identified(box: Box, event: b.Identified, now: float) -> Step:
    """The card is known; a request that waited for it is shown now."""
    card = event.card
    data = events.CardIdentified(
        card_session=card.session, family=card.family, holder=card.holder, test=card.test, trust=card.trust
    )
    effects: tuple[Effect, ...] = (b.Publish("card/identified", data), b.Announce())
    known = replace(box, card=card, fault=None)
    if box.ask is None:
        following, more = door.at_insertion(_settle(known), now)
        return following, effects + more
    following, more = meet(known, card, now)
    return following, effects + more


def judged(box: Box, event: b.Judged, _now: float) -> Step:
    """What the card in is worth now; the request in hand goes on as it was agreed."""
    card = box.card
    if card is None or card.session != event.session:
        return box, ()
    return replace(box, card=replace(card, trust=event.trust, test=event.test, barred=event.barred)), ()


def held(box: Box, event: b.Held, _now: float) -> Step:
    """Another program has the card: said once, tried again until it lets go (design §5, *Card sharing*)."""
    again = b.Identify(event.ticket)
    if box.fault == "reader-busy":
        return box, (again,)
    busy = replace(box, fault="reader-busy")
    return busy, (b.Publish("reader/busy", Empty()), b.Announce(), again)


def unreadable(box: Box, event: b.Failed, now: float) -> Step:
    """The card in the reader cannot be used; say which way."""
    if event.code == "card-removed" or box.inserted is None:  # the watcher says so too, and that ends what is open
        return box, ()
    data = events.CardUnreadable(card_session=box.inserted, code=event.code)
    effects: tuple[Effect, ...] = (b.Publish("card/unreadable", data), b.Announce())
    bad = replace(box, card=None, fault=event.code)
    if box.ask is None:
        return _settle(bad), effects
    following, more = finish(bad, card_fault(bad), now)
    return following, effects + more


def link_changed(box: Box, event: b.LinkChanged, _now: float) -> Step:
    """Only a mark on the screen."""
    return replace(box, link=event.up), ()


def display_changed(box: Box, event: b.DisplayChanged, now: float) -> Step:
    """No display, no PIN entry and no signature (design §5)."""
    known = replace(box, display=event.ok)
    if event.ok == box.display:
        return box, ()
    return (known, (b.Announce(),)) if event.ok else _hindered(known, "display-absent", "display", now)


def key_fault(box: Box, event: KeyFault, now: float) -> Step:
    """A stuck key: no PIN entry until it is free again."""
    known = replace(box, keypad=event.ok)
    if event.ok == box.keypad:
        return box, ()
    return (known, (b.Announce(),)) if event.ok else _hindered(known, "internal", "keypad", now)


def _hindered(box: Box, code: str, part: str, now: float) -> Step:
    """A part the person needs has failed: what is open ends with ``code``, the menu too."""
    fault = b.Publish(f"{part}/fault", events.Fault(code=f"{part}-fault"))
    if not box.engaged:
        return rest(box) if box.state in b.ON_MENU else box, (fault, b.Announce())
    if box.state in b.AT_WORK:  # the card's answer ends the document in hand; no other begins, no code is asked
        return replace(box, stop=box.stop or code), (fault, b.Announce())
    following, effects = finish(box, code, now)
    return following, (fault, b.Announce(), *effects)
