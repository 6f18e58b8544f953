"""How bright the display is, and where the picture stands on it, after a while without anybody.

What it is: pure functions of when somebody last did something, whether the box waits for a person, and now. What it is
not: a clock, a panel, or the judge of what counts as somebody (``vault/attention.py``).
Rule: while something is asked of a person, the display is bright and its picture stands still: nothing covers a prompt.

Why: an OLED that shows the same picture day and night burns it in. So a home screen grows dim, then dark, and moves by
a pixel each minute, within the margin of one pixel that every screen leaves (``canvas.MARGIN``).
"""

import enum
from dataclasses import dataclass
from typing import Final

from PIL import Image

__all__ = ["Light", "Rest", "Shift", "light", "moved", "next_change", "shift"]

Shift = tuple[int, int]
"""Pixels to the right and down, -1 to 1."""

STILL: Final[Shift] = (0, 0)
MINUTE: Final = 60.0
WALK: Final[tuple[Shift, ...]] = (
    (0, 0), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1),
)  # fmt: skip
"""One step a minute, each place once: neighbours, so that nobody sees the picture jump."""


class Light(enum.Enum):
    """How the panel is lit."""

    BRIGHT = "bright"
    DIM = "dim"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Rest:
    """Seconds without anybody until the display is dim, and until it is off (hardware.md §E)."""

    dim: float = 30
    off: float = 120

    def __post_init__(self) -> None:
        if not 0 < self.dim < self.off:
            raise ValueError("dim comes before off")


def light(rest: Rest, last: float, now: float, *, prompt: bool) -> Light:
    """The light at ``now``, when somebody was there at ``last`` (seconds of one monotonic clock)."""
    if prompt or now < last + rest.dim:
        return Light.BRIGHT
    return Light.DIM if now < last + rest.off else Light.OFF


def next_change(rest: Rest, last: float, now: float, *, prompt: bool) -> float | None:
    """When the light changes next if nobody comes; None when it does not."""
    steps = (last + rest.dim, last + rest.off)
    return None if prompt else min((step for step in steps if step > now), default=None)


def shift(now: float, *, prompt: bool) -> Shift:
    """Where the picture stands in this minute."""
    return STILL if prompt else WALK[int(now // MINUTE) % len(WALK)]


def moved(image: Image.Image, by: Shift) -> Image.Image:
    """The picture moved, as a new image; what comes in at the edge is dark, what goes out is lost."""
    if by == STILL:
        return image
    frame = Image.new(image.mode, image.size)
    frame.paste(image, by)
    return frame
