"""The CPS3 dialect: an IAS-ECC applet on channel 0, class 00.

What it is: scripts for identify, counters, verify, sign and authenticate. What it is not: transport, a policy about
tries, or a cache. Rule: VERIFY goes out once for each call and is always followed by a command at least as long;
what is signed is hashed or wrapped here, never a block somebody else built.

Sources: card-reference §2.2, §3, §5, §6.3, §6.4; traces §1, §3, cps3-middleware-*.
"""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

from appliance.card import luhn, pkcs15, tlv
from appliance.card.apdu import LE_ANY, SW_OK, Block, Command, Response, SecretCommand, Slot
from appliance.card.certificate import Certificate, Purpose, parse_certificate
from appliance.card.holder import read_holder
from appliance.card.identity import CardIdentity
from appliance.card.layout import DataObject, Key, Layout, Pin
from appliance.card.pkcs15 import MF
from appliance.card.script import Script
from appliance.card.sha256 import unfinished
from appliance.errors import (
    CardDataMalformed,
    CardMute,
    CardRemoved,
    CardReset,
    CardUnsupported,
    CertificateInvalid,
    CommandRefused,
    OutcomeUnknown,
    PinBlocked,
    PinWrong,
    ReaderError,
)

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

SHA256_HASH, SHA256_RSA, RSA_PKCS1 = 0x40, 0x42, 0x02
"""Algorithm references of the applet (card-reference §6.1)."""

DIGEST_INFO_SHA256 = bytes.fromhex("3031300D060960864801650304020105000420")
"""DER of DigestInfo up to the 32-byte hash (RFC 8017 §9.2 note 1)."""

_SW_END_OF_FILE = 0x6282
_SW_BEYOND = frozenset({0x6B00, 0x6A86})
_SW_OTHER_FACE = frozenset({0x6E00, 0x6A86})
_SW_BLOCKED = frozenset({0x6983, 0x6984})
_SW_FAULT = frozenset({0x6581, 0x6F00})


@dataclasses.dataclass(frozen=True, slots=True)
class Cps3:
    """Driver of CPS3 cards."""

    family: ClassVar[str] = "cps3"

    def identify(self) -> Script[CardIdentity]:
        """Serial, layout, certificates, counters: everything that needs no PIN; leaves the MF selected.

        Raises:
            CardUnsupported: no EF.SN, or not the issuer of CPx cards.
            CardDataMalformed: a file that says nonsense.
            CertificateInvalid: a certificate that does not fit its key.
            CommandRefused: a status word without a rule, with its step.
        """
        serial = yield from _read_serial()
        application = pkcs15.parse_dir((yield from _read_list(EF_DIR, "EF.DIR", DIR_SIZE, _dir_read)))
        directory = pkcs15.parse_odf((yield from _read_list(application.odf, "EF.ODF", ODF_SIZE)), application)
        pins = pkcs15.parse_aodf((yield from _read_list(directory.aodf, "EF.AODF")))
        keys = pkcs15.parse_prkdf((yield from _read_list(directory.prkdf, "EF.PrKDF")))
        entries = pkcs15.parse_cdf((yield from _read_list(directory.cdf, "EF.CDF")), application)
        layout = pkcs15.assemble(application, directory, pins, keys, entries)
        signature = yield from _read_certificate(layout.signature, "signature certificate")
        authentication = yield from _read_certificate(layout.authentication, "authentication certificate")
        _cross_check(layout, signature, authentication)
        tries = yield from self.tries_left(layout)
        puk_tries = (yield from _counter(layout.puk)) if layout.puk else None
        return CardIdentity(
            family=self.family,
            serial=serial,
            layout=layout,
            signature=signature,
            authentication=authentication,
            holder=read_holder(signature),
            tries_left=tries,
            puk_tries_left=puk_tries,
        )

    def tries_left(self, layout: Layout) -> Script[int]:
        """The PIN's counter by GET DATA, which consumes no try; leaves the MF selected (card-reference §5.1).

        Raises:
            CommandRefused: the counter is not to be had.
            CardDataMalformed: the answer has no counter.
        """
        yield from _select(MF, "SELECT MF")
        return (yield from _counter(layout.pin))

    def data_objects(self, layout: Layout) -> Script[tuple[DataObject, ...]]:
        """The DODF, which identify leaves unread: three commands that only ``practice`` needs.

        Raises:
            CommandRefused, CardDataMalformed: as identify.
        """
        path = layout.directory.dodf
        if path is None:
            return ()
        return pkcs15.parse_dodf((yield from _read_list(path, "EF.DODF")), layout.application)

    def verify(self, layout: Layout) -> Script[None]:
        """One VERIFY with the digits of ``Slot.OLD``, then SELECT of the application; never a second VERIFY.

        The caller has checked the number of digits against ``layout.pin`` and the person's agreement to a last try.
        The SELECT follows whatever the status: its 18 bytes overwrite the copy the daemon keeps of the PIN's 13, and
        it leaves the card where ``sign`` and ``authenticate`` want it.

        Raises:
            CardUnsupported: before anything is sent, see above; no known card.
            PinWrong: with the tries left, 0 included. PinBlocked: 6983 or 6984. CommandRefused: anything else.
        """
        pin = layout.pin
        if len(layout.aid) < pin.stored_length:
            # Before the try: nothing this driver could send after it would cover the PIN.
            raise CardUnsupported("the AID is shorter than the PIN field")
        answer = yield SecretCommand(0x00, 0x20, 0x00, pin.reference, (Block(Slot.OLD, pin.stored_length, pin.pad),))
        after = yield _select_aid(layout)
        _judge_pin(answer)
        _expect(after, "SELECT application")

    def select(self, layout: Layout) -> Script[None]:
        """Select the application by its AID: the keys are local to it (card-reference §3.5).

        Raises:
            CommandRefused: it is not there.
        """
        _expect((yield _select_aid(layout)), "SELECT application")

    def sign(self, layout: Layout, message: bytes, *, selected: bool = True) -> Script[bytes]:
        """Sign ``message`` with the signature key, the last round of SHA-256 on the card (card-reference §6.3).

        Four commands. ``selected`` says that the application is selected, as ``verify`` leaves it.

        Returns:
            RSASSA-PKCS1-v1_5 with SHA-256, as many bytes as the modulus has; not yet checked by anybody.

        Raises:
            CommandRefused: 6982 at any step means that the PIN is needed or was lost.
            OutcomeUnknown: the signature command left and its answer never came.
        """
        if not selected:
            yield from self.select(layout)
        hashing = unfinished(message)
        head = hashing.state + hashing.hashed.to_bytes(8, "big") if hashing.hashed else b""
        rounds = tlv.write(0x90, head) + tlv.write(0x80, hashing.rest)
        yield from _do(_mse(0xAA, SHA256_HASH), "MSE SET HT")
        yield from _do(Command(0x00, 0x2A, 0x90, 0xA0, rounds), "PSO HASH")
        yield from _do(_mse(0xB6, SHA256_RSA, layout.signature.reference), "MSE SET DST")
        return (yield from _signature(Command(0x00, 0x2A, 0x9E, 0x9A, le=LE_ANY), "PSO COMPUTE DIGITAL SIGNATURE"))

    def authenticate(self, layout: Layout, digest: bytes, *, selected: bool = True) -> Script[bytes]:
        """Sign a SHA-256 ``digest`` of 32 bytes with the authentication key (card-reference §6.4).

        The DigestInfo is built here: the card would pad and sign anything (traces §5, *key choice*).

        Raises:
            ValueError: not 32 bytes; a fault of the caller.
            CommandRefused: as ``sign``.
        """
        if len(digest) != 32:
            raise ValueError("a SHA-256 digest has 32 bytes")
        if not selected:
            yield from self.select(layout)
        yield from _do(_mse(0xA4, RSA_PKCS1, layout.authentication.reference), "MSE SET AT")
        block = DIGEST_INFO_SHA256 + digest
        return (yield from _signature(Command(0x00, 0x88, 0x00, 0x00, block, le=LE_ANY), "INTERNAL AUTHENTICATE"))


def _expect(answer: Response, step: str) -> bytes:
    if not answer.ok:
        raise CommandRefused(answer.sw, step)
    return answer.data


def _do(command: Command, step: str) -> Script[bytes]:
    return _expect((yield command), step)


def _signature(command: Command, step: str) -> Script[bytes]:
    """The command that makes a signature: once it has left, no answer is not the same as no signature.

    Raises:
        OutcomeUnknown: card or reader went away before the answer came. CommandRefused: the card said no.
    """
    try:
        answer = yield command
    except (CardRemoved, CardMute, CardReset, ReaderError) as error:
        raise OutcomeUnknown(step) from error
    return _expect(answer, step)


def _mse(template: int, algorithm: int, key: int | None = None) -> Command:
    """MANAGE SECURITY ENVIRONMENT SET: algorithm, then key, as the national middleware orders them."""
    data = tlv.write(0x80, bytes((algorithm,))) + (b"" if key is None else tlv.write(0x84, bytes((key,))))
    return Command(0x00, 0x22, 0x41, template, data)


def _select_aid(layout: Layout) -> Command:
    return Command(0x00, 0xA4, 0x04, 0x0C, layout.aid)


def _select(path: bytes, step: str) -> Script[None]:
    """SELECT by path from the MF, no answer wanted (P1 09, P2 0C: card-reference §3.2).

    Another program may have left the CPS2ter face with the floor: take it back once and say it again (§3.1).
    """
    command = Command(0x00, 0xA4, 0x09, 0x0C, path)
    answer = yield command
    if answer.sw in _SW_OTHER_FACE:
        yield from _do(Command(0x00, 0xA4, 0x04, 0x0C, ROOT_AID), "SELECT root")
        answer = yield command
    _expect(answer, step)


def _read(at: int, wanted: int, step: str) -> Script[tuple[bytes, bool]]:
    """READ BINARY: the bytes at ``at``, and whether the file ends there (no FCP is ever asked for)."""
    answer = yield Command(0x00, 0xB0, at >> 8, at & 0xFF, le=wanted)
    if at and answer.sw in _SW_BEYOND:
        return b"", True
    if answer.sw == _SW_END_OF_FILE:
        return answer.data, True
    data = _expect(answer, step)
    return data, len(data) < wanted


def _dir_read(data: bytes) -> bool:
    """EF.DIR fills its file to the last byte, so what is wanted ends it, not a closing 00 (traces §1.5)."""
    return tlv.ended(data) or pkcs15.names_contact(data)


def _read_list(
    path: bytes, step: str, first: int = CHUNK, enough: Callable[[bytes], bool] = tlv.ended
) -> Script[bytes]:
    """A directory file: TLVs up to the closing 00, to the end of the file, or until it is enough."""
    yield from _select(path, step)
    data, over = yield from _read(0, first, step)
    while not over and not enough(data):
        if len(data) > MAX_DIRECTORY:
            raise CardDataMalformed(f"{step} has no end")
        more, over = yield from _read(len(data), CHUNK, step)
        data += more
    return data


def _read_serial() -> Script[str]:
    """The chip's serial out of EF.SN: ``5A 0A``, issuer prefix, number, Luhn key, filler F (card-reference §2.2)."""
    try:
        yield from _select(EF_SN, "EF.SN")
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


def _read_certificate(key: Key, step: str) -> Script[Certificate]:
    """A certificate file, exactly as long as its DER says."""
    yield from _select(key.certificate, step)
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


def _cross_check(layout: Layout, signature: Certificate, authentication: Certificate) -> None:
    """Key usage of the certificates against usage and size of the keys (card-reference §7.4)."""
    if signature.purpose is not Purpose.SIGNATURE or authentication.purpose is Purpose.SIGNATURE:
        raise CertificateInvalid("a certificate does not fit the usage of its key")
    for certificate, key in ((signature, layout.signature), (authentication, layout.authentication)):
        if key.size is not None and certificate.key_size != key.size:
            raise CertificateInvalid("a certificate does not fit the size of its key")


def _counter(pin: Pin) -> Script[int]:
    """Tries left of a CHV object; 0 for a PUK whose uses are spent. The MF must be selected."""
    number = 0xBF8100 | pin.reference & 0x7F
    request = tlv.write(0x4D, tlv.write(0x70, tlv.write(number, b"\xa0\x80")))
    data = yield from _do(Command(0x00, 0xCB, 0x3F, 0xFF, request, le=LE_ANY), "GET DATA counter")
    fields = tlv.descend(data, 0x70, number, 0xA0).children()
    uses = tlv.find(fields, 0x9D)
    if uses is not None and tlv.unsigned(uses) == 0:
        return 0
    return tlv.unsigned(tlv.need(fields, 0x9B))


def _judge_pin(answer: Response) -> None:
    if answer.sw == SW_OK:
        return
    if answer.sw & 0xFFF0 == 0x63C0:
        raise PinWrong(answer.sw & 0x0F)
    if answer.sw in _SW_BLOCKED:
        raise PinBlocked("the PIN is blocked")
    raise CommandRefused(answer.sw, "VERIFY")
