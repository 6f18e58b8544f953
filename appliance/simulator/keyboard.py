"""The keyboard of a terminal, key by key.

What it is: a terminal put into raw mode and back, and bytes told apart as keys. What it is not: a line editor, or
anything that knows what a key is for. Rule: the terminal is given back as it was found, whatever happens in between.
"""

import contextlib
import os
import re
import termios
from types import TracebackType
from typing import Final, Self

ESCAPE: Final = "\x1b"
INTERRUPT: Final = "\x03"
"""Ctrl-C: in raw mode a key as any other."""
CHUNK: Final = 1024

# ECMA-48 §5.4 (CSI) and the SS3 of cursor and function keys; an escape in front of a character is Alt.
_KEY: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b[^\x1b]|.", re.DOTALL)


def keys(typed: bytes) -> list[str]:
    """Characters typed, in order; arrows, function keys and Alt are left out, an escape by itself is ``ESCAPE``."""
    found = _KEY.findall(typed.decode("utf-8", "ignore"))
    return [key for key in found if len(key) == 1]


class Keyboard:
    """A terminal in raw mode; a context manager.

    Args:
        terminal: file descriptor of a terminal.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._before = termios.tcgetattr(terminal)

    def fileno(self) -> int:
        """To wait for keys."""
        return self._terminal

    def __enter__(self) -> Self:
        mode = termios.tcgetattr(self._terminal)
        mode[0] &= ~(termios.ICRNL | termios.INLCR | termios.IXON)
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._terminal, termios.TCSAFLUSH, mode)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(termios.error):  # the terminal itself is gone (its window was closed)
            termios.tcsetattr(self._terminal, termios.TCSAFLUSH, self._before)

    def read(self) -> list[str] | None:
        """Keys that were typed; None when the terminal is gone. Waits when there are none."""
        try:
            typed = os.read(self._terminal, CHUNK)
        except OSError:  # EIO: its other side was closed
            return None
        return keys(typed) if typed else None
