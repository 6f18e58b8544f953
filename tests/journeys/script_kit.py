"""The desk that the written journeys are played on in tests: one box for many of them.

What it is: scene, hands and practice software as the front panel has them, put up in this process; the vault writes
down the rows it takes (``recorded_vault``). What it is not: the panel's server, or a way into the box.
Rule: on the real pcscd and mosquitto, but for what a virtual reader cannot do; those journeys have a desk's reader.
"""

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path

import mosquitto  # on pytest's path, as all of tests/bench

from appliance.simulator import pcscd
from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.hands import Scene
from appliance.simulator.journeys.player import Player
from appliance.simulator.launch import Box
from appliance.simulator.panel import MORE
from appliance.simulator.panel_cards import PIN, Cards, authorities
from appliance.simulator.panel_faults import FAULTS
from appliance.simulator.panel_hands import PanelHands
from appliance.simulator.panel_practice import Practice
from appliance.simulator.practice import Software
from appliance.simulator.tray import DeskTray, VirtualTray

CLIENT = "logiciel"
RIGHTS = {CLIENT: ("sign", "sign-raw", "identity", "practice")}
LIMITS = "\n[limits]\nrequests_per_minute = 60\n"
START = 20.0
BENCH = os.pathsep.join(filter(None, (str(Path(__file__).parents[1] / "bench"), os.environ.get("PYTHONPATH"))))


@contextmanager
def neighbours(folder, kind):
    """The reader, not begun yet, and a broker that runs."""
    with ExitStack() as stack:
        if kind == "desk":
            yield DeskTray(folder / "pcsc", None), stack.enter_context(IotcoreBroker())
        else:
            daemon = stack.enter_context(pcscd.PrivatePcscd(folder / "pcscd"))
            broker = stack.enter_context(mosquitto.PrivateMosquitto(folder / "mosquitto"))
            yield VirtualTray(None, daemon.socket_path, daemon.connect), broker


class Stage:
    """One player for all journeys of a box: what the box was configured with is what it was when the player came."""

    def __init__(self, hands):
        self._pictures = []
        self._player = Player(hands, seen=lambda _step, picture: self._pictures.append(picture))

    def play(self, journey):
        """Play a journey; the pictures that its steps waited for."""
        self._pictures.clear()
        self._player.play(journey)
        return list(self._pictures)


@contextmanager
def standing_stage(folder: Path, kind: str, rows: Path, module: str = "recorded_vault"):
    """A stage with a box that is online; its logs go to standard output on the way out."""
    with ExitStack() as stack:
        tray, broker = stack.enter_context(neighbours(folder, kind))
        stack.enter_context(tray)
        desk = stack.enter_context(Desk(folder / "desk"))
        (folder / "pki").mkdir()
        software = stack.enter_context(Software(broker.url, CLIENT, folder / "pki", lambda _tone, _text: None))
        box = Box(
            folder / "box", url=broker.url, desk=desk.path, reader=tray.path, rights=RIGHTS,
            authorities=authorities(), more=LIMITS + MORE, module=module,
            environment={"CPS_ROWS": str(rows), "PYTHONPATH": BENCH},
        )  # fmt: skip
        stack.callback(lambda: print(box.log("vault"), box.log("gateway"), sep="\n"))
        stack.enter_context(box)
        software.wait_ready(START)
        scene = Scene(desk, tray, box, broker, software)
        cards = Cards(folder / "pki", PIN, lambda: None)
        practice = Practice(software.client, folder / "pki", lambda _tone, _text: None, lambda: None)
        hands = PanelHands(scene, cards, practice, FAULTS, lambda _tone, _text: None)
        stack.callback(hands.close)
        yield Stage(hands)


def kind_of(journey):
    """Where a journey is played: over the real pcscd and mosquitto, unless it needs what a virtual reader lacks."""
    plug = any(step.verb == "reader" for step in journey.steps)
    silent = {"mute", "reversed"} & set(journey.cards)
    return "desk" if plug or silent or pcscd.missing() or mosquitto.missing() else "real"
