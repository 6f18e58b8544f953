"""How long the watcher waits, and when it lists the readers; what pcscd answers is a script."""

import pytest
from smartcard import scard

from appliance.errors import ApplianceError
from appliance.vault import pcsc_watcher
from appliance.vault.pcsc_watcher import (
    PNP,
    QUIET_WAITS,
    SEEK_MS,
    WAIT_MS,
    CardGone,
    CardSeen,
    ReaderGone,
    ReaderSeen,
    Watcher,
)
from appliance.vault.pulse import GRACE, Pulse

READER = "Some Reader 00 00"
ATR = b"\x3b\x00"
CONTEXT = 7
OK = scard.SCARD_S_SUCCESS
EMPTY = scard.SCARD_STATE_CHANGED | scard.SCARD_STATE_EMPTY
PRESENT = scard.SCARD_STATE_CHANGED | scard.SCARD_STATE_PRESENT
VANISHED = scard.SCARD_STATE_CHANGED | scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE


class Pcscd:
    """Readers that are listed, and what the next waits end with; a wait without an answer times out."""

    def __init__(self, monkeypatch):
        self.readers, self.answers = [], []
        self.lists, self.waits = 0, []
        monkeypatch.setattr(pcsc_watcher, "list_readers", self.list)
        monkeypatch.setattr(scard, "SCardGetStatusChange", self.wait)
        monkeypatch.setattr(scard, "SCardEstablishContext", lambda _: (OK, CONTEXT))

    def list(self, context):
        assert context == CONTEXT
        self.lists += 1
        return list(self.readers)

    def wait(self, context, milliseconds, states):
        assert context == CONTEXT
        self.waits.append((milliseconds, [name for name, _ in states]))
        if not self.answers:
            return scard.SCARD_E_TIMEOUT, states
        result, event = self.answers.pop(0)
        return result, [(name, event, list(ATR)) for name, _ in states]


@pytest.fixture
def pcscd(monkeypatch):
    return Pcscd(monkeypatch)


@pytest.fixture
def seen():
    return []


@pytest.fixture
def watcher(pcscd, seen):
    return Watcher(seen.append, {})


def turn(watcher, times=1):
    for _ in range(times):
        watcher._watch()


def test_a_new_reader_is_seen_within_five_seconds_also_without_an_event(pcscd, watcher, seen):
    """pcscd before 2.3 does not wake for it: every wait without a reader is short, and lists before the next."""
    turn(watcher, 3)
    assert pcscd.waits == [(SEEK_MS, [PNP])] * 3
    assert (pcscd.lists, seen) == (3, [ReaderGone()])
    pcscd.readers = [READER]
    turn(watcher)
    assert seen == [ReaderGone(), ReaderSeen(READER)]
    assert SEEK_MS <= 5000


def test_with_a_reader_a_wait_is_longer_and_nothing_is_listed_while_all_is_quiet(pcscd, watcher, seen):
    pcscd.readers = [READER]
    turn(watcher, QUIET_WAITS)
    assert pcscd.waits == [(WAIT_MS, [READER])] * QUIET_WAITS
    assert (pcscd.lists, seen) == (1, [ReaderSeen(READER)])
    turn(watcher)
    assert pcscd.lists == 2


def test_a_reader_that_left_without_a_word_is_missed_within_half_a_minute(pcscd, watcher, seen):
    pcscd.readers = [READER]
    turn(watcher)
    pcscd.readers = []
    turn(watcher, QUIET_WAITS)
    assert seen == [ReaderSeen(READER), ReaderGone()]
    assert QUIET_WAITS * WAIT_MS <= 30_000


@pytest.mark.parametrize(
    "answer", [(OK, VANISHED), (scard.SCARD_E_UNKNOWN_READER, 0), (scard.SCARD_E_CANCELLED, 0)], ids=str
)
def test_after_an_event_the_readers_are_listed_at_once(pcscd, watcher, seen, answer):
    pcscd.readers = [READER]
    turn(watcher, 2)
    pcscd.answers, pcscd.readers = [answer], []
    turn(watcher, 2)
    assert (pcscd.lists, seen) == (2, [ReaderSeen(READER), ReaderGone()])


def test_cards_come_and_go_and_the_reader_stays_ours(pcscd, watcher, seen):
    pcscd.readers = [READER]
    pcscd.answers = [(OK, EMPTY), (OK, PRESENT | 1 << 16), (OK, EMPTY | 2 << 16), (OK, PRESENT | 3 << 16)]
    turn(watcher, 4)
    assert seen == [ReaderSeen(READER), CardSeen(ATR), CardGone(), CardSeen(ATR)]
    pcscd.answers = [(OK, PRESENT | 5 << 16)]  # out and in again between two waits
    turn(watcher)
    assert seen[4:] == [CardGone(), CardSeen(ATR)]


def test_a_card_that_gave_no_atr_is_seen_without(pcscd, watcher, seen):
    pcscd.readers = [READER]
    pcscd.answers = [(OK, PRESENT | scard.SCARD_STATE_MUTE)]
    turn(watcher)
    assert seen == [ReaderSeen(READER), CardSeen(b"")]


def test_what_pcscd_refuses_is_an_error(pcscd, watcher):
    pcscd.readers = [READER]
    pcscd.answers = [(scard.SCARD_E_NO_SERVICE, 0)]
    with pytest.raises(ApplianceError):
        turn(watcher)


@pytest.mark.parametrize(("readers", "wait"), [([], SEEK_MS), ([READER], WAIT_MS)])
def test_a_watcher_that_waits_is_never_taken_for_a_frozen_one(pcscd, watcher, monkeypatch, readers, wait):
    """Its mark outlives the wait, and by no more than any loop's does."""
    clock = [1000.0]
    monkeypatch.setattr(watcher, "pulse", Pulse("reader", lambda: clock[0]))
    answer = pcscd.wait

    def pass_time(context, milliseconds, states):
        clock[0] += milliseconds / 1000
        assert watcher.pulse.fresh()
        return answer(context, milliseconds, states)

    monkeypatch.setattr(scard, "SCardGetStatusChange", pass_time)
    pcscd.readers = readers
    turn(watcher)
    assert pcscd.waits[0][0] == wait
    clock[0] += GRACE
    assert not watcher.pulse.fresh()
