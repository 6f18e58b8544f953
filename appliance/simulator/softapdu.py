"""Short commands under T=0, on the card's side: parsing, chaining, 61xx and 6Cxx.

What it is: what ISO 7816-3 §12.2 and 7816-4 §5.3 make of bytes before and after a card thinks. What it is not: any
command in particular. Rule: a command whose P3 does not fit its bytes is refused with 6700; nothing is guessed.
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
    """One command. ``le`` is 1..256 for case 2 (P3 = 00 is 256), None where data went in or P3 is absent."""

    header: bytes
    data: bytes
    le: int | None

    @classmethod
    def parse(cls, raw: bytes) -> "Apdu":
        """Header, then P3 as Lc with exactly that many bytes, or P3 as Le.

        Raises:
            Refused: 6700.
        """
        body = raw[5:]
        if len(raw) < 4 or (body and raw[4] != len(body)):
            raise Refused(0x6700)
        return cls(bytes(raw[:4]), bytes(body), None if body or len(raw) == 4 else raw[4] or 256)

    @property
    def ins(self) -> int:
        """Instruction byte."""
        return self.header[1]

    @property
    def p(self) -> tuple[int, int]:
        """P1, P2."""
        return self.header[2], self.header[3]


class T0:
    """The transport of one powered card: what waits for GET RESPONSE, and the chain being gathered.

    Args:
        commands: INS -> what answers it; the answer is data without status word.
    """

    def __init__(self, commands: dict[int, Callable[[Apdu], bytes]]) -> None:
        self._commands = {**commands, GET_RESPONSE: self._get_response}
        self._pending = b""
        self._chain = b""
        self._chain_header = b""

    def reset(self) -> None:
        """Forget what waits."""
        self._pending = self._chain = self._chain_header = b""

    def transmit(self, raw: bytes) -> bytes:
        """Answer with data and status word; a refusal is a status word too."""
        try:
            return self._answer(Apdu.parse(raw))
        except Refused as refused:
            return refused.sw.to_bytes(2)

    def _answer(self, command: Apdu) -> bytes:
        if command.header[0] & ~_CHAINED:
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
        header = b"\0" + command.header[1:]
        self._chain = (self._chain if self._chain_header == header else b"") + command.data
        self._chain_header = header
        return OK

    def _joined(self, command: Apdu) -> Apdu:
        if self._chain_header == command.header:
            command = Apdu(command.header, self._chain + command.data, command.le)
        self._chain = self._chain_header = b""
        return command

    def _fitted(self, answer: bytes, command: Apdu) -> bytes:
        """Case 4 sent as case 3: 61xx. Case 2: the data, or 6Cxx when Le is more than there is.

        GET RESPONSE may ask in pieces; the rest is announced again (traces/README §5, quirks: E7 + 19).
        """
        if command.le is None:
            self._pending = answer
            return bytes((0x61, len(answer) & 0xFF))
        if command.le > len(answer):
            raise Refused(0x6C00 | len(answer))
        self._pending = answer[command.le :] if command.ins == GET_RESPONSE else b""
        more = bytes((0x61, len(self._pending) & 0xFF))
        return answer[: command.le] + (more if self._pending else OK)

    def _get_response(self, command: Apdu) -> bytes:
        if command.le is None or command.p != (0, 0) or not self._pending:
            raise Refused(0x6985)
        return self._pending
