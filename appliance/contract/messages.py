"""Requests that the box takes (contract, *Requests*); the replies stand in ``contract.replies``.

What it is: closed msgspec structs with camelCase members, ``decode`` and ``body_sha256``. What it is not: a judge of
rights, of freshness, or of what the screen can draw.
Rule: whatever the bytes, ``decode`` gives a request or raises one of the four request errors.
"""

import hashlib
import json
from base64 import b64encode
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from appliance.contract.body import parse_body
from appliance.contract.limits import DEFAULT_TTL, DOCUMENTS, INLINE, LABEL, TTL
from appliance.errors import Malformed, SchemaInvalid, TooLarge, UnsupportedVersion

# Patterns end in `$(?!\n)`: JSON Schema's dialect (ECMA 262) has no `\Z`, and Python's `$` lets a last newline by.
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$(?!\n)")]
"""Any UUID in its textual form (RFC 9562 §4); version 7 is advised. ``decode`` folds it to lower case."""

Pseudonym = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,128}$(?!\n)")]
Title = Annotated[str, Meta(min_length=1, max_length=LABEL)]
Format = Literal["jws", "raw"]
Shown = Literal["content", "title"]


class _Closed(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """Requests are closed: an unknown member is refused (contract, *Versioning*)."""


class Document(_Closed, frozen=True):
    """One document, its bytes inline. ``title`` is what the person reads, printable, at most 64 characters."""

    kind: Literal["content"]
    media_type: Annotated[str, Meta(pattern=r"^[!-~ ]{3,127}$(?!\n)")]
    title: Title
    data: Annotated[bytes, Meta(min_length=1)]

    def __post_init__(self) -> None:
        if not self.title.isprintable() or self.title != self.title.strip():
            raise ValueError("title is not a printable label")

    def __repr__(self) -> str:
        return f"Document({self.media_type!r}, <{len(self.data)} bytes>)"


class SignRequest(_Closed, frozen=True):
    """``sign``. ``ttl`` seconds for the whole request; ``signer`` and ``card_session`` bind it to one card."""

    v: Literal[1]
    id: Uuid
    documents: Annotated[tuple[Document, ...], Meta(min_length=1, max_length=DOCUMENTS)]
    format: Format
    progress: bool = True
    ttl: Annotated[int, Meta(ge=1, le=TTL)] = DEFAULT_TTL
    signer: Pseudonym | None = None
    card_session: Pseudonym | None = None


class IdentityRequest(_Closed, frozen=True):
    """``identity``: who is in the reader; ``certificates`` asks for both certificates of the card too."""

    v: Literal[1]
    id: Uuid
    progress: bool = True
    certificates: bool = False


class PracticeRequest(_Closed, frozen=True):
    """``practice``: the practice situations on the card; the person agrees and types the PIN on the box."""

    v: Literal[1]
    id: Uuid
    progress: bool = True


class PingRequest(_Closed, frozen=True):
    """``ping``."""

    v: Literal[1]
    id: Uuid
    progress: bool = True


class CancelRequest(_Closed, frozen=True):
    """``cancel``: ``target`` is the id of a request of the same client."""

    v: Literal[1]
    id: Uuid
    target: Uuid
    progress: bool = True


Request = SignRequest | IdentityRequest | PracticeRequest | PingRequest | CancelRequest

VERBS: Final[dict[str, type[Request]]] = {
    "sign": SignRequest,
    "identity": IdentityRequest,
    "practice": PracticeRequest,
    "ping": PingRequest,
    "cancel": CancelRequest,
}
_VERB_OF: Final[dict[type[Request], str]] = {struct: verb for verb, struct in VERBS.items()}
_IDS: Final = ("id", "target")
_QUOTING: Final = {"Object contains unknown field": "unknown member", "Invalid enum value": "value not allowed"}


def decode(verb: str, payload: bytes) -> Request:
    """The request in ``payload``.

    Raises:
        Malformed: not JSON as the contract wants it (``contract.body``).
        UnsupportedVersion: ``v`` is a number, but not 1.
        SchemaInvalid: an unknown verb, or not the verb's shape. The message holds no value of the request.
        TooLarge: the body, or the documents together.
    """
    members = parse_body(payload)
    struct = VERBS.get(verb)
    if struct is None:
        raise SchemaInvalid("unknown verb")
    version = members.get("v")
    if isinstance(version, int) and not isinstance(version, bool) and version != 1:
        raise UnsupportedVersion("v: this box speaks 1")
    for name in _IDS:
        if isinstance(members.get(name), str):
            members[name] = members[name].lower()
    try:
        request: Request = msgspec.convert(members, struct)
    except msgspec.ValidationError as error:
        raise SchemaInvalid(_explain(str(error))) from None
    if isinstance(request, SignRequest) and sum(len(document.data) for document in request.documents) > INLINE:
        raise TooLarge(INLINE, "documents")
    return request


def request_id(payload: bytes) -> str | None:
    """The ``id`` of a body that ``decode`` refused, for the problem document; None when none can be had.

    Raises nothing: a body that cannot be parsed has no id.
    """
    try:
        found = parse_body(payload).get("id")
        return msgspec.convert(found.lower() if isinstance(found, str) else found, Uuid)
    except (Malformed, TooLarge, msgspec.ValidationError):
        return None


def verb_of(request: Request) -> str:
    """The verb whose struct ``request`` is."""
    return _VERB_OF[type(request)]


def body_sha256(request: Request) -> bytes:
    """32 bytes over verb, documents, format, ttl and signer as canonical JSON (contract, *Order of checks*).

    Members are sorted, without blanks, as UTF-8; bytes as standard base64; what the verb does not have is null.
    ``cancel`` adds its target: two cancels of one id are one only when they mean the same request. Never ``chal``.
    """
    members: dict[str, Any] = {"verb": verb_of(request), "documents": None, "format": None, "ttl": None, "signer": None}
    if isinstance(request, SignRequest):
        members |= {
            "documents": [
                {
                    "kind": document.kind,
                    "mediaType": document.media_type,
                    "title": document.title,
                    "data": b64encode(document.data).decode("ascii"),
                }
                for document in request.documents
            ],
            "format": request.format,
            "ttl": request.ttl,
            "signer": request.signer,
        }
    if isinstance(request, CancelRequest):
        members["target"] = request.target
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).digest()


def is_plain_text(media_type: str) -> bool:
    """Whether ``media_type`` is ``text/plain`` with exactly the parameter ``charset=utf-8``.

    Type, parameter name and this charset are case-insensitive, blanks around ``;`` are allowed, and the value may be
    quoted (RFC 9110 §8.3.1). No other parameter, no default charset.
    """
    kind, *parameters = (part.strip(" ").lower() for part in media_type.split(";"))
    return kind == "text/plain" and parameters in (["charset=utf-8"], ['charset="utf-8"'])


def shown(media_type: str) -> Shown:
    """What the screen shows of a document by its type alone; whether its text can be drawn is the screen's to say."""
    return "content" if is_plain_text(media_type) else "title"


def _explain(problem: str) -> str:
    """A message of msgspec, without the member or value of the request that two of its messages quote."""
    for prefix, plain in _QUOTING.items():
        if problem.startswith(prefix):
            _, at, where = problem.partition(" - at ")
            return f"{plain}{at}{where}"
    return problem
