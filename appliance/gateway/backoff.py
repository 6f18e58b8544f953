"""Delays between two attempts to connect.

What it is: a pure series. What it is not: a timer.
Rule: doubling from ``first`` to ``most`` seconds, each taken between its half and its whole so that the boxes of one
practice do not return together.
"""

from collections.abc import Callable, Iterator


def delays(first: float, most: float, chance: Callable[[], float]) -> Iterator[float]:
    """Endless delays in seconds; ``chance`` gives numbers in [0, 1)."""
    whole = first
    while True:
        yield whole * (0.5 + chance() / 2)
        whole = min(whole * 2, most)
