"""Short commands under T=0 and T=1, on the card's side: parsing, chaining, 61xx and 6Cxx.

What it is: what ISO 7816-3 §12 and 7816-4 §5.3 make of bytes before and after a card thinks. What it is not: any
command in particular, or the blocks of T=1; a reader has unpacked them.
Rule: a command whose P3 does not fit its bytes is refused with 6700; nothing is guessed.
"""

from collections.abc import Callable
from dataclasses import dataclass

OK = b"\x90\x00"
GET_RESPONSE = 0xC0
_CHAINED = 0x10


class Refused(Exception):
    """The command ends in this status word (ISO 7816-4 §5.6)."""

    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


@dataclass(frozen=True, slots=True)
class Apdu:
    """One command. ``le`` is 1..256 (a byte 00 is 256), None where there is none: always beside data under T=0."""

    header: bytes
    data: bytes
    le: int | None

    @classmethod
    def parse(cls, raw: bytes, *, t1: bool = False) -> "Apdu":
        """Header, then P3 as Lc with exactly that many bytes, or P3 as Le; under T=1 an Le may follow the data.

        Raises:
            Refused: 6700.
        """
        if len(raw) < 4:
            raise Refused(0x6700)
        header, p3, rest = bytes(raw[:4]), raw[4:5], bytes(raw[5:])
        if not rest:
            return cls(header, b"", (p3[0] or 256) if p3 else None)
        size = p3[0]
        if len(rest) == size:
            return cls(header, rest, None)
        if t1 and size and len(rest) == size + 1:
            return cls(header, rest[:size], rest[size] or 256)
        raise Refused(0x6700)

    @property
    def ins(self) -> int:
        """Instruction byte."""
        return self.header[1]

    @property
    def p(self) -> tuple[int, int]:
        """P1, P2."""
        return self.header[2], self.header[3]


class Transport:
    """What waits for GET RESPONSE on one channel of a powered card, and the chain being gathered there.

    Args:
        commands: INS -> what answers it; the answer is data without status word.
        cla: the class of the channel; every other one is refused.
        t1: speak T=1: Le beside data brings the answer at once, and GET RESPONSE is unknown.
    """

    def __init__(self, commands: dict[int, Callable[[Apdu], bytes]], *, cla: int = 0x00, t1: bool = False) -> None:
        self._commands = commands if t1 else {**commands, GET_RESPONSE: self._get_response}
        self._cla = cla
        self._t1 = t1
        self._pending = b""
        self._chain = b""
        self._chain_header = b""

    def reset(self) -> None:
        """Forget what waits."""
        self._pending = self._chain = self._chain_header = b""

    def transmit(self, raw: bytes) -> bytes:
        """Answer with data and status word; a refusal is a status word too."""
        try:
            return self._answer(Apdu.parse(raw, t1=self._t1))
        except Refused as refused:
            return refused.sw.to_bytes(2)

    def _answer(self, command: Apdu) -> bytes:
        if command.header[0] & ~_CHAINED != self._cla:
            raise Refused(0x6E00)
        handler = self._commands.get(command.ins)
        if handler is None:
            raise Refused(0x6D00)
        if command.ins != GET_RESPONSE:
            self._pending = b""
        if command.header[0] & _CHAINED:
            return self._gather(command)
        command = self._joined(command)
        answer = handler(command)
        return self._fitted(answer, command) if answer else OK

    def _gather(self, command: Apdu) -> bytes:
        """ISO 7816-4 §5.3.3: CLA bit 5 says that more follows."""
        header = bytes((self._cla,)) + command.header[1:]
        self._chain = (self._chain if self._chain_header == header else b"") + command.data
        self._chain_header = header
        return OK

    def _joined(self, command: Apdu) -> Apdu:
        if self._chain_header == command.header:
            command = Apdu(command.header, self._chain + command.data, command.le)
        self._chain = self._chain_header = b""
        return command

    def _fitted(self, answer: bytes, command: Apdu) -> bytes:
        """No Le: 61xx. With Le: the data, or 6Cxx when Le is more than there is (256 under T=1 means "all").

        A T=1 card that says 61xx is on record (traces, cps4-dual-atr: SELECT without Le). GET RESPONSE may ask in
        pieces; the rest is announced again (traces/README §5, quirks: E7 + 19).
        """
        if command.le is None:
            self._pending = answer
            return bytes((0x61, len(answer) & 0xFF))
        if command.le > len(answer) and not (self._t1 and command.le == 256):
            raise Refused(0x6C00 | len(answer))
        self._pending = answer[command.le :] if command.ins == GET_RESPONSE else b""
        more = bytes((0x61, len(self._pending) & 0xFF))
        return answer[: command.le] + (more if self._pending else OK)

    def _get_response(self, command: Apdu) -> bytes:
        if command.le is None or command.p != (0, 0) or not self._pending:
            raise Refused(0x6985)
        return self._pending
