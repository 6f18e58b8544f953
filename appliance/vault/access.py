"""Who may ask for what, and how often.

What it is: the rights and the rate of practice software in ``broker`` mode (contract, *Trust* and *Limits*). What it is
not: authentication: in this mode the broker's TLS identity and ACL stand for the client's name.
Rule: the checks come in the contract's order, and each failure is an error of the tree with the contract's code.
"""

from collections import deque
from collections.abc import Callable, Mapping

from appliance.config import Config
from appliance.contract.messages import (
    CancelRequest,
    IdentityRequest,
    PingRequest,
    PracticeRequest,
    Request,
    SignRequest,
)
from appliance.errors import NotAllowed, SchemaInvalid

MINUTE = 60.0


def _right_to_sign(request: SignRequest) -> str:
    """``raw`` can make any structure, hence its own right."""
    return "sign-raw" if request.format == "raw" else "sign"


RIGHTS: Mapping[type, Callable[..., str | None]] = {
    SignRequest: _right_to_sign,
    IdentityRequest: lambda _request: "identity",
    PracticeRequest: lambda _request: "practice",
    PingRequest: lambda _request: None,
    CancelRequest: lambda _request: None,
}
"""Request -> the right it needs; None needs none (``cancel`` is the opener's own, which the flow checks)."""


def check(config: Config, client: str, request: Request) -> None:
    """Return when ``client`` may send ``request``.

    Raises:
        NotAllowed: requests are off, or the right is missing.
        SchemaInvalid: a batch whose results could never be told, since each travels in a progress reply.
    """
    if config.mqtt.requests == "off":
        raise NotAllowed("this box takes no requests")
    right = RIGHTS[type(request)](request)
    if right is not None and right not in config.rights_of(client):
        raise NotAllowed(f"the right {right} is missing")
    if isinstance(request, SignRequest) and not request.progress and len(request.documents) > 1:
        raise SchemaInvalid("progress: false carries one document")


class Rates:
    """How many requests that prompt a person each client has opened in the last minute."""

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._taken: dict[str, deque[float]] = {}

    def wait(self, client: str, now: float) -> float:
        """Take one at ``now`` (monotonic seconds): 0.0 when granted, else the seconds until the next may come."""
        self._taken = {known: times for known, times in self._taken.items() if times[-1] > now - MINUTE}
        taken = self._taken.setdefault(client, deque())
        while taken and taken[0] <= now - MINUTE:
            taken.popleft()
        if len(taken) >= self._limit:
            return taken[0] + MINUTE - now
        taken.append(now)
        return 0.0
