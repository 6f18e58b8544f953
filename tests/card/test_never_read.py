"""What is never read: billing data, the CPS2ter face, a patient's card (card-reference §1.3, §2.4, §8.3)."""

import hashlib

import pytest
from card_kit import carrier, layout, layout4
from hypothesis import given
from hypothesis import strategies as st

from appliance.card import tlv
from appliance.card.activity import Situation, files
from appliance.card.layout import DataObject
from appliance.card.models import classify, driver_of, identify
from appliance.card.nomenclature import SECTORS
from appliance.card.script import play
from appliance.errors import CardError
from appliance.simulator.softcps2ter import BILLING_DF, SIT_FACT
from appliance.simulator.softfiles import CONTACT, MF
from appliance.simulator.softmodels import MODELS
from appliance.simulator.softobjects import BILLING, MANY

LABELS = (
    *("CPS_SIT_FACT", "CPS_DATA", "CPS_ID_CARD", "CPS_NAME_PS", "CPS_LANG_PS", "CPS_INFO_PS"),
    *("CPS2TER_ATR", "CPS2TER_ID", "CPS2TER_ICC", "CPS2TER_NAME", "CPS2TER_LANG", "CPS2TER_PSINFO", "CPS2TER_DIRAMO"),
    *(f"CPS2TER_ACTIVITY_{number:02}_PS" for number in range(1, 17)),
    *(f"CPS_ACTIVITY_{number:02}_PS" for number in range(18)),
)
"""Every label of a data object anybody has seen (card-reference §2.5), and two beyond the situations."""

PUBLIC = {(MF, 0xD003), (MF, 0x2F00), (MF, 0xD010)} | {(CONTACT, fid) for fid in (0x5031, 0x7001, 0x7002, 0x7005)}
CERTIFICATES = {(CONTACT, 0xA001), (CONTACT, 0xA002)}
SITUATIONS = {(CONTACT, 0x7006)} | {(CONTACT, 0xD11F + number) for number in range(1, 17)}
DIGEST = hashlib.sha256(b"").digest()


def everything(driver, plan):
    """Every script of a driver, in an order in which each can succeed."""
    yield driver.tries_left(plan)
    yield driver.puk_tries_left(plan)
    yield driver.verify(plan)
    yield driver.situations(plan)
    yield driver.sign(plan, b"m", selected=False)
    yield driver.authenticate(plan, DIGEST)
    if driver.family == "cps4":
        yield driver.sign_pss(plan, b"m")
        yield driver.authenticate_pss(plan, DIGEST)
    yield driver.change(plan)
    yield driver.unblock(plan)


@pytest.mark.parametrize("model", [name for name, row in MODELS.items() if row().atr is not None])
def test_the_files_that_scripts_reach_on_every_soft_card(model):
    card = MODELS[model](hidden=MANY)
    card.power_on()
    t1 = model == "cps4-t1"
    try:
        found = play(identify(classify(card.atr), {}), carrier(card.transmit), t1=t1).identity
        for script in everything(driver_of(found), found.layout):
            try:
                play(script, carrier(card.transmit, "1234", "1234"), t1=t1)
            except CardError:
                continue
    except CardError:
        assert model in {"vitale", "unknown", "cps3-old", "update-interrupted"}
    if model in {"vitale", "unknown"}:
        assert card.apdu_count == 0
        return
    reached = set(getattr(card, "selected", ()))
    assert SIT_FACT not in reached
    assert (CONTACT, BILLING) not in reached
    assert BILLING_DF not in {folder for folder, _ in reached}
    assert reached <= PUBLIC | CERTIFICATES | SITUATIONS
    assert not any(header.startswith("A0") for header, _ in card.log)


def dodf(*entries):
    def entry(label, path):
        common = tlv.write(0x30, tlv.write(0x0C, label.encode()))
        value = tlv.write(0xA1, tlv.write(0x30, tlv.write(0x04, path)))
        return tlv.write(0x30, common + tlv.write(0x30, b"") + value)

    return b"".join(entry(label, path) for label, path in entries)


class Directory:
    """A card of which only the DODF can be read; every other file is empty."""

    def __init__(self, content):
        self.content, self.current, self.selected = content, b"", []

    def __call__(self, apdu):
        if apdu[1] == 0xA4:
            self.current = apdu[5 : 5 + apdu[4]].removeprefix(b"\x3f\x00")
            self.selected.append(self.current.hex().upper())
            return b"\x90\x00"
        assert apdu[1] == 0xB0
        content = self.content if self.current == bytes.fromhex("00017006") else b""
        at = int.from_bytes(apdu[2:4])
        return content[at : at + (apdu[4] or 256)] + b"\x90\x00"


@pytest.mark.parametrize("plan", [layout(), layout4()], ids=["cps3", "cps4"])
@pytest.mark.parametrize("label", LABELS)
def test_every_label_of_a_data_object(label, plan):
    card = Directory(dodf((label, b"\xd1\x55"), ("CPS_ACTIVITY_07_PS", b"\xd1\x26")))
    driver = driver_of(type("Found", (), {"family": "cps4" if plan.signature.reference == 0x10 else "cps3"}))
    play(driver.situations(plan), card)
    situation = label.startswith("CPS_ACTIVITY_") and label not in {"CPS_ACTIVITY_00_PS", "CPS_ACTIVITY_17_PS"}
    wanted = {"0001D155", "0001D126"} if situation and label != "CPS_ACTIVITY_07_PS" else {"0001D126"}
    if label == "CPS_ACTIVITY_07_PS":
        wanted = {"0001D155"}
    assert set(card.selected) - {"00017006"} == wanted


ANY_PATH = st.sampled_from([b"\xd1\x20", b"\xd1\x30", bytes.fromhex("3F007F014000"), bytes.fromhex("3F004010")])


@given(st.lists(st.tuples(st.sampled_from(LABELS), ANY_PATH | st.binary(min_size=2, max_size=6)), max_size=12))
def test_whatever_the_directory_says(entries):
    objects = tuple(
        DataObject(label, path if path.startswith(b"\x3f\x00") else layout().application.path + path, protected=True)
        for label, path in entries
    )
    chosen = {path for _, path in files(objects, layout())}
    others = {entry.path for entry in objects if not entry.label.startswith("CPS_ACTIVITY_")}
    assert not chosen & others
    assert not any(path.startswith((bytes.fromhex("3F007F01"), bytes.fromhex("3F0040"))) for path in chosen)


def test_sixteen_situations_with_holes_and_oddities():
    card = MODELS["situations"]()
    card.power_on()
    found = play(identify(classify(card.atr), {}), carrier(card.transmit)).identity
    driver = driver_of(found)
    play(driver.verify(found.layout), carrier(card.transmit))
    told = {entry.number: entry for entry in play(driver.situations(found.layout), carrier(card.transmit))}
    assert sorted(told) == [1, 2, 4, 5, 6, 7, 9, 10, 11, 14, 15, 16]
    assert told[4] == Situation(4, "HÔPITAL D'ESSAI", "10B0307377", "SA01", ((0x87, b"01"), (0x9F21, b"\x00\xff")))
    assert told[5].sector == "SA99"
    assert "SA99" not in SECTORS
    assert told[6].unknown[0][0] == 0
    assert told[7] == Situation(7, None, None, None, ((0, b"\xff" * 8),))
    assert (told[9].structure, told[9].ident, told[9].sector) == (None, None, "SA07")
    assert told[10] == Situation(10, None, None, None)
    assert told[11].structure == "MAISON DE SANTÉ D'ESSAI"
    assert told[15] == Situation(15, "GROUPE ESSAI", None, "SA08")
    assert told[16].structure == "S" * 120
