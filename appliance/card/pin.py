"""What both dialects do alike with a PIN and a code de déblocage.

What it is: the field of a secret command, the path that overwrites it, and what the card's answer means. What it is
not: the commands themselves, which differ by dialect. Rule: an answer is judged only after the secret's copies on the
way to the card were overwritten, and an answer in hand is never lost to what came after it.

Sources: card-reference §4 (status words), §5; ISO 7816-4 §11.5.6 (63Cx), §7.3.2 (paths).
"""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeAlias

from appliance.card.apdu import Block, Command, Response, SecretCommand, Slot
from appliance.card.layout import Layout, Pin
from appliance.card.script import Script
from appliance.errors import (
    CardError,
    CardUnsupported,
    CommandRefused,
    PinBlocked,
    PinWrong,
    PukBlocked,
    PukWrong,
    ReaderError,
)

NOBODY = bytes.fromhex("7FFF")
"""A file identifier no CPx card has; a path of them is refused (6A82) and changes nothing on the card."""

SW_BLOCKED = frozenset({0x6983, 0x6984})
"""No try left, or no use left (card-reference §4, *Status words*)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What the refusal of one step means.

    ``wrong`` is for 63Cx, with the tries left, 0 included; ``blocked`` for 6983 and 6984. None: such an answer says
    nothing of a code that somebody typed, and is refused like any other.
    """

    step: str
    wrong: type[PinWrong] | type[PukWrong] | None = None
    blocked: type[PinBlocked] | type[PukBlocked] | None = None

    def judge(self, answer: Response) -> None:
        """Nothing for 9000.

        Raises:
            PinWrong, PukWrong, PinBlocked, PukBlocked: as the verdict says. CommandRefused: every other status.
        """
        if answer.ok:
            return
        if self.wrong and answer.sw & 0xFFF0 == 0x63C0:
            raise self.wrong(answer.sw & 0x0F)
        if self.blocked and answer.sw in SW_BLOCKED:
            raise self.blocked(self.step)
        raise CommandRefused(answer.sw, self.step)


PIN = Verdict("VERIFY", PinWrong, PinBlocked)
PUK = Verdict("VERIFY PUK", PukWrong, PukBlocked)
OLD_AND_NEW = Verdict("CHANGE REFERENCE DATA", PinWrong, PinBlocked)
"""A CHANGE that tries the old PIN itself."""
NEW_ONLY = Verdict("CHANGE REFERENCE DATA")
"""A CHANGE that tries nothing: the code that allows it was shown before."""
USES = Verdict("RESET RETRY COUNTER", None, PukBlocked)
"""The code de déblocage was right, and may have no use left (6984: card-reference §5)."""

Step: TypeAlias = tuple[Command | SecretCommand, Verdict]


def field(slot: Slot, pin: Pin) -> Block:
    """The field of ``pin`` in a command, filled from ``slot`` as the card's AODF wants it (traces §4, *PIN block*)."""
    return Block(slot, pin.stored_length, pin.pad, pin.min_length)


def room(command: SecretCommand) -> int:
    """Data bytes of a secret command at most; without padding it may have fewer."""
    return sum(block.length for block in command.blocks)


def cover(command: SecretCommand) -> bytes:
    """A path at least as long as what ``command`` carried, that leads nowhere.

    The daemon keeps a copy of each command until the next one overwrites it (design §3, *The PIN is nobody's value*).
    """
    return NOBODY * ((room(command) + 1) // 2)


def in_order(steps: Sequence[Step], overwrite: Callable[[SecretCommand], Command]) -> Script[None]:
    """The steps of one order, each sent once; at the first refusal, or after the last, what they held is overwritten.

    The first step holds a secret. Nothing comes between the steps: what a card allows after one of them, it was seen
    to allow to the next one only (traces cps3-middleware-wrong-puk, cps4-middleware-wrong-pin, -change-pin). A shorter
    step may leave some of a secret before it for the length of one exchange; what comes at the end is as long as the
    longest.

    Raises:
        CardError: what the verdict makes of the first answer that is not 9000.
    """
    secrets: list[SecretCommand] = []
    for at, (command, verdict) in enumerate(steps, 1):
        if isinstance(command, SecretCommand):
            secrets.append(command)
        answer = yield command
        if at == len(steps) or not answer.ok:
            # Card or reader may leave here. Who goes on hears of it at the next command; the answer comes only once.
            with contextlib.suppress(CardError, ReaderError):
                yield overwrite(max(secrets, key=room))
        verdict.judge(answer)


def need_puk(layout: Layout) -> Pin:
    """The code de déblocage of a card.

    Raises:
        CardUnsupported: the card describes none.
    """
    if layout.puk is None:
        raise CardUnsupported("the card describes no PUK")
    return layout.puk
