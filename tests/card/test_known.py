"""A card that was read before: few commands, and never believed against what it says now."""

import dataclasses

import pytest
from card_kit import AID, carrier

from appliance.card.cps4 import Cps4
from appliance.card.identity import REMEMBERED, forget, remember
from appliance.card.models import classify, identify
from appliance.card.script import play
from appliance.errors import CardDataMalformed, CardRemoved, CommandRefused, PinWrong, UpdateInterrupted
from appliance.simulator.pki import PHYSICIAN, TestPki
from appliance.simulator.softfiles import CONTACT, MF, Ef, update_state
from appliance.simulator.softmodels import MODELS

EF_CDF, EF_ACTUA = 0x7005, 0xD010
LIMITS = {"cps3": (40, 7), "cps3-updated": (40, 8), "cps4": (40, 6), "cps4-t1": (40, 6), "cps4-as-cps3": (41, 7)}
"""Commands for a card nobody knows and for a known one (design §7). EF_ACTUA, where it exists, costs one READ; a CPS4
with the ATR of a CPS3 is asked as a CPS3 first."""


class Met:
    """A soft card in a reader."""

    def __init__(self, model, **options):
        self.card = MODELS[model](**options)
        self.t1 = model == "cps4-t1"
        self.card.power_on()
        self.commands = 0
        self.paths = []

    def identify(self, memory=None):
        self.card.reset()
        before = self.card.apdu_count
        self.paths = []
        carry = carrier(self.note)
        try:
            return play(identify(classify(self.card.atr), memory or {}), carry, t1=self.t1)
        finally:
            self.commands = self.card.apdu_count - before

    def note(self, apdu):
        if apdu[1] == 0xA4:
            self.paths.append(apdu[5 : 5 + apdu[4]].hex().upper())
        return self.card.transmit(apdu)

    def say(self, folder, fid, change):
        file = self.card.files[folder, fid]
        self.card.files[folder, fid] = dataclasses.replace(file, content=change(file.content))


@pytest.mark.parametrize("model", LIMITS)
def test_the_commands_it_takes(model):
    met = Met(model)
    cold, warm = LIMITS[model]
    first = met.identify()
    assert met.commands <= cold
    memory = remember({}, first)
    again = met.identify(memory)
    assert met.commands <= warm
    assert (again.identity.tries_left, again.identity.puk_tries_left) == (3, None)
    assert again == first.counted(3)
    assert met.identify(remember(memory, again)) == again


@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_the_counter_is_read_afresh(model):
    met = Met(model)
    memory = remember({}, met.identify())
    met.card.counters[1].left = 1
    assert met.identify(memory).identity.tries_left == 1
    met.card.counters[1].left = 0
    assert met.identify(memory).identity.tries_left == 0


@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_another_serial_is_another_card(model):
    memory = remember({}, Met(model).identify())
    other = Met(model, serial="00000017", pki=TestPki.generate(PHYSICIAN))
    found = other.identify(memory)
    assert other.commands > 20
    assert found.identity.holder.profession == "10"


@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_the_cards_own_directory_wins(model):
    met = Met(model)
    first = met.identify()
    memory = remember({}, first)
    met.say(CONTACT, EF_CDF, lambda content: content.replace(b"Certificat de Signature", b"Certificat De Signature"))
    changed = met.identify(memory)
    assert met.commands > 20
    assert changed.directory != first.directory
    assert changed.identity.puk_tries_left == 10


@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_a_directory_that_became_nonsense_is_not_papered_over(model):
    met = Met(model)
    memory = remember({}, met.identify())
    met.say(CONTACT, EF_CDF, lambda content: b"\x30\x7f" + content[2:])
    with pytest.raises(CardDataMalformed):
        met.identify(memory)
    del met.card.files[CONTACT, EF_CDF]
    with pytest.raises(CommandRefused):
        met.identify(memory)


def test_an_update_makes_everything_be_read_anew():
    met = Met("cps3")
    first = met.identify()
    memory = remember({}, first)
    assert first.update is None
    met.card.files[MF, EF_ACTUA] = Ef(EF_ACTUA, update_state("20260301120000", "20260301120130"))
    updated = met.identify(memory)
    assert updated.update is not None
    assert met.commands > 20
    memory = remember(memory, updated)
    assert met.identify(memory) == updated.counted(3)
    met.card.files[MF, EF_ACTUA] = Ef(EF_ACTUA, update_state("20260401120000", "20260401120130"))
    assert met.identify(memory).update != updated.update


def test_an_update_that_was_cut_off_stops_a_known_card_too():
    met = Met("cps3")
    memory = remember({}, met.identify())
    met.card.files[MF, EF_ACTUA] = Ef(EF_ACTUA, update_state("20260301120000", "00000000000000"))
    for known in ({}, memory):
        with pytest.raises(UpdateInterrupted):
            met.identify(known)
        assert not any(path.startswith("3F000001A0") for path in met.paths)  # no certificate was worth reading


def test_the_counter_of_a_card_whose_current_df_is_not_the_mf():
    """A card that leaves another DF current: 6A88, then the MF is selected and the counter asked again."""
    met = Met("cps3")
    memory = remember({}, met.identify())
    answers = iter([b"\x6a\x88"])
    whole = met.note

    def elsewhere(apdu):
        return next(answers, None) or whole(apdu) if apdu[1] == 0xCB else whole(apdu)

    met.note = elsewhere
    assert met.identify(memory).identity.tries_left == 3
    assert met.paths[1] == "3F00"


def test_a_counter_refused_otherwise_is_an_error():
    met = Met("cps3")
    memory = remember({}, met.identify())
    whole = met.note
    met.note = lambda apdu: b"\x69\x82" if apdu[1] == 0xCB else whole(apdu)
    with pytest.raises(CommandRefused):
        met.identify(memory)


def test_a_pin_tried_elsewhere_shows_in_the_next_counter():
    met = Met("cps4")
    memory = remember({}, met.identify())
    found = met.identify(memory).identity
    with pytest.raises(PinWrong):
        play(Cps4().verify(found.layout), carrier(met.card.transmit, "0000"))
    assert met.identify(memory).identity.tries_left == 2
    assert found.layout.aid == AID


@pytest.mark.parametrize(
    ("model", "ins", "refusal"),
    [("cps3", 0xCB, "6A82"), ("cps3", 0xCB, "6982"), ("cps3", 0xCB, "9000"), ("cps4", 0x20, "6A88")],
)
def test_a_counter_that_is_not_where_it_was_is_looked_for_anew(model, ins, refusal):
    """Refused, or nonsense, once: whatever was remembered, the card's own directory is asked."""
    met = Met(model)
    first = met.identify()
    whole, refused = met.note, []

    def once(apdu):
        if apdu[1] == ins and not refused:
            refused.append(apdu)
            return bytes.fromhex(refusal)
        return whole(apdu)

    met.note = once
    again = met.identify(remember({}, first))
    assert again == first
    assert met.commands > 20


@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_a_directory_that_moved_is_looked_for_anew(model):
    met = Met(model)
    first = met.identify()
    moved = dataclasses.replace(first.identity.layout.directory, cdf=bytes.fromhex("3F0000017FFE"))
    layout = dataclasses.replace(first.identity.layout, directory=moved)
    stale = dataclasses.replace(first, identity=dataclasses.replace(first.identity, layout=layout))
    assert met.identify(remember({}, stale)) == first


@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_a_loss_is_no_reason_to_read_anew(model):
    met = Met(model)
    memory = remember({}, met.identify())
    whole, sent = met.note, []

    def lose(apdu):
        sent.append(apdu)
        if len(sent) == 4:
            raise CardRemoved("gone")
        return whole(apdu)

    met.note = lose
    with pytest.raises(CardRemoved):
        met.identify(memory)
    assert len(sent) == 4


def test_a_forgotten_card_is_read_anew():
    met = Met("cps3")
    known = met.identify()
    other = dataclasses.replace(known, identity=dataclasses.replace(known.identity, serial="00000017"))
    memory = forget(remember(remember({}, known), other), known.identity.serial)
    assert list(memory) == ["00000017"]
    assert forget(memory, known.identity.serial) == memory
    assert met.identify(memory) == known


def test_the_memory_keeps_the_cards_met_last():
    known = Met("cps3").identify()

    def numbered(number):
        return dataclasses.replace(known, identity=dataclasses.replace(known.identity, serial=f"{number:08}"))

    memory = {}
    for number in range(REMEMBERED):
        memory = remember(memory, numbered(number))
    memory = remember(memory, numbered(0))  # met again: not the oldest any more
    memory = remember(memory, numbered(99))
    assert len(memory) == REMEMBERED
    assert "00000000" in memory
    assert "00000001" not in memory
    assert "00000099" in memory
