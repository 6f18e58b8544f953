"""What goes where between link and MQTT (design §2, contract *Topics*).

What it is: pure tables: a link message becomes a publication, an arrival on a request topic becomes a ``Request`` or
a refusal. What it is not: a parser of payloads, a keeper of state.
Rule: an arrival is carried unchanged or dropped with a reason the vault journals; the gateway itself answers only what
is too large or retained (design §2), and only on a Response Topic of the same client.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from appliance.contract import state
from appliance.contract.limits import EVENT_EXPIRY, PLAIN_BODY, REQUEST_EXPIRY
from appliance.contract.problems import problem
from appliance.contract.topics import Topics
from appliance.errors import LinkError
from appliance.link.messages import Dropped, DropReason, Event, Reply, Request, State, Welcome

QOS: Final[dict[str, Literal[0, 1]]] = {"reader": 1, "card": 1, "health": 0, "tamper": 1}
"""QoS of ``state/{name}`` (contract, *Topics*); all else is QoS 1."""

REFUSAL_EXPIRY: Final = REQUEST_EXPIRY
CORRELATION_LIMIT: Final = 1024


@dataclass(frozen=True, slots=True)
class Publication:
    """What to publish. ``expiry`` in seconds (MQTT 5 Message Expiry Interval), None for none."""

    topic: str
    payload: bytes
    qos: Literal[0, 1] = 1
    retain: bool = False
    expiry: int | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came on a subscription, with the MQTT 5 properties that matter."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry: int | None = None
    response_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not carried: ``dropped`` goes to the vault's journal, ``answer`` to the client when there is one."""

    dropped: Dropped
    answer: Publication | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    """One reason not to carry an arrival; ``code`` makes it one that is answered."""

    reason: DropReason
    broken: Callable[[Arrival], bool]
    code: str | None = None
    detail: str | None = None
    limit: int | None = None


_RULES: Final = (
    _Rule(
        "retained",
        lambda arrival: arrival.retain,
        code="malformed",
        detail="a retained message is not a request",
    ),
    _Rule("expiry", lambda arrival: arrival.expiry is None or arrival.expiry > REQUEST_EXPIRY),
    _Rule(
        "too-large",
        lambda arrival: len(arrival.payload) > PLAIN_BODY,
        code="too-large",
        detail=f"at most {PLAIN_BODY} bytes",
        limit=PLAIN_BODY,
    ),
)
"""In this order, after the Response Topic was found to be the client's own."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """The tables for one box."""

    topics: Topics
    boot_id: str
    since: str
    contract: str

    @classmethod
    def of(cls, welcome: Welcome) -> "Bridge":
        """The bridge that the vault's ``Welcome`` describes.

        Raises:
            ValueError: device or prefix cannot stand in a topic.
        """
        return cls(Topics(welcome.prefix, welcome.device), welcome.boot_id, welcome.since, welcome.contract)

    # --- link -> MQTT ---------------------------------------------------------------------------------------------

    def status(self, box: state.BoxState) -> Publication:
        """Birth, and each change while connected."""
        document = state.Status(state=box, boot_id=self.boot_id, since=self.since, contract=self.contract)
        return Publication(self.topics.status, state.encode(document), retain=True)

    def offline(self, reason: state.OfflineReason) -> Publication:
        """The last will (``lwt``), and the farewell (``vault``, ``stopped``)."""
        document = state.Offline(boot_id=self.boot_id, reason=reason)
        return Publication(self.topics.status, state.encode(document), retain=True)

    def info(self, payload: bytes) -> Publication:
        """The box's self-description."""
        return Publication(self.topics.info, payload, retain=True)

    def state(self, message: State) -> Publication:
        """A retained ``state/{name}``."""
        return Publication(self.topics.state(message.name), message.payload, qos=QOS[message.name], retain=True)

    def event(self, message: Event) -> Publication:
        """An event; it expires 7 days from publishing."""
        return Publication(self.topics.event(message.domain, message.name), message.payload, expiry=EVENT_EXPIRY)

    def reply(self, message: Reply, waited: float = 0.0) -> Publication | None:
        """A reply that waited some seconds in the gateway; None when its life is over.

        Raises:
            LinkError: the vault names a topic that is no Response Topic of this box.
        """
        if not self.topics.is_reply(message.response_topic):
            raise LinkError("a reply to a topic that is none of ours")
        left = message.expiry - int(waited)
        if left < 1:
            return None
        return Publication(message.response_topic, message.payload, expiry=left, correlation=message.correlation)

    # --- MQTT -> link ---------------------------------------------------------------------------------------------

    def arrive(self, arrival: Arrival) -> Request | Refusal | None:
        """Carry, refuse, or None for a topic that is no request topic (it can then name no client)."""
        parsed = self.topics.parse_request(arrival.topic)
        if parsed is None:
            return None
        client, verb = parsed
        target = arrival.response_topic
        if target is None or not self.topics.reply_allowed(client, target):
            return Refusal(Dropped(client, "response-topic"))
        if arrival.correlation is not None and len(arrival.correlation) > CORRELATION_LIMIT:
            return Refusal(Dropped(client, "too-large"))
        for rule in _RULES:
            if rule.broken(arrival):
                return Refusal(Dropped(client, rule.reason), _answer(rule, target, arrival.correlation))
        return Request(client, verb, arrival.payload, target, arrival.correlation)


def _answer(rule: _Rule, target: str, correlation: bytes | None) -> Publication | None:
    if rule.code is None:
        return None
    body = problem(None, rule.code, rule.detail, limit=rule.limit)
    return Publication(target, body, expiry=REFUSAL_EXPIRY, correlation=correlation)
