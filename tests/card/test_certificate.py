"""Certificates and holders: the profile, its holes, its oddities, and anything else."""

import dataclasses
import datetime as dt
import hashlib
import re

import pytest
from card_kit import mutated
from certificate_kit import BEGIN, END, EXTENSIONS, ISSUER, KEY_END, Profile, certificate, ec_key, name, rsa_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from appliance.card import nomenclature
from appliance.card.certificate import Certificate, Purpose, _key_end, parse_certificate
from appliance.card.holder import Holder, read_holder
from appliance.card.policy import bars
from appliance.errors import CardDataMalformed, CertificateInvalid, SignatureInvalid

SECOND = dt.timedelta(seconds=1)


def rdn(*avas):
    return x509.RelativeDistinguishedName([x509.NameAttribute(oid, value) for oid, value in avas])


def test_the_profile():
    found = parse_certificate(certificate())
    assert found.purpose is Purpose.SIGNATURE
    assert (found.not_before, found.not_after, found.key_not_after) == (BEGIN, END, KEY_END)
    assert (found.product_type, found.category, found.profession) == (0, 0x80, "60")
    assert found.card == "8025000001/2500577253"
    assert found.specialties == ("SI01",)
    assert found.key_size == 2048
    assert found.serial_number == 4711
    assert found.der == certificate()
    assert parse_certificate(certificate(profile=Profile(signature=False))).purpose is Purpose.AUTHENTICATION


@pytest.mark.parametrize(
    ("profile", "purpose"),
    [
        (Profile(extended=False), Purpose.SIGNATURE),
        (Profile(usage=None), Purpose.OTHER),
        (Profile(usage=None, extended=False), Purpose.OTHER),
        (Profile(signature=False, usage=None), Purpose.AUTHENTICATION),
        (Profile(signature=False, extended=False), Purpose.OTHER),
    ],
)
def test_purpose(profile, purpose):
    assert parse_certificate(certificate(profile=profile)).purpose is purpose


def test_every_private_extension_is_optional():
    found = parse_certificate(certificate(extensions={}))
    assert (found.product_type, found.card, found.category, found.profession) == (None, None, None, None)
    assert (found.specialties, found.key_not_after) == ((), None)


@pytest.mark.parametrize(
    "value", ["", "FF", "3080", "0200", "02020001", "0400", "0402FFFF", "1301FF", "30020C05", "05"]
)
def test_a_private_extension_never_breaks_the_certificate(value):
    for oid in EXTENSIONS:
        if value or oid != "2.5.29.16":
            try:
                found = parse_certificate(certificate(extensions={oid: value}))
            except CardDataMalformed:
                assert oid == "2.5.29.16", oid  # a standard extension that the library itself refuses
            else:
                assert read_holder(found).surname == "DURAND"


def test_specialties_that_are_not_utf8():
    assert parse_certificate(certificate(extensions={"1.2.250.1.71.4.2.5": "30030C01FF"})).specialties == ()


def test_the_end_of_the_private_key_counts():
    found = parse_certificate(certificate())
    assert found.usable_at(BEGIN)
    assert found.usable_at(KEY_END)
    assert not found.usable_at(KEY_END + SECOND)
    assert not found.usable_at(BEGIN - SECOND)
    without = parse_certificate(certificate(extensions={}))
    assert without.usable_at(END)
    assert not without.usable_at(END + SECOND)


@pytest.mark.parametrize(
    "raw", [None, b"", b"\x30\x00", b"\x30\x03\x81\x01\xff", b"\x30\x03\x81\x01Z", b"\x30\x03\x81\x05", b"\x30"]
)
def test_a_key_period_without_a_readable_end(raw):
    assert _key_end(raw) is None


def test_check():
    found = parse_certificate(certificate())
    good = rsa_key("signature").sign(b"letter", padding.PKCS1v15(), hashes.SHA256())
    found.check(good, b"letter")
    found.check_digest(good, hashlib.sha256(b"letter").digest())
    for signature, message in ((good, b"Letter"), (good[:-1] + bytes((good[-1] ^ 1,)), b"letter"), (b"", b"letter")):
        with pytest.raises(SignatureInvalid):
            found.check(signature, message)
    with pytest.raises(SignatureInvalid):
        found.check_digest(good, bytes(32))


def test_keys_that_nobody_supports():
    with pytest.raises(CertificateInvalid):
        parse_certificate(certificate(key=ec_key()))


def test_the_odd_key_oid_of_the_gip_cps():
    """1.2.250.1.71.2.6.1 (card-reference §7.1); one byte shorter than rsaEncryption: parameters take one."""
    der = certificate()
    rsa_encryption, gip_cps = "06092A864886F70D0101010500", "06082A817A0147020601020100"
    changed = der.replace(bytes.fromhex(rsa_encryption), bytes.fromhex(gip_cps), 1)
    assert changed != der
    assert len(changed) == len(der)
    with pytest.raises(CertificateInvalid):
        parse_certificate(changed)


def test_not_a_certificate():
    for der in (b"", b"\x30\x00", certificate()[:-1], certificate() + b"\0", b"-----BEGIN CERTIFICATE-----"):
        with pytest.raises(CardDataMalformed):
            parse_certificate(der)


def test_a_holder():
    holder = read_holder(parse_certificate(certificate()))
    assert holder == Holder(
        surname="DURAND",
        given_name="SOPHIE",
        ps_id="899900063480",
        rpps="99900063480",
        profession="60",
        profession_label="Infirmier",
        title="Infirmier(e)",
        specialties=("SI01",),
        card_type="CPS",
        test=True,
        category=0x80,
    )
    assert holder.ps_id_label == "RPPS"
    assert holder.specialty_labels == ("IPA pathologies chroniques stabilisées",)
    assert (holder.name, holder.short, holder.activity) == ("SOPHIE DURAND", "S. DURAND", "Infirmier(e)")


@pytest.mark.parametrize("order", [("family", "id", "given"), ("id", "given", "family"), ("given", "id", "family")])
def test_the_order_of_the_avas_does_not_count(order):
    assert read_holder(parse_certificate(certificate(name(order=order)))).name == "SOPHIE DURAND"


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
def test_avas_against_the_order_of_der(order):
    """As the class-1 certificates of the GIP-CPS have them: CN, SN, GN; cryptography alone refuses such a SET."""
    der = certificate()
    avas = [
        bytes.fromhex("300D0603 55042A 0C06") + b"SOPHIE",
        bytes.fromhex("300D0603 550404 0C06") + b"DURAND",
        bytes.fromhex("30130603 550403 0C0C") + b"899900063480",
    ]
    sorted_set = b"".join(sorted(avas))
    assert der.count(sorted_set) == 1
    changed = der.replace(sorted_set, b"".join(sorted(avas)[at] for at in order))
    assert changed != der
    with pytest.raises(ValueError, match="SetOrdering"):
        x509.load_der_x509_certificate(changed).subject  # noqa: B018 - older versions parse the name when asked
    found = parse_certificate(changed)
    assert found.der == changed
    assert read_holder(found) == read_holder(parse_certificate(der))


def test_one_rdn_each_does_as_well():
    subject = x509.Name(
        [
            rdn((NameOID.COMMON_NAME, "899900063480")),
            rdn((NameOID.SURNAME, "Éluard")),
            rdn((NameOID.GIVEN_NAME, "Zoé")),
        ]
    )
    holder = read_holder(parse_certificate(certificate(subject)))
    assert (holder.name, holder.short, holder.title) == ("Zoé Éluard", "Z. Éluard", None)
    assert holder.activity == "Infirmier"


def test_a_cpe_has_no_name():
    subject = x509.Name(
        [
            rdn((NameOID.COUNTRY_NAME, "FR")),
            rdn((NameOID.ORGANIZATION_NAME, "CENTRE DE SANTE RPPS12718")),
            rdn((NameOID.ORGANIZATIONAL_UNIT_NAME, "10B0127189")),
            rdn((NameOID.TITLE, "Carte de service santé ou social")),
            rdn((NameOID.PSEUDONYM, "ACCUEIL")),
            rdn((NameOID.COMMON_NAME, "10B0127189/42")),
        ]
    )
    extensions = {"1.2.250.1.71.1.2.2": "020102", "1.2.250.1.71.1.2.5": "040100"}
    holder = read_holder(parse_certificate(certificate(subject, extensions=extensions)))
    assert (holder.surname, holder.given_name, holder.name) == (None, None, "")
    assert (holder.structure, holder.structure_id) == ("CENTRE DE SANTE RPPS12718", "10B0127189")
    assert holder.pseudonym == "ACCUEIL"
    assert holder.short == "CENTRE DE SANTE RPPS12718"
    assert dataclasses.replace(holder, structure=None).short == "ACCUEIL"
    assert (holder.ps_id, holder.rpps, holder.card_type, holder.test) == ("10B0127189/42", None, "CPE", False)
    assert holder.activity == "Carte de service santé ou social"


@pytest.mark.parametrize(
    ("common_name", "rpps", "adeli", "register"),
    [
        ("899900038839", "99900038839", None, "RPPS"),
        ("899900038838", None, None, "RPPS"),  # wrong key
        ("99900063480", None, None, "Étudiant"),  # without its type digit
        ("00B7010446", None, "0B7010446", "ADELI"),
        ("099900063480", None, None, "ADELI"),
        ("8999000634801", None, None, "RPPS"),
        ("X", None, None, None),
    ],
)
def test_rpps_and_adeli(common_name, rpps, adeli, register):
    subject = x509.Name([rdn((NameOID.COMMON_NAME, common_name))])
    holder = read_holder(parse_certificate(certificate(subject)))
    assert (holder.ps_id, holder.rpps, holder.adeli) == (common_name, rpps, adeli)
    assert holder.ps_id_label == register
    assert holder.name == ""


def test_a_student():
    extensions = {"1.2.250.1.71.1.2.2": "020101", "1.2.250.1.71.1.2.8": "02010A"}
    holder = read_holder(parse_certificate(certificate(name(title=None), extensions=extensions)))
    assert (holder.card_type, holder.profession, holder.future_profession) == ("CPF", None, "10")
    assert holder.activity == "Médecin en formation"
    assert bars(holder, ("CPF",)) == "card-denied"
    assert bars(holder, ("CPS",)) is None


def test_older_certificates_of_a_cps_name_no_structure():
    subject = x509.Name(
        [
            rdn((NameOID.ORGANIZATION_NAME, "GIP-CPS")),
            rdn((NameOID.ORGANIZATIONAL_UNIT_NAME, "Médecin")),
            rdn((NameOID.SURNAME, "LIBRE")),
        ]
    )
    holder = read_holder(parse_certificate(certificate(subject)))
    assert (holder.structure, holder.structure_id, holder.short) == (None, None, "LIBRE")
    assert bars(holder, ("CPF",)) is None


def test_a_type_of_card_that_nobody_knows_is_not_barred():
    holder = read_holder(parse_certificate(certificate(extensions={"1.2.250.1.71.1.2.2": "020109"})))
    assert (holder.card_type, bars(holder, ("CPF",))) == (None, None)


@pytest.mark.parametrize(
    ("category", "issuer", "test"),
    [
        ("040180", ISSUER, True),
        ("040182", ISSUER, True),
        ("040183", ISSUER, True),
        ("040100", ISSUER, False),  # the category decides, where there is one
        ("040103", ISSUER, False),
        ("", ISSUER, True),
        ("", x509.Name([rdn((NameOID.COMMON_NAME, "AC IGC-SANTE FORT PERSONNES"))]), False),
    ],
)
def test_the_test_mark(category, issuer, test):
    extensions = {"1.2.250.1.71.1.2.5": category} if category else {}
    assert read_holder(parse_certificate(certificate(extensions=extensions, issuer=issuer))).test is test


def test_an_unknown_profession_has_no_label():
    extensions = {"1.2.250.1.71.1.2.7": "020103", "1.2.250.1.71.1.2.2": "020109"}
    holder = read_holder(parse_certificate(certificate(name(title=None), extensions=extensions)))
    assert (holder.profession, holder.profession_label, holder.activity, holder.card_type) == ("03", None, "", None)


@pytest.mark.parametrize(
    ("table", "form"),
    [
        (nomenclature.PROFESSIONS, r"\d\d"),
        (nomenclature.FUTURE_PROFESSIONS, r"\d\d"),
        (nomenclature.SPECIALTIES, r"SI\d\d"),
        (nomenclature.SPECIALISATIONS, r"\d\d"),
        (nomenclature.PRACTICE_MODES, r"\d\d"),
        (nomenclature.RESPONSIBILITIES, r"\d\d"),
        (nomenclature.SECTORS, r"SA\d\d"),
        (nomenclature.STRUCTURE_IDS, r"\d"),
        (nomenclature.PERSON_IDS, r"\d\d?"),
    ],
)
def test_code_tables(table, form):
    assert all(re.fullmatch(form, code) and label == label.strip() != "" for code, label in table.items())


def test_nobody_in_a_repr():
    found = parse_certificate(certificate())
    shown = repr(found) + repr(read_holder(found))
    for secret in ("SOPHIE", "DURAND", "99900063480", "2500577253"):
        assert secret not in shown


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.binary(max_size=200) | st.deferred(lambda: mutated(certificate())))
def test_any_bytes_give_a_certificate_or_our_error(der):
    try:
        found = parse_certificate(der)
    except (CardDataMalformed, CertificateInvalid):
        return
    assert isinstance(found, Certificate)
    holder = read_holder(found)
    assert isinstance(holder.name + holder.short + holder.activity, str)


@given(st.sampled_from(sorted(EXTENSIONS)[:-1]), st.binary(max_size=40))
def test_any_extension_value_leaves_the_holder_standing(oid, value):
    found = parse_certificate(certificate(extensions={oid: value.hex()}))
    assert read_holder(found).surname == "DURAND"
