"""Starts a box on the desk: vault (without network) and gateway as processes of their own.

What it is: configuration, two child processes, their logs, their ends. What it is not: the desk, a reader or a broker.
Rule: the shipped code runs unchanged; what it is told comes from its configuration file and its environment.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from appliance.errors import SimulatorError
from appliance.simulator.isolation import Network, network_of
from appliance.simulator.pki import TestPki

DEVICE = "cps-demo"
END = 10.0
"""Seconds a child has to end by itself."""

CONFIG = """\
[device]
id = "{device}"

[mqtt]
url = "{url}"
requests = "{requests}"

[rights]
{rights}

[paths]
state = "{state}"
run = "{run}"

[trust]
directory = "{trust}"
test = true
sign = {signers}
{more}
"""


def soft_authorities() -> tuple[x509.Certificate, ...]:
    """Root and issuer of every soft TEST card that this process makes for a person."""
    pki = TestPki.generate()
    return pki.root, pki.intermediate


def write_authorities(directory: Path, authorities: Sequence[x509.Certificate]) -> None:
    """Put ``authorities`` into the store of test authorities of a trust directory."""
    folder = directory / "test"
    folder.mkdir(parents=True, exist_ok=True)
    for number, authority in enumerate(authorities, start=1):
        (folder / f"{number}.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))


class Box:
    """A vault and a gateway; a context manager.

    Args:
        folder: an absolute folder of our own; configuration, state, sockets and logs go there.
        url: of the broker.
        desk: path of the desk's socket.
        reader: path of a pcsc-lite socket: the desk's, or a real pcscd's.
        rights: client -> rights.
        requests: the configuration's ``requests``.
        authorities: the test authorities of its trust store; those of this process's soft cards by default.
        signers: what a signer's certificate may be worth (``[trust] sign``).
        more: further lines of configuration.
        module: what is started as the vault.
        environment: variables for both, on top of ours.
    """

    def __init__(  # noqa: PLR0913 - the outside world of a box, by keyword
        self,
        folder: Path,
        *,
        url: str,
        desk: Path,
        reader: Path,
        rights: Mapping[str, tuple[str, ...]],
        requests: str = "broker",
        authorities: Sequence[x509.Certificate] | None = None,
        signers: tuple[str, ...] = ("good", "unknown"),
        more: str = "",
        module: str = "appliance.simulator.vault",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.state, self.run, self.logs = folder / "state", folder / "run", folder / "logs"
        self.trust = folder / "trust"
        self.config = folder / "appliance.toml"
        self._desk, self._module = desk, module
        self._environment = {"PCSCLITE_CSOCK_NAME": str(reader), "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        for place in (self.state, self.run, self.logs):
            place.mkdir(parents=True, exist_ok=True)
        listed = "\n".join(f"{name} = [{', '.join(map(repr, given))}]" for name, given in rights.items())
        self.config.write_text(
            CONFIG.format(
                device=DEVICE,
                url=url,
                requests=requests,
                rights=listed,
                state=self.state,
                run=self.run,
                trust=self.trust,
                signers=list(signers),
                more=more,
            )
        )
        write_authorities(self.trust, soft_authorities() if authorities is None else authorities)

    def __enter__(self) -> Self:
        self.start_vault()
        self.start_gateway()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def vault_pid(self) -> int:
        """Process id of the vault."""
        return self._children["vault"].pid

    @property
    def gateway_pid(self) -> int:
        """Process id of the gateway."""
        return self._children["gateway"].pid

    def start_vault(self) -> None:
        """Start the vault in an empty network namespace."""
        inside = [sys.executable, "-m", self._module, str(self._desk), "--config", str(self.config)]
        self._start("vault", [sys.executable, "-m", "appliance.simulator.isolation", *inside])

    def start_gateway(self) -> None:
        """Start the gateway."""
        self._start("gateway", [sys.executable, "-m", "appliance.gateway", "--config", str(self.config)])

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> int:
        """End ``vault`` or ``gateway`` and return its exit code.

        Raises:
            SimulatorError: it did not end.
        """
        child = self._children.pop(name)
        child.send_signal(how)
        try:
            return child.wait(END)
        except subprocess.TimeoutExpired as error:
            child.kill()
            child.wait(END)
            raise SimulatorError(f"the {name} did not end; its log: {self.log(name)}") from error

    def stop(self) -> None:
        """End both; gateway first, as the units do."""
        for name in ("gateway", "vault"):
            if name in self._children:
                self.end(name)

    def log(self, name: str) -> str:
        """What a child wrote so far."""
        file = self.logs / f"{name}.log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def network(self) -> Network:
        """What /proc says of the vault's network."""
        return network_of(self.vault_pid)

    def _start(self, name: str, command: list[str]) -> None:
        environment = {**os.environ, **self._environment}
        with (self.logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
