"""The reader that is ours, by ``[reader] roles``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault.readers import choose

BILLING, DESK, SECOND = "Billing Terminal 00 00", "Desk Reader 01 00", "Desk Reader 02 00"


@pytest.mark.parametrize(
    ("readers", "roles", "ours"),
    [
        ([], {}, None),
        ([BILLING, DESK], {}, BILLING),
        ([BILLING, DESK], {DESK: "cps"}, DESK),
        ([BILLING, DESK], {"Desk": "cps"}, DESK),
        ([DESK, SECOND], {"Desk": "cps"}, DESK),
        ([DESK, SECOND], {"Desk": "cps", SECOND: "cps"}, SECOND),
        ([BILLING], {"Desk": "cps"}, None),
        ([BILLING, DESK], {"Billing": "vitale"}, DESK),
        ([BILLING], {"Billing": "vitale"}, None),
        ([BILLING, DESK], {"Billing": "vitale", "Other": "cps"}, None),
        ([DESK, SECOND], {"Desk": "cps", DESK: "vitale"}, SECOND),
        ([DESK, SECOND], {"Desk": "vitale", SECOND: "cps"}, SECOND),
        ([DESK, SECOND], {"Desk": "vitale", "Desk Reader 02": "cps"}, SECOND),
    ],
)
def test_the_reader_that_is_ours(readers, roles, ours):
    assert choose(readers, roles) == ours


NAMES = st.text("ab 0", min_size=1, max_size=4)


@given(st.lists(NAMES, unique=True), st.dictionaries(NAMES, st.sampled_from(["cps", "vitale"])))
def test_whatever_is_chosen_is_there_and_may_be_ours(readers, roles):
    ours = choose(readers, roles)
    if ours is None:
        return
    assert ours in readers
    assert roles.get(ours) != "vitale"
    if "cps" in roles.values():
        assert any(roles[part] == "cps" for part in roles if part in ours)
