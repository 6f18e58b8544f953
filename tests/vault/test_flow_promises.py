"""The promises of design §5, held by the flow whatever comes in whatever order (``flow_machine``)."""

import collections
import typing
from dataclasses import replace

import flow_machine
import flow_world
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from appliance.keypad.entry import Agree, Differ, Refuse, Validate
from appliance.vault import box as b
from appliance.vault import flow, flow_code, flow_ends, flow_pin, flow_request, flow_session
from appliance.vault.box import State
from appliance.vault.records import RequestState

pytestmark = pytest.mark.usefixtures("uncounted")

MANY = {
    "max_examples": 500,
    "stateful_step_count": 14,
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.parametrize("goal", flow_machine.GOALS, ids=lambda goal: f"{goal[0].value} {goal[1]} {goal[2]}")
def test_every_event_in_every_state_keeps_the_promises(goal):
    flow_machine.sweep(goal)


def test_any_events_in_any_order_keep_the_promises():
    flow_world.seen.clear()
    run_state_machine_as_test(flow_machine.Promises, settings=settings(**MANY))
    effects = set(typing.get_args(b.Effect))
    assert effects <= flow_world.seen.keys()
    assert len(flow_world.seen.keys() - effects) > 250, "too few events in too few states"


# --- controls: a flow that breaks one promise does not pass -----------------------------------------------------------


def agree_too_early(box, _event, _now):
    after, effects = flow_pin.count(box, None, 0)
    return after, (b.Move(box.ask, RequestState.AGREED, holder="holder-1"), *effects)


def no_last_confirmation(box, event, now):
    return flow_pin.prompt(replace(box, tries=event.tries), None, now)


def try_again(box, event, _now):
    order = b.Sign(box.ticket + 1, box.ask, 0, verify=True)
    return replace(box, tries=event.tries, ticket=order.ticket), (order,)


def forget_the_request(box, _event, _now):
    return flow_ends.rest(box), (b.Disarm(),)


def answer_twice(box, _event, now):
    after, effects = flow_ends.finish(box, "refused", now)
    return after, (*effects, b.Finish(box.ask, code="refused"))


def keep_the_page(box, _event, now):
    after, effects = flow_ends.finish(box, "refused", now)
    return after, tuple(effect for effect in effects if not isinstance(effect, b.Disarm))


def wait_for_another_card(box, _event, _now):
    return replace(box, card=None, inserted=None), ()


def begin_unsaid(box, event, now):
    after, effects = flow_pin.validated(box, event, now)
    return after, tuple(effect for effect in effects if not isinstance(effect, b.Move))


def begin_said_late(box, event, now):
    after, effects = flow_request.signed(box, event, now)
    return after, (b.Move(box.ask, RequestState.CARD_STARTED), *effects)


def only_note(box, event, _now):
    return replace(box, display=event.ok), ()


def stay_ready(box, _event, _now):
    return replace(box, reader=False, inserted=None), ()


def take_no_time(box, _event, _now):
    return box, ()


def start_over(box, _event, _now):
    return replace(flow_ends.rest(replace(box, reader=True, fault=None)), state=State.EMPTY), ()


def identify_never(box, event, now):
    after, effects = flow.ALWAYS[b.CardInserted](box, event, now)
    return after, tuple(effect for effect in effects if not isinstance(effect, b.Identify))


def end_what_was_only_read(box, event, now):
    waiting, effects = flow.card.card_removed(box, event, now)
    if waiting.ask is None:
        return waiting, effects
    after, more = flow_ends.finish(waiting, "card-removed", now, b.Ending.REMOVED)
    return after, effects + more


def refused_after_a_wrong_pin(box, event, now):
    after, effects = flow_pin.pin_rejected(box, event, now)
    return after, tuple(replace(e, code="refused") if isinstance(e, b.Finish) and box.stop else e for e in effects)


def hide_what_is_signed(box, event, now):
    after, effects = flow_request.signed(box, event, now)
    return replace(after, signed=0), effects


def repeat_nothing(box, event, now):
    """The new code is taken as it was typed once."""
    return flow_code.again_typed(box, event, now)


def take_what_differs(box, _event, now):
    return flow_code.again_typed(box, None, now)


def leave_the_card_open(box, event, now):
    after, effects = flow_code.changed(box, event, now)
    return after, tuple(effect for effect in effects if not isinstance(effect, b.ResetCard))


def unblock_in_silence(box, event, now):
    after, effects = flow_code.changed(box, event, now)
    return after, tuple(effect for effect in effects if not isinstance(effect, b.Publish))


def blame_the_code(box, event, now):
    return flow_pin.pin_rejected(box, b.PinRejected(event.ticket, 0), now)


def prompt_over_the_menu(box, event, now):
    return flow_ends.begin(box, event.ask, now)


def sign_for_anybody(box, event, now):
    asked = flow_ends.signing_ask(box)
    if box.session is None:
        return flow_request.agreed(box, event, now)
    mine = replace(box.session, client=asked.client, left=9)
    return flow_request.agreed(replace(box, session=mine), event, now)


def open_unasked(box, event, now):
    return flow_request.signed(replace(box, wanted=True), event, now)


def read_unasked(box, _event, _now):
    return replace(box, state=State.WORKING, ticket=box.ticket + 1), (b.ReadSituations(box.ticket + 1),)


def tell_all_the_same(box, event, now):
    return flow_request.situations_read(replace(box, stop=None), event, now)


def count_in_the_open(box, event, now):
    """The PIN's prompt while the card is still verified for a session."""
    after, effects = flow_pin.count(replace(box, session=None), event, now)
    return replace(after, session=box.session), effects


BROKEN = [
    (State.NEW_PIN, Validate, repeat_nothing),
    (State.AGAIN, Differ, take_what_differs),
    (State.WORKING, b.Changed, leave_the_card_open),
    (State.WORKING, b.Changed, unblock_in_silence),
    (State.WORKING, b.Failed, blame_the_code),
    (State.MENU, b.Asked, prompt_over_the_menu),
    (State.PAGE, b.Asked, prompt_over_the_menu),
    (State.SELFTEST, b.Asked, prompt_over_the_menu),
    (State.CONSENT, Agree, sign_for_anybody),
    (State.SIGNING, b.Signed, open_unasked),
    (State.CONSENT, Agree, read_unasked),
    (State.WORKING, b.SituationsRead, tell_all_the_same),
    (State.CONSENT, Agree, count_in_the_open),
    (State.CONSENT, Agree, agree_too_early),
    (State.COUNTING, b.TriesRead, no_last_confirmation),
    (State.SIGNING, b.PinRejected, try_again),
    (State.PIN, Refuse, forget_the_request),
    (State.CONSENT, Refuse, answer_twice),
    (State.PIN, Refuse, keep_the_page),
    (State.PIN, b.CardRemoved, wait_for_another_card),
    (State.PIN, Validate, begin_unsaid),
    (State.SIGNING, b.Signed, begin_said_late),
    (State.PIN, b.DisplayChanged, only_note),
    (State.READY, b.ReaderLost, stay_ready),
    (State.CONSENT, b.Elapsed, take_no_time),
    (State.SIGNING, b.ReaderAttached, start_over),
    (State.EMPTY, b.CardInserted, identify_never),
    (State.READING, b.CardRemoved, end_what_was_only_read),
    (State.SIGNING, b.PinRejected, refused_after_a_wrong_pin),
    (State.SIGNING, b.Signed, hide_what_is_signed),
]


def broken(*names):
    chosen = [case for case in BROKEN if not names or case[2].__name__ in names]
    return pytest.mark.parametrize(("state", "kind", "row"), chosen, ids=[case[2].__name__ for case in chosen])


@broken()
def test_a_broken_promise_is_found_by_every_event_in_its_state(monkeypatch, state, kind, row):
    monkeypatch.setitem(flow.TABLE, state, {**flow.TABLE[state], kind: row})
    goals = [goal for goal in flow_machine.GOALS if goal[0] is state or goal[2] == 1 or goal[0] in flow_machine.Place]
    with pytest.raises(AssertionError):
        collections.deque(map(flow_machine.sweep, goals))


@broken("try_again", "stay_ready")
def test_a_broken_promise_is_found_by_any_events_in_any_order(monkeypatch, state, kind, row):
    monkeypatch.setitem(flow.TABLE, state, {**flow.TABLE[state], kind: row})
    once = settings(phases=[Phase.generate], report_multiple_bugs=False, derandomize=True, print_blob=False, **MANY)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(flow_machine.Promises, settings=once)


SESSIONS = [(place, True, 3) for place in (flow_machine.Place.IN_SESSION, flow_machine.Place.OPENED)]


def test_a_session_that_nothing_ends_is_found(monkeypatch):
    for kind in (Refuse, b.CardRemoved, b.Failed, b.DisplayChanged, b.Stopping):
        with monkeypatch.context() as patch:
            rest = {known: rule for known, rule in flow_session.ENDED_BY.items() if known is not kind}
            patch.setattr(flow_session, "ENDED_BY", rest)
            with pytest.raises(AssertionError):
                collections.deque(map(flow_machine.sweep, SESSIONS))


@pytest.mark.parametrize("kept", ["client", "format", "count"])
def test_a_session_that_serves_others_is_found(monkeypatch, kept):
    honest = flow_session.covers

    def covers(box, ask):
        session = box.session
        if session is None or not isinstance(ask, b.Ask):
            return False
        wrong = {
            "client": replace(session, client=ask.client),
            "format": replace(session, format=ask.request.format),
            "count": replace(session, left=99),
        }[kept]
        return honest(replace(box, session=wrong), ask)

    monkeypatch.setattr(flow_request, "covers", covers)
    with pytest.raises(AssertionError):
        collections.deque(map(flow_machine.sweep_sessions, flow_machine.STRANGERS))
