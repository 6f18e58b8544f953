"""Files of an IAS-ECC card: select, read, and the few files every CPS3 has.

What it is: scripts over SELECT and READ BINARY. What it is not: what the files mean (pkcs15.py, certificate.py) or
anything that needs a PIN. Rule: no FCP is asked for; a file ends where its own content says so, where the card says
so, or at a bound of ours.

Sources: card-reference §2.2, §3; traces §1, §3.
"""

from collections.abc import Callable

from appliance.card import luhn, pkcs15, tlv
from appliance.card.apdu import Command, Response
from appliance.card.certificate import Certificate, parse_certificate
from appliance.card.layout import Key
from appliance.card.pkcs15 import MF
from appliance.card.script import Script
from appliance.errors import CardDataMalformed, CardUnsupported, CommandRefused

ROOT_AID = bytes.fromhex("8025000001FF0100")
"""The IAS-ECC face, to take the floor back from the CPS2ter face (card-reference §3.1)."""

EF_SN = MF + bytes.fromhex("D003")
EF_DIR = MF + bytes.fromhex("2F00")

ISSUER_PREFIX = "8025000001"
"""First digits of every CPx chip serial (card-reference §2.1)."""

CHUNK = 0xE7
"""READ BINARY at most, as the national middleware does (card-reference §3.2)."""

SN_SIZE, DIR_SIZE, ODF_SIZE = 12, 0x65, 0x40
"""First Le for three small files: their usual sizes (traces §3). A wrong guess costs one command, nothing else."""

MAX_DIRECTORY = 2048
MAX_CERTIFICATE = 8192
"""Bytes of one file at most; the files seen have 512 and 2,211."""

_SW_END_OF_FILE = 0x6282
_SW_BEYOND = frozenset({0x6B00, 0x6A86})
_SW_OTHER_FACE = frozenset({0x6E00, 0x6A86})
_SW_FAULT = frozenset({0x6581, 0x6F00})


def expect(answer: Response, step: str) -> bytes:
    """The data of an answer that must be 9000.

    Raises:
        CommandRefused: another status word, with its step.
    """
    if not answer.ok:
        raise CommandRefused(answer.sw, step)
    return answer.data


def do(command: Command, step: str) -> Script[bytes]:
    """One command whose answer must be 9000: its data.

    Raises:
        CommandRefused: another status word, with its step.
    """
    return expect((yield command), step)


def select_file(path: bytes, step: str) -> Script[None]:
    """SELECT by path from the MF, no answer wanted (P1 09, P2 0C: card-reference §3.2).

    Another program may have left the CPS2ter face with the floor: take it back once and say it again (§3.1).
    """
    command = Command(0x00, 0xA4, 0x09, 0x0C, path)
    answer = yield command
    if answer.sw in _SW_OTHER_FACE:
        yield from do(Command(0x00, 0xA4, 0x04, 0x0C, ROOT_AID), "SELECT root")
        answer = yield command
    expect(answer, step)


def _read(at: int, wanted: int, step: str) -> Script[tuple[bytes, bool]]:
    """READ BINARY: the bytes at ``at``, and whether the file ends there (no FCP is ever asked for)."""
    answer = yield Command(0x00, 0xB0, at >> 8, at & 0xFF, le=wanted)
    if at and answer.sw in _SW_BEYOND:
        return b"", True
    if answer.sw == _SW_END_OF_FILE:
        return answer.data, True
    data = expect(answer, step)
    return data, len(data) < wanted


def dir_ended(data: bytes) -> bool:
    """EF.DIR fills its file to the last byte, so what is wanted ends it, not a closing 00 (traces §1.5)."""
    return tlv.ended(data) or pkcs15.names_contact(data)


def read_list(path: bytes, step: str, first: int = CHUNK, enough: Callable[[bytes], bool] = tlv.ended) -> Script[bytes]:
    """A directory file: TLVs up to the closing 00, to the end of the file, or until it is enough."""
    yield from select_file(path, step)
    data, over = yield from _read(0, first, step)
    while not over and not enough(data):
        if len(data) > MAX_DIRECTORY:
            raise CardDataMalformed(f"{step} has no end")
        more, over = yield from _read(len(data), CHUNK, step)
        data += more
    return data


def read_serial() -> Script[str]:
    """The chip's serial out of EF.SN: ``5A 0A``, issuer prefix, number, Luhn key, filler F (card-reference §2.2)."""
    try:
        yield from select_file(EF_SN, "EF.SN")
    except CommandRefused as error:
        if error.sw in _SW_FAULT:
            raise
        raise CardUnsupported("no EF.SN: not a CPS3") from error
    data, _ = yield from _read(0, SN_SIZE, "EF.SN")
    digits = tlv.need(tlv.read_all(data), 0x5A).value.hex().removesuffix("f")
    if not digits.startswith(ISSUER_PREFIX):
        raise CardUnsupported("EF.SN names another issuer")
    number = digits[len(ISSUER_PREFIX) : -1]
    if not number or not luhn.check(digits):
        raise CardDataMalformed("EF.SN has a wrong check digit")
    return number


def read_certificate(key: Key, step: str) -> Script[Certificate]:
    """A certificate file, exactly as long as its DER says."""
    yield from select_file(key.certificate, step)
    data, over = yield from _read(0, CHUNK, step)
    size = tlv.total_length(data)
    if size > MAX_CERTIFICATE:
        raise CardDataMalformed(f"{step} is too long")
    while len(data) < size:
        if over:
            raise CardDataMalformed(f"{step} is cut short")
        more, over = yield from _read(len(data), min(CHUNK, size - len(data)), step)
        data += more
    return parse_certificate(data[:size])
