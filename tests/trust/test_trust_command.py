"""``appliance trust``: what an installer is asked, told and left with."""

import io
import json
import subprocess
import sys

import pytest
import trust_kit as kit
from trust_kit import leaf, make

from appliance import cli
from appliance.card import igc_sante
from appliance.vault.trust_files import read_store


@pytest.fixture
def box(tmp_path):
    """A configuration whose store is empty."""
    (tmp_path / "appliance.toml").write_text(f'[device]\nid = "cps-demo"\n[trust]\ndirectory = "{tmp_path}/trust"\n')
    return tmp_path


@pytest.fixture
def bundle(box):
    """root, issuer, and the root of a test chain, in one PEM."""
    made = (kit.root(), kit.issuer(), make("TEST AC RACINE"))
    (box / "bundle.pem").write_bytes(b"".join(one.pem for one in made))
    return made


@pytest.fixture
def known(monkeypatch):
    """The kit's authorities as if they were IGC-Santé's."""
    pins = {made.fingerprint: "known" for made in (kit.root(), kit.issuer())}
    monkeypatch.setattr("appliance.tools.trust.PINS", pins)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(box, *words):
    return cli.main(["trust", *map(str, words), "--config", str(box / "appliance.toml")])


def answer(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", Terminal(text))


def nobody(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\nyes\nyes\n"))


def kept(box):
    return {entry.link.fingerprint.hex() for entry in read_store(box / "trust").entries}


def p7b(box, made, form="DER"):
    """A real bundle: openssl's own."""
    (box / "in.pem").write_bytes(b"".join(one.pem for one in made))
    file = box / f"bundle-{form}.p7b"
    command = ["openssl", "crl2pkcs7", "-nocrl", "-certfile", box / "in.pem", "-outform", form, "-out", file]
    subprocess.run(command, check=True, capture_output=True)
    return file


def test_the_known_ones_are_taken_without_a_question(box, bundle, known, monkeypatch, capsys):
    nobody(monkeypatch)
    assert run(box, "import", p7b(box, bundle[:2])) == 0
    assert kept(box) == {made.fingerprint for made in bundle[:2]}
    said = capsys.readouterr()
    assert said.out.count("pinned: CN=") == 2
    assert "Trust every card" not in said.err
    assert {file.stat().st_mode & 0o777 for file in (box / "trust/production").iterdir()} == {0o644}


@pytest.mark.parametrize("form", ["DER", "PEM"])
def test_both_forms_of_a_bundle(box, bundle, known, form):
    assert run(box, "import", p7b(box, bundle[:2], form)) == 0
    assert len(kept(box)) == 2


@pytest.mark.parametrize("encoded", ["pem", "der"])
def test_one_certificate(box, known, encoded):
    (box / "one.cer").write_bytes(getattr(kit.root(), encoded))
    assert run(box, "import", box / "one.cer") == 0
    assert kept(box) == {kit.root().fingerprint}


def test_any_other_is_shown_and_asked_for(box, bundle, monkeypatch, capsys):
    answer(monkeypatch, "yes\nno\nYes\n")
    assert run(box, "import", box / "bundle.pem") == 1
    assert kept(box) == {bundle[0].fingerprint, bundle[2].fingerprint}
    said = capsys.readouterr()
    assert said.err.count("Trust every card it issues?") == 3
    for made in bundle:
        assert f"SHA-256 {made.fingerprint}" in said.err
    assert "valid 2026-01-01T00:00:00+00:00 to 2030-01-01T00:00:00+00:00" in said.err
    assert "1 of 3 not taken" in said.err
    assert [entry.file.split("/")[0] for entry in read_store(box / "trust").entries] == ["production", "test"]


@pytest.mark.parametrize("typed", ["", "\n", "y\n", "oui\n", "yes please\n"])
def test_only_yes_is_yes(box, monkeypatch, typed):
    (box / "one.pem").write_bytes(kit.root().pem)
    answer(monkeypatch, typed)
    assert run(box, "import", box / "one.pem") == 1
    assert not (box / "trust").exists()


def test_without_a_terminal_only_what_was_named(box, bundle, known, monkeypatch, capsys):
    nobody(monkeypatch)
    assert run(box, "import", box / "bundle.pem", "--json") == 1
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["outcome"] for one in said["authorities"]] == ["pinned", "pinned", "refused"]
    assert [one["store"] for one in said["authorities"]] == ["production", "production", "test"]
    print_ = bundle[2].fingerprint.upper()
    colons = ":".join(print_[at : at + 2] for at in range(0, 64, 2))
    assert run(box, "import", box / "bundle.pem", "--json", "--yes", colons) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["outcome"] for one in said["authorities"]] == ["present", "present", "accepted"]
    assert kept(box) == {made.fingerprint for made in bundle}


def test_a_card_is_no_authority(box, monkeypatch, capsys):
    (box / "card.pem").write_bytes(leaf(kit.issuer()).pem)
    answer(monkeypatch, "yes\n")
    assert run(box, "import", box / "card.pem") == 1
    assert "no-authority" in capsys.readouterr().out
    assert kept(box) == set()


@pytest.mark.parametrize(
    ("data", "code"), [(b"", 3), (b"a letter", 3), (b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n", 3)]
)
def test_a_file_without_certificates(box, data, code):
    (box / "none.p7b").write_bytes(data)
    assert run(box, "import", box / "none.p7b") == code


def test_an_empty_bundle(box):
    """PKCS#7 SignedData with neither signers nor certificates."""
    file = box / "empty.p7b"
    subprocess.run(["openssl", "crl2pkcs7", "-nocrl", "-outform", "DER", "-out", file], check=True, capture_output=True)
    assert run(box, "import", file) == 3


def test_what_cannot_be_read_or_written(box, known, capsys):
    assert run(box, "import", box / "none.pem") == 2
    assert "No such file" in capsys.readouterr().err
    (box / "one.pem").write_bytes(kit.root().pem)
    (box / "trust").write_text("a file where the folder should be")
    assert run(box, "import", box / "one.pem") == 1
    (box / "appliance.toml").write_text("[trust]\n")
    assert run(box, "list") == 2
    with pytest.raises(SystemExit) as stopped:
        run(box, "import", box / "one.pem", "--yes", "1234")
    assert stopped.value.code == 2


def test_list(box, bundle, known, capsys):
    assert run(box, "list") == 3
    assert "no authority in" in capsys.readouterr().err
    run(box, "import", box / "bundle.pem", "--yes", bundle[2].fingerprint)
    capsys.readouterr()
    assert run(box, "list") == 0
    lines = capsys.readouterr().out
    assert "CN=AC RACINE ESSAI,O=ASIP-SANTE,C=FR\n" in lines
    assert "CN=TEST AC RACINE,O=ASIP-SANTE,C=FR (test: does not count)\n" in lines
    assert run(box, "list", "--json") == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = {row["sha256"]: row for row in said["authorities"]}
    assert (said["directory"], said["test"], said["damaged"]) == (f"{box}/trust", False, [])
    row = rows[kit.issuer().fingerprint]
    assert (row["store"], row["counts"], row["pinned"], row["root"]) == ("production", True, True, False)
    assert (row["notBefore"], row["notAfter"]) == ("2026-01-01T00:00:00+00:00", "2030-01-01T00:00:00+00:00")
    row = rows[bundle[2].fingerprint]
    assert (row["store"], row["counts"], row["pinned"], row["root"]) == ("test", False, False, True)


def test_list_of_a_store_that_counts_test_authorities(box, bundle, capsys):
    with (box / "appliance.toml").open("a") as more:
        more.write("test = true\n")
    run(box, "import", box / "bundle.pem", "--yes", bundle[2].fingerprint)
    assert run(box, "list") == 0
    assert "CN=TEST AC RACINE,O=ASIP-SANTE,C=FR (test)\n" in capsys.readouterr().out


def test_list_names_what_is_damaged(box, known, capsys):
    (box / "one.pem").write_bytes(kit.root().pem)
    run(box, "import", box / "one.pem")
    (box / "trust/production/bad.pem").write_text("no")
    capsys.readouterr()
    assert run(box, "list", "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1])["damaged"][0]["file"] == "production/bad.pem"
    assert "production/bad.pem" in said.err


def test_as_a_program_without_a_terminal(box):
    (box / "one.pem").write_bytes(kit.root().pem)
    command = [sys.executable, "-m", "appliance", "trust", "import", box / "one.pem"]
    ran = subprocess.run(
        [*command, "--config", box / "appliance.toml"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, kept(box)) == (1, set())
    assert "1 of 1 not taken" in ran.stderr


def test_nine_pins():
    assert len(igc_sante.PINS) == 9
    assert all(len(bytes.fromhex(pin)) == 32 and pin == pin.lower() for pin in igc_sante.PINS)
    assert len(set(igc_sante.PINS.values())) == 9
