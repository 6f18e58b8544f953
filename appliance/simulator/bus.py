"""The I2C bus of the bench: what luma writes goes to the desk, byte for byte.

What it is: a stand-in for ``smbus2.SMBus`` that serves the two calls luma makes (a command by
``write_i2c_block_data``, data by ``i2c_rdwr``), so that luma's own path runs. What it is not: a decoder, which is the
desk's ``display``.
Rule: one transaction is one report ``I`` + address + the bytes after it on the wire; a planned error replaces one
transaction.
"""

import errno
import os
from collections import deque
from collections.abc import Callable, Sequence

import smbus2


class DecodingBus:
    """``smbus2.SMBus`` as far as luma uses it. Errors are those of the kernel's driver: ``OSError``."""

    def __init__(self, line: "I2cLine", port: int) -> None:
        self._line = line
        self.port = port

    def write_i2c_block_data(self, address: int, register: int, data: Sequence[int]) -> None:
        """One transaction: the register (luma: the control byte), then the data."""
        self._line.write(address, bytes([register, *data]))

    def i2c_rdwr(self, *messages: smbus2.i2c_msg) -> None:
        """Each message is one transaction; luma only writes."""
        for message in messages:
            self._line.write(message.addr, bytes(message))

    def close(self) -> None:
        """Nothing to give back: the line belongs to the bench."""


class I2cLine:
    """The two wires, with the errors the desk planned.

    Args:
        send: takes one report; False when the desk is gone.
    """

    def __init__(self, send: Callable[[bytes], bool]) -> None:
        self._send = send
        self._errors: deque[int] = deque()

    def open(self, port: int) -> DecodingBus:
        """What ``smbus2.SMBus(port)`` gives on the bench."""
        return DecodingBus(self, port)

    def install(self) -> None:
        """Put this line in the place of the kernel's, for this process."""
        smbus2.SMBus = self.open  # type: ignore[assignment,misc] # a stand-in by design, made by a method

    def fail_next(self, number: int) -> None:
        """The next transaction that was not failed yet ends with this ``errno``."""
        self._errors.append(number)

    def write(self, address: int, data: bytes) -> None:
        """One transaction.

        Raises:
            OSError: planned, or the desk is gone.
        """
        if self._errors:
            number = self._errors.popleft()
            raise OSError(number, os.strerror(number))
        if not self._send(b"I" + bytes([address]) + data):
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
