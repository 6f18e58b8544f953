"""Events of the box as CloudEvents 1.0, structured JSON (contract, *Event*).

What it is: the closed table of event names, the data of those that exist today, and ``cloud_event``. What it is not:
the outbox (``vault.journal`` gives ``seq`` and time).
Rule: no event holds a name, an RPPS number or a serial; a holder is a pseudonym, a card its random ``cardSession``.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.contract import MAJOR
from appliance.contract.messages import Format, Pseudonym, Shown
from appliance.contract.topics import Topics

TYPE_PREFIX: Final = "fr.cps-appliance"

Code = Annotated[str, Meta(pattern=r"^[a-z]+(-[a-z]+)*$(?!\n)", max_length=40)]
Family = Literal["cps3", "cps4", "unknown"]

Trust = Literal["good", "untrusted", "expired", "not-yet-valid", "unknown"]
"""What the chain of a card's certificates is worth; ``unknown`` while the clock is not to be trusted."""

Revocation = Literal["good", "revoked", "unknown"]
"""What the lists of the authorities say of a certificate; ``unknown``: nobody has looked."""


class Data(Struct, frozen=True, rename="camel", kw_only=True):
    """The ``data`` of an event."""


class Empty(Data, frozen=True):
    """Nothing to say beyond the name of the event."""


class Fault(Data, frozen=True):
    """What is wrong, as a stable code."""

    code: Code


class CardInserted(Data, frozen=True):
    """A card that answers like a CPS; ``family`` by its ATR."""

    card_session: Pseudonym
    family: Family


class CardIdentified(Data, frozen=True):
    """A claim: public data of a card can be cloned. ``test`` marks a test card; ``trust`` is the signature chain's."""

    card_session: Pseudonym
    family: Family
    holder: Pseudonym
    test: bool
    trust: Trust
    revocation: Revocation = "unknown"
    assurance: Literal["claimed", "proven"] = "claimed"


class CardRemoved(Data, frozen=True):
    """The card left; ``card_session`` is over."""

    card_session: Pseudonym


class CardForgotten(Data, frozen=True):
    """Nobody has wanted anything of the card for long, or its hour to be out has come: once an insertion."""

    card_session: Pseudonym


class CardUnreadable(Data, frozen=True):
    """Something is in the reader that cannot be read; ``code`` says why."""

    card_session: Pseudonym
    code: Code


class PinVerified(Data, frozen=True):
    """The card took the code."""

    card_session: Pseudonym
    holder: Pseudonym


class PinWrong(Data, frozen=True):
    """The card refused the code. ``tries_left`` is said only when at most 1."""

    card_session: Pseudonym
    holder: Pseudonym
    tries_left: Annotated[int, Meta(ge=0, le=1)] | UnsetType = UNSET


class PinBlocked(Data, frozen=True):
    """No try is left."""

    card_session: Pseudonym
    holder: Pseudonym


class PinChanged(Data, frozen=True):
    """The person changed the code on the box."""

    card_session: Pseudonym
    holder: Pseudonym


class PinUnblocked(Data, frozen=True):
    """The code de déblocage gave the card a new code."""

    card_session: Pseudonym
    holder: Pseudonym


class SessionOpened(Data, frozen=True):
    """From now on ``client`` gets signatures of ``format`` without the code, never without the person's agreement.

    At most ``signatures`` more, within ``seconds``.
    """

    client: str
    card_session: Pseudonym
    holder: Pseudonym
    format: Format
    signatures: Annotated[int, Meta(ge=1)]
    seconds: Annotated[int, Meta(ge=1)]


class SessionClosed(Data, frozen=True):
    """The code is needed again.

    ``reason``: removed, reset, key, expired, count, fault, tamper or stopped. ``signatures`` were made in the session,
    those of the request that opened it included.
    """

    client: str
    card_session: Pseudonym
    holder: Pseudonym
    reason: Code
    signatures: Annotated[int, Meta(ge=0)]


class DoorOpened(Data, frozen=True):
    """The relay was pulsed. ``method`` is ``pin`` when the card proved itself, ``presence`` when it was only there."""

    card_session: Pseudonym
    holder: Pseudonym
    method: Literal["pin", "presence"]


class DoorRefused(Data, frozen=True):
    """The door stayed shut; ``code`` says why."""

    card_session: Pseudonym
    holder: Pseudonym
    code: Code


class SignCompleted(Data, frozen=True):
    """Every document of a request was signed. ``shown`` is ``content`` only when it was for each of them."""

    client: str
    request: str
    holder: Pseudonym
    card_session: Pseudonym
    format: Format
    documents: int
    shown: Shown


class SignRefused(Data, frozen=True):
    """A person or a rule ended the request before any signature; ``code`` of ``contract.problems``."""

    client: str
    request: str
    code: Code


class SignFailed(Data, frozen=True):
    """The request ended in the middle: ``signed`` documents were signed."""

    client: str
    request: str
    code: Code
    signed: int


class Started(Data, frozen=True):
    """The vault is up."""

    version: str
    contract: str


class Stopping(Data, frozen=True):
    """The vault goes down on purpose."""

    reason: Code


class JournalDropped(Data, frozen=True):
    """Events ``from`` … ``to`` left the outbox before a broker had them."""

    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")


EVENTS: Final[dict[tuple[str, str], type[Data] | None]] = {
    ("reader", "attached"): Empty,
    ("reader", "lost"): Empty,
    ("reader", "busy"): Empty,
    ("reader", "fault"): Fault,
    ("card", "inserted"): CardInserted,
    ("card", "identified"): CardIdentified,
    ("card", "removed"): CardRemoved,
    ("card", "unreadable"): CardUnreadable,
    ("card", "expiring"): None,
    ("card", "expired"): None,
    ("card", "renewed"): None,
    ("card", "denied"): None,
    ("card", "forgotten"): CardForgotten,
    ("patient-card", "inserted"): Empty,
    ("patient-card", "removed"): Empty,
    ("pin", "verified"): PinVerified,
    ("pin", "wrong"): PinWrong,
    ("pin", "blocked"): PinBlocked,
    ("pin", "changed"): PinChanged,
    ("pin", "unblocked"): PinUnblocked,
    ("sign", "completed"): SignCompleted,
    ("sign", "refused"): SignRefused,
    ("sign", "failed"): SignFailed,
    ("auth", "completed"): None,
    ("auth", "refused"): None,
    ("auth", "failed"): None,
    ("session", "opened"): SessionOpened,
    ("session", "closed"): SessionClosed,
    ("door", "opened"): DoorOpened,
    ("door", "refused"): DoorRefused,
    ("tamper", "opened"): Empty,
    ("tamper", "closed"): Empty,
    ("pairing", "added"): None,
    ("pairing", "removed"): None,
    ("keypad", "fault"): Fault,
    ("display", "fault"): Fault,
    ("system", "started"): Started,
    ("system", "stopping"): Stopping,
    ("system", "fault"): Fault,
    ("journal", "dropped"): JournalDropped,
}
"""Every event of the contract, version 1; None where nothing in this version of the box makes it."""


class CloudEvent(Struct, frozen=True, kw_only=True):
    """The envelope; its member names are CloudEvents' own, in lower case (CloudEvents 1.0 §3.1)."""

    id: str
    source: str
    type: str
    time: str
    seq: int
    journalid: str
    bootid: str
    data: Data
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"


def event_type(domain: str, name: str) -> str:
    """``fr.cps-appliance.{domain}.{name}.v1``."""
    return f"{TYPE_PREFIX}.{domain}.{name}.v{MAJOR}"


def cloud_event(  # noqa: PLR0913 -- one keyword for each attribute that CloudEvents and the contract ask for
    topics: Topics,
    domain: str,
    name: str,
    data: Data,
    *,
    id: str,  # noqa: A002 -- CloudEvents' own attribute name
    time: str,
    seq: int,
    journal_id: str,
    boot_id: str,
) -> bytes:
    """The JSON payload of one event. ``id`` is a UUID, ``time`` RFC 3339, ``seq`` from 1.

    Raises:
        ValueError: no such event, or ``data`` is not of its type: a mistake of the caller.
    """
    if EVENTS.get((domain, name)) is not type(data):
        raise ValueError(f"{domain}/{name} does not carry {type(data).__name__}")
    return msgspec.json.encode(
        CloudEvent(
            id=id,
            source=topics.root,
            type=event_type(domain, name),
            time=time,
            seq=seq,
            journalid=journal_id,
            bootid=boot_id,
            data=data,
        )
    )
