"""A generated test PKI with the IGC-Santé profile (card-reference §7).

What it is: root "TEST AC RACINE IGC-SANTE FORT", issuer "TEST AC IGC-SANTE FORT PERSONNES" and the two certificates of
one fictitious holder's card; for a holder of another kind of card the names of its chain. What it is not: a copy of
anybody's PKI; keys are made here and die with the process.
The real authorities are RSA 4096; ours are RSA 2048 by default, because a root of 4096 bits takes seconds to make.
Rule: keys come from the system's randomness, once a process and holder; folders keep a PKI only when asked to.
"""

import datetime as dt
import functools
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.errors import SimulatorError
from appliance.simulator.softholder import Holder, Structure, luhn
from appliance.simulator.softprofile import DAY, Authority, Chain, Leaf, make_issuer, make_leaf, make_root

__all__ = ["EMPLOYEE", "NURSE", "PHYSICIAN", "PRODUCTION", "STUDENT", "Authority", "Holder", "TestPki", "luhn"]

NURSE = Holder("SOPHIE", "DURAND-TEST", "99900063480", 60, "Infirmier(e)")
PHYSICIAN = Holder("MAX", "LIBRE-TEST", "99900038839", 10, "Médecin", ("SM26",))
PRODUCTION = Holder("CLAIRE", "MARTIN", "99900023351", 60, "Infirmier(e)", category=0x00)
STUDENT = Holder("LOU", "PETIT-TEST", "99700218896", None, "Infirmier(e) en formation", card_type=1, future=60)
EMPLOYEE = Holder(
    "",
    "",
    "",
    None,
    "Carte de service santé ou social",
    card_type=2,
    structure=Structure("EHPAD LES TILLEULS TEST", "10B0307377", "0000000042", "AGENT-042"),
)


@dataclass(frozen=True, slots=True)
class TestPki:
    """Two authorities and one card: what a soft card holds and what a test checks against."""

    __test__ = False  # pytest: not a test class

    holder: Holder
    card_number: str
    root: x509.Certificate
    intermediate: x509.Certificate
    signature: Authority
    authentication: Authority

    @classmethod
    def generate(
        cls,
        holder: Holder = NURSE,
        *,
        card_number: str = "2500577253",
        valid_from: dt.datetime | None = None,
        ca_bits: int = 2048,
    ) -> "TestPki":
        """Make (or remember: same arguments, same process, same object) the PKI of one card.

        Args:
            holder: whose card.
            card_number: the ten digits printed on it.
            valid_from: start of validity (aware); default: yesterday. The certificates last 3 years and 30 days, the
                private keys 3 years.
            ca_bits: RSA size of both authorities.
        """
        with _MAKING:  # the cache alone would let two threads make two authorities of one name
            return _generate(holder, card_number, valid_from, ca_bits)

    @property
    def certificates(self) -> tuple[x509.Certificate, x509.Certificate]:
        """Signature, authentication."""
        return self.signature.certificate, self.authentication.certificate

    def write(self, folder: Path) -> None:
        """Keep the PKI in ``folder``: certificates as PEM, the card's keys with mode 0600, the holder as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, certificate in self._files():
            (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        for name, pair in (("signature", self.signature), ("authentication", self.authentication)):
            key = folder / f"{name}.key"
            key.touch(mode=0o600)
            key.write_bytes(
                pair.key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        (folder / "card.json").write_bytes(msgspec.json.encode({"number": self.card_number, "holder": self.holder}))

    @classmethod
    def load(cls, folder: Path) -> "TestPki":
        """Read back what ``write`` kept.

        Raises:
            SimulatorError: the folder does not hold a test PKI.
        """
        try:
            card = msgspec.json.decode((folder / "card.json").read_bytes(), type=_Card)
            pems = {
                name: x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
                for name in ("root", "intermediate", "signature", "authentication")
            }
            keys = {
                name: serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
                for name in ("signature", "authentication")
            }
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise SimulatorError(f"no test PKI in {folder}: {type(error).__name__}") from error
        pairs = {n: Authority(pems[n], k) for n, k in keys.items() if isinstance(k, rsa.RSAPrivateKey)}
        if len(pairs) != 2:
            raise SimulatorError(f"no test PKI in {folder}: keys are not RSA")
        return cls(card.holder, card.number, pems["root"], pems["intermediate"], **pairs)

    def _files(self) -> Iterable[tuple[str, x509.Certificate]]:
        yield "root", self.root
        yield "intermediate", self.intermediate
        yield "signature", self.signature.certificate
        yield "authentication", self.authentication.certificate


_MAKING = threading.Lock()


class _Card(msgspec.Struct, frozen=True):
    number: str
    holder: Holder


@functools.cache
def _generate(holder: Holder, card_number: str, valid_from: dt.datetime | None, ca_bits: int) -> TestPki:
    given = valid_from if valid_from is not None else dt.datetime.now(dt.UTC) - DAY
    start = given.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None)
    chain = Chain.of(holder)
    root = make_root(chain, ca_bits)
    issuer = make_issuer(chain, ca_bits)
    signature, authentication = (
        make_leaf(issuer, Leaf(holder, card_number, start, usage, extended))
        for usage, extended in (
            ({"content_commitment"}, [ExtendedKeyUsageOID.EMAIL_PROTECTION]),
            (
                {"digital_signature", "key_encipherment"},
                [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SMARTCARD_LOGON],
            ),
        )
    )
    return TestPki(holder, card_number, root.certificate, issuer.certificate, signature, authentication)
