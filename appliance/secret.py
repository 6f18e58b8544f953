"""The one locked page where secret digits live, from the key to the card.

What it is: 4,096 bytes outside the Python heap with three slots (old PIN or PUK, new, again) and the room of
one command. What it is not: a value: no method returns digits, and ``repr`` shows none.
Rule: digits go in one by one, are compared and copied in place, and are wiped by whoever sent them, in ``finally``.

The page is ``memfd_secret`` memory where the kernel has it (not even root reads it through /proc), else anonymous
memory that is locked, left out of core dumps and of forked children (security.md §2.2, measured).
"""

import ctypes
import enum
import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

from appliance.errors import SecretError

PAGE = 4096
CAPACITY = 16
"""Digits a slot holds: CPS PINs have 4 to 8, codes de déblocage 8; the soft cards of the tests go to 12."""

_SLOT_STRIDE = 64
_APDU_OFFSET = 1024
_APDU_ROOM = 5 + 255  # ISO 7816-4 §5.1: header, Lc, short data field
_SYS_MEMFD_SECRET = 447  # the same number on x86-64 and arm64 (asm-generic/unistd.h)
_MADV_DONTDUMP = 16  # asm-generic/mman-common.h
_MADV_WIPEONFORK = 18
_ASCII_ZERO = 0x30

_libc = ctypes.CDLL(None, use_errno=True)
_libc.memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_libc.mlock.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.munlock.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


class Slot(enum.IntEnum):
    """Where digits stand in the page."""

    OLD = 0
    """The PIN in use, or the code de déblocage (PUK)."""
    NEW = 1
    AGAIN = 2


class Block(NamedTuple):
    """One PIN field of a command, as the card's AODF describes it (ISO 7816-15 §8.9, card-reference §3.4).

    ``length`` is the field's length in bytes; ``pad`` fills it up, None sends the bare digits. ``least`` is the fewest
    digits that the card takes: the keypad asks for them, and the page looks once more before a try is spent.
    """

    slot: Slot
    length: int
    pad: int | None
    least: int = 1


class Secret:
    """The locked page.

    Raises:
        SecretError: no page can be had, or a digit or a command is not of the shape the page knows.
    """

    def __init__(self) -> None:
        self._lengths = [0, 0, 0]
        self.kind: Literal["memfd_secret", "locked"] = "memfd_secret"
        memory = _secret_memory()
        if memory is None:
            self.kind = "locked"
            memory = mmap.mmap(-1, PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._memory = memory
        self._view: ctypes.Array[ctypes.c_char] | None = (ctypes.c_char * PAGE).from_buffer(memory)
        self._address = ctypes.addressof(self._view)
        if self.kind == "locked":
            if _libc.mlock(self._address, PAGE) != 0:
                raise SecretError(f"mlock: {os.strerror(ctypes.get_errno())}")
            memory.madvise(_MADV_DONTDUMP)
            memory.madvise(_MADV_WIPEONFORK)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise SecretError("the page is never copied")

    def length(self, slot: Slot) -> int:
        """Digits typed into ``slot``, 0 to CAPACITY."""
        return self._lengths[slot]

    def push(self, slot: Slot, digit: int, maximum: int = CAPACITY) -> bool:
        """Write ``digit`` (0 to 9) behind the others; False when the slot already holds ``maximum``."""
        if not 0 <= digit <= 9:
            raise SecretError("not a digit")
        position = self._lengths[slot]
        if position >= min(maximum, CAPACITY):
            return False
        ctypes.memset(self._slot(slot) + position, _ASCII_ZERO + digit, 1)
        self._lengths[slot] = position + 1
        return True

    def clear(self, slot: Slot) -> None:
        """Overwrite one slot."""
        ctypes.memset(self._slot(slot), 0, _SLOT_STRIDE)
        self._lengths[slot] = 0

    def wipe(self) -> None:
        """Overwrite the whole page, the command's room included."""
        ctypes.memset(self._address, 0, PAGE)
        self._lengths = [0, 0, 0]

    def equal(self, one: Slot, other: Slot) -> bool:
        """Whether two slots hold the same digits; compared in place, an empty slot equals nothing."""
        length = self._lengths[one]
        if length == 0 or length != self._lengths[other]:
            return False
        return bool(_libc.memcmp(self._slot(one), self._slot(other), length) == 0)

    @contextmanager
    def command(self, header: bytes, blocks: Sequence[Block]) -> Iterator[tuple[int, int]]:
        """Assemble ``header`` (CLA INS P1 P2) and the PIN fields in the page: (address, length) of the APDU.

        The APDU and the slots it used are overwritten when the context is left, however it is left.
        """
        try:
            yield self._assemble(header, blocks)
        finally:
            ctypes.memset(self._address + _APDU_OFFSET, 0, _APDU_ROOM)
            for block in blocks:
                self.clear(block.slot)

    def close(self) -> None:
        """Wipe and give the page back; the object is of no more use."""
        if self._view is None:
            return
        self.wipe()
        if self.kind == "locked":
            _libc.munlock(self._address, PAGE)
        self._view = None
        self._memory.close()

    def _slot(self, slot: Slot) -> int:
        if self._view is None:
            raise SecretError("the page is closed")
        return self._address + slot * _SLOT_STRIDE

    def _assemble(self, header: bytes, blocks: Sequence[Block]) -> tuple[int, int]:
        start = self._address + _APDU_OFFSET
        cursor = start + len(header) + 1
        for block in blocks:
            digits = self._lengths[block.slot]
            room = digits if block.pad is None else block.length
            if not max(block.least, 1) <= digits <= block.length or cursor + room > start + _APDU_ROOM:
                raise SecretError("the digits typed do not fit the card's field")
            if block.pad is not None:
                ctypes.memset(cursor, block.pad, room)
            ctypes.memmove(cursor, self._slot(block.slot), digits)
            cursor += room
        ctypes.memmove(start, header, len(header))
        ctypes.memset(start + len(header), cursor - start - len(header) - 1, 1)
        return start, cursor - start


def _secret_memory() -> mmap.mmap | None:
    """A page the kernel itself no longer maps, or None where memfd_secret is absent or switched off."""
    if not sys.platform.startswith("linux"):
        return None
    fd = _libc.syscall(_SYS_MEMFD_SECRET, 0)
    if fd < 0:
        return None
    try:
        os.ftruncate(fd, PAGE)
        return mmap.mmap(fd, PAGE, flags=mmap.MAP_SHARED)
    except OSError:  # RLIMIT_MEMLOCK too small for it: the locked page has the same limit and says so
        return None
    finally:
        os.close(fd)
