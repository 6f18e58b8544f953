"""A folder that stands for /dev/input: FIFOs with a writer, and the four ioctls that a FIFO has not.

What it is: real descriptors, real poll and read, real ``struct input_event`` bytes. What it is not: the kernel's evdev:
``fcntl.ioctl`` is answered here, by what linux/input.h says each request is. Rule: a request that is not one of the
four is refused as the kernel would refuse it.
"""

import errno
import fcntl
import os
import struct
import threading

from appliance.keypad import usb

ID, KEY, BIT_KEY, GRAB = 0x80084502, 0x80604518, 0x80604521, 0x40044590
EVENT = struct.Struct("LLHHi")
CODE = {key: code for code, key in reversed(usb.CODES.items())}
TIME = (1_700_000_000, 123_456)


def bits(codes):
    mask = bytearray(0x300 // 8)
    for code in codes:
        mask[code // 8] |= 1 << code % 8
    return bytes(mask)


class Device:
    """One keypad that is plugged in."""

    def __init__(self, path, vendor=0x04D9, product=0x1203, bus=3, codes=(*usb.CODES, 69)):
        self.path = path
        os.mkfifo(path)
        self.inode = path.stat().st_ino
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.identity = struct.pack("=HHHH", bus, vendor, product, 0x0111)
        self.codes = codes
        self.down = set()
        self.grabbed = threading.Event()
        self.taken = threading.Event()  # grabbed, emptied, and asked what is down: from now on keys count
        self.busy = False
        self.asked = []
        self.gone = False

    def ioctl(self, request, argument):
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        self.asked.append(request)
        if request == GRAB:
            if self.busy:
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
            assert argument == 1
            self.grabbed.set()
            return 0
        answers = {ID: lambda: self.identity, BIT_KEY: lambda: bits(self.codes), KEY: lambda: bits(self.down)}
        if request not in answers:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        answer = answers[request]()
        if request == KEY:
            self.taken.set()
        assert len(argument) == len(answer) == request >> 16 & 0x3FFF
        return answer

    def write(self, *events):
        os.write(self.fd, b"".join(EVENT.pack(*TIME, *event) for event in events))

    def report(self, *moves):
        """One report: (code, value) each."""
        for code, value in moves:
            if value != 2:
                (self.down.add if value else self.down.discard)(code)
        self.write(*((usb.EV_KEY, code, value) for code, value in moves), (usb.EV_SYN, usb.SYN_REPORT, 0))

    def hold(self, *keys):
        for key in keys:
            self.report((CODE[key], 1))

    def let_go(self, *keys):
        for key in keys:
            self.report((CODE[key], 0))

    def press(self, keys):
        for key in keys:
            self.hold(key)
            self.let_go(key)

    def unplug(self):
        """The node goes first, as in the kernel; readers then get POLLHUP."""
        self.gone = True
        self.path.unlink()
        os.close(self.fd)


class Folder:
    """The devices, by the inode that a descriptor leads to."""

    def __init__(self, path, monkeypatch):
        self.path = path
        path.mkdir()
        self.devices = []
        monkeypatch.setattr(fcntl, "ioctl", self.ioctl)

    def plug(self, number=0, **facts):
        device = Device(self.path / f"event{number}", **facts)
        self.devices.append(device)
        return device

    def ioctl(self, fd, request, argument):
        inode = os.fstat(fd).st_ino
        for device in reversed(self.devices):  # an inode may be used again
            if device.inode == inode:
                return device.ioctl(request, argument)
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))

    def close(self):
        for device in self.devices:
            if not device.gone:
                device.unplug()
