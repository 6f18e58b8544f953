"""A person at the desk who does what the display asks for, whatever happened before.

What it is: a thread that looks at each new picture and presses the keys it asks for, once. What it is not: a script: it
keeps no memory of where a request should be, because the box may be a new one at any moment.
Rule: a situation (start of the vault, request, page or prompt) is acted upon once.
"""

import contextlib
import re
import threading
from collections.abc import Callable
from typing import Self

from kill_card import WitnessCard
from kill_points import Aim
from kill_software import Wish
from PIL.Image import Image

from appliance.errors import SimulatorError
from appliance.simulator.desk import Desk
from appliance.simulator.reading import read_lines

PIN, WRONG = "1234", "9999"
MARK = "•"
PAGE = re.compile(r"\b(\d+)/(\d+)\b")


class Person:
    """Eyes on the display, a finger on the keys; a context manager.

    Args:
        desk: the desk, whose ``on_frame`` is taken.
        card: told when ``#`` is about to be pressed.
        aim: told of each picture and key.
        wish: the request that is open; its ``manner`` says what the person does.
        complain: called with what ends the thread.
    """

    def __init__(
        self, desk: Desk, card: WitnessCard, aim: Aim, wish: Callable[[], Wish | None], complain: Callable[[str], None]
    ) -> None:
        self.hashes = 0
        self._desk, self._card, self._aim, self._wish, self._complain = desk, card, aim, wish, complain
        self._news = threading.Condition()
        self._picture: tuple[Image, int] | None = None
        self._acted: tuple[object, ...] = ()
        self._prompts = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._live, name="person", daemon=True)

    def __enter__(self) -> Self:
        self._desk.on_frame = self._look
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._news:
            self._stopped = True
            self._news.notify_all()
        self._thread.join(30)
        self._desk.on_frame = None

    def _look(self, picture: Image) -> None:
        """On the desk's thread."""
        with self._news:
            self._picture = picture, self._card.generation
            self._news.notify_all()
        self._aim.see("frame")

    def _live(self) -> None:
        try:
            while (seen := self._next()) is not None:
                self._act(*seen)
        except Exception as error:  # noqa: BLE001 - whatever it is, the round must hear of it
            self._complain(f"the person: {error!r}")

    def _next(self) -> tuple[Image, int] | None:
        with self._news:
            self._news.wait_for(lambda: self._stopped or self._picture)
            seen, self._picture = self._picture, None
            return None if self._stopped else seen

    def _act(self, picture: Image, generation: int) -> None:
        lines, wish = read_lines(picture), self._wish()
        if not lines or wish is None:
            return
        what, keys = self._answer(lines, wish)
        situation = generation, wish.id, what
        if keys and situation != self._acted:
            self._acted = situation
            self._press(keys, generation, wish)
            self._prompts += keys == "#"  # the wrong code was read: another prompt comes

    def _answer(self, lines: list[str], wish: Wish) -> tuple[str, str]:
        """What the display asks, and the keys that answer it."""
        if "Code porteur" in lines:
            if any(MARK in line for line in lines):
                return "typing", ""
            wrong = wish.manner == "wrong" and self._card.card.counters[1].left == 3
            return f"prompt {self._prompts}", (WRONG if wrong else PIN) + "#"
        if "Code faux" in lines:
            return f"wrong {self._prompts}", "#"
        if "A accepter" in lines[-1]:
            return "consent", "D" if wish.manner == "refuse" else "A"
        page = PAGE.search(lines[-1])
        return (f"page {page[0]}", "C") if page and "refuser" in lines[-1] else ("", "")

    def _press(self, keys: str, generation: int, wish: Wish) -> None:
        for key in keys:
            if keys != "#" and key == "#":
                self.hashes += 1
                self._card.validate(generation, wish.id)
            try:
                self._desk.press(key)
            except SimulatorError as error:
                hung_up = "does not listen" in str(error)  # it was killed just now: the card has not heard of it yet
                if self._card.generation == generation and not hung_up:
                    raise
                with contextlib.suppress(SimulatorError):  # no vault yet: it will find the key up
                    self._desk.release()
                return
            self._aim.see("key")
