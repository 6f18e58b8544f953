"""People who type on a bad keypad, and what the box makes of it: contacts that bounce, keys that overlap, slide, stick.

What it is: each switch as times of closing and opening, the copper between them, the scan of ``vault/keys`` in its
armed gait, then ``Debounce`` and ``Typist`` as they ship, with a real page. What it is not: pins or threads
(tests/vault/test_keys.py). Rule: after each gesture the page holds exactly what was pressed, or nothing.

Bounds of the person and of the keypad, in milliseconds: a contact bounces for less than two scans, a finger stays for
more than four, and between two gestures all keys are free for as long.

``python tests/keypad/typing_kit.py 100000`` plays so many entries and prints what it counted as one JSON object.
"""

import ctypes
import functools
import json
import random
import sys
import time
from collections import Counter

from appliance.keypad.entry import DIGITS, Clear, Digit, KeyFault
from appliance.keypad.matrix import COLUMNS, LAYOUT, ROWS, SCAN_INTERVAL, STUCK_AFTER, Debounce, mask
from appliance.secret import Block, Secret, Slot
from appliance.vault.typist import Typist

SCAN = 1000 * SCAN_INTERVAL
BOUNCE = 9.0
SHORTEST, LONGEST = 28.0, 70.0
STUCK = 1000 * STUCK_AFTER + 500
KINDS = ("one",) * 45 + ("both", "roll", "slide", "rectangle", "long")
POSITIONS = {key: LAYOUT.index(key) for key in DIGITS}


@functools.lru_cache(maxsize=1 << 16)
def reached(closed, row):
    """Columns that are low while ``row`` is driven low and all other rows float: wherever copper leads."""
    rows, columns, before = 1 << row, 0, -1
    while columns != before:
        before = columns
        for one in range(ROWS):
            switches = closed >> one * COLUMNS & 0xF
            if rows >> one & 1 or switches & columns:
                rows |= 1 << one
                columns |= switches
    return tuple(bool(columns >> column & 1) for column in range(COLUMNS))


@functools.lru_cache(maxsize=1 << 16)
def steady(closed):
    """A scan during which no switch moves."""
    return mask([reached(closed, row) for row in range(ROWS)])


class Contact:
    """One press of one key: closed from ``down`` to ``up``, and closed or open as it likes just after both."""

    def __init__(self, chance, key, down, up):
        self.bit, self.down, self.up = 1 << POSITIONS[key], down, up
        self.toggles = [sorted(at + chance.uniform(0, BOUNCE) for _ in range(chance.randrange(6))) for at in (down, up)]

    def calm(self, now):
        """Whether it stays as it is for the time of a scan."""
        return now < self.down - 1 or self.down + BOUNCE < now < self.up - 1 or now > self.up + BOUNCE

    def closed(self, now):
        if now < self.down or now > self.up + BOUNCE:
            return False
        at_up = now >= self.up
        if not at_up and now > self.down + BOUNCE:
            return True
        odd = sum(now >= toggle for toggle in self.toggles[at_up]) % 2
        return bool(odd) is at_up


class Typing:
    """One person at one keypad; the entry is armed for ``CAPACITY`` digits."""

    def __init__(self, chance, secret, scan=None):
        self.chance, self.secret = chance, secret
        self.typist = Typist(secret, LAYOUT)
        self.typist.arm(Slot.OLD, 16, fresh=True)
        self.state, self.now, self.events = Debounce(), chance.uniform(0, SCAN), []
        self.counts = Counter()
        if scan:
            self.scan = scan

    def scan(self, contacts):
        """All rows, one after the other, a fifth of a millisecond each."""
        if all(contact.calm(self.now) for contact in contacts):
            return steady(sum(contact.bit for contact in contacts if contact.closed(self.now)))
        rows = []
        for row in range(ROWS):
            closed = sum(contact.bit for contact in contacts if contact.closed(self.now + 0.2 * row))
            rows.append(reached(closed, row))
        return mask(rows)

    def run(self, contacts, until):
        while self.now < until:
            self.state, event = self.state.feed(self.scan(contacts), self.now / 1000)
            told = self.typist.tell(event)
            if told is not None:
                self.events.append(told)
            self.counts["scans"] += 1
            self.now += SCAN

    def typed(self):
        """What the page holds; it is put back, as nothing but a card ever takes it out."""
        if not self.secret.length(Slot.OLD):
            return ""
        with self.secret.command(b"\0\x20\0\x01", [Block(Slot.OLD, 16, 0)]) as (address, length):
            text = ctypes.string_at(address + 5, length - 5).rstrip(b"\0").decode()
        for digit in text:
            self.secret.push(Slot.OLD, int(digit))
        return text

    def gesture(self, kind, keys):
        """Fingers on ``keys``; returns when all are free again."""
        start, pick = self.now, self.chance.uniform
        first, second = pick(SHORTEST, LONGEST), pick(SHORTEST, LONGEST)
        match kind:
            case "one":
                spans = [(0.0, first)]
            case "long":
                spans = [(0.0, STUCK)]
            case "both":
                spans = [(0.0, first), (pick(0, 4), second)]
            case "roll":
                at = pick(1, first)
                spans = [(0.0, first), (at, at + second)]
            case "slide":
                at = first + pick(0, SCAN)
                spans = [(0.0, first), (at, at + second)]
            case "rectangle":
                spans = [(0.0, first + 20), (pick(0, 30), second + 40), (pick(0, 30), first + 30)]
        contacts = [
            Contact(self.chance, key, start + down, start + up) for key, (down, up) in zip(keys, spans, strict=True)
        ]
        if kind == "long":
            self.run(contacts, start + SHORTEST)
            self.now = start + STUCK - SHORTEST  # ten seconds of the same scan, but for its first and last
        self.run(contacts, start + max(up for _, up in spans) + BOUNCE + pick(SHORTEST, LONGEST))

    def play(self):
        """One entry: 4 to 8 gestures; the kinds, in order.

        Raises:
            AssertionError: the page holds what nobody pressed, or lacks what somebody did, and nothing was said.
        """
        expected = ""
        for _ in range(self.chance.randint(4, 8)):
            kind = self.chance.choice(KINDS)
            keys = fingers(self.chance, kind)
            before = len(self.events)
            self.gesture(kind, keys)
            told, typed = self.events[before:], self.typed()
            self.counts[kind] += 1
            self.counts["keys"] += len(keys)
            if kind == "long":
                assert KeyFault() in told, told
                self.counts["faults"] += 1
                return
            if kind == "one":
                assert (typed, told) == (expected + keys, [Digit()]), (kind, keys, expected, typed, told)
            else:
                whole = (expected + "".join(keys), [Digit()] * len(keys))
                refused = typed == "" and told[-1:] == [Clear()]
                assert refused or (typed, told) == whole, (kind, keys, expected, typed, told)
                self.counts["refused" if refused else "read"] += 1
            expected = typed
        self.counts["entries"] += 1


def fingers(chance, kind):
    """The keys of a gesture, all digits."""
    if kind in {"one", "long"}:
        return chance.choice(DIGITS)
    if kind != "rectangle":
        return "".join(chance.sample(DIGITS, 2))
    rows, columns = sorted(chance.sample(range(3), 2)), sorted(chance.sample(range(3), 2))
    corners = [LAYOUT[row * COLUMNS + column] for row in rows for column in columns]
    return "".join(chance.sample(corners, 3))


def play(seed, entries, scan=None):
    """Play ``entries`` entries: the counts. Every one is a function of ``seed`` and its number."""
    total, secret = Counter(), Secret()
    try:
        for number in range(entries):
            secret.wipe()
            typing = Typing(random.Random(f"{seed}/{number}"), secret, scan)
            try:
                typing.play()
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, entry {number}: {error}") from error
            total += typing.counts
    finally:
        secret.close()
    return total


if __name__ == "__main__":
    wanted, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    begun = time.monotonic()
    counted = play(seed, wanted)
    print(json.dumps({"seed": seed, "wanted": wanted, **counted, "seconds": round(time.monotonic() - begun, 1)}))
