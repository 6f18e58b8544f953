"""The keypad's pins: a thread that turns switches into ``KeyEvent``, and digits into the locked page.

What it is: the only owner of the matrix's pins. What it is not: a source of digits: what a key does is
``vault/typist``'s, in this thread.
Rule: exactly one row is low while columns are read, all others are inputs, and every scan reads all rows.

Three gaits (hardware.md §F):

- at rest all rows are low and an edge on any column wakes the thread; nothing is polled;
- while something is closed: a scan each 5 ms until the scans agree, then each 10 ms, stuck each 100 ms, edges off;
- while a secret is typed: a scan each 5 ms whatever happens, edges off, so that no key leaves a time behind.

Columns are gpiozero's ``InputDevice``, not ``DigitalInputDevice``: the latter keeps the tick of each column's last
edge, and ticks give the order of the keys long after (security.md §2.1).
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from gpiozero import GPIOZeroError, InputDevice

from appliance.errors import KeypadFault
from appliance.keypad import matrix
from appliance.keypad.entry import KeyEvent, KeyFault, Probed
from appliance.keypad.matrix import Debounce, MatrixEvent, Phase
from appliance.secret import Secret, Slot
from appliance.vault.gpio import pin_factory
from appliance.vault.pulse import BEAT, Pulse
from appliance.vault.typist import Typist

HELD_INTERVAL: Final = 0.010
STUCK_INTERVAL: Final = 0.100
"""Seconds between scans while a key stays down, and once it counts as stuck."""
JOIN_TIMEOUT: Final = 2.0


class Keys:
    """The keypad thread.

    Args:
        rows: GPIO numbers, top row first.
        columns: GPIO numbers, left column first.
        layout: 16 characters, ``layout[row * 4 + column]``.
        secret: the page that armed digits go to.
        emit: called from the keypad thread with each event; must not block and must not call ``Keys``.
        clock: seconds, monotonic, for stuck keys only.
    """

    def __init__(  # noqa: PLR0913 - wiring, page, way out and clock are six facts of one thing
        self,
        rows: Sequence[int],
        columns: Sequence[int],
        layout: str,
        secret: Secret,
        emit: Callable[[KeyEvent | Probed], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gpios = (tuple(rows), tuple(columns))
        self._typist = Typist(secret, layout)
        self._emit = emit
        self._clock = clock
        self._rows: list[InputDevice] = []
        self._columns: list[InputDevice] = []
        self._wake = threading.Event()
        self._closing = False
        self.pulse = Pulse("keys")
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)

    def start(self) -> None:
        """Claim the pins and start reading.

        Raises:
            KeypadFault: a pin is taken or unusable, or GPIO is not to be had.
        """
        try:
            factory = pin_factory()
            for gpio in self._gpios[0]:
                self._rows.append(InputDevice(gpio, pull_up=None, active_state=False, pin_factory=factory))
            for gpio in self._gpios[1]:
                self._columns.append(InputDevice(gpio, pull_up=True, pin_factory=factory))
        except GPIOZeroError as error:
            self._release()
            raise KeypadFault(f"keypad pins: {error}") from error
        self._thread.start()

    def close(self) -> None:
        """Stop at once and leave every pin an input."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_TIMEOUT)
        self._release()

    def arm(self, slot: Slot, maximum: int, *, fresh: bool = False) -> None:
        """As ``Typist.arm``, and the gait of a secret: a scan each 5 ms."""
        self._typist.arm(slot, maximum, fresh=fresh)
        self._wake.set()

    def watch(self, *, on: bool) -> None:
        """As ``Typist.watch``."""
        self._typist.watch(on=on)

    def disarm(self) -> None:
        """As ``Typist.disarm``."""
        self._typist.disarm()
        self._wake.set()

    def _run(self) -> None:
        state = Debounce()
        try:
            while not self._closing:
                self.pulse.beat()
                if state.at_rest and not self._typist.armed:
                    self._rest()
                    state = Debounce()
                    pace = matrix.SCAN_INTERVAL  # let the contact settle
                else:
                    state, event = state.feed(self._scan(), self._clock())
                    self._tell(event)
                    pace = self._pace(state)
                self._wake.wait(pace)
                self._wake.clear()
        finally:
            if not self._closing:  # whatever ends this thread, nobody waits for keys that cannot come
                self._emit(KeyFault())

    def _pace(self, state: Debounce) -> float:
        if not state.stable or self._typist.armed:
            return matrix.SCAN_INTERVAL
        return STUCK_INTERVAL if state.phase is Phase.STUCK else HELD_INTERVAL

    def _rest(self) -> None:
        """All rows low, edges on; returns when a key, ``arm`` or ``close`` wants attention, with edges off again."""
        for row in self._rows:
            row.pin.output_with_state(False)
        for column in self._columns:
            column.pin.when_changed = self._edge
        # A key that closed before its edge was watched makes no edge: look once.
        if not any(column.is_active for column in self._columns):
            while not self._wake.wait(BEAT):
                self.pulse.beat()
        for column in self._columns:
            column.pin.when_changed = None
        for row in self._rows:
            row.pin.function = "input"
        self._wake.clear()

    def _edge(self, _ticks: object, _level: object) -> None:
        """Runs in the pin library's thread, where an exception would end all edges: it only wakes."""
        self._wake.set()

    def _scan(self) -> int:
        """Read all rows, one low at a time, never an early exit: the scan takes the same time for every key."""
        read = []
        for row in self._rows:
            row.pin.output_with_state(False)
            read.append([column.is_active for column in self._columns])
            row.pin.function = "input"
        return matrix.mask(read)

    def _tell(self, event: MatrixEvent | None) -> None:
        known = self._typist.tell(event)
        if known is not None:
            self._emit(known)

    def _release(self) -> None:
        for device in (*self._rows, *self._columns):
            device.close()
        self._rows, self._columns = [], []
