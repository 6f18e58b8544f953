"""A USB keypad's events as pure values: which keys are down after each report."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.keypad.matrix import LAYOUT, pressed
from appliance.keypad.usb import (
    CODES,
    DOWN,
    EV_KEY,
    EV_SYN,
    SEVERAL,
    SYN_DROPPED,
    SYN_REPORT,
    UP,
    Report,
    held,
    scan,
    serves,
)

KP = {key: code for code, key in reversed(CODES.items())}  # the first code of each key
NUMLOCK, TAB, MSC = 69, 15, 4
END = (EV_SYN, SYN_REPORT, 0)


def play(*events, report=None):
    report = report or Report()
    for event in events:
        report = report.feed(*event)
    return report


def down(*keys):
    return [(EV_KEY, KP[key], DOWN) for key in keys]


def up(*keys):
    return [(EV_KEY, KP[key], UP) for key in keys]


def keys_of(report):
    return "".join(LAYOUT[position] for position in sorted(pressed(scan([report.down]))))


def test_codes_are_those_of_the_kernel():
    """The names as input-event-codes.h has them, with the numbers copied from it."""
    kernel = {
        **{f"KEY_KP{n}": code for n, code in enumerate((82, 79, 80, 81, 75, 76, 77, 71, 72, 73))},
        "KEY_KPENTER": 96,
        "KEY_ENTER": 28,
        "KEY_KPDOT": 83,
        "KEY_KPCOMMA": 121,
        "KEY_BACKSPACE": 14,
        "KEY_DELETE": 111,
        "KEY_KPMINUS": 74,
        "KEY_ESC": 1,
        "KEY_KPPLUS": 78,
        "KEY_KPSLASH": 98,
        "KEY_KPASTERISK": 55,
    }
    assert set(CODES) == set(kernel.values())
    assert "".join(CODES[kernel[f"KEY_KP{n}"]] for n in range(10)) == "0123456789"
    header = Path("/usr/include/linux/input-event-codes.h")
    if header.exists():  # a second witness where the kernel's headers are installed
        found = dict(re.findall(r"#define\s+(KEY_\w+)\s+(\d+)", header.read_text("utf-8")))
        assert {name: int(found[name]) for name in kernel} == kernel


def test_every_key_of_the_box_is_there():
    assert set(CODES.values()) == set(LAYOUT)
    assert serves(CODES)
    assert serves([*CODES, NUMLOCK, TAB])
    assert all(not serves([code for code, key in CODES.items() if key != lacking]) for lacking in LAYOUT)


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_one_key_once_its_report_ended(code):
    report = play((EV_KEY, code, DOWN))
    assert not report.ended
    report = report.feed(*END)
    assert (report.ended, report.lost, keys_of(report)) == (True, False, CODES[code])
    report = play((EV_KEY, code, 2), END, report=report)  # auto-repeat
    assert keys_of(report) == CODES[code]
    report = play((EV_KEY, code, UP), END, report=report)
    assert (report.down, report.lost) == (0, False)


def test_what_is_no_key_changes_nothing():
    report = play((EV_KEY, NUMLOCK, DOWN), (MSC, 4, 0x70053), (EV_KEY, TAB, DOWN), END)
    assert (report.down, report.lost, scan([report.down])) == (0, False, 0)
    assert not play((EV_KEY, NUMLOCK, DOWN), (EV_KEY, NUMLOCK, UP), END).lost


def test_several_keys_are_several():
    assert scan([play(*down("1", "2"), END).down]).bit_count() == 2
    assert scan([play(*down("1"), END).down, play(*down("2"), END).down]).bit_count() == 2
    assert scan([held([96, 28])]) == SEVERAL  # both Enter keys mean #
    assert scan([held([96]), held([96])]) == SEVERAL  # the same key of two keypads
    assert scan([]) == scan([0, 0]) == 0


def test_a_key_that_no_state_shows_makes_the_report_lost():
    assert play(*down("1"), *up("1"), END).lost
    assert not play(*down("1"), END, *up("1"), END).lost
    assert play(*up("1"), *down("1"), *up("1"), END).lost


def test_a_full_buffer_makes_the_report_lost_until_it_ended():
    report = play(*down("1"), END, (EV_SYN, SYN_DROPPED, 0), *up("1"))
    assert (report.lost, report.ended) == (True, False)
    report = report.feed(*END)
    assert (report.lost, report.ended) == (True, True)
    assert not play(*down("2"), END, report=report).lost


def test_held_is_what_the_device_says():
    assert held([KP["5"], NUMLOCK]) == play(*down("5"), END).down
    assert held([]) == 0


numbers = st.integers(0, 0xFFFF)
values = st.integers(-(2**31), 2**31 - 1)


@given(st.lists(st.tuples(numbers, numbers, values)))
def test_any_events_give_a_report(events):
    report = play(*events)
    assert 0 <= report.down < 1 << len(CODES)
    assert scan([report.down]) <= SEVERAL


@given(st.lists(st.tuples(st.sampled_from(sorted(CODES)), st.booleans())))
def test_keys_down_are_those_pressed_and_not_let_go(moves):
    report, held_now = Report(), set()
    for code, press in moves:
        report = play((EV_KEY, code, int(press)), END, report=report)
        (held_now.add if press else held_now.discard)(code)
        assert report.down == held(held_now)
        assert not report.lost
