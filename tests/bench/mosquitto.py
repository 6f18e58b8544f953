"""A private mosquitto on a free loopback port, MQTT 5, with the contract's limits.

Not the system's service: its own configuration, its own folder, its own child process, ended by this object.
"""

import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from appliance.contract.limits import PACKET

HOST = "127.0.0.1"
START = 10.0
READY = "running"  # mosquitto's last word at its start; after it only warnings come, so the pipe never fills

_CONFIGURATION = """\
listener {port} {host}
allow_anonymous true
persistence false
max_packet_size {packet}
message_size_limit {packet}
max_inflight_messages 20
max_queued_messages 1000
log_dest stderr
connection_messages false
log_type notice
log_type warning
log_type error
"""


def program() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def missing() -> str | None:
    """Why mosquitto cannot be used here; None when it can."""
    return None if program() else "mosquitto is not installed"


class PrivateMosquitto:
    """A running mosquitto; a context manager. ``start`` after ``stop`` takes the same port, empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        path = program()
        assert path, missing()
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self.port:
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                self.port = probe.getsockname()[1]
        file = self._folder / "mosquitto.conf"
        file.write_text(_CONFIGURATION.format(port=self.port, host=HOST, packet=PACKET))
        self._process = subprocess.Popen(
            [path, "-c", str(file)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        self._await_ready()

    def _await_ready(self) -> None:
        assert self._process
        assert self._process.stderr
        lines = []
        for line in self._process.stderr:  # mosquitto says so itself; its end is the end of the pipe
            lines.append(line)
            if READY in line:
                break
        else:
            raise AssertionError("mosquitto did not start: " + "".join(lines))

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        process.communicate(timeout=START)

    def kill(self) -> None:
        """As a power cut: nobody is told."""
        assert self._process
        self._process.kill()
        self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
