"""PIN and PUK of a soft card: what is compared, counted and remembered.

What it is: VERIFY for both families; CHANGE REFERENCE DATA and RESET RETRY COUNTER as a CPS3 (``change``, ``unblock``,
the two CHV data objects) and as a CPS4 wants them (``replace``, ``release``): card-reference §5, traces/README §5.
What it is not: a policy; the box has its own. Rule: a wrong comparison costs a try whichever command made it.
"""

from dataclasses import dataclass

from appliance.simulator.softapdu import Apdu, Refused
from appliance.simulator.softfiles import PinFormat, rules
from appliance.simulator.softtlv import tlv

PIN, PUK = 1, 2


@dataclass(slots=True)
class Counter:
    """A PIN or PUK: its block, tries and, for the PUK, uses."""

    block: bytes
    most: int
    left: int
    uses: int | None = None

    def check(self, block: bytes) -> None:
        """Compare and count (ISO 7816-4 §11.6.6).

        Raises:
            Refused: 6983 blocked, 6700 length, 63Cx wrong with x tries left.
        """
        if self.left == 0:
            raise Refused(0x6983)
        if len(block) != len(self.block):
            raise Refused(0x6700)
        if block != self.block:
            self.left -= 1
            raise Refused(0x63C0 + self.left)
        self.left = self.most


class Codes:
    """The two secrets and who has shown them since the last reset.

    Attributes:
        counters: by reference, 1 the holder's PIN, 2 the PUK (3 tries; 10 tries and 100 uses: card-reference §5).
        verify_count: VERIFY commands that carried data.
    """

    def __init__(self, form: PinFormat, pin: str, puk: str) -> None:
        self._form = form
        self.counters = {
            PIN: Counter(form.block(pin), 3, 3),
            PUK: Counter(puk.encode(), 10, 10, uses=100),
        }
        self.verify_count = 0
        self._verified: set[int] = set()
        self._released = False

    @property
    def verified(self) -> bool:
        """Whether the holder's PIN was shown."""
        return PIN in self._verified

    def forget(self) -> None:
        """Nobody has shown anything."""
        self._verified.clear()
        self._released = False

    def require(self) -> None:
        """The holder's PIN was shown.

        Raises:
            Refused: 6982.
        """
        if not self.verified:
            raise Refused(0x6982)

    def verify(self, command: Apdu) -> bytes:
        """VERIFY; without data it only asks (traces/README §1.4)."""
        counter = self._counter(command)
        reference = command.header[3]
        if not command.data:
            if reference in self._verified:
                return b""
            raise Refused(0x63C0 + counter.left if counter.left else 0x6983)
        self.verify_count += 1
        self._verified.discard(reference)
        counter.check(command.data)
        self._verified.add(reference)
        return b""

    def change(self, command: Apdu) -> bytes:
        """CHANGE REFERENCE DATA P1=00: old then new block. A right old one verifies nothing; a wrong one forgets."""
        counter = self._counter(command)
        if command.header[3] != PIN:
            raise Refused(0x6982)
        old, new = command.data[: len(counter.block)], command.data[len(counter.block) :]
        self._check_new(new)
        try:
            counter.check(old)
        except Refused:
            self._verified.discard(PIN)
            raise
        counter.block = new
        return b""

    def unblock(self, command: Apdu) -> bytes:
        """RESET RETRY COUNTER P1=02: the new PIN only, after VERIFY of the PUK; each spends one of the PUK's uses.

        The one-step form (P1=00, PUK and PIN) is refused: no trace shows it (traces/README §5, unknown 14).
        """
        if command.p != (2, PIN):
            raise Refused(0x6A86)
        self._require_puk()
        self._check_new(command.data)
        self._reset_tries()
        self.counters[PIN].block = command.data
        return b""

    def replace(self, command: Apdu) -> bytes:
        """CHANGE REFERENCE DATA P1=01: the new block only, after VERIFY of the old PIN or after ``release``.

        A change verifies nothing: the new PIN has to be shown (stricter than any trace).
        """
        if command.p != (1, PIN):
            raise Refused(0x6A86)
        if not self._released:
            self.require()
        self._check_new(command.data)
        self.counters[PIN].block = command.data
        self._released = False
        self._verified.discard(PIN)
        return b""

    def release(self, command: Apdu) -> bytes:
        """RESET RETRY COUNTER P1=03, reference with bit 8, no data, after VERIFY of the PUK: tries, and one new PIN."""
        if command.p != (3, PIN | 0x80):
            raise Refused(0x6A86)
        if command.data:
            raise Refused(0x6700)
        self._require_puk()
        self._reset_tries()
        self._released = True
        return b""

    def _require_puk(self) -> None:
        if PUK not in self._verified:
            raise Refused(0x6982)
        if not self.counters[PUK].uses:
            raise Refused(0x6984)

    def _reset_tries(self) -> None:
        """Spend one use of the PUK; whoever had shown the PIN has to show it again."""
        puk, pin = self.counters[PUK], self.counters[PIN]
        puk.uses = (puk.uses or 0) - 1
        pin.left = pin.most
        self._verified.discard(PIN)

    def describe(self, reference: int) -> bytes:
        """Content of the CHV object, tag A0: tries, tries left, uses left, access rules."""
        counter = self.counters[reference]
        uses = tlv(0x9D, counter.uses.to_bytes(2)) if counter.uses is not None else b""
        state = bytes((0x9A, 1, counter.most, 0x9B, 1, counter.left))
        return tlv(0xA0, state, uses, rules({PIN: "000013FF00", PUK: "FF00FFFF00"}[reference]))

    def lengths(self, reference: int) -> bytes:
        """Content of the CHV object, tag 7F41: stored and least length."""
        form = {PIN: self._form, PUK: PinFormat(8, 8)}[reference]
        return tlv(0x7F41, bytes((0x80, 1, form.stored, 0x81, 1, form.least)))

    def _check_new(self, block: bytes) -> None:
        if len(block) != self._form.stored:
            raise Refused(0x6700)
        if not self._form.accepts(block):
            raise Refused(0x6A80)

    def _counter(self, command: Apdu) -> Counter:
        if command.header[2] != 0:
            raise Refused(0x6A86)
        counter = self.counters.get(command.header[3])
        if counter is None:
            raise Refused(0x6A88)
        return counter
