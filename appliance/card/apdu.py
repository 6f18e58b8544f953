"""Commands, secret commands and responses as values (ISO 7816-4 §5).

What it is: the frozen shapes that scripts yield and receive. What it is not: transport (``script.py``) or meaning
(the drivers). Rule: no value of this module can hold a PIN; a secret command names slots of the locked page, and
what travels (a document's last block, a certificate) stays out of every ``repr``.
"""

import dataclasses

from appliance.errors import CardMute
from appliance.secret import Block, Slot

__all__ = ["LE_ANY", "SW_OK", "Block", "Command", "Response", "SecretCommand", "Slot"]

SW_OK = 0x9000
"""Success (ISO 7816-4 §5.6)."""

LE_ANY = 256
"""``Le`` = ``00``: as many bytes as there are, up to 256 (ISO 7816-4 §5.2; no extended length, card-reference §4)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """One command without a secret.

    ``data`` may exceed 255 bytes: ``script.wire`` chains it. ``le`` is the number of bytes wanted, 1 to 256, or None
    when no answer data is wanted; on T=0 it is not sent beside data (card-reference §4 rule 1).

    Raises:
        ValueError: a header byte or ``le`` is out of range; a fault of the caller.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = dataclasses.field(default=b"", repr=False)
    le: int | None = None

    def __post_init__(self) -> None:
        bytes((self.cla, self.ins, self.p1, self.p2))
        if self.le is not None and not 1 <= self.le <= LE_ANY:
            raise ValueError("le out of range")


@dataclasses.dataclass(frozen=True, slots=True)
class SecretCommand:
    """A command whose data is assembled only inside the locked page: VERIFY, CHANGE, RESET RETRY COUNTER."""

    cla: int
    ins: int
    p1: int
    p2: int
    blocks: tuple[Block, ...]

    def header(self) -> bytes:
        """CLA INS P1 P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """Answer data and status word."""

    data: bytes = dataclasses.field(repr=False)
    sw: int

    @classmethod
    def parse(cls, raw: bytes) -> "Response":
        """Split what the reader gave.

        Raises:
            CardMute: fewer than the two bytes of a status word.
        """
        if len(raw) < 2:
            raise CardMute("answer without a status word")
        return cls(bytes(raw[:-2]), int.from_bytes(raw[-2:], "big"))

    @property
    def ok(self) -> bool:
        """Whether the status word is 9000."""
        return self.sw == SW_OK
