"""Problem details (RFC 9457) for every code of the contract (contract, *Errors*).

What it is: the closed table of codes and ``problem``. What it is not: the error tree of the box (``appliance.errors``).
Rule: a code that is not in the table cannot be sent; the title is French, for the person; the detail names no value of
the request, no name and no number of a card.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

T = TypeVar("T")

URN: Final = "urn:cps-appliance:problem:"


@dataclass(frozen=True, slots=True)
class Entry:
    """HTTP-like status, French title, and whether the same request may succeed later without a change."""

    status: int
    title: str
    retryable: bool


PROBLEMS: Final[dict[str, Entry]] = {
    "malformed": Entry(400, "Demande illisible", retryable=False),
    "schema-invalid": Entry(400, "Demande non conforme au contrat", retryable=False),
    "unsupported-version": Entry(400, "Version du contrat non prise en charge", retryable=False),
    "pin-wrong": Entry(401, "Code incorrect", retryable=True),
    "not-allowed": Entry(403, "Ce logiciel n'a pas ce droit", retryable=False),
    "not-paired": Entry(403, "Logiciel non appairé", retryable=False),
    "card-absent": Entry(408, "Aucune carte dans le lecteur", retryable=True),
    "consent-timeout": Entry(408, "Pas d'accord dans le délai", retryable=True),
    "pin-timeout": Entry(408, "Code non saisi dans le délai", retryable=True),
    "id-reused": Entry(409, "Identifiant déjà pris par une autre demande", retryable=False),
    "card-removed": Entry(409, "Carte retirée", retryable=True),
    "wrong-holder": Entry(409, "Ce n'est pas la carte attendue", retryable=True),
    "challenge-stale": Entry(409, "Défi périmé", retryable=True),
    "answer-lost": Entry(409, "Réponse perdue au redémarrage", retryable=False),
    "expired": Entry(410, "Demande expirée", retryable=True),
    "too-large": Entry(413, "Demande trop volumineuse", retryable=False),
    "card-unsupported": Entry(422, "Carte non prise en charge", retryable=False),
    "card-mute": Entry(422, "Carte muette", retryable=True),
    "card-expired": Entry(422, "Carte expirée", retryable=False),
    "card-revoked": Entry(422, "Carte révoquée", retryable=False),
    "card-denied": Entry(422, "Carte refusée sur ce boîtier", retryable=False),
    "certificate-invalid": Entry(422, "Certificat non valable", retryable=False),
    "signer-unknown": Entry(422, "Signataire inconnu", retryable=False),
    "pin-blocked": Entry(423, "Code bloqué", retryable=False),
    "tamper-lockout": Entry(423, "Boîtier ouvert : verrouillé", retryable=False),
    "busy": Entry(429, "Une autre demande est en cours", retryable=True),
    "rate-limited": Entry(429, "Trop de demandes", retryable=True),
    "refused": Entry(499, "Refusé par le professionnel", retryable=False),
    "cancelled": Entry(499, "Demande annulée", retryable=False),
    "outcome-unknown": Entry(500, "Résultat inconnu : ne pas recommencer sans vérifier", retryable=False),
    "internal": Entry(500, "Erreur interne du boîtier", retryable=True),
    "reader-absent": Entry(503, "Lecteur absent", retryable=True),
    "reader-busy": Entry(503, "Lecteur occupé", retryable=True),
    "display-absent": Entry(503, "Écran absent", retryable=True),
    "clock-unset": Entry(503, "Horloge non réglée", retryable=True),
}


class Problem(Struct, frozen=True, rename="camel", kw_only=True):
    """The final reply of a request that failed. ``id`` and ``instance`` are null when the body held no usable id."""

    id: str | None
    type: str
    title: str
    status: int
    code: str
    retryable: bool
    instance: str | None
    detail: str | UnsetType = UNSET
    tries_left: int | UnsetType = UNSET
    retry_after: int | UnsetType = UNSET
    limit: int | UnsetType = UNSET
    in_progress: str | UnsetType = UNSET
    phase: Literal["error"] = "error"
    final: Literal[True] = True


def problem(  # noqa: PLR0913 -- one keyword for each optional member of the contract
    id: str | None,  # noqa: A002 -- the contract's own member name
    code: str,
    detail: str | None = None,
    *,
    tries_left: int | None = None,
    retry_after: int | None = None,
    limit: int | None = None,
    in_progress: str | None = None,
) -> bytes:
    """The JSON payload of a problem.

    Args:
        id: the request's id; None when the body could not be parsed.
        code: a key of ``PROBLEMS``.
        detail: English or French, without a value of the request.
        tries_left: PIN tries; said only when at most 1.
        retry_after: seconds.
        limit: the limit that was passed, bytes.
        in_progress: the id of the request that holds the box.

    Raises:
        KeyError: a code outside the table, which is a mistake of the caller.
    """
    entry = PROBLEMS[code]
    return msgspec.json.encode(
        Problem(
            id=id,
            type=URN + code,
            title=entry.title,
            status=entry.status,
            code=code,
            retryable=entry.retryable,
            instance=None if id is None else f"urn:uuid:{id}",
            detail=_given(detail),
            tries_left=UNSET if tries_left is None or tries_left > 1 else tries_left,
            retry_after=_given(retry_after),
            limit=_given(limit),
            in_progress=_given(in_progress),
        )
    )


def _given(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value
