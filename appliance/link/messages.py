"""The closed set of messages on the link between gateway and vault (design §2).

What it is: frozen tagged structs, one JSON object a line, byte strings as standard base64. What it is not: a place
that opens sockets (that is ``link.channel``) or that looks into payloads.
Rule: anything outside the set, too long or malformed is a ``LinkError``; no type can carry a secret of the person
(``tests/link`` holds the closed list of fields); nothing here prints a payload.
"""

from typing import Annotated, Final, Literal, TypeVar

import msgspec

from appliance.contract.events import Trust
from appliance.errors import LinkError

LINE_LIMIT: Final = 256 * 1024
"""Longest line in bytes, its newline included (contract, *Limits*)."""

EVENT_WINDOW: Final = 10_000
"""Unacknowledged events a gateway holds: the outbox's own size (design §2). One more breaks the link."""

Positive = Annotated[int, msgspec.Meta(ge=1)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Topic = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Correlation = Annotated[bytes, msgspec.Meta(max_length=1024)]
Client = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9-]{4,40}\Z")]
Verb = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z-]{0,31}\Z")]

DropReason = Literal["response-topic", "retained", "expiry", "too-large", "overflow"]
StateName = Literal["reader", "card", "health", "tamper"]
BoxState = Literal["starting", "online", "degraded", "updating"]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """What every message shares: it is frozen, tagged by ``type``, and its repr holds no payload."""

    def __repr__(self) -> str:
        shown = (
            f"{name}=<{len(value)} bytes>" if isinstance(value, bytes) else f"{name}={value!r}"
            for name, value in ((name, getattr(self, name)) for name in self.__struct_fields__)
        )
        return f"{type(self).__name__}({', '.join(shown)})"


# --- gateway -> vault ---------------------------------------------------------------------------------------------


class Hello(Message, frozen=True, tag="hello"):
    """First message of a gateway; ``version`` is the package's version."""

    version: Label


class Request(Message, frozen=True, tag="request"):
    """A request as it came: never parsed by the gateway. ``response_topic`` already belongs to ``client``."""

    client: Client
    verb: Verb
    payload: bytes
    response_topic: Topic
    correlation: Correlation | None = None


class Ack(Message, frozen=True, tag="ack"):
    """The broker has event ``seq`` (PUBACK), and all before it."""

    seq: Positive


class ReplyAck(Message, frozen=True, tag="reply-ack"):
    """The broker has the reply ``delivery`` (PUBACK). Sent for progress and final replies alike."""

    delivery: Positive


class Broker(Message, frozen=True, tag="broker"):
    """The broker is reached and our subscription stands, or not. Sent after ``Welcome`` and at each change."""

    connected: bool


class Addresses(Message, frozen=True, tag="addresses"):
    """The box's own addresses, for its display. Sent after ``Welcome`` and when the broker is reached."""

    addresses: Annotated[tuple[Label, ...], msgspec.Meta(max_length=8)]


class Dropped(Message, frozen=True, tag="dropped"):
    """``count`` messages on a request topic were not carried. ``client`` is None when several are meant."""

    client: Client | None
    reason: DropReason
    count: Positive = 1


# --- vault -> gateway ---------------------------------------------------------------------------------------------


class Welcome(Message, frozen=True, tag="welcome"):
    """The vault's answer to ``Hello``. ``since`` is RFC 3339; ``info`` is the JSON published on ``info``.

    ``last_acked`` is the event cursor (0: none yet), for the log only.
    """

    device: Client
    prefix: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9-]+(/[a-z0-9-]+){0,7}\Z", max_length=128)]
    boot_id: Label
    since: Label
    contract: Label
    info: bytes
    last_acked: Annotated[int, msgspec.Meta(ge=0)] = 0


class Event(Message, frozen=True, tag="event"):
    """A public event of the outbox; ``payload`` is the finished CloudEvent."""

    seq: Positive
    domain: Annotated[str, msgspec.Meta(pattern=r"\A[a-z]+(-[a-z]+)*\Z", max_length=32)]
    name: Annotated[str, msgspec.Meta(pattern=r"\A[a-z]+(-[a-z]+)*\Z", max_length=32)]
    payload: bytes


class Reply(Message, frozen=True, tag="reply"):
    """A reply to publish; ``expiry`` seconds from now. ``delivery`` comes back in ``ReplyAck``."""

    delivery: Positive
    response_topic: Topic
    correlation: Correlation | None
    payload: bytes
    expiry: Annotated[int, msgspec.Meta(ge=1, le=7 * 86_400)]
    final: bool


class State(Message, frozen=True, tag="state"):
    """The new content of a retained ``state/{name}``."""

    name: StateName
    payload: bytes


class Status(Message, frozen=True, tag="status"):
    """How the box is; published on ``status``. Until one comes after ``Welcome``, the box is online."""

    state: BoxState


# --- command line <-> vault, on the admin socket --------------------------------------------------------------------


class AskStatus(Message, frozen=True, tag="ask-status"):
    """How is the box?"""


class BoxStatus(Message, frozen=True, tag="box-status"):
    """How the box is: nothing of a person, nothing of a request.

    ``screen`` is the state of the flow, ``tamper`` that of the case as in ``state/tamper``, ``memory`` the kind that
    holds digits, ``last_seq`` and ``acknowledged`` the outbox's last event and the broker's last word.
    """

    version: Label
    device: Client
    boot_id: Label
    screen: Label
    reader: bool
    card: bool
    display: bool
    keypad: bool
    broker: bool
    tamper: Label
    requests: Label
    memory: Label
    last_seq: Annotated[int, msgspec.Meta(ge=0)]
    acknowledged: Annotated[int, msgspec.Meta(ge=0)]


class AskCard(Message, frozen=True, tag="ask-card"):
    """Which card is in?"""


class BoxCard(Message, frozen=True, tag="box-card", kw_only=True):
    """The card in the reader as it was read without a secret; the repr shows nobody.

    ``fault`` is None when the card was read, else the code of what keeps it from being read (``appliance.errors``,
    ``card-absent``, ``card-reading``, ``patient-card``); the card's own members are then None. ``atr`` is hex, empty
    without a card. Times are RFC 3339, UTC: the validity of the signature certificate, and the end of the period in
    which its private key may sign. ``structure`` is whom a card without a name was issued to.
    Counters are None when they are not known: ``tries_left`` after a right entry on the box, which fills it.
    """

    fault: Label | None
    reader: Label | None = None
    atr: Annotated[str, msgspec.Meta(max_length=80)] = ""
    family: Label | None = None
    serial: str | None = None
    number: str | None = None
    kind: Label | None = None
    holder: str | None = None
    structure: str | None = None
    profession: str | None = None
    specialties: tuple[str, ...] = ()
    rpps: str | None = None
    adeli: str | None = None
    test: bool | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    signs_until: str | None = None
    tries_left: int | None = None
    unblock_tries_left: int | None = None
    trust: Trust = "unknown"

    def __repr__(self) -> str:
        return f"BoxCard(fault={self.fault!r})"


class AskCase(Message, frozen=True, tag="ask-case"):
    """How is the box's own case?"""


class RearmCase(Message, frozen=True, tag="rearm-case"):
    """Its case was open and is closed again: let the box work."""


class BoxCase(Message, frozen=True, tag="box-case"):
    """The box's own case, as in ``state/tamper``.

    ``fault`` is why the box could not be armed: ``tamper-open``, or ``tamper-absent`` where no switch is fitted; None
    where it is armed, or nobody asked for that.
    """

    case: Label
    fault: Label | None = None


FromGateway = Hello | Request | Ack | ReplyAck | Broker | Addresses | Dropped
FromVault = Welcome | Event | Reply | State | Status
FromAdmin = AskStatus | AskCard | AskCase | RearmCase
ToAdmin = BoxStatus | BoxCard | BoxCase
LinkMessage = FromGateway | FromVault | FromAdmin | ToAdmin

_encoder = msgspec.json.Encoder()
_from_gateway: msgspec.json.Decoder[FromGateway] = msgspec.json.Decoder(FromGateway)
_from_vault: msgspec.json.Decoder[FromVault] = msgspec.json.Decoder(FromVault)
_from_admin: msgspec.json.Decoder[FromAdmin] = msgspec.json.Decoder(FromAdmin)
_to_admin: msgspec.json.Decoder[ToAdmin] = msgspec.json.Decoder(ToAdmin)


def encode(message: LinkMessage) -> bytes:
    """One line, newline included.

    Raises:
        LinkError: the line would pass ``LINE_LIMIT``.
    """
    line = _encoder.encode(message) + b"\n"
    if len(line) > LINE_LIMIT:
        raise LinkError(f"{type(message).__name__}: a line of {len(line)} bytes, at most {LINE_LIMIT}")
    return line


T = TypeVar("T")


def _decode(decoder: "msgspec.json.Decoder[T]", line: bytes) -> T:
    if len(line) > LINE_LIMIT:
        raise LinkError(f"a line of {len(line)} bytes, at most {LINE_LIMIT}")
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise LinkError(f"not a message of the link: {type(error).__name__}") from None


def decode_from_gateway(line: bytes) -> FromGateway:
    """What the vault reads.

    Raises:
        LinkError: not one message of the gateway's set.
    """
    return _decode(_from_gateway, line)


def decode_from_vault(line: bytes) -> FromVault:
    """What the gateway reads.

    Raises:
        LinkError: not one message of the vault's set.
    """
    return _decode(_from_vault, line)


def decode_from_admin(line: bytes) -> FromAdmin:
    """What the vault reads on the admin socket.

    Raises:
        LinkError: not one message of the command line's set.
    """
    return _decode(_from_admin, line)


def decode_to_admin(line: bytes) -> ToAdmin:
    """What the command line reads.

    Raises:
        LinkError: not one message of the vault's set on the admin socket.
    """
    return _decode(_to_admin, line)
