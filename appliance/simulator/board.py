"""What a person at the simulated desk sees besides the display: help, the state of things, messages.

What it is: the view that ``panes`` lays out, made from the scene and from what was told. What it is not: drawing.
Rule: what is not as usual stands out.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from appliance.simulator.hands import ACTIONS, Hands
from appliance.simulator.panes import BOLD, DIM, PLAIN, Row, Text, View, clean
from appliance.simulator.practice import Kind

KEPT: Final = 500
"""Messages that a taller terminal can show."""

MARKS: Final[dict[Kind, tuple[str, str]]] = {
    "asked": (BOLD, "→"),
    "heard": (PLAIN, "←"),
    "good": (BOLD, "✓"),
    "bad": (BOLD, "✗"),
    "desk": (DIM, "·"),
}
KEYPAD: Final = (
    "0-9   digits",
    "Enter # ok",
    "Bksp  * erase",
    "Esc   D refuse",
    "a b c agree, pages",
    "A C   held 1 s",
    "",
)
OWN: Final = ("", "? help", "q quit")


class Board:
    """Collects what is told, from any thread; ``title`` is for the first row, ``steps`` says where to begin.

    Args:
        wake: called when there is something new to draw.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.title = self.steps = ""
        self._wake = wake
        self._lock = threading.Lock()
        self._told: deque[Text] = deque(maxlen=KEPT)

    def tell(self, kind: Kind, text: str) -> None:
        """Add a message."""
        style, mark = MARKS[kind]
        with self._lock:
            self._told.append(Text(style, f"{mark} {clean(text)}"))
        self._wake()

    def clear(self) -> None:
        """Forget what was told."""
        with self._lock:
            self._told.clear()

    def view(self, hands: Hands) -> View:
        """Everything as it is now."""
        desk_keys = (f"{key} {action.help}" for key, action in ACTIONS.items() if action.pane == "desk")
        side = [Text(PLAIN, line) for line in (*KEYPAD, *desk_keys, *OWN)]
        below = [Text(PLAIN, "    ".join(map(_keys, panes))) for panes in (("faults",), ("on/off", "clock"))]
        with self._lock:
            told = list(self._told)
        return View(self.title, hands.scene.desk.frame(), side, _state(hands), below, told)


def _keys(pane: str) -> str:
    return "  ".join((f"{pane}:", *(f"{key} {action.help}" for key, action in ACTIONS.items() if action.pane == pane)))


def _state(hands: Hands) -> Row:
    """What is there and what is not."""
    scene = hands.scene
    card = {None: "not ours", True: "in", False: "out"}[scene.tray.inside]
    there = {
        "reader": scene.tray.plugged,
        "broker": "broker" not in hands.down,
        "gateway": "gateway" not in hands.down,
        "vault": scene.desk.connected,
    }
    row = [Text(DIM, f"card {card}"), Text(BOLD, ", slow" if hands.slow else "")]
    row += [Text(DIM, f" · {name} up") if up else Text(BOLD, f" · {name} DOWN") for name, up in there.items()]
    return *row, Text(DIM, " · box online") if scene.software.online else Text(BOLD, " · box OFFLINE")
