"""Plays a journey on a desk: one step after the other, each seen to happen before the next.

What it is: a table from the verbs of ``journey`` to movements of ``panel_hands`` and waits at the display, the pins,
the broker and the practice software. What it is not: a person; it knows what is written and nothing else.
Rule: a step that does not come about ends the journey with the file's name and line; no digit of a code is told.
"""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Final

from PIL.Image import Image

from appliance.config import load
from appliance.errors import ApplianceError, SimulatorError
from appliance.screen import en, fr
from appliance.simulator.journeys.asked import Asked
from appliance.simulator.journeys.ground import TIMEOUT, Ground
from appliance.simulator.journeys.journey import COLOURS, TIMES, Journey, JourneyError, Step
from appliance.simulator.panel_hands import PanelHands
from appliance.simulator.reading import read_lines

MARK: Final = "•"
HELD: Final = 1.1
"""Seconds a key is held (design §5: 1 s)."""
STUCK: Final = 11.0
"""Seconds until a key that is down is taken for stuck, and one more."""
NEW: Final = "2468"
OTHER: Final = "1357"
WRONG: Final = "9"
PAGES: Final = re.compile(r"\b(\d+)/(\d+)\b")
OFFERS: Final = tuple(f"A {words.agree}" for words in (fr.WORDS, en.WORDS))
PATIENCE: Final = 60.0
"""Seconds a program of the command line has."""


class Stopped(SimulatorError):
    """Somebody stopped the journey."""


class Player:
    """Plays on the desk of ``hands``, on the caller's thread.

    Args:
        hands: everything goes through them.
        begins: told each step before it is done; it may block, and may raise ``Stopped``.
        seen: told each picture that a ``sees`` waited for.
    """

    def __init__(
        self,
        hands: PanelHands,
        begins: Callable[[Journey, Step], None] = lambda _journey, _step: None,
        seen: Callable[[Step, Image], None] = lambda _step, _picture: None,
    ) -> None:
        self.hands, self.desk = hands, hands.scene.desk
        self._begins, self._seen = begins, seen
        self.ground = Ground(hands)
        self.asked = Asked(hands)
        self._card = ""
        self._opened = 0
        self._one = threading.Lock()

    def play(self, journey: Journey) -> None:
        """Play it from home to home.

        Raises:
            JourneyError: a step did not come about, or a request was left without an answer. Stopped: from ``begins``.
            SimulatorError: the ground could not be laid.
        """
        with self._one:
            self.hands.need_cards()
            self.ground.tidy()
            for card in journey.cards:
                self.hands.renew(card)
            self.ground.lay(journey.config, fresh=journey.fresh)
            self._card = ""
            self.asked.forget()
            self._opened = self.desk.output(self._relay)[1]
            for step in journey.steps:
                self._begins(journey, step)
                self._take(journey, step)
            if self.asked.open:
                raise JourneyError(f"{journey.name}.txt:{journey.steps[-1].line}: a request was left without an answer")
            self.ground.tidy()

    def _take(self, journey: Journey, step: Step) -> None:
        try:
            STEPS[step.verb](self, step)
        except Stopped:
            raise
        except ApplianceError as error:
            shown = self.desk.lines() if self.desk.connected else ["no vault"]
            what = f"{journey.name}.txt:{step.line}: {step.source}: {error}; the display shows {shown}"
            raise JourneyError(what) from error

    @property
    def _relay(self) -> int:
        return load(self.hands.scene.box.config).door.relay

    # --- hands --------------------------------------------------------------------------------------------------------

    def insert(self, step: Step) -> None:
        """A card in."""
        self._card = step.words[0]
        self.hands.insert(self._card)

    def types(self, step: Step) -> None:
        """Digits into an empty entry, seen as so many marks."""
        digits = step.texts[0] if step.texts else self._digits(step.words[0])
        self._wait_marks(0)
        self.desk.press(digits)
        self._wait_marks(len(digits))

    def _digits(self, name: str) -> str:
        pin, puk = self.hands.need_cards().codes(self._card)
        return {
            "code": pin,
            "wrong-code": WRONG * len(pin),
            "new-code": NEW,
            "other-code": OTHER,
            "unblocking-code": puk,
            "wrong-unblocking-code": WRONG * len(puk),
        }[name]

    def _wait_marks(self, count: int) -> None:
        self.desk.wait_for(lambda lines: sum(line.count(MARK) for line in lines) == count, TIMEOUT)

    def fault(self, step: Step) -> None:
        """A trap in the card, or slowness."""
        if step.words[0] == "slow":
            self.hands.flip_slow()
        else:
            self.hands.flip_trap(step.words[0])

    def switch(self, step: Step) -> None:
        """Broker, gateway or vault: stopped, or started and online again."""
        hands = self.hands
        flip = {"broker": hands.flip_broker, "gateway": hands.flip_gateway, "vault": hands.flip_vault}[step.verb]
        if hands.down(step.verb) is (step.words[0] == "stop"):
            raise SimulatorError("it is so already")
        if step.words[0] == "stop":
            flip()
        else:
            with self.ground.online():
                flip()

    def reader(self, step: Step) -> None:
        """The reader's plug."""
        if self.hands.scene.tray.plugged is (step.words[0] == "in"):
            raise SimulatorError("it is so already")
        self.hands.flip_reader()

    def cover(self, step: Step) -> None:
        """The box's case."""
        if self.hands.opened is (step.words[0] == "open"):
            raise SimulatorError("it is so already")
        self.hands.flip_cover()

    def admin(self, _step: Step) -> None:
        """The administrator's command."""
        config = str(self.hands.scene.box.config)
        command = [sys.executable, "-m", "appliance", "tamper", "rearm", "--config", config]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if done.returncode != 0:
            raise SimulatorError(f"the command line refused: {done.stderr.strip()}")

    def stuck(self, _step: Step) -> None:
        """A key that is down for too long."""
        self.hands.flip_stuck()
        self.desk.advance(STUCK)

    def waits(self, step: Step) -> None:
        """The box's clock is moved on."""
        name = step.words[0]
        if name in TIMES:
            table, key, unit = TIMES[name]
            seconds = getattr(getattr(load(self.hands.scene.box.config), table), key) * unit
        else:
            seconds = int(name)
        self.desk.advance(seconds)

    # --- eyes ---------------------------------------------------------------------------------------------------------

    def sees(self, step: Step) -> None:
        """Texts on the display, all at once; a text may run over lines."""

        def shows(picture: Image) -> bool:
            lines = read_lines(picture)
            return all(any(text in line for line in (*lines, " ".join(lines))) for text in step.texts)

        self._seen(step, self.desk.wait_picture(shows, TIMEOUT))

    def reads(self, step: Step) -> None:
        """Page by page, until ``A`` counts."""
        lines = self.desk.wait_for(_turned(1), TIMEOUT)
        at = 1
        while not _offers(lines):
            at += 1
            self.desk.press("C")
            lines = self.desk.wait_for(_turned(at), TIMEOUT)
        self._seen(step, self.desk.frame())

    def lamp(self, step: Step) -> None:
        """The lamp's colour."""
        pins = load(self.hands.scene.box.config).signals
        self.desk.wait_output(
            dict(zip((pins.red, pins.green, pins.blue), COLOURS[step.words[0]], strict=True)), TIMEOUT
        )

    def door(self, _step: Step) -> None:
        """The relay moved."""
        self._opened += 1
        self.desk.wait_rises(self._relay, self._opened, TIMEOUT)


def _page(lines: list[str]) -> int | None:
    found = PAGES.search(lines[-1]) if lines else None
    return int(found[1]) if found else None


def _turned(page: int) -> Callable[[list[str]], bool]:
    return lambda lines: _page(lines) == page or _offers(lines)


def _offers(lines: list[str]) -> bool:
    return bool(lines) and any(offer in lines[-1] for offer in OFFERS)


STEPS: Final[Mapping[str, Callable[[Player, Step], object]]] = {
    "insert": Player.insert,
    "remove": lambda player, _: player.hands.remove(),
    "sees": Player.sees,
    "reads": Player.reads,
    "keys": lambda player, step: player.desk.press(step.words[0]),
    "holds": lambda player, step: player.desk.hold_for(step.words[0], HELD),
    "types": Player.types,
    "asks": lambda player, step: player.asked.ask(step),
    "cancels": lambda player, _: player.asked.cancel(),
    "answers": lambda player, step: player.asked.end_one(step.words[0]),
    "event": lambda player, step: player.ground.wait_event(f"evt/{step.words[0]}"),
    "waits": Player.waits,
    "fault": Player.fault,
    "reader": Player.reader,
    "broker": Player.switch,
    "gateway": Player.switch,
    "vault": Player.switch,
    "cover": Player.cover,
    "admin": Player.admin,
    "button": lambda player, step: player.desk.push(step.words[0] == "down"),
    "ghost": lambda player, _: player.hands.press_ghost(),
    "stuck": Player.stuck,
    "free": lambda player, _: player.hands.flip_stuck(),
    "display": lambda player, _: player.hands.spoil_display(),
    "lamp": Player.lamp,
    "screen": lambda player, _: player.desk.wait_light(None, TIMEOUT),
    "door": Player.door,
}
"""Verb -> what is done; a test holds that these are the verbs of ``journey``."""
