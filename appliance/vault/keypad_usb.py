"""The USB keypad: a thread that turns its reports into ``KeyEvent``, and digits into the locked page.

What it is: the second keypad beside ``vault/keys``, for boxes whose configuration lists one. What it is not: a way in
for any keyboard: a device counts only if its USB id is listed, all 16 keys are on it, and it is ours alone.
Rule: no key is believed before the device was grabbed, emptied, and asked what is down; no keypad is a fault.

Debounce is the keypad's own: each report counts as stable. Everything else is the matrix's: a release between keys,
several keys at once are none, held, stuck (``matrix.Debounce``).
"""

import logging
import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from appliance.errors import KeypadFault
from appliance.keypad import usb
from appliance.keypad.entry import KeyEvent, KeyFault, Probed
from appliance.keypad.matrix import LAYOUT, STABLE_SCANS, Debounce, Phase
from appliance.secret import Secret, Slot
from appliance.vault.input_node import InputNode
from appliance.vault.pulse import BEAT, Pulse
from appliance.vault.typist import Typist

log = logging.getLogger(__name__)

FOLDER: Final = Path("/dev/input")
SEEK_INTERVAL: Final = 2.0
"""Seconds between two looks for a keypad that is not there."""
HELD_INTERVAL: Final = 0.1
"""Seconds between two looks at the clock while a key is down: for held and stuck keys."""
JOIN_TIMEOUT: Final = 2.0
_TIMED: Final = frozenset({Phase.DOWN, Phase.HELD, Phase.REFUSED})


class UsbKeypad:
    """The keypad thread.

    Args:
        ids: ``vvvv:pppp`` of the keypads that count, in any case.
        secret: the page that armed digits go to.
        emit: called from the keypad thread with each event; must not block and must not call ``UsbKeypad``.
        folder: where the kernel's input devices stand.
        clock: seconds, monotonic, for held and stuck keys only.
    """

    def __init__(
        self,
        ids: Sequence[str],
        secret: Secret,
        emit: Callable[[KeyEvent | Probed], None],
        *,
        folder: Path = FOLDER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ids = frozenset(name.lower() for name in ids)
        self._typist = Typist(secret, LAYOUT)
        self._emit = emit
        self._folder = folder
        self._clock = clock
        self._nodes: dict[InputNode, usb.Report] = {}
        self._state = Debounce()
        self._well, self._told = True, ""
        self._closing = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.pulse = Pulse("keys")
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)

    def start(self) -> None:
        """Start looking; a keypad that is not there is a ``KeyFault`` until it is."""
        self._thread.start()

    def close(self) -> None:
        """Stop at once and give the devices back."""
        if self._closing:
            return
        self._closing = True
        os.eventfd_write(self._wake, 1)
        if self._thread.is_alive():
            self._thread.join(JOIN_TIMEOUT)
        self._release()
        os.close(self._wake)

    def arm(self, slot: Slot, maximum: int, *, fresh: bool = False) -> None:
        """As ``Typist.arm``."""
        self._typist.arm(slot, maximum, fresh=fresh)

    def disarm(self) -> None:
        """As ``Typist.disarm``."""
        self._typist.disarm()

    def watch(self, *, on: bool) -> None:
        """As ``Typist.watch``."""
        self._typist.watch(on=on)

    def _run(self) -> None:
        try:
            while not self._closing:
                self.pulse.beat()
                for step in (self._seek, self._turn):
                    try:
                        step()
                    except KeypadFault as error:
                        self._lose(str(error))
        finally:
            if not self._closing:  # whatever ends this thread, nobody waits for keys that cannot come
                self._emit(KeyFault())

    def _turn(self) -> None:
        """One wait, and whatever it brought."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        for node in self._nodes:
            poll.register(node, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(1000 * self._pace())}
        for node in self._nodes:
            if node.fileno() in ready:
                node.read(lambda kind, code, value, node=node: self._take(node, kind, code, value))  # type: ignore[misc] # a lambda's default has no type
        if self._state.phase in _TIMED:
            self._feed(1)

    def _pace(self) -> float:
        if not self._nodes:
            return SEEK_INTERVAL
        return HELD_INTERVAL if self._state.phase in _TIMED else BEAT

    def _seek(self) -> None:
        """Take every listed device with all keys: some keypads have two, and a key may come from either."""
        if self._nodes:
            return
        found: list[InputNode] = []
        try:
            for path in sorted(self._folder.glob("event*")):
                self._look(path, found)
            for node in found:
                node.grab()
                node.read(lambda *_: None)  # typed before it was ours: anybody may have seen it
            reports = {node: usb.Report(usb.held(node.down())) for node in found}
        except KeypadFault:
            for node in found:
                node.close()
            raise
        self._nodes = reports
        if not found:
            self._lose(f"none of {', '.join(sorted(self._ids))} in {self._folder}")
            return
        self._told = ""
        log.info("USB keypad: %s", ", ".join(node.name for node in found))
        if usb.scan(
            report.down for report in reports.values()
        ):  # a key that was down before is not believed: it must be let go first
            self._say(KeyFault())
            self._state = Debounce(Phase.STUCK)
            return
        self._state = Debounce()
        self._say(KeyFault(ok=True))

    def _look(self, path: Path, found: list[InputNode]) -> None:
        """Keep the device open if it is one of ours."""
        try:
            node = InputNode(path)
        except KeypadFault as error:  # not ours to read, or gone already: then it is no keypad of this box
            log.debug("passed over: %s", error)
            return
        found.append(node)
        try:
            if node.usb_id() in self._ids and usb.serves(node.codes()):
                return
        except KeypadFault as error:
            log.debug("passed over: %s", error)
        found.remove(node)
        node.close()

    def _take(self, node: InputNode, kind: int, code: int, value: int) -> None:
        report = self._nodes[node] = self._nodes[node].feed(kind, code, value)
        if not report.ended:
            return
        if report.lost:
            self._nodes[node] = usb.Report(usb.held(node.down()))
            self._say(self._typist.spoil())
            self._state = Debounce(Phase.REFUSED, since=self._clock())
        self._feed(STABLE_SCANS)

    def _feed(self, times: int) -> None:
        closed, now = usb.scan(report.down for report in self._nodes.values()), self._clock()
        for _ in range(times):
            self._state, event = self._state.feed(closed, now)
            self._say(self._typist.tell(event))

    def _say(self, event: KeyEvent | Probed | None) -> None:
        """Emit what is news: a keypad that fails in two ways is one fault."""
        if event is None or (isinstance(event, KeyFault) and event.ok is self._well):
            return
        if isinstance(event, KeyFault):
            self._well = event.ok
        self._emit(event)

    def _lose(self, reason: str) -> None:
        """No keypad: said once, however often it is looked for."""
        if reason != self._told:
            log.warning("USB keypad: %s", reason)
        self._told = reason
        self._release()
        self._say(KeyFault())

    def _release(self) -> None:
        for node in self._nodes:
            node.close()
        self._nodes, self._state = {}, Debounce()
