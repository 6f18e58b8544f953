"""Directory files of real cards, their malformations, and anything else."""

import dataclasses

import pytest
from card_kit import AID, AID_CONTACTLESS, EF_AODF, EF_CDF, EF_DIR, EF_DODF, EF_ODF, EF_PRKDF, files, layout, mutated
from hypothesis import given
from hypothesis import strategies as st

from appliance.card import pkcs15, tlv
from appliance.card.layout import Application, CertificateEntry, DataObject, Directory, Key, Layout, Pin, PrivateKey
from appliance.errors import CardDataMalformed

HOME = bytes.fromhex("3F000001")
APPLICATION = Application(AID, HOME, "CPX IAS", HOME + b"\x50\x31")
SIGNATURE_ID, AUTHENTICATION_ID = AID + b"\x01", AID + b"\x02"


def pin_entry(**changed):
    """One AODF entry; every part may be replaced by its whole TLV in hex."""
    part = {
        "flags": "0303040C10",
        "type": "0A0101",
        "lengths": "020104020108020104",
        "reference": "800101",
        "pad": "0401FF",
    } | changed
    body = tlv.write(0xA1, tlv.write(0x30, bytes.fromhex("".join(part.values()))))
    return tlv.write(0x30, tlv.write(0x30, b"") + tlv.write(0x30, b"") + body)


def test_the_layout_of_the_reference_card():
    found = layout()
    assert found == Layout(
        APPLICATION,
        Directory(HOME + b"\x70\x02", HOME + b"\x70\x05", HOME + b"\x70\x01", HOME + b"\x70\x06"),
        Pin(1, 4, 8, 4, 0xFF, "Code porteur de la carte CPS"),
        Pin(2, 8, 8, 8, 0x00, "Code de déblocage de la carte CPS"),
        Key(0x81, 2048, HOME + b"\xa0\x01"),
        Key(0x82, 2048, HOME + b"\xa0\x02"),
    )
    assert found.aid == AID
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.pin = found.puk


def record(*parts):
    return tlv.write(0x61, b"".join(tlv.write(tag, value) for tag, value in parts))


CONTACT = ((0x4F, AID), (0x51, HOME))


@pytest.mark.parametrize(
    "data",
    [
        EF_DIR,
        EF_DIR[52:] + EF_DIR[:52],  # contact first
        EF_DIR[52:],  # contact only
        EF_DIR + bytes(40),
        record(*CONTACT),  # neither label nor DDO
        tlv.write(0x70, b"") + record((0x4F, b"\xa0\x00"), (0x51, HOME)) + record(*CONTACT),
    ],
)
def test_the_contact_application_is_found_wherever_it_stands(data):
    found = pkcs15.parse_dir(data)
    assert (found.aid, found.path, found.odf) == (AID, HOME, HOME + b"\x50\x31")
    assert pkcs15.names_contact(data)


def test_paths_come_from_ef_dir():
    data = record((0x4F, AID), (0x51, b"\x3f\x00\x00\x07"))
    assert pkcs15.parse_dir(data).odf.hex() == "3f0000075031"
    ddo = tlv.write(0x30, tlv.write(0x04, b"\x50\x99"))
    assert pkcs15.parse_dir(record(*CONTACT, (0x73, ddo))).odf.hex() == "3f0000015099"
    assert pkcs15.parse_dir(record((0x4F, AID), (0x51, b"\x00\x01"))).path == HOME


@pytest.mark.parametrize(
    "data",
    [
        b"",
        EF_DIR[:52],  # contactless only
        record((0x4F, AID)),  # no path: refused by the national middleware too
        record((0x51, HOME)),
        record((0x4F, pkcs15.ISSUER), (0x51, HOME)),  # a RID alone
        record((0x4F, AID + bytes(4)), (0x51, HOME)),
        record((0x4F, AID), (0x51, b"\x3f")),
        record((0x4F, AID), (0x51, b"")),
        record((0x4F, AID), (0x51, b"\x3f\x00" * 9)),
        record(*CONTACT, (0x50, b"\xff")),
    ],
)
def test_ef_dir_without_a_contact_application(data):
    with pytest.raises(CardDataMalformed):
        pkcs15.parse_dir(data)


def test_ef_dir_half_read_waits_for_the_contact_record():
    assert not pkcs15.names_contact(EF_DIR[:80])
    assert pkcs15.names_contact(EF_DIR)


def odf(**paths):
    tags = {"prkdf": 0xA0, "cdf": 0xA4, "dodf": 0xA7, "aodf": 0xA8, "trusted": 0xA5}
    return b"".join(
        tlv.write(tags[name], tlv.write(0x30, tlv.write(0x04, bytes.fromhex(path)))) for name, path in paths.items()
    )


def test_odf_takes_relative_absolute_and_repeated_paths():
    data = odf(trusted="7009", prkdf="3F0000017002", cdf="00017005", aodf="7001")
    found = pkcs15.parse_odf(data, APPLICATION)
    assert found == Directory(HOME + b"\x70\x02", HOME + b"\x70\x05", HOME + b"\x70\x01", None)
    assert pkcs15.parse_odf(odf(prkdf="1111", cdf="2222", aodf="3333") + odf(cdf="4444"), APPLICATION).cdf[-1] == 0x22


@pytest.mark.parametrize(
    "data",
    [
        b"",
        odf(prkdf="7002", cdf="7005"),
        odf(prkdf="7002", aodf="7001"),
        odf(cdf="7005", aodf="7001"),
        odf(prkdf="7002", cdf="70", aodf="7001"),
        odf(prkdf="7002", cdf="70057005700570057005700570057005", aodf="7001"),
        b"\xa0\x00",
    ],
)
def test_odf_that_lacks_a_file(data):
    with pytest.raises(CardDataMalformed):
        pkcs15.parse_odf(data, APPLICATION)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, Pin(1, 4, 8, 4, 0xFF, "")),
        ({"pad": ""}, Pin(1, 4, 8, 4, 0x00, "")),  # the flag without a character pads with 00
        ({"flags": "0302 0308"}, Pin(1, 4, 8, 4, None, "")),  # no flag: bare digits, whatever the character
        ({"flags": "030108"}, Pin(1, 4, 8, 4, None, "")),
        ({"reference": "800181"}, Pin(0x81, 4, 8, 4, 0xFF, "")),
        ({"reference": "80020081"}, Pin(0x81, 4, 8, 4, 0xFF, "")),
        ({"reference": ""}, Pin(0, 4, 8, 4, 0xFF, "")),
        ({"lengths": "020104020108020108"}, Pin(1, 4, 8, 8, 0xFF, "")),
        ({"lengths": "020104020108"}, Pin(1, 4, 8, 8, 0xFF, "")),
        ({"lengths": "02010402010C02010C"}, Pin(1, 4, 12, 12, 0xFF, "")),
    ],
)
def test_the_pin_is_what_the_aodf_says(changed, expected):
    pin, puk = pkcs15.parse_aodf(pin_entry(**changed))
    assert pin == expected
    assert puk is None


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "0A0100"},  # BCD
        {"type": ""},
        {"flags": ""},
        {"lengths": ""},
        {"lengths": "020104"},
        {"lengths": "020104020108020104020101"},
        {"lengths": "020100020108020104"},  # a PIN of no digit
        {"lengths": "020105020108020104"},  # min > max
        {"lengths": "020104020108020109"},  # max > stored
        {"lengths": "020104020111020104"},  # longer than the locked page holds
        {"lengths": "0200020108020104"},
        {"pad": "0402FFFF"},
        {"pad": "0400"},
        {"reference": "80020181"},
    ],
)
def test_a_pin_no_keypad_could_obey(changed):
    with pytest.raises(CardDataMalformed):
        pkcs15.parse_aodf(pin_entry(**changed))


@pytest.mark.parametrize("flags", ["0303041D10", "03020102", "03020001"])
def test_the_puk_is_found_by_its_flag_wherever_it_stands(flags):
    puk = pin_entry(flags=flags, reference="800102")
    for data in (puk + pin_entry(), pin_entry() + puk):
        pin, found = pkcs15.parse_aodf(data)
        assert pin.reference == 1
        assert found is not None
        assert found.reference == 2


def test_an_aodf_without_a_pin():
    for data in (b"", bytes(256), pin_entry(flags="0303041D10"), tlv.write(0xA0, b""), tlv.write(0x30, b"")):
        with pytest.raises(CardDataMalformed):
            pkcs15.parse_aodf(data)


def test_other_authentication_objects_are_passed_over():
    assert pkcs15.parse_aodf(tlv.write(0xA0, b"\xff\xff") + pin_entry())[0].reference == 1


def test_private_keys():
    signature, authentication = pkcs15.parse_prkdf(EF_PRKDF)
    assert signature == PrivateKey(0x81, SIGNATURE_ID, frozenset({9}), 2048, "CPS_PRIV_SIG")
    assert authentication == PrivateKey(0x82, AUTHENTICATION_ID, frozenset({1, 2}), 2048, "CPS_PRIV_AUT")


def test_a_key_reference_written_as_a_negative_integer():
    # The national middleware loses tag 84 there (traces §1.7); the byte is what counts.
    data = tlv.write(0x30, bytes.fromhex("3000") + bytes.fromhex("3006 040101 020181") + bytes.fromhex("A1023000"))
    (key,) = pkcs15.parse_prkdf(data)
    assert (key.reference, key.size, key.usage, key.label) == (0x81, None, frozenset(), "")


@pytest.mark.parametrize(
    "own", ["3003 040101", "3003 020181", "3007 040101 02020181", "0403 040101", "3006 0400 0204FFFF"]
)
def test_a_key_without_id_or_reference(own):
    data = tlv.write(0x30, bytes.fromhex("3000") + bytes.fromhex(own) + bytes.fromhex("A1023000"))
    with pytest.raises(CardDataMalformed):
        pkcs15.parse_prkdf(data)


def test_certificates_and_data_objects():
    assert pkcs15.parse_cdf(EF_CDF, APPLICATION) == (
        CertificateEntry(SIGNATURE_ID, HOME + b"\xa0\x01", "Certificat de Signature CPS"),
        CertificateEntry(AUTHENTICATION_ID, HOME + b"\xa0\x02", "Certificat d'Authentification CPS"),
    )
    objects = pkcs15.parse_dodf(EF_DODF, APPLICATION)
    assert len(objects) == 7
    assert objects[4] == DataObject("CPS_DATA", HOME + b"\xd1\x07", protected=False)
    assert objects[5] == DataObject("CPS_ACTIVITY_01_PS", HOME + b"\xd1\x20", protected=True)
    skipped = tlv.write(0xA1, b"")
    assert pkcs15.parse_cdf(skipped, APPLICATION) == ()
    assert pkcs15.parse_dodf(skipped, APPLICATION) == ()
    assert pkcs15.parse_prkdf(skipped) == ()


def test_keys_are_chosen_by_usage_and_certificates_by_id():
    swapped = EF_PRKDF[82:173] + EF_PRKDF[:82]
    assert layout(prkdf=swapped) == layout()
    cdf = EF_CDF[64:134] + EF_CDF[:64]
    assert layout(cdf=cdf) == layout()
    renamed = layout(
        prkdf=EF_PRKDF.replace(SIGNATURE_ID, AID + b"\x10"), cdf=EF_CDF.replace(SIGNATURE_ID, AID + b"\x10")
    )
    assert renamed == layout()
    moved = layout(prkdf=EF_PRKDF.replace(b"\x02\x02\x00\x81", b"\x02\x02\x00\x93"))
    assert moved.signature.reference == 0x93


@pytest.mark.parametrize(
    "changed",
    [
        {"prkdf": EF_PRKDF[:82]},  # no authentication key
        {"prkdf": EF_PRKDF[82:]},  # no signature key
        {"cdf": EF_CDF[:64]},
        {"cdf": b""},
        {"cdf": EF_CDF.replace(SIGNATURE_ID, AID + b"\x09")},
    ],
)
def test_a_card_that_lacks_a_key_or_a_certificate(changed):
    with pytest.raises(CardDataMalformed):
        layout(**changed)


@given(st.sampled_from(sorted(files())), st.data())
def test_any_file_gives_a_layout_or_our_error(name, data):
    content = data.draw(st.binary(max_size=200) | mutated(files()[name]))
    try:
        found = layout(**{name: content})
        objects = pkcs15.parse_dodf(content, APPLICATION) if name == "dodf" else ()
    except CardDataMalformed:
        return
    assert 1 <= found.pin.min_length <= found.pin.max_length <= found.pin.stored_length <= 16
    assert all(path.startswith(b"\x3f\x00") for path in (found.signature.certificate, found.application.odf))
    assert all(len(entry.path) <= 16 for entry in objects)


@given(st.binary(max_size=200) | mutated(EF_DIR) | mutated(EF_ODF) | mutated(EF_AODF))
def test_any_bytes_to_any_parser(content):
    for parse in (
        pkcs15.parse_dir,
        pkcs15.names_contact,
        pkcs15.parse_aodf,
        pkcs15.parse_prkdf,
        lambda raw: pkcs15.parse_odf(raw, APPLICATION),
        lambda raw: pkcs15.parse_cdf(raw, APPLICATION),
        lambda raw: pkcs15.parse_dodf(raw, APPLICATION),
    ):
        try:
            parse(content)
        except CardDataMalformed:
            continue


def test_the_contactless_application_is_never_taken():
    data = record((0x4F, AID_CONTACTLESS), (0x51, b"\x3f\x00\x00\x02")) + record(*CONTACT)
    assert pkcs15.parse_dir(data).aid == AID
