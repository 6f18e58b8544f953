"""The bench clock: an event loop whose time can be advanced.

What it is: asyncio's own loop, its monotonic clock plus an offset. What it is not: a stopped clock: real time runs on.
Rule: only the desk's ``C`` message moves it, so tests wait for frames and messages, never for seconds (design §3).
"""

import asyncio


class BenchLoop(asyncio.SelectorEventLoop):
    """asyncio's loop with ``time()`` ahead of the monotonic clock by what was advanced so far."""

    def __init__(self) -> None:
        self._ahead = 0.0
        super().__init__()

    def time(self) -> float:
        """Seconds: the monotonic clock and what was advanced."""
        return super().time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward and wake the loop, so that timers now due fire. Safe from any thread.

        Raises:
            ValueError: time would run backwards.
        """
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._ahead += seconds
        self.call_soon_threadsafe(_wake)


def _wake() -> None:
    """The call itself ends the loop's wait; the next round compares its timers with the new time."""
