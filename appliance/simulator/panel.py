"""``appliance simulate --panel``: the box in a browser.

What it is: the desk put up, a tray with every kind of card, and the page that shows them. What it is not: part of any
check; vault and gateway run as they ship. Rule: served to this machine only, under a token that dies with the process.
"""

import argparse
import asyncio
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from appliance import __version__
from appliance.simulator import panel_samples
from appliance.simulator.demo import DOCUMENT, TITLE
from appliance.simulator.hands import Scene
from appliance.simulator.journeys.journey import journeys
from appliance.simulator.panel_cards import Cards, authorities
from appliance.simulator.panel_faults import FAULTS, switches
from appliance.simulator.panel_hands import PanelHands
from appliance.simulator.panel_log import Log
from appliance.simulator.panel_messages import Frame, Hello
from appliance.simulator.panel_news import View
from appliance.simulator.panel_practice import Practice
from appliance.simulator.panel_server import PanelServer
from appliance.simulator.panel_show import Show
from appliance.simulator.reading import read_marked
from appliance.simulator.stage import listening, put_up
from appliance.simulator.tray import DeskTray, Tray, VirtualTray
from appliance.simulator.wake import Wake

MORE: Final = """
[signing]
session = true
"""


def play(folder: Path, args: argparse.Namespace, reader: str | None) -> None:
    """Show the box until a signal ends it.

    Args:
        folder: of our own.
        args: see ``simulate.add_arguments``.
        reader: name of a PC/SC reader; None for the desk's own.

    Raises:
        SimulatorError: the desk cannot be put up, or the port be had. TransportError: the broker cannot be reached.
    """
    with ExitStack() as stack:
        wake = stack.enter_context(Wake())
        (folder / "pki").mkdir()
        _say("putting up broker, reader, vault (without network) and gateway")
        log = Log(wake.poke)
        cards = None if args.reader else Cards(folder / "pki", args.pin, wake.poke)
        scene = put_up(
            stack,
            folder,
            args,
            _tray(folder, args),
            wake=wake.poke,
            tell=log.tell,
            reader=reader,
            authorities=authorities() if cards else None,
            more=MORE,
        )
        practice = Practice(scene.software.client, folder / "pki", log.tell, wake.poke)
        hands = PanelHands(scene, cards, practice, FAULTS, log.tell)
        stack.callback(hands.close)
        show = Show(hands, journeys() if cards else (), wake.poke, log.tell)
        stack.callback(show.close)
        sight = Sight(scene, hands, cards, log, practice, show)
        server = PanelServer(hands, show, sight.view, wake, log.tell, token=secrets.token_urlsafe(16), port=args.panel)
        asyncio.run(server.run(lambda url: _say(f"open {url}\nCtrl-C ends it")))


class Sight:
    """Everything that a page can be told of, looked at when one asks."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that there is to see
        self, scene: Scene, hands: PanelHands, cards: Cards | None, log: Log, practice: Practice, show: Show
    ) -> None:
        self._scene, self._hands, self._log, self._practice, self._show = scene, hands, log, practice, show
        self._hello = Hello(
            version=__version__,
            listen=listening(scene.software.url),
            tray=cards.offers() if cards else (),
            switches=switches(),
            samples=panel_samples.rows(),
            title=TITLE,
            text=DOCUMENT,
            journeys=show.scripts(),
        )

    def view(self) -> View:
        """As it is now."""
        picture = self._scene.desk.frame()
        frame = Frame(pixels=picture.tobytes(), lines=tuple(read_marked(picture)))
        return View(
            self._hello, frame, self._hands.state(), self._log.entries(), self._practice.dossiers(), self._show.playing
        )


def _tray(folder: Path, args: argparse.Namespace) -> Tray:
    if args.reader:
        return Tray()
    return VirtualTray(None) if args.pcsc else DeskTray(folder / "pcscd", None)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
