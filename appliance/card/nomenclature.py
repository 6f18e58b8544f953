"""Code tables of the French health directory that the screen and the events need.

What it is: data with French labels. What it is not: the whole NOS; a code that is not here has no label and is shown
by the certificate's own title. Rule: decide on codes, never on labels (card-reference §12.10).
Source: card-reference §8.2 (DICO-FR.GIP v2.18), §1.1.
"""

from collections.abc import Mapping
from types import MappingProxyType

PROFESSIONS: Mapping[str, str] = MappingProxyType(
    {
        "10": "Médecin",
        "21": "Pharmacien",
        "26": "Audioprothésiste",
        "28": "Opticien",
        "31": "Assistant dentaire",
        "32": "Physicien médical",
        "35": "Aide-soignant",
        "36": "Ambulancier",
        "37": "Auxiliaire de puériculture",
        "38": "Préparateur",
        "39": "Préparateur",
        "40": "Chirurgien-dentiste",
        "50": "Sage-femme",
        "60": "Infirmier",
        "69": "Infirmier psychiatrique",
        "70": "Masseur-kinésithérapeute",
        "80": "Pédicure-podologue",
        "86": "Technicien de laboratoire",
        "91": "Orthophoniste",
        "92": "Orthoptiste",
        "94": "Ergothérapeute",
        "95": "Diététicien",
        "96": "Psychomotricien",
        "98": "Manipulateur ERM",
    }
)
"""Table G15, profession, code-system OID 1.2.250.1.71.1.2.7."""

CARD_TYPES: Mapping[int, str] = MappingProxyType({0: "CPS", 1: "CPF", 2: "CPE", 3: "CPA"})
"""Table G02, type of card."""

TEST_CATEGORIES = frozenset({0x80, 0x81, 0x82, 0x83})
"""Table G01, product category: 80 card, 82 security module, 83 software; the whole range counts as TEST."""
