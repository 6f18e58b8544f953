"""Issue 3, item 1: time over and card pulled in each state of the flow, over the real pcscd, vpcd and mosquitto."""

import time

import pytest
from fault_states import LONG, PULLS, TIMES, consistent, covering

from appliance.vault.attention import AT_REST
from appliance.vault.box import Elapsed
from appliance.vault.flow import DEADLINES, TABLE


@pytest.mark.parametrize("case", covering(TIMES, TABLE), ids=lambda case: case.id)
def test_time_is_over(stand, case):
    bench = stand()
    asked = case.way(bench, **case.members)
    since = time.monotonic()
    bench.desk.advance(case.seconds)
    if case.code:
        assert asked.end["code"] == case.code
    assert bench.client.final("ping")["phase"] == "done"  # what time had to do, it has done
    if case.state in AT_REST and case.seconds == LONG:
        bench.desk.wait_light(None)  # nobody came for so long: the display is dark, and a key wakes it
        bench.person.press("B")
    bench.person.sees(case.shows)
    if case.after:
        case.after(bench, asked)
    bench.serves(case.rests, since)


@pytest.mark.parametrize("case", covering(PULLS, TABLE), ids=lambda case: case.id)
def test_card_is_pulled(stand, case):
    bench = stand()
    asked = case.way(bench, **case.members)
    since = time.monotonic()
    bench.reader.remove()
    if case.code:
        assert asked.end["code"] == case.code
    bench.person.sees(case.shows)
    if case.after:
        case.after(bench, asked)
    bench.serves(case.rests, since)


def test_a_state_without_a_case_is_found():
    for cases in (TIMES, PULLS):
        with pytest.raises(LookupError, match="no case for last-try"):
            covering(tuple(case for case in cases if case.state.value != "last-try"), TABLE)


def test_time_ends_something_where_the_flow_says_so_and_nowhere_else():
    assert consistent(TIMES, TABLE)
    assert not consistent(TIMES, {state: rows for state, rows in TABLE.items() if state.value != "pin"})
    assert set(DEADLINES) == {state for state, rows in TABLE.items() if Elapsed in rows}
