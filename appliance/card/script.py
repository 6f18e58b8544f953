"""Scripts: what a driver wants from a card, as generators, and the transport rules, once for all.

What it is: ``wire`` turns a script of commands into a generator of bytes (61xx, 6Cxx, GET RESPONSE, chaining, T=0 and
T=1 forms); ``play`` runs one against a function. What it is not: a reader; nothing here waits.
Rule: a secret command is passed on once, as it is, and its answer is never followed up: no VERIFY is ever repeated.

Sources: card-reference §4, ISO 7816-3 §12.2 (T=0 mapping), ISO 7816-4 §5.3 (chaining, status words).
"""

from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

from appliance.card.apdu import LE_ANY, SW_OK, Command, Response, SecretCommand
from appliance.errors import ApplianceError, CardDataMalformed

T = TypeVar("T")

Script: TypeAlias = Generator[Command | SecretCommand, Response, T]
"""What drivers write: yields commands, receives responses, returns T."""

Wire: TypeAlias = Generator[bytes | SecretCommand, bytes, T]
"""What a reader plays: yields the bytes to send (or the secret command), receives the bytes of the answer."""

BLOCK = 255
"""Data bytes of one short APDU (card-reference §4 rule 4)."""

CHAINED = 0x10
"""Class bit of every block of a chain but the last (ISO 7816-4 §5.3.3)."""

ROUNDS = 64
"""Answers to one command at most: a card that says 61xx for ever is not worth waiting for."""

_INS_GET_RESPONSE = 0xC0
_SW_END = 0x6282


def wire(script: Script[T], *, t1: bool = False) -> Wire[T]:
    """Translate a script into APDU bytes.

    Args:
        script: the driver's generator; it is closed whatever happens.
        t1: the protocol in use is T=1 (commands with data and ``le`` carry Le).

    Returns:
        What the script returns.

    Raises:
        CardMute: an answer without a status word.
        CardDataMalformed: the card offers more data for ever.
        CardError: whatever the script raises.
    """
    try:
        step = next(script)
        while True:
            try:
                answer = (
                    Response.parse((yield step))
                    if isinstance(step, SecretCommand)
                    else (yield from _exchange(step, t1=t1))
                )
            except ApplianceError as error:
                # Only the script knows what an answer that never came means for the command it stood for.
                step = script.throw(error)
            else:
                step = script.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        script.close()


def play(script: Script[T], transmit: Callable[[bytes | SecretCommand], bytes], *, t1: bool = False) -> T:
    """Run a script against ``transmit``, one call for each APDU, and give its result.

    An ``ApplianceError`` of ``transmit`` is thrown into the script, which may know what it means.

    Raises:
        ApplianceError: as ``wire``, and whatever ``transmit`` raises.
    """
    apdus = wire(script, t1=t1)
    try:
        apdu = next(apdus)
        while True:
            try:
                answer = transmit(apdu)
            except ApplianceError as error:
                apdu = apdus.throw(error)
            else:
                apdu = apdus.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        apdus.close()


def _exchange(command: Command, *, t1: bool) -> Generator[bytes, bytes, Response]:
    """Send one command, whole, and collect its whole answer."""
    blocks = [command.data[i : i + BLOCK] for i in range(0, len(command.data), BLOCK)] or [b""]
    for block in blocks[:-1]:
        answer = Response.parse((yield _encode(command, block, chained=True, le=None, t1=t1)))
        if not answer.ok:
            return answer
    last = blocks[-1]
    answer = Response.parse((yield _encode(command, last, chained=False, le=command.le, t1=t1)))
    if answer.sw >> 8 == 0x6C and len(blocks) == 1 and (t1 or not last):
        # 6Cxx: nothing was done, the card wants this Le (ISO 7816-4 §5.6). Once, and only where an Le can be said:
        # not beside data on T=0; and the last block of a chain cannot be sent alone again.
        answer = Response.parse((yield _encode(command, last, chained=False, le=_count(answer.sw), t1=t1)))
    if answer.sw >> 8 != 0x61:
        return answer
    if command.le is None:
        # Done, and there is more to be had that nobody wants: ISO 7816-4 §5.6 calls it normal processing. The FCI of
        # a SELECT is left behind so by the national middleware too (traces, cps4-middleware-*).
        return Response(answer.data, SW_OK)
    return (yield from _collect(command, answer))


def _collect(command: Command, answer: Response) -> Generator[bytes, bytes, Response]:
    """GET RESPONSE on the command's own channel until the card has said everything."""
    data = bytearray(answer.data)
    channel = command.cla & 0x03
    for _ in range(ROUNDS):
        if answer.sw >> 8 == 0x61:
            wanted = _count(answer.sw)
            answer = Response.parse((yield _get_response(channel, wanted)))
            if answer.sw >> 8 == 0x6C:
                answer = Response.parse((yield _get_response(channel, _count(answer.sw))))
            data += answer.data
        else:
            # 6282 ends a GET RESPONSE like 9000 does (card-reference §4 rule 2).
            return Response(bytes(data), SW_OK if answer.sw == _SW_END else answer.sw)
    raise CardDataMalformed("the card offers more data for ever")


def _encode(command: Command, data: bytes, *, chained: bool, le: int | None, t1: bool) -> bytes:
    """One short APDU.

    T=0 never carries Le beside data (case 4 goes as case 3), and always a fifth byte; T=1 has the plain ISO forms.
    """
    header = bytes((command.cla | (CHAINED if chained else 0), command.ins, command.p1, command.p2))
    if data:
        return header + bytes((len(data),)) + data + (bytes((le % LE_ANY,)) if t1 and le is not None else b"")
    if le is not None:
        return header + bytes((le % LE_ANY,))
    return header if t1 else header + b"\x00"


def _get_response(channel: int, le: int) -> bytes:
    return bytes((channel, _INS_GET_RESPONSE, 0x00, 0x00, le % LE_ANY))


def _count(sw: int) -> int:
    """The xx of 61xx and 6Cxx as a number of bytes; 00 means 256."""
    return sw & 0xFF or LE_ANY
