"""Which bytes would betray a number that was typed: every form of it, looked for in one pass over a buffer.

What it is: buffers in, ``Trace`` out (security.md §2.2): ASCII, raw 0-9, UCS-2, UCS-4, 32 and 64-bit integers, text of
hexadecimal or decimal lists, and arrays of pointers to an interpreter's own small ints, one-character strings and
bytes. What it is not: a reader of processes or files. Rule: a trace is ``WINDOW`` or more consecutive digits of a
number; shorter ones are met by chance (security.md §0.8), and ``Decoys`` of the same make say how often that is.

Two steps keep it quick and its cost independent of how many numbers are looked for. A buffer loses what may stand
between digits (NUL, blank, comma, quotes...) and has raw 1-9 turned into "1"-"9": every form is now a run of decimal
characters. Then each window of each run is looked up in one table. The digit 0 is never typed: raw, it is empty memory.
"""

import secrets
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

DIGITS = 12
PUK_DIGITS = 8
WINDOW = 8
LAYOUT = "123A456B789C*0#D"
POINTER = 8

_BETWEEN = b"\0 ,'\"\\x;[]()\r\n"  # not what stands in a UUID or a time: those are everywhere
_NOISE = ord("~")
_PLAIN = bytes(
    ord("0") + code if 1 <= code <= 9 else code if chr(code).isdigit() and code < 128 else _NOISE for code in range(256)
)
_IS_DIGIT = bytes(b"~d"[chr(code).isdigit() and code < 128] for code in range(256))


def draw(digits: int = DIGITS) -> str:
    """A random number of that many digits, 1 to 9."""
    return "".join(str(secrets.randbelow(9) + 1) for _ in range(digits))


@dataclass(frozen=True, slots=True, order=True)
class Trace:
    """``digits`` consecutive digits of the number ``what``, in ``form``, at ``place``. Never the digits themselves."""

    what: str
    place: str
    form: str
    digits: int


CODINGS: Mapping[str, Mapping[str, str]] = {
    "digits": {digit: digit for digit in "123456789"},
    "hexadecimal text": {digit: f"3{digit}" for digit in "123456789"},
    "hexadecimal text, 0x": {digit: f"03{digit}" for digit in "123456789"},
    "decimal codes": {digit: str(ord(digit)) for digit in "123456789"},
}
"""How a digit is written in a run, after ``_BETWEEN`` has gone."""

WRITTEN: tuple[tuple[str, str, str], ...] = (
    ("ASCII", "<B", "code"),
    ("raw 1-9", "<B", "value"),
    ("UCS-2", "<H", "code"),
    ("UCS-4", "<I", "code"),
    ("int16", "<H", "value"),
    ("int32", "<I", "value"),
    ("int64 codes", "<Q", "code"),
    ("int64", "<Q", "value"),
)
"""Names for the forms of plain digits: (name, one element, what is in it)."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The byte ``at`` of every pointer, which tells most other data from singletons: eight times less to look at."""

    at: int
    classes: bytes

    @classmethod
    def of(cls, addresses: Iterable[int]) -> "Lane":
        """The lowest byte but two that is 0 in none of them: empty memory is no run."""
        written = [address.to_bytes(POINTER, "little") for address in addresses]
        at = next(at for at in range(2, POINTER) if all(pointer[at] for pointer in written))
        values = {pointer[at] for pointer in written}
        return cls(at, bytes(b"~d"[value in values] for value in range(256)))


@dataclass(frozen=True, slots=True)
class Singletons:
    """Where one interpreter has the objects that stand for single digits: address -> digit, and -> key position."""

    digits: Mapping[int, str]
    positions: Mapping[int, str]
    lane: Lane


class Numbers:
    """The numbers looked for, by label."""

    def __init__(self, numbers: Mapping[str, str]) -> None:
        self._numbers = dict(numbers)
        self._table: dict[bytes, list[tuple[bytes, str, str]]] = {}
        for what, number in self._numbers.items():
            for coding, letters in CODINGS.items():
                for window in windows(number):
                    coded = "".join(letters[digit] for digit in window).encode()
                    self._table.setdefault(coded[:WINDOW], []).append((coded, what, coding))

    def traces(self, place: str, data: bytes, objects: Singletons | None = None) -> set[Trace]:
        """Every trace in ``data``; for pointers it must begin at an address divisible by ``POINTER``."""
        found = set()
        for run in _digit_runs(data.translate(_PLAIN, _BETWEEN)):
            for what, coding in self._in_run(run):
                form = _written(data, self._numbers[what]) if coding == "digits" else coding
                found.add(Trace(what, place, form, self._longest(run, what, coding)))
        if objects is not None:
            found |= set(self._pointed(place, data, objects))
        return found

    def _in_run(self, run: bytes) -> set[tuple[str, str]]:
        table = self._table
        return {
            (what, coding)
            for at in range(len(run) - WINDOW + 1)
            if (rows := table.get(run[at : at + WINDOW])) is not None
            for coded, what, coding in rows
            if run.startswith(coded, at)
        }

    def _longest(self, run: bytes, what: str, coding: str) -> int:
        letters = CODINGS[coding]
        for length in range(DIGITS, WINDOW, -1):
            for window in windows(self._numbers[what], length):
                if "".join(letters[digit] for digit in window).encode() in run:
                    return length
        return WINDOW

    def _pointed(self, place: str, data: bytes, objects: Singletons) -> Iterator[Trace]:
        for addresses in _pointer_runs(data, objects.lane):
            for form, meant in (("pointers", objects.digits), ("pointers to key positions", objects.positions)):
                for run in _digit_runs("".join(meant.get(address, "~") for address in addresses).encode()):
                    for what, coding in self._in_run(run):
                        if coding == "digits":
                            yield Trace(what, place, form, self._longest(run, what, coding))


def windows(number: str, length: int = WINDOW) -> list[str]:
    return [number[at : at + length] for at in range(len(number) - length + 1)]


def _written(data: bytes, number: str) -> str:
    """The name of the form the digits stand in; "scattered" when something else lies between them."""
    for name, element, content in WRITTEN:
        for window in windows(number):
            values = (ord(digit) if content == "code" else int(digit) for digit in window)
            if b"".join(struct.pack(element, value) for value in values)[: -struct.calcsize(element) or None] in data:
                return name
    return "scattered"


def _digit_runs(data: bytes) -> Iterator[bytes]:
    """The runs of at least ``WINDOW`` decimal characters."""
    for begin, end in _runs(data.translate(_IS_DIGIT)):
        yield data[begin:end]


def _runs(classes: bytes) -> Iterator[tuple[int, int]]:
    """Where at least ``WINDOW`` ``d`` stand in a row among ``~``; ``find`` is six times quicker than a pattern."""
    end = 0
    while (begin := classes.find(b"d" * WINDOW, end)) >= 0:
        end = classes.find(b"~", begin)
        end = len(classes) if end < 0 else end
        yield begin, end


def _pointer_runs(data: bytes, lane: Lane) -> Iterator[tuple[int, ...]]:
    """``WINDOW`` or more pointers in a row that may be to singletons."""
    for begin, end in _runs(data[lane.at :: POINTER].translate(lane.classes)):
        count = min(end, len(data) // POINTER) - begin
        yield struct.unpack_from(f"<{count}Q", data, begin * POINTER)
