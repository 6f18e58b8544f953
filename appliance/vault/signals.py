"""LED, buzzer, door relay, tamper switch and panel button: one thread that owns their pins.

What it is: the only owner of gpiozero besides the keypad. What it is not: a judge of what they mean
(``vault/lamps.py``), or of who may open a door.
Rule: the relay is low before anything else happens and after everything else, and a pulse ends by this thread's own
clock, whatever becomes of the loop that asked for it. Nothing of a pin outlives ``close``.

What a pin does when the process is killed is the kernel's affair: ``vault/blank.py`` drives the relay low afterwards,
and a resistor holds it where nobody drives it (hardware/wiring.md).

Inputs are gpiozero's ``InputDevice``, read by the thread: an edge only wakes it, since what an edge says of its level
may be bounce.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from gpiozero import DigitalOutputDevice, GPIOZeroError, InputDevice, PWMOutputDevice

from appliance.config_tables import Door
from appliance.config_tables import Signals as Wiring
from appliance.errors import ApplianceError
from appliance.vault.gpio import pin_factory
from appliance.vault.lamps import DARK, Contact, Lamp, Tone, beat
from appliance.vault.pulse import BEAT, Pulse

PITCH: Final = 2700.0
"""Hertz: near what small piezos are loudest at."""
DUTY: Final = 0.5
SETTLE: Final = 0.05
"""Seconds a switch must keep its level to be believed."""
JOIN_TIMEOUT: Final = 2.0


class SignalsFault(ApplianceError):
    """A pin of LED, buzzer, relay or switch is taken or unusable."""

    code = "signals-fault"


@dataclass(frozen=True, slots=True)
class TamperChanged:
    """The case was opened or closed; said at the start only if it is open then."""

    opened: bool


@dataclass(frozen=True, slots=True)
class ButtonChanged:
    """The panel button was pressed or let go."""

    pressed: bool


SignalEvent = TamperChanged | ButtonChanged


class Signals:
    """The signals' thread.

    Args:
        wiring: the GPIOs, and what is fitted.
        door: the relay's GPIO, and the seconds of a pulse.
        emit: called from the thread with each event; must not block.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        wiring: Wiring,
        door: Door,
        emit: Callable[[SignalEvent], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wiring = wiring
        self._door = door
        self._emit = emit
        self._clock = clock
        self._pins = ExitStack()
        self._switches: list[_Switch] = []
        self._lock = threading.Lock()
        self._lamp, self._lamp_since = Lamp(DARK), 0.0
        self._tone: Tone | None = None
        self._tone_since = 0.0
        self._opened_at: float | None = None
        self._wake = threading.Event()
        self._closing = False
        self.pulse = Pulse("signals")
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)

    def start(self) -> None:
        """Claim the pins, every output low, and begin.

        Raises:
            SignalsFault: a pin is taken or unusable.
            KeypadFault: GPIO is not to be had.
        """
        factory = pin_factory()
        try:
            with ExitStack() as pins:
                outputs = [self._door.relay, self._wiring.red, self._wiring.green, self._wiring.blue]
                self._relay, *self._lights = (
                    _held(pins, DigitalOutputDevice(gpio, initial_value=False, pin_factory=factory)) for gpio in outputs
                )
                self._buzzer = _held(pins, PWMOutputDevice(self._wiring.buzzer, frequency=PITCH, pin_factory=factory))
                fitted: list[tuple[int, bool, Callable[[bool], SignalEvent]]] = [
                    (self._wiring.button, False, ButtonChanged)
                ]
                if self._wiring.tamper_switch:
                    # A switch to ground that is closed in a closed case: open is the alarm, and so is a cut wire.
                    fitted.append((self._wiring.tamper, True, lambda closed: TamperChanged(not closed)))
                for gpio, closed, event in fitted:
                    device = InputDevice(gpio, pull_up=True, pin_factory=factory)
                    pins.callback(device.close)
                    device.pin.when_changed = self._edge
                    self._switches.append(_Switch(device, Contact(closed), event))
                self._pins = pins.pop_all()
        except GPIOZeroError as error:
            raise SignalsFault(f"signal pins: {error}") from error
        self._thread.start()

    def close(self) -> None:
        """Door shut, dark, silent, and every pin given back; harmless if it never began."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_TIMEOUT)
        self._pins.close()

    def show(self, lamp: Lamp) -> None:
        """Let the LED show ``lamp``; one that it shows already goes on undisturbed."""
        with self._lock:
            if lamp == self._lamp:
                return
            self._lamp, self._lamp_since = lamp, self._clock()
        self._wake.set()

    def say(self, tone: Tone) -> None:
        """Let the buzzer say ``tone``, in place of what it says."""
        with self._lock:
            self._tone, self._tone_since = tone, self._clock()
        self._wake.set()

    def open_door(self) -> bool:
        """One pulse of the relay; False, and nothing more, while one lasts: no number of calls holds a door open."""
        with self._lock:
            if self._opened_at is not None or self._closing:
                return False
            self._opened_at = self._clock()
        self._wake.set()
        return True

    def _run(self) -> None:
        try:
            while not self._closing:
                self.pulse.beat()
                self._wake.wait(self._step(self._clock()))
                self._wake.clear()
        finally:  # whatever ends this thread, the door is shut
            self._relay.off()

    def _edge(self, _ticks: object, _level: object) -> None:
        """Runs in the pin library's thread, where an exception would end all edges: it only wakes."""
        self._wake.set()

    def _step(self, now: float) -> float:
        """Put every output as it must be at ``now``, read every input; seconds until there is more to do."""
        with self._lock:
            colour, blink = self._lamp.phase(now - self._lamp_since)
            sounding, tone = beat(self._tone.value, now - self._tone_since) if self._tone else (False, 0.0)
            door = self._opened_at + self._door.pulse - now if self._opened_at is not None else 0.0
            if not tone:
                self._tone = None
            if door <= 0:
                self._opened_at = None
        _put(self._relay, 1.0 if door > 0 else 0.0)
        for light, on in zip(self._lights, colour, strict=True):
            _put(light, float(on))
        _put(self._buzzer, DUTY if sounding else 0.0)
        settling = [left for switch in self._switches if (left := self._look(switch, now))]
        return min([BEAT, *settling, *(left for left in (blink, tone, door) if left and left > 0)])

    def _look(self, switch: "_Switch", now: float) -> float | None:
        """Read a switch; the seconds until its level is believed, None while it is as it was."""
        before, switch.contact = switch.contact, switch.contact.feed(bool(switch.device.is_active), now, SETTLE)
        if switch.contact.closed is not before.closed:
            self._emit(switch.event(switch.contact.closed))
        since = switch.contact.since
        return None if since is None else max(since + SETTLE - now, 0.001)


@dataclass(slots=True)
class _Switch:
    """A contact to ground, as believed so far, and what is said when it changes."""

    device: InputDevice
    contact: Contact
    event: Callable[[bool], SignalEvent]


def _held(pins: ExitStack, output: DigitalOutputDevice | PWMOutputDevice) -> DigitalOutputDevice | PWMOutputDevice:
    """The output; it goes low and is given back with ``pins``."""
    pins.callback(output.close)
    pins.callback(output.off)
    return output


def _put(output: DigitalOutputDevice | PWMOutputDevice, value: float) -> None:
    """Write only what is news: a pin that blinks is written twice a round, not at every look."""
    if output.value != value:
        output.value = value


def shut_door(gpio: int) -> None:
    """Drive the relay of a door low that nobody owns any more: for the time after a vault that was killed.

    Raises:
        SignalsFault, KeypadFault: as ``Signals.start``.
    """
    factory = pin_factory()
    try:
        DigitalOutputDevice(gpio, initial_value=False, pin_factory=factory).close()
    except GPIOZeroError as error:
        raise SignalsFault(f"relay: {error}") from error
