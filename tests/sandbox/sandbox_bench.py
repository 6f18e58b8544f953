"""A box on a machine of its own: the shipped units, with a desk, a virtual reader and a broker around them.

What it is: the machine prepared as a box is, its units started, and ways to look at them. What it is not: another box:
the gateway's unit runs as it is shipped; the vault's starts ``appliance.simulator.vault``, which is the vault without
its hardware; pcscd's may speak TCP inside an empty network of its own, because the virtual reader does.
Rule: whatever a test adds to a unit stands in ``DROP_INS``, and takes nothing of its sandbox away but that TCP.
"""

import base64
import json
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from sandbox_machine import BENCH, SOURCE, UNITS, Machine, libc

from appliance.client.transport import Client
from appliance.simulator.desk import Desk
from appliance.simulator.launch import soft_authorities
from appliance.simulator.pki import TestPki
from appliance.simulator.vpcd import VpcdSlot

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from counting_card import CountingCard
from mosquitto import PrivateMosquitto

DEVICE, CLIENT = "cps-demo", "dossier"
VPCD = ("127.0.0.1", 35963)
TIMEOUT = 20.0
CLONE_NEWNET = 0x40000000
UNITS_STARTED = ("pcscd.socket", "appliance-link.socket", "appliance-admin.socket")
VAULT, GATEWAY, PCSCD = "appliance-vault.service", "appliance-gateway.service", "pcscd.service"
SERVICES = (VAULT, GATEWAY)

CONFIG = """\
[device]
id = "cps-demo"

[mqtt]
url = "{url}"
requests = "broker"

[rights]
dossier = ["sign", "sign-raw", "identity"]

[trust]
test = true
"""

DROP_INS = {
    "appliance-vault.service": f"""\
[Service]
ExecStart=
ExecStart=/usr/bin/python3 -m appliance.simulator.vault {BENCH}/desk --config /etc/cps-appliance/appliance.toml
""",
    "pcscd.service": """\
[Service]
PrivateNetwork=yes
RestrictAddressFamilies=AF_INET AF_INET6
IPAddressAllow=localhost
""",
}
"""Unit -> what the bench adds."""

PROBE = """\
[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
Restart=no
WatchdogSec=0
RuntimeDirectoryPreserve=yes
BindReadOnlyPaths=/usr/bin/python3
StandardOutput=truncate:{output}
ExecStart=
ExecStart=/usr/bin/python3 {source}/tests/sandbox/sandbox_probe.py {settings}
ExecStopPost=
"""

PLAIN = """\
[Service]
Type=oneshot
User={user}
StandardOutput=truncate:{output}
ExecStart=/usr/bin/python3 {source}/tests/sandbox/sandbox_probe.py {settings}
"""


def signing(text: str) -> dict[str, object]:
    """The body of a ``sign`` request over one text."""
    data = base64.b64encode(text.encode()).decode()
    document = {"kind": "content", "mediaType": "text/plain;charset=utf-8", "title": "Ordonnance", "data": data}
    return {"documents": [document], "format": "raw"}


@dataclass(frozen=True, slots=True)
class Told:
    """What a probe said: facts of the kernel, and how each attempt ended (``""``: it got through)."""

    facts: Mapping[str, object]
    outcomes: Mapping[str, str]

    @property
    def allowed(self) -> set[str]:
        return {name for name, outcome in self.outcomes.items() if not outcome}


class Box:
    """The units of a box on their machine, and its neighbours."""

    def __init__(self, machine: Machine, desk: Desk, broker: PrivateMosquitto) -> None:
        self.machine, self.desk, self.broker = machine, desk, broker
        self.slot = VpcdSlot(self._dial)

    @property
    def client(self) -> Client:
        """A practice software, not connected yet."""
        return Client(self.broker.url, DEVICE, CLIENT)

    def insert(self) -> CountingCard:
        """A fresh card, and its holder's name on the display."""
        card = CountingCard(TestPki.generate())
        self.slot.insert(card)
        self.desk.wait_for("DURAND-TEST", TIMEOUT)
        return card

    def remove(self) -> None:
        """From the result of a request to no card, and the home screen."""
        self.desk.wait_for("Signé", TIMEOUT)
        self.desk.advance(6)
        self.desk.wait_for("DURAND-TEST", TIMEOUT)
        self.slot.remove()
        self.desk.wait_for("Carte retirée", TIMEOUT)
        self.desk.advance(6)
        self.desk.wait_for("Insérez", TIMEOUT)

    def agree(self) -> None:
        """Read a consent of two pages and accept it: the PIN is asked for."""
        self.desk.wait_for("suite", TIMEOUT)
        self.desk.press("C")
        self.desk.wait_for("accepter", TIMEOUT)
        self.desk.press("A")
        self.desk.wait_for("Code porteur", TIMEOUT)

    def probe(self, unit: str, **settings: object) -> Told:
        """Try everything in the sandbox of a unit, which keeps running."""
        name = f"probe-{unit}"
        text = unit_text(self.machine, unit)
        self.machine.write(f"/etc/systemd/system/{name}", text)
        return self._run_probe(name, PROBE, drop_in=True, settings=settings)

    def control(self, user: str, **settings: object) -> Told:
        """Try everything as a user, without any sandbox."""
        return self._run_probe(f"control-{user}.service", PLAIN, drop_in=False, settings=settings, user=user)

    def _run_probe(
        self, name: str, template: str, *, drop_in: bool, settings: Mapping[str, object], user: str = ""
    ) -> Told:
        output = BENCH / f"{name}.json"
        # systemd unquotes, and takes % and $ for its own: JSON has neither here
        quoted = "'" + json.dumps(settings) + "'"
        text = template.format(output=output, source=SOURCE, settings=quoted, user=user)
        place = f"/etc/systemd/system/{name}"
        self.machine.write(f"{place}.d/probe.conf" if drop_in else place, text)
        self.machine.run("systemctl", "daemon-reload")
        done = self.machine.run("systemctl", "start", name, check=False, timeout=90)
        assert done.returncode == 0, f"{done.stderr}\n{self.machine.journal(name)}"
        told = json.loads((self.machine.bench / output.name).read_text())
        return Told(told["facts"], told["outcomes"])

    def _dial(self) -> socket.socket:
        """A connection to vpcd inside pcscd's own network namespace, by a thread that visits it."""
        made: list[socket.socket | OSError] = []
        place = Path(f"/proc/{self.machine.pid('pcscd.service')}/ns/net")

        def visit() -> None:
            try:
                with place.open("rb") as namespace:
                    if libc.setns(namespace.fileno(), CLONE_NEWNET):
                        made.append(OSError("setns"))
                        return
                made.append(socket.create_connection(VPCD, timeout=5))
            except OSError as error:
                made.append(error)

        visitor = threading.Thread(target=visit)
        visitor.start()
        visitor.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]


def unit_text(machine: Machine, unit: str) -> str:
    """A unit as systemd reads it: ours, or the distribution's with our drop-in behind it."""
    if (UNITS / unit).exists():
        return (UNITS / unit).read_text("utf-8")
    drop_in = (UNITS / f"{unit}.d" / "cps-appliance.conf").read_text("utf-8")
    return machine.run("cat", f"/lib/systemd/system/{unit}").stdout + drop_in


def directives_of(unit: str) -> dict[str, list[str]]:
    """What [Service] of our own file says: directive -> its values in order."""
    file = UNITS / unit if (UNITS / unit).exists() else UNITS / f"{unit}.d" / "cps-appliance.conf"
    section = file.read_text("utf-8").split("[Service]\n")[1].split("\n[")[0]
    found: dict[str, list[str]] = {}
    for line in section.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@contextmanager
def standing(folder: Path) -> Iterator[Box]:
    """A box that stands: units started, reader empty, the broker knows it."""
    with ExitStack() as stack:
        machine = stack.enter_context(Machine(folder))
        broker = stack.enter_context(PrivateMosquitto(folder / "mosquitto"))
        desk = stack.enter_context(Desk(machine.bench / "desk"))
        desk.path.chmod(0o666)
        machine.write("/etc/cps-appliance/appliance.toml", CONFIG.format(url=broker.url))
        for number, authority in enumerate(soft_authorities()):
            pem = authority.public_bytes(serialization.Encoding.PEM).decode()
            machine.write(f"/etc/cps-appliance/trust/test/{number}.pem", pem)
        for unit, text in DROP_INS.items():
            machine.write(f"/etc/systemd/system/{unit}.d/zz-bench.conf", text)
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", *UNITS_STARTED)
        stack.callback(lambda: print(machine.journal(*SERVICES, "pcscd.service")))
        machine.run("systemctl", "start", *SERVICES)
        box = Box(machine, desk, broker)
        desk.wait_for("Insérez", TIMEOUT)
        stack.enter_context(box.slot)
        yield box
