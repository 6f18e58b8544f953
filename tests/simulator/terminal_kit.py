"""A terminal around a program: a pty, the screen it draws, and the picture of the OLED on that screen.

What it is: the few escape sequences the simulator is known to use; any other one is an error, so that nothing is drawn
that was not looked at. Rule: every wait is for bytes of the program, and bounded.
"""

import os
import pty
import re
import selectors
import subprocess
import sys
import termios
import time
from pathlib import Path

from PIL import Image

from appliance.simulator.reading import read_lines

TIMEOUT = 30.0
SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
HALVES = " ▀▄█"


class Terminal:
    """A program in a pty of ``columns`` x ``rows``; a context manager that kills what is left."""

    def __init__(self, *words: str, columns: int = 80, rows: int = 24, prefix: tuple[str, ...] = (), **variables: str):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.grid: dict[int, str] = {}
        self.alternate = self.cursor_hidden = False
        self.plain = ""
        self._line, self._text, self._bytes = 1, "", b""
        environment = {**os.environ, "LC_ALL": "C.UTF-8", **variables}
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "appliance", *words],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, env=environment, start_new_session=True,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(TIMEOUT)
        self.hang_up()
        os.close(self.slave)

    def hang_up(self) -> None:
        """Close the window."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def resize(self, columns: int, rows: int) -> None:
        termios.tcsetwinsize(self.master, (rows, columns))

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def wait_for(self, reached, timeout: float = TIMEOUT) -> None:
        """Until ``reached()``, or a text that stands on one row of the screen."""
        wanted = reached if callable(reached) else (lambda: any(reached in row for row in self.screen()))
        deadline = time.monotonic() + timeout
        while not wanted():
            if not self._read(deadline):
                raise AssertionError("\n".join((f"never: {reached}", self.plain, *self.screen())))

    def wait_picture(self, text: str) -> list[str]:
        """Until the OLED shows a text; its lines."""
        self.wait_for(lambda: text in " ".join(self.picture()))
        return self.picture()

    def wait_end(self) -> int:
        """Read up to the program's end; its exit code."""
        deadline = time.monotonic() + TIMEOUT
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(min(deadline, time.monotonic() + 0.1))
        while self._read(time.monotonic()):
            pass
        return self.process.wait(0)

    def screen(self) -> list[str]:
        """The rows, the first one first."""
        return [self.grid.get(row, "") for row in range(1, max(self.grid, default=0) + 1)]

    def picture(self) -> list[str]:
        """What the OLED on the screen says."""
        return read_lines(decode([row.split("│")[0] for row in self.screen() if "│" in row]))

    def left(self) -> list[str]:
        """Processes of the program's session that live on."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # ended meanwhile
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                found.append((folder / "cmdline").read_text())
        return found

    def _read(self, deadline: float) -> bool:
        """Take what the program wrote until then; False when nothing came."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.master, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return False
        self._bytes += os.read(self.master, 65536)
        try:
            text, self._bytes = self._bytes.decode(), b""
        except UnicodeDecodeError as cut:  # in the middle of a character
            text, self._bytes = self._bytes[: cut.start].decode(), self._bytes[cut.start :]
        self._text += text
        self._interpret()
        return True

    def _interpret(self) -> None:
        at = 0
        while at < len(self._text):
            found = SEQUENCE.match(self._text, at)
            if found is None:  # the rest of a sequence is still to come
                assert len(self._text) - at < 12, f"unknown: {self._text[at : at + 20]!r}"
                break
            parameter, final, line_end, text = found.groups()
            if text is not None or line_end is not None:
                self._put(text or line_end)
            else:
                self._do(parameter + final)
            at = found.end()
        self._text = self._text[at:]

    def _put(self, text: str) -> None:
        if self.alternate:
            assert text.isprintable(), repr(text)
            self.grid[self._line] = self.grid.get(self._line, "") + text
        else:
            self.plain += text

    def _do(self, sequence: str) -> None:
        if sequence in {"?1049h", "?1049l"}:
            self.alternate = sequence.endswith("h")
            self.grid.clear()
        elif sequence in {"?25h", "?25l"}:
            self.cursor_hidden = sequence.endswith("l")
        elif sequence == "2J":
            self.grid.clear()
        elif sequence == "K":
            self.grid[self._line] = ""
        elif at := re.fullmatch(r"([0-9]+);1H", sequence):
            self._line = int(at[1])
        else:
            assert re.fullmatch(r"[0-9;]*m|\?7[hl]", sequence), f"unknown: {sequence!r}"


def decode(rows: list[str]) -> Image.Image:
    """Braille or half blocks back to 128x64 pixels; anything else is black."""
    picture = Image.new("1", (128, 64))
    pixels = picture.load()
    braille = not any(character in "▀▄█" for row in rows for character in row)
    for y, row in enumerate(rows):
        for x, character in enumerate(row):
            if braille and 0x2800 <= ord(character) < 0x2900:
                for bit, (dx, dy) in enumerate(DOTS):
                    pixels[2 * x + dx, 4 * y + dy] = ord(character) >> bit & 1
            elif not braille and character in HALVES:
                for dy in range(2):
                    pixels[x, 2 * y + dy] = HALVES.index(character) >> dy & 1
    return picture
