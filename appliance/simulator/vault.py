"""``python -m appliance.simulator.vault PATH --config FILE``: the vault on the desk.

What it is: three things put in place (pins, I2C bus, bench clock), then the vault's unchanged ``service.run``; the
reader is the desk's through ``PCSCLITE_CSOCK_NAME`` in the environment. What it is not: part of the shipped services,
which never import this room. Rule: nothing of the vault is replaced, only what lies outside the box.

The desk listens on PATH, an AF_UNIX SEQPACKET socket (design §3). One message is one packet:

- desk to vault: ``K`` + 2 bytes (all 16 switches, bit = row * 4 + column, big-endian) · ``E`` + errno (the next I2C
  transaction fails) · ``C`` + 4 bytes (advance the bench clock by so many milliseconds, big-endian) · ``T`` + 1 byte
  (the case: 1 open) · ``B`` + 1 byte (the panel button: 1 pressed) · ``N`` (which threads are there?);
- vault to desk: each of these messages again, once it is in force (what comes behind a ``K`` was read with these
  switches; ``N`` comes back with a line for each thread, its number and its name) · ``P`` + GPIO + level (0, 1, 2
  released) · ``I`` + address + bytes written.
"""

import argparse
import asyncio
import logging
import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from gpiozero import Device

from appliance.config import Config, load
from appliance.errors import ApplianceError, ConfigError, SimulatorError
from appliance.simulator.bus import I2cLine
from appliance.simulator.clock import BenchLoop
from appliance.simulator.pins import BenchFactory

log = logging.getLogger(__name__)

NO_DESK: Final = 3
"""Exit code when the desk was gone: nothing to work on."""
EXITS: Final[dict[type[ApplianceError], int]] = {ConfigError: 2, SimulatorError: NO_DESK}
"""Exit codes of what the vault does not start with (design §6); 1 for the rest."""
MAX_MESSAGE: Final = 65536
GRACE: Final = 5.0
"""Seconds the service has to end by itself once the desk is gone."""


class Wire:
    """The vault's end of the desk's socket.

    Raises:
        SimulatorError: no desk listens on ``path``.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.gone = False
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise SimulatorError(f"no desk on {path}: {error.strerror}") from error

    def send(self, message: bytes) -> bool:
        """Send one packet; False once the desk is gone, which ``receive`` tells to whoever must act on it."""
        try:
            self._socket.send(message)
        except OSError:
            self.gone = True
        return not self.gone

    def receive(self) -> bytes:
        """The next packet; empty once the desk is gone."""
        try:
            message = self._socket.recv(MAX_MESSAGE)
        except ConnectionResetError:  # the desk died with our reports unread
            message = b""
        self.gone = self.gone or not message
        return message

    def hang_up(self) -> None:
        """End the conversation: a ``receive`` in another thread returns."""
        if not self.gone:
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back; nobody may be in ``receive``."""
        self._socket.close()


class Bench:
    """Pins, bus and clock of one vault, moved by the desk's messages."""

    def __init__(self, wire: Wire, config: Config) -> None:
        self._wire = wire
        self._pins = BenchFactory(config.keypad.rows, config.keypad.columns, wire.send)
        self._tamper, self._button = config.signals.tamper, config.signals.button
        self._pins.ground(self._tamper, closed=True)
        self._line = I2cLine(wire.send)
        self._ended = threading.Event()
        self._reader: threading.Thread | None = None

    def install(self) -> None:
        """Put pins and bus in the place of the kernel's, for this process."""
        Device.pin_factory = self._pins
        self._line.install()

    async def play(self, service: Callable[[Config], Awaitable[int]], config: Config) -> int:
        """Run ``service`` until it ends or the desk is gone: its exit code, or ``NO_DESK``."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if not isinstance(loop, BenchLoop) or task is None:
            raise SimulatorError("the bench needs its own loop")
        self._reader = threading.Thread(target=self._obey, args=(loop, task), name="desk", daemon=True)
        self._reader.start()
        try:
            return await service(config)
        except asyncio.CancelledError:
            if not self._wire.gone:
                raise
            return NO_DESK
        finally:
            self._ended.set()

    def close(self) -> None:
        """End the conversation with the desk."""
        self._wire.hang_up()
        if self._reader is not None:
            self._reader.join(GRACE)
        self._wire.close()

    def _obey(self, loop: BenchLoop, task: asyncio.Task[int]) -> None:
        while message := self._wire.receive():
            kind, value = message[:1], int.from_bytes(message[1:], "big")
            match kind:
                case b"K":
                    self._pins.close_switches(value)
                case b"E":
                    self._line.fail_next(value)
                    self._wire.send(message)
                case b"C":
                    loop.advance(value / 1000)
                    self._wire.send(message)
                case b"T":
                    self._pins.ground(self._tamper, closed=not value)
                    self._wire.send(message)
                case b"B":
                    self._pins.ground(self._button, closed=bool(value))
                    self._wire.send(message)
                case b"N":
                    self._wire.send(
                        b"N" + "\n".join(f"{one.native_id} {one.name}" for one in threading.enumerate()).encode()
                    )
                case _:
                    log.error("unknown message of the desk: %r", kind)
        if self._ended.is_set():
            return
        log.error("the desk is gone: the vault ends")
        loop.call_soon_threadsafe(task.cancel)
        if not self._ended.wait(GRACE):
            log.error("the service does not end: killed")
            os._exit(NO_DESK)


def serve(path: Path, config: Config, service: Callable[[Config], Awaitable[int]]) -> int:
    """Play ``service`` on the desk of ``path`` and return its exit code.

    Raises:
        SimulatorError: no desk listens there.
    """
    wire = Wire(path)
    bench = Bench(wire, config)
    bench.install()
    try:
        with asyncio.Runner(loop_factory=BenchLoop) as runner:
            return runner.run(bench.play(service, config))
    finally:
        bench.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m appliance.simulator.vault", description="The vault on the desk.")
    parser.add_argument("path", type=Path, help="the desk's socket")
    parser.add_argument("--config", type=Path, required=True, help="the vault's configuration file")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
    from appliance.vault.service import run  # noqa: PLC0415 - after the bench's own parts are known to import

    try:
        return serve(options.path, load(options.config), run)
    except ApplianceError as error:
        log.error("%s: %s", error.code, error)  # noqa: TRY400 - the message says it, a traceback would hide it
        return EXITS.get(type(error), 1)


if __name__ == "__main__":
    sys.exit(main())
