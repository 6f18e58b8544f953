"""What the box answers when nothing went wrong (contract, *Replies*); errors stand in ``contract.problems``.

What it is: frozen structs and ``encode``. What it is not: a decision about what to answer.
Rule: a member that does not apply is absent, never null; signatures and certificates are standard base64, a JWS is
the text JOSE makes of it.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.contract.events import Revocation, Trust
from appliance.contract.messages import Pseudonym, Shown, Uuid

Count = Annotated[int, Meta(ge=0)]
Phase = Literal["accepted", "awaiting-card", "awaiting-consent", "awaiting-pin", "signing"]


class _Open(Struct, frozen=True, rename="camel", kw_only=True):
    """Replies are open: practice software ignores members it does not know."""

    def __repr__(self) -> str:
        """Only the type: replies may hold a name, an RPPS number or a signature, and reprs reach logs."""
        return f"{type(self).__name__}(…)"


class Result(_Open, frozen=True):
    """What every result of one document has: its place in the request, and what the person saw of it."""

    index: Count
    shown: Shown


class JwsResult(Result, frozen=True):
    """Format ``jws``: the compact serialisation (RFC 7515 §7.1)."""

    jws: str


class RawResult(Result, frozen=True):
    """Format ``raw``: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2) and the leaf certificate, DER."""

    signature: bytes
    certificate: bytes
    alg: Literal["RS256"] = "RS256"


class FailedResult(Result, frozen=True):
    """This document was not signed; ``code`` is one of ``contract.problems``."""

    code: str


class Counts(_Open, frozen=True):
    """How the documents of a request ended."""

    signed: Count
    failed: Count = 0


class Progress(_Open, frozen=True):
    """On the way. ``done`` of ``of`` documents; ``attempt`` counts PIN entries from 1; ``result`` of one document."""

    id: Uuid
    phase: Phase
    final: Literal[False] = False
    done: Count | UnsetType = UNSET
    of: Count | UnsetType = UNSET
    attempt: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    result: Result | UnsetType = UNSET


class Done(_Open, frozen=True):
    """The end of ``sign``. ``audit_head`` is the head of the audit chain, hex; ``result`` for a single document.

    ``trust`` and ``revocation`` are the signer's certificate's, as the box judged it when the card came in.
    """

    id: Uuid
    counts: Counts
    audit_head: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    result: Result | UnsetType = UNSET
    trust: Trust | UnsetType = UNSET
    revocation: Revocation | UnsetType = UNSET
    phase: Literal["done"] = "done"
    final: Literal[True] = True


class Name(_Open, frozen=True):
    """Name of a holder, as the certificate writes it."""

    given: str
    family: str


class Coded(_Open, frozen=True):
    """A code of a public nomenclature and its label."""

    code: str
    label: str


class Validity(_Open, frozen=True):
    """Validity of a certificate, RFC 3339 in UTC."""

    not_before: str
    not_after: str


class Certificates(_Open, frozen=True):
    """Both leaf certificates of a card, DER."""

    signature: bytes
    authentication: bytes


class IdentityReply(_Open, frozen=True):
    """Who is in the reader. A claim: public data of a card can be cloned. ``test`` marks a test card.

    ``tries_left`` is the counter as last read; absent after a right PIN, which fills it up. ``trust`` and
    ``revocation`` are the signature certificate's.
    """

    id: Uuid
    holder: Pseudonym
    name: Name
    rpps: str
    profession: Coded
    card_type: str
    test: bool
    validity: Validity
    trust: Trust
    card_session: Pseudonym
    tries_left: Count | UnsetType = UNSET
    certificates: Certificates | UnsetType = UNSET
    revocation: Revocation = "unknown"
    assurance: Literal["claimed"] = "claimed"
    phase: Literal["done"] = "done"
    final: Literal[True] = True


class UnknownTag(_Open, frozen=True):
    """What a card says and nobody has explained: tag and value as it writes them, in hex."""

    tag: Annotated[str, Meta(pattern=r"^([0-9a-f]{2})+$(?!\n)")]
    value: Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*$(?!\n)")]


class PracticeSituation(_Open, frozen=True):
    """One place of practice. ``number`` is the card's own, with holes; what the card does not say is absent.

    ``structure`` is its name, ``ident`` (``id`` in JSON) its national identifier as the card writes it; ``sector`` has
    an empty label where the code is in no table of ours.
    """

    number: Annotated[int, Meta(ge=1)]
    structure: str | UnsetType = UNSET
    ident: str | UnsetType = msgspec.field(default=UNSET, name="id")
    sector: Coded | UnsetType = UNSET
    unknown: tuple[UnknownTag, ...] | UnsetType = UNSET


class PracticeReply(_Open, frozen=True):
    """The practice situations of the card in the reader, read after a right PIN."""

    id: Uuid
    holder: Pseudonym
    card_session: Pseudonym
    situations: tuple[PracticeSituation, ...]
    phase: Literal["done"] = "done"
    final: Literal[True] = True


class Pong(_Open, frozen=True):
    """The vault is there. ``time`` only when the clock is set, RFC 3339 in UTC."""

    id: Uuid
    contract: str
    boot_id: str
    time: str | UnsetType = UNSET
    phase: Literal["done"] = "done"
    final: Literal[True] = True


class Cancelled(_Open, frozen=True):
    """``target`` is being cancelled; its own final reply says how it ended."""

    id: Uuid
    target: Uuid
    phase: Literal["done"] = "done"
    final: Literal[True] = True


Reply = Progress | Done | IdentityReply | PracticeReply | Pong | Cancelled

_encoder: Final = msgspec.json.Encoder()


def encode(reply: Reply) -> bytes:
    """The JSON payload of a reply."""
    return _encoder.encode(reply)
