import datetime as dt
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier

from appliance.errors import SimulatorError
from appliance.simulator.pki import EMPLOYEE, NURSE, PHYSICIAN, PRODUCTION, STUDENT, Holder, TestPki, luhn


def extension(certificate, oid):
    return certificate.extensions.get_extension_for_oid(ObjectIdentifier(oid))


def raw(certificate, oid):
    return extension(certificate, oid).value.public_bytes()


@pytest.mark.parametrize("holder", [NURSE, PRODUCTION, STUDENT, EMPLOYEE])
def test_openssl_verifies_both_certificates_up_to_the_root(tmp_path, holder):
    pki = TestPki.generate(holder)
    pki.write(tmp_path)
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "intermediate.pem"]
    for leaf, purpose in (("signature", "smimesign"), ("authentication", "sslclient")):
        done = subprocess.run(
            [*command, "-purpose", purpose, f"{leaf}.pem"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_names_are_those_of_the_test_chain():
    pki = TestPki.generate()
    names = [
        certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        for certificate in (pki.root, pki.intermediate)
    ]
    assert names == ["TEST AC RACINE IGC-SANTE FORT", "TEST AC IGC-SANTE FORT PERSONNES"]
    units = pki.root.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert [unit.value for unit in units] == ["0002 187512751", "IGC-SANTE TEST"]


def test_the_subject_ends_in_one_multi_valued_rdn():
    rdns = TestPki.generate().signature.certificate.subject.rdns
    assert [[a.value for a in rdn] for rdn in rdns[:2]] == [["FR"], ["Infirmier(e)"]]
    assert {a.oid: a.value for a in rdns[2]} == {
        NameOID.GIVEN_NAME: "SOPHIE",
        NameOID.SURNAME: "DURAND-TEST",
        NameOID.COMMON_NAME: "899900063480",
    }


def test_private_extensions_and_usages():
    pki = TestPki.generate(PHYSICIAN, card_number="2500577253")
    for certificate in pki.certificates:
        assert raw(certificate, "1.2.250.1.71.1.2.2") == bytes.fromhex("020100")
        assert raw(certificate, "1.2.250.1.71.1.2.3") == b"\x13\x158025000001/2500577253"
        assert raw(certificate, "1.2.250.1.71.1.2.5") == bytes.fromhex("040180")
        assert raw(certificate, "1.2.250.1.71.1.2.7") == bytes.fromhex("02010A")
        assert raw(certificate, "1.2.250.1.71.4.2.5") == b"\x30\x06\x0c\x04SM26"
        assert extension(certificate, "2.5.29.15").critical
    usage = [c.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE).value for c in pki.certificates]
    assert [(u.content_commitment, u.digital_signature) for u in usage] == [(True, False), (False, True)]
    extended = [{o.dotted_string for o in extension(c, "2.5.29.37").value} for c in pki.certificates]
    assert extended == [{"1.3.6.1.5.5.7.3.4"}, {"1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.20.2.2"}]


def common_names(pki):
    certificates = (pki.root, pki.intermediate)
    return [c.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value for c in certificates]


def test_the_chain_is_that_of_the_card():
    production, employee = TestPki.generate(PRODUCTION), TestPki.generate(EMPLOYEE)
    assert common_names(production) == ["AC RACINE IGC-SANTE FORT", "AC IGC-SANTE FORT PERSONNES"]
    assert common_names(employee) == ["TEST AC RACINE IGC-SANTE STANDARD", "TEST AC IGC-SANTE STANDARD PERSONNES"]
    assert TestPki.generate(STUDENT).root == TestPki.generate(NURSE).root
    text = production.signature.certificate.public_bytes(serialization.Encoding.DER)
    assert b"TEST" not in text
    assert raw(production.signature.certificate, "1.2.250.1.71.1.2.5") == bytes.fromhex("040100")
    points = extension(employee.signature.certificate, "2.5.29.31").value
    assert points[0].full_name[0].value == "http://igc-sante.esante.gouv.fr/CRL/ACI-ST-PP-TEST.crl"


def test_a_student_has_a_future_and_no_profession():
    certificate = TestPki.generate(STUDENT).signature.certificate
    assert raw(certificate, "1.2.250.1.71.1.2.2") == bytes.fromhex("020101")
    assert raw(certificate, "1.2.250.1.71.1.2.8") == bytes.fromhex("02013C")
    with pytest.raises(x509.ExtensionNotFound):
        extension(certificate, "1.2.250.1.71.1.2.7")


def test_an_employees_card_names_a_structure_and_nobody(tmp_path):
    pki = TestPki.generate(EMPLOYEE)
    subject = pki.signature.certificate.subject
    assert [(a.oid, a.value) for rdn in subject.rdns for a in rdn] == [
        (NameOID.COUNTRY_NAME, "FR"),
        (NameOID.STATE_OR_PROVINCE_NAME, "Paris (75)"),
        (NameOID.ORGANIZATION_NAME, "EHPAD LES TILLEULS TEST"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "10B0307377"),
        (NameOID.TITLE, "Carte de service santé ou social"),
        (NameOID.PSEUDONYM, "AGENT-042"),
        (NameOID.COMMON_NAME, "10B0307377/0000000042"),
    ]
    pki.write(tmp_path)
    assert TestPki.load(tmp_path).holder == EMPLOYEE


def test_no_specialty_no_extension():
    with pytest.raises(x509.ExtensionNotFound):
        extension(TestPki.generate(NURSE).signature.certificate, "1.2.250.1.71.4.2.5")


def test_validity_starts_where_it_is_told_and_the_key_ends_before_the_certificate(tmp_path):
    start = dt.datetime(2020, 1, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    pki = TestPki.generate(valid_from=start)
    certificate = pki.signature.certificate
    assert certificate.not_valid_before_utc == start
    assert certificate.not_valid_after_utc - start == dt.timedelta(days=3 * 365 + 30)
    pki.write(tmp_path)
    text = subprocess.run(
        ["openssl", "x509", "-in", "signature.pem", "-noout", "-text"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert "Not Before: Jan  2 00:00:00 2020 GMT, Not After: Jan  1 00:00:00 2023 GMT" in text


def test_the_same_holder_is_the_same_pki_and_another_has_the_same_root():
    assert TestPki.generate(NURSE) is TestPki.generate(NURSE)
    assert TestPki.generate(NURSE).root == TestPki.generate(PHYSICIAN).root
    assert TestPki.generate(NURSE).signature != TestPki.generate(PHYSICIAN).signature


def test_written_and_loaded(tmp_path):
    pki = TestPki.generate()
    pki.write(tmp_path)
    again = TestPki.load(tmp_path)
    assert (again.holder, again.card_number, again.root, again.certificates) == (
        pki.holder,
        pki.card_number,
        pki.root,
        pki.certificates,
    )
    assert again.signature.key.private_numbers() == pki.signature.key.private_numbers()
    assert (tmp_path / "signature.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("victim", ["card.json", "root.pem", "signature.key"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_folder_that_holds_no_pki_is_refused(tmp_path, victim, content):
    TestPki.generate().write(tmp_path)
    if content is None:
        (tmp_path / victim).unlink()
    else:
        (tmp_path / victim).write_bytes(content)
    with pytest.raises(SimulatorError):
        TestPki.load(tmp_path)


@pytest.mark.parametrize("rpps", ["99900063481", "9990006348", "9990006348A", ""])
def test_an_rpps_must_pass_luhn(rpps):
    with pytest.raises(SimulatorError):
        Holder("A", "B", rpps, 60, "Infirmier(e)")


def test_luhn():
    assert [luhn(number[:-1]) for number in ("99900063480", "99900038839", "99700218896")] == [0, 9, 6]
