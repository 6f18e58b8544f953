"""One frame being drawn: 128x64 pixels, mode "1", and the list of what was written on it.

What it is: the only place that sets pixels. What it is not: a layout (``screens.py``).
Rules: text stays inside a margin of one pixel, else ``TextNotDrawable``; the outermost pixels belong to the padlock
frame (``lock``), so a frame with a lit border was made by the box for a secret, never by a text.
"""

from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

from appliance.errors import TextNotDrawable
from appliance.screen.atlas import SMALL, Size
from appliance.screen.icons import PADLOCK
from appliance.screen.text import COLUMNS, fit

__all__ = ["HEIGHT", "WIDTH", "Canvas", "Sign", "Writing"]

WIDTH: Final = 128
HEIGHT: Final = 64
MARGIN: Final = 1


@dataclass(frozen=True, slots=True)
class Writing:
    """One text as drawn: its left upper pixel, its size, and whether in reverse video."""

    x: int
    y: int
    text: str
    size: Size
    reverse: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, upper, right, lower; right and lower are the first pixels outside."""
        return self.x, self.y, self.x + self.size.width * len(self.text), self.y + self.size.height


@dataclass(frozen=True, slots=True, eq=False)
class Sign:
    """One of the box's own signs as drawn: its left upper pixel."""

    x: int
    y: int
    icon: Image.Image

    @property
    def box(self) -> tuple[int, int, int, int]:
        """As ``Writing.box``."""
        return self.x, self.y, self.x + self.icon.width, self.y + self.icon.height


class Canvas:
    """A dark frame to draw on."""

    __slots__ = ("_pen", "image", "signs", "writings")

    def __init__(self) -> None:
        self.image: Final = Image.new("1", (WIDTH, HEIGHT))
        self.signs: Final[list[Sign]] = []
        self.writings: Final[list[Writing]] = []
        self._pen: Final = ImageDraw.Draw(self.image)

    def write(self, x: int, y: int, text: str, size: Size = SMALL, *, reverse: bool = False) -> int:
        """Draw ``text`` from its left upper pixel; return the x after it.

        Raises:
            TextNotDrawable: a character has no glyph, or the text would leave the margin.
        """
        writing = Writing(x, y, fit(text, WIDTH), size, reverse)
        if not size.normal.keys() >= set(text):
            raise TextNotDrawable(f"a character that the cut of {size.height} pixels lacks")
        if not _inside(writing.box):
            raise TextNotDrawable(f"{len(text)} characters at ({x}, {y}) leave the frame")
        glyphs = size.reverse if reverse else size.normal
        for place, character in enumerate(text):
            self.image.paste(glyphs[character], (x + place * size.width, y))
        self.writings.append(writing)
        return writing.box[2]

    def centre(self, y: int, text: str, size: Size = SMALL) -> None:
        """Draw ``text`` in the middle of the row."""
        self.write((WIDTH - size.width * len(text)) // 2, y, text, size)

    def label(self, y: int, text: str) -> None:
        """Draw ``text`` in reverse video in the middle of the row, with one lit row of pixels above its accents.

        It stands between two lit cells, if the row has room for them.
        """
        padded = f" {text} " if len(text) <= COLUMNS - 2 else text
        x = (WIDTH - SMALL.width * len(padded)) // 2
        self.write(x, y, padded, reverse=True)
        self.fill(x, y - 1, x + SMALL.width * len(padded) - 1, y - 1)

    def key(self, x: int, y: int, name: str, label: str = "") -> int:
        """Draw a key's name in reverse video, one pixel wider on the left, and what it does; return the x after it."""
        self.fill(x - 1, y, x - 1, y + SMALL.height - 1)
        after = self.write(x, y, name, reverse=True)
        return self.write(after, y, f" {label}") if label else after

    def fill(self, left: int, upper: int, right: int, lower: int) -> None:
        """Light the pixels left..right and upper..lower, inside the margin."""
        if left > right or upper > lower or not _inside((left, upper, right + 1, lower + 1)):
            raise ValueError("a bar would leave the frame")
        self._pen.rectangle((left, upper, right, lower), fill=255)

    def rule(self, y: int, *, left: int = 6, right: int = 121) -> None:
        """Draw a dotted line: no character looks like it, so it is never read as text."""
        for x in range(left, right + 1, 2):
            self.fill(x, y, x, y)

    def bar(self, upper: int, part: float, *, left: int = 6, right: int = 121) -> None:
        """Draw a bar of 4 pixels, ``part`` (0..1, clamped) of it filled from the left; the rest is a dotted line."""
        length = round(min(max(part, 0.0), 1.0) * (right - left + 1))
        self.rule(upper + 3, left=left, right=right)
        if length:
            self.fill(left, upper, left + length - 1, upper + 3)

    def icon(self, x: int, y: int, icon: Image.Image) -> None:
        """Draw one of the box's own signs, inside the margin."""
        sign = Sign(x, y, icon)
        if not _inside(sign.box):
            raise ValueError("a sign would leave the frame")
        self.image.paste(icon, (x, y))
        self.signs.append(sign)

    def flood(self) -> None:
        """Light every pixel, the outermost ones too: a test of the panel, without any text."""
        self._pen.rectangle((0, 0, WIDTH - 1, HEIGHT - 1), fill=255)

    def lock(self, x: int, y: int) -> None:
        """Draw the padlock, and the frame on the outermost pixels: a secret is being typed."""
        self._pen.rectangle((0, 0, WIDTH - 1, HEIGHT - 1), outline=255)
        self.icon(x, y, PADLOCK)


def _inside(box: tuple[int, int, int, int]) -> bool:
    left, upper, right, lower = box
    return left >= MARGIN and upper >= MARGIN and right <= WIDTH - MARGIN and lower <= HEIGHT - MARGIN
