"""A pyscard program that does what it is told: one JSON question a line, one JSON answer a line.

It runs as a process of its own, because libpcsclite reads PCSCLITE_CSOCK_NAME once; it uses nothing but
smartcard.scard and ctypes, so that it also runs in the root of another distribution.
"""

import ctypes
import json
import sys
import threading

from smartcard import scard

LIBRARY = ctypes.CDLL("libpcsclite.so.1")
OUTPUT = threading.Lock()


class Pci(ctypes.Structure):
    _fields_ = (("protocol", ctypes.c_ulong), ("length", ctypes.c_ulong))


def transmit_by_ctypes(handle, protocol, apdu, capacity):
    """SCardTransmit on a handle that pyscard opened: (code, answer)."""
    pci = Pci(protocol, ctypes.sizeof(Pci))
    answer = ctypes.create_string_buffer(capacity)
    length = ctypes.c_ulong(capacity)
    code = LIBRARY.SCardTransmit(
        ctypes.c_long(handle),
        ctypes.byref(pci),
        (ctypes.c_ubyte * len(apdu))(*apdu),
        ctypes.c_ulong(len(apdu)),
        None,
        answer,
        ctypes.byref(length),
    )
    return code, list(answer.raw[: length.value]) if code == 0 else length.value


def control_by_ctypes(handle, code, capacity):
    """SCardControl, as pyscard's answer differs between its versions: (code, bytes returned)."""
    answer = ctypes.create_string_buffer(capacity)
    length = ctypes.c_ulong()
    rv = LIBRARY.SCardControl(
        ctypes.c_long(handle), ctypes.c_ulong(code), None, 0, answer, ctypes.c_ulong(capacity), ctypes.byref(length)
    )
    return rv, list(answer.raw[: length.value])


def cancel_until_ended(context, other):
    """libpcsclite ignores a cancel that comes before its call blocks: ask until the call is over."""
    code = scard.SCardCancel(context)
    while WORKERS[other].is_alive():
        code = scard.SCardCancel(context)
        WORKERS[other].join(0.01)
    return code


SPECIAL = {call.__name__: call for call in (transmit_by_ctypes, control_by_ctypes, cancel_until_ended)}
WORKERS = {}


def perform(question):
    """Call, mask the code to 32 bits, print."""
    arguments = question["args"]
    if question["call"] == "SCardGetStatusChange":
        arguments[2] = [tuple(state) for state in arguments[2]]
    call = SPECIAL.get(question["call"]) or getattr(scard, question["call"])
    result = call(*arguments)
    code, *rest = result if isinstance(result, (list, tuple)) else [result]
    with OUTPUT:
        print(json.dumps({"id": question["id"], "code": code & 0xFFFFFFFF, "result": rest}), flush=True)


for line in sys.stdin:
    asked = json.loads(line)
    if asked["background"]:
        WORKERS[asked["id"]] = threading.Thread(target=perform, args=(asked,), daemon=True)
        WORKERS[asked["id"]].start()
    else:
        perform(asked)
