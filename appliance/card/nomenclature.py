"""Code tables of the French health directory that screens, answers and events need.

What it is: data with French labels. What it is not: the whole NOS; a code that is not here has no label and is shown
by the certificate's own title or as it is. Rule: decide on codes, never on labels (card-reference §12.10).

Sources: card-reference §8.1, §8.2 (DICO-FR.GIP v2.18), §1.1; labels of G16, R01 and R02 as the ANS publishes them in
its Nomenclatures des Objets de Santé (TRE_G16, TRE_R01, TRE_R02).
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

FUTURE_PROFESSIONS: Mapping[str, str] = MappingProxyType(
    {
        "10": "Médecin en formation",
        "21": "Pharmacien en formation",
        "40": "Chirurgien-dentiste en formation",
        "50": "Sage-femme en formation",
    }
)
"""Table G16, profession somebody is trained for (CPF), code-system OID 1.2.250.1.71.1.2.8."""

SPECIALTIES: Mapping[str, str] = MappingProxyType(
    {
        "SI01": "IPA pathologies chroniques stabilisées",
        "SI02": "IPA oncologie et hémato-oncologie",
        "SI03": "IPA maladie rénale chronique, dialyse et transplantation",
        "SI04": "IPA psychiatrie et santé mentale",
        "SI05": "IPA urgences",
    }
)
"""Table R01, the nurses' part: infirmier en pratique avancée; code-system OID 1.2.250.1.71.4.2.5."""

SPECIALISATIONS: Mapping[str, str] = MappingProxyType(
    {
        "07": "Puériculture",
        "61": "Infirmier anesthésiste",
        "62": "Infirmier de bloc opératoire",
        "63": "Cadre infirmier",
        "64": "Cadre infirmier",
        "65": "Cadre infirmier",
    }
)
"""Table G20, the nurses' part, code-system OID 1.2.250.1.71.1.2.24."""

PRACTICE_MODES: Mapping[str, str] = MappingProxyType(
    {"00": "Libéral", "01": "Salarié", "04": "Remplaçant", "07": "Non rétribué"}
)
"""Table G17, mode of practice."""

RESPONSIBILITIES: Mapping[str, str] = MappingProxyType(
    {"00": "Sans objet", "01": "Responsable de la structure", "02": "Adjoint du responsable"}
)
"""Table G04, code-system OID 1.2.250.1.71.1.2.12."""

SECTORS: Mapping[str, str] = MappingProxyType(
    {
        "SA01": "Établissement public de santé",
        "SA02": "Hôpital militaire du Service de santé des armées",
        "SA03": "Établissement privé PSPH",
        "SA04": "Établissement privé non PSPH",
        "SA05": "Centre de santé",
        "SA06": "Autre structure du Service de santé des armées",
        "SA07": "Cabinet individuel",
        "SA08": "Cabinet de groupe",
        "SA09": "Exercice en société",
        "SA10": "Transporteur sanitaire",
        "SA11": "Entreprise d'intérim",
        "SA12": "Établissement de soins et prévention",
        "SA13": "Prévention et soins en entreprise",
        "SA15": "PMI et planification familiale",
        "SA16": "Établissement pour personnes handicapées",
        "SA17": "Établissement pour personnes âgées",
        "SA18": "Établissement aide à la famille",
        "SA20": "Établissement pour la protection de l'enfance",
        "SA21": "Établissement d'hébergement et de réadaptation",
        "SA22": "Recherche",
        "SA23": "Assurance privée",
        "SA24": "Organisme de sécurité sociale",
        "SA25": "Laboratoire de biologie médicale",
        "SA26": "Ministère ou service déconcentré",
        "SA27": "Collectivité territoriale",
        "SA28": "Association ou organisme humanitaire",
        "SA33": "Pharmacie d'officine",
        "SA52": "Maison de santé",
        "SA63": "Communauté professionnelle territoriale de santé",
    }
)
"""Table R02, sector of activity, code-system OID 1.2.250.1.71.4.2.4."""

STRUCTURE_IDS: Mapping[str, str] = MappingProxyType(
    {"0": "Cabinet ADELI", "1": "FINESS", "2": "SIREN", "3": "SIRET", "4": "Cabinet RPPS"}
)
"""Table G07: first digit of a Struct_IdNat."""

PERSON_IDS: Mapping[str, str] = MappingProxyType(
    {
        "0": "ADELI",
        "1": "Cabinet ADELI et registre",
        "2": "DRASS",
        "3": "FINESS et registre",
        "4": "SIREN et registre",
        "5": "SIRET et registre",
        "6": "Cabinet RPPS et registre",
        "8": "RPPS",
        "9": "Étudiant",
        "10": "Adresse MSSanté",
    }
)
"""Table G08: first digit of a PS_IdNat."""

CARD_TYPES: Mapping[int, str] = MappingProxyType({0: "CPS", 1: "CPF", 2: "CPE", 3: "CPA"})
"""Table G02, type of card."""

CATEGORIES: Mapping[int, str] = MappingProxyType(
    {
        0x00: "Carte",
        0x02: "Module de sécurité",
        0x03: "Certificat logiciel",
        0x80: "Carte de test",
        0x82: "Module de sécurité de test",
        0x83: "Certificat logiciel de test",
    }
)
"""Table G01, category of product."""

TEST_CATEGORIES = frozenset({0x80, 0x81, 0x82, 0x83})
"""The part of G01 that is no production; the whole range counts as TEST."""
