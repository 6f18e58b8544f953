"""A small PKCS#11 client, by ctypes, for ``appliance bench``: token, certificates, login, one and ten signatures.

What it is: a process of its own that says each phase on standard output and waits for a line. What it is not: a way
for the box to a card. Rule: it stops at the first refusal and says which call it was.

Source: PKCS #11 v2.40 §3 (types), §5 (functions).
"""

import ctypes
import hashlib
import sys
from collections.abc import Iterator

CKF_SERIAL_SESSION, CKU_USER = 4, 1
CKA_CLASS, CKA_VALUE, CKA_SIGN, CKA_KEY_TYPE = 0x0, 0x11, 0x108, 0x100
CKO_CERTIFICATE, CKO_PRIVATE_KEY = 1, 3
CKM_RSA_PKCS = 1
DIGEST_INFO_SHA256 = bytes.fromhex("3031300D060960864801650304020105000420")  # RFC 8017 §9.2 note 1
ROOM = 8192


class Attribute(ctypes.Structure):
    """CK_ATTRIBUTE."""

    _fields_ = (("type", ctypes.c_ulong), ("value", ctypes.c_void_p), ("length", ctypes.c_ulong))


class Mechanism(ctypes.Structure):
    """CK_MECHANISM."""

    _fields_ = (("mechanism", ctypes.c_ulong), ("parameter", ctypes.c_void_p), ("length", ctypes.c_ulong))


class Module:
    """A loaded module and its one session."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self._session = ctypes.c_ulong()

    def call(self, name: str, *arguments: object) -> None:
        """One function, which must answer CKR_OK.

        Raises:
            OSError: another answer, with the function's name.
        """
        result = self._library[name](*arguments)
        if result != 0:
            raise OSError(result, f"{name} answered {result:08X}")

    def open(self) -> None:
        """The first token, and a session with it."""
        self.call("C_Initialize", None)
        count = ctypes.c_ulong(1)
        slot = ctypes.c_ulong()
        self.call("C_GetSlotList", ctypes.c_ubyte(1), ctypes.byref(slot), ctypes.byref(count))
        self.call("C_GetTokenInfo", slot, ctypes.create_string_buffer(512))
        flags = ctypes.c_ulong(CKF_SERIAL_SESSION)
        self.call("C_OpenSession", slot, flags, None, None, ctypes.byref(self._session))

    def find(self, kind: int) -> list[int]:
        """Handles of every object of a class."""
        wanted = ctypes.c_ulong(kind)
        template = Attribute(CKA_CLASS, ctypes.cast(ctypes.byref(wanted), ctypes.c_void_p), ctypes.sizeof(wanted))
        self.call("C_FindObjectsInit", self._session, ctypes.byref(template), ctypes.c_ulong(1))
        handles, found = (ctypes.c_ulong * 16)(), ctypes.c_ulong()
        self.call("C_FindObjects", self._session, handles, ctypes.c_ulong(16), ctypes.byref(found))
        self.call("C_FindObjectsFinal", self._session)
        return list(handles[: found.value])

    def read(self, handle: int, kind: int) -> bytes:
        """One attribute of an object."""
        room = ctypes.create_string_buffer(ROOM)
        attribute = Attribute(kind, ctypes.cast(room, ctypes.c_void_p), ROOM)
        self.call(
            "C_GetAttributeValue",
            self._session,
            ctypes.c_ulong(handle),
            ctypes.byref(attribute),
            ctypes.c_ulong(1),
        )
        return room.raw[: attribute.length]

    def login(self, pin: bytes) -> None:
        """Show the PIN once."""
        self.call("C_Login", self._session, ctypes.c_ulong(CKU_USER), pin, ctypes.c_ulong(len(pin)))

    def sign(self, handle: int, message: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256."""
        info = DIGEST_INFO_SHA256 + hashlib.sha256(message).digest()
        mechanism = Mechanism(CKM_RSA_PKCS, None, 0)
        self.call("C_SignInit", self._session, ctypes.byref(mechanism), ctypes.c_ulong(handle))
        room, length = ctypes.create_string_buffer(ROOM), ctypes.c_ulong(ROOM)
        self.call("C_Sign", self._session, info, ctypes.c_ulong(len(info)), room, ctypes.byref(length))
        return room.raw[: length.value]


def phases(module: Module, pin: str | None) -> Iterator[str]:
    """Do one phase after the other; the name of each comes when it is done."""
    module.open()
    certificates = [module.read(handle, CKA_VALUE) for handle in module.find(CKO_CERTIFICATE)]
    if len(certificates) != 2:
        raise OSError(len(certificates), "not two certificates")
    yield "identify"
    if pin is None:
        return
    module.login(pin.encode())
    yield "login"
    # The authentication key: the only one on a CPS3 that OpenSC signs with (traces §1.3); it comes second.
    key = module.find(CKO_PRIVATE_KEY)[-1]
    module.sign(key, b"one")
    yield "sign_one"
    for number in range(10):
        module.sign(key, b"%d" % number)
    yield "sign_ten"


def main(words: list[str]) -> int:
    """MODULE [PIN]; the exit code."""
    try:
        for phase in phases(Module(words[0]), words[1] if len(words) > 1 else None):
            sys.stdout.write(f"{phase}\n")
            sys.stdout.flush()
            sys.stdin.readline()
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
