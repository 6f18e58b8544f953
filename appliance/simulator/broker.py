"""A broker for demo and tests: iotcore (rumqttd) as a child process on a free loopback port (library-facts §3.7).

What it is: MQTT 5 on 127.0.0.1, nothing on disk beyond a configuration in a temporary folder, gone with this process
(the child ends when its standard input closes). What it is not: a broker for a practice.
Rule: 127.0.0.1 is always named (iotcore's own default is every address), and so is the payload limit (its default cuts
the connection of whoever sends more).
"""

import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

import iotcore

from appliance.contract.limits import PACKET
from appliance.errors import SimulatorError

HOST: Final = "127.0.0.1"
START: Final = 10.0
"""Seconds for the child to listen."""

TRIES: Final = 5
"""Another process may take the free port before the child does."""

_CONFIGURATION: Final = """\
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10

[v5.1]
name = "loopback"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = {payload}
max_inflight_count = 100
"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


class IotcoreBroker:
    """A running broker; a context manager.

    Raises:
        SimulatorError: from ``start``, when the child does not listen in time.
    """

    def __init__(self, port: int | None = None) -> None:
        self._wanted = port
        self._folder = TemporaryDirectory(prefix="cps-broker-", ignore_cleanup_errors=True)
        self._broker: iotcore.Broker | None = None
        self.port = port or 0

    @property
    def url(self) -> str:
        """``mqtt://127.0.0.1:port``."""
        return f"mqtt://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the child; 0 when it does not run."""
        process = self._broker._process if self._broker else None  # noqa: SLF001 -- iotcore names its child nowhere else
        return process.pid if process else 0

    def start(self) -> None:
        """Start, or start again on the same port, empty."""
        failure: Exception | None = None
        for _ in range(TRIES):
            port = self.port or free_port()
            file = Path(self._folder.name) / "broker.toml"
            file.write_text(_CONFIGURATION.format(host=HOST, port=port, payload=PACKET))
            broker = iotcore.Broker(config_path=str(file))
            try:
                broker.start(START)
            except (OSError, RuntimeError) as error:
                failure = error
                continue
            self._broker, self.port = broker, port
            return
        raise SimulatorError(f"no broker on {HOST}: {failure}")

    def stop(self) -> None:
        """End the child; safe to call again. The port stays ours for another ``start``."""
        if self._broker is not None:
            self._broker.stop()
            self._broker = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.cleanup()
