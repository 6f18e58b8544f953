"""A dialogue with a card as commented text, every secret masked.

What it is: ``Trace``, which stands between a script and a card and writes each command (``> hex``), each answer
(``< hex``) and, before them, what the command is. What it is not: a log of the box, which has none of this; nothing in
``vault`` imports it. Rule: masked are the data of every command that carries a PIN or a code, what is read once one was
shown, what a private key answers, and unless asked for the two files that name the holder (serial, certificates).

One ``**`` stands for one byte, ``**x231`` for 231 of them; a PIN without padding is ``** **``, its length masked too.
Format: tests/traces/README.md. Sources of the names: ISO 7816-4 §11, ISO 7816-8 §10, card-reference §2, §6.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from appliance.card.apdu import SecretCommand
from appliance.errors import ApplianceError

Transmit = Callable[[bytes | SecretCommand], bytes]

VERIFY, CHANGE, UNBLOCK = 0x20, 0x24, 0x2C
SELECT, READ, GET_RESPONSE, GET_DATA = 0xA4, 0xB0, 0xC0, 0xCB
MSE, PSO, INTERNAL_AUTHENTICATE = 0x22, 0x2A, 0x88

_SECRETS: Mapping[int, str] = MappingProxyType(
    {VERIFY: "VERIFY", CHANGE: "CHANGE REFERENCE DATA", UNBLOCK: "RESET RETRY COUNTER"}
)
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "8025000001FF0100": "the root application (ChipDoc on a CPS4)",
        "E828BD080F8025000001FF0010": "the PKCS#15 application",
        "8025000001FF0002": "the CPS2ter face",
        "A0000001510000": "the issuer security domain",
    }
)
_FILES: Mapping[str, str] = MappingProxyType(
    {
        "D003": "EF.SN",
        "D010": "EF_ACTUA",
        "2F00": "EF.DIR",
        "2F01": "EF.ATR",
        "5031": "EF.ODF",
        "7001": "EF.AODF",
        "7002": "EF.PrKDF",
        "7005": "EF.CDF",
        "7006": "EF.DODF",
        "7FFF": "no such file: overwrites a secret",
    }
)
_TEMPLATES: Mapping[int, str] = MappingProxyType({0xA4: "AT", 0xAA: "HT", 0xB6: "DST", 0xB8: "CT"})
_OPERATIONS: Mapping[int, str] = MappingProxyType(
    {0x90A0: "HASH, last round on the card", 0x9E9A: "COMPUTE DIGITAL SIGNATURE", 0x8086: "DECIPHER"}
)
_FEW = 16
"""Masked bytes that are written one by one."""
_EF_SN = bytes.fromhex("D003")
_CERTIFICATE = b"\x30\x82"
"""How a DER structure of more than 255 bytes begins: on a CPx only a certificate (RFC 5280 §4.1)."""


class Trace:
    """Writes a dialogue, one line at a time, newline included."""

    def __init__(self, write: Callable[[str], object], *, personal: bool = False) -> None:
        self._write = write
        self._personal = personal
        self._shown = False
        self._selected = b""
        self._certificate = False
        self._masked = False

    def begin(self, atr: bytes, *, t1: bool) -> None:
        """A card was powered: it knows no PIN."""
        self._shown = False
        self._line(f"# power on, T={int(t1)}, ATR {_hex(atr)}")

    def step(self, name: str) -> None:
        """What the following commands are for."""
        self._line(f"# step: {name}")

    def through(self, transmit: Transmit) -> Transmit:
        """``transmit``, with every exchange written."""

        def carry(command: bytes | SecretCommand) -> bytes:
            self._line(f"#   {describe(command)}")
            self._line(f"> {_command(command)}")
            try:
                answer = transmit(command)
            except ApplianceError as error:
                self._line(f"# no answer: {error.code}")
                raise
            self._line(f"< {self._answer(command, answer)}")
            return answer

        return carry

    def _line(self, text: str) -> None:
        self._write(text + "\n")

    def _answer(self, command: bytes | SecretCommand, answer: bytes) -> str:
        if isinstance(command, SecretCommand):
            self._shown = True
            return _hex(answer)
        ins = command[1]
        if ins != GET_RESPONSE:
            self._masked = self._hides(ins, command, answer)
        status = _hex(answer[-2:])
        return f"{_stars(len(answer) - 2)}{status}" if self._masked and len(answer) > 2 else _hex(answer)

    def _hides(self, ins: int, command: bytes, answer: bytes) -> bool:
        """Whether what a command is answered stays hidden, GET RESPONSE after it included."""
        if ins in _SECRETS:
            self._shown |= len(command) > 5
        elif ins == SELECT:
            self._selected, self._certificate = command[5 : 5 + command[4]], False
        elif ins == READ:
            if command[2:4] == b"\x00\x00":
                self._certificate = answer.startswith(_CERTIFICATE)
            names = self._certificate or self._selected.endswith(_EF_SN)
            return self._shown or (names and not self._personal)
        return ins == INTERNAL_AUTHENTICATE or (ins == PSO and command[2:4] != b"\x90\xa0")


def describe(command: bytes | SecretCommand) -> str:
    """A command in words, without its data."""
    if isinstance(command, SecretCommand):
        return _channel(command.cla) + f"{_SECRETS.get(command.ins, 'secret command')}, reference {command.p2:02X}"
    cla, ins, p1, p2 = command[:4]
    data = command[5 : 5 + command[4]] if len(command) > 5 else b""
    said = _WORDS.get(ins, _unnamed)(Said(ins, p1, p2, data, command[4] or 256 if len(command) == 5 else 0))
    return _channel(cla) + ("[chained] " if cla & 0x10 else "") + said


class Said(NamedTuple):
    """A command taken apart; ``wanted`` is Le as a number of bytes, 0 where data stands in its place."""

    ins: int
    p1: int
    p2: int
    data: bytes
    wanted: int


def _channel(cla: int) -> str:
    return f"[channel {cla & 0x03}] " if cla & 0x03 else ""


def _unnamed(said: Said) -> str:
    return f"INS {said.ins:02X}"


def _select(said: Said) -> str:
    if said.p1 == 0x04:
        return f"SELECT {_NAMES.get(said.data.hex().upper(), 'by name')}"
    parts = [said.data[at : at + 2].hex().upper() for at in range(0, len(said.data), 2)]
    name = _FILES.get(parts[-1]) if parts else None
    return f"SELECT {'/'.join(parts)}{f' ({name})' if name else ''}"


def _secret(said: Said) -> str:
    if said.ins == VERIFY and not said.data:
        return f"VERIFY without data: the counter of {said.p2:02X}"
    return f"{_SECRETS[said.ins]}, reference {said.p2:02X}"


_WORDS: Mapping[int, Callable[[Said], str]] = MappingProxyType(
    {
        SELECT: _select,
        READ: lambda said: f"READ BINARY at {said.p1 << 8 | said.p2}, {said.wanted} bytes",
        GET_RESPONSE: lambda said: f"GET RESPONSE, {said.wanted} bytes",
        GET_DATA: lambda said: f"GET DATA {_hex(said.data[4:7])}",
        VERIFY: _secret,
        CHANGE: _secret,
        UNBLOCK: _secret,
        MSE: lambda said: f"MSE SET {_TEMPLATES.get(said.p2, f'{said.p2:02X}')} {_hex(said.data)}",
        PSO: lambda said: f"PSO {_OPERATIONS.get(said.p1 << 8 | said.p2, 'other')}, {len(said.data)} bytes",
        INTERNAL_AUTHENTICATE: lambda said: f"INTERNAL AUTHENTICATE, {len(said.data)} bytes",
    }
)


def _command(command: bytes | SecretCommand) -> str:
    if isinstance(command, SecretCommand):
        open_ended = any(block.pad is None for block in command.blocks)
        room = sum(block.length for block in command.blocks)
        return f"{_hex(command.header())} " + ("** **" if open_ended else f"{room:02X} {_stars(room)}".rstrip())
    if command[1] in _SECRETS and len(command) > 5:
        return f"{_hex(command[:5])} {_stars(len(command) - 5)}".rstrip()
    return _hex(command)


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()


def _stars(count: int) -> str:
    return "** " * count if count <= _FEW else f"**x{count} "
