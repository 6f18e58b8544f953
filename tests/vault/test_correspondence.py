"""What each request was told and to whom: results and finals reach everybody who asked, news only who was there."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import JournalError
from appliance.vault import correspondence
from appliance.vault.carrier import Address
from appliance.vault.correspondence import PARTIES, Correspondence, Party

KEY, OTHER = ("demo-desk", "1"), ("demo-desk", "2")


def party(number=0, *, progress=True):
    return Party(Address(f"rsp/demo-desk/{number}", b"c"), progress)


class Sent:
    """What the carrier would send: (topic's last word, payload, how)."""

    def __init__(self):
        self.sent = []

    def reply(self, to, payload, *, final=False, kept=False):
        how = "final" if final else "kept" if kept else "news"
        self.sent.append((int(to.topic.rpartition("/")[2]), payload, how))
        return len(self.sent)

    def take(self):
        taken, self.sent[:] = list(self.sent), []
        return taken


class Desk:
    """A correspondence and its surroundings."""

    def __init__(self):
        self.carrier, self.noted = Sent(), []
        self.letters = Correspondence(self.carrier, self.note)

    async def note(self, key):
        self.noted.append(key)

    def deliver(self, number):
        asyncio.run(self.letters.delivered(number))


@pytest.fixture
def desk():
    return Desk()


def test_a_request_is_open_from_its_beginning_to_its_end(desk):
    assert not desk.letters.is_open(KEY)
    desk.letters.open(KEY, party(3))
    assert desk.letters.is_open(KEY)
    assert not desk.letters.is_open(OTHER)
    assert desk.letters.first(KEY) == party(3)
    desk.letters.close(KEY, b"end")
    assert not desk.letters.is_open(KEY)


def test_a_request_that_never_began_is_forgotten(desk):
    desk.letters.open(KEY, party(3, progress=False))
    assert desk.letters.drop(KEY) == party(3, progress=False)
    assert not desk.letters.is_open(KEY)
    assert not desk.letters.repeat(KEY, party())
    assert desk.carrier.sent == []


def test_news_is_sent_and_a_result_is_kept(desk):
    desk.letters.open(KEY, party())
    desk.letters.tell(KEY, b"news", result=False)
    desk.letters.tell(KEY, b"one", result=True)
    desk.letters.close(KEY, b"end")
    assert desk.carrier.take() == [(0, b"news", "news"), (0, b"one", "kept"), (0, b"end", "final")]


def test_who_wants_no_progress_gets_the_end_alone(desk):
    desk.letters.open(KEY, party(progress=False))
    desk.letters.tell(KEY, b"one", result=True)
    desk.letters.join(KEY, party(1, progress=False), b"where it stands")
    desk.letters.close(KEY, b"end")
    assert desk.letters.repeat(KEY, party(2, progress=False))
    assert desk.carrier.take() == [(number, b"end", "final") for number in (0, 1, 2)]


def test_nothing_is_told_of_a_request_that_is_not_open(desk):
    desk.letters.tell(KEY, b"one", result=True)
    desk.letters.open(KEY, party())
    desk.letters.close(KEY, b"end")
    desk.carrier.take()
    desk.letters.tell(KEY, b"late", result=True)
    assert desk.carrier.take() == []
    assert desk.letters.repeat(KEY, party())
    assert desk.carrier.take() == [(0, b"end", "final")]


def test_who_joins_hears_the_results_so_far_where_it_stands_and_the_rest(desk):
    desk.letters.open(KEY, party())
    desk.letters.tell(KEY, b"news", result=False)
    desk.letters.tell(KEY, b"one", result=True)
    desk.carrier.take()
    desk.letters.join(KEY, party(1), b"where it stands")
    assert desk.carrier.take() == [(1, b"one", "kept"), (1, b"where it stands", "news")]
    desk.letters.tell(KEY, b"two", result=True)
    desk.letters.close(KEY, b"end")
    assert desk.carrier.take() == [
        *((number, b"two", "kept") for number in (0, 1)),
        *((number, b"end", "final") for number in (0, 1)),
    ]


def test_an_address_that_asks_again_is_one_address(desk):
    desk.letters.open(KEY, party())
    desk.letters.join(KEY, party(), b"where it stands")
    desk.letters.join(KEY, party(progress=False), b"not wanted any more")
    desk.letters.tell(KEY, b"one", result=True)
    desk.letters.close(KEY, b"end")
    assert desk.carrier.take() == [(0, b"where it stands", "news"), (0, b"end", "final")]


def test_the_first_address_and_the_last_ones_are_kept(desk):
    desk.letters.open(KEY, party())
    for number in range(1, 7):
        desk.letters.join(KEY, party(number), b"")
    desk.letters.join(KEY, party(5), b"")  # known: nobody gives way
    assert desk.letters.first(KEY) == party()
    desk.carrier.take()
    desk.letters.close(KEY, b"end")
    assert [number for number, *_ in desk.carrier.take()] == [0, 4, 5, 6]


def test_requests_do_not_hear_of_each_other(desk):
    desk.letters.open(KEY, party(1))
    desk.letters.open(OTHER, party(2))
    desk.letters.tell(KEY, b"one", result=True)
    desk.letters.close(OTHER, b"other end")
    assert desk.carrier.take() == [(1, b"one", "kept"), (2, b"other end", "final")]
    assert desk.letters.is_open(KEY)


# --- after the end --------------------------------------------------------------------------------------------------


def test_who_asks_after_the_end_hears_all_of_it_as_often_as_it_likes(desk):
    desk.letters.open(KEY, party())
    for payload in (b"one", b"two"):
        desk.letters.tell(KEY, payload, result=True)
    desk.letters.close(KEY, b"end")
    desk.carrier.take()
    for _ in range(3):
        assert desk.letters.repeat(KEY, party(7))
        assert desk.carrier.take() == [(7, b"one", "kept"), (7, b"two", "kept"), (7, b"end", "final")]
    assert not desk.letters.repeat(OTHER, party(7))
    assert desk.carrier.take() == []


def end(desk, number, size=0):
    key = "demo-desk", str(number)
    desk.letters.open(key, party())
    desk.letters.tell(key, b"r" * size, result=True)
    desk.letters.close(key, b"end")


def remembered(desk, count):
    return [number for number in range(count) if desk.letters.repeat(("demo-desk", str(number)), party())]


def test_only_so_many_ends_are_remembered(desk, monkeypatch):
    monkeypatch.setattr(correspondence, "REMEMBERED", 2)
    for number in range(5):
        end(desk, number)
    assert remembered(desk, 5) == [3, 4]


def test_only_so_many_bytes_are_remembered(desk, monkeypatch):
    monkeypatch.setattr(correspondence, "ROOM", 300)
    for number, size in enumerate((10, 100, 100, 80, 10)):
        end(desk, number, size)
    assert remembered(desk, 5) == [2, 3, 4]
    end(desk, 5, 297)
    assert remembered(desk, 6) == [5]
    end(desk, 6, 298)
    assert remembered(desk, 7) == []
    end(desk, 7, 297)
    assert remembered(desk, 8) == [7], "what was forgotten is still counted"


# --- delivery -------------------------------------------------------------------------------------------------------


def test_the_delivery_of_a_final_answer_is_noted_once(desk):
    desk.letters.open(KEY, party())
    desk.letters.tell(KEY, b"one", result=True)
    desk.letters.close(KEY, b"end")
    for number in (1, 99):
        desk.deliver(number)
    assert desk.noted == []
    for _ in range(2):
        desk.deliver(2)
    assert desk.noted == [KEY]


def test_the_delivery_to_any_address_is_noted(desk):
    desk.letters.open(KEY, party())
    desk.letters.join(KEY, party(1, progress=False), b"")
    desk.letters.close(KEY, b"end")
    desk.deliver(2)
    assert desk.noted == [KEY]


def test_a_disk_that_refuses_is_the_callers_to_hear_of():
    async def refuse(_key):
        raise JournalError("full")

    letters = Correspondence(Sent(), refuse)
    letters.open(KEY, party())
    letters.close(KEY, b"end")
    with pytest.raises(JournalError, match="full"):
        asyncio.run(letters.delivered(1))


def test_only_so_many_deliveries_are_awaited(desk, monkeypatch):
    monkeypatch.setattr(correspondence, "UNDELIVERED", 2)
    for number in range(3):
        end(desk, number)
    for number in range(1, 7):
        desk.deliver(number)
    assert desk.noted == [("demo-desk", "1"), ("demo-desk", "2")]


# --- whatever happens -----------------------------------------------------------------------------------------------

MOVES = st.lists(st.one_of(st.integers(0, 7), st.just("result"), st.just("news")), max_size=30)


@given(MOVES, st.sets(st.integers(0, 7)))
def test_whoever_is_there_at_the_end_has_every_result_and_one_end(moves, quiet):
    """A number is an address that asks (again); those in ``quiet`` want no progress."""
    desk, asked, results = Desk(), [0], []
    desk.letters.open(KEY, party(progress=0 not in quiet))
    for count, move in enumerate(moves):
        payload = b"%d" % count
        if move == "result":
            results.append(payload)
        if isinstance(move, int):
            asked = [number for number in asked if number != move or number == 0] + ([move] if move else [])
            desk.letters.join(KEY, party(move, progress=move not in quiet), payload)
        else:
            desk.letters.tell(KEY, payload, result=move == "result")
    desk.letters.close(KEY, b"end")
    sent = desk.carrier.take()
    ended = [number for number, _, how in sent if how == "final"]
    assert len(ended) == len(set(ended)) <= PARTIES
    assert ended[0] == 0
    assert len(ended) == min(PARTIES, len(asked))
    assert set(asked[-1:]) <= set(ended), "who asked last is left out"
    for number in range(8):
        heard = [(payload, how) for to, payload, how in sent if to == number]
        kept = [payload for payload, how in heard if how == "kept"]
        if number in ended:
            assert heard[-1] == (b"end", "final")
            assert list(dict.fromkeys(kept)) == ([] if number in quiet else results)
        if number in quiet:
            assert [how for _, how in heard] == (["final"] if number in ended else [])
    assert desk.letters.repeat(KEY, party(9))
    assert desk.carrier.take() == [*((9, payload, "kept") for payload in results), (9, b"end", "final")]
