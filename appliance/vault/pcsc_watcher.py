"""What the reader sees: pyscard's low level on a thread and a context of its own.

What it is: readers and cards coming and going, as ``Sight`` values. What it is not: talk with a card (pcsc.py).
Rule: whatever happens to pcscd, the watcher goes on: a lost context is made anew, and a change is told once.

Why not pyscard's monitors: they end silently when pcscd restarts (library-facts §3.1).
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smartcard import scard

from appliance.errors import ApplianceError
from appliance.vault.pcsc_calls import check, list_readers
from appliance.vault.pulse import Pulse
from appliance.vault.readers import Role, choose

log = logging.getLogger(__name__)

PNP = "\\\\?PnP?\\Notification"
"""The reader name that stands for readers coming and going (pcsc-lite, SCardGetStatusChange)."""
SEEK_MS = 4000
"""A wait without a reader: pcscd before 2.3 counts no hot-plug events, and a new one is to be seen within 5 s."""
WAIT_MS = 8000
"""A wait with one: cards, and the reader's own end, are events of the reader. Each wait is five wake-ups of
libpcsclite, so it is longer than a beat, and the mark says so (``Pulse.busy``)."""
QUIET_WAITS = 3
"""Waits in a row without an event after which readers are listed all the same."""
BACK_OFF = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds between tries to reach pcscd or a busy reader."""


@dataclass(frozen=True, slots=True)
class ReaderSeen:
    """Our reader is there; ``name`` is pcscd's."""

    name: str


@dataclass(frozen=True, slots=True)
class ReaderGone:
    """No reader of ours, or no pcscd."""


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card is in; ``atr`` is empty when it gave none (mute, or the wrong way round)."""

    atr: bytes


@dataclass(frozen=True, slots=True)
class CardGone:
    """The card left."""


Sight = ReaderSeen | ReaderGone | CardSeen | CardGone


class Watcher:
    """Tells what the reader sees, as it happens, from its own thread.

    ``see`` is called in that thread: hand over and return. ``roles``: as in ``readers.choose``.
    """

    def __init__(self, see: Callable[[Sight], None], roles: Mapping[str, Role]) -> None:
        self._see = see
        self._roles = roles
        self._stop = threading.Event()
        self._context: int | None = None
        self._reader: str | None = None
        self._known = False
        self._state = scard.SCARD_STATE_UNAWARE
        self._present = False
        self._quiet = 0
        self.pulse = Pulse("reader")
        self._thread = threading.Thread(target=self._run, name="pcsc-watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching; returns when the thread has ended."""
        self._stop.set()
        while self._thread.is_alive():
            if self._context is not None:
                scard.SCardCancel(self._context)
            self._thread.join(0.2)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self.pulse.beat()
            try:
                self._watch()
                failures = 0
            except ApplianceError as error:
                self._lose()
                self._release()
                self.pulse.beat()
                self._stop.wait(BACK_OFF[min(failures, len(BACK_OFF) - 1)])
                failures += 1
                log.debug("pcscd is away: %s", error)
        self._release()

    def _watch(self) -> None:
        """One wait: establish when needed, list unless all is quiet, wait for a change, tell it."""
        if self._context is None:
            result, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
            if result != scard.SCARD_S_SUCCESS:
                self._context = None
                check(result)
        if self._reader is None or self._quiet == 0:
            self._choose()
        states: list[Any] = [(PNP, 0)] if self._reader is None else [(self._reader, self._state)]
        wait = SEEK_MS if self._reader is None else WAIT_MS
        self.pulse.busy(wait / 1000)
        result, states = scard.SCardGetStatusChange(self._context, wait, states)
        if result == scard.SCARD_E_TIMEOUT:
            self._quiet = (self._quiet + 1) % QUIET_WAITS
            return
        self._quiet = 0
        if result in {scard.SCARD_E_CANCELLED, scard.SCARD_E_UNKNOWN_READER}:
            return
        check(result)
        for name, event, atr in states:
            if name == self._reader:
                self._tell(event, bytes(atr))

    def _choose(self) -> None:
        """Keep the reader while it is listed, else take ours."""
        readers = list_readers(self._context)
        if self._reader in readers:
            return
        ours = choose(readers, self._roles)
        if self._reader or ours is None:
            self._lose()
        if ours is not None:
            self._known, self._reader, self._present = True, ours, False
            self._state = scard.SCARD_STATE_UNAWARE
            self._see(ReaderSeen(ours))

    def _tell(self, event: int, atr: bytes) -> None:
        before, self._state = self._state, event & ~scard.SCARD_STATE_CHANGED
        present = bool(event & scard.SCARD_STATE_PRESENT)
        # The high half counts insertions and removals: two more with the card still in means another insertion.
        changed = before != scard.SCARD_STATE_UNAWARE and (before >> 16) != (event >> 16)
        if self._present and (changed or not present):
            self._present = False
            self._see(CardGone())
        if present and not self._present:
            self._present = True
            self._see(CardSeen(b"" if event & scard.SCARD_STATE_MUTE else atr))

    def _lose(self) -> None:
        """Reader or pcscd are away: said once."""
        if self._reader or not self._known:
            self._see(ReaderGone())
        self._known, self._reader, self._present = True, None, False

    def _release(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            scard.SCardReleaseContext(context)  # a dead daemon refuses: there is nothing left to release then
