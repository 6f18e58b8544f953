"""A USB numeric keypad as pure functions of the kernel's input events.

What it is: which keys are down after each report, as a scan that ``matrix.Debounce`` takes. What it is not: a device
(``vault/input_node``), or a place where a key means anything (``vault/typist``).
Rule: only codes of the numeric pad count, whatever NumLock says, and a key that a report hides makes the report lost.

Codes and their order: Linux, include/uapi/linux/input-event-codes.h; reports: Documentation/input/event-codes.rst.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from appliance.keypad.matrix import LAYOUT

EV_SYN: Final = 0
EV_KEY: Final = 1
SYN_REPORT: Final = 0
SYN_DROPPED: Final = 3
UP: Final = 0
DOWN: Final = 1
"""Values of EV_KEY; 2 is auto-repeat, which is nobody's finger."""

_CODES: Final[dict[str, tuple[int, ...]]] = {
    **{key: (code,) for key, code in zip("0123456789", (82, 79, 80, 81, 75, 76, 77, 71, 72, 73), strict=True)},  # KP0 …
    "#": (96, 28),  # KEY_KPENTER; KEY_ENTER, which some pads send in its place
    "*": (83, 121, 14, 111),  # KEY_KPDOT, KEY_KPCOMMA, KEY_BACKSPACE, KEY_DELETE
    "D": (74, 1),  # KEY_KPMINUS, KEY_ESC
    "A": (78,),  # KEY_KPPLUS
    "B": (98,),  # KEY_KPSLASH
    "C": (55,),  # KEY_KPASTERISK
}
CODES: Final = {code: key for key, codes in _CODES.items() for code in codes}
"""Code -> key of the box; every other code, NumLock's too, is no key."""

_BITS: Final = {code: 1 << n for n, code in enumerate(CODES)}
_POSITIONS: Final = tuple(1 << LAYOUT.index(key) for key in CODES.values())
SEVERAL: Final = 0xFFFF
"""The scan of keys that share a meaning: more than one, whatever they are."""


def serves(codes: Iterable[int]) -> bool:
    """Whether a device with these codes has all 16 keys of the box."""
    return {CODES[code] for code in codes if code in CODES} == set(LAYOUT)


def held(codes: Iterable[int]) -> int:
    """Codes that are down as the bits of ``Report.down``."""
    return sum(_BITS[code] for code in set(codes) if code in _BITS)


def scan(reports: Iterable[int]) -> int:
    """The keys down on all devices as a scan of 16 bits (``matrix``); two codes are two keys, also with one meaning."""
    closed = count = 0
    for down in reports:
        count += down.bit_count()
        for n, position in enumerate(_POSITIONS):
            if down >> n & 1:
                closed |= position
    return closed if closed.bit_count() == count else SEVERAL


@dataclass(frozen=True, slots=True)
class Report:
    """One device after the last event.

    ``down``: one bit for each code of ``CODES`` that is down; ``fresh``: those that went down since the last report.
    ``ended``: the last event ended a report, ``down`` may be looked at. ``lost``: the events do not tell what was
    pressed: the device must be asked for its state (``held``).
    """

    down: int = 0
    ended: bool = False
    lost: bool = False
    fresh: int = 0

    def feed(self, kind: int, code: int, value: int) -> "Report":
        """Take one event: the three numbers of ``struct input_event``."""
        report = Report(self.down) if self.ended else self
        if (kind, code) == (EV_SYN, SYN_REPORT):
            return dataclasses.replace(report, ended=True, fresh=0)
        if (kind, code) == (EV_SYN, SYN_DROPPED):  # the kernel's buffer was full
            return dataclasses.replace(report, lost=True)
        bit = _BITS.get(code, 0) if kind == EV_KEY else 0
        if value == DOWN:
            return dataclasses.replace(report, down=report.down | bit, fresh=report.fresh | bit)
        if value == UP:
            hidden = bool(report.fresh & bit)  # down and up in one report: no state between two reports shows it
            return dataclasses.replace(report, down=report.down & ~bit, lost=report.lost or hidden)
        return report
