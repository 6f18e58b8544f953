"""What a driver is, and what it finds.

What it is: ``CardIdentity``, the result of ``identify``, and the ``Driver`` protocol that all dialects share. What it
is not: a dialect. Rule: whoever uses a card sees only these two; the family's name is for events and logs.
"""

import dataclasses
from collections.abc import Mapping
from typing import Protocol

from appliance.card.activity import Situation
from appliance.card.certificate import Certificate
from appliance.card.holder import Holder
from appliance.card.layout import Layout
from appliance.card.script import Script


@dataclasses.dataclass(frozen=True, slots=True)
class CardIdentity:
    """One card as found; ``repr`` shows no person and no serial.

    ``serial`` is the chip's, eight digits for CPS3; not the printed card number. ``tries_left`` and ``puk_tries_left``
    are counters read without consuming a try; the latter is None on a card that describes no PUK, and where it was not
    read (a known card: it is read afresh before it is needed).
    """

    family: str
    serial: str = dataclasses.field(repr=False)
    layout: Layout
    signature: Certificate
    authentication: Certificate
    holder: Holder
    tries_left: int
    puk_tries_left: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """A card that was read before: what must still be the same for the rest to be believed.

    ``update`` is the content of EF_ACTUA, None when the card has none; ``directory`` the bytes of the CDF as read.
    """

    update: bytes | None = dataclasses.field(repr=False)
    directory: bytes = dataclasses.field(repr=False)
    identity: CardIdentity

    def counted(self, tries: int) -> "Known":
        """The same card with its PIN counter as just read; the other counter is not known any more."""
        return dataclasses.replace(
            self, identity=dataclasses.replace(self.identity, tries_left=tries, puk_tries_left=None)
        )


Memory = Mapping[str, Known]
"""Chip serial -> what was read of that card, the card met last at the end; kept in memory only (design §2)."""

REMEMBERED = 32
"""Cards of a practice, and more."""


def remember(memory: Memory, known: Known) -> Memory:
    """A new memory with ``known`` in it, and at most ``REMEMBERED`` cards: those met last."""
    serial = known.identity.serial
    others = [item for item in memory.items() if item[0] != serial]
    return dict([*others, (serial, known)][-REMEMBERED:])


def forget(memory: Memory, serial: str) -> Memory:
    """A new memory without that card: what it is, is read from the start when it comes again."""
    return {other: known for other, known in memory.items() if other != serial}


class Driver(Protocol):
    """One dialect of CPx card; stateless, every method gives a fresh script.

    ``verify``, ``change`` and ``unblock`` follow the counter of their code in the same transaction: reading it also
    gets a CPS4's applet back, which no command with a secret does.
    """

    @property
    def family(self) -> str:
        """Stable name of the dialect ("cps3")."""

    def identify(self, memory: Memory) -> Script[Known]:
        """Read everything that needs no PIN, or of a card in ``memory`` only what may have changed."""

    def tries_left(self, layout: Layout) -> Script[int]:
        """The PIN's counter."""

    def puk_tries_left(self, layout: Layout) -> Script[int]:
        """The counter of the code de déblocage; 0 when its uses are spent too."""

    def verify(self, layout: Layout) -> Script[None]:
        """One try of the PIN in ``Slot.OLD``."""

    def change(self, layout: Layout) -> Script[None]:
        """The PIN in ``Slot.OLD`` becomes the one in ``Slot.NEW``: one try."""

    def unblock(self, layout: Layout) -> Script[None]:
        """The code de déblocage in ``Slot.OLD`` gives the PIN in ``Slot.NEW``: one try of the code."""

    def situations(self, layout: Layout) -> Script[tuple[Situation, ...]]:
        """The practice situations; the PIN was verified before, in the same transaction."""

    def sign(self, layout: Layout, message: bytes, *, selected: bool = True) -> Script[bytes]:
        """RSASSA-PKCS1-v1_5 with SHA-256 by the signature key."""

    def authenticate(self, layout: Layout, digest: bytes, *, selected: bool = True) -> Script[bytes]:
        """RSASSA-PKCS1-v1_5 by the authentication key over a SHA-256 digest."""
