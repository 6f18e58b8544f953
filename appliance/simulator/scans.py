"""Counts the scans of a keypad from the reports of its rows.

What it is: ``Scans``, the desk's knowledge of which rows are low. What it is not: pins (``pins``), or a wait.
Rule: a scan counts only if every row of it went low behind the last move of the switches: what was read in between is
certain to be read with them.
"""

from collections.abc import Sequence
from typing import Final

LOW: Final = 0
RELEASED: Final = 2
NEEDED: Final = 3
"""Full scans that switches stay as they are: what a debounce of 3 equal scans needs (hardware.md §F)."""


class Scans:
    """Full scans since the switches last moved.

    Args:
        rows: GPIO numbers, in the vault's order of scanning.
    """

    def __init__(self, rows: Sequence[int]) -> None:
        self._rows = tuple(rows)
        self._levels = dict.fromkeys(self._rows, RELEASED)
        self._stale: set[int] = set()
        self._swept = 0
        self._rested = False
        self.count = 0
        """Full scans so far."""

    def move(self) -> None:
        """Switches moved: start counting anew."""
        self.count = self._swept = 0
        self._rested = self._rests()
        # A row that is low just now may have been read before the move.
        self._stale = {row for row, level in self._levels.items() if level == LOW}

    def step(self, gpio: int, level: int) -> None:
        """A pin changed. A row was read when it is released again and was the only one low."""
        if gpio not in self._levels:
            return
        before, self._levels[gpio] = self._levels[gpio], level
        self._rested = self._rested or self._rests()
        if (before, level) != (LOW, RELEASED) or LOW in self._levels.values():
            return
        if gpio in self._stale:
            self._stale.remove(gpio)
            return
        self._swept = self._swept + 1 if gpio == self._rows[self._swept] else int(gpio == self._rows[0])
        if self._swept == len(self._rows):
            self._swept = 0
            self.count += 1

    def enough(self, closed: int) -> bool:
        """Whether the switches ``closed`` are known to the vault; open ones also when it watches the edges again."""
        return self.count >= NEEDED or (closed == 0 and self._rested)

    def _rests(self) -> bool:
        """Whether all rows are low: the vault watches the edges and does not scan."""
        return all(level == LOW for level in self._levels.values())
