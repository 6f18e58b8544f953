"""The ChipDoc applet of a CPS4: how it is reached on channel 1, and got back when it is lost.

What it is: the commands this applet wants, class 01. What it is not: a driver (cps4.py). Rule: the applet is got back
once for a SELECT, a counter or a security environment that it refused with 6985 or 6881; never for a command that
holds a secret or makes a signature.

Sources: traces §1.1, §1.6, §5, cps4-middleware-*; card-reference §3.1, §5.1, §6.6.
"""

import dataclasses
from typing import ClassVar

from appliance.card.apdu import SW_OK, Command, Response, SecretCommand
from appliance.card.files import expect
from appliance.card.layout import Pin
from appliance.card.pin import SW_BLOCKED, cover
from appliance.card.pkcs15 import MF
from appliance.card.script import Script
from appliance.errors import CardReset, CommandRefused

CHIPDOC_AID = bytes.fromhex("8025000001FF0100")
CPS2TER_AID = bytes.fromhex("8025000001FF0002")
ISD_AID = bytes.fromhex("A0000001510000")
"""The applet, its neighbour on channel 0, and the issuer security domain: stepping stones (card-reference §2.1)."""

LOST = frozenset({0x6985, 0x6881})
"""The applet or its channel is gone (card-reference §3.1)."""

HASH_KEY = 0x80
"""Bit of a key reference that says: the data is a hash (card-reference §6.6)."""

RSA_PKCS1_SHA256, RSA_PSS_SHA256 = 0x28, 0x2C
"""Algorithm references of the applet (card-reference §6.1)."""


@dataclasses.dataclass(frozen=True, slots=True)
class ChipDoc:
    """The face of a CPS4."""

    cla: ClassVar[int] = 0x01
    chunk: ClassVar[int] = 0x100
    """As the national middleware reads (traces, cps4-middleware-insert-cold)."""

    def select(self, path: bytes, step: str) -> Script[None]:
        """SELECT by absolute path without 3F00 (P1 08, P2 00); its FCI is announced by 61xx and never fetched."""
        expect((yield from regained(select_path(path))), step)


def knock() -> Script[int]:
    """SELECT of the applet by name on channel 1, which opens the channel: the status word."""
    answer = yield _select_name(0x01, CHIPDOC_AID)
    return answer.sw


def enter() -> Script[bool]:
    """Have the applet selected, over the stepping stones where it does not come by its name; whether it is there.

    A closed channel needs the name only; a lost applet the security domain on channel 1 and CPS2ter on channel 0 first
    (card-reference §3.1, traces §1.6). Any PIN is lost.
    """
    if (yield from knock()) == SW_OK:
        return True
    # Whether the stones were there does not matter: only the applet does.
    yield _select_name(0x01, ISD_AID)
    yield _select_name(0x00, CPS2TER_AID)
    return (yield from knock()) == SW_OK


def regained(command: Command) -> Script[Response]:
    """The answer of a command that may be said again: once more after the applet was got back."""
    answer = yield command
    if answer.sw in LOST and (yield from enter()):
        answer = yield command
    return answer


def select_path(path: bytes) -> Command:
    """SELECT by an absolute path that starts with 3F00, which ChipDoc does not want to see."""
    return Command(0x01, 0xA4, 0x08, 0x00, path.removeprefix(MF))


def overwrite(command: SecretCommand) -> Command:
    """SELECT by a path that leads nowhere, at least as long as ``command``; its answer says nothing."""
    return Command(0x01, 0xA4, 0x08, 0x00, cover(command))


def count(pin: Pin) -> Script[int]:
    """Tries left, by VERIFY without data, which consumes none (card-reference §5.1, traces §5 *CPS4 counter*).

    Raises:
        CardReset: the code is verified by somebody else and stays so: only a reset makes the counter visible.
        CommandRefused: the counter is not to be had.
    """
    command = Command(0x01, 0x20, 0x00, pin.reference)
    answer = yield from regained(command)
    if answer.ok:  # verified, so that there is no counter to see; the applet forgets it when it is selected again
        yield from knock()
        answer = yield command
    if answer.ok:
        raise CardReset("the code is verified already")
    if answer.sw & 0xFFF0 == 0x63C0:
        return answer.sw & 0x0F
    if answer.sw in SW_BLOCKED:
        return 0
    raise CommandRefused(answer.sw, "VERIFY without data")


def environment(key: int, algorithm: int) -> Command:
    """MANAGE SECURITY ENVIRONMENT for a signature over a hash: tag 91, algorithm and key (card-reference §6.6)."""
    return Command(0x01, 0x22, 0x81, 0xB6, bytes((0x91, 2, algorithm, key | HASH_KEY)))


def raw_environment(key: int) -> Command:
    """MANAGE SECURITY ENVIRONMENT for the bare private operation of a key (card-reference §6.7)."""
    return Command(0x01, 0x22, 0x41, 0xB8, bytes((0x83, 1, key)))


def _select_name(cla: int, name: bytes) -> Command:
    return Command(cla, 0xA4, 0x04, 0x0C, name)
