"""What is read is what was pressed, or the entry is empty: random people at a bouncing keypad (typing_kit.py)."""

import random

import pytest
from typing_kit import POSITIONS, Contact, Typing, play, reached

from appliance.keypad.matrix import LAYOUT, Debounce, Ghost, mask, pressed
from appliance.secret import Secret, Slot

ENTRIES = 600


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_read_is_what_was_pressed_or_nothing(seed):
    counts = play(seed, ENTRIES)
    assert counts["entries"] + counts["faults"] == ENTRIES
    for kind in ("one", "both", "roll", "slide", "rectangle", "long", "refused"):
        assert counts[kind] > 20, kind
    assert counts["one"] > 5 * counts["refused"]


def test_control_a_box_that_only_passes_over_several_keys_is_found(monkeypatch):
    feed = Debounce.feed

    def silent(state, scan, now):
        state, event = feed(state, scan, now)
        return state, None if isinstance(event, Ghost) else event

    monkeypatch.setattr(Debounce, "feed", silent)
    with pytest.raises(AssertionError, match="seed 1, entry"):
        play(1, ENTRIES)


def test_control_a_scan_that_ends_with_the_first_row_found_is_found():
    def hasty(contacts):
        """The first row that shows a key is taken for all."""
        now = max(contact.down for contact in contacts) + 15
        closed = sum(contact.bit for contact in contacts if contact.closed(now))
        rows = [reached(closed, row) for row in range(4)]
        first = next((n for n, row in enumerate(rows) if any(row)), 0)
        return mask([row if n == first else (False,) * 4 for n, row in enumerate(rows)])

    with pytest.raises(AssertionError, match="seed 1, entry"):
        play(1, ENTRIES, hasty)


def test_the_copper_shows_a_key_that_nobody_presses():
    def read(keys):
        closed = sum(1 << POSITIONS[key] for key in keys)
        return {LAYOUT[position] for position in pressed(mask([reached(closed, row) for row in range(4)]))}

    assert read("5") == {"5"}
    assert read("14") == {"1", "4"}
    assert read("125") == {"1", "2", "4", "5"}
    assert read("1236") == {"1", "2", "3", "4", "5", "6"}


def test_a_contact_bounces_at_both_ends_and_nowhere_else():
    contact = Contact(random.Random(3), "5", 10.0, 100.0)
    contact.toggles = [[11.0, 12.0], [101.0]]
    at = {
        9.9: False,
        10.0: True,
        11.5: False,
        12.5: True,
        50.0: True,
        99.9: True,
        100.5: False,
        105.0: True,
        109.5: False,
    }
    assert {now: contact.closed(now) for now in at} == at


def test_an_entry_is_the_same_each_time():
    assert play(7, 20) == play(7, 20)


def test_a_slow_finger_is_one_key():
    secret = Secret()
    typing = Typing(random.Random(5), secret)
    contact = Contact(random.Random(5), "8", typing.now, typing.now + 9000)
    typing.run([contact], typing.now + 9100)
    assert (typing.typed(), secret.length(Slot.OLD)) == ("8", 1)
    secret.close()
