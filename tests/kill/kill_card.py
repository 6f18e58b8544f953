"""The card as a witness: what it signed, document by document, and what was on disk when it was asked to.

What it is: a soft card round the soft CPS3 that looks at what passes. What it is not: a fault: every command is run, as
a card runs it whose reader goes on without the program that asked.
Rule: the card's own counter is believed; the text comes from the hash command, where a text below 64 bytes is whole.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from kill_points import Aim

from appliance.simulator.softcps3 import SoftCps3

HASH, SIGN, VERIFY = bytes.fromhex("002A90A0"), bytes.fromhex("002A9E9A"), bytes.fromhex("0020")
TEXT = bytes.fromhex("90008000")  # tag 90 without intermediate state, tag 80 and the length of the text

TRIES = 5


def text_of(command: bytes) -> str:
    """The text that PSO HASH carries: no intermediate hash, so all of it is there (card-reference §6.3)."""
    data = command[5 : 5 + command[4]]
    assert data[:3] == TEXT[:3], data[:4].hex()
    assert data[3] == len(data) - 4
    return data[4:].decode()


class Disk:
    """The vault's file as a crash would leave it now: copies that are read, never the file itself."""

    def __init__(self, file: Path, folder: Path) -> None:
        self._file = file
        self._copy = folder / "copy.sqlite"

    def state_of(self, request: str) -> str | None:
        """How far the file says that a request has gone."""
        for _ in range(TRIES):
            before = self._file.stat().st_mtime_ns
            for name in ("", "-wal"):
                shutil.copyfile(
                    self._file.with_name(self._file.name + name), self._copy.with_name(self._copy.name + name)
                )
            if self._file.stat().st_mtime_ns == before:  # else the log was being folded: two halves of two moments
                break
        else:
            raise AssertionError("the file never stands still")
        connection = sqlite3.connect(self._copy)
        try:
            found = connection.execute("SELECT state FROM request WHERE id = ?", (request,)).fetchall()
        finally:
            connection.close()
        return found[0][0] if found else None


class WitnessCard:
    """A soft CPS3 that is watched.

    Args:
        card: the card underneath.
        aim: told of each command and answer.
        disk: the vault's file.
        complain: called with what must not be.

    Attributes:
        signed: text -> signatures the card made over it, ever.
        open: the request that the person is asked about now.
    """

    def __init__(self, card: SoftCps3, aim: Aim, disk: Disk, complain: Callable[[str], None]) -> None:
        self.card = card
        self.signed: Counter[str] = Counter()
        self.open: str | None = None
        self.checked = 0
        self._aim = aim
        self._disk = disk
        self._complain = complain
        self._generation = 0
        self._validated: tuple[int, str] | None = None
        self._signing = False
        self._text = ""

    @property
    def atr(self) -> bytes | None:
        return self.card.atr

    def power_on(self) -> None:
        self.card.power_on()

    def power_off(self) -> None:
        self.card.power_off()

    def reset(self) -> None:
        self._signing = False
        self.card.reset()

    @property
    def generation(self) -> int:
        """Which start of the vault this is, from 0."""
        return self._generation

    def validate(self, generation: int, request: str) -> None:
        """``#`` is about to be pressed before that start of the vault: its next command begins a signing script."""
        self._validated = generation, request

    def outlive(self) -> None:
        """The vault was killed: what was validated is void."""
        self._generation += 1
        self._signing = False

    def transmit(self, apdu: bytes) -> bytes:
        if self._validated == (self._generation, self.open):
            self._validated, self._signing = None, True
            self._check("the first command of the signing script")
        elif apdu[:2] == VERIFY:
            self._check("VERIFY")
        self.see("command")
        if apdu[:4] == HASH:
            self._text = text_of(apdu)
        before = self.card.signature_count
        answer = self.card.transmit(apdu)
        if self.card.signature_count != before:
            self.signed[self._text] += self.card.signature_count - before
            if apdu[:4] != SIGN:
                self._complain(f"a signature by {apdu[:4].hex()}")
        self.see("answer")
        return answer

    def see(self, what: str) -> None:
        """Something was seen, here or while this card signs."""
        self._aim.see(what, *((f"signing {what}",) if self._signing else ()))

    def _check(self, moment: str) -> None:
        request = self.open
        state = self._disk.state_of(request) if request else None
        self.checked += 1
        if state != "card-started":
            self._complain(f"at {moment} the file says {state!r} of {request}")
