"""The IAS-ECC applet of a CPS3: how it is selected, how it counts, how its security environment is set.

What it is: the commands of ISO 7816-4 and -8 as this applet wants them, on channel 0 and class 00. What it is not: a
driver (cps3.py). Rule: one SELECT is one command, but where the CPS2ter face had the floor.

Sources: card-reference §2.2, §3, §5.1, §6; traces §1, §3.
"""

import dataclasses
from typing import ClassVar

from appliance.card import tlv
from appliance.card.apdu import LE_ANY, Command, SecretCommand
from appliance.card.files import SW_NO_OBJECT, do, expect
from appliance.card.layout import Layout, Pin
from appliance.card.pin import cover
from appliance.card.pkcs15 import MF
from appliance.card.script import Script
from appliance.errors import CommandRefused

ROOT_AID = bytes.fromhex("8025000001FF0100")
"""The IAS-ECC face, to take the floor back from the CPS2ter face (card-reference §3.1)."""

EF_ACTUA = MF + bytes.fromhex("D010")

SHA256_HASH, SHA256_RSA, RSA_PKCS1 = 0x40, 0x42, 0x02
"""Algorithm references of the applet (card-reference §6.1)."""

_SW_OTHER_FACE = frozenset({0x6E00, 0x6A86})


@dataclasses.dataclass(frozen=True, slots=True)
class IasEcc:
    """The face of a CPS3."""

    cla: ClassVar[int] = 0x00
    chunk: ClassVar[int] = 0xE7
    """As the national middleware reads (card-reference §3.2)."""

    def select(self, path: bytes, step: str) -> Script[None]:
        """SELECT by path from the MF, no answer wanted (P1 09, P2 0C: card-reference §3.2).

        Another program may have left the CPS2ter face with the floor: take it back once and say it again (§3.1).
        """
        answer = yield select_path(path)
        if answer.sw in _SW_OTHER_FACE:
            yield from do(Command(0x00, 0xA4, 0x04, 0x0C, ROOT_AID), "SELECT root")
            answer = yield select_path(path)
        expect(answer, step)


def select_path(path: bytes) -> Command:
    """SELECT by path from the MF, 3F00 included."""
    return Command(0x00, 0xA4, 0x09, 0x0C, path)


def select_aid(layout: Layout) -> Command:
    """SELECT of the application that holds the keys, by name."""
    return Command(0x00, 0xA4, 0x04, 0x0C, layout.aid)


def overwrite(command: SecretCommand) -> Command:
    """SELECT by a path that leads nowhere, at least as long as ``command``; its answer (6A82) says nothing."""
    return select_path(MF + cover(command))


def environment(template: int, algorithm: int, key: int | None = None) -> Command:
    """MANAGE SECURITY ENVIRONMENT SET: algorithm, then key, as the national middleware orders them."""
    data = tlv.write(0x80, bytes((algorithm,))) + (b"" if key is None else tlv.write(0x84, bytes((key,))))
    return Command(0x00, 0x22, 0x41, template, data)


def count(pin: Pin) -> Script[int]:
    """Tries left of a CHV object; 0 for a PUK whose uses are spent. The MF must be selected (card-reference §5.1).

    Raises:
        CommandRefused: the counter is not to be had. CardDataMalformed: the answer has no counter.
    """
    number = 0xBF8100 | pin.reference & 0x7F
    request = tlv.write(0x4D, tlv.write(0x70, tlv.write(number, b"\xa0\x80")))
    data = yield from do(Command(0x00, 0xCB, 0x3F, 0xFF, request, le=LE_ANY), "GET DATA counter")
    fields = tlv.descend(data, 0x70, number, 0xA0).children()
    uses = tlv.find(fields, 0x9D)
    if uses is not None and tlv.unsigned(uses) == 0:
        return 0
    return tlv.unsigned(tlv.need(fields, 0x9B))


def count_here(face: IasEcc, pin: Pin) -> Script[int]:
    """The same, tried in the current DF first: after EF.SN that is the MF already."""
    try:
        return (yield from count(pin))
    except CommandRefused as error:
        if error.sw != SW_NO_OBJECT:
            raise
    yield from face.select(MF, "SELECT MF")
    return (yield from count(pin))
