"""``appliance demo`` as a stranger runs it: a process, its exit code, its last line."""

import json
import subprocess
import sys

import pytest

EVENTS = ["system/started", "reader/attached", "card/inserted", "card/identified", "pin/verified", "sign/completed"]
PROOFS = ("signature_verified", "chain_verified", "holder_shown", "document_shown", "fingerprint_shown")
PHASES = ["accepted", "awaiting-consent", "awaiting-pin", "signing", "done"]


def run_demo(*options):
    command = [sys.executable, "-m", "appliance", "demo", *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL)


def test_it_verifies_and_says_so(tmp_path):
    done = run_demo("--json", "--keep", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    report = json.loads(line)
    assert report["ok"] is True
    assert [name for name in PROOFS if not report[name]] == []
    assert (report["events"], report["phases"]) == (EVENTS, PHASES)
    assert report["verify_commands"] == 1
    assert report["vault_pid_had_network"] is False
    assert 40 <= report["apdus"] <= 60
    assert report["oled_frames"] >= 10
    # What is kept is enough for anybody: openssl agrees without the demo.
    check = ["openssl", "dgst", "-sha256", "-verify", "signer.pub", "-signature", "signature.bin", "document.txt"]
    subprocess.run(check, check=True, cwd=tmp_path, capture_output=True, timeout=30)


@pytest.mark.parametrize(
    ("spoiled", "failed"),
    [("signature", "signature_verified"), ("digest", "signature_verified"), ("shown", "document_shown")],
)
def test_a_spoiled_demo_fails_for_that_reason_alone(spoiled, failed):
    done = run_demo("--json", "--break", spoiled)
    report = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1
    assert report["ok"] is False
    assert [name for name in PROOFS if not report[name]] == [failed]


def test_a_person_sees_frames_keys_and_messages():
    done = run_demo()
    assert done.returncode == 0, done.stderr
    for wanted in ("┌", "⣿", "keys    #", "mqtt    evt/card/identified", "mqtt    rsp sign", "VERIFIED"):
        assert wanted in done.stdout
    assert "NOT VERIFIED" not in done.stdout
    assert "1234" not in done.stdout + done.stderr
