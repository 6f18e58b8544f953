"""The judge of the kill test can say no: each thing that must not be is shown to it once."""

import uuid
from collections import Counter

import pytest
from kill_card import text_of
from kill_points import Aim, Point
from kill_software import Book, Wish
from kill_verdict import check_answers, check_end_event, check_numbers

JOURNAL = str(uuid.uuid4())


def wish(documents: int = 1, manner: str = "sign") -> Wish:
    return Wish("kill-one", manner, documents)


def told(request: Wish, *ends: str) -> Book:
    book = Book()
    for end in ends:
        known = {"phase": "done"} if end == "done" else {"phase": "error", "code": end}
        book.replies[request.id].append({"id": request.id, "final": True, **known})
    return book


def event(seq: int, name: str = "card/removed", journal: str = JOURNAL, **data: object) -> tuple[str, dict]:
    return name, {"journalid": journal, "seq": seq, "data": data}


def heard(*events: tuple[str, dict]) -> Book:
    book = Book()
    for name, body in events:
        book.note_event(name, body)
    return book


@pytest.mark.parametrize(
    ("ends", "signed"),
    [
        (["done"], 1),
        (["done", "done", "answer-lost"], 1),
        (["answer-lost"], 1),
        (["cancelled", "cancelled"], 0),
        (["outcome-unknown"], 0),
        (["outcome-unknown"], 1),
    ],
)
def test_honest_ends_pass(ends, signed):
    request = wish()
    assert check_answers(request, told(request, *ends), Counter({request.texts[0]: signed})) == ends[0]


@pytest.mark.parametrize(
    ("ends", "signed"),
    [
        ([], 0),
        (["done"], 2),
        (["outcome-unknown"], 2),
        (["done"], 0),
        (["answer-lost"], 0),
        (["cancelled"], 1),
        (["done", "cancelled"], 1),
        (["cancelled", "outcome-unknown"], 0),
        (["answer-lost", "done"], 1),
        (["busy"], 0),
        (["internal"], 0),
    ],
)
def test_other_ends_do_not(ends, signed):
    request = wish()
    with pytest.raises(AssertionError):
        check_answers(request, told(request, *ends), Counter({request.texts[0]: signed}))


def test_batch_taken_back_may_be_signed_in_part_and_no_other():
    request = wish(3, "cancel")
    signed = Counter({request.texts[0]: 1})
    assert check_answers(request, told(request, "cancelled"), signed) == "cancelled"
    with pytest.raises(AssertionError):
        check_answers(request, told(request, "done"), signed)
    request.manner = "batch"
    with pytest.raises(AssertionError):
        check_answers(request, told(request, "cancelled"), signed)


def test_end_event_must_be_one_and_say_the_same():
    request = wish()
    failed = event(1, "sign/failed", request=request.id, code="cancelled")
    completed = event(2, "sign/completed", request=request.id)
    check_end_event(request, heard(failed), "cancelled")
    check_end_event(request, heard(completed), "answer-lost")
    for book, end in (
        (heard(), "done"),
        (heard(failed, completed), "done"),
        (heard(failed), "done"),
        (heard(failed), "outcome-unknown"),
        (heard(completed), "cancelled"),
    ):
        with pytest.raises(AssertionError):
            check_end_event(request, book, end)


def test_numbers_in_order_without_an_unnamed_gap():
    assert check_numbers(heard(event(1), event(2), event(1), event(2), event(3))) == 3
    assert check_numbers(heard(event(3, "journal/dropped", **{"from": 1, "to": 2}), event(4))) == 4
    for book in (
        heard(event(1), event(3)),
        heard(event(2), event(3)),
        heard(event(1), event(3), event(2)),
        heard(event(1), event(2, journal=str(uuid.uuid4()))),
        heard(event(4, "journal/dropped", **{"from": 1, "to": 2}), event(5)),
    ):
        with pytest.raises(AssertionError):
            check_numbers(book)


def test_event_with_two_contents_is_noted():
    book = heard(event(1, code="one"), event(1, code="two"))
    assert (book.doubled, len(book.faults)) == (1, 1)
    assert not heard(event(1), event(1)).faults


def test_text_of_a_hash_command():
    text = wish().texts[0].encode()
    assert len(text) < 64
    data = b"\x90\x00\x80" + bytes([len(text)]) + text
    assert text_of(bytes.fromhex("002A90A0") + bytes([len(data)]) + data) == text.decode()


def test_aim_strikes_at_the_count_and_only_when_armed():
    struck: list[Point] = []
    points = [Point("vault", "key", 2), Point("gateway", "frame", 1)]
    aim = Aim(points, struck.append)
    aim.see("key", "frame")
    aim.rearm()
    for sight in ("frame", "key", "key", "key", "frame"):
        aim.see(sight)
    assert struck == points[:1]
    assert not aim.over
    aim.rearm()
    aim.see("frame")
    assert struck == points
    assert aim.over
    aim.rearm()
    aim.see("frame", "key")
    assert struck == points
