"""The search of stopped processes, files and core dumps for numbers, and the count of what it met by chance.

What it is: one ``Search`` for a whole run: its numbers are drawn at once, a few of them are typed later, all others
are decoys. What it is not: a judge; tests are. Rule: everything readable is searched each time, but for the private
mappings of files of which the process has changed no page: those are searched once for all processes.
"""

import mmap
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from residue_forms import DIGITS, PUK_DIGITS, Numbers, Singletons, Trace, draw
from residue_memory import KERNELS, OVERLAP, PIECE, Mapping, mappings, pieces, singletons

NUMBERS, PUKS = 4000, 1000
ELF = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class Finding:
    """Traces of one process or folder; ``closed`` are the mappings that the kernel does not give away."""

    traces: frozenset[Trace]
    closed: tuple[str, ...] = ()

    def of(self, *numbers: str) -> list[Trace]:
        """The traces of some numbers, the longest of each form and place."""
        longest: dict[tuple[str, str, str], Trace] = {}
        for trace in sorted(self.traces):
            if trace.what in numbers:
                longest[trace.what, trace.place, trace.form] = trace
        return list(longest.values())


@dataclass
class Tally:
    """What a run has searched.

    ``before``: how many numbers looked like something before anything was typed, in the bench with the most of them.
    ``decoys``: those that did not, of all benches together; ``met``: what was like them later, in any scene.
    """

    searches: int = 0
    bytes: int = 0
    seconds: float = 0.0
    before: int = 0
    decoys: int = 0
    met: set[Trace] = field(default_factory=set)


class Search:
    """The numbers, and what is known of mappings that do not change."""

    def __init__(self) -> None:
        self._drawn = {f"number {index}": draw() for index in range(NUMBERS)}
        self._drawn |= {f"PUK {index}": draw(PUK_DIGITS) for index in range(PUKS)}
        self._numbers = Numbers(self._drawn)
        self._unchanged: dict[tuple[str, int, int], frozenset[Trace]] = {}
        self._searched: dict[tuple[str, int, int], frozenset[Trace]] = {}
        self._singletons: dict[int, Singletons] = {}
        self._empty = bytes(PIECE + OVERLAP)
        self._typed: set[str] = set()
        self.tally = Tally()

    def choose(self, met: set[str], count: int, puks: int) -> tuple[list[str], list[str], frozenset[str]]:
        """Labels of PINs and PUKs to type, and of the decoys, of what nothing looks like before they are typed."""
        self.tally.before = max(self.tally.before, len(met))
        free = [label for label in self._drawn if label not in met | self._typed]
        chosen = [label for label in free if len(self._drawn[label]) == DIGITS][:count]
        letters = [label for label in free if len(self._drawn[label]) == PUK_DIGITS][:puks]
        self._typed.update(chosen, letters)
        decoys = frozenset(free) - self._typed
        self.tally.decoys += len(decoys)
        return chosen, letters, decoys

    def number(self, label: str) -> str:
        """The digits, for the one who types them."""
        return self._drawn[label]

    def process(self, pid: int, *, interpreter: bool = True) -> Finding:
        """Every readable mapping of a stopped process."""
        began = perf_counter()
        objects = self._objects(pid) if interpreter else None
        traces: set[Trace] = set()
        closed = []
        for mapping in mappings(pid):
            if not mapping.rights.startswith("r"):
                continue
            try:
                traces |= self._mapping(pid, mapping, objects)
            except OSError:
                if mapping.name not in KERNELS:
                    closed.append(mapping.label)
        return self._count(began, traces, closed)

    def files(self, *folders: Path) -> Finding:
        """Every regular file under the folders, databases with their logs as raw bytes."""
        began = perf_counter()
        traces: set[Trace] = set()
        for file in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
            data = file.read_bytes()
            for at in range(0, len(data), PIECE):
                traces |= self._piece(file.name, data[max(0, at - OVERLAP) : at + PIECE], None)
        return self._count(began, traces)

    def core(self, file: Path, pid: int) -> Finding:
        """A core dump of process ``pid``, which still runs; segment by segment, so that pointers stay aligned."""
        began = perf_counter()
        objects = self._objects(pid)
        traces: set[Trace] = set()
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for start, size in _segments(content):
                for at in range(start, start + size, PIECE):
                    first = max(start, at - OVERLAP)
                    traces |= self._piece("core", content[first : min(at + PIECE, start + size)], objects)
        return self._count(began, traces)

    def _objects(self, pid: int) -> Singletons:
        if pid not in self._singletons:
            self._singletons[pid] = singletons(pid)
        return self._singletons[pid]

    def _mapping(self, pid: int, mapping: Mapping, objects: Singletons | None) -> frozenset[Trace]:
        key = (mapping.name, mapping.offset, mapping.end - mapping.start)
        if mapping.untouched and key in self._unchanged:
            return self._unchanged[key]
        found: set[Trace] = set()
        for piece in pieces(pid, mapping):
            found |= self._piece(mapping.label, piece, objects)
        if mapping.untouched:
            self._unchanged[key] = frozenset(found)
        return frozenset(found)

    def _piece(self, place: str, data: bytes, objects: Singletons | None) -> frozenset[Trace]:
        """Search, unless it is empty memory or was searched before, byte for byte the same."""
        self.tally.bytes += len(data)
        if data == self._empty[: len(data)]:
            return frozenset()
        key = (place, id(objects), hash(data))
        if key not in self._searched:
            self._searched[key] = frozenset(self._numbers.traces(place, data, objects))
        return self._searched[key]

    def _count(self, began: float, traces: set[Trace], closed: Iterable[str] = ()) -> Finding:
        self.tally.seconds += perf_counter() - began
        self.tally.searches += 1
        return Finding(frozenset(traces), tuple(closed))


def _segments(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """(offset, size) of what a 64-bit ELF core holds of memory (elf(5)), and of its notes, where registers are."""
    if content[:4] != ELF or content[4] != 2:
        raise ValueError("not a 64-bit ELF file")
    (table,) = struct.unpack_from("<Q", content, 32)
    entry, count = struct.unpack_from("<HH", content, 54)
    for index in range(count):
        _kind, _flags, offset, _virtual, _physical, size = struct.unpack_from("<IIQQQQ", content, table + index * entry)
        if size:
            yield offset, size
