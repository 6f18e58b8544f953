"""The box on the real pcscd, vpcd and mosquitto, with a card whose PIN has twelve digits, and a way to stop it all.

What it is: the neighbours of one box, the path to the prompts, and the scan of everything at one moment. What it is
not: a judge. Rule: every wait is for a frame, a reply, a stopped process or an ended one.
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
from appliance.simulator import pcscd
from appliance.simulator.desk import Desk
from appliance.simulator.faults import FaultyCard
from appliance.simulator.launch import DEVICE, Box
from appliance.simulator.pki import TestPki
from appliance.simulator.softmodels import MODELS
from appliance.simulator.vpcd import VpcdSlot

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
import mosquitto

CLIENT = "dossier"
TIMEOUT = 20.0
RESULT = 30
"""Seconds after which every result has left the display."""
TEXT = base64.b64encode(b"Repos de 3 jours.").decode()
DOCUMENT = {"kind": "content", "mediaType": "text/plain;charset=utf-8", "title": "Ordonnance", "data": TEXT}
SHIPPED = "appliance.simulator.vault"
PINS = 40
"""Numbers of twelve digits that one bench can type."""
MARK = "•"
HELD = 1.1


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
    """One box.

    ``typed``, ``wrong``, ``puk`` and ``wrong_puk`` are labels of numbers; a new card's PIN is ``typed``, its code de
    déblocage ``puk``. ``pin``: the PIN of the card that is in; who changes it says so. ``parts``: what was typed so
    far, label -> what it was.
    """

    def __init__(self, folder: Path, module: str, search: Search) -> None:
        self.folder, self.module, self.search = folder, module, search
        self._pki = TestPki.generate()
        self._stack = ExitStack()
        self._card: FaultyCard | None = None
        self._family = ""
        self.parts: dict[str, str] = {}
        self.typed = self.wrong = self.puk = self.wrong_puk = self.pin = ""
        self.decoys: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        with self._stack:
            self._begin(self._stack)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        if self._card is not None:
            self._card.release()  # a vault whose card keeps silent does not end
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
        pins, (self.puk, self.wrong_puk), self.decoys = self.search.choose(met, PINS, 2)
        self._fresh = iter(pins)
        self.typed, self.wrong = self.fresh(), self.fresh()

    @property
    def memory(self) -> str:
        """What ``info`` says of the memory for secrets."""
        return self.client.wait_state("info", lambda info: isinstance(info, dict))["secretMemory"]

    # --- the person ---------------------------------------------------------------------------------------------------

    def sees(self, text: str) -> None:
        self.desk.wait_for(text, TIMEOUT)

    def fresh(self) -> str:
        """The label of a number that was never typed."""
        return next(self._fresh)

    def card(self, family: str = "cps3") -> FaultyCard:
        """The card that is in, read by the box; a fresh one when there is none, or another is wanted."""
        if self._card is not None and family != self._family:
            self.without_card()
        if self._card is None:
            pin, puk = self.search.number(self.typed), self.search.number(self.puk)
            self._card = FaultyCard(MODELS[family](self._pki, pin=pin, puk=puk, pin_digits=(4, 12)))
            self._family, self.pin = family, self.typed
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

    def opens_menu(self, entry: str) -> None:
        """From home to the first or second entry of the menu."""
        self.desk.hold("A")
        self.desk.hold_for("A", HELD)  # scanned again: the vault has taken the time of the press before it moves
        self.sees("Menu")
        self.desk.press({"Changer": "A", "Débloquer": "CA"}[entry])

    def types(self, label: str, title: str = "Code porteur", part: str = "PIN") -> None:
        """All digits into a fresh entry, and sees as many marks."""
        number = self.search.number(label)
        self.parts[label] = part
        self._has_marks(title, 0)
        self.desk.press(number)
        self._has_marks(title, len(number))

    def _has_marks(self, title: str, count: int) -> None:
        self.desk.wait_for(
            lambda lines: title in lines and sum(line.count(MARK) for line in lines) == count,
            TIMEOUT,
        )

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
