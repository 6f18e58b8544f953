"""A private, real pcscd with vpcd: its own mounts, its own network, its socket in a folder of the caller's.

What it is: the distribution's pcscd as a child. Its socket path is fixed and vpcd listens on all interfaces, so it runs
in new mount and network namespaces. What it is not: a stand-in, or part of the box: tests and ``appliance bench`` use
it. Rule: it ends what it started, and nothing else; waiting is on events or on bounded connection attempts.

Needs root, pcscd and vpcd: ``missing`` says what is not there.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from appliance.errors import SimulatorError

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_SET_PDEATHSIG = 1
VPCD = ("127.0.0.1", 35963)
DRIVERS = Path("/usr/lib/pcsc/drivers")
SYSTEM_PATH = "/usr/sbin:/usr/bin"

# Waits inside SCardGetStatusChange; in a process of its own, because libpcsclite remembers its first socket path.
WATCH = """
import sys, time
from smartcard import scard
wanted = {"in": scard.SCARD_STATE_PRESENT, "out": scard.SCARD_STATE_EMPTY}[sys.argv[1]]
end = time.monotonic() + float(sys.argv[2])
failed, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
assert not failed, hex(failed)
failed, readers = scard.SCardListReaders(context, [])
assert not failed, hex(failed)
states = [(readers[0], scard.SCARD_STATE_UNAWARE)]
while (left := end - time.monotonic()) > 0:
    failed, changed = scard.SCardGetStatusChange(context, int(left * 1000) + 1, states)
    assert not failed, hex(failed)
    if changed[0][1] & wanted and not changed[0][1] & scard.SCARD_STATE_MUTE:
        sys.exit(0)
    states = [changed[0][:2]]
sys.exit("the reader's state did not come")
"""

_libc = ctypes.CDLL(None, use_errno=True)


def missing() -> str | None:
    """Why it cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if shutil.which("pcscd", path=SYSTEM_PATH) is None or not any(DRIVERS.rglob("libifdvpcd.so*")):
        return "needs pcscd and vpcd"
    return None


class PrivatePcscd:
    """One pcscd. Clients set ``PCSCLITE_CSOCK_NAME`` to ``socket_path``; cards dial with ``connect``.

    Raises:
        SimulatorError: the daemon does not start, or its virtual reader does not listen.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket_path = self.folder / "pcscd.comm"
        self.log = self.folder / "pcscd.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._never = threading.Event()
        self.start()

    @property
    def environment(self) -> dict[str, str]:
        """For programs that shall use this daemon."""
        return {**os.environ, "PCSCLITE_CSOCK_NAME": str(self.socket_path)}

    @property
    def pid(self) -> int:
        """Process id of the daemon.

        Raises:
            SimulatorError: it does not run.
        """
        if self.process is None:
            raise SimulatorError("pcscd does not run")
        return self.process.pid

    def start(self) -> None:
        """Start it and wait until daemon and virtual reader answer.

        Raises:
            SimulatorError: they do not.
        """
        for name in ("pcscd.comm", "pcscd.pid"):
            (self.folder / name).unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", __file__, str(self.folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._reach(self._answers, "pcscd does not answer")
            self._reach(lambda: self.connect().close(), "vpcd does not listen")
        except BaseException:
            self.kill()
            raise

    def connect(self, address: tuple[str, int] = VPCD) -> socket.socket:
        """A TCP connection, to vpcd by default, made inside the daemon's network namespace by a thread that visits it.

        Raises:
            OSError: nobody listens.
        """
        made: list[socket.socket | OSError] = []

        def visit() -> None:
            try:
                with Path(f"/proc/{self.pid}/ns/net").open("rb") as namespace:
                    _check(_libc.setns(namespace.fileno(), CLONE_NEWNET), "setns")
                made.append(socket.create_connection(address, timeout=5))
            except OSError as error:
                made.append(error)

        visitor = threading.Thread(target=visit)
        visitor.start()
        visitor.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def wait_for_card(self, *, present: bool = True, timeout: float = 10) -> None:
        """Return when pcscd itself says that a card is in (or out).

        Raises:
            TimeoutError: it does not, within ``timeout`` seconds.
        """
        wanted = "in" if present else "out"
        done = subprocess.run(
            [sys.executable, "-c", WATCH, wanted, str(timeout)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise TimeoutError(f"waiting for a card to be {wanted}: {done.stderr}")

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Crash and come back on the same socket path."""
        self.kill()
        self.start()

    def close(self) -> None:
        """End it; kill it if it does not go."""
        self._end(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _answers(self) -> None:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(self.socket_path))

    def _reach(self, attempt: Callable[[], None], complaint: str) -> None:
        """At most 10 s of attempts, 20 ms apart, and none once the daemon is gone."""
        for _ in range(500):
            with contextlib.suppress(OSError):
                attempt()
                return
            if self.process is None or self.process.poll() is not None:
                break
            self._never.wait(0.02)
        raise SimulatorError(f"{complaint}: {self.log.read_text(errors='replace')[-2000:]}")


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    kind_bytes = kind.encode() if kind else None
    _check(_libc.mount(source.encode(), target.encode(), kind_bytes, ctypes.c_ulong(flags), None), f"mount {target}")


def _raise_loopback() -> None:
    """`ip link set lo up` without iproute2 (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh22x", b"lo", 0))
        flags = struct.unpack("16sh22x", request)[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def _become_pcscd(folder: str) -> None:
    """Runs in the child: leave the host's mounts and network, then become pcscd (same pid)."""
    parent = os.getppid()
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        sys.exit("whoever started it is gone")
    _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWNET), "unshare")
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    kept = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    _mount("tmpfs", "/run", "tmpfs", 0)  # hides the host's pcscd, should there be one
    Path("/run/pcscd").mkdir(mode=0o755)
    _mount(f"/proc/self/fd/{kept}", "/run/pcscd", None, MS_BIND)
    os.close(kept)
    _raise_loopback()
    program = shutil.which("pcscd", path=SYSTEM_PATH) or "/usr/sbin/pcscd"
    options = subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout
    without_polkit = ["--disable-polkit"] if "--disable-polkit" in options else []
    os.execv(program, [program, "--foreground", *without_polkit])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    _become_pcscd(sys.argv[1])
