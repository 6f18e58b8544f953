"""Where a card is torn out of a command, and what must follow.

What it is: the bytes of VERIFY and of the signature command with their answers, as values. What it is not: a reader.
Rule: below the command's length the card never ran it, from there on it did; a signature command that left without an
answer is ``outcome-unknown``, everything before it ``card-removed`` (design §2).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.simulator.faults import Fault, Kind

VERIFY, PSO = 0x20, 0x2A
VERIFY_COMMAND, SIGNATURE_COMMAND = 13, 5
"""Bytes of VERIFY with its PIN field of 8 (card-reference §5.2), and of PSO COMPUTE DIGITAL SIGNATURE on T=0."""
STATUS, MODULUS = 2, 256
SAMPLE = 8
SEED = 20240623
"""Of the sample: the same bytes each time, so that a failure can be looked at."""


@dataclass(frozen=True)
class Tear:
    """Torn after ``byte`` bytes of the exchange; ``signing`` names it, else VERIFY."""

    signing: bool
    byte: int
    document: int = 0

    @property
    def id(self) -> str:
        return f"{'signature' if self.signing else 'VERIFY'}-{self.document}-{self.byte}"

    @property
    def fault(self) -> Fault:
        # each document is two PSO: HASH, then COMPUTE DIGITAL SIGNATURE
        which = 2 * self.document + 2 if self.signing else 1
        return Fault(Kind.CUT, which, PSO if self.signing else VERIFY, self.byte)

    @property
    def ran(self) -> bool:
        """Whether the card ran the command."""
        return self.byte >= (SIGNATURE_COMMAND if self.signing else VERIFY_COMMAND)

    @property
    def code(self) -> str | None:
        """How the request ends; None: it is signed, and the card lost only afterwards."""
        if not self.signing:
            return "card-removed"
        return None if self.byte == SIGNATURE_COMMAND + MODULUS + STATUS else "outcome-unknown"


def verify_tears() -> Iterator[Tear]:
    """Every byte of the command and of the answer, and the moment after it."""
    for byte in range(VERIFY_COMMAND + STATUS + 1):
        yield Tear(signing=False, byte=byte)


def signature_tears() -> Iterator[Tear]:
    """Every byte of the command, of the status word, every border, and a sample of the signature's bytes."""
    data, status = SIGNATURE_COMMAND, SIGNATURE_COMMAND + MODULUS
    end = status + STATUS
    sample = random.Random(SEED).sample(range(data + 2, status - 1), SAMPLE)
    for byte in sorted({*range(data + 2), *sample, status - 1, status, status + 1, end}):
        yield Tear(signing=True, byte=byte)


def all_tears() -> list[Tear]:
    """Each byte of VERIFY, behind each of them one of the signature, then the others; at last one of the signature."""
    verify, signature = list(verify_tears()), list(signature_tears())
    pairs = [tear for pair in zip(verify, signature, strict=False) for tear in pair]
    assert len(verify) < len(signature)
    return pairs + signature[len(verify) :]


BORDERS = (
    Tear(signing=False, byte=0),
    Tear(signing=False, byte=VERIFY_COMMAND - 1),
    Tear(signing=False, byte=VERIFY_COMMAND),
    Tear(signing=False, byte=VERIFY_COMMAND + STATUS),
    Tear(signing=True, byte=0),
    Tear(signing=True, byte=SIGNATURE_COMMAND),
    Tear(signing=True, byte=SIGNATURE_COMMAND + MODULUS + STATUS - 1),
)
"""The tears that differ in kind."""
