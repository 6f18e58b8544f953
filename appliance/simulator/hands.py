"""The hands at the desk: what each key of the terminal does.

What it is: a table from key to movement, and a thread that makes them one after the other, so that drawing never waits
for a debounce. What it is not: a terminal, or drawing.
Rule: a movement that fails is told, and the next one is made all the same; digits are passed on and never told.
"""

import queue
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from appliance.errors import ApplianceError, SimulatorError
from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.faults import Fault, Kind
from appliance.simulator.keyboard import ESCAPE
from appliance.simulator.launch import Box
from appliance.simulator.practice import PDF, TEXT, Software, Tell
from appliance.simulator.tray import Tray

KEYPAD: Final[Mapping[str, str]] = {
    **{key: key for key in "0123456789*#BD"},
    **{key: key.upper() for key in "abcd"},
    "\r": "#",
    "\n": "#",
    "\x7f": "*",
    "\b": "*",
    ESCAPE: "D",
}
"""Key of the terminal -> key of the box (design §5)."""

HELD: Final = "AC"
"""Keys of the terminal, shifted: the box's key of that name, held (a terminal does not tell how long a key is down)."""
HOLD: Final = 1.1
"""Seconds they are held (design §5: 1 s)."""

PSO: Final = 0x2A  # ISO 7816-8: the hash, then the signature
PSO_SIGN_BYTES: Final = 5
SLOW: Final = 0.3
"""Seconds a command takes on a slow card: about ten for all that is read of a new one."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything within reach. ``broker`` is None when it is somebody else's."""

    desk: Desk
    tray: Tray
    box: Box
    broker: IotcoreBroker | None
    software: Software


class Action(NamedTuple):
    """A movement: where its help stands, what it says, and what it does (the text it returns is told)."""

    pane: str
    help: str
    run: Callable[["Hands"], str | None]


class Hands:
    """Makes movements in the order of keys, on a thread of its own.

    Args:
        scene: what is within reach.
        tell: called with what was done, or why not.

    Attributes:
        down: which of ``broker``, ``gateway`` and ``vault`` were stopped by hand.
        slow: whether our card is slow now.
    """

    def __init__(self, scene: Scene, tell: Tell) -> None:
        self.scene = scene
        self.down: set[str] = set()
        self.slow = False
        self._tell = tell
        self._keys: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hands", daemon=True)
        self._thread.start()

    def press(self, key: str) -> None:
        """A key of the terminal; one that is in no table is nothing."""
        if key in KEYPAD or key in ACTIONS or key in HELD:
            self._keys.put(key)

    def close(self) -> None:
        """Finish what is begun, and rest."""
        self._keys.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (key := self._keys.get()) is not None:
            try:
                said = self._move(key)
            except ApplianceError as error:
                self._tell("bad", str(error))
            else:
                if said is not None:
                    self._tell("desk", said)

    def _move(self, key: str) -> str | None:
        if key in ACTIONS:
            return ACTIONS[key].run(self)
        if key in HELD:
            self._need_vault().hold_for(key, HOLD)
        else:
            self._need_vault().press(KEYPAD[key])
        return None

    def _need_vault(self) -> Desk:
        """The desk, if a vault sits at it: else each movement would wait for one."""
        if not self.scene.desk.connected:
            raise SimulatorError("the vault is not there: v starts it")
        return self.scene.desk

    # --- card and reader ----------------------------------------------------------------------------------------------

    def insert(self) -> str:
        """Card in."""
        self.scene.tray.insert()
        return "card in"

    def remove(self) -> str:
        """Card out, and well again: a mute one answers at its next insertion."""
        self.scene.tray.remove()
        return "card out"

    def tear(self) -> str:
        """The card will leave while it answers the signature command: it has signed, the box cannot know."""
        self.scene.tray.own().arm(Fault(Kind.CUT, ins=PSO, command=2, byte=PSO_SIGN_BYTES + 1))
        return "the card will be torn out while it gives its next signature"

    def mute(self) -> str:
        """No answer to the next command."""
        self.scene.tray.own().arm(Fault(Kind.MUTE))
        return "the card's next command gets no answer until it is taken out (r)"

    def slow_down(self) -> str:
        """Slow, or well again."""
        card = self.scene.tray.own()
        self.slow = not self.slow
        if self.slow:
            card.arm(Fault(Kind.SLOW, seconds=SLOW, lasting=True))
            return f"the card takes {SLOW:g} s for each command"
        card.disarm()
        return "the card is well again; what waited to fail is forgotten"

    def err(self) -> str:
        """A status word nobody expects."""
        self.scene.tray.own().arm(Fault(Kind.STATUS))
        return "the card answers its next command with 6F00"

    def plug(self) -> str:
        """The reader's plug."""
        self.scene.tray.plug()
        return f"reader {'plugged in' if self.scene.tray.plugged else 'unplugged'}"

    # --- processes ----------------------------------------------------------------------------------------------------

    def switch_broker(self) -> str:
        """Stop or start the broker, if it is ours."""
        broker = self.scene.broker
        if broker is None:
            raise SimulatorError("the broker is not ours")
        return self._switch("broker", broker.stop, broker.start)

    def switch_gateway(self) -> str:
        """Kill or start the gateway."""
        box = self.scene.box
        return self._switch("gateway", lambda: box.end("gateway", signal.SIGKILL), box.start_gateway)

    def switch_vault(self) -> str:
        """Kill or start the vault."""
        box = self.scene.box
        return self._switch("vault", lambda: box.end("vault", signal.SIGKILL), box.start_vault)

    def _switch(self, name: str, stop: Callable[[], object], start: Callable[[], object]) -> str:
        if name in self.down:
            start()
            self.down.remove(name)
            return f"{name} started"
        stop()
        self.down.add(name)
        return f"{name} {'stopped' if name == 'broker' else 'killed'}; the same key starts it again"

    # --- the box's surroundings ---------------------------------------------------------------------------------------

    def advance(self, seconds: int) -> str:
        """The clock that the box's times run on."""
        self._need_vault().advance(seconds)
        return f"the box's clock: + {seconds} s"

    def spoil_display(self) -> str:
        """An I2C error."""
        self._need_vault().fail_display()
        return "the display's next transaction on the I2C bus fails"


ACTIONS: Final[Mapping[str, Action]] = {
    "i": Action("desk", "insert card", Hands.insert),
    "r": Action("desk", "remove card", Hands.remove),
    "s": Action("desk", "ask: text", lambda hands: hands.scene.software.ask(TEXT)),
    "p": Action("desk", "ask: PDF", lambda hands: hands.scene.software.ask(PDF)),
    "x": Action("desk", "cancel it", lambda hands: hands.scene.software.cancel()),
    "t": Action("faults", "tear next signature", Hands.tear),
    "m": Action("faults", "mute", Hands.mute),
    "l": Action("faults", "slow", Hands.slow_down),
    "w": Action("faults", "wrong status", Hands.err),
    "e": Action("faults", "display error", Hands.spoil_display),
    "k": Action("on/off", "broker", Hands.switch_broker),
    "g": Action("on/off", "gateway", Hands.switch_gateway),
    "v": Action("on/off", "vault", Hands.switch_vault),
    "u": Action("on/off", "reader", Hands.plug),
    "=": Action("clock", "+10 s", lambda hands: hands.advance(10)),
    "+": Action("clock", "+60 s", lambda hands: hands.advance(60)),
}
"""Every key that is not the keypad's; ``?`` and ``q`` are the terminal's own."""
