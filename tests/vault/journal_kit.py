"""A journal in a file of the test, with a clock that moves when it is told to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from appliance.vault.journal import Event, Journal, Limits, Receive

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
BODY = bytes(range(32))


@dataclass
class Clock:
    now: datetime = START

    def __call__(self):
        return self.now


def event(name="inserted"):
    return Event("card", name, lambda seq: f'{{"seq":{seq}}}'.encode())


def dropped(first, last):
    return Event("journal", "dropped", lambda seq: f"{seq}:{first}-{last}".encode())


def receive(identifier="r1", peer="desk-one", body=BODY, correlation=b"\x01\x02"):
    return Receive(peer, identifier, body, "sign", f"rsp/{peer}/a", correlation, progress=False)


@dataclass
class Box:
    path: object
    clock: Clock = field(default_factory=Clock)
    limits: Limits | None = None

    def open(self):
        return Journal.open(self.path, wall=self.clock, dropped=dropped, limits=self.limits)
