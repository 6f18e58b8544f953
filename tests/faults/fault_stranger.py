"""Another program at the same reader, that holds the card or takes its power away.

What it is: ``tests/simulator/pcsclite_client.py`` as a process, moved one PC/SC call at a time. What it is not: part of
the box; it knows what any program on the machine knows.
Rule: every call returns its PC/SC result code, once it is over.
"""

import json
import subprocess
import sys
from pathlib import Path

from smartcard import scard

PROGRAM = Path(__file__).parents[1] / "simulator" / "pcsclite_client.py"
OK, SHARING_VIOLATION = scard.SCARD_S_SUCCESS, scard.SCARD_E_SHARING_VIOLATION & 0xFFFFFFFF
SHARED, EXCLUSIVE = scard.SCARD_SHARE_SHARED, scard.SCARD_SHARE_EXCLUSIVE
UNPOWER = scard.SCARD_UNPOWER_CARD


class Stranger:
    """One program; ``kill`` ends it, and pcscd takes back what it held."""

    def __init__(self, socket_path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            env={"PCSCLITE_CSOCK_NAME": str(socket_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._handle = 0
        _, self._context = self._call("SCardEstablishContext", scard.SCARD_SCOPE_SYSTEM)
        _, (self._reader, *_) = self._call("SCardListReaders", self._context, [])

    def connects(self, mode: int) -> int:
        code, self._handle, _ = self._call("SCardConnect", self._context, self._reader, mode, scard.SCARD_PROTOCOL_T0)
        return code

    def begins(self) -> int:
        """A transaction: nobody else talks to the card until it ends."""
        return self._call("SCardBeginTransaction", self._handle)[0]

    def leaves(self, disposition: int) -> int:
        return self._call("SCardDisconnect", self._handle, disposition)[0]

    def kill(self) -> None:
        """As a crash: it gives nothing back by itself."""
        self._process.kill()
        self._process.communicate()

    def _call(self, name: str, *arguments: object) -> list:
        question = {"id": 0, "call": name, "args": arguments, "background": False}
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(question), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        return [answer["code"], *answer["result"]]
