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
TRIES = 5  # another process may take the free port first
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
log_type information
log_type notice
log_type warning
log_type error
"""


def program() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def missing() -> str | None:
    """Why mosquitto cannot be used here; None when it can."""
    return None if program() else "mosquitto is not installed"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def answer_of(port: int) -> bytes:
    """CONNECT and wait for the CONNACK: between "running" and its main loop, mosquitto forgets a SIGTERM."""
    with socket.create_connection((HOST, port), START) as plug:
        plug.sendall(b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00")  # MQTT 5 §3.1, no client id
        return plug.recv(64)


class PrivateMosquitto:
    """A running mosquitto; a context manager. ``start`` after ``stop`` takes the same port, empty.

    ``more``: lines for its configuration; those with ``cafile`` make it a TLS listener.
    """

    def __init__(self, folder: Path, more: str = "") -> None:
        self._folder = Path(folder)
        self._more = more
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'mqtts' if self._encrypted else 'mqtt'}://{HOST}:{self.port}"

    @property
    def _encrypted(self) -> bool:
        return "cafile" in self._more

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        path = program()
        assert path, missing()
        self._folder.mkdir(parents=True, exist_ok=True)
        said = ""
        for _ in range(TRIES):
            port = self.port or free_port()
            file = self._folder / "mosquitto.conf"
            file.write_text(_CONFIGURATION.format(port=port, host=HOST, packet=PACKET) + self._more)
            self._process = subprocess.Popen(
                [path, "-c", str(file)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
            )
            said = self._read_until_ready()
            if READY in said:
                if not self._encrypted:
                    answer_of(port)
                self.port = port
                return
            self.stop()
        raise AssertionError(f"mosquitto did not start: {said}")

    def _read_until_ready(self) -> str:
        """What mosquitto said up to its last word, or up to its end."""
        assert self._process
        assert self._process.stderr
        said = ""
        for line in self._process.stderr:
            said += line
            if READY in line:
                break
        return said

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.communicate(timeout=START)
        except subprocess.TimeoutExpired:
            process.kill()  # a fault to be seen, but nothing is left behind
            process.communicate(timeout=START)
            raise

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
