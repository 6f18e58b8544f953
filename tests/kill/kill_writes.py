"""Tells when the vault writes into its file: so that a kill can fall between two writes of one transaction.

What it is: inotify(7) on the folder of the file, as a thread. What it is not: a look at what is written.
Rule: one call a write, soon after it; writes that come together may be told as one.
"""

import ctypes
import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

IN_MODIFY = 0x2  # linux/inotify.h
EVENT = struct.Struct("iIII")
ROOM = 4096


class Writes:
    """A context manager; ``told`` is called for each write to a file of ``folder``."""

    def __init__(self, folder: Path, told: Callable[[], None]) -> None:
        self._told = told
        self._folder = folder
        self._thread = threading.Thread(target=self._run, name="writes", daemon=True)
        self._closing = False

    def __enter__(self) -> Self:
        libc = ctypes.CDLL(None, use_errno=True)
        self._file = libc.inotify_init1(os.O_CLOEXEC)
        if self._file < 0 or libc.inotify_add_watch(self._file, os.fsencode(self._folder), IN_MODIFY) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        (self._folder / "end").write_bytes(b".")  # a write that the thread hears
        self._thread.join(10)
        os.close(self._file)

    def _run(self) -> None:
        while not self._closing:
            read = os.read(self._file, ROOM)
            at = 0
            while at < len(read):
                at += EVENT.size + EVENT.unpack_from(read, at)[3]
                if not self._closing:
                    self._told()
