"""Retained documents: ``status``, ``info`` and ``state/*`` (contract, *Topics*).

What it is: frozen structs and ``encode``. What it is not: the present state (the vault has it).
Rule: what is retained can be read by whoever may connect to the broker: never an identity, not even a pseudonym.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.contract import VERSION
from appliance.contract.events import Family
from appliance.contract.messages import Pseudonym

BoxState = Literal["starting", "online", "degraded", "updating"]
OfflineReason = Literal["lwt", "vault", "stopped"]
SecretMemory = Literal["memfd_secret", "locked"]


class _Retained(Struct, frozen=True, rename="camel", kw_only=True):
    """Open: readers ignore members they do not know."""


class Status(_Retained, frozen=True):
    """``status`` while the gateway is connected; ``since`` RFC 3339."""

    state: BoxState
    boot_id: str
    since: str
    contract: str = VERSION


class Offline(_Retained, frozen=True):
    """``status`` of a box that is away: ``lwt`` written by the broker, ``vault`` or ``stopped`` by the gateway."""

    boot_id: str
    reason: OfflineReason
    state: Literal["offline"] = "offline"


class PublicKey(_Retained, frozen=True):
    """A public key of the box: a JWK as text and its thumbprint (RFC 7638), base64url."""

    use: str
    jwk: str
    thumbprint: str


class Info(_Retained, frozen=True):
    """``info``: what this box is. ``capabilities`` are verbs and formats, such as ``sign:jws``.

    ``secret_memory`` is where digits stand while they are typed: memory that not even the kernel maps, or, where the
    kernel has none, a locked page that is left out of core dumps (security.md §2.3).
    """

    software: str
    contract: str
    capabilities: tuple[str, ...]
    languages: tuple[str, ...]
    journal_id: str
    secret_memory: SecretMemory
    public_keys: tuple[PublicKey, ...] = ()
    package_sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")] | UnsetType = UNSET


class Reader(_Retained, frozen=True):
    """``state/reader``."""

    state: Literal["attached", "absent", "busy", "fault"]


class Card(_Retained, frozen=True):
    """``state/card``: what is in the reader; family and session only while it is a CPS."""

    presence: Literal["absent", "reading", "present", "unreadable", "patient"]
    family: Family | UnsetType = UNSET
    card_session: Pseudonym | UnsetType = UNSET


class Tamper(_Retained, frozen=True):
    """``state/tamper``: the box's own case. ``locked``: it is closed, was open, and nobody has armed the box again.

    While it is ``open`` or ``locked`` every request to sign ends with tamper-lockout. ``absent``: no switch is fitted.
    """

    state: Literal["absent", "closed", "locked", "open"]


class Health(_Retained, frozen=True):
    """``state/health``: each part by itself."""

    display: Literal["ok", "fault"]
    keypad: Literal["ok", "fault"]
    case: Literal["ok", "fault"]
    journal: Literal["ok", "fault"]
    clock: Literal["unset", "rtc", "synced"]


def encode(document: Status | Offline | Info | Reader | Card | Health | Tamper) -> bytes:
    """The JSON payload of a retained document."""
    return msgspec.json.encode(document)
