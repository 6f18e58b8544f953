"""Chains, sound and odd, judged by us and where the question is the same by openssl."""

import dataclasses
import datetime as dt

import pytest
import trust_kit as kit
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from trust_kit import BEGIN, END, NOW, SECOND, leaf, make

from appliance.card.certificate import parse_certificate
from appliance.card.chain import MAX_CHECKS, MAX_LENGTH, judge
from appliance.card.chain_link import read_link, subject_text
from appliance.card.tlv import SEQUENCE, Tlv, read, write
from appliance.errors import CardDataMalformed, CertificateInvalid


def links(*made):
    return [one.link for one in made]


def tower(*heights, **odd):
    """A root, ``heights`` authorities below it by their path length, and a leaf."""
    above = [make("racine", **odd)]
    for at, length in enumerate(heights):
        above.append(make(f"étage {at}", above[-1], path_length=length))
    return leaf(above[-1]), above


def other(made):
    """Another authority of the same name, with another key."""
    return make("other key", subject=made.certificate.subject, key=kit.ec_key("another"))


def test_the_usual_chain():
    judged = judge(kit.card().der, links(kit.root(), kit.issuer()), NOW)
    assert (judged.result, judged.root, judged.test, judged.reason) == ("good", kit.root().link, False, "")


@pytest.mark.parametrize(
    ("moment", "result"),
    [
        (BEGIN - SECOND, "not-yet-valid"),
        (BEGIN, "good"),
        (END, "good"),
        (END + SECOND, "expired"),
        (None, "unknown"),
    ],
)
def test_validity(moment, result):
    assert judge(kit.card().der, links(kit.root(), kit.issuer()), moment).result == result


@pytest.mark.parametrize(("moment", "result"), [(NOW, "good"), (NOW + SECOND, "expired"), (None, "unknown")])
def test_the_period_of_the_key_ends_a_signer(moment, result):
    authorities = links(kit.root(), kit.issuer())
    assert judge(kit.card().der, authorities, moment, key_end=NOW).result == result


def test_an_unknown_time_makes_nobody_trusted():
    assert judge(kit.card().der, links(kit.issuer()), None).result == "untrusted"
    judged = judge(kit.card().der, links(kit.root(), kit.issuer()), None)
    assert judged.reason


def expired_issuer():
    above = make("expired", kit.root(), end=NOW - SECOND)
    return leaf(above), [kit.root(), above]


def expired_root():
    above = make("expired root", end=NOW - SECOND)
    return leaf(above), [above]


def young_issuer():
    above = make("young", kit.root(), begin=NOW + SECOND)
    return leaf(above), [kit.root(), above]


@pytest.mark.parametrize(
    ("made", "result"), [(expired_issuer, "expired"), (expired_root, "expired"), (young_issuer, "not-yet-valid")]
)
def test_every_certificate_of_the_chain_must_be_valid(tmp_path, made, result):
    card, authorities = made()
    assert judge(card.der, links(*authorities), NOW).result == result
    assert not kit.openssl_agrees(tmp_path, card, authorities)


def spoilt():
    """A leaf whose signature has one bit wrong."""
    card = kit.card()
    der = bytearray(card.der)
    der[-1] ^= 1
    return kit.Made(x509.load_der_x509_certificate(bytes(der)), card.key), [kit.root(), kit.issuer()]


def issued_by(**odd):
    """Odd authority below a sound root."""
    above = make("odd", kit.root(), **odd)
    return leaf(above), [kit.root(), above]


def odd_leaf(**odd):
    return leaf(kit.issuer(), **odd), [kit.root(), kit.issuer()]


def loop():
    """Two authorities that issued each other, and no root."""
    first = make("loop 1", make("loop 2"))
    second = make("loop 2", first)
    return leaf(second), [first, second]


def forged():
    """A leaf by a stranger who took the authority's name."""
    return leaf(other(kit.issuer())), [kit.root(), kit.issuer()]


def own_root():
    """A stranger's self-signed certificate, sent as leaf; the store has another of that name."""
    return make("AC RACINE ESSAI", key=kit.ec_key("stranger")), [kit.root()]


def rsa_1024():
    above = make("small", kit.root(), key=kit.rsa_key("small", 1024))
    return leaf(above), [kit.root(), above]


def say_sha1(fields):
    fields[2] = Tlv(SEQUENCE, fields[2].value.replace(bytes.fromhex("01010b"), bytes.fromhex("010105")))


def sha1():
    """sha1WithRSAEncryption in the place of sha256WithRSAEncryption: the builder makes no such thing any more."""
    above = make("sha1", kit.root(), key=kit.rsa_key("sha1"))
    der = kit.rebuilt(leaf(above), above, say_sha1, hashes.SHA1())
    made = kit.Made(x509.load_der_x509_certificate(der), above.key)
    assert made.link.seal.by(above.key.public_key())
    return made, [kit.root(), above]


CRITICAL_UNKNOWN = ((kit.unknown(), True),)
NAMES = x509.NameConstraints([x509.DirectoryName(kit.dn("nobody", "ELSEWHERE"))], None)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: (kit.card(), [kit.issuer()]), "no authority"),  # the root is missing
        (lambda: (kit.card(), [kit.root()]), "no authority"),
        (lambda: (kit.card(), []), "no authority"),
        (spoilt, "does not verify"),
        (forged, "does not verify"),
        (own_root, "does not verify"),
        (lambda: issued_by(ca=False), "no authority"),
        (lambda: issued_by(ca=None, usage=()), "no authority"),
        (lambda: issued_by(usage=("crl_sign",)), "no authority"),
        (lambda: issued_by(extensions=CRITICAL_UNKNOWN), "1.2.3.4"),
        (lambda: odd_leaf(extensions=CRITICAL_UNKNOWN), "1.2.3.4"),
        (lambda: tower(0, None), "more authorities"),
        (lambda: tower(1, None, None), "more authorities"),
        (lambda: tower(None, path_length=0), "more authorities"),
        (loop, "no authority"),
        (rsa_1024, "too weak"),
        (sha1, "too weak"),
        (lambda: issued_by(extensions=((NAMES, True),)), "2.5.29.30"),
    ],
)
def test_untrusted(tmp_path, made, reason):
    card, authorities = made()
    judged = judge(card.der, links(*authorities), NOW)
    assert (judged.result, judged.root) == ("untrusted", None)
    assert reason in judged.reason
    if made not in (rsa_1024, sha1):  # openssl's default level takes these
        assert not kit.openssl_agrees(tmp_path, card, authorities)


def cross_signed():
    """The issuer's key, certified by a root that is not trusted and by one that is."""
    stranger = make("elsewhere")
    away = make("AC ESSAI PERSONNES", stranger)
    return kit.card(), [away, kit.root(), kit.issuer()]


def cross_signed_roots():
    """The old root certified by a new one; only the new one is in the store."""
    new = make("AC RACINE NOUVELLE")
    crossed = make("AC RACINE ESSAI", new)
    return kit.card(), [kit.issuer(), crossed, new]


def rolled_over():
    """A root that changed its key: the new one is certified by the old one, and counts in no length."""
    old = make("racine", path_length=1)
    new = make("racine 2", old, subject=old.certificate.subject)
    above = make("sous", new, path_length=0)
    return leaf(above), [old, new, above]


def same_name():
    """Three issuers of one name; only the last one issued the leaf."""
    return kit.card(), [other(kit.root()), other(kit.issuer()), kit.root(), kit.issuer()]


def one_expired():
    old = make("AC ESSAI PERSONNES", kit.root(), end=NOW - SECOND)
    return kit.card(), [kit.root(), old, kit.issuer()]


def no_key_ids():
    above = make("plain", kit.root(), key_id=False, authority_key_id=None)
    return leaf(above, key_id=False, authority_key_id=None), [kit.root(), above]


def rsa_chain(**odd):
    top = make("rsa root", key=kit.rsa_key("root"), **odd)
    above = make("rsa issuer", top, key=kit.rsa_key("issuer"), **odd)
    return leaf(above, **odd), [top, above]


def pss():
    return rsa_chain(rsa_padding=padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH))


USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
POLICY = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.250.1.213.1.7.2.1.1.1.1"), None)])


@pytest.mark.parametrize(
    "made",
    [
        lambda: (kit.card(), [kit.root(), kit.issuer()]),
        lambda: (leaf(kit.root()), [kit.root()]),
        lambda: tower(0),
        lambda: tower(1, 0),
        lambda: tower(None, None, None),
        lambda: tower(None, path_length=1),
        cross_signed,
        cross_signed_roots,
        rolled_over,
        same_name,
        one_expired,
        no_key_ids,
        rsa_chain,
        pss,
        lambda: rsa_chain(digest=hashes.SHA512()),
        lambda: issued_by(usage=()),
        lambda: odd_leaf(usage=()),
        lambda: odd_leaf(extensions=((USAGE, True), (POLICY, True))),
        lambda: odd_leaf(extensions=((kit.unknown(), False),)),
    ],
)
def test_good(tmp_path, made):
    card, authorities = made()
    judged = judge(card.der, links(*authorities), NOW)
    assert (judged.result, judged.reason) == ("good", "")
    assert judged.root.root
    if made is not cross_signed:  # openssl tries one issuer that is no root, and not the next
        assert kit.openssl_agrees(tmp_path, card, authorities)


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        ("2.5.29.16", "3011810f32303239303130313030303030305a"),
        *((f"1.2.250.1.71.1.2.{n}", "020100") for n in (2, 3, 5, 7)),
        ("1.2.250.1.71.4.2.5", "3000"),
    ],
)
def test_what_the_card_rooms_read_may_be_critical(oid, value):
    card, authorities = odd_leaf(extensions=((kit.unknown(oid, value), True),))
    assert judge(card.der, links(*authorities), NOW).result == "good"


def test_names_that_narrow_are_refused_even_when_nobody_insists():
    card, authorities = issued_by(extensions=((NAMES, False),))
    assert judge(card.der, links(*authorities), NOW).result == "untrusted"


def test_a_chain_no_longer_than_any_known():
    card, authorities = tower(*[None] * (MAX_LENGTH - 2))
    assert judge(card.der, links(*authorities), NOW).result == "good"
    card, authorities = tower(*[None] * (MAX_LENGTH - 1))
    judged = judge(card.der, links(*authorities), NOW)
    assert (judged.result, judged.reason) == ("untrusted", "a chain longer than any known")


def test_the_search_is_bounded(monkeypatch):
    crowd = [other(kit.issuer()).link for _ in range(MAX_CHECKS + 5)]
    judged = judge(kit.card().der, crowd, NOW)
    assert (judged.result, judged.reason) == ("untrusted", "too many candidates")
    # the one whose key the leaf names is looked at first, wherever it stands
    assert judge(kit.card().der, [*crowd, kit.issuer().link, kit.root().link], NOW).result == "good"


def test_a_maze_of_authorities_ends():
    """Every one of twelve authorities has certified every other one, and none of them is a root."""
    names = [f"maze {n}" for n in range(12)]
    keys = [make(name) for name in names]
    maze = [make(name, signer) for name in names for signer in keys if signer.certificate.subject != kit.dn(name)]
    assert judge(leaf(keys[0]).der, links(*maze), NOW).result == "untrusted"


def test_a_test_authority_marks_the_chain_and_comes_second():
    below = dataclasses.replace(kit.issuer().link, test=True)
    judged = judge(kit.card().der, [kit.root().link, below], NOW)
    assert (judged.result, judged.test) == ("good", True)
    stranger = make("TEST RACINE")
    away = make("AC ESSAI PERSONNES", stranger)
    roots = [dataclasses.replace(one.link, test=True) for one in (stranger, away)]
    judged = judge(kit.card().der, [*roots, kit.root().link, kit.issuer().link], NOW)
    assert (judged.result, judged.test, judged.root) == ("good", False, kit.root().link)


def test_a_good_test_chain_is_better_than_an_expired_one():
    old = make("AC ESSAI PERSONNES", kit.root(), end=NOW - SECOND)
    top = make("TEST RACINE")
    crossed = make("AC ESSAI PERSONNES", top)
    tests = [dataclasses.replace(one.link, test=True) for one in (top, crossed)]
    for store in ([kit.root().link, old.link, *tests], [*tests, kit.root().link, old.link]):
        judged = judge(kit.card().der, store, NOW)
        assert (judged.result, judged.test) == ("good", True)


def test_an_authority_is_no_issuer_of_itself():
    """A leaf that is in the store itself, as an authority that somebody else certified."""
    above = make("AC ESSAI", subject=kit.dn("AC ESSAI"), issuer_name=kit.dn("AC ESSAI"), issuer=kit.root())
    tested = dataclasses.replace(above.link, test=True)
    assert not above.link.root
    assert judge(above.der, [tested], NOW).result == "untrusted"


def test_names_are_compared_as_people_read_them():
    shouted = kit.dn("AC  ESSAI   PERSONNES", "Asip-Santé")
    spoken = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ASIP-SANTÉ"),
            x509.NameAttribute(NameOID.COMMON_NAME, "ac essai personnes ", _type=x509.name._ASN1Type.BMPString),
        ]
    )
    above = make("spoken", kit.root(), subject=spoken)
    card = leaf(above, issuer_name=shouted)
    assert judge(card.der, links(kit.root(), above), NOW).result == "good"


def test_a_name_with_bits_is_compared_by_byte():
    pair = [
        x509.NameAttribute(NameOID.COMMON_NAME, "AC BITS"),
        x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\x00\x07", _type=x509.name._ASN1Type.BitString),
    ]
    above = make("bits", kit.root(), subject=x509.Name(pair))
    assert judge(leaf(above).der, links(kit.root(), above), NOW).result == "good"


def turn_subject(fields):
    """The AVAs of the last RDN the other way round: no DER, but cards have it (card-reference §7.2)."""
    rdns = list(fields[5].children())
    rdns[-1] = Tlv(rdns[-1].tag, b"".join(write(ava.tag, ava.value) for ava in reversed(rdns[-1].children())))
    fields[5] = Tlv(SEQUENCE, b"".join(write(rdn.tag, rdn.value) for rdn in rdns))


def test_names_out_of_order_are_verified_as_they_were_signed():
    rdn = x509.RelativeDistinguishedName(
        [x509.NameAttribute(NameOID.COMMON_NAME, "8"), x509.NameAttribute(NameOID.SURNAME, "DURAND")]
    )
    sound = leaf(kit.issuer(), subject=x509.Name([rdn]))
    der = kit.rebuilt(sound, kit.issuer(), turn_subject)
    assert len(der) - len(sound.der) in range(-4, 5)  # two ECDSA signatures differ by some bytes
    assert judge(der, links(kit.root(), kit.issuer()), NOW).result == "good"
    # the same signature under the same names in order: a certificate that nobody signed
    whole, signed = read(sound.der)[0].children(), read(der)[0].children()
    mixed = write(SEQUENCE, b"".join(write(part.tag, part.value) for part in (*whole[:2], signed[2])))
    assert judge(mixed, links(kit.root(), kit.issuer()), NOW).result == "untrusted"


GIP_CPS = bytes.fromhex("06082a817a0147020601")  # 1.2.250.1.71.2.6.1 (card-reference §7.1)


def give_old_key(fields):
    key = fields[6].children()
    fields[6] = Tlv(SEQUENCE, write(SEQUENCE, GIP_CPS) + write(key[1].tag, key[1].value))


def test_the_old_key_algorithm_vouches_for_nobody_and_breaks_nothing():
    made = make("old", kit.root(), key=kit.rsa_key("old"))
    der = kit.rebuilt(made, kit.root(), give_old_key)
    assert read_link(der).key is None
    judged = judge(leaf(made).der, [kit.root().link, read_link(der)], NOW)
    assert (judged.result, judged.reason) == ("untrusted", "a key or a hash too weak or unknown")
    # as the leaf's own key it is nobody's business here: certificate.py refuses such a card
    assert judge(der, links(kit.root()), NOW).result == "good"
    with pytest.raises(CertificateInvalid):
        parse_certificate(der)


def test_an_algorithm_nobody_uses_verifies_nothing():
    edwards = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    builder = (
        x509.CertificateBuilder()
        .subject_name(kit.dn("edwards"))
        .issuer_name(kit.dn("edwards"))
        .public_key(edwards.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    top = kit.Made(builder.sign(edwards, None), edwards)
    assert (top.link.key, top.link.root, top.link.seal.strong) == (None, False, False)
    assert not top.link.seal.by(kit.ec_key("any").public_key())
    card = leaf(kit.issuer())
    assert not card.link.seal.by(kit.rsa_key("any").public_key())


def test_a_signature_of_an_unknown_algorithm():
    """Both places name 1.2.840.10045.4.3.9, which nobody gave a meaning."""
    der = kit.card().der.replace(bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040309"))
    assert (read_link(der).seal.scheme, read_link(der).seal.hash) == (None, None)
    assert judge(der, links(kit.root(), kit.issuer()), NOW).result == "untrusted"


def test_two_signature_algorithms_in_one_certificate():
    """What was signed says SHA-384, the signature SHA-256 (RFC 5280 §4.1.1.2)."""
    der = kit.card().der.replace(bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040303"), 1)
    with pytest.raises(CardDataMalformed, match="two signature algorithms"):
        read_link(der)
    assert judge(der, links(kit.root(), kit.issuer()), NOW).result == "untrusted"


def test_a_signature_with_bits_to_spare():
    """Older parsers drop the count of unused bits."""
    whole = read(kit.card().der)[0].children()
    odd = Tlv(whole[2].tag, b"\x01" + whole[2].value[1:-1] + bytes([whole[2].value[-1] & 0xFE]))
    der = write(SEQUENCE, b"".join(write(part.tag, part.value) for part in (*whole[:2], odd)))
    with pytest.raises(CardDataMalformed):
        read_link(der)


@pytest.mark.parametrize("der", [b"", b"\x30\x00", b"\x30\x82\xff\xff", b"-----BEGIN CERTIFICATE-----", b"\x00" * 300])
def test_what_is_no_certificate(der):
    assert judge(der, [], NOW).result == "untrusted"
    for read_it in (read_link, subject_text):
        with pytest.raises(CardDataMalformed):
            read_it(der)


def test_nobody_is_named():
    card = leaf(kit.issuer(), subject=kit.dn("899900063480", "SOPHIE DURAND"))
    judged = judge(card.der, links(kit.root(), kit.issuer()), NOW)
    assert "899900063480" not in repr(card.link) + repr(judged)
    assert "DURAND" not in repr(card.link).upper()


def test_a_subject_on_a_terminal():
    assert subject_text(kit.root().der) == "CN=AC RACINE ESSAI,O=ASIP-SANTE,C=FR"
    evil = make("evil", subject=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AC\x1b[2J\n\u202e")]))
    assert subject_text(evil.der).isprintable()


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.filterwarnings("ignore:The parsed certificate contained a NULL parameter:UserWarning")
@pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning")
@settings(max_examples=1500)
@given(data=st.data())
def test_any_bytes_are_judged(data):
    """A few bytes of a sound certificate changed, leaf or issuer: never an error, and never good."""
    made = data.draw(st.sampled_from([kit.card(), kit.issuer()]))
    der = bytearray(made.der)
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    if bytes(der) == made.der:
        return
    store = links(kit.root(), kit.issuer())
    assert judge(bytes(der), store, NOW).result == "untrusted"
    try:
        changed = read_link(bytes(der))
    except CardDataMalformed:
        return
    assert judge(kit.card().der, [kit.root().link, changed], NOW).result == "untrusted"


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.binary(max_size=400))
def test_noise_is_judged(noise):
    assert judge(noise, links(kit.root(), kit.issuer()), NOW).result == "untrusted"
    whole = kit.card().der
    assert judge(whole[: len(noise)] + noise, [], NOW - dt.timedelta(0)).result == "untrusted"
