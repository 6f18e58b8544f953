"""Who a certificate says the holder is.

What it is: the subject and the CPx extensions as one frozen value. What it is not: proof; public data can be cloned
(contract.md, *Events*). Rule: names come as they stand in the certificate; what is absent or does not hold is None;
``repr`` shows nobody.

Sources: card-reference §7.2 (subject DN), §7.3 (extensions), §8.1 (identifiers).
"""

import dataclasses
import re

from appliance.card import luhn
from appliance.card.certificate import Certificate
from appliance.card.nomenclature import (
    CARD_TYPES,
    FUTURE_PROFESSIONS,
    PERSON_IDS,
    PROFESSIONS,
    SPECIALTIES,
    TEST_CATEGORIES,
)

_COMMON_NAME = "2.5.4.3"
_SURNAME = "2.5.4.4"
_ORGANIZATION = "2.5.4.10"
_ORGANIZATIONAL_UNIT = "2.5.4.11"
_TITLE = "2.5.4.12"
_GIVEN_NAME = "2.5.4.42"
_PSEUDONYM = "2.5.4.65"

_RPPS = re.compile(r"8([0-9]{11})")
_ADELI = re.compile(r"0([0-9A-Z]{9})")
"""PS_IdNat of the two registers: type digit, number; test values of ADELI hold a letter (card-reference §8.1)."""

_OF_A_STRUCTURE = frozenset({"CPE", "CPA"})
"""Cards whose subject names a structure; in older certificates of a CPS, O and OU say something else (§7.2)."""


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Holder:
    """The holder of a card.

    ``surname`` and ``given_name`` are None on a card that is not nominative (CPE). ``ps_id`` is the PS_IdNat, one type
    digit and a number, as the CN has it; ``rpps`` its 11 digits when the type is RPPS and the Luhn key holds, ``adeli``
    its 9 characters when the type is ADELI. ``profession`` is the two-digit code of G15, ``profession_label`` its
    French label, ``title`` the certificate's own; ``future_profession`` a code of G16 (CPF). ``card_type`` is CPS, CPF,
    CPE or CPA, ``category`` a byte of G01; ``test`` marks a card that is no production card. ``structure`` is the name
    and ``structure_id`` the identifier of the structure a CPE or CPA was issued to, ``pseudonym`` what stands there
    for a person.
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
    adeli: str | None = None
    future_profession: str | None = None
    category: int | None = None
    structure: str | None = None
    structure_id: str | None = None
    pseudonym: str | None = None

    @property
    def name(self) -> str:
        """Given name and surname ("SOPHIE DURAND"); empty when the certificate has none."""
        return " ".join(part for part in (self.given_name, self.surname) if part)

    @property
    def short(self) -> str:
        """What the screens show: initial and surname ("S. DURAND"), else the structure, else the pseudonym."""
        initial = f"{self.given_name[0]}." if self.given_name else None
        person = " ".join(part for part in (initial, self.surname) if part)
        return person or self.structure or self.pseudonym or ""

    @property
    def activity(self) -> str:
        """What to write under the name: the certificate's title, else the label of a code, else nothing."""
        future = FUTURE_PROFESSIONS.get(self.future_profession or "")
        return self.title or self.profession_label or future or ""

    @property
    def ps_id_label(self) -> str | None:
        """Which register ``ps_id`` is of (G08)."""
        return PERSON_IDS.get(self.ps_id[0]) if self.ps_id else None

    @property
    def specialty_labels(self) -> tuple[str, ...]:
        """The French labels of ``specialties`` (R01), the code itself where there is none."""
        return tuple(SPECIALTIES.get(code, code) for code in self.specialties)

    def __repr__(self) -> str:
        return "Holder(***)"


def read_holder(certificate: Certificate) -> Holder:
    """The holder a certificate names; never raises.

    Every AVA of every RDN is looked at: GN, SN and CN share one RDN, in any order (card-reference §7.2).
    """
    ps_id = _first(certificate, _COMMON_NAME)
    surname, given_name = _first(certificate, _SURNAME), _first(certificate, _GIVEN_NAME)
    card_type = None if certificate.product_type is None else CARD_TYPES.get(certificate.product_type)
    structural = card_type in _OF_A_STRUCTURE or not (surname or given_name)
    return Holder(
        surname=surname,
        given_name=given_name,
        ps_id=ps_id,
        rpps=_rpps(ps_id),
        profession=certificate.profession,
        profession_label=PROFESSIONS.get(certificate.profession or ""),
        title=_first(certificate, _TITLE),
        specialties=certificate.specialties,
        card_type=card_type,
        test=_is_test(certificate),
        adeli=match[1] if (match := _ADELI.fullmatch(ps_id or "")) else None,
        future_profession=certificate.future_profession,
        category=certificate.category,
        structure=_first(certificate, _ORGANIZATION) if structural else None,
        structure_id=_first(certificate, _ORGANIZATIONAL_UNIT) if structural else None,
        pseudonym=_first(certificate, _PSEUDONYM),
    )


def _first(certificate: Certificate, oid: str) -> str | None:
    return next((text for at, value in certificate.subject if at == oid and (text := value.strip())), None)


def _rpps(ps_id: str | None) -> str | None:
    """The Luhn key stands over the 11 digits, not over the 12 of the PS_IdNat (card-reference §8.1)."""
    match = _RPPS.fullmatch(ps_id or "")
    return match[1] if match and luhn.check(match[1]) else None


def _is_test(certificate: Certificate) -> bool:
    """By the category; without one, by an issuer that calls itself TEST (card-reference §7.1)."""
    if certificate.category is not None:
        return certificate.category in TEST_CATEGORIES
    return any(oid == _COMMON_NAME and value.startswith("TEST ") for oid, value in certificate.issuer)
