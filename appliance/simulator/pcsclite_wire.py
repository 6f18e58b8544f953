"""The pcsc-lite client protocol as bytes: which command has which body, and back.

What it is: the fixed native-endian structures of protocol 4:4 and 4:5 (pcsc-lite `winscard_msg.h` and
`eventhandler.h`, versions 1.9.9 and 2.3.3).
What it is not: a socket, a reader, a rule of who may do what.
Rule: a body either has its exact size and one meaning, or it is a WireError; bytes of an APDU are shown nowhere.
"""

import struct
from typing import Final, NamedTuple

from appliance.errors import SimulatorError
from appliance.simulator.pcsclite_codes import ATR_BYTES, Status

PROTOCOL_MAJOR: Final = 4
PROTOCOL_MINORS: Final = (4, 5)  # 1.9.9 asks for 4, 2.3.3 and 2.4 for 5; 2.5 asks for 6 and takes 5 when told so
READER_SLOTS: Final = 16
NAME_BYTES: Final = 128
ATTRIBUTE_BYTES: Final = 264
APDU_BYTES: Final = 4 + 3 + 65536 + 3 + 2  # extended APDU with its status word

HEADER: Final = struct.Struct("=II")  # size of the body, command
READER_STATE: Final = struct.Struct(f"={NAME_BYTES}sIIi{ATR_BYTES}s3xII")


class WireError(SimulatorError):
    """A client sent what is no message of the protocol: only that client is closed."""


class Establish(NamedTuple):
    """SCardEstablishContext: the answer gives the context number."""

    scope: int
    context: int = 0
    rv: int = 0


class Release(NamedTuple):
    """SCardReleaseContext."""

    context: int
    rv: int = 0


class Connect(NamedTuple):
    """SCardConnect: the answer gives handle and protocol."""

    context: int
    reader: bytes
    share: int
    preferred: int
    card: int = 0
    protocol: int = 0
    rv: int = 0


class Reconnect(NamedTuple):
    """SCardReconnect: the answer gives the protocol."""

    card: int
    share: int
    preferred: int
    disposition: int
    protocol: int = 0
    rv: int = 0


class Disconnect(NamedTuple):
    """SCardDisconnect."""

    card: int
    disposition: int
    rv: int = 0


class Begin(NamedTuple):
    """SCardBeginTransaction."""

    card: int
    rv: int = 0


class End(NamedTuple):
    """SCardEndTransaction."""

    card: int
    disposition: int
    rv: int = 0


class Transmit(NamedTuple):
    """SCardTransmit; the APDU follows the body, the response the answer."""

    card: int
    send_protocol: int
    send_pci: int
    send_length: int
    receive_protocol: int
    receive_pci: int
    receive_length: int
    rv: int = 0


class Control(NamedTuple):
    """SCardControl; data follow as for Transmit."""

    card: int
    code: int
    send_length: int
    receive_length: int
    returned: int = 0
    rv: int = 0


class CardStatus(NamedTuple):
    """SCardStatus: only the code; the client reads state and ATR from GetReaders."""

    card: int
    rv: int = 0


class Cancel(NamedTuple):
    """SCardCancel, on a connection of its own."""

    context: int
    rv: int = 0


class GetAttribute(NamedTuple):
    """SCardGetAttrib: the answer fills value and length."""

    card: int
    name: int
    value: bytes
    length: int
    rv: int = 0


class SetAttribute(NamedTuple):
    """SCardSetAttrib."""

    card: int
    name: int
    value: bytes
    length: int
    rv: int = 0


class Version(NamedTuple):
    """First message of a connection."""

    major: int
    minor: int
    rv: int = 0


class GetReaders(NamedTuple):
    """Answered by the reader table."""


class Wait(NamedTuple):
    """Answered by the reader table, and later once by a signal."""


class StopWaiting(NamedTuple):
    """Answered by a signal, unless one was sent already."""


class GetReaderEvents(NamedTuple):
    """Answered by count and rv; since 4:5."""


Body = (
    Establish | Release | Connect | Reconnect | Disconnect | Begin | End | Transmit | Control | CardStatus | Cancel
    | GetAttribute | SetAttribute | Version | GetReaders | Wait | StopWaiting | GetReaderEvents
)  # fmt: skip

BODIES: Final[dict[int, tuple[str, type[Body]]]] = {
    0x01: ("III", Establish),
    0x02: ("II", Release),
    0x04: (f"I{NAME_BYTES}sIIiII", Connect),
    0x05: ("iIIIII", Reconnect),
    0x06: ("iII", Disconnect),
    0x07: ("iI", Begin),
    0x08: ("iII", End),
    0x09: ("iIIIIIII", Transmit),
    0x0A: ("iIIIII", Control),
    0x0B: ("iI", CardStatus),
    0x0D: ("II", Cancel),
    0x0F: (f"iI{ATTRIBUTE_BYTES}sII", GetAttribute),
    0x10: (f"iI{ATTRIBUTE_BYTES}sII", SetAttribute),
    0x11: ("iiI", Version),
    0x12: ("", GetReaders),
    0x13: ("", Wait),
    0x14: ("", StopWaiting),
    0x15: ("", GetReaderEvents),
}
_SHAPES: Final = {command: (struct.Struct("=" + fields), kind) for command, (fields, kind) in BODIES.items()}
_BY_KIND: Final = {kind: shape for shape, kind in _SHAPES.values()}
_NOTHING_GIVEN: Final[dict[type[Body], dict[str, int]]] = {
    Connect: {"card": 0, "protocol": 0},
    Reconnect: {"protocol": 0},
    Transmit: {"receive_length": 0},
    Control: {"returned": 0},
    GetAttribute: {"length": 0},
}
_PAIR: Final = struct.Struct("=II")


def size_of(header: bytes) -> tuple[int, int]:
    """Command and body size of an 8-byte header.

    Raises:
        WireError: no such command, or a size that is not this command's.
    """
    size, command = HEADER.unpack(header)
    if command not in _SHAPES:
        raise WireError(f"unknown command {command:#x}")
    if size != _SHAPES[command][0].size:
        raise WireError(f"command {command:#x} with a body of {size} bytes")
    return command, size


def decode(command: int, body: bytes) -> Body:
    """The body of a command `size_of` accepted."""
    shape, kind = _SHAPES[command]
    return kind(*shape.unpack(body))


def encode(body: Body) -> bytes:
    """The answer: the same structure as the question."""
    return _BY_KIND[type(body)].pack(*body)


def refusal(body: Body, rv: int) -> bytes:
    """The answer that carries a status and gives nothing."""
    fields = body._asdict() | _NOTHING_GIVEN.get(type(body), {}) | {"rv": rv}
    return _BY_KIND[type(body)].pack(*fields.values())


def trailer_of(body: Body) -> int:
    """How many bytes follow the body (APDU or control data).

    Raises:
        WireError: more than the largest extended APDU.
    """
    length = body.send_length if isinstance(body, Transmit | Control) else 0
    if length > APDU_BYTES:
        raise WireError(f"{length} bytes announced")
    return length


def signal(rv: int) -> bytes:
    """What wakes a waiting client (`wait_reader_state_change`): a zero and the status."""
    return _PAIR.pack(0, rv)


def reader_events(count: int) -> bytes:
    """How often readers came or went since the start, from 1, 15 bits."""
    return _PAIR.pack(count, Status.SUCCESS)


class ReaderState(NamedTuple):
    """One row of the table every client reads: name (bytes, empty = no reader), counters and the card."""

    name: bytes = b""
    events: int = 0
    bits: int = 0
    sharing: int = 0
    atr: bytes = b""
    protocol: int = 0


def reader_table(state: ReaderState) -> bytes:
    """The sixteen rows as 2,944 bytes; ours is the first."""
    name, events, bits, sharing, atr, protocol = state
    row = READER_STATE.pack(name, events, bits, sharing, atr, len(atr), protocol)
    return row.ljust(READER_SLOTS * READER_STATE.size, b"\0")
