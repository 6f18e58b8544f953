"""A small service manager for one vault: what systemd.service(5) says of Type=notify, WatchdogSec= and Restart=.

What it is: the socket behind NOTIFY_SOCKET, a clock that WATCHDOG=1 winds up, SIGABRT when it runs out, a new vault
after RestartSec. What it is not: systemd: ``tests/sandbox`` shows the same with systemd itself.
Rule: its times are those of the shipped unit, and only the vault's own process is listened to (NotifyAccess=main).
"""

import select
import signal
import socket
import struct
import threading
import time
from pathlib import Path

from appliance.simulator.launch import Box

UNIT = Path(__file__).parents[2] / "systemd" / "appliance-vault.service"
UCRED = struct.Struct("iII")
START = 30.0


def seconds(key: str) -> float:
    """A time of the unit."""
    line = next(line for line in UNIT.read_text("utf-8").splitlines() if line.startswith(f"{key}="))
    return float(line.partition("=")[2])


class Manager:
    """Starts the vault of ``box`` on ``start`` and keeps it alive until ``close``.

    Attributes:
        kills, starts: when each vault was killed, and each new one started, monotonic seconds.
        pings: when each sign of life came.
    """

    def __init__(self, address: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._wake, self._end = socket.socketpair()
        self._news = threading.Condition()
        self._ready = 0
        self._thread = threading.Thread(target=self._manage, name="manager", daemon=True)
        self.limit, self.pause = seconds("WatchdogSec"), seconds("RestartSec")
        self.environment = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": str(round(self.limit * 1e6))}
        self.kills: list[float] = []
        self.starts: list[float] = []
        self.pings: list[float] = []
        self._box: Box | None = None

    def start(self, box: Box) -> None:
        """Start the vault; returns when it has said READY=1."""
        self._box = box
        box.start_vault()
        self._thread.start()
        self.wait_ready(1, START)

    def close(self) -> None:
        """Stop watching; the vault, should it run, is its starter's to end."""
        self._end.close()
        if self._thread.is_alive():
            self._thread.join(START)
        for plug in (self._wake, self._socket):
            plug.close()

    def wait_ready(self, count: int, timeout: float) -> None:
        """Wait for the ``count``th READY=1 since the beginning."""
        with self._news:
            assert self._news.wait_for(lambda: self._ready >= count, timeout), f"READY=1 came {self._ready} times"

    def _manage(self) -> None:
        deadline: float | None = None
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self._socket, self._wake], [], [], left)
            if self._wake in readable:
                return
            if not readable:
                deadline = None
                if not self._replace():
                    return
                continue
            words = self._hear()
            if "READY=1" in words or "WATCHDOG=1" in words:
                deadline = time.monotonic() + self.limit
            with self._news:
                self._ready += "READY=1" in words
                if "WATCHDOG=1" in words:
                    self.pings.append(time.monotonic())
                self._news.notify_all()

    def _hear(self) -> list[str]:
        """The lines of one message of the vault; none of anybody else's."""
        data, passed, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(UCRED.size))
        pid = next(UCRED.unpack(value)[0] for _, kind, value in passed if kind == socket.SCM_CREDENTIALS)
        return data.decode().splitlines() if pid == self._box.vault_pid else []

    def _replace(self) -> bool:
        """SIGABRT, RestartSec, a new vault; False when it was told to end meanwhile."""
        self.kills.append(time.monotonic())
        self._box.end("vault", signal.SIGABRT)
        readable, _, _ = select.select([self._wake], [], [], self.pause)
        if readable:
            return False
        self.starts.append(time.monotonic())
        self._box.start_vault()
        return True
