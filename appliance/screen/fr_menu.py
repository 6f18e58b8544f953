"""French for the menu's pages, lists and self-test.

What it is: the part of ``fr`` for ``words_menu``. What it is not: layout. Rule: as in ``fr``.
"""

from types import MappingProxyType
from typing import Final

from appliance.screen.words_menu import MenuWords

__all__ = ["MENU", "PAGES"]

MENU: Final = {
    "card": "Carte",
    "events": "Événements",
    "network": "Réseau",
    "language": "Langue/Language",
    "contrast": "Contraste",
    "sound": "Son",
    "selftest": "Auto-test",
    "about": "À propos",
}
"""Entries of the menu; the language's is found by who cannot read the one in use."""

_EVENTS: Final = {
    "reader/attached": "Lecteur branché",
    "reader/lost": "Lecteur absent",
    "reader/busy": "Lecteur occupé",
    "reader/fault": "Lecteur: panne",
    "card/inserted": "Carte insérée",
    "card/identified": "Carte lue",
    "card/removed": "Carte retirée",
    "card/unreadable": "Carte illisible",
    "card/expiring": "Expire bientôt",
    "card/expired": "Carte expirée",
    "card/renewed": "Carte changée",
    "card/denied": "Carte refusée",
    "card/forgotten": "Carte oubliée",
    "patient-card/inserted": "Carte patient",
    "patient-card/removed": "Patient: ôtée",
    "pin/verified": "Code juste",
    "pin/wrong": "Code faux",
    "pin/blocked": "Code bloqué",
    "pin/changed": "Code changé",
    "pin/unblocked": "Code débloqué",
    "sign/completed": "Signé",
    "sign/refused": "Refusé",
    "sign/failed": "Non signé",
    "auth/completed": "Identifié",
    "auth/refused": "Ident. refusée",
    "auth/failed": "Non identifié",
    "session/opened": "Session ouverte",
    "session/closed": "Session finie",
    "door/opened": "Porte ouverte",
    "door/refused": "Porte refusée",
    "tamper/opened": "Boîtier ouvert",
    "tamper/closed": "Boîtier fermé",
    "pairing/added": "Appairage",
    "pairing/removed": "Désappairage",
    "keypad/fault": "Clavier: panne",
    "display/fault": "Écran: panne",
    "system/started": "Démarrage",
    "system/stopping": "Arrêt",
    "system/fault": "Erreur interne",
    "journal/dropped": "Journal coupé",
}

PAGES: Final = MenuWords(
    waiting="Un instant…",
    own_broker="Serveur du boîtier :",
    other_broker="Serveur :",
    reached=("Relié depuis {since}", "Relié"),
    unreached=("Injoignable, {since}", "Injoignable"),
    encrypted="Liaison chiffrée TLS",
    device="Nom du boîtier :",
    address="Adresse du boîtier :",
    no_address="Adresse inconnue",
    families=MappingProxyType({"cps3": "CPS3", "cps4": "CPS4", "unknown": ""}),
    until="Valable au {date}",
    tries="Essais du code : {n}",
    puk_tries="Déblocage : {n}",
    all_tries="tous",
    trust=MappingProxyType(
        {
            "good": "Certificat reconnu",
            "unknown": "Certificat à vérifier",
            "untrusted": "Certificat inconnu",
            "expired": "Certificat expiré",
            "not-yet-valid": "Certificat pas encore valable",
        }
    ),
    nothing="Rien encore.",
    day="Le {day} :",
    events=MappingProxyType(_EVENTS),
    contract="contrat {contract}",
    memory="Mémoire du code :",
    memories=MappingProxyType({"memfd_secret": "hors du système", "locked": "verrouillée"}),
    package="Empreinte logiciel :",
    verdict="{part} : {verdict}",
    parts=MappingProxyType(
        {
            "display": "Écran",
            "led": "Voyant",
            "sound": "Son",
            "keys": "Clavier",
            "reader": "Lecteur",
            "card": "Carte",
            "link": "Liaison",
            "clock": "Heure",
        }
    ),
    verdicts=MappingProxyType({"ok": "OK", "fault": "DÉFAUT", "absent": "manque", "skipped": "non testé"}),
    keys_seen="{n} touches sur 16",
    options=MappingProxyType(
        {
            "language": MappingProxyType({"fr": "Français", "en": "English"}),
            "contrast": MappingProxyType({"1": "1 faible", "2": "2 doux", "3": "3 normal", "4": "4 fort"}),
            "sound": MappingProxyType({"on": "avec son", "off": "sans son"}),
        }
    ),
    questions=MappingProxyType(
        {
            "intro": ("Tout l'écran s'allume", "puis s'éteint.", "Bon : A. Défaut : C."),
            "red": ("Le voyant est-il", "rouge ?"),
            "green": ("Le voyant est-il", "vert ?"),
            "blue": ("Le voyant est-il", "bleu ?"),
            "white": ("Le voyant est-il", "blanc ?"),
            "tone": ("Avez-vous entendu", "deux sons ?", "B : les réentendre"),
        }
    ),
    yes="oui",
    no="non",
    keys_title=("Pressez", "chacune"),
    keys_count="{n} sur 16",
    keys_end="D tenu 1 s : fin",
)
"""French for ``facts`` and ``pages_menu``."""
