"""What happened on the desk, numbered, for pages that come and go.

What it is: the last entries, told from any thread. What it is not: the box's journal.
Rule: keys of the keypad are never told here.
"""

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

from appliance.simulator.panel_messages import Entry, Tone

KEPT: Final = 300
TOPICS: Final = ("evt/", "status", "info", "state/", "req/", "rsp/")
"""How the first word of a text begins that is a topic below the device."""


class Log:
    """Entries, the oldest first.

    Args:
        wake: called after each.
        now: the time of day.
    """

    def __init__(self, wake: Callable[[], None], now: Callable[[], datetime] = datetime.now) -> None:
        self._wake, self._now = wake, now
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._number = 0

    def tell(self, tone: Tone, text: str) -> None:
        """Add what happened; a text that begins with a topic is shown by it."""
        first, _, rest = text.partition(" ")
        topic, shown = (first, rest.strip()) if first.startswith(TOPICS) else ("", text)
        with self._lock:
            self._number += 1
            at = self._now().strftime("%H:%M:%S")
            self._entries.append(Entry(number=self._number, at=at, tone=tone, topic=topic, text=shown))
        self._wake()

    def entries(self) -> tuple[Entry, ...]:
        """Those that are kept."""
        with self._lock:
            return tuple(self._entries)
