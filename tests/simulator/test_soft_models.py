import datetime as dt

import pytest

from appliance.errors import SimulatorError
from appliance.simulator.faults import Fault, FaultyCard, Kind
from appliance.simulator.pki import NURSE, PHYSICIAN, TestPki
from appliance.simulator.softcps2ter import SIT_FACT
from appliance.simulator.softcps3 import ATR, SoftCps3
from appliance.simulator.softcps4 import DUAL_ATR, SoftCps4
from appliance.simulator.softcpx import SoftCpx, Timing, Traffic
from appliance.simulator.softfiles import CONTACT, MF
from appliance.simulator.softmodels import MODELS
from appliance.simulator.softobjects import BILLING, MANY
from appliance.simulator.softstranger import Stranger

SERIAL = bytes.fromhex("00B09C000C")
SIT_FACT_SELECT = ["A0A40000023F00", "A0A40000027F01", "A0A40000024000"]


def say(card, *commands):
    for command in commands:
        answer = card.transmit(bytes.fromhex(command))
    return answer.hex().upper()


@pytest.mark.parametrize("name", MODELS)
def test_every_model_makes_a_card_and_says_what_it_is(name):
    model = MODELS[name]
    card = model()
    assert model.about
    assert isinstance(card, SoftCpx | Stranger)
    assert card.apdu_count == 0
    assert model.pki() is model.pki()
    for act in (card.power_on, card.reset, card.power_off, card.power_on):
        act()
    assert len(card.transmit(SERIAL)) >= 2
    assert card.apdu_count == 1


def test_a_caller_may_choose():
    card = MODELS["cps4"](TestPki.generate(PHYSICIAN), pin="2468", serial="00000018")
    assert card.serial == "00000018"
    assert say(card, "01A4040C08 8025000001FF0100", "0120000108 32343638FFFFFFFF") == "9000"
    with pytest.raises(SimulatorError):
        MODELS["pin12"](pin="123")


@pytest.mark.parametrize(
    ("name", "atr"),
    [
        ("cps3", ATR),
        ("cps4", "3BDC18FF00001225006480000401009000"),
        ("cps4-t1", DUAL_ATR),
        ("cps4-as-cps3", ATR),
        ("cps3-old", "3BAC00402A001225006480820212009000"),
        ("vitale", "3B751300004309EA9000"),
        ("unknown", "3B6500002043415254"),
        ("mute", None),
        ("reversed", None),
    ],
)
def test_answers_to_reset(name, atr):
    assert MODELS[name]().atr == (bytes.fromhex(atr) if isinstance(atr, str) else atr)


@pytest.mark.parametrize("name", ["cps3-old", "vitale", "unknown"])
def test_a_stranger_counts_and_refuses(name):
    card = MODELS[name]()
    assert say(card, "00A4040C08 8025000001FF0100") == "6E00"
    assert say(card, "00B0000000") == "6E00"
    assert card.apdu_count == 2
    assert card.traffic == Traffic(2, 18, 4)
    assert card.log == [("00A4040C", 0x6E00), ("00B00000", 0x6E00)]


def test_states_of_the_codes():
    assert say(MODELS["blocked"](), "0020000100") == "6983"
    exhausted = MODELS["puk-exhausted"]()
    assert say(exhausted, "0020000100") == "6983"
    assert say(exhausted, "0020000208 3132333435363738", "002C020108 34333231FFFFFFFF") == "6984"
    assert say(exhausted, "00CB3FFF0A 4D087006BF810202A080", "00C000001C").find("9D020000") > 0


def test_twelve_digits():
    card = MODELS["pin12"]()
    assert isinstance(card, SoftCps3)
    assert say(card, "002000010C 313233343536373839303132") == "9000"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cps3-updated", "EC12 8107 20260301120000 8207 20260301120130"),
        ("update-interrupted", "EC12 8107 20260301120000 8207 00000000000000"),
    ],
)
def test_updates(name, content):
    card = MODELS[name]()
    expected = bytes.fromhex(content).hex().upper() + "9000"
    assert say(card, "00A4090C04 3F00D010", "00B0000014") == expected


def test_validity():
    now = dt.datetime.now(dt.UTC)
    certificates = {name: MODELS[name].pki().signature.certificate for name in MODELS}
    assert {name for name, c in certificates.items() if c.not_valid_after_utc < now} == {"expired"}
    assert {name for name, c in certificates.items() if c.not_valid_before_utc > now} == {"not-yet-valid"}
    over = MODELS["key-expired"].pki().signature.certificate
    assert over.not_valid_before_utc + dt.timedelta(days=3 * 365) < now < over.not_valid_after_utc


def test_the_plain_models_share_the_nurses_pki():
    assert MODELS["cps3"].pki() is MODELS["cps4"].pki() is TestPki.generate(NURSE)
    assert MODELS["production"].pki().holder.category == 0x00


def test_a_cps4_that_wants_its_recovery_at_insertion():
    card = MODELS["cps4-lost"]()
    assert isinstance(card, SoftCps4)
    card.power_on()
    assert say(card, "01A4040C08 8025000001FF0100") == "6985"


def test_situations_with_holes_and_one_without_a_file():
    card = MODELS["situations"]()
    listed = card.files[CONTACT, 0x7006].content
    numbers = [n for n in range(1, 17) if f"CPS_ACTIVITY_{n:02}_PS".encode() in listed]
    assert numbers == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16]
    assert b"CPS_SIT_FACT" in listed
    assert len(listed) % 256 == 0
    assert (CONTACT, 0xD127) not in card.files
    assert all(card.files[CONTACT, entry.fid].pin for entry in MANY if entry.content is not None)
    assert card.files[CONTACT, 0xD125].content.startswith(b"\xee\x28\x84")


def test_whoever_selects_the_billing_situation_is_seen():
    card = MODELS["situations"]()
    say(card, "00A4090C06 3F000001D120", "00A4090C06 3F000001D130")
    assert card.selected == [(CONTACT, 0xD120), (CONTACT, BILLING)]
    for other in (MODELS["cps3"](), MODELS["cps4"]()):
        assert say(other, *SIT_FACT_SELECT) == "9F0A"
        assert other.selected == [SIT_FACT]


def test_the_old_face():
    card = MODELS["cps3"]()
    assert say(card, *SIT_FACT_SELECT, "A0C000000A") == "85080028400004000000" + "9000"
    assert say(card, "A0B0000028") == "9802"
    assert say(card, "00A4040C08 8025000001FF0100", "0020000108 31323334FFFFFFFF", *SIT_FACT_SELECT, "A0B0000003") == (
        "015349" + "9000"
    )
    assert say(card, "A0B0002002") == "00009000"
    assert say(card, "A0B0002802") == "9402"
    assert say(card, "A0B0002709") == "9402"
    assert say(card, "A0A40000024010") == "9404"  # not in this DF
    assert say(card, "A0C000000B") == "6700"
    assert say(card, "A0A40000027F01", "A0C000000A") == "850800007F01020000009000"
    assert say(card, "A0B0000001") == "9408"
    assert say(card, "A0A40000023F00", "A0C000000A") == "850800003F00010000009000"
    assert say(card, "A020000108") == "6D00"
    assert say(card, "A0A400") == "6D00"
    card.reset()
    assert say(card, "A0B0000001") == "9408"


def test_the_card_counts_bytes_as_a_reader_sees_them():
    card = MODELS["cps3"]()
    assert say(card, "00A4090404 3F00D003") == "6127"
    assert card.traffic == Traffic(1, 9, 2)
    before = card.traffic
    say(card, "00C0000027", "00B000000C")
    assert card.traffic - before == Traffic(2, 10, 41 + 14)
    assert card.traffic == before + Traffic(2, 10, 55)


class Waits:
    """An event that is asked to wait and only writes it down."""

    def __init__(self):
        self.seconds = []

    def wait(self, seconds):
        self.seconds.append(seconds)


def test_the_time_of_a_command_its_bytes_and_a_private_operation():
    card = MODELS["cps4"](timing=Timing(10, 1, 500))
    card._dark = Waits()
    say(card, "01A4040C08 8025000001FF0100")
    assert card._dark.seconds == [pytest.approx((10 + 15) / 1000)]
    say(card, "0120000108 31323334FFFFFFFF", "01A4080002 0001", "012281B604 91022890")
    say(card, "012A9E9A20" + "11" * 32)
    assert card._dark.seconds[-1] == pytest.approx((10 + 37 + 2 + 500) / 1000)
    say(card, "01C0000000")
    assert card._dark.seconds[-1] == pytest.approx((10 + 5 + 258) / 1000)
    assert card.busy == pytest.approx(sum(card._dark.seconds))


def test_a_card_without_a_time_of_its_own_takes_none():
    card = MODELS["cps3"]()
    card._dark = Waits()
    say(card, "0020000100")
    assert (card._dark.seconds, card.busy) == ([], 0.0)


def test_a_slow_card_that_is_taken_out_answers_at_once():
    card = MODELS["cps3"](timing=Timing(apdu=3_600_000))
    card.power_on()
    card.power_off()  # what was in flight goes on; the command is run and counted
    assert say(card, "0020000100") == "63C3"
    assert card.busy == pytest.approx(3600)


def test_faults_fit_every_model():
    card = FaultyCard(MODELS["cps4"]())
    card.arm(Fault(Kind.STATUS, ins=0xA4, sw=0x6985))
    assert say(card, "01A4040C08 8025000001FF0100") == "6985"
    assert say(card, "01A4040C08 8025000001FF0100") == "9000"


def test_the_serial_is_that_of_the_recordings_and_no_two_models_share_one():
    assert MODELS["cps3"]().files[MF, 0xD003].content.hex().upper() == "5A0A8025000001992138450F"
    assert len({model.options["serial"] for model in MODELS.values()}) == len(MODELS)
