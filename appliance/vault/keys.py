"""The keypad's pins: a thread that turns switches into ``KeyEvent``, and digits into the locked page.

What it is: the only owner of gpiozero for the matrix. What it is not: a source of digits: outside this file's
``_act`` no value of a digit exists (design §3, *The PIN is nobody's value*).
Rule: exactly one row is low while columns are read, all others are inputs, and every scan reads all rows.

Three gaits (hardware.md §F):

- at rest all rows are low and an edge on any column wakes the thread; nothing is polled;
- while something is closed: a scan each 5 ms until the scans agree, then each 10 ms, stuck each 100 ms, edges off;
- while a secret is typed: a scan each 5 ms whatever happens, edges off, so that no key leaves a time behind.

Columns are gpiozero's ``InputDevice``, not ``DigitalInputDevice``: the latter keeps the tick of each column's last
edge, and ticks give the order of the keys long after (security.md §2.1).
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from gpiozero import Device, GPIOZeroError, InputDevice
from gpiozero.pins import Factory

from appliance.errors import KeypadFault
from appliance.keypad import matrix
from appliance.keypad.entry import (
    COMMANDS,
    DIGITS,
    HOLDS,
    Clear,
    Differ,
    Digit,
    Full,
    KeyEvent,
    KeyFault,
    Refuse,
    Same,
    Validate,
)
from appliance.keypad.matrix import Debounce, Freed, KeyDown, KeyHeld, MatrixEvent, Phase, Stuck
from appliance.secret import Secret, Slot
from appliance.vault.pulse import BEAT, Pulse

log = logging.getLogger(__name__)

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
        emit: Callable[[KeyEvent], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gpios = (tuple(rows), tuple(columns))
        self._layout = layout
        self._secret = secret
        self._emit = emit
        self._clock = clock
        self._rows: list[InputDevice] = []
        self._columns: list[InputDevice] = []
        self._armed: tuple[Slot, int] | None = None
        self._frozen = False
        self._lock = threading.Lock()
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
            factory = _factory()
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
        """Enter the secret state: from now on digits go into ``slot``, behind what it holds, ``maximum`` in all.

        ``fresh`` empties the slot first, and those behind it. ``#`` and ``D`` freeze it in the moment they are seen:
        until the next ``arm`` or ``disarm`` no key changes the page or the count, so that what ``#`` validated is what
        the card gets.
        """
        with self._lock:
            if fresh:
                for void in Slot:
                    if void >= slot:  # what was typed after it means nothing any more
                        self._secret.clear(void)
            self._armed, self._frozen = (slot, maximum), False
        self._wake.set()

    def disarm(self) -> None:
        """Leave the secret state; the page is the caller's to use or wipe, no digit is written after this returns."""
        with self._lock:
            self._armed, self._frozen = None, False
        self._wake.set()

    def _run(self) -> None:
        state = Debounce()
        try:
            while not self._closing:
                self.pulse.beat()
                if state.at_rest and self._armed is None:
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
        if not state.stable or self._armed is not None:
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
        match event:
            case KeyDown(position):
                known = self._act(self._layout[position])
            case KeyHeld(position):
                known = self._hold(self._layout[position])
            case Stuck():
                log.warning("a key is stuck")
                known = KeyFault()
            case Freed():
                log.info("the stuck key is free")
                known = KeyFault(ok=True)
            case _:
                known = None
        if known is not None:
            self._emit(known)

    def _act(self, key: str) -> KeyEvent | None:
        """The function that sees the key: a digit goes into the page here, and only its event leaves."""
        with self._lock:
            if self._armed is None:
                return Full() if key in DIGITS else COMMANDS[key]
            slot, maximum = self._armed
            if key in DIGITS:
                if self._frozen:
                    return None
                return Digit() if self._secret.push(slot, DIGITS.index(key), maximum) else Full()
            event = COMMANDS[key]
            match event:
                case Clear() if self._frozen:
                    return None
                case Clear():
                    self._secret.clear(slot)
                case Validate():
                    self._frozen = True
                    return self._compare(slot)
                case Refuse():
                    self._frozen = True
            return event

    def _compare(self, slot: Slot) -> KeyEvent:
        """What ``#`` means for what was just typed: compared in the page, and only the answer leaves."""
        if slot is Slot.NEW and self._secret.equal(Slot.OLD, Slot.NEW):
            return Same()
        if slot is Slot.AGAIN and not self._secret.equal(Slot.NEW, Slot.AGAIN):
            return Differ()
        return Validate()

    def _hold(self, key: str) -> KeyEvent | None:
        """A key that stays down; while a secret is typed no key's duration means anything."""
        with self._lock:
            return HOLDS.get(key) if self._armed is None else None

    def _release(self) -> None:
        for device in (*self._rows, *self._columns):
            device.close()
        self._rows, self._columns = [], []


def _factory() -> Factory:
    """The pin factory in use, else lgpio's: gpiozero's own choice would fall back in silence (library-facts §3.2).

    Raises:
        KeypadFault: lgpio or its gpiochip is not to be had.
    """
    if Device.pin_factory is None:
        try:
            import lgpio  # noqa: PLC0415 - hardware only, and importing it makes a FIFO and a thread
            from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - needs lgpio
        except ImportError as error:
            raise KeypadFault("lgpio is not installed") from error
        try:
            Device.pin_factory = LGPIOFactory()
        except (GPIOZeroError, OSError, lgpio.error) as error:
            raise KeypadFault(f"no GPIO: {error}") from error
    return Device.pin_factory
