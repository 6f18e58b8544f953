"""The box on the real pcscd, vpcd and mosquitto, with a card whose PIN has twelve digits, and a way to stop it all.

What it is: the neighbours of one box, the path to the prompt, and the scan of everything at one moment. What it is not:
a judge. Rule: every wait is for a frame, a reply, a stopped process or an ended one.
"""

import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from residue_forms import Trace
from residue_scan import Finding, Search

from appliance.client.transport import Client
from appliance.simulator.desk import Desk
from appliance.simulator.faults import FaultyCard
from appliance.simulator.launch import DEVICE, Box
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.vpcd import VpcdSlot

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
import mosquitto
import pcscd

CLIENT = "dossier"
TIMEOUT = 20.0
RESULT = 10
"""Seconds after which every result has left the display."""
TEXT = base64.b64encode(b"Repos de 3 jours.").decode()
DOCUMENT = {"kind": "content", "mediaType": "text/plain;charset=utf-8", "title": "Ordonnance", "data": TEXT}
SHIPPED = "appliance.simulator.vault"


def missing() -> str | None:
    """Why it cannot run here, or None."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    return pcscd.missing() or mosquitto.missing() or (None if shutil.which("mosquitto_sub") else "no mosquitto_sub")


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything at one moment."""

    vault: Finding | None
    gateway: Finding
    pcscd: Finding | None
    files: Finding

    @property
    def traces(self) -> set[Trace]:
        """Everything that was met anywhere."""
        found = (self.vault, self.gateway, self.pcscd, self.files)
        return {trace for finding in found if finding for trace in finding.traces}

    def ours(self, *numbers: str) -> list[Trace]:
        """What our processes, their files, their logs and the broker's traffic hold of some numbers."""
        found = [self.vault, self.gateway, self.files]
        return [trace for finding in found if finding for trace in finding.of(*numbers)]


class Bench:
    """One box. ``typed`` and ``wrong`` are labels of numbers; the card's PIN is ``typed``."""

    def __init__(self, folder: Path, module: str, search: Search) -> None:
        self.folder, self.module, self.search = folder, module, search
        self._pki = TestPki.generate()
        self._stack = ExitStack()
        self._card: FaultyCard | None = None
        self.typed = self.wrong = ""
        self.decoys: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        with self._stack:
            self._begin(self._stack)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _begin(self, stack: ExitStack) -> None:
        self.pcscd = stack.enter_context(pcscd.PrivatePcscd(self.folder / "pcscd"))
        self.slot = stack.enter_context(VpcdSlot(self.pcscd.connect))
        broker = stack.enter_context(mosquitto.PrivateMosquitto(self.folder / "mosquitto"))
        self.capture = stack.enter_context(Capture(broker.port, self.folder / "mqtt.capture"))
        self.desk = stack.enter_context(Desk(self.folder / "desk"))
        self.box = Box(
            self.folder / "box",
            url=broker.url,
            desk=self.desk.path,
            reader=Path(self.pcscd.socket_path),
            rights={CLIENT: ("sign", "sign-raw")},
            module=self.module,
        )
        stack.callback(lambda: print(self.box.log("vault")))
        stack.enter_context(self.box)
        self.client = stack.enter_context(Client(broker.url, DEVICE, CLIENT))
        self.client.wait_online(TIMEOUT)
        self.sees("Insérez")
        met = {trace.what for trace in self.scan().traces}
        (self.typed, self.wrong), self.decoys = self.search.choose(met, 2)

    @property
    def memory(self) -> str:
        """What ``info`` says of the memory for secrets."""
        return self.client.wait_state("info", lambda info: isinstance(info, dict))["secretMemory"]

    # --- the person ---------------------------------------------------------------------------------------------------

    def sees(self, text: str) -> None:
        self.desk.wait_for(text, TIMEOUT)

    def card(self) -> FaultyCard:
        """The card that is in, read by the box; a fresh one when there is none."""
        if self._card is None:
            self._card = FaultyCard(SoftCps3(self._pki, pin=self.search.number(self.typed), pin_digits=(4, 12)))
            self.slot.insert(self._card)
            self.sees("DURAND-TEST")
        return self._card

    def without_card(self) -> None:
        """Take out what is left of the card, and wait until the box stands as at the beginning."""
        self._card = None
        self.slot.remove()
        self.desk.advance(RESULT)  # what ended the request has been read
        self.desk.wait_for(lambda lines: "Carte retirée" in lines or "Insérez" in lines, TIMEOUT)
        self.desk.advance(RESULT)
        self.sees("Insérez")

    def ask(self) -> Iterator[dict]:
        """A request, read and agreed to: the PIN is asked for."""
        replies = self.client.request("sign", {"documents": [DOCUMENT], "format": "raw"}, TIMEOUT)
        self.sees("suite")
        self.desk.press("C")
        self.sees("accepter")
        self.desk.press("A")
        self.sees("Code porteur")
        return replies

    def types(self, label: str) -> None:
        """All twelve digits, and sees all twelve marks."""
        number = self.search.number(label)
        self.desk.press(number)
        self.desk.wait_for(lambda lines: sum(line.count("•") for line in lines) == len(number), TIMEOUT)

    # --- the scan -----------------------------------------------------------------------------------------------------

    @contextmanager
    def stopped(self) -> Iterator[dict[str, int]]:
        """All processes that run, stopped; name -> pid."""
        pids = {"gateway": self.box.gateway_pid}
        if self.desk.connected:
            pids["vault"] = self.box.vault_pid
        if self.pcscd.process is not None:
            pids["pcscd"] = self.pcscd.pid
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        try:
            for pid in pids.values():
                os.waitid(os.P_PID, pid, os.WSTOPPED)
            yield pids
        finally:
            for pid in pids.values():
                os.kill(pid, signal.SIGCONT)

    def scan(self) -> Scene:
        """Stop everything, search everything, let it go on."""
        with self.stopped() as pids:
            found = {name: self.search.process(pid, interpreter=name != "pcscd") for name, pid in sorted(pids.items())}
        scene = Scene(found.get("vault"), found["gateway"], found.get("pcscd"), self.search.files(self.folder))
        self.search.tally.met |= {trace for trace in scene.traces if trace.what in self.decoys}
        return scene


class Capture:
    """Everything that passes the broker, in a file, by mosquitto_sub; ready once the subscription is acknowledged."""

    def __init__(self, port: int, file: Path) -> None:
        self._command = ["mosquitto_sub", "-d", "-V", "5", "-p", str(port), "-t", "#", "-F", "%t %P %p"]
        self._file = file
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._copy, name="capture", daemon=True)

    def __enter__(self) -> Self:
        self._file.touch()
        self._process = subprocess.Popen(
            ["stdbuf", "-oL", *self._command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._thread.start()
        self.wait_for(b"Subscribed")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._thread.join(TIMEOUT)
        self._process.communicate(timeout=TIMEOUT)

    def wait_for(self, text: bytes) -> None:
        with self._news:
            assert self._news.wait_for(lambda: text in self._file.read_bytes(), TIMEOUT), text

    def _copy(self) -> None:
        with self._file.open("ab", buffering=0) as file:
            for line in self._process.stdout:
                with self._news:
                    file.write(line)
                    self._news.notify_all()


@contextmanager
def standing(search: Search, module: str = SHIPPED) -> Iterator[Bench]:
    """A bench in a folder of its own, with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="cps-residue-"))
    try:
        with Bench(folder, module, search) as bench:
            yield bench
    finally:
        shutil.rmtree(folder)
