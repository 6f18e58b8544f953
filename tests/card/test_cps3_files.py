"""What the CPS3 driver makes of files: ends of every kind, missing, mutated, endless; an identity, or our error."""

import dataclasses

import pytest
from card_folder import Folder
from card_kit import COUNTER_PUK, EF_AODF, EF_CDF, EF_DIR, EF_ODF, EF_PRKDF, EF_SN, identified, layout, mutated
from certificate_kit import Profile, certificate, rsa_key
from hypothesis import given
from hypothesis import strategies as st

from appliance.card.contents import read_data_objects
from appliance.card.files import MAX_CERTIFICATE
from appliance.card.iasecc import IasEcc
from appliance.card.layout import DataObject
from appliance.card.script import play
from appliance.errors import (
    CardDataMalformed,
    CardError,
    CardMute,
    CardUnsupported,
    CertificateInvalid,
    CommandRefused,
)

LAYOUT = layout()


@pytest.mark.parametrize("end", ["6C", "6282", "9000"])
def test_identify_whatever_the_end_of_a_file_looks_like(end):
    card = Folder(end)
    assert identified(card).serial == "99213845"
    assert card.count <= 40


@pytest.mark.parametrize("end", ["6C", "6282", "9000"])
def test_files_of_other_sizes(end):
    contactless, contact = EF_DIR[:52], EF_DIR[52:]
    many = Folder(end, dir=contactless * 4 + contact, odf=EF_ODF[:32], prkdf=EF_PRKDF[:173], cdf=EF_CDF[:134] * 2)
    assert identified(many).layout == LAYOUT
    few = Folder(end, dir=contact, odf=EF_ODF.ljust(300, b"\0"), aodf=EF_AODF[:189])
    assert identified(few).layout == LAYOUT
    first = Folder(end, dir=contact + contactless)
    assert identified(first).layout == LAYOUT


@pytest.mark.parametrize("end", ["6C", "6282", "9000"])
def test_data_objects(end):
    card = Folder(end)
    objects = play(read_data_objects(IasEcc(), LAYOUT), card)
    assert len(objects) == 7
    assert DataObject("CPS_ACTIVITY_02_PS", bytes.fromhex("3F000001D121"), protected=True) in objects
    assert card.count == 3
    without = dataclasses.replace(LAYOUT, directory=dataclasses.replace(LAYOUT.directory, dodf=None))
    assert play(read_data_objects(IasEcc(), without), card) == ()


@pytest.mark.parametrize(
    ("sn", "error"),
    [
        (None, CardUnsupported),
        (EF_SN.replace(bytes.fromhex("8025000001"), bytes.fromhex("8025000002")), CardUnsupported),
        (bytes.fromhex("5A0A8025000001992138451F"), CardDataMalformed),  # wrong check digit
        (bytes.fromhex("5A0A802500000199213845EF"), CardDataMalformed),
        (bytes.fromhex("5A068025000001FF00000000"), CardDataMalformed),  # no serial behind the prefix
        (b"\x5b" + EF_SN[1:], CardDataMalformed),
        (b"\0" * 12, CardDataMalformed),
        (EF_SN[:11], CardDataMalformed),
    ],
)
def test_not_the_serial_of_a_cps(sn, error):
    card = Folder(sn=sn)
    with pytest.raises(error):
        identified(card)
    assert card.count <= 3


@pytest.mark.parametrize(
    ("status", "error"),
    [("6A82", CardUnsupported), ("9404", CardUnsupported), ("6581", CommandRefused), ("6F00", CommandRefused)],
)
def test_a_fault_is_not_another_model(status, error):
    with pytest.raises(error):
        identified(lambda _: bytes.fromhex(status))
    with pytest.raises(CardMute):
        identified(lambda _: b"")


@pytest.mark.parametrize("name", ["dir", "odf", "aodf", "prkdf", "cdf", "signature", "authentication"])
def test_a_missing_file_is_named(name):
    with pytest.raises(CommandRefused) as refused:
        identified(Folder(**{name: None}))
    assert refused.value.sw == 0x6A82
    assert name.lower() in refused.value.step.lower()


def test_a_read_refused_is_named():
    answers = iter(["9000", "6982"])
    with pytest.raises(CommandRefused) as refused:
        identified(lambda _: bytes.fromhex(next(answers)))
    assert (refused.value.sw, refused.value.step) == (0x6982, "EF.SN")


def test_certificates_must_fit_their_keys():
    signature, authentication = certificate(), certificate(profile=Profile(signature=False))
    small = certificate(key=rsa_key("small", 1024))
    for changed in (
        {"signature": authentication},
        {"authentication": signature},
        {"signature": small},
        {"signature": authentication, "authentication": signature},
    ):
        with pytest.raises(CertificateInvalid):
            identified(Folder(**changed))


@pytest.mark.parametrize("end", ["6C", "6282", "9000"])
def test_a_certificate_that_stops_too_early_or_never(end):
    whole = certificate()
    for cut in (3, 100, 0xE7, 500, len(whole) - 1):
        card = Folder(end, signature=whole[:cut])
        with pytest.raises((CardDataMalformed, CommandRefused)):
            identified(card)
    endless = b"\x30\x82" + (MAX_CERTIFICATE + 1).to_bytes(2) + bytes(300)
    with pytest.raises(CardDataMalformed):
        identified(Folder(end, signature=endless))


def test_a_directory_file_without_end():
    entry = EF_CDF[:64]
    with pytest.raises(CardDataMalformed):
        identified(Folder(cdf=entry * 60))


def test_a_card_without_puk_and_a_puk_that_is_used_up():
    assert identified(Folder(aodf=EF_AODF[:99])).puk_tries_left is None
    spent = Folder()
    spent.tries[2] = COUNTER_PUK.replace("9D020064", "9D020000")
    assert identified(spent).puk_tries_left == 0


@given(st.sampled_from(["sn", "dir", "odf", "aodf", "prkdf", "cdf", "signature"]), st.data())
def test_any_file_on_the_card_gives_an_identity_or_our_error(name, data):
    whole = Folder()
    content = data.draw(mutated(whole.files[whole.names[name]]))
    card = Folder(data.draw(st.sampled_from(["6C", "6282", "9000"])), **{name: content})
    try:
        found = identified(card)
    except CardError:
        pass
    else:
        assert found.layout.pin.stored_length <= 16
    assert card.count < 120
