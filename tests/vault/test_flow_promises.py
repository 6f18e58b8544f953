"""The promises of design §5, held by the flow whatever comes in whatever order (``flow_machine``)."""

import collections
import typing
from dataclasses import replace

import flow_machine
import flow_world
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from appliance.keypad.entry import Agree, Refuse, Validate
from appliance.vault import box as b
from appliance.vault import flow, flow_ends, flow_request
from appliance.vault.box import State
from appliance.vault.records import RequestState

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
    after, effects = flow_request.count(box, None, 0)
    return after, (b.Move(box.ask, RequestState.AGREED, holder="holder-1"), *effects)


def no_last_confirmation(box, event, now):
    return flow_request.prompt(replace(box, tries=event.tries), None, now)


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
    after, effects = flow_request.validated(box, event, now)
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
    after, effects = flow_request.pin_rejected(box, event, now)
    return after, tuple(replace(e, code="refused") if isinstance(e, b.Finish) and box.stop else e for e in effects)


def hide_what_is_signed(box, event, now):
    after, effects = flow_request.signed(box, event, now)
    return replace(after, signed=0), effects


BROKEN = [
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
    goals = [goal for goal in flow_machine.GOALS if goal[0] is state or goal[2] == 1]
    with pytest.raises(AssertionError):
        collections.deque(map(flow_machine.sweep, goals))


@broken("try_again", "stay_ready")
def test_a_broken_promise_is_found_by_any_events_in_any_order(monkeypatch, state, kind, row):
    monkeypatch.setitem(flow.TABLE, state, {**flow.TABLE[state], kind: row})
    once = settings(phases=[Phase.generate], report_multiple_bugs=False, derandomize=True, print_blob=False, **MANY)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(flow_machine.Promises, settings=once)
