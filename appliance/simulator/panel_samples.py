"""What the practice software of the front panel can send, right and wrong.

What it is: a table from name to request, and the documents in it. What it is not: a connection (``panel_practice``).
Rule: a wrong thing is wrong in one way only, and its row says which answer is right.
"""

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.contract import MAJOR
from appliance.contract.limits import INLINE
from appliance.simulator.demo import DOCUMENT, TITLE
from appliance.simulator.panel_messages import Ask
from appliance.simulator.panel_messages import Sample as Row
from appliance.simulator.practice import PDF

PLAIN: Final = "text/plain;charset=utf-8"
RIGHT_TO_LEFT: Final = "\u202e"
"""Turns what follows around on a screen that obeys it (Unicode TR 9): the box must not show such a text."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document: what the person sees of it, and its bytes."""

    title: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: a verb, a body as bytes, the documents in it, and the id if it has one."""

    verb: str
    body: bytes
    papers: tuple[Paper, ...] = ()
    ident: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the practice software.

    Attributes:
        group, title, about: French, for a person.
        make: the request; the second argument is the id that was used last, None before the first.
        own: title and text are the person's.
    """

    group: str
    title: str
    about: str
    make: Callable[[Ask, str | None], Request]
    own: bool = False


def sign(ask: Ask, papers: tuple[Paper, ...], **more: Any) -> Request:  # noqa: ANN401 - any JSON value
    """A request to sign ``papers``; ``more`` replaces members."""
    ident = str(uuid.uuid4())
    documents = [
        {
            "kind": "content",
            "mediaType": paper.media_type,
            "title": paper.title,
            "data": base64.b64encode(paper.content).decode(),
        }
        for paper in papers
    ]
    members = {"v": MAJOR, "id": ident, "documents": documents, "format": ask.format, **more}
    return Request("sign", json.dumps(members, ensure_ascii=False).encode(), papers, str(members["id"]))


def _own(ask: Ask) -> Paper:
    return Paper(ask.title or TITLE, PLAIN, (ask.text or DOCUMENT).encode())


def _batch(ask: Ask, _last: str | None) -> Request:
    pdf = Paper(PDF.title, PDF.media_type, PDF.content)
    visit = Paper("Bilan de soins", PLAIN, b"Plaie propre, berges saines. Poursuite du protocole.")
    return sign(ask, (_own(ask), visit, pdf))


def _plain(verb: str) -> Callable[[Ask, str | None], Request]:
    def make(_ask: Ask, _last: str | None) -> Request:
        return Request(verb, json.dumps({"v": MAJOR, "id": str(uuid.uuid4())}).encode())

    return make


def _reused(ask: Ask, last: str | None) -> Request:
    """Under the id of the last request; there is nothing to take up again before the first."""
    other = Paper(TITLE, PLAIN, DOCUMENT.replace("10 jours", "90 jours").encode())
    return sign(ask, (other,), **({"id": last} if last else {}))


_RIGHT, _WRONG = "Demandes", "Demandes de travers"

SAMPLES: Final[Mapping[str, Sample]] = {
    "text": Sample(
        _RIGHT, "Signer un texte", "Le boîtier le montre en entier.", lambda ask, _: sign(ask, (_own(ask),)), own=True
    ),
    "pdf": Sample(
        _RIGHT,
        "Signer un PDF",
        "Le boîtier n'en montre que le titre et l'empreinte.",
        lambda ask, _: sign(ask, (Paper(PDF.title, PDF.media_type, PDF.content),)),
    ),
    "batch": Sample(_RIGHT, "Signer trois documents", "Un accord et un code pour les trois.", _batch, own=True),
    "identity": Sample(_RIGHT, "Lire l'identité", "Qui est dans le lecteur ? Sans code.", _plain("identity")),
    "practice": Sample(_RIGHT, "Lire les lieux d'exercice", "Demande l'accord et le code.", _plain("practice")),
    "ping": Sample(_RIGHT, "Appeler le boîtier", "Répond-il ?", _plain("ping")),
    "hidden": Sample(
        _WRONG,
        "Texte piégé",
        "Un caractère qui retourne la ligne : le boîtier ne doit pas montrer ce texte.",
        lambda ask, _: sign(ask, (Paper(TITLE, PLAIN, f"Payer {RIGHT_TO_LEFT}00001 euros".encode()),)),
    ),
    "size": Sample(
        _WRONG,
        "Document trop grand",
        "Réponse attendue : too-large.",
        lambda ask, _: sign(ask, (Paper(TITLE, PLAIN, b"a" * (INLINE + 1)),)),
    ),
    "reuse": Sample(_WRONG, "Numéro déjà utilisé", "Après une autre demande : id-reused.", _reused),
    "version": Sample(
        _WRONG, "Version inconnue", "Réponse attendue : unsupported-version.", lambda ask, _: sign(ask, (), v=9)
    ),
    "member": Sample(
        _WRONG,
        "Champ inconnu",
        "Réponse attendue : schema-invalid.",
        lambda ask, _: sign(ask, (_own(ask),), urgent=True),
    ),
    "verb": Sample(_WRONG, "Ordre inconnu", "Réponse attendue : schema-invalid.", _plain("effacer")),
    "json": Sample(
        _WRONG, "JSON coupé", "Réponse attendue : malformed.", lambda _ask, _: Request("sign", b'{"v": 1, "id": ')
    ),
}
"""Name -> what is sent."""


def rows() -> tuple[Row, ...]:
    """The table for the page. ``signs``: signatures come back."""
    return tuple(
        Row(
            name=name,
            group=sample.group,
            title=sample.title,
            about=sample.about,
            signs=name in {"text", "pdf", "batch", "hidden"},
            own=sample.own,
        )
        for name, sample in SAMPLES.items()
    )
