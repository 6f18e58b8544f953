"""The CPS3 dialect: an IAS-ECC applet on channel 0, class 00.

What it is: scripts for all a driver does. What it is not: transport, a policy about tries, or a cache. Rule: a command
with a secret goes out once for each call and is always followed by one at least as long; what is signed is hashed or
wrapped here, never a block somebody else built.

Sources: card-reference §2.2, §3, §5, §6.3, §6.4; traces §1, §3, cps3-middleware-*.
"""

import dataclasses
from typing import ClassVar

from appliance.card import contents, tlv
from appliance.card.activity import Situation
from appliance.card.actua import SIZE, check_update
from appliance.card.apdu import LE_ANY, Command, SecretCommand, Slot
from appliance.card.files import EF_SN, SW_NO_OBJECT, do, expect, read_optional, read_serial, select_serial
from appliance.card.iasecc import (
    EF_ACTUA,
    RSA_PKCS1,
    SHA256_HASH,
    SHA256_RSA,
    IasEcc,
    count,
    count_here,
    environment,
    overwrite,
    select_aid,
    select_path,
)
from appliance.card.identity import Known, Memory
from appliance.card.layout import Layout
from appliance.card.pin import OLD_AND_NEW, PIN, PUK, USES, field, in_order, need_puk, room
from appliance.card.pkcs15 import MF
from appliance.card.script import Script
from appliance.card.sha256 import unfinished
from appliance.card.signature import digest_info, sign_once
from appliance.errors import CardError, CardUnsupported, CommandRefused, ReaderError

_FACE = IasEcc()


@dataclasses.dataclass(frozen=True, slots=True)
class Cps3:
    """Driver of CPS3 cards."""

    family: ClassVar[str] = "cps3"

    def knock(self) -> Script[int]:
        """SELECT of EF.SN: its status word, 9000 on a CPS3 whose IAS-ECC face has the floor."""
        answer = yield select_path(EF_SN)
        return answer.sw

    def identify(self, memory: Memory) -> Script[Known]:
        """Serial, layout, certificates, counters: everything that needs no PIN.

        Of a card in ``memory`` only EF_ACTUA, the CDF and the PIN's counter are read: seven commands on T=0 where
        there is no EF_ACTUA. The card's own files always win.

        Raises:
            CardUnsupported: no EF.SN, not the issuer of CPx cards, or keys among which nobody can choose.
            UpdateInterrupted: an update of the card was begun and not ended.
            CardDataMalformed: a file that says nonsense.
            CertificateInvalid: a certificate that does not fit its key.
            CommandRefused: a status word without a rule, with its step.
        """
        yield from select_serial(_FACE)
        return (yield from self.read(memory))

    def read(self, memory: Memory) -> Script[Known]:
        """The same, of a card whose EF.SN is selected."""
        serial = yield from read_serial(_FACE)
        if again := (yield from contents.remembered(memory, serial, _recognise)):
            return again
        codes = yield from contents.read_codes(_FACE)
        update = yield from _read_update()
        if update is None:  # else the MF is the current DF already
            yield from _FACE.select(MF, "SELECT MF")
        tries = yield from count(codes.pin)
        puk_tries = (yield from count(codes.puk)) if codes.puk else None
        chip = contents.Chip(self.family, serial, tries, puk_tries, update)
        return (yield from contents.read_known(_FACE, chip, codes))

    def tries_left(self, layout: Layout) -> Script[int]:
        """The PIN's counter by GET DATA, which consumes no try; leaves the MF selected (card-reference §5.1).

        Raises:
            CommandRefused: the counter is not to be had.
            CardDataMalformed: the answer has no counter.
        """
        yield from _FACE.select(MF, "SELECT MF")
        return (yield from count(layout.pin))

    def puk_tries_left(self, layout: Layout) -> Script[int]:
        """The counter of the code de déblocage, 0 when its uses are spent; leaves the MF selected.

        Raises:
            CardUnsupported: the card describes no such code. CommandRefused, CardDataMalformed: as ``tries_left``.
        """
        puk = need_puk(layout)
        yield from _FACE.select(MF, "SELECT MF")
        return (yield from count(puk))

    def verify(self, layout: Layout) -> Script[None]:
        """One VERIFY with the digits of ``Slot.OLD``, then SELECT of the application; never a second VERIFY.

        The caller has checked the number of digits against ``layout.pin`` and the person's agreement to a last try.
        Whatever the status, what follows overwrites the copy the daemon keeps of the PIN, and leaves the card where
        ``sign`` and ``authenticate`` want it.

        Raises:
            PinWrong: with the tries left, 0 included. PinBlocked: 6983 or 6984. CommandRefused: anything else.
        """
        command = SecretCommand(0x00, 0x20, 0x00, layout.pin.reference, (field(Slot.OLD, layout.pin),))
        answer = yield command
        try:
            if len(layout.aid) < room(command):
                yield overwrite(command)
            after = yield select_aid(layout)
        except (CardError, ReaderError):
            PIN.judge(answer)  # a refusal in hand says more than the loss of what came after it
            raise
        PIN.judge(answer)
        expect(after, "SELECT application")

    def change(self, layout: Layout) -> Script[None]:
        """CHANGE REFERENCE DATA: the PIN of ``Slot.OLD`` becomes that of ``Slot.NEW``; one try (card-reference §5.3).

        Raises:
            CardUnsupported: before anything is sent: two fields that the card could not tell apart.
            PinWrong, PinBlocked, CommandRefused: as ``verify``.
        """
        pin = layout.pin
        if pin.pad is None and pin.min_length != pin.max_length:
            raise CardUnsupported("two PINs without padding cannot be told apart")
        fields = (field(Slot.OLD, pin), field(Slot.NEW, pin))
        return in_order([(SecretCommand(0x00, 0x24, 0x00, pin.reference, fields), OLD_AND_NEW)], overwrite)

    def unblock(self, layout: Layout) -> Script[None]:
        """VERIFY of the code in ``Slot.OLD``, then RESET RETRY COUNTER with the PIN of ``Slot.NEW``; each sent once.

        In two steps, as the national middleware has it (traces, cps3-middleware-wrong-puk; card-reference §5.4).

        Raises:
            CardUnsupported: the card describes no such code.
            PukWrong: with the tries left. PukBlocked: no try or no use left. CommandRefused: anything else.
        """
        pin, puk = layout.pin, need_puk(layout)
        code = SecretCommand(0x00, 0x20, 0x00, puk.reference, (field(Slot.OLD, puk),))
        new = SecretCommand(0x00, 0x2C, 0x02, pin.reference, (field(Slot.NEW, pin),))
        return in_order([(code, PUK), (new, USES)], overwrite)

    def situations(self, layout: Layout) -> Script[tuple[Situation, ...]]:
        """The practice situations, PIN verified before; as ``contents.read_situations``."""
        return contents.read_situations(_FACE, layout)

    def select(self, layout: Layout) -> Script[None]:
        """Select the application by its AID: the keys are local to it (card-reference §3.5).

        Raises:
            CommandRefused: it is not there.
        """
        yield from do(select_aid(layout), "SELECT application")

    def sign(self, layout: Layout, message: bytes, *, selected: bool = True) -> Script[bytes]:
        """Sign ``message`` with the signature key, the last round of SHA-256 on the card (card-reference §6.3).

        Four commands. ``selected`` says that the application is selected, as ``verify`` and ``sign`` leave it; a card
        that does not find its key says otherwise, and gets the SELECT once.

        Returns:
            RSASSA-PKCS1-v1_5 with SHA-256, as many bytes as the modulus has; not yet checked by anybody.

        Raises:
            CommandRefused: 6982 at any step means that the PIN is needed or was lost.
            OutcomeUnknown: the signature command left and its answer never came.
        """
        if not selected:
            yield from self.select(layout)
        try:
            yield from _prepare(layout, message)
        except CommandRefused as error:
            if error.sw != SW_NO_OBJECT:
                raise
            yield from self.select(layout)
            yield from _prepare(layout, message)
        return (yield from sign_once(Command(0x00, 0x2A, 0x9E, 0x9A, le=LE_ANY), "PSO COMPUTE DIGITAL SIGNATURE"))

    def authenticate(self, layout: Layout, digest: bytes, *, selected: bool = True) -> Script[bytes]:
        """Sign a SHA-256 ``digest`` of 32 bytes with the authentication key (card-reference §6.4).

        Raises:
            ValueError: not 32 bytes; a fault of the caller.
            CommandRefused, OutcomeUnknown: as ``sign``.
        """
        info = digest_info(digest)
        if not selected:
            yield from self.select(layout)
        yield from do(environment(0xA4, RSA_PKCS1, layout.authentication.reference), "MSE SET AT")
        return (yield from sign_once(Command(0x00, 0x88, 0x00, 0x00, info, le=LE_ANY), "INTERNAL AUTHENTICATE"))


def _prepare(layout: Layout, message: bytes) -> Script[None]:
    """The hash of ``message`` and the key that is to sign it, in the card."""
    hashing = unfinished(message)
    head = hashing.state + hashing.hashed.to_bytes(8, "big") if hashing.hashed else b""
    rounds = tlv.write(0x90, head) + tlv.write(0x80, hashing.rest)
    yield from do(environment(0xAA, SHA256_HASH), "MSE SET HT")
    yield from do(Command(0x00, 0x2A, 0x90, 0xA0, rounds), "PSO HASH")
    yield from do(environment(0xB6, SHA256_RSA, layout.signature.reference), "MSE SET DST")


def _recognise(known: Known) -> Script[Known | None]:
    """The card of EF.SN, if it is as it was, with its counter read afresh; None when it must be read anew."""
    layout = known.identity.layout
    tries = yield from count_here(_FACE, layout.pin)
    if (yield from _read_update()) != known.update:
        return None
    if (yield from contents.read_cdf(_FACE, layout.directory)) != known.directory:
        return None
    return known.counted(tries)


def _read_update() -> Script[bytes | None]:
    """EF_ACTUA, judged; None when the card has none.

    Raises:
        UpdateInterrupted: begun and not ended. CommandRefused: any other refusal than 6A82.
    """
    data = yield from read_optional(_FACE, EF_ACTUA, "EF_ACTUA", SIZE)
    if data is not None:
        check_update(data)
    return data
