"""Files of a CPx card, whichever dialect it speaks.

What it is: scripts over READ BINARY, and over the SELECT of a ``Face``. What it is not: what the files mean
(pkcs15.py, certificate.py) or anything that needs a PIN. Rule: no FCP is asked for; a file ends where its own content
says so, where the card says so, or at a bound of ours.

Sources: card-reference §2.2, §3; traces §1, §3.
"""

from collections.abc import Callable
from typing import Protocol

from appliance.card import luhn, pkcs15, tlv
from appliance.card.apdu import Command, Response
from appliance.card.certificate import Certificate, parse_certificate
from appliance.card.pkcs15 import MF
from appliance.card.script import Script
from appliance.errors import CardDataMalformed, CardUnsupported, CommandRefused

EF_SN = MF + bytes.fromhex("D003")
EF_DIR = MF + bytes.fromhex("2F00")

ISSUER_PREFIX = "8025000001"
"""First digits of every CPx chip serial (card-reference §2.1)."""

SN_SIZE, DIR_SIZE, ODF_SIZE = 12, 0x65, 0x40
"""First Le for three small files: their usual sizes (traces §3). A wrong guess costs one command, nothing else."""

MAX_DIRECTORY = 2048
MAX_CERTIFICATE = 8192
"""Bytes of one file at most; the files seen have 512 and 2,211."""

MAX_OBJECT = 1024
"""Bytes of a situation or of EF_ACTUA at most; those seen have 42."""

SW_FAULTS = frozenset({0x6581, 0x6F00})
"""The card itself is at fault (card-reference §4, *Status words*)."""

SW_NO_OBJECT = 0x6A88
"""Data or key not found; for what is local to an application also: another DF is selected (card-reference §4)."""

_SW_END_OF_FILE = 0x6282
_SW_BEYOND = frozenset({0x6B00, 0x6A86})
_SW_NOT_FOUND = 0x6A82


class Face(Protocol):
    """How one dialect reaches files: its class byte, the most it gives at once, its SELECT."""

    @property
    def cla(self) -> int:
        """CLA of every command, the logical channel in it."""

    @property
    def chunk(self) -> int:
        """Bytes of one READ BINARY at most."""

    def select(self, path: bytes, step: str) -> Script[None]:
        """Select a file by its absolute path, no answer wanted.

        Raises:
            CommandRefused: with ``step``.
        """


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


def read_list(
    face: Face, path: bytes, step: str, first: int | None = None, enough: Callable[[bytes], bool] = tlv.ended
) -> Script[bytes]:
    """A directory file: TLVs up to the closing 00, to the end of the file, or until it is enough."""
    yield from face.select(path, step)
    data, over = yield from _read(face, 0, first or face.chunk, step)
    while not over and not enough(data):
        if len(data) > MAX_DIRECTORY:
            raise CardDataMalformed(f"{step} has no end")
        more, over = yield from _read(face, len(data), face.chunk, step)
        data += more
    return data


def read_dir(face: Face) -> Script[bytes]:
    """EF.DIR: it fills its file to the last byte, so what is wanted ends it, not a closing 00 (traces §1.5)."""
    return read_list(face, EF_DIR, "EF.DIR", DIR_SIZE, lambda data: tlv.ended(data) or pkcs15.names_contact(data))


def select_serial(face: Face) -> Script[None]:
    """Select EF.SN: what a card without it is, is no CPx of this dialect.

    Raises:
        CardUnsupported: it is not there. CommandRefused: the card itself is at fault.
    """
    try:
        yield from face.select(EF_SN, "EF.SN")
    except CommandRefused as error:
        if error.sw in SW_FAULTS:
            raise
        raise CardUnsupported("no EF.SN: not a card of this dialect") from error


def read_serial(face: Face) -> Script[str]:
    """The chip's serial out of EF.SN, selected before: ``5A 0A``, issuer, number, Luhn key, filler F (§2.2)."""
    data, _ = yield from _read(face, 0, SN_SIZE, "EF.SN")
    digits = tlv.need(tlv.read_all(data), 0x5A).value.hex().removesuffix("f")
    if not digits.startswith(ISSUER_PREFIX):
        raise CardUnsupported("EF.SN names another issuer")
    number = digits[len(ISSUER_PREFIX) : -1]
    if not number or not luhn.check(digits):
        raise CardDataMalformed("EF.SN has a wrong check digit")
    return number


def read_optional(face: Face, path: bytes, step: str, first: int | None = None) -> Script[bytes | None]:
    """A file of one data object: as much of it as its first TLV says, else what one READ gives; None when absent.

    A file without content may say that at its first byte one is beyond its end already.
    """
    try:
        yield from face.select(path, step)
    except CommandRefused as error:
        if error.sw == _SW_NOT_FOUND:
            return None
        raise
    try:
        data, over = yield from _read(face, 0, first or face.chunk, step)
    except CommandRefused as error:
        if error.sw in _SW_BEYOND:
            return b""
        raise
    size = min(_stated(data), MAX_OBJECT)
    while not over and len(data) < size:
        more, over = yield from _read(face, len(data), min(face.chunk, size - len(data)), step)
        data += more
    return data


def read_certificate(face: Face, path: bytes, step: str) -> Script[Certificate]:
    """A certificate file, exactly as long as its DER says."""
    yield from face.select(path, step)
    data, over = yield from _read(face, 0, face.chunk, step)
    size = tlv.total_length(data)
    if size > MAX_CERTIFICATE:
        raise CardDataMalformed(f"{step} is too long")
    while len(data) < size:
        if over:
            raise CardDataMalformed(f"{step} is cut short")
        more, over = yield from _read(face, len(data), min(face.chunk, size - len(data)), step)
        data += more
    return parse_certificate(data[:size])


def _read(face: Face, at: int, wanted: int, step: str) -> Script[tuple[bytes, bool]]:
    """READ BINARY: the bytes at ``at``, and whether the file ends there (no FCP is ever asked for)."""
    answer = yield Command(face.cla, 0xB0, at >> 8, at & 0xFF, le=wanted)
    if at and answer.sw in _SW_BEYOND:
        return b"", True
    if answer.sw == _SW_END_OF_FILE:
        return answer.data, True
    data = expect(answer, step)
    return data, len(data) < wanted


def _stated(data: bytes) -> int:
    """What the head of a TLV announces; 0 where there is none."""
    try:
        return tlv.total_length(data)
    except CardDataMalformed:
        return 0
