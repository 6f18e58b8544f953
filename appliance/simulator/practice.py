"""A small practice software: sends a sample request, hears everything, and has openssl judge what it gets.

What it is: the shipped client with two sample documents. What it is not: software for a practice.
Rule: what it says of a signature is what the openssl program says of the document that was sent.
"""

import base64
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from appliance.client.transport import Client, Message
from appliance.errors import ApplianceError, SimulatorError
from appliance.simulator.demo import DOCUMENT, TITLE
from appliance.simulator.launch import DEVICE
from appliance.simulator.proof import judge

Kind = Literal["asked", "heard", "good", "bad", "desk"]
Tell = Callable[[Kind, str], None]
ROUTINE: Final = frozenset({"id", "phase", "final", "type", "title", "code"})
"""Members of a reply that are told before the others, or say nothing to a person."""


SOON: Final = 2.0
"""Seconds between the events of a start, at most."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A document to be signed, and how the box shows it."""

    title: str
    media_type: str
    content: bytes
    shown: str


TEXT: Final = Sample(TITLE, "text/plain;charset=utf-8", DOCUMENT.encode(), "shown whole")
PDF: Final = Sample(
    "Compte rendu de soins.pdf",
    "application/pdf",
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    "shown by title only",
)


class Software:
    """One connection; a context manager.

    Args:
        url: of the broker.
        name: this client's name in topics, on the display and in the box's rights.
        folder: where documents and signatures go; ``root.pem`` and ``intermediate.pem`` in it are the authorities
            that chains are judged by, if they are there.
        tell: called with everything that is sent and heard, also from other threads.

    Raises:
        TransportError: from ``with``, when the broker cannot be reached.
    """

    def __init__(self, url: str, name: str, folder: Path, tell: Tell) -> None:
        self.url = url
        self.client = Client(url, DEVICE, name, on_message=self._hear)
        self._folder, self._tell = folder, tell
        self._last: str | None = None
        self._files = threading.Lock()

    def __enter__(self) -> Self:
        self.client.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    @property
    def online(self) -> bool:
        """Whether the box says on the broker that it is there."""
        status = self.client.latest("status")
        return isinstance(status, dict) and status.get("state") == "online"

    def wait_ready(self, timeout: float) -> None:
        """Wait until the box is there, and has said all that it says at its start if that comes soon.

        Raises:
            TransportError: not within ``timeout`` seconds.
        """
        self.client.wait_online(timeout)
        for event in self.client.events(SOON):
            if event.topic == "evt/reader/attached":
                return

    def ask(self, sample: Sample) -> None:
        """Send a request; its replies are told as they come.

        Raises:
            TransportError: the broker is away.
        """
        self._last = str(uuid.uuid4())
        document = {"kind": "content", "mediaType": sample.media_type, "title": sample.title}
        data = base64.b64encode(sample.content).decode()
        body = {"id": self._last, "documents": [document | {"data": data}], "format": "raw"}
        replies = self.client.request("sign", body)
        self._tell("asked", f"req sign  “{sample.title}” ({sample.media_type}), {sample.shown}")
        self._follow("sign", replies, sample)

    def cancel(self) -> None:
        """Cancel what was asked last.

        Raises:
            SimulatorError: nothing was asked. TransportError: the broker is away.
        """
        if self._last is None:
            raise SimulatorError("nothing was asked yet")
        replies = self.client.request("cancel", {"target": self._last})
        self._tell("asked", "req cancel")
        self._follow("cancel", replies, None)

    def _follow(self, verb: str, replies: Iterator[dict[str, Any]], sample: Sample | None) -> None:
        thread = threading.Thread(target=self._listen, args=(verb, replies, sample), name=f"rsp {verb}", daemon=True)
        thread.start()

    def _listen(self, verb: str, replies: Iterator[dict[str, Any]], sample: Sample | None) -> None:
        try:
            for reply in replies:
                self._tell("heard", f"rsp {verb}  {_summary(reply)}")
                if sample is not None and reply.get("phase") == "done":
                    self._judge(sample, reply["result"])
        except ApplianceError as error:
            self._tell("bad", f"rsp {verb}: {error}")

    def _hear(self, message: Message) -> None:
        body = message.body.get("data", message.body) if message.topic.startswith("evt/") else message.body
        self._tell("heard", f"{message.topic}  {json.dumps(body, ensure_ascii=False)}")

    def _judge(self, sample: Sample, result: dict[str, Any]) -> None:
        signature, certificate = (base64.b64decode(result[name]) for name in ("signature", "certificate"))
        with self._files:
            document = self._folder / "document"
            document.write_bytes(sample.content)
            verdict = judge(self._folder, document, signature, certificate)
        known = (self._folder / "root.pem").exists()
        chain = ("chain OK" if verdict.chain else "chain FAILS") if known else "chain not checked (not our authorities)"
        good = verdict.signature and (verdict.chain or not known)
        self._tell("good" if good else "bad", f"openssl: signature {'OK' if verdict.signature else 'FAILS'}, {chain}")


def _summary(reply: dict[str, Any]) -> str:
    """What matters first: a phase, and of a problem its code."""
    rest = {name: member for name, member in reply.items() if name not in ROUTINE}
    told = [str(reply[name]) for name in ("phase", "code", "title") if name in reply]
    return "  ".join((*told, json.dumps(rest, ensure_ascii=False) if rest else ""))
