"""What a driver is, and what it finds.

What it is: ``CardIdentity``, the result of ``identify``, and the ``Driver`` protocol that all dialects share. What it
is not: a dialect. Rule: whoever uses a card sees only these two; the family's name is for events and logs.
"""

import dataclasses
from typing import Protocol

from appliance.card.certificate import Certificate
from appliance.card.holder import Holder
from appliance.card.layout import Layout
from appliance.card.script import Script


@dataclasses.dataclass(frozen=True, slots=True)
class CardIdentity:
    """One card as found; ``repr`` shows no person and no serial.

    ``serial`` is the chip's, eight digits for CPS3; not the printed card number. ``tries_left`` and ``puk_tries_left``
    are counters read without consuming a try; the latter is None on a card that describes no PUK.
    """

    family: str
    serial: str = dataclasses.field(repr=False)
    layout: Layout
    signature: Certificate
    authentication: Certificate
    holder: Holder
    tries_left: int
    puk_tries_left: int | None


class Driver(Protocol):
    """One dialect of CPx card; stateless, every method gives a fresh script."""

    @property
    def family(self) -> str:
        """Stable name of the dialect ("cps3")."""

    def identify(self) -> Script[CardIdentity]:
        """Read everything that needs no PIN."""

    def tries_left(self, layout: Layout) -> Script[int]:
        """The PIN's counter."""

    def verify(self, layout: Layout) -> Script[None]:
        """One try of the PIN in the locked page."""

    def sign(self, layout: Layout, message: bytes, *, selected: bool = True) -> Script[bytes]:
        """RSASSA-PKCS1-v1_5 with SHA-256 by the signature key."""

    def authenticate(self, layout: Layout, digest: bytes, *, selected: bool = True) -> Script[bytes]:
        """RSASSA-PKCS1-v1_5 by the authentication key over a SHA-256 digest."""
