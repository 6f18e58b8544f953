"""One box in which one loop is frozen while a request is open, from the freeze to a later signature.

What it is: the whole scene as one function, so that several can run at the same time: its seconds are real ones.
What it is not: a judge: it says what it saw.
"""

import base64
import os
import select
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from counting_card import CountingCard
from watchdog_manager import Manager

from appliance.client.transport import Client
from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.launch import DEVICE, Box
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.pki import TestPki
from appliance.vault.pulse import LONGEST

HERE = Path(__file__).parent
CLIENT = "dossier"
TIMEOUT = 20.0
BACK = 15.0
"""Seconds from a loop's freeze to the restart (the project's own promise)."""
START = 10.0
"""Seconds a new vault may take until it serves, on a machine that starts six at a time."""
ALLOWED = {"command": LONGEST + BACK}
"""A card may take its time: what is in the middle of a command has said until when."""
# The person types on for longer than a freeze lasts: it is the restart that ends the request.
PATIENCE = "[timeouts]\nfirst_digit = 60\nnext_digit = 60\nentry = 120\n"
DOCUMENT = {
    "kind": "content",
    "mediaType": "text/plain;charset=utf-8",
    "title": "Ordonnance",
    "data": base64.b64encode(b"Repos de 3 jours.").decode(),
}
REQUEST = {"documents": [DOCUMENT], "format": "raw"}


@dataclass(slots=True)
class Scene:
    """What was seen. Times in seconds from the freeze."""

    killed: float = 0.0
    restarted: float = 0.0
    back: float = 0.0
    last_ping: float = 0.0
    restarts: int = 0
    unlocked_before: bool = False
    unlocked_after: bool = True
    fresh: int = 0
    answer: dict = field(default_factory=dict)
    marks_after: int = -1
    later: dict = field(default_factory=dict)
    verified: int = 0
    signed: int = 0
    log: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One box with everything around it, and the loop that is to freeze."""

    name: str
    folder: Path
    frozen: socket.socket
    manager: Manager
    desk: Desk
    reader: PcscliteServer
    box: Box
    client: Client
    card: CountingCard

    @property
    def allowed(self) -> float:
        return ALLOWED.get(self.name, BACK)

    def order(self) -> None:
        """All at once: whoever looks sees nothing or the whole order."""
        draft = self.folder / "draft"
        draft.write_text(self.name)
        draft.rename(self.folder / "order")

    def wait_frozen(self) -> float:
        """When it was, monotonic seconds."""
        readable, _, _ = select.select([self.frozen], [], [], TIMEOUT)
        assert readable, f"{self.name} did not freeze: {self.box.log('vault')}"
        assert self.frozen.recv(64) == self.name.encode()
        return time.monotonic()

    def agree(self) -> None:
        """Read a consent of two pages and accept it."""
        for text, key in (("suite", "C"), ("accepter", "A")):
            self.desk.wait_for(text, TIMEOUT)
            self.desk.press(key)
        self.desk.wait_for("Code porteur", TIMEOUT)


@contextmanager
def standing(name: str) -> Iterator[Stage]:
    """A box that stands, with a card in."""
    folder = Path(tempfile.mkdtemp(prefix="cps-watchdog-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        frozen = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        frozen.bind(str(folder / "frozen"))
        manager = Manager(folder / "notify")
        reader = stack.enter_context(PcscliteServer(folder / "pcsc"))
        broker = stack.enter_context(IotcoreBroker())
        desk = stack.enter_context(Desk(folder / "desk"))
        path = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
        box = Box(
            folder / "box",
            url=broker.url,
            desk=desk.path,
            reader=reader.path,
            rights={CLIENT: ("sign", "sign-raw")},
            more=PATIENCE,
            module="freezing_vault",
            environment={**manager.environment, "CPS_FREEZE": str(folder), "PYTHONPATH": path},
        )
        stack.callback(box.stop)
        stack.callback(manager.close)
        manager.start(box)
        box.start_gateway()
        client = stack.enter_context(Client(broker.url, DEVICE, CLIENT))
        client.wait_online(TIMEOUT)
        card = CountingCard(TestPki.generate())
        reader.insert(card)
        desk.wait_for("DURAND-TEST", TIMEOUT)
        yield Stage(name, folder, frozen, manager, desk, reader, box, client, card)


def play(name: str) -> Scene:
    """Freeze the loop ``name`` with a request open, wait for the vault to come back, sign again."""
    scene = Scene()
    with standing(name) as stage:
        boot = stage.client.latest("status")["bootId"]
        replies = stage.client.request("sign", REQUEST, stage.allowed + TIMEOUT)
        stage.agree()
        if name == "command":
            stage.order()
            stage.desk.press("1234#")
        else:
            stage.desk.press("12")
            stage.desk.wait_for(lambda lines: _marks(lines) == 2, TIMEOUT)
            stage.order()
        at = stage.wait_frozen()
        fresh, scene.unlocked_before = stage.card.fresh, stage.card.unlocked
        _see_restart(scene, stage.manager, at, stage.allowed)

        stage.desk.wait_for("DURAND-TEST", TIMEOUT)
        scene.fresh, scene.unlocked_after = stage.card.fresh - fresh, stage.card.unlocked
        *_, scene.answer = replies
        stage.client.wait_state("status", lambda told: told["state"] == "online" and told["bootId"] != boot, TIMEOUT)
        again = stage.client.request("sign", REQUEST, TIMEOUT)
        stage.agree()
        scene.marks_after = _marks(stage.desk.lines())
        stage.desk.press("1234#")
        *_, scene.later = again
        scene.verified, scene.signed = stage.card.verify_count, stage.card.signature_count
        scene.log = stage.box.log("vault")
    return scene


def _see_restart(scene: Scene, manager: Manager, at: float, allowed: float) -> None:
    """Wait for the next vault; the times of its coming, from the freeze on."""
    manager.wait_ready(2, allowed + TIMEOUT)
    scene.back = time.monotonic() - at
    scene.restarts, scene.killed, scene.restarted = len(manager.kills), manager.kills[0] - at, manager.starts[0] - at
    scene.last_ping = max(ping for ping in manager.pings if ping < manager.kills[0]) - at


def _marks(lines: list[str]) -> int:
    return sum(line.count("•") for line in lines)
