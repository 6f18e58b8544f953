"""A core dump of a process: by gdb's gcore where it is installed, and written by us as the kernel would.

What it is: one ELF file. What it is not: honest about registers when it is ours (they hold no digits of a stopped
service: what counts is memory). Rule: mappings that say ``dd`` (MADV_DONTDUMP) are left out, by gdb and by us.
"""

import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from residue_memory import mappings, pieces

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
ET_CORE, PT_LOAD = 4, 1
PAGE = 4096


def _gcore(pid: int, file: Path) -> None:
    """gdb names the file PREFIX.PID."""
    command = ["gcore", "-o", str(file), str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    written = file.with_name(f"{file.name}.{pid}")
    assert written.exists(), done.stdout + done.stderr
    written.rename(file)


def write(pid: int, file: Path) -> None:
    """Every readable page of the process's own, but for those that are not to be dumped."""
    wanted = [one for one in mappings(pid) if one.rights.startswith("r") and not one.untouched]
    kept: list[tuple[int, list[bytes]]] = []
    for mapping in wanted:
        if "dd" in mapping.flags or "io" in mapping.flags:
            continue
        try:
            kept.append((mapping.start, list(pieces(pid, mapping, overlap=0))))
        except OSError:  # secret memory and the kernel's own pages: a kernel's dump would lack them too
            continue
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    at = -(-(HEADER.size + len(kept) * SEGMENT.size) // PAGE) * PAGE
    with file.open("wb") as core:
        core.write(
            HEADER.pack(ident, ET_CORE, 0, 1, 0, HEADER.size, 0, 0, HEADER.size, SEGMENT.size, len(kept), 0, 0, 0)
        )
        for start, parts in kept:
            size = sum(map(len, parts))
            core.write(SEGMENT.pack(PT_LOAD, 4, at, start, 0, size, size, PAGE))
            at += size
        core.seek(-(-core.tell() // PAGE) * PAGE)
        for _start, parts in kept:
            core.writelines(parts)


MAKERS: dict[str, Callable[[int, Path], None]] = {"gcore": _gcore, "own writer": write}


def makers(memory: str) -> list[str]:
    """Who writes the core of a vault with this memory: gdb where it is there and the page is one it could read."""
    return ["gcore", "own writer"] if memory == "locked" and shutil.which("gcore") else ["own writer"]
