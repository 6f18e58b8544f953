"""The pins of the bench: gpiozero's mock pins, with a keypad and two switches soldered to them.

What it is: a ``MockFactory`` whose rows and columns are joined by the desk's 16 switches as copper would join them,
and whose other inputs may be tied to ground.
What it is not: a keypad that knows its keys. Rule: a column is low exactly when copper leads from it to a pin that is
driven low; three keys of a rectangle therefore show the fourth, as on a membrane without diodes (hardware.md §F).

Reports: ``P`` + GPIO + level for each change of an output: 0 low, 1 high or pulsed, 2 released (an input again). ``K``
+ 2 bytes tells that these switches are in force: reports behind it were made with them.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from gpiozero.pins.mock import MockFactory, MockPWMPin

LOW: Final = 0
HIGH: Final = 1
RELEASED: Final = 2


class BenchPin(MockPWMPin):  # type: ignore[misc] # gpiozero has no types
    """A mock pin that tells its factory what it drives, and keeps no history: MockPin's would hold key times."""

    def clear_states(self) -> None:
        """Forget; MockPin calls it once at construction."""
        super().clear_states()
        self.states.clear()

    def output_with_state(self, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        """Drive at once, as the hardware does: no moment at the level the pin had as an input."""
        with self.factory.copper:
            super()._set_function("output")
            self._change_state(bool(state))
            self.factory.driven(self)

    def _set_function(self, value: str) -> None:
        with self.factory.copper:
            super()._set_function(value)
            self.factory.driven(self)

    def _set_state(self, value: float) -> None:
        with self.factory.copper:
            super()._set_state(value)
            self.factory.driven(self)

    def _set_frequency(self, value: float | None) -> None:
        with self.factory.copper:
            super()._set_frequency(value)
            self.factory.driven(self)

    def _set_pull(self, value: str) -> None:
        with self.factory.copper:
            super()._set_pull(value)
            self.factory.solve()

    def _change_state(self, value: float) -> bool:
        changed = super()._change_state(value)
        self.states.clear()
        return bool(changed)


class BenchFactory(MockFactory):  # type: ignore[misc] # gpiozero has no types
    """gpiozero's pin factory on the bench.

    Args:
        rows: GPIO numbers, top row first.
        columns: GPIO numbers, left column first.
        report: takes one report of this module's docstring.
    """

    def __init__(self, rows: Sequence[int], columns: Sequence[int], report: Callable[[bytes], Any]) -> None:
        super().__init__(pin_class=BenchPin)
        self._lines = (tuple(rows), tuple(columns))
        self._report = report
        self._levels: dict[int, int] = {}
        self._pieces = _pieces(0, rows, columns)
        self._grounded: dict[int, bool] = {}
        self.copper = threading.RLock()
        self.shorts = 0
        """How often a pin driven high was joined to one driven low: on a real board, a current."""

    def close_switches(self, closed: int) -> None:
        """Put all 16 switches: bit = row * 4 + column, 1 = closed. Edges of watched columns fire before it returns."""
        with self.copper:
            self._pieces = _pieces(closed, *self._lines)
            self._report(b"K" + closed.to_bytes(2, "big"))
            self.solve()

    def ground(self, gpio: int, closed: bool) -> None:  # noqa: FBT001 - the position of a switch
        """Put a switch between a GPIO and ground; an edge that is watched fires before it returns."""
        with self.copper:
            self._grounded[gpio] = closed
            self.solve()

    def driven(self, pin: BenchPin) -> None:
        """A pin changed what it drives: report it if that is news, then settle the copper."""
        level = int(pin.state > 0) if pin.function == "output" else RELEASED
        gpio = _gpio(pin)
        if self._levels.get(gpio, RELEASED) != level:
            self._levels[gpio] = level
            self._report(bytes([ord("P"), gpio, level]))
        self.solve()

    def solve(self) -> None:
        """Drive each input as the copper it hangs on."""
        pins = {_gpio(pin): pin for pin in self.pins.values()}
        columns = set(self._lines[1])
        for piece in self._pieces:
            levels = {self._levels.get(gpio, RELEASED) for gpio in piece}
            self.shorts += levels >= {LOW, HIGH}
            for gpio in piece & columns & pins.keys():
                pin = pins[gpio]
                if pin.function == "input" and LOW in levels:
                    pin.drive_low()
                elif pin.function == "input" and (HIGH in levels or pin.pull == "up"):
                    pin.drive_high()
        for gpio, closed in self._grounded.items():
            pin = pins.get(gpio)
            if pin is not None and pin.function == "input" and (closed or pin.pull == "up"):
                (pin.drive_low if closed else pin.drive_high)()


def _gpio(pin: BenchPin) -> int:
    return int(pin.info.name.removeprefix("GPIO"))


def _pieces(closed: int, rows: Sequence[int], columns: Sequence[int]) -> list[set[int]]:
    """The pieces of joined copper: sets of GPIO numbers, the connected components of the closed switches."""
    pieces = [{gpio} for gpio in (*rows, *columns)]
    for row, row_gpio in enumerate(rows):
        for column, column_gpio in enumerate(columns):
            if closed >> (row * len(columns) + column) & 1:
                joined = [piece for piece in pieces if row_gpio in piece or column_gpio in piece]
                pieces = [piece for piece in pieces if piece not in joined]
                pieces.append(set().union(*joined))
    return pieces
