"""A card in French words, for the terminal.

What it is: ``BoxCard`` -> lines. What it is not: the box's own screen, whose lines are shorter (screen/fr.py).
Rule: what happened, then what to do; a member that is not known has no line, and a fault is never only a code.
"""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

from appliance.link.messages import BoxCard

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "reader-absent": "Pas de lecteur : vérifiez le câble USB et le service pcscd.",
        "reader-busy": "Lecteur occupé : un autre programme tient la carte. Fermez-le, puis recommencez.",
        "card-absent": "Pas de carte dans le lecteur.",
        "card-reading": "Carte en cours de lecture : recommencez dans un instant.",
        "card-mute": "Carte muette : retirez-la, puis remettez-la dans le bon sens, puce propre.",
        "card-removed": "Carte retirée pendant la lecture.",
        "card-reset": "Un autre programme vient de reprendre la carte : recommencez.",
        "card-unsupported": "Carte inconnue : ce n'est pas une carte CPS que ce boîtier sait lire.",
        "card-data-malformed": "Carte illisible : un de ses fichiers n'a pas de sens.",
        "card-refused": "Carte en erreur : elle a refusé une lecture ordinaire.",
        "card-update-interrupted": "Mise à jour de la carte interrompue : à refaire avant de s'en servir.",
        "certificate-invalid": "Carte invalide : ses certificats ne vont pas avec ses clés.",
        "patient-card": "Carte Vitale : rien n'est lu.",
    }
)
"""Fault -> what it means to the person."""

TRUST: Mapping[str, str] = MappingProxyType(
    {
        "good": "bonne",
        "untrusted": "aucune : autorité non reconnue",
        "expired": "certificat expiré",
        "not-yet-valid": "certificat pas encore valable",
        "unknown": "non vérifiée",
    }
)


def tell(card: BoxCard, now: dt.datetime | None = None) -> list[str]:
    """The lines of ``card``; ``now`` (aware) marks what is over, by default the machine's clock."""
    if card.fault is not None:
        return [
            FAULTS.get(card.fault, f"Carte ou lecteur en erreur ({card.fault})."),
            *_rows([("Lecteur", card.reader)]),
        ]
    moment = dt.datetime.now(dt.UTC) if now is None else now
    kind = " · ".join(part for part in (card.family and card.family.upper(), card.kind) if part)
    return _rows(
        [
            ("Carte", f"{kind}{' · TEST' if card.test else ''}"),
            ("Titulaire", card.holder or "sans nom"),
            ("Structure", card.structure),
            ("Profession", ", ".join(part for part in (card.profession, *card.specialties) if part)),
            ("RPPS", card.rpps),
            ("ADELI", card.adeli),
            ("Numéro", card.number),
            ("Puce", card.serial),
            ("Validité", _period(card.valid_from, card.valid_until, moment)),
            ("Signe", _until(card.signs_until, moment)),
            ("Code", _tries(card.tries_left)),
            ("Déblocage", None if card.unblock_tries_left is None else _unblocking(card.unblock_tries_left)),
            ("Confiance", TRUST[card.trust]),
            ("Lecteur", card.reader),
        ]
    )


def _rows(rows: list[tuple[str, str | None]]) -> list[str]:
    return [f"{name + ' :':<13}{value}" for name, value in rows if value]


def _tries(left: int | None) -> str:
    if left is None:
        return "au complet : le bon code vient d'être tapé"
    return "bloqué" if left == 0 else f"{left} essai{'s' if left > 1 else ''}"


def _unblocking(left: int) -> str:
    return "épuisé : la carte est à remplacer" if left == 0 else f"{left} essai{'s' if left > 1 else ''}"


def _period(begin: str | None, end: str | None, now: dt.datetime) -> str | None:
    if begin is None or end is None:
        return None
    mark = " (expirée)" if _moment(end) < now else (" (pas encore valable)" if now < _moment(begin) else "")
    return f"du {_day(begin)} au {_day(end)}{mark}"


def _until(end: str | None, now: dt.datetime) -> str | None:
    return None if end is None else f"jusqu'au {_day(end)}{' (terminé)' if _moment(end) < now else ''}"


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _day(text: str) -> str:
    return _moment(text).strftime("%d/%m/%Y")
