"""What the demo tells a person at a terminal: frames, keys, messages.

What it is: lines on standard output, or nothing. What it is not: part of any check.
Rule: a silent narrator changes nothing of what happens.
"""

import json
import shutil
import sys
from typing import Any

from PIL import Image

from appliance.simulator.display import terminal

WIDE = 132
"""Columns a terminal needs for one character a pixel; a narrower one gets Braille, 2x4 pixels a character."""
SHORT = 96
"""Longest text of a message that is shown."""

_BRAILLE = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each dot, in the order of its bits (Unicode 15 §21.1)."""


def braille(image: Image.Image) -> str:
    """A frame as Braille patterns: 64x16 characters for 128x64 pixels."""
    lit = image.convert("1").load()
    if lit is None:
        return ""
    rows = []
    for top in range(0, image.height, 4):
        cells = (
            sum(1 << bit for bit, (dx, dy) in enumerate(_BRAILLE) if lit[left + dx, top + dy])
            for left in range(0, image.width, 2)
        )
        rows.append("".join(chr(0x2800 + cell) for cell in cells))
    return "\n".join(rows)


class Narrator:
    """Tells, unless ``quiet``."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._picture = terminal if shutil.get_terminal_size().columns >= WIDE else braille

    def say(self, text: str) -> None:
        """A line of the story."""
        self._write(f"\n== {text}\n")

    def keys(self, what: str) -> None:
        """Keys pressed on the box."""
        self._write(f"   keys    {what}\n")

    def screen(self, image: Image.Image) -> None:
        """What the OLED shows."""
        width = len(self._picture(image).split("\n", 1)[0])
        edge = "─" * width
        body = "\n".join(f"   │{row}│" for row in self._picture(image).split("\n"))
        self._write(f"   ┌{edge}┐\n{body}\n   └{edge}┘\n")

    def message(self, topic: str, body: Any) -> None:  # noqa: ANN401 - any JSON value
        """An MQTT message; long values are shortened."""
        self._write(f"   mqtt    {topic}  {json.dumps(_shortened(body), ensure_ascii=False)}\n")

    def _write(self, text: str) -> None:
        if not self._quiet:
            sys.stdout.write(text)
            sys.stdout.flush()


def _shortened(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {name: _shortened(member) for name, member in value.items()}
    if isinstance(value, str) and len(value) > SHORT:
        return f"{value[:SHORT]}… ({len(value)} characters)"
    return value
