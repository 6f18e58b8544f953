"""The hour at which no card should be in the box any more (``[card] forgotten_at``).

What it is: pure: whether that hour lies between two looks at the clock. What it is not: what follows (flow_home.py).
Rule: local time, and only between two times that can be believed: a clock that is being set says nothing.
"""

from datetime import datetime

from appliance.vault import clock


def struck(hour: str | None, before: datetime, now: datetime) -> bool:
    """Whether ``hour`` (``HH:MM`` local time, None for never) came after ``before`` and not after ``now``, both aware.

    A clock that was set back or stood still strikes nothing.
    """
    if hour is None or not clock.believable(before):
        return False
    hours, minutes = map(int, hour.split(":"))
    # both as the clock on the wall shows them: an hour that summer time leaves out is struck by the next
    then, here = (moment.astimezone().replace(tzinfo=None) for moment in (before, now))
    return then < here.replace(hour=hours, minute=minutes, second=0, microsecond=0) <= here
