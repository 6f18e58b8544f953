"""Who a certificate says the holder is.

What it is: the subject and the CPx extensions as one frozen value. What it is not: proof; public data can be cloned
(contract.md, *Events*). Rule: names come as they stand in the certificate; what is absent or does not hold is None;
``repr`` shows nobody.

Sources: card-reference §7.2 (subject DN), §7.3 (extensions), §8.1 (identifiers).
"""

import dataclasses

from appliance.card import luhn
from appliance.card.certificate import Certificate
from appliance.card.nomenclature import CARD_TYPES, PROFESSIONS, TEST_CATEGORIES

_COMMON_NAME = "2.5.4.3"
_SURNAME = "2.5.4.4"
_TITLE = "2.5.4.12"
_GIVEN_NAME = "2.5.4.42"

_TYPE_RPPS = "8"
_RPPS_DIGITS = 11


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Holder:
    """The holder of a card.

    ``surname`` and ``given_name`` are None on a card that is not nominative (CPE). ``ps_id`` is the PS_IdNat, one type
    digit and a number, as the CN has it; ``rpps`` its 11 digits when the type is RPPS and the Luhn key holds.
    ``profession`` is the two-digit code of G15, ``profession_label`` its French label, ``title`` the certificate's own.
    ``card_type`` is CPS, CPF, CPE or CPA. ``test`` marks a card that is no production card.
    """

    surname: str | None
    given_name: str | None
    ps_id: str | None
    rpps: str | None
    profession: str | None
    profession_label: str | None
    title: str | None
    specialties: tuple[str, ...]
    card_type: str | None
    test: bool

    @property
    def name(self) -> str:
        """Given name and surname ("SOPHIE DURAND"); empty when the certificate has none."""
        return " ".join(part for part in (self.given_name, self.surname) if part)

    @property
    def short(self) -> str:
        """Initial and surname ("S. DURAND"), as the screens show it; empty when the certificate has no name."""
        initial = f"{self.given_name[0]}." if self.given_name else None
        return " ".join(part for part in (initial, self.surname) if part)

    @property
    def activity(self) -> str:
        """What to write under the name: the certificate's title, else the label of the code, else nothing."""
        return self.title or self.profession_label or ""

    def __repr__(self) -> str:
        return "Holder(***)"


def read_holder(certificate: Certificate) -> Holder:
    """The holder a certificate names; never raises.

    Every AVA of every RDN is looked at: GN, SN and CN share one RDN, in any order (card-reference §7.2).
    """
    ps_id = _first(certificate, _COMMON_NAME)
    return Holder(
        surname=_first(certificate, _SURNAME),
        given_name=_first(certificate, _GIVEN_NAME),
        ps_id=ps_id,
        rpps=_rpps(ps_id),
        profession=certificate.profession,
        profession_label=PROFESSIONS.get(certificate.profession or ""),
        title=_first(certificate, _TITLE),
        specialties=certificate.specialties,
        card_type=None if certificate.product_type is None else CARD_TYPES.get(certificate.product_type),
        test=_is_test(certificate),
    )


def _first(certificate: Certificate, oid: str) -> str | None:
    return next((text for at, value in certificate.subject if at == oid and (text := value.strip())), None)


def _rpps(ps_id: str | None) -> str | None:
    """The Luhn key stands over the 11 digits, not over the 12 of the PS_IdNat (card-reference §8.1)."""
    if ps_id is None or len(ps_id) != 1 + _RPPS_DIGITS or not ps_id.startswith(_TYPE_RPPS):
        return None
    return ps_id[1:] if luhn.check(ps_id[1:]) else None


def _is_test(certificate: Certificate) -> bool:
    """By the category; without one, by an issuer that calls itself TEST (card-reference §7.1)."""
    if certificate.category is not None:
        return certificate.category in TEST_CATEGORIES
    return any(oid == _COMMON_NAME and value.startswith("TEST ") for oid, value in certificate.issuer)
