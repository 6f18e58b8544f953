"""Topics of one box, below ``{prefix}/{device}`` (contract, *Topics*).

What it is: the only place that puts topics together or takes them apart. What it is not: a client.
Rule: a name from outside enters a topic only after it matched ``[a-z0-9-]{4,40}``; a reply goes only to ``rsp/`` of
the client that asked, never to a filter.
"""

import re
from dataclasses import dataclass
from typing import Final

DEFAULT_PREFIX: Final = "cpsr/v1"
TOPIC_LIMIT: Final = 512
"""Longest topic in characters that the box takes or makes."""

_NAME: Final = re.compile(r"[a-z0-9-]{4,40}")
_VERB: Final = re.compile(r"[a-z][a-z-]{0,31}")
_PREFIX: Final = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+){0,7}")
_LEVEL: Final = re.compile(r"[!-~]+")  # printable ASCII without space
_WILDCARDS: Final = frozenset("+#")


def is_name(text: str) -> bool:
    """Whether ``text`` may stand as a device or client in a topic."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device.

    Raises:
        ValueError: ``device`` is no name, or ``prefix`` is not levels of ``[a-z0-9-]``.
    """

    prefix: str
    device: str

    def __post_init__(self) -> None:
        if not is_name(self.device):
            raise ValueError("device: 4 to 40 characters a-z 0-9 -")
        if _PREFIX.fullmatch(self.prefix) is None:
            raise ValueError("prefix: levels of a-z 0-9 -")

    @property
    def root(self) -> str:
        """``{prefix}/{device}``; also the ``source`` of events."""
        return f"{self.prefix}/{self.device}"

    @property
    def status(self) -> str:
        """Retained; the last will stands here too."""
        return f"{self.root}/status"

    @property
    def info(self) -> str:
        """Retained self-description."""
        return f"{self.root}/info"

    def state(self, name: str) -> str:
        """Retained ``state/{name}``."""
        return f"{self.root}/state/{name}"

    def event(self, domain: str, name: str) -> str:
        """``evt/{domain}/{name}``."""
        return f"{self.root}/evt/{domain}/{name}"

    @property
    def request_filter(self) -> str:
        """What the gateway subscribes to."""
        return f"{self.root}/req/+/+"

    def request(self, client: str, verb: str) -> str:
        """Where ``client`` asks.

        Raises:
            ValueError: ``client`` or ``verb`` cannot stand in a topic.
        """
        if not is_name(client) or _VERB.fullmatch(verb) is None:
            raise ValueError("client: 4 to 40 characters a-z 0-9 -; verb: a-z -")
        return f"{self.root}/req/{client}/{verb}"

    def reply(self, client: str, tail: str = "") -> str:
        """A Response Topic of ``client``: ``rsp/{client}`` or ``rsp/{client}/{tail}``.

        Raises:
            ValueError: the result is none that ``reply_allowed`` takes.
        """
        topic = f"{self.root}/rsp/{client}" + (f"/{tail}" if tail else "")
        if not self.reply_allowed(client, topic):
            raise ValueError("not a response topic")
        return topic

    def parse_request(self, topic: str) -> tuple[str, str] | None:
        """``(client, verb)`` of a request topic; None when it is not one. The verb may be one nobody knows."""
        head = f"{self.root}/req/"
        if not topic.startswith(head):
            return None
        client, slash, verb = topic.removeprefix(head).partition("/")
        if not slash or not is_name(client) or _VERB.fullmatch(verb) is None:
            return None
        return client, verb

    def reply_allowed(self, client: str, response_topic: str | None) -> bool:
        """Whether the box may answer ``client`` there: below ``rsp/`` of the same client, and a name, no filter."""
        if response_topic is None or len(response_topic) > TOPIC_LIMIT or not is_name(client):
            return False
        head = f"{self.root}/rsp/{client}"
        if response_topic == head:
            return True
        tail = response_topic.removeprefix(f"{head}/")
        return (
            tail != response_topic
            and not _WILDCARDS.intersection(tail)
            and all(_LEVEL.fullmatch(level) for level in tail.split("/"))
        )

    def is_reply(self, topic: str) -> bool:
        """Whether ``topic`` is a Response Topic of some client of this box."""
        head = f"{self.root}/rsp/"
        return topic.startswith(head) and self.reply_allowed(topic.removeprefix(head).partition("/")[0], topic)
