"""OpenSC, an independent program that works with real CPS3 cards, reads the soft one over real pcscd and vpcd."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
import pcscd

from appliance.simulator.faults import Fault, FaultyCard, Kind
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.vpcd import VpcdSlot

REASON = pcscd.missing() or (None if shutil.which("pkcs15-tool") else "needs opensc")
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

SIGNATURE, AUTHENTICATION = "e828bd080f8025000001ff001001", "e828bd080f8025000001ff001002"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with pcscd.PrivatePcscd(tmp_path_factory.mktemp("pcscd")) as daemon:
        yield daemon


@pytest.fixture
def slot(daemon):
    with VpcdSlot(daemon.connect) as slot:
        yield slot


@pytest.fixture
def card(slot, daemon):
    daemon.wait_for_card(present=False)
    card = FaultyCard(SoftCps3(TestPki.generate()))
    slot.insert(card)
    daemon.wait_for_card()
    return card


@pytest.fixture
def opensc(daemon, tmp_path):
    def run(program, *words):
        return subprocess.run(
            [program, *words],
            env={**daemon.environment, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_dump_shows_the_card_as_a_real_one(opensc, card):
    done = opensc("pkcs15-tool", "--dump")
    assert done.returncode == 0, done.stderr
    sections = {part.strip().split("\n", 1)[0]: part for part in done.stdout.split("\n\n")}
    for title, facts in {
        "PIN [Code porteur de la carte CPS]": ["min_len:4, max_len:4, stored_len:8", "Reference      : 1 (0x01)"],
        "PIN [Code de déblocage de la carte CPS]": ["soPin", "Reference      : 2 (0x02)"],
        "Private RSA Key [CPS_PRIV_SIG]": ["nonRepudiation", "Key ref        : 129 (0x81)", "pso_cds:01", SIGNATURE],
        "Private RSA Key [CPS_PRIV_AUT]": [
            "decrypt, sign",
            "Key ref        : 130 (0x82)",
            "int_auth:01",
            AUTHENTICATION,
        ],
        "X.509 Certificate [Certificat de Signature CPS]": ["e828bd080f8025000001ff0010::a001"],
        "X.509 Certificate [Certificat d'Authentification CPS]": ["e828bd080f8025000001ff0010::a002"],
        "Data object 'CPS_NAME_PS'": [b"DURAND-TEST".hex().upper()],
        "Data object 'CPS_ACTIVITY_01_PS'": ["Auth ID:         01"],
    }.items():
        assert title in sections
        for fact in facts:
            assert fact in sections[title]
    assert "PKCS#15 Card [CPS3v3-2500577253]" in done.stdout
    assert card.card.verify_count == 0


@pytest.mark.parametrize("which", ["signature", "authentication"])
def test_certificates_are_those_of_the_pki(opensc, card, which):
    identity = {"signature": SIGNATURE, "authentication": AUTHENTICATION}[which]
    done = opensc("pkcs15-tool", "--read-certificate", identity)
    assert done.returncode == 0, done.stderr
    assert x509.load_pem_x509_certificate(done.stdout.encode()) == getattr(TestPki.generate(), which).certificate


def test_pin_right_and_wrong(opensc, card):
    verify = ("pkcs15-tool", "--verify-pin", "--auth-id", "01", "--pin")
    assert opensc(*verify, "1234").returncode == 0
    assert card.card.verify_count == 1
    wrong = opensc(*verify, "4321")
    assert wrong.returncode != 0
    assert "PIN code or key incorrect" in wrong.stderr
    assert (card.card.verify_count, card.card.counters[1].left) == (2, 2)
    assert opensc(*verify, "1234").returncode == 0
    assert card.card.counters[1].left == 3


def test_change_of_the_pin(opensc, card):
    change = opensc("pkcs15-tool", "--change-pin", "--auth-id", "01", "--pin", "1234", "--new-pin", "5678")
    assert change.returncode == 0, change.stderr
    assert opensc("pkcs15-tool", "--verify-pin", "--auth-id", "01", "--pin", "5678").returncode == 0


def test_authentication_key_signs_and_the_certificate_verifies(opensc, card, tmp_path):
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"abc")
    (tmp_path / "info").write_bytes(bytes.fromhex("3031300D060960864801650304020105000420") + digest.finalize())
    done = opensc(
        "pkcs15-crypt", "--sign", "--key", AUTHENTICATION, "--pkcs1", "--raw", "--pin", "1234",
        "--input", str(tmp_path / "info"), "--output", str(tmp_path / "signature"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    key = TestPki.generate().authentication.certificate.public_key()
    key.verify((tmp_path / "signature").read_bytes(), b"abc", padding.PKCS1v15(), hashes.SHA256())
    assert card.card.signature_count == 1


def test_a_card_torn_in_mid_command_is_an_error_and_the_next_insertion_works(opensc, card, slot, daemon):
    card.arm(Fault(Kind.CUT, ins=0xB0, command=3, byte=2))
    assert opensc("pkcs15-tool", "--dump").returncode != 0
    daemon.wait_for_card(present=False)
    slot.insert(card)
    daemon.wait_for_card()
    assert opensc("pkcs15-tool", "--dump").returncode == 0


def test_the_daemon_crashes_and_comes_back(opensc, card, daemon, slot):
    daemon.restart()
    slot.insert(card)
    daemon.wait_for_card()
    assert opensc("pkcs15-tool", "--dump").returncode == 0


def test_the_daemon_has_a_network_of_its_own(daemon):
    namespaces = {Path(f"/proc/{pid}/ns/net").readlink() for pid in ("self", daemon.pid)}
    assert len(namespaces) == 2
