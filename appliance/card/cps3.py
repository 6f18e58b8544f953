"""The CPS3 dialect: an IAS-ECC applet on channel 0, class 00.

What it is: scripts for identify, counters, verify, sign and authenticate. What it is not: transport, a policy about
tries, or a cache. Rule: VERIFY goes out once for each call and is always followed by a command at least as long;
what is signed is hashed or wrapped here, never a block somebody else built.

Sources: card-reference §2.2, §3, §5, §6.3, §6.4; traces §1, §3, cps3-middleware-*.
"""

import dataclasses
from typing import ClassVar

from appliance.card import pkcs15, tlv
from appliance.card.apdu import LE_ANY, SW_OK, Block, Command, Response, SecretCommand, Slot
from appliance.card.certificate import Certificate, Purpose
from appliance.card.holder import read_holder
from appliance.card.iasecc import (
    DIR_SIZE,
    EF_DIR,
    ODF_SIZE,
    dir_ended,
    do,
    expect,
    read_certificate,
    read_list,
    read_serial,
    select_file,
)
from appliance.card.identity import CardIdentity
from appliance.card.layout import DataObject, Layout, Pin
from appliance.card.pkcs15 import MF
from appliance.card.script import Script
from appliance.card.sha256 import unfinished
from appliance.errors import (
    CardError,
    CardUnsupported,
    CertificateInvalid,
    CommandRefused,
    OutcomeUnknown,
    PinBlocked,
    PinWrong,
    ReaderError,
)

SHA256_HASH, SHA256_RSA, RSA_PKCS1 = 0x40, 0x42, 0x02
"""Algorithm references of the applet (card-reference §6.1)."""

DIGEST_INFO_SHA256 = bytes.fromhex("3031300D060960864801650304020105000420")
"""DER of DigestInfo up to the 32-byte hash (RFC 8017 §9.2 note 1)."""

_SW_BLOCKED = frozenset({0x6983, 0x6984})


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
        serial = yield from read_serial()
        application = pkcs15.parse_dir((yield from read_list(EF_DIR, "EF.DIR", DIR_SIZE, dir_ended)))
        directory = pkcs15.parse_odf((yield from read_list(application.odf, "EF.ODF", ODF_SIZE)), application)
        pins = pkcs15.parse_aodf((yield from read_list(directory.aodf, "EF.AODF")))
        keys = pkcs15.parse_prkdf((yield from read_list(directory.prkdf, "EF.PrKDF")))
        entries = pkcs15.parse_cdf((yield from read_list(directory.cdf, "EF.CDF")), application)
        layout = pkcs15.assemble(application, directory, pins, keys, entries)
        signature = yield from read_certificate(layout.signature, "signature certificate")
        authentication = yield from read_certificate(layout.authentication, "authentication certificate")
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
        yield from select_file(MF, "SELECT MF")
        return (yield from _counter(layout.pin))

    def data_objects(self, layout: Layout) -> Script[tuple[DataObject, ...]]:
        """The DODF, which identify leaves unread: three commands that only ``practice`` needs.

        Raises:
            CommandRefused, CardDataMalformed: as identify.
        """
        path = layout.directory.dodf
        if path is None:
            return ()
        return pkcs15.parse_dodf((yield from read_list(path, "EF.DODF")), layout.application)

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
        expect(after, "SELECT application")

    def select(self, layout: Layout) -> Script[None]:
        """Select the application by its AID: the keys are local to it (card-reference §3.5).

        Raises:
            CommandRefused: it is not there.
        """
        expect((yield _select_aid(layout)), "SELECT application")

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
        yield from do(_mse(0xAA, SHA256_HASH), "MSE SET HT")
        yield from do(Command(0x00, 0x2A, 0x90, 0xA0, rounds), "PSO HASH")
        yield from do(_mse(0xB6, SHA256_RSA, layout.signature.reference), "MSE SET DST")
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
        yield from do(_mse(0xA4, RSA_PKCS1, layout.authentication.reference), "MSE SET AT")
        block = DIGEST_INFO_SHA256 + digest
        return (yield from _signature(Command(0x00, 0x88, 0x00, 0x00, block, le=LE_ANY), "INTERNAL AUTHENTICATE"))


def _signature(command: Command, step: str) -> Script[bytes]:
    """The command that makes a signature: once it has left, no answer is not the same as no signature.

    Raises:
        OutcomeUnknown: card or reader went away before the answer came. CommandRefused: the card said no.
    """
    try:
        answer = yield command
    except (CardError, ReaderError) as error:  # only the way to the card raises here; what the card says is an answer
        raise OutcomeUnknown(step) from error
    return expect(answer, step)


def _mse(template: int, algorithm: int, key: int | None = None) -> Command:
    """MANAGE SECURITY ENVIRONMENT SET: algorithm, then key, as the national middleware orders them."""
    data = tlv.write(0x80, bytes((algorithm,))) + (b"" if key is None else tlv.write(0x84, bytes((key,))))
    return Command(0x00, 0x22, 0x41, template, data)


def _select_aid(layout: Layout) -> Command:
    return Command(0x00, 0xA4, 0x04, 0x0C, layout.aid)


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
    data = yield from do(Command(0x00, 0xCB, 0x3F, 0xFF, request, le=LE_ANY), "GET DATA counter")
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
