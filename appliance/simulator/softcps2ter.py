"""The CPS2ter face of a CPS3 or CPS4: class A0, and what billing software keeps there.

What it is: SELECT, GET RESPONSE and READ BINARY as cps3-middleware-data-objects shows them (card-reference §2.4).
What it is not: for the box; it is here so that a test sees whoever goes there, and what a card is like afterwards.
Rule: status words of that old face (9Fxx, 94xx, 98xx), never those of ISO 7816-4.
"""

from collections.abc import Callable

CLASS = 0xA0
MF, BILLING_DF = 0x3F00, 0x7F01
SIT_FACT = (BILLING_DF, 0x4000)
"""CPS_SIT_FACT: never to be read (card-reference §8.3)."""

_FILES = {
    SIT_FACT: b"\x01SITFACT-ESSAI".ljust(40, b"\0"),
    (MF, 0x4010): b"\x01SIT2TER-ESSAI".ljust(30, b"\0"),
    (MF, 0x4011): b"\x01SIT2TER-ESSAI".ljust(30, b"\0"),
}
_SELECTED = b"\x9f\x0a"
_DF, _EF, _ROOT = 2, 4, 1


class Cps2ter:
    """That face of one card.

    Args:
        verified: whether the PIN was shown; shared with the other face.
        selected: where every file that is reached is written down.
    """

    def __init__(self, verified: Callable[[], bool], selected: list[tuple[int, int]]) -> None:
        self._verified = verified
        self._selected = selected
        self._folder, self._file = MF, 0
        self._commands = {0xA4: self._select, 0xB0: self._read, 0xC0: self._describe}

    def reset(self) -> None:
        """Back to the MF."""
        self._folder, self._file = MF, 0

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one command of class A0."""
        command = self._commands.get(apdu[1]) if len(apdu) > 4 else None
        return command(apdu) if command is not None else b"\x6d\x00"

    def _select(self, apdu: bytes) -> bytes:
        """By file id: the MF, the billing DF, or a file of the current one."""
        fid = int.from_bytes(apdu[5:])
        if fid in (MF, BILLING_DF):
            self._folder, self._file = fid, 0
        elif (self._folder, fid) in _FILES:
            self._file = fid
            self._selected.append((self._folder, fid))
        else:
            return b"\x94\x04"
        return _SELECTED

    def _describe(self, apdu: bytes) -> bytes:
        """GET RESPONSE after SELECT: ``85 08 size id type 00 00 00``."""
        if apdu[4] != 10:
            return b"\x67\x00"
        content = _FILES.get((self._folder, self._file), b"")
        kind = _EF if self._file else _ROOT if self._folder == MF else _DF
        fid = self._file or self._folder
        return b"\x85\x08" + len(content).to_bytes(2) + fid.to_bytes(2) + bytes((kind, 0, 0, 0)) + b"\x90\x00"

    def _read(self, apdu: bytes) -> bytes:
        content = _FILES.get((self._folder, self._file))
        if content is None:
            return b"\x94\x08"
        if not self._verified():
            return b"\x98\x02"
        part = content[int.from_bytes(apdu[2:4]) :][: apdu[4]]
        return part + b"\x90\x00" if len(part) == apdu[4] else b"\x94\x02"
