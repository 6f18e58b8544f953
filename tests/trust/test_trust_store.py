"""The trust directory: what counts, what does not, and when it is read again."""

import datetime as dt
import logging
import os

import pytest
import trust_kit as kit
from trust_kit import NOW, SECOND, leaf, make

from appliance import config_tables
from appliance.card.certificate import parse_certificate
from appliance.config import parse
from appliance.contract import problems
from appliance.errors import CardDataMalformed, ConfigError
from appliance.vault import clock, trust_files
from appliance.vault.trust import BARS, Trust
from appliance.vault.trust_files import calls_itself_test, certificates_in, keep, read_store, stamp


@pytest.fixture(autouse=True)
def believed_time(monkeypatch):
    monkeypatch.setattr(clock, "wall", lambda: NOW)


@pytest.fixture
def directory(tmp_path):
    """The usual chain in the production store."""
    put(tmp_path, "production/root.pem", kit.root().pem)
    put(tmp_path, "production/issuer.pem", kit.issuer().pem)
    return tmp_path


def put(directory, name, data):
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def trusting(directory, **settings):
    return Trust(config_tables.Trust(directory=directory, **settings))


def signer(made=None, **odd):
    """A card's signature certificate; RSA, as all cards have."""
    return parse_certificate((made or leaf(kit.issuer(), key=kit.rsa_key("card"), **odd)).der)


def test_a_card_of_the_store(directory, caplog):
    caplog.set_level(logging.INFO)
    judged = trusting(directory).judge_signer(signer())
    assert (judged.result, judged.test) == ("good", False)
    assert "899900063480" not in caplog.text


def test_nothing_is_trusted_without_a_store(tmp_path):
    assert trusting(tmp_path / "none").judge_signer(signer()).result == "untrusted"


def test_the_time_must_be_believable(directory, monkeypatch):
    trust = trusting(directory)
    monkeypatch.setattr(clock, "wall", lambda: clock.BUILT - SECOND)
    assert trust.judge_signer(signer()).result == "unknown"
    monkeypatch.setattr(clock, "wall", lambda: clock.BUILT)
    assert trust.judge_signer(signer()).result == "good"


def test_the_end_of_the_keys_own_period(directory):
    def period(end):
        value = b"\x81\x0f" + end.strftime("%Y%m%d%H%M%SZ").encode()
        return ((kit.unknown("2.5.29.16", (bytes([0x30, len(value)]) + value).hex()), False),)

    trust = trusting(directory)
    assert trust.judge_signer(signer(extensions=period(NOW))).result == "good"
    assert trust.judge_signer(signer(extensions=period(NOW - SECOND))).result == "expired"


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize("folder", ["test", "production"])
def test_test_authorities_count_only_when_allowed_wherever_they_stand(tmp_path, folder, test):
    root = make("TEST AC RACINE")
    issuer = make("TEST AC PERSONNES", root)
    put(tmp_path, f"{folder}/both.pem", root.pem + issuer.pem)
    judged = trusting(tmp_path, test=test).judge_signer(signer(leaf(issuer, key=kit.rsa_key("card"))))
    assert (judged.result, judged.test) == (("good", True) if test else ("untrusted", False))


def test_an_authority_in_the_test_folder_is_a_test_authority(tmp_path):
    put(tmp_path, "test/root.pem", kit.root().pem)
    put(tmp_path, "production/issuer.pem", kit.issuer().pem)
    assert trusting(tmp_path).judge_signer(signer()).result == "untrusted"
    judged = trusting(tmp_path, test=True).judge_signer(signer())
    assert (judged.result, judged.test) == ("good", True)
    put(tmp_path, "production/root.pem", kit.root().pem)
    assert trusting(tmp_path).judge_signer(signer()).test is False


def test_changed_files_are_read_again_and_others_are_not(directory, monkeypatch):
    reads = []
    monkeypatch.setattr("appliance.vault.trust.read_store", lambda place: reads.append(place) or read_store(place))
    trust = trusting(directory)
    assert trust.judge_signer(signer()).result == "good"
    assert trust.judge_signer(signer()).result == "good"
    assert len(reads) == 1
    (directory / "production/root.pem").unlink()
    assert trust.judge_signer(signer()).result == "untrusted"
    put(directory, "production/again.pem", kit.root().pem)
    assert trust.judge_signer(signer()).result == "good"
    os.utime(directory / "production/again.pem", ns=(0, 0))
    assert trust.judge_signer(signer()).result == "good"
    assert len(reads) == 4


def test_a_damaged_file_is_named_and_the_others_count(directory, caplog):
    put(directory, "production/bad.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    put(directory, "production/empty.pem", b"")
    put(directory, "production/leaf.pem", kit.card().pem)
    put(directory, "production/half.pem", kit.root().pem[:400])
    put(directory, "production/large.pem", b"x" * (trust_files.MAX_BYTES + 1))
    put(directory, "production/no-base64.pem", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
    (directory / "production/folder.pem").mkdir()
    (directory / "production/nowhere.pem").symlink_to(directory / "none")
    put(directory, "production/notes.txt", b"not ours")
    put(directory, "production/.half-written.pem", b"not ours")
    trust = trusting(directory)
    assert trust.judge_signer(signer()).result == "good"
    named = {record.args[0] for record in caplog.records if record.levelno == logging.WARNING}
    assert named == {
        f"production/{name}.pem" for name in ("bad", "empty", "leaf", "half", "large", "no-base64", "folder", "nowhere")
    }
    caplog.clear()
    trust.judge_signer(signer())
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]


def test_a_folder_that_is_none(tmp_path):
    put(tmp_path, "production", b"a file")
    assert read_store(tmp_path).damaged == (("production", "Not a directory"),)
    assert stamp(tmp_path) == ()


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(trust_files, "MAX_FILES", 2)
    for number in range(3):
        put(tmp_path, f"test/{number}.pem", make(f"TEST {number}").pem)
    contents = read_store(tmp_path)
    assert [entry.file for entry in contents.entries] == ["test/0.pem", "test/1.pem"]
    assert contents.damaged == (("test", "more than 2 files: the rest is not read"),)


def test_the_table_of_uses(directory):
    trust = trusting(directory)
    results = ("good", "unknown", "untrusted", "expired", "not-yet-valid")
    codes = {use: [trust.bars(use, result) for result in results] for use in ("sign", "authenticate", "door")}
    usual = [None, None, "certificate-invalid", "card-expired", "certificate-invalid"]
    assert codes == {"sign": usual, "authenticate": usual, "door": [None, "clock-unset", *usual[2:]]}
    assert set(BARS.values()) <= set(problems.PROBLEMS)


@pytest.mark.parametrize(("use", "others"), [("sign", ("authenticate", "door")), ("authenticate", ("sign", "door"))])
def test_a_use_can_be_narrower_or_wider(directory, use, others):
    strict = trusting(directory, **{use: frozenset({"good"})})
    assert strict.bars(use, "unknown") == "clock-unset"
    wide = trusting(directory, **{use: frozenset({"good", "untrusted"})})
    assert wide.bars(use, "untrusted") is None
    assert all(wide.bars(other, "untrusted") for other in others)


TRUST = '[device]\nid = "cps-demo"\n[trust]\n'


def test_the_configuration():
    usual = parse(TRUST).trust
    assert str(usual.directory) == "/etc/cps-appliance/trust"
    assert (usual.test, usual.sign, usual.authenticate) == (False, {"good", "unknown"}, {"good", "unknown"})
    assert usual.door == {"good"}
    assert parse(TRUST + 'sign = ["good"]\ntest = true').trust.sign == {"good"}


@pytest.mark.parametrize(
    "line",
    [
        'sign = ["unknown"]',
        'sign = ["good", "expired"]',
        'authenticate = ["good", "not-yet-valid"]',
        'door = ["good", "untrusted"]',
        "door = []",
        'directory = "here"',
        'roots = ["x"]',
    ],
)
def test_what_the_configuration_does_not_take(line):
    with pytest.raises(ConfigError, match=r"appliance\.toml"):
        parse(TRUST + line)


@pytest.mark.parametrize(
    ("name", "test"),
    [("TEST AC", True), ("AC TEST", True), ("Ac Test Fort", True), ("AC TESTARD", False), ("AC CONTEST", False)],
)
def test_test_as_a_word_of_the_name(name, test):
    assert calls_itself_test(make(name).link) is test


def test_kept_as_a_file(tmp_path):
    link = make("AC Été / IGC-SANTÉ\n").link
    file = keep(tmp_path / "new" / "store", link)
    assert file.name == f"ac-t-igc-sant-{link.fingerprint.hex()[:16]}.pem"
    assert file.parent.name == "production"
    assert file.stat().st_mode & 0o777 == 0o644
    assert certificates_in(file.read_bytes()) == (link.der,)
    assert [entry.link.fingerprint for entry in read_store(tmp_path / "new" / "store").entries] == [link.fingerprint]
    assert keep(tmp_path / "new" / "store", link) == file
    assert keep(tmp_path / "new" / "store", make("TEST AC").link).parent.name == "test"
    nameless = make("none", subject=kit.x509.Name(list(kit.dn("none"))[:2])).link
    assert keep(tmp_path / "new" / "store", nameless).name.startswith("authority-")


def test_everybody_can_read_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        file = keep(tmp_path / "trust", kit.root().link)
        (tmp_path / "private/production").mkdir(parents=True)
        keep(tmp_path / "private", kit.root().link)
    finally:
        os.umask(before)
    assert [place.stat().st_mode & 0o777 for place in (file, file.parent, file.parent.parent)] == [0o644, 0o755, 0o755]
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o700  # somebody's choice, and left alone


def test_a_disk_that_refuses_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep(tmp_path, kit.root().link)
    assert list((tmp_path / "production").iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"text", b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"])
def test_what_is_no_bundle(data):
    with pytest.raises(CardDataMalformed):
        [kit.read_link(der) for der in certificates_in(data)]


def test_the_times_are_those_of_the_kit():
    """The store's tests lean on a clock that is believed."""
    assert clock.believable(NOW)
    assert NOW.tzinfo is dt.UTC
