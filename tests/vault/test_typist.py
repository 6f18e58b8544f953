"""What a key does, without any keypad: the secret state and the page."""

import ctypes
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.keypad.entry import (
    COMMANDS,
    DIGITS,
    HOLDS,
    Clear,
    Differ,
    Digit,
    Full,
    KeyFault,
    Probed,
    Refuse,
    Same,
    Validate,
)
from appliance.keypad.matrix import LAYOUT, Freed, Ghost, KeyDown, KeyHeld, KeyUp, Stuck
from appliance.secret import Block, Secret, Slot
from appliance.vault.typist import Typist


@pytest.fixture
def secret():
    page = Secret()
    yield page
    page.close()


@pytest.fixture
def typist(secret):
    return Typist(secret, LAYOUT)


def fill(secret, **slots):
    for name, digits in slots.items():
        for digit in digits:
            assert secret.push(Slot[name.upper()], int(digit))


def lengths(secret):
    return [secret.length(slot) for slot in Slot]


def press(typist, keys):
    return [typist.act(key) for key in keys]


def typed(secret, slot):
    with secret.command(b"\0\x20\0\x01", [Block(slot, 16, 0)]) as (address, length):
        return ctypes.string_at(address + 5, length - 5).rstrip(b"\0").decode()


@pytest.mark.parametrize(
    ("slot", "left"), [(Slot.OLD, [0, 0, 0]), (Slot.NEW, [4, 0, 0]), (Slot.AGAIN, [4, 5, 0])], ids=str
)
def test_fresh_empties_the_slot_and_those_behind_it(secret, typist, slot, left):
    fill(secret, old="1234", new="56789", again="567890")
    typist.arm(slot, 8, fresh=True)
    assert lengths(secret) == left


@pytest.mark.parametrize("slot", Slot)
def test_without_fresh_nothing_is_emptied_and_digits_go_behind(secret, typist, slot):
    fill(secret, old="1234", new="5678", again="5678")
    typist.arm(slot, 8)
    assert lengths(secret) == [4, 4, 4]
    assert press(typist, "9") == [Digit()]
    assert typed(secret, slot)[4:] == "9"


def test_fresh_leaves_the_code_in_front_comparable(secret, typist):
    """A second try at the repetition is compared with the new code, not with what was typed before."""
    typist.arm(Slot.NEW, 4, fresh=True)
    press(typist, "1234#")
    typist.arm(Slot.AGAIN, 4, fresh=True)
    assert press(typist, "1235#")[-1] == Differ()
    typist.arm(Slot.AGAIN, 4, fresh=True)
    assert press(typist, "1234#")[-1] == Validate()
    typist.arm(Slot.NEW, 4, fresh=True)
    assert lengths(secret) == [0, 0, 0]


def test_arming_and_disarming_end_what_was_frozen(secret, typist):
    assert not typist.armed
    typist.arm(Slot.OLD, 8)
    assert typist.armed
    assert press(typist, "12#3*") == [Digit(), Digit(), Validate(), None, None]
    typist.arm(Slot.OLD, 8)
    assert press(typist, "3D4") == [Digit(), Refuse(), None]
    typist.disarm()
    assert not typist.armed
    assert press(typist, "4*") == [Full(), Clear()]
    assert typed(secret, Slot.OLD) == "123"


def test_same_and_differ_are_said_of_their_slots_only(secret, typist):
    fill(secret, old="1234", again="1234")
    typist.arm(Slot.NEW, 4)
    assert press(typist, "1234#")[-1] == Same()
    typist.arm(Slot.OLD, 4)
    assert press(typist, "#") == [Validate()]


def test_a_ghost_empties_the_slot_and_only_that(secret, typist):
    fill(secret, old="1234", again="12")
    typist.arm(Slot.NEW, 4)
    press(typist, "123")
    assert typist.tell(Ghost()) == Clear()
    assert lengths(secret) == [4, 0, 2]
    assert typist.tell(Ghost()) == Clear()  # also where nothing is typed yet: a first digit may be missing


def test_a_ghost_changes_nothing_that_was_validated_or_is_no_secret(secret, typist):
    assert typist.tell(Ghost()) is None
    typist.arm(Slot.OLD, 4)
    press(typist, "1234#")
    assert typist.tell(Ghost()) is None
    assert typed(secret, Slot.OLD) == "1234"


def test_what_the_matrix_says_becomes_an_event(typist, caplog):
    caplog.set_level(logging.INFO)
    five, a = LAYOUT.index("5"), LAYOUT.index("A")
    assert typist.tell(KeyDown(five)) == Full()
    assert typist.tell(KeyDown(a)) == COMMANDS["A"]
    assert typist.tell(KeyHeld(a)) == HOLDS["A"]
    assert typist.tell(KeyHeld(five)) is None
    assert typist.tell(KeyUp()) is typist.tell(None) is None
    assert (typist.tell(Stuck()), typist.tell(Freed())) == (KeyFault(), KeyFault(ok=True))
    assert [record.getMessage() for record in caplog.records] == ["a key is stuck", "the stuck key is free"]


def test_keys_of_another_layout_are_those_printed_on_it(secret):
    typist = Typist(secret, LAYOUT[::-1])
    assert typist.tell(KeyDown(0)) == COMMANDS["D"]


def test_the_self_test_ends_with_arming_and_cannot_begin_under_it(typist):
    seven = KeyDown(LAYOUT.index("7"))
    typist.watch(on=True)
    assert typist.tell(seven) == Probed(LAYOUT.index("7"))
    assert [typist.hold(key) for key in LAYOUT] == [None] * 15 + [Refuse()]  # D held is the way out
    typist.arm(Slot.OLD, 4)
    typist.watch(on=True)
    assert typist.tell(seven) == Digit()
    typist.disarm()
    assert typist.tell(seven) == Full()


@given(st.lists(st.sampled_from([*LAYOUT, "ghost", "arm"]), max_size=40), st.sampled_from(Slot), st.integers(1, 12))
def test_the_page_holds_what_was_pressed_since_it_was_empty(keys, slot, maximum):
    """A model of one line a key; events count what the page holds."""
    secret = Secret()
    try:
        typist, expected, frozen = Typist(secret, LAYOUT), "", False
        typist.arm(slot, maximum)
        marks = 0
        for key in keys:
            if key == "arm":
                typist.arm(slot, maximum, fresh=True)
                expected, frozen, marks = "", False, 0
                continue
            event = typist.tell(Ghost()) if key == "ghost" else typist.act(key)
            marks = 0 if event == Clear() else marks + (event == Digit())
            if not frozen:
                if key in DIGITS:
                    expected += key if len(expected) < maximum else ""
                elif key in {"*", "ghost"}:
                    expected = ""
                frozen = key in {"#", "D"}
            assert secret.length(slot) == len(expected) == marks
        assert (typed(secret, slot) if expected else "") == expected
    finally:
        secret.close()
