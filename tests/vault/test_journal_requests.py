"""The requests that the journal remembers (design §2, *The file*)."""

from datetime import timedelta

import pytest
from journal_kit import BODY, event, receive

from appliance.errors import JournalError
from appliance.vault.journal import Limits, RequestState, Step
from appliance.vault.records import FINAL, LEGAL_MOVES


def test_request_row_holds_what_a_reply_needs(journal):
    journal.commit(moves=[receive()])
    row = journal.find_request("desk-one", "r1")
    assert (row.state, row.body_sha256, row.verb) == (RequestState.RECEIVED, BODY, "sign")
    assert (row.response_topic, row.correlation, row.progress) == ("rsp/desk-one/a", b"\x01\x02", False)
    assert (row.code, row.ended_at, row.delivered, row.final) == (None, None, False, False)
    assert journal.find_request("desk-two", "r1") is None, "an id belongs to its peer"
    journal.commit(moves=[receive(peer="desk-two", correlation=None)])
    assert journal.find_request("desk-two", "r1").correlation is None


def test_a_request_is_received_once(journal):
    journal.commit(moves=[receive()])
    with pytest.raises(JournalError, match="already"):
        journal.commit(moves=[receive(body=bytes(32))], events=[event()])
    assert journal.find_request("desk-one", "r1").body_sha256 == BODY
    assert journal.last_seq == 0


def test_a_body_hash_has_32_bytes(journal):
    with pytest.raises(JournalError):
        journal.commit(moves=[receive(body=b"short")])


PATHS = {
    RequestState.RECEIVED: [],
    RequestState.ACCEPTED: ["accepted"],
    RequestState.AGREED: ["accepted", "agreed"],
    RequestState.CARD_STARTED: ["accepted", "agreed", "card-started"],
    RequestState.DONE: ["accepted", "agreed", "card-started", "done"],
    RequestState.FAILED: ["failed"],
}


def code_of(state):
    return "refused" if state is RequestState.FAILED else None


def walk(journal, state):
    journal.commit(moves=[receive()])
    for step in map(RequestState, PATHS[state]):
        journal.move("desk-one", "r1", step, code_of(step))


@pytest.mark.parametrize("old", list(RequestState))
@pytest.mark.parametrize("new", list(RequestState))
def test_legal_moves_happen_and_illegal_ones_change_nothing(journal, old, new):
    legal = {
        ("received", "accepted"),
        ("received", "failed"),
        ("accepted", "agreed"),
        ("accepted", "failed"),
        ("agreed", "card-started"),
        ("agreed", "failed"),
        ("card-started", "done"),
        ("card-started", "failed"),
    }
    walk(journal, old)
    before = journal.find_request("desk-one", "r1")
    if (old, new) in legal:
        journal.move("desk-one", "r1", new, code_of(new))
        assert journal.find_request("desk-one", "r1").state is new
    else:
        with pytest.raises(JournalError, match="cannot go from"):
            journal.commit(moves=[Step("desk-one", "r1", new, code_of(new))], events=[event()])
        assert journal.find_request("desk-one", "r1") == before
        assert journal.last_seq == 0


def test_no_end_can_be_left():
    assert all(not LEGAL_MOVES[state] for state in FINAL)


def test_an_unknown_request_cannot_move_and_has_nothing_to_deliver(journal):
    with pytest.raises(JournalError, match="never received"):
        journal.move("desk-one", "nothing", RequestState.ACCEPTED)
    journal.deliver("desk-one", "nothing")  # forgotten since
    assert journal.find_request("desk-one", "nothing") is None
    assert journal.open_requests() == []


@pytest.mark.parametrize(("state", "code"), [("failed", None), ("accepted", "refused")])
def test_a_code_goes_with_failure_and_nothing_else(journal, state, code):
    journal.commit(moves=[receive()])
    with pytest.raises(JournalError, match="code"):
        journal.move("desk-one", "r1", RequestState(state), code)


def test_what_a_crash_cut_off_is_told_with_its_state(box):
    journal = box.open()
    for identifier, path in (("a", []), ("b", ["accepted"]), ("c", PATHS[RequestState.CARD_STARTED])):
        journal.commit(moves=[receive(identifier)])
        for step in path:
            journal.move("desk-one", identifier, RequestState(step))
    journal.commit(moves=[receive("d"), Step("desk-one", "d", RequestState.FAILED, "refused")])
    journal.commit(moves=[receive("e"), Step("desk-one", "e", RequestState.FAILED, "busy")])
    journal.deliver("desk-one", "e")
    journal.close()
    again = box.open()
    assert [(row.id, row.state) for row in again.recover()] == [
        ("a", "received"),
        ("b", "accepted"),
        ("c", "card-started"),
    ]
    assert [(row.id, row.code) for row in again.undelivered()] == [("d", "refused")]
    assert [row.id for row in again.open_requests()] == ["a", "b", "c", "d"]
    again.close()


def test_delivery_forgets_the_address_and_keeps_the_outcome(journal):
    walk(journal, RequestState.DONE)
    journal.deliver("desk-one", "r1")
    journal.deliver("desk-one", "r1")
    row = journal.find_request("desk-one", "r1")
    assert (row.delivered, row.response_topic, row.correlation, row.state) == (True, "", None, RequestState.DONE)


def test_a_request_in_flight_has_nothing_to_deliver(journal):
    walk(journal, RequestState.CARD_STARTED)
    with pytest.raises(JournalError, match="ended"):
        journal.deliver("desk-one", "r1")


NAMES = ("open", "waiting", *(f"n{number}" for number in range(8)))


def kept(journal):
    return [name for name in NAMES if journal.find_request("desk-one", name)]


def test_only_delivered_requests_beyond_the_count_are_forgotten(box):
    box.limits = Limits(rows=5, days=30)
    journal = box.open()
    journal.commit(moves=[receive("open")])
    for identifier in NAMES[1:]:
        journal.commit(moves=[receive(identifier), Step("desk-one", identifier, RequestState.FAILED, "refused")])
        if identifier != "waiting":
            journal.deliver("desk-one", identifier)
    assert kept(journal) == ["open", "waiting", "n3", "n4", "n5", "n6", "n7"]
    journal.deliver("desk-one", "waiting")
    journal.commit()
    assert kept(journal) == ["open", "n3", "n4", "n5", "n6", "n7"]
    journal.close()


@pytest.mark.parametrize("jump", [timedelta(days=31), timedelta(days=100 * 365), timedelta(days=-50 * 365)])
def test_no_request_is_forgotten_by_age(box, jump):
    """A clock that jumps must not make the box sign again what it has signed."""
    box.limits = Limits(rows=5, days=30)
    journal = box.open()
    journal.commit(moves=[receive("n0"), Step("desk-one", "n0", RequestState.FAILED, "refused")])
    journal.deliver("desk-one", "n0")
    box.clock.now += jump
    journal.commit(moves=[receive("n1")])
    journal.commit(events=[event()])
    assert kept(journal) == ["n0", "n1"]
    journal.close()
