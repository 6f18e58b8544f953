"""The CPS4 dialect: a ChipDoc applet on logical channel 1, class 01.

What it is: scripts for all a driver does, and RSASSA-PSS, which only this card has. What it is not: transport, a
policy about tries, or a cache. Rule: as ``cps3.py``; a reference this dialect does not know is an error before
anything is sent.

Sources: traces §1, §3, §5, cps4-middleware-*; card-reference §5, §6.6, §6.7.
"""

import dataclasses
import hashlib
from typing import ClassVar

from appliance.card import chipdoc, contents
from appliance.card.activity import Situation
from appliance.card.apdu import LE_ANY, Command, SecretCommand, Slot
from appliance.card.chipdoc import ChipDoc, count, overwrite
from appliance.card.files import SW_NO_OBJECT, expect, read_serial, select_serial
from appliance.card.identity import Known, Memory
from appliance.card.layout import Key, Layout
from appliance.card.pin import NEW_ONLY, PIN, PUK, USES, field, in_order, need_puk
from appliance.card.script import Script
from appliance.card.signature import DIGEST, block, sign_once
from appliance.errors import CardUnsupported

AUTHENTICATION_KEY = 0x20
"""The one reference the authentication key of a CPS4 is known to have (traces §1.7)."""

_FACE = ChipDoc()


@dataclasses.dataclass(frozen=True, slots=True)
class Cps4:
    """Driver of CPS4 cards."""

    family: ClassVar[str] = "cps4"

    def knock(self) -> Script[int]:
        """SELECT of the applet on channel 1: its status word, 9000 on a CPS4, 6985 on one that has lost it."""
        return chipdoc.knock()

    def identify(self, memory: Memory) -> Script[Known]:
        """Serial, layout, certificates, counters: everything that needs no PIN; with recovery of a lost applet.

        Of a card in ``memory`` only the CDF and the PIN's counter are read: six commands. EF_ACTUA is not used on this
        card (traces §4).

        Raises:
            CardUnsupported: no ChipDoc, no EF.SN, not the issuer of CPx cards, or keys this dialect does not know.
            CardDataMalformed: a file that says nonsense.
            CertificateInvalid: a certificate that does not fit its key.
            CommandRefused: a status word without a rule, with its step.
        """
        if not (yield from chipdoc.enter()):
            raise CardUnsupported("no ChipDoc: not a CPS4")
        return (yield from self.read(memory))

    def read(self, memory: Memory) -> Script[Known]:
        """The same, of a card whose applet is selected."""
        yield from select_serial(_FACE)
        serial = yield from read_serial(_FACE)
        if again := (yield from contents.remembered(memory, serial, _recognise)):
            return again
        codes = yield from contents.read_codes(_FACE)
        tries = yield from count(codes.pin)
        puk_tries = (yield from count(codes.puk)) if codes.puk else None
        found = yield from contents.read_known(_FACE, contents.Chip(self.family, serial, tries, puk_tries), codes)
        _hash_key(found.identity.layout.signature)  # now, not when the person has typed a PIN for it
        return found

    def tries_left(self, layout: Layout) -> Script[int]:
        """The PIN's counter by VERIFY without data, which consumes no try; a PIN that is verified is forgotten.

        Raises:
            CardReset: the PIN is verified and stays so. CommandRefused: the counter is not to be had.
        """
        return count(layout.pin)

    def puk_tries_left(self, layout: Layout) -> Script[int]:
        """The counter of the code de déblocage.

        Raises:
            CardUnsupported: the card describes no such code. CardReset, CommandRefused: as ``tries_left``.
        """
        return count(need_puk(layout))

    def verify(self, layout: Layout) -> Script[None]:
        """One VERIFY with the digits of ``Slot.OLD``, then SELECT of the application's DF; never a second VERIFY.

        Raises:
            PinWrong: with the tries left, 0 included. PinBlocked: 6983 or 6984. CommandRefused: anything else.
        """
        yield from in_order([(_verify(layout), PIN)], overwrite)
        yield from self.select(layout)

    def change(self, layout: Layout) -> Script[None]:
        """VERIFY of the PIN in ``Slot.OLD``, then CHANGE REFERENCE DATA with that of ``Slot.NEW`` alone; one try.

        Raises:
            PinWrong, PinBlocked: of VERIFY only. CommandRefused: anything else, the new PIN included.
        """
        return in_order([(_verify(layout), PIN), (_new(layout), NEW_ONLY)], overwrite)

    def unblock(self, layout: Layout) -> Script[None]:
        """VERIFY of the code in ``Slot.OLD``, RESET RETRY COUNTER, then the new PIN; each sent once (traces §5).

        Raises:
            CardUnsupported: the card describes no such code.
            PukWrong: with the tries left. PukBlocked: no try or no use left.
            CommandRefused: anything else, the new PIN included.
        """
        puk = need_puk(layout)
        code = SecretCommand(0x01, 0x20, 0x00, puk.reference, (field(Slot.OLD, puk),))
        allow = Command(0x01, 0x2C, 0x03, layout.pin.reference | chipdoc.HASH_KEY)
        return in_order([(code, PUK), (allow, USES), (_new(layout), NEW_ONLY)], overwrite)

    def situations(self, layout: Layout) -> Script[tuple[Situation, ...]]:
        """The practice situations, PIN verified before; as ``contents.read_situations``."""
        return contents.read_situations(_FACE, layout)

    def select(self, layout: Layout) -> Script[None]:
        """Select the application's DF, as the national middleware does before each signature.

        Raises:
            CommandRefused: it is not there.
        """
        yield from _FACE.select(layout.application.path, "SELECT application")

    def sign(self, layout: Layout, message: bytes, *, selected: bool = True) -> Script[bytes]:
        """Sign ``message`` with the signature key, hashed here; three commands on T=0, two on T=1 (§6.6).

        ``selected`` says that the application's DF is selected, as ``verify`` and ``sign`` leave it.

        Returns:
            RSASSA-PKCS1-v1_5 with SHA-256, as many bytes as the modulus has; not yet checked by anybody.

        Raises:
            CardUnsupported: before anything is sent: a key reference this dialect does not know.
            CommandRefused: 6982 at any step means that the PIN is needed or was lost.
            OutcomeUnknown: the signature command left and its answer never came.
        """
        digest = hashlib.sha256(message).digest()
        return self._sign(layout, layout.signature, chipdoc.RSA_PKCS1_SHA256, digest, selected=selected)

    def sign_pss(self, layout: Layout, message: bytes, *, selected: bool = True) -> Script[bytes]:
        """The same as RSASSA-PSS with SHA-256; the salt and its length are the card's (traces §5, unknown 7)."""
        digest = hashlib.sha256(message).digest()
        return self._sign(layout, layout.signature, chipdoc.RSA_PSS_SHA256, digest, selected=selected)

    def authenticate(self, layout: Layout, digest: bytes, *, selected: bool = True) -> Script[bytes]:
        """Sign a SHA-256 ``digest`` of 32 bytes with the authentication key, as RSASSA-PKCS1-v1_5.

        The card has only the bare private operation for it: the whole block is built here (card-reference §6.7).

        Raises:
            ValueError: not 32 bytes; a fault of the caller.
            CardUnsupported, CommandRefused, OutcomeUnknown: as ``sign``.
        """
        key = _authentication_key(layout)
        if key.size is None or key.size % 8:
            raise CardUnsupported("the card does not state how long the authentication key is")
        encoded = block(digest, key.size)
        yield from self._prepare(layout, chipdoc.raw_environment(key.reference), "MSE SET CT", selected=selected)
        return (yield from sign_once(Command(0x01, 0x2A, 0x80, 0x86, encoded, le=LE_ANY), "PSO DECIPHER"))

    def authenticate_pss(self, layout: Layout, digest: bytes, *, selected: bool = True) -> Script[bytes]:
        """Sign a SHA-256 ``digest`` of 32 bytes with the authentication key, as RSASSA-PSS with SHA-256."""
        key = _authentication_key(layout)
        return self._sign(layout, key, chipdoc.RSA_PSS_SHA256, digest, selected=selected)

    def _sign(self, layout: Layout, key: Key, algorithm: int, digest: bytes, *, selected: bool) -> Script[bytes]:
        if len(digest) != DIGEST:
            raise ValueError("a SHA-256 digest has 32 bytes")
        command = chipdoc.environment(_hash_key(key), algorithm)
        yield from self._prepare(layout, command, "MSE SET DST", selected=selected)
        return (
            yield from sign_once(Command(0x01, 0x2A, 0x9E, 0x9A, digest, le=LE_ANY), "PSO COMPUTE DIGITAL SIGNATURE")
        )

    def _prepare(self, layout: Layout, environment: Command, step: str, *, selected: bool) -> Script[None]:
        """The DF and the security environment; another DF is left, and a lost applet got back without its PIN, once."""
        if not selected:
            yield from self.select(layout)
        answer = yield environment
        if answer.sw == SW_NO_OBJECT or (answer.sw in chipdoc.LOST and (yield from chipdoc.enter())):
            yield from self.select(layout)
            answer = yield environment
        expect(answer, step)


def _verify(layout: Layout) -> SecretCommand:
    return SecretCommand(0x01, 0x20, 0x00, layout.pin.reference, (field(Slot.OLD, layout.pin),))


def _new(layout: Layout) -> SecretCommand:
    """CHANGE REFERENCE DATA, new value only: what allows it was shown before (card-reference §5.3, §5.4)."""
    return SecretCommand(0x01, 0x24, 0x01, layout.pin.reference, (field(Slot.NEW, layout.pin),))


def _hash_key(key: Key) -> int:
    """A reference to which the bit of ``HASH_KEY`` can be added.

    Raises:
        CardUnsupported: it has the bit already, as those of a CPS3 have (traces, trials-cps4-middleware).
    """
    if not 0 < key.reference < chipdoc.HASH_KEY:
        raise CardUnsupported("a key reference that no CPS4 is known to have")
    return key.reference


def _authentication_key(layout: Layout) -> Key:
    """The authentication key of the card.

    Raises:
        CardUnsupported: not the reference known to work.
    """
    if layout.authentication.reference != AUTHENTICATION_KEY:
        raise CardUnsupported("an authentication key that no CPS4 is known to have")
    return layout.authentication


def _recognise(known: Known) -> Script[Known | None]:
    """The card of EF.SN, if it is as it was, with its counter read afresh; None when it must be read anew."""
    layout = known.identity.layout
    tries = yield from count(layout.pin)
    if (yield from contents.read_cdf(_FACE, layout.directory)) != known.directory:
        return None
    return known.counted(tries)
