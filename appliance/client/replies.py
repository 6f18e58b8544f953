"""Replies to requests that are under way, each under the Correlation Data of its request (contract, *Requests*).

What it is: ``Replies``, filled by the network's thread and read by those who asked. What it is not: a connection
(``transport``). Rule: who waits is woken by the reply itself; a reply that nobody asked for is dropped.
"""

import queue
import secrets
import time
from collections.abc import Iterator
from typing import Any, Final

from appliance.errors import ApplianceError

CORRELATION: Final = 16
"""Random bytes of Correlation Data: enough that no other request has the same."""

Reply = dict[str, Any]


class TransportError(ApplianceError):
    """The broker cannot be reached or refuses, or no answer came in time."""

    code = "transport"


class Replies:
    """What came for each request that was sent; safe to use from several threads."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, queue.SimpleQueue[Reply]] = {}

    def expect(self) -> bytes:
        """Fresh Correlation Data, whose replies are kept from now on."""
        correlation = secrets.token_bytes(CORRELATION)
        self._waiting[correlation] = queue.SimpleQueue()
        return correlation

    def forget(self, correlation: bytes) -> None:
        """Keep no more replies of a request."""
        self._waiting.pop(correlation, None)

    def put(self, correlation: bytes, reply: Any) -> None:  # noqa: ANN401 -- any JSON value
        """A reply came; one that is no JSON object, or that answers nothing of ours, is none."""
        waiting = self._waiting.get(correlation)
        if waiting is not None and isinstance(reply, dict):
            waiting.put(reply)

    def until_final(self, correlation: bytes, timeout: float) -> Iterator[Reply]:
        """The replies as they come, the final one last; the time runs from this call, not from the first reply.

        Raises:
            TransportError: from the iterator, when the final one did not come within ``timeout`` seconds.
        """
        return self._take(correlation, self._waiting[correlation], time.monotonic() + timeout)

    def _take(self, correlation: bytes, replies: "queue.SimpleQueue[Reply]", deadline: float) -> Iterator[Reply]:
        try:
            while True:
                try:
                    reply = replies.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    raise TransportError("no final reply in time") from None
                yield reply
                if reply.get("final"):
                    return
        finally:
            self.forget(correlation)
