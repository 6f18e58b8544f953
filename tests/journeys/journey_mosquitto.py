"""Practice software made of mosquitto's own programs: one that listens, one that asks.

What it is: ``mosquitto_sub``, ``mosquitto_pub`` and ``mosquitto_rr`` as processes, MQTT 5. What it is not: code of ours
on the wire: what they print is what the broker gave them.
Rule: every wait is bounded, and ends with what was printed so far.
"""

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from journey_kit import CLIENT, TIMEOUT

from appliance.contract.topics import Topics

TOPICS = Topics("cpsr/v1", "cps-demo")
EXPIRY = 60


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as ``mosquitto_sub -F %J`` prints it; ``topic`` is below the device."""

    topic: str
    body: dict
    properties: dict = field(default_factory=dict)

    @classmethod
    def of(cls, line: str) -> "Heard":
        printed = json.loads(line)
        return cls(printed["topic"].removeprefix(f"{TOPICS.root}/"), printed["payload"], printed.get("properties", {}))


def _program(name: str, port: int, *options: str) -> list[str]:
    return [name, "-V", "mqttv5", "-h", "127.0.0.1", "-p", str(port), "-q", "1", *options]


def _request(verb: str, body: dict, correlation: str) -> list[str]:
    properties = (("message-expiry-interval", str(EXPIRY)), ("correlation-data", correlation))
    given = [word for name, value in properties for word in ("-D", "publish", name, value)]
    return [*given, "-t", TOPICS.request(CLIENT, verb), "-m", json.dumps(body)]


class Listener:
    """A ``mosquitto_sub`` on everything below the device; a context manager that has heard the box's ``status``."""

    def __init__(self, port: int) -> None:
        self._command = _program("mosquitto_sub", port, "-t", f"{TOPICS.root}/#", "-F", "%J")
        self._news = threading.Condition()
        self.heard: list[Heard] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._listen, name="mosquitto_sub", daemon=True)
        self._thread.start()
        self.wait(lambda message: message.topic == "status" and message.body["state"] == "online")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(TIMEOUT)
        self._thread.join(TIMEOUT)

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as printed:
            for line in printed:
                with self._news:
                    self.heard.append(Heard.of(line))
                    self._news.notify_all()

    def wait(self, wanted: Callable[[Heard], bool]) -> Heard:
        """The first message that is wanted, of those that came and those that come."""
        found: list[Heard] = []

        def is_there() -> bool:
            found[:] = [message for message in self.heard if wanted(message)]
            return bool(found)

        with self._news:
            assert self._news.wait_for(is_there, TIMEOUT), [message.topic for message in self.heard]
        return found[0]

    def event(self, name: str) -> Heard:
        return self.wait(lambda message: message.topic == f"evt/{name}")

    def final(self, request: str) -> Heard:
        return self.wait(lambda message: is_reply(message, request) and message.body["final"])

    def replies(self, request: str) -> list[Heard]:
        """Every reply to a request so far."""
        with self._news:
            return [message for message in self.heard if is_reply(message, request)]

    def events(self) -> list[Heard]:
        """Every event so far."""
        with self._news:
            return [message for message in self.heard if message.topic.startswith("evt/")]


def is_reply(message: Heard, request: str) -> bool:
    """Whether it answers the request with this id."""
    return message.topic.startswith("rsp/") and message.body["id"] == request


class Requester:
    """A ``mosquitto_rr`` on its way: it asks, waits for one reply, prints it and leaves."""

    def __init__(self, port: int, verb: str, body: dict, correlation: str) -> None:
        where = ("-e", TOPICS.reply(CLIENT, "rr"), "-F", "%J", "-W", str(round(TIMEOUT)))
        command = [*_program("mosquitto_rr", port, *where), *_request(verb, body, correlation)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def reply(self) -> Heard:
        """What it printed, once it has left."""
        printed, _ = self._process.communicate(timeout=2 * TIMEOUT)
        assert self._process.returncode == 0, printed
        (line,) = printed.splitlines()
        return Heard.of(line)


def publish_request(port: int, verb: str, body: dict, correlation: str) -> None:
    """Ask with ``mosquitto_pub`` and leave: the replies are for whoever listens."""
    where = ("-D", "publish", "response-topic", TOPICS.reply(CLIENT, "pub"))
    command = [*_program("mosquitto_pub", port, *where), *_request(verb, body, correlation)]
    subprocess.run(command, check=True, timeout=TIMEOUT)
