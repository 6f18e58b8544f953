"""The memory of a stopped process, as root reads it.

What it is: /proc/PID/smaps and /proc/PID/mem, in pieces; where an interpreter has its singletons. What it is not: a
judge of what it reads. Rule: what cannot be read is counted and named, never passed over in silence.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from residue_forms import LAYOUT, Lane, Singletons

PIECE = 256 << 10
OVERLAP = 4096

# What the kernel gives nobody through mem, whoever asks.
KERNELS = {"[vvar]", "[vvar_vclock]", "[vsyscall]"}

SIBLING = """
objects = [(f"int {number}", number) for number in range(257)]
objects += [(f"str {code}", chr(code)) for code in range(128)]
every = bytes(range(128))
objects += [(f"bytes {code}", every[code : code + 1]) for code in range(128)]
for name, thing in objects:
    print("object", id(thing), name)
for line in open("/proc/self/maps"):
    print("map", line, end="")
"""


@dataclass(frozen=True, slots=True)
class Mapping:
    """One entry of /proc/PID/smaps (proc(5)). ``own``: kB that are this process's and not the file's."""

    start: int
    end: int
    rights: str
    offset: int
    name: str
    flags: frozenset[str] = frozenset()
    own: int = 0

    @property
    def secret(self) -> bool:
        """memfd_secret memory: named so by the kernel, readable by its process only."""
        return self.name.startswith("/secretmem")

    @property
    def locked(self) -> bool:
        """The other page: locked, not dumped, wiped in a fork."""
        return {"lo", "dd", "wf"} <= self.flags

    @property
    def untouched(self) -> bool:
        """Private, and every page still the file's: it holds what the file holds."""
        return self.name.startswith("/") and self.rights.endswith("p") and self.own == 0

    @property
    def label(self) -> str:
        """A name without this machine's folders."""
        kind = "secret page" if self.secret else "locked page" if self.locked else Path(self.name).name
        return kind or "anonymous"


def mappings(pid: int) -> list[Mapping]:
    """All of them, in the order of their addresses."""
    found: list[Mapping] = []
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        word, rest = line.split(maxsplit=1)
        if not word.endswith(":"):
            found.append(_mapping(line))
        elif word in {"Anonymous:", "Swap:"}:
            found[-1] = replace(found[-1], own=found[-1].own + int(rest.split()[0]))
        elif word == "VmFlags:":
            found[-1] = replace(found[-1], flags=frozenset(rest.split()))
    return found


def _mapping(line: str) -> Mapping:
    span, rights, offset, _device, _inode, *name = line.split(maxsplit=5)
    start, end = (int(side, 16) for side in span.split("-"))
    return Mapping(start, end, rights, int(offset, 16), name[0] if name else "")


def pieces(pid: int, mapping: Mapping, overlap: int = OVERLAP) -> Iterator[bytes]:
    """The content, in pieces; each begins with the end of the one before.

    Raises:
        OSError: the kernel gives it to nobody.
    """
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        for at in range(mapping.start, mapping.end, PIECE):
            first = max(mapping.start, at - overlap)
            wanted = min(at + PIECE, mapping.end) - first
            data = os.pread(memory, wanted, first)
            if len(data) != wanted:
                raise OSError(f"{mapping.label}: short read")
            yield data
    finally:
        os.close(memory)


@cache
def _offsets() -> dict[str, tuple[str, int]]:
    """Object -> (file of the interpreter, distance from where it is mapped), from a sibling (security.md §2.4)."""
    said = subprocess.run([sys.executable, "-I", "-c", SIBLING], capture_output=True, text=True, check=True).stdout
    bases: list[Mapping] = []
    objects: list[tuple[int, str]] = []
    for line in said.splitlines():
        kind, rest = line.split(maxsplit=1)
        if kind == "object":
            address, name = rest.split(maxsplit=1)
            objects.append((int(address), name))
        elif (mapping := _mapping(rest)).name.startswith("/") and mapping.offset == 0:
            bases.append(mapping)
    found = {}
    for address, name in objects:
        base = max((one for one in bases if one.start <= address), key=lambda one: one.start)
        found[name] = (base.name, address - base.start)
    return found


def singletons(pid: int) -> Singletons:
    """Where process ``pid`` of the same interpreter has them."""
    bases = {one.name: one.start for one in reversed(mappings(pid)) if one.offset == 0}
    at = {name: bases[file] + distance for name, (file, distance) in _offsets().items()}
    digits = {}
    for digit in "123456789":
        names = (f"int {digit}", f"int {ord(digit)}", f"str {ord(digit)}", f"bytes {ord(digit)}")
        digits |= {at[name]: digit for name in names}
    positions = {at[f"int {position}"]: key for position, key in enumerate(LAYOUT) if key in "123456789"}
    return Singletons(digits, positions, Lane.of([*digits, *positions]))
