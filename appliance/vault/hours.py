"""Who may open the door, and when: the two questions that need no card and no certificate.

What it is: pure functions over the list of holders, the time table and a moment. What it is not: a clock or a store
(doorkeeper.py). Rule: local time as a clock on the wall shows it, a span's end no longer in it; a time table without a
clock opens nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of ``datetime.weekday``."""

Hours = Mapping[Day, Sequence[str]]
"""Day -> spans ``HH:MM-HH:MM``, as the configuration checked them; a day without one is shut."""

Admitted = Literal["all"] | Collection[str]
"""Everybody whose card holds, or the pseudonyms of some."""


def within(hours: Hours, moment: datetime) -> bool:
    """Whether the table is open at ``moment``, a local time."""
    day, time = DAYS[moment.weekday()], moment.strftime("%H:%M")  # sorts as it reads
    return any(begin <= time < end for begin, end in (span.split("-") for span in hours.get(day, ())))


def refusal(admit: Admitted, hours: Hours | None, holder: str, moment: datetime | None) -> str | None:
    """Why ``holder`` may not come in at ``moment`` (local; None while the clock is not to be trusted), as a code.

    None when nothing of this stands against it.
    """
    if admit != "all" and holder not in admit:
        return "card-denied"
    if hours is None:
        return None
    if moment is None:
        return "clock-unset"
    return None if within(hours, moment) else "door-hours"
