"""What a key does: digits into the locked page, everything else into events without value.

What it is: the secret state (which slot, how many digits, frozen or not) and the function that sees a key. What it is
not: a keypad: pins are ``vault/keys``, USB reports ``vault/keypad_usb``; both call it from their thread.
Rule: outside ``act`` and what it calls no value of a digit exists, and what the page holds is exactly what was pressed:
whatever may have hidden a key empties the slot (design §3, *The PIN is nobody's value*).
"""

import logging
import threading

from appliance.keypad.entry import (
    COMMANDS,
    DIGITS,
    HOLDS,
    Clear,
    Differ,
    Digit,
    Full,
    KeyEvent,
    KeyFault,
    Probed,
    Refuse,
    Same,
    Validate,
)
from appliance.keypad.matrix import LAYOUT, Freed, Ghost, KeyDown, KeyHeld, MatrixEvent, Stuck
from appliance.secret import Secret, Slot

log = logging.getLogger(__name__)


class Typist:
    """The secret state of one keypad; ``arm`` and ``disarm`` from any thread, the rest from the keypad's.

    Args:
        secret: the page that armed digits go to.
        layout: 16 characters, ``layout[row * 4 + column]``.
    """

    def __init__(self, secret: Secret, layout: str) -> None:
        self._secret = secret
        self._layout = layout
        self._armed: tuple[Slot, int] | None = None
        self._frozen = False
        self._watching = False
        self._lock = threading.Lock()

    @property
    def armed(self) -> bool:
        """Whether a secret is being typed."""
        return self._armed is not None

    def arm(self, slot: Slot, maximum: int, *, fresh: bool = False) -> None:
        """Enter the secret state: from now on digits go into ``slot``, behind what it holds, ``maximum`` in all.

        ``fresh`` empties the slot first, and those behind it. ``#`` and ``D`` freeze it in the moment they are seen:
        until the next ``arm`` or ``disarm`` no key changes the page or the count, so that what ``#`` validated is what
        the card gets.
        """
        with self._lock:
            if fresh:
                for void in Slot:
                    if void >= slot:  # what was typed after it means nothing any more
                        self._secret.clear(void)
            self._armed, self._frozen, self._watching = (slot, maximum), False, False

    def disarm(self) -> None:
        """Leave the secret state; the page is the caller's to use or wipe, no digit is written after this returns."""
        with self._lock:
            self._armed, self._frozen = None, False

    def watch(self, *, on: bool) -> None:
        """For the self-test: each key only says which it is. Never while a secret is armed; arming ends it."""
        with self._lock:
            self._watching = on and self._armed is None

    def tell(self, event: MatrixEvent | None) -> KeyEvent | Probed | None:
        """What the matrix saw, as the vault hears it; None is nothing to say."""
        match event:
            case KeyDown(position):
                return self.probe(self._layout[position]) or self.act(self._layout[position])
            case KeyHeld(position):
                return self.hold(self._layout[position])
            case Ghost():
                return self.spoil()
            case Stuck():
                log.warning("a key is stuck")
                return KeyFault()
            case Freed():
                log.info("the stuck key is free")
                return KeyFault(ok=True)
        return None

    def probe(self, key: str) -> Probed | None:
        """In the self-test: which key it is, and nothing else; None outside it."""
        with self._lock:
            return Probed(LAYOUT.index(key)) if self._watching else None

    def act(self, key: str) -> KeyEvent | None:
        """The function that sees the key: a digit goes into the page here, and only its event leaves."""
        with self._lock:
            if self._armed is None:
                return Full() if key in DIGITS else COMMANDS[key]
            if key in DIGITS:
                return self._write(key, *self._armed)
            slot, _ = self._armed
            event = COMMANDS[key]
            match event:
                case Clear() if self._frozen:
                    return None
                case Clear():
                    self._secret.clear(slot)
                case Validate():
                    self._frozen = True
                    return self._compare(slot)
                case Refuse():
                    self._frozen = True
            return event

    def _write(self, key: str, slot: Slot, maximum: int) -> KeyEvent | None:
        if self._frozen:
            return None
        return Digit() if self._secret.push(slot, DIGITS.index(key), maximum) else Full()

    def spoil(self) -> KeyEvent | None:
        """A key may have been missed: while a secret is typed the slot is emptied, as ``*`` would.

        A digit that nobody saw would make a wrong code of a right one, and cost a try.
        """
        with self._lock:
            if self._armed is None or self._frozen:
                return None
            self._secret.clear(self._armed[0])
            return Clear()

    def hold(self, key: str) -> KeyEvent | None:
        """A key that stays down; while a secret is typed no key's duration means anything.

        In the self-test ``D`` held is the one way out, since pressed it is a key like the others.
        """
        with self._lock:
            if self._watching:
                return COMMANDS[key] if key == "D" else None
            return HOLDS.get(key) if self._armed is None else None

    def _compare(self, slot: Slot) -> KeyEvent:
        """What ``#`` means for what was just typed: compared in the page, and only the answer leaves."""
        if slot is Slot.NEW and self._secret.equal(Slot.OLD, Slot.NEW):
            return Same()
        if slot is Slot.AGAIN and not self._secret.equal(Slot.NEW, Slot.AGAIN):
            return Differ()
        return Validate()
