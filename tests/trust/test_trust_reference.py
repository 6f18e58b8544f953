"""The published authorities and test certificates, which lie beside this repository, not in it."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
import trust_kit as kit
from cryptography import x509

from appliance import cli
from appliance.card.certificate import ordered, parse_certificate
from appliance.card.chain import judge
from appliance.card.igc_sante import PINS
from appliance.errors import CardDataMalformed
from appliance.vault.trust_files import certificates_in, read_store

PKI = Path(__file__).parents[3] / "shared" / "pki"
REASON = "reference certificates absent"
pytestmark = pytest.mark.skipif(not PKI.is_dir(), reason=REASON)

THEN = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


def authorities():
    return [kit.Made(x509.load_pem_x509_certificate(file.read_bytes()), None) for file in sorted(PKI.glob("ca/*.pem"))]


def test_the_pins_are_those_of_the_published_files():
    found = authorities()
    assert {made.fingerprint for made in found} == set(PINS)
    for made in found:
        assert f"CN={PINS[made.fingerprint]}" in made.certificate.subject.rfc4514_string()


def test_every_authority_stands_below_its_root():
    links = [made.link for made in authorities()]
    roots = [link for link in links if link.root]
    assert len(roots) == 3
    for link in links:
        if not link.root:
            judged = judge(link.der, roots, THEN)
            assert judged.result == "good"
            assert judged.root.subject == link.issuer
            assert judge(link.der, roots, dt.datetime(2033, 6, 24, 12, tzinfo=dt.UTC)).result == "expired"


def test_they_are_imported_without_a_question(tmp_path, capsys):
    (tmp_path / "appliance.toml").write_text(f'[device]\nid = "cps-demo"\n[trust]\ndirectory = "{tmp_path}/trust"\n')
    (tmp_path / "all.pem").write_bytes(b"".join(made.pem for made in authorities()))
    assert cli.main(["trust", "import", str(tmp_path / "all.pem"), "--config", str(tmp_path / "appliance.toml")]) == 0
    assert capsys.readouterr().out.count("pinned: ") == 9
    contents = read_store(tmp_path / "trust")
    assert (len(contents.entries), contents.damaged) == (9, ())
    assert not any(entry.link.test for entry in contents.entries)


@dataclasses.dataclass(frozen=True)
class Given:
    """A file as its bytes are."""

    file: Path

    @property
    def der(self):
        return certificates_in(self.file.read_bytes())[0]


GIP_CPS = Given(PKI / "testcerts/gip-cps-TEST-classe1-signature.pem")
NAMES = tuple(f"igc-sante-TEST-{kind}" for kind in ("elementaire-signature", "organisation-auth", "organisation-sign"))
LEAVES = pytest.mark.parametrize("leaf", [Given(PKI / "testcerts" / f"{name}.pem") for name in NAMES], ids=NAMES)


@LEAVES
def test_real_test_certificates_are_read_as_leaves(leaf):
    """Nobody in the store issued them; below a stand-in for their issuer they are what their dates say."""
    judged = judge(leaf.der, [made.link for made in authorities()], THEN)
    assert (judged.result, judged.reason) == ("untrusted", "no authority in the store issued it")
    parsed = x509.load_der_x509_certificate(ordered(leaf.der))
    begin = dt.datetime(2010, 1, 1, tzinfo=dt.UTC)
    top = kit.make("stand-in", subject=parsed.issuer, key=kit.rsa_key("stand-in"), begin=begin)
    signed_anew = kit.rebuilt(leaf, top, list, parsed.signature_hash_algorithm)
    assert judge(signed_anew, [top.link], THEN).result == "expired"
    inside = parsed.not_valid_before_utc + dt.timedelta(days=1)
    assert judge(signed_anew, [top.link], inside).result == "good"


@LEAVES
def test_the_card_room_reads_them_too(leaf):
    assert parse_certificate(leaf.der).key_size == 2048


def test_a_certificate_of_the_old_days_is_refused_and_breaks_nothing():
    """GIP-CPS, ended in 2020: a name that is no sound string, out of order, signed with SHA-1."""
    assert judge(GIP_CPS.der, [made.link for made in authorities()], THEN).result == "untrusted"
    with pytest.raises(CardDataMalformed):
        parse_certificate(GIP_CPS.der)
