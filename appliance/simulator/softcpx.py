"""What every soft CPx card has: files, codes, keys, a selection, counters, and a time of its own.

What it is: the part that the families share. What it is not: a dialect; which bytes reach what is the family's.
Rule: the card counts what it really received and answered, at the level of APDUs, and logs headers, never data.
"""

import abc
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypedDict, Unpack

from appliance.errors import SimulatorError
from appliance.simulator.pki import TestPki
from appliance.simulator.softapdu import Apdu, Refused
from appliance.simulator.softfiles import MF, Ef, Generation, PinFormat, build_files
from appliance.simulator.softobjects import TWO, DataObject
from appliance.simulator.softpin import Codes, Counter
from appliance.simulator.softsign import PrivateKeys


@dataclass(frozen=True, slots=True)
class Traffic:
    """Commands, bytes sent to the card, bytes received from it (status words counted), as traces/README §6 has them."""

    commands: int = 0
    sent: int = 0
    received: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(self.commands + other.commands, self.sent + other.sent, self.received + other.received)

    def __sub__(self, other: "Traffic") -> "Traffic":
        return Traffic(self.commands - other.commands, self.sent - other.sent, self.received - other.received)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a card takes, in milliseconds.

    For each APDU, for each byte of it and of its answer, for each private operation. The numbers are the caller's;
    a real CPS3 was seen to take about 100 ms for a READ (card-reference §3.2).
    """

    apdu: float = 0.0
    byte: float = 0.0
    key: float = 0.0

    def seconds(self, traffic: Traffic, operations: int) -> float:
        """The card's own time for so much."""
        moved = self.byte * (traffic.sent + traffic.received)
        return (self.apdu * traffic.commands + moved + self.key * operations) / 1000


class Options(TypedDict, total=False):
    """What one card may have of its own.

    Attributes:
        serial: the eight digits of the chip (EF.SN).
        pin, puk: digits.
        pin_digits: least and most digits of a PIN; the AODF states them.
        hidden: the data objects behind the PIN.
        timing: None for a card without a time of its own.
    """

    serial: str
    pin: str
    puk: str
    pin_digits: tuple[int, int]
    hidden: Sequence[DataObject]
    timing: Timing | None


class SoftCpx(abc.ABC):
    """One card; a family adds how it is spoken to.

    Args:
        pki: whose card; its keys sign.
        references: the family's references of the signature and the authentication key.
        options: see ``Options``.

    Attributes:
        files: (folder id, file id) -> EF; tests may replace one.
        traffic: what it received and answered, ever. log: (header as hex, status word) of each command, never data.
        selected: (folder id, file id) of every EF that was reached, in order; on the CPS2ter face the folder is its DF.
        busy: seconds of its own time, by ``timing``.

    Raises:
        SimulatorError: a serial, PIN or PUK of the wrong shape.
    """

    atr: bytes | None = None
    generation: ClassVar[Generation]

    def __init__(self, pki: TestPki, references: tuple[int, int], **options: Unpack[Options]) -> None:
        serial, pin, puk = options.get("serial", "99213845"), options.get("pin", "1234"), options.get("puk", "12345678")
        form = PinFormat.of(*options.get("pin_digits", (4, 4)))
        if not form.accepts(form.block(pin)) or not PinFormat(8, 8).accepts(puk.encode()):
            raise SimulatorError("PIN or PUK has the wrong number of digits")
        if len(serial) != 8 or not serial.isascii() or not serial.isdigit():
            raise SimulatorError("a chip serial has 8 digits")
        self.serial = serial
        self.files = build_files(pki, serial, form, self.generation, options.get("hidden", TWO))
        self.timing = options.get("timing")
        self.traffic = Traffic()
        self.log: list[tuple[str, int]] = []
        self.selected: list[tuple[int, int]] = []
        self.busy = 0.0
        self._codes = Codes(form, pin, puk)
        self._private = PrivateKeys(*references, pki, self._codes.require)
        self._folder = MF
        self._file: Ef | None = None
        self._dark = threading.Event()  # the power is off: no reason to go on taking time

    @property
    def apdu_count(self) -> int:
        """Commands received, since the card was made."""
        return self.traffic.commands

    @property
    def verify_count(self) -> int:
        """VERIFY commands that carried data, since the card was made."""
        return self._codes.verify_count

    @property
    def signature_count(self) -> int:
        """Signatures made, by whichever command, since the card was made."""
        return self._private.signature_count

    @property
    def counters(self) -> dict[int, Counter]:
        """Tries and uses by reference: 1 PIN, 2 PUK."""
        return self._codes.counters

    @property
    def verified(self) -> bool:
        """Whether the holder's PIN was shown since the last reset; asking costs no command."""
        return self._codes.verified

    def power_on(self) -> None:
        """Start fresh."""
        self._dark.clear()
        self.reset()

    def power_off(self) -> None:
        """Forget the session; a command in flight is answered at once."""
        self._dark.set()
        self.reset()

    def reset(self) -> None:
        """Forget the PIN and the selection; a family adds what else it forgets."""
        self.forget_pin()
        self._folder, self._file = MF, None

    def forget_pin(self) -> None:
        """Forget the PIN only, as the reference recordings did for their 6982."""
        self._codes.forget()

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one command, after the card's own time."""
        operations = self._private.operation_count
        answer = self._respond(apdu)
        exchange = Traffic(1, len(apdu), len(answer))
        self.traffic += exchange
        self.log.append((apdu[:4].hex().upper(), int.from_bytes(answer[-2:])))
        if self.timing is not None:
            seconds = self.timing.seconds(exchange, self._private.operation_count - operations)
            self.busy += seconds
            self._dark.wait(seconds)
        return answer

    @abc.abstractmethod
    def _respond(self, apdu: bytes) -> bytes:
        """Answer as this family does."""

    def _find(self, folder: int, fid: bytes) -> Ef:
        """The EF of that id.

        Raises:
            Refused: 6A82.
        """
        file = self.files.get((folder, int.from_bytes(fid)))
        if file is None:
            raise Refused(0x6A82)
        return file

    def _choose(self, folder: int, file: Ef | None) -> None:
        """Make that the current DF and EF."""
        self._folder, self._file = folder, file
        if file is not None:
            self.selected.append((folder, file.fid))

    def _content(self, offset: int, size: int | None) -> bytes:
        """READ BINARY of the current EF (ISO 7816-4 §11.3.3).

        Raises:
            Refused: 6700 without Le, 6986 without an EF, 6982 without the PIN it wants, 6B00 past its end.
        """
        if size is None:
            raise Refused(0x6700)
        if self._file is None:
            raise Refused(0x6986)
        if self._file.pin:
            self._codes.require()
        if offset >= len(self._file.content):
            raise Refused(0x6B00)
        return self._file.content[offset : offset + size]

    @staticmethod
    def _challenge(command: Apdu) -> bytes:
        if command.le is None:
            raise Refused(0x6700)
        return os.urandom(command.le)
