"""Whose a soft card is: a fictitious person, or the structure a card of an establishment speaks for.

What it is: the facts that go into certificates and data objects. What it is not: their encoding. Rule: numbers carry
the check digits that real ones carry.
"""

import msgspec

from appliance.errors import SimulatorError


class Structure(msgspec.Struct, frozen=True):
    """Who a card of an establishment speaks for (CPE of IGC-Santé, card-reference §7.2: it names nobody).

    Attributes:
        name: of the establishment. ident: type digit and number, ``1`` + FINESS.
        registry: the employee's number there. pseudonym: what the subject has in place of a name.
        region: the subject's ST.
    """

    name: str
    ident: str
    registry: str
    pseudonym: str
    region: str = "Paris (75)"


class Holder(msgspec.Struct, frozen=True):
    """A fictitious card holder.

    Attributes:
        given, family: as the certificate writes them; empty on the card of a structure.
        rpps: 11 digits, Luhn-valid; empty on the card of a structure.
        profession: code of table G15 (60 nurse, 10 physician), None for who has none.
        title: the profession's label in the subject.
        specialties: codes of table R01, may be empty.
        category: table G01, 0x80 = test card, 0x00 = production card.
        card_type: table G02: 0 CPS, 1 CPF, 2 CPE, 3 CPA.
        future: code of table G16, the profession a CPF's holder learns.
        structure: whom a CPE speaks for, instead of a person.
    """

    given: str
    family: str
    rpps: str
    profession: int | None
    title: str
    specialties: tuple[str, ...] = ()
    category: int = 0x80
    card_type: int = 0
    future: int | None = None
    structure: Structure | None = None

    def __post_init__(self) -> None:
        if self.structure is None and (
            len(self.rpps) != 11
            or not self.rpps.isascii()
            or not self.rpps.isdigit()
            or luhn(self.rpps[:-1]) != int(self.rpps[-1])
        ):
            raise SimulatorError("a holder's RPPS has 11 digits and passes Luhn")


def luhn(digits: str) -> int:
    """Check digit (ISO/IEC 7812-1 annex B) to append to ``digits``."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10
