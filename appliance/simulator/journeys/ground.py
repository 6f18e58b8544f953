"""What a journey begins and ends on: everything up, no card in, the box at home, and configured as the journey wants.

What it is: the movements between two journeys. What it is not: a step of any. Rule: every wait is for an event, a frame
or the box's word that it is online, and bounded.
"""

import json
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from appliance.client.transport import Client, TransportError
from appliance.errors import SimulatorError
from appliance.screen import en, fr
from appliance.simulator.panel_hands import PanelHands

TIMEOUT: Final = 20.0
"""Seconds until a wait gives up."""
RESULT: Final = 5.0
"""Seconds that a result is shown, unless it offers something: then ``D`` has put it away."""
HOME: Final = tuple(" ".join(words.insert) for words in (fr.WORDS, en.WORDS))
REMOVED: Final = ("evt/card/removed", "evt/patient-card/removed")


class Ground:
    """The desk of ``hands``, between journeys.

    Raises:
        SimulatorError: from every method, when something does not come about.
    """

    def __init__(self, hands: PanelHands) -> None:
        self._hands = hands
        self._own = hands.scene.box.config.read_text("utf-8")
        self._config: Mapping[str, Mapping[str, Any]] = {}

    @property
    def client(self) -> Client:
        """The practice software's connection."""
        return self._hands.scene.software.client

    def tidy(self) -> None:
        """Put right what is broken, take the card out, and go home."""
        hands, tray = self._hands, self._hands.scene.tray
        self.start_all()
        for _ in self.client.events(0):  # of what was before
            pass
        inside = tray.inside
        tray.remove()
        if not tray.plugged:
            hands.flip_reader()
        elif inside:
            self.wait_event(*REMOVED)
        hands.scene.desk.press("D")
        hands.scene.desk.advance(RESULT)
        self.wait_home()

    def start_all(self) -> None:
        """Start what was stopped, let go of what is held."""
        hands = self._hands
        for name, flip in (("broker", hands.flip_broker), ("gateway", hands.flip_gateway), ("vault", hands.flip_vault)):
            if hands.down(name):
                with self.online():
                    flip()
        hands.scene.desk.push(False)
        if hands.stuck:
            hands.flip_stuck()
        if hands.opened:
            hands.flip_cover()

    def lay(self, config: Mapping[str, Mapping[str, Any]], *, fresh: bool = False) -> None:
        """Have the box run with ``config`` on top of its own; ``fresh``: one that remembers nothing."""
        if config == self._config and not fresh:
            return
        box = self._hands.scene.box
        with self.online():
            box.end("vault")
            box.config.write_text(merged(self._own, config), "utf-8")
            self._config = config
            if fresh:
                shutil.rmtree(box.state)
                box.state.mkdir()
            box.start_vault()
        self.wait_home()

    def wait_home(self) -> None:
        """Wait until the box asks for a card."""
        self._hands.scene.desk.wait_for(lambda lines: any(text in " ".join(lines) for text in HOME), TIMEOUT)

    def wait_event(self, *topics: str) -> dict[str, Any]:
        """The next event under one of ``topics``; those before it are passed over."""
        for message in self.client.events(TIMEOUT):
            if message.topic in topics:
                body: dict[str, Any] = message.body
                return body
        raise SimulatorError(f"the box never published {topics[0].removeprefix('evt/')}")

    @contextmanager
    def online(self) -> Iterator[None]:
        """Around a movement: wait until the box has said anew that it is online."""
        before = self.client.latest("status")
        yield
        try:
            self.client.wait_state("status", lambda now: now is not before and now["state"] == "online", TIMEOUT)
        except TransportError as error:
            raise SimulatorError("the box did not come back online") from error
        self._hands.scene.desk.wait_vault(TIMEOUT)


def merged(own: str, config: Mapping[str, Mapping[str, Any]]) -> str:
    """A configuration file as TOML: ``own`` with the values of ``config`` in place of its own."""
    tables: dict[str, dict[str, Any]] = tomllib.loads(own)
    for table, members in config.items():
        tables[table] = {**tables.get(table, {}), **members}
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in members.items())
        for name, members in tables.items()
    )


def _toml(value: object) -> str:
    """A value of a table; JSON's strings, numbers and booleans are TOML's too."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
