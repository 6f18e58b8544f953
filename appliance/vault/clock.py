"""Wall time, as far as the box may believe it.

What it is: now, and whether now is plausible. What it is not: the clock of timers, which is the event loop's monotonic
one. Rule: a time before the software was made is no time: it is shown and sent as unset (design §5, *Clock*).
"""

from datetime import UTC, datetime

BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"""No box ran this software before; moved forward with each release."""


def wall() -> datetime:
    """Now, aware, in UTC; it may be wrong."""
    return datetime.now(UTC)


def believable(now: datetime) -> bool:
    """Whether ``now`` can be told to anybody."""
    return now >= BUILT


def label(now: datetime) -> str:
    """``HH:MM`` local time for the screen, empty while unset."""
    return now.astimezone().strftime("%H:%M") if believable(now) else ""


def timestamp(now: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, for events."""
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
