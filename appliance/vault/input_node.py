"""One input device of the kernel: who it is, what it can send, what it sends.

What it is: the few calls of evdev that a keypad needs, on Python's own ``fcntl``. What it is not: python-evdev, whose
events are objects with the time of each key, left in freed memory (docs/decisions/0014-usb-keypad.md).
Rule: nothing that was read outlives ``read``: the buffer is overwritten, the times are never looked at.

Numbers: Linux, include/uapi/linux/input.h and asm-generic/ioctl.h; they are the same on x86 and Arm.
"""

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.errors import KeypadFault

BUS_USB: Final = 0x03
KEY_BYTES: Final = 0x300 // 8  # KEY_CNT bits


def _request(direction: int, number: int, size: int) -> int:
    """An ioctl of type 'E'; ``direction``: 1 write, 2 read."""
    return direction << 30 | size << 16 | ord("E") << 8 | number


EVIOCGID: Final = _request(2, 0x02, 8)
EVIOCGKEY: Final = _request(2, 0x18, KEY_BYTES)
EVIOCGBIT_KEY: Final = _request(2, 0x20 + 1, KEY_BYTES)
EVIOCGRAB: Final = _request(1, 0x90, 4)

_ID: Final = struct.Struct("=HHHH")  # bus, vendor, product, version
_TIME: Final = 2 * struct.calcsize("L")
_EVENT: Final = struct.Struct("HHi")  # type, code, value; behind seconds and microseconds
_STRIDE: Final = _TIME + _EVENT.size
_ROOM: Final = 64 * _STRIDE


class InputNode:
    """An open ``/dev/input/event…``.

    Raises:
        KeypadFault: from each call: it cannot be opened, or is gone.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise KeypadFault(f"{path.name}: {error.strerror}") from error
        self._buffer = bytearray(_ROOM)

    def fileno(self) -> int:
        """For ``poll``."""
        return self._fd

    def close(self) -> None:
        """Give it back; a grab ends with it."""
        os.close(self._fd)

    def usb_id(self) -> str | None:
        """``vvvv:pppp`` in lower case, None when it is not on USB."""
        bus, vendor, product, _ = _ID.unpack(self._ask(EVIOCGID, bytes(_ID.size)))
        return f"{vendor:04x}:{product:04x}" if bus == BUS_USB else None

    def codes(self) -> list[int]:
        """The key codes that it can send."""
        return _bits(self._ask(EVIOCGBIT_KEY, bytes(KEY_BYTES)))

    def down(self) -> list[int]:
        """The key codes that are down."""
        return _bits(self._ask(EVIOCGKEY, bytes(KEY_BYTES)))

    def grab(self) -> None:
        """From now on nobody else gets its events: no console, no desktop, no other program that has it open."""
        try:
            fcntl.ioctl(self._fd, EVIOCGRAB, 1)
        except OSError as error:
            raise KeypadFault(f"{self.name} cannot be grabbed: {error.strerror}") from error

    def read(self, take: Callable[[int, int, int], None]) -> None:
        """Hand over type, code and value of every event that waits."""
        while True:
            try:
                size = os.readv(self._fd, [self._buffer])
                if size == 0 or size % _STRIDE:
                    raise KeypadFault(f"{self.name} has ended")
                for start in range(_TIME, size, _STRIDE):
                    take(*_EVENT.unpack_from(self._buffer, start))
            except BlockingIOError:
                return
            except OSError as error:  # ENODEV: unplugged
                raise KeypadFault(f"{self.name}: {error.strerror}") from error
            finally:
                self._buffer[:] = bytes(_ROOM)

    def _ask(self, request: int, room: bytes) -> bytes:
        try:
            return fcntl.ioctl(self._fd, request, room)
        except OSError as error:
            raise KeypadFault(f"{self.name}: {error.strerror}") from error


def _bits(mask: bytes) -> list[int]:
    """Numbers of the bits that are set; the kernel's words are little-endian on every machine of ours."""
    return [8 * n + bit for n, byte in enumerate(mask) if byte for bit in range(8) if byte >> bit & 1]
