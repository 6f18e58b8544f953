"""``python -m appliance.simulator.isolation COMMAND…``: run a command in an empty network namespace.

What it is: unshare(2), then exec; with a user namespace of its own where we are not root. What it is not: a sandbox:
the shipped units have that. Rule: where the kernel forbids it, it says so on standard error and runs the command all
the same; ``network_of`` tells afterwards what a process really has.
"""

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWUSER = 0x10000000  # linux/sched.h
CLONE_NEWNET = 0x40000000
TABLES = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "udplite", "udplite6")


@dataclass(frozen=True, slots=True)
class Network:
    """What /proc says of a process: its namespace, its routes, its IP sockets (counts, header lines left out)."""

    namespace: str
    routes: int
    sockets: int

    @property
    def empty(self) -> bool:
        """No route and no IP socket, in a namespace that is not ours."""
        return self.routes == 0 and self.sockets == 0 and self.namespace != str(Path("/proc/self/ns/net").readlink())


def network_of(pid: int) -> Network:
    """Read /proc of a process.

    Raises:
        OSError: it is gone, or belongs to somebody else.
    """
    net = Path(f"/proc/{pid}/net")
    sockets = sum(_lines(net / table) for table in TABLES)
    return Network(str(Path(f"/proc/{pid}/ns/net").readlink()), _lines(net / "route"), sockets)


def _lines(table: Path) -> int:
    """Entries of a table of /proc/net below its header; a table this kernel does not have is empty."""
    return max(0, len(table.read_text().splitlines()) - 1) if table.exists() else 0


def isolate() -> bool:
    """Leave the network for good; False where the kernel forbids it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        return bool(libc.unshare(CLONE_NEWNET) == 0)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", "ascii")
    return True


if __name__ == "__main__":
    if not isolate():
        sys.stderr.write("isolation: this kernel gives no network namespace; the vault keeps ours\n")
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the launcher's own command
