"""The command line's own connection: what PC/SC's results become, and that no secret can pass. PC/SC is played."""

from types import SimpleNamespace

import pytest
from smartcard import scard

from appliance.card.apdu import Block, SecretCommand, Slot
from appliance.errors import CardMute, CardRemoved, CardReset, ReaderAbsent, ReaderBusy
from appliance.vault import pcsc_direct
from appliance.vault.pcsc_direct import Direct, slots

OK = scard.SCARD_S_SUCCESS
PRESENT, EMPTY, MUTE = scard.SCARD_STATE_PRESENT, scard.SCARD_STATE_EMPTY, scard.SCARD_STATE_MUTE


@pytest.fixture
def daemon(monkeypatch):
    """Results by function; ``calls`` in order."""
    played = SimpleNamespace(connect=(OK, 7, scard.SCARD_PROTOCOL_T1), begin=OK, answer=(OK, [0x90, 0]), calls=[])
    names = {name: getattr(scard, name) for name in dir(scard) if name.startswith("SCARD_")}

    def told(name, result):
        def call(*_):
            played.calls.append(name)
            return result() if callable(result) else result

        return call

    fake = SimpleNamespace(
        **names,
        SCardEstablishContext=told("establish", (OK, 3)),
        SCardConnect=told("connect", lambda: played.connect),
        SCardBeginTransaction=told("begin", lambda: played.begin),
        SCardTransmit=told("transmit", lambda: played.answer),
        SCardEndTransaction=told("end", OK),
        SCardDisconnect=told("disconnect", OK),
        SCardReleaseContext=told("release", OK),
        SCardGetStatusChange=lambda *_: played.states.pop(0),
    )
    monkeypatch.setattr(pcsc_direct, "scard", fake)
    monkeypatch.setattr(pcsc_direct, "list_readers", lambda _context: played.readers)
    played.readers = ["A 00 00", "B 00 00"]
    return played


def test_a_command_and_its_answer(daemon):
    with Direct("A") as card:
        assert card.t1
        assert card.transmit(b"\x00\xa4\x00\x00\x00") == b"\x90\x00"
    assert daemon.calls == ["establish", "connect", "begin", "transmit", "end", "disconnect", "release"]


@pytest.mark.parametrize(
    ("member", "result", "error"),
    [
        ("connect", (scard.SCARD_E_SHARING_VIOLATION, 0, 0), ReaderBusy),
        ("connect", (scard.SCARD_E_NO_SERVICE, 0, 0), ReaderAbsent),
        ("connect", (scard.SCARD_W_UNRESPONSIVE_CARD, 0, 0), CardMute),
        ("begin", scard.SCARD_W_RESET_CARD, CardReset),
        ("answer", (scard.SCARD_E_NOT_TRANSACTED, []), CardMute),
        ("answer", (OK, [0x90]), CardMute),
        ("answer", (scard.SCARD_W_REMOVED_CARD, []), CardRemoved),
    ],
)
def test_what_goes_wrong_has_its_error_and_the_context_is_given_back(daemon, member, result, error):
    setattr(daemon, member, result)
    with pytest.raises(error), Direct("A") as card:
        card.transmit(b"\x00\xa4\x00\x00\x00")
    assert daemon.calls[-1] == "release"


def test_no_secret_passes(daemon):
    with Direct("A") as card, pytest.raises(TypeError, match="no secret"):
        card.transmit(SecretCommand(0, 0x20, 0, 1, (Block(Slot.OLD, 8, 0xFF),)))
    assert "transmit" not in daemon.calls


def test_what_lies_in_the_readers(daemon):
    daemon.states = [(OK, [("A 00 00", EMPTY, []), ("B 00 00", PRESENT, [0x3B, 0x00])])]
    assert [(slot.reader, slot.atr) for slot in slots()] == [("A 00 00", None), ("B 00 00", b"\x3b\x00")]
    daemon.states = [(OK, [("A 00 00", PRESENT | MUTE, [])])]
    assert [slot.atr for slot in slots()] == [b""]
    daemon.readers = []
    assert slots() == []


def test_an_empty_reader_gets_a_moment(daemon):
    empty, later = [("A 00 00", EMPTY, [])], [("A 00 00", PRESENT, [0x3B])]
    daemon.states = [(OK, empty), (OK, later)]
    assert [slot.atr for slot in slots()] == [b"\x3b"]
    daemon.states = [(OK, empty), (scard.SCARD_E_TIMEOUT, empty)]
    assert [slot.atr for slot in slots()] == [None]
