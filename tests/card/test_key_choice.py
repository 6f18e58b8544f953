"""Which key signs: usage bits, then the certificate's own KeyUsage; never an id, never the first of two."""

import pytest
from card_folder import Folder
from card_kit import AID, EF_AODF, EF_CDF, EF_PRKDF, identified
from certificate_kit import EXTENSIONS, Profile, certificate, rsa_key

from appliance.card import tlv
from appliance.errors import CardDataMalformed, CardUnsupported, CertificateInvalid

SIGNATURE_KEY, AUTHENTICATION_KEY = EF_PRKDF[:82], EF_PRKDF[82:173]
FIRST_CERTIFICATE, SECOND_CERTIFICATE = EF_CDF[:64], EF_CDF[64:134]
TECHNICAL = "technical"


def twin(key, number, reference):
    """The same key entry under another id and reference."""
    changed = key.replace(AID + b"\x01", AID + bytes((number,))).replace(AID + b"\x02", AID + bytes((number,)))
    return changed.replace(b"\x02\x02\x00\x81", bytes((2, 2, 0, reference))).replace(
        b"\x02\x02\x00\x82", bytes((2, 2, 0, reference))
    )


def twin_certificate(entry, number, path):
    changed = entry.replace(AID + b"\x01", AID + bytes((number,))).replace(AID + b"\x02", AID + bytes((number,)))
    return changed.replace(b"\xa0\x01", path).replace(b"\xa0\x02", path)


def card(key, entry, third):
    """The plain card, with a third key, its entry in the CDF and its certificate, before the others."""
    folder = Folder(
        prkdf=twin(key, 3, 0x83) + EF_PRKDF[:173], cdf=twin_certificate(entry, 3, b"\xa0\x03") + EF_CDF[:134]
    )
    folder.files["3F000001A003"] = third
    return folder


def test_a_technical_key_beside_the_authentication_key():
    """CPS_PRIV_TECH_AUT and its certificate (card-reference §2.5): sign bit, and no clientAuth."""
    technical = certificate(profile=Profile(signature=False, extended=False), key=rsa_key(TECHNICAL))
    found = identified(card(AUTHENTICATION_KEY, SECOND_CERTIFICATE, technical))
    assert found.layout.authentication.reference == 0x82
    assert found.authentication.key_size == 2048


def test_a_key_whose_certificate_is_for_something_else():
    wrong = certificate(profile=Profile(signature=False), key=rsa_key(TECHNICAL))
    assert identified(card(SIGNATURE_KEY, FIRST_CERTIFICATE, wrong)).layout.signature.reference == 0x81
    small = certificate(key=rsa_key("small", 1024))
    assert identified(card(SIGNATURE_KEY, FIRST_CERTIFICATE, small)).layout.signature.reference == 0x81


def test_a_key_without_a_certificate_does_not_count():
    folder = Folder(prkdf=twin(SIGNATURE_KEY, 3, 0x83) + EF_PRKDF[:173])
    assert identified(folder).layout.signature.reference == 0x81


def test_two_that_could_sign_are_nobodys_choice():
    for key, entry, third in (
        (SIGNATURE_KEY, FIRST_CERTIFICATE, certificate(extensions=EXTENSIONS, key=rsa_key(TECHNICAL))),
        (AUTHENTICATION_KEY, SECOND_CERTIFICATE, certificate(profile=Profile(signature=False), key=rsa_key(TECHNICAL))),
    ):
        with pytest.raises(CardUnsupported):
            identified(card(key, entry, third))


def test_two_technical_keys_and_no_other():
    technical = certificate(profile=Profile(signature=False, extended=False), key=rsa_key(TECHNICAL))
    folder = card(AUTHENTICATION_KEY, SECOND_CERTIFICATE, technical)
    folder.files["3F000001A002"] = technical
    with pytest.raises(CardUnsupported):
        identified(folder)


def test_no_certificate_fits():
    with pytest.raises(CertificateInvalid):
        identified(Folder(signature=certificate(key=rsa_key("small", 1024))))


def test_two_pins_are_nobodys_choice_either():
    pin = EF_AODF[: 2 + EF_AODF[1]]
    puk = EF_AODF[len(pin) :][: 2 + EF_AODF[len(pin) + 1]]
    assert identified(Folder(aodf=puk + pin)).layout.pin.reference == 1
    for data in (pin + pin + puk, pin + puk + puk):
        assert tlv.read_all(data)
        with pytest.raises(CardDataMalformed):
            identified(Folder(aodf=data))
