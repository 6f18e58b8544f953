"""Who may ask for what, and how often (contract, *Trust*, *Limits*)."""

import flow_kit as kit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import parse
from appliance.contract.messages import CancelRequest, IdentityRequest, PingRequest, PracticeRequest, SignRequest
from appliance.errors import NotAllowed, SchemaInvalid
from appliance.vault import access

ID = "0192f0c1-2345-7abc-8def-0123456789ab"
PING = PingRequest(v=1, id=ID)
CANCEL = CancelRequest(v=1, id=ID, target=ID)
IDENTITY = IdentityRequest(v=1, id=ID)
PRACTICE = PracticeRequest(v=1, id=ID)


def sign(wanted="jws", count=1, **members):
    return SignRequest(v=1, id=ID, documents=kit.documents(count)[0], format=wanted, **members)


def config(requests="broker", **rights):
    lines = "".join(f"{client} = {list(of)}\n" for client, of in rights.items())
    return parse(f'[device]\nid = "cps-demo"\n[mqtt]\nrequests = "{requests}"\n[rights]\n{lines}')


@pytest.mark.parametrize(
    ("client", "request_", "right"),
    [
        ("plain", sign(), None),
        ("plain", sign("raw"), "sign-raw"),
        ("plain", IDENTITY, "identity"),
        ("plain", PRACTICE, "practice"),
        ("plain", PING, None),
        ("plain", CANCEL, None),
        ("known", sign(), "sign"),
        ("known", sign("raw"), None),
        ("known", IDENTITY, None),
        ("known", PRACTICE, None),
        ("nobody", sign(), "sign"),
        ("nobody", PING, None),
        ("nobody", CANCEL, None),
    ],
)
def test_each_request_needs_its_right(client, request_, right):
    rights = config(known=("sign-raw", "identity", "practice"), nobody=())
    if right is None:
        access.check(rights, client, request_)
    else:
        with pytest.raises(NotAllowed, match=f"the right {right} is missing"):
            access.check(rights, client, request_)


def test_every_request_has_its_row():
    assert set(access.RIGHTS) == {SignRequest, IdentityRequest, PracticeRequest, PingRequest, CancelRequest}


@pytest.mark.parametrize("request_", [sign(), PING, CANCEL, IDENTITY, PRACTICE])
def test_a_box_that_takes_no_requests_takes_none(request_):
    with pytest.raises(NotAllowed, match="takes no requests"):
        access.check(config("off", known=("sign", "identity", "practice")), "known", request_)


def test_a_batch_needs_its_stream():
    access.check(config(), "plain", sign(count=3))
    access.check(config(), "plain", sign(progress=False))
    with pytest.raises(SchemaInvalid, match="one document"):
        access.check(config(), "plain", sign(count=3, progress=False))
    with pytest.raises(NotAllowed):  # the right comes first
        access.check(config(), "plain", sign("raw", count=3, progress=False))


def test_so_many_a_minute_each_client_by_itself():
    rates = access.Rates(2)
    assert [rates.wait("a", now) for now in (0.0, 10.0)] == [0.0, 0.0]
    assert rates.wait("a", 20.0) == 40.0
    assert rates.wait("b", 20.0) == 0.0
    assert rates.wait("a", 59.5) == 0.5  # what was refused was not counted
    assert rates.wait("a", 60.0) == 0.0
    assert rates.wait("a", 60.0) == 10.0


def test_who_has_not_asked_for_a_minute_is_forgotten():
    rates = access.Rates(2)
    for number in range(100):
        rates.wait(f"client-{number}", 0.0)
    rates.wait("a", 59.0)
    assert len(rates._taken) == 101
    rates.wait("b", 60.0)
    assert set(rates._taken) == {"a", "b"}


@given(st.integers(1, 5), st.lists(st.integers(0, 40_960).map(lambda n: n / 1024), max_size=40))
def test_no_minute_holds_more_and_who_waits_as_told_is_served(limit, gaps):
    rates, now, taken = access.Rates(limit), 0.0, []
    for gap in gaps:
        now += gap
        wait = rates.wait("a", now)
        if wait == 0.0:
            taken.append(now)
        else:
            assert 0.0 < wait <= access.MINUTE
            assert len([at for at in taken if at > now - access.MINUTE]) == limit
            assert min(at for at in taken if at > now - access.MINUTE) + access.MINUTE - now == wait
    for start in taken:
        assert len([at for at in taken if start <= at < start + access.MINUTE - 1e-6]) <= limit
