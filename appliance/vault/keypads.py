"""Which keypad the box has: the matrix on its pins, or a USB keypad that the configuration lists.

What it is: what both have in common, and the choice. What it is not: a keypad. Rule: one keypad at a time: a box with
a listed USB keypad claims no pins, and one without never opens an input device.
"""

from collections.abc import Callable
from typing import Protocol

from appliance.config_tables import Keypad as Wiring
from appliance.keypad.entry import KeyEvent, Probed
from appliance.secret import Secret, Slot
from appliance.vault.keypad_usb import UsbKeypad
from appliance.vault.keys import Keys
from appliance.vault.pulse import Pulse


class Keypad(Protocol):
    """A thread that emits ``KeyEvent`` and writes armed digits into the page."""

    pulse: Pulse

    def start(self) -> None:
        """Begin to read."""

    def close(self) -> None:
        """Stop at once; harmless the second time."""

    def arm(self, slot: Slot, maximum: int, *, fresh: bool = False) -> None:
        """Digits go into ``slot`` from now on (``Typist.arm``)."""

    def disarm(self) -> None:
        """Digits go nowhere once this returns (``Typist.disarm``)."""

    def watch(self, *, on: bool) -> None:
        """Each key only says which it is (``Typist.watch``)."""


def fit(
    wiring: Wiring, secret: Secret, emit: Callable[[KeyEvent | Probed], None], clock: Callable[[], float]
) -> Keypad:
    """The keypad of this box, not begun; arguments as in ``Keys``."""
    if wiring.usb:
        return UsbKeypad(wiring.usb, secret, emit, clock=clock)
    return Keys(wiring.rows, wiring.columns, wiring.layout, secret, emit, clock=clock)
