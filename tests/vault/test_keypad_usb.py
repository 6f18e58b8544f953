"""The USB keypad's thread on real descriptors; only evdev's ioctls are the kit's (input_kit.py)."""

import ctypes
import logging
import queue
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from input_kit import CODE, TIME, Folder

from appliance.config import parse
from appliance.errors import ConfigError, KeypadFault
from appliance.keypad import usb
from appliance.keypad.entry import (
    Agree,
    AgreeHeld,
    Clear,
    Differ,
    Digit,
    Full,
    KeyFault,
    Next,
    Previous,
    Probed,
    Refuse,
    Same,
    Validate,
)
from appliance.keypad.matrix import HELD_AFTER, LAYOUT, STUCK_AFTER
from appliance.secret import Block, Secret, Slot
from appliance.vault import input_node, keypad_usb
from appliance.vault.input_node import InputNode
from appliance.vault.keypad_usb import UsbKeypad
from appliance.vault.keypads import fit
from appliance.vault.keys import Keys

LISTED = "04D9:1203"
TIMEOUT = 10
NUMLOCK, REPEAT = 69, 2


class Clock:
    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return self.ahead


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.secret = Secret()
        self.clock = Clock()
        self.events = queue.Queue()
        self.keys = UsbKeypad([LISTED], self.secret, self.events.put, folder=folder.path, clock=self.clock)

    def take(self, count):
        return [self.events.get(timeout=TIMEOUT) for _ in range(count)]

    def typed(self, slot=Slot.OLD):
        with self.secret.command(b"\0\x20\0\x01", [Block(slot, 16, 0)]) as (address, length):
            return ctypes.string_at(address + 5, length - 5).rstrip(b"\0")

    def settle(self, device):
        """Whatever was sent before has been read: NumLock and one known key behind it."""
        device.press("B")
        return self.take(1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(keypad_usb, "SEEK_INTERVAL", 0.01)
    monkeypatch.setattr(keypad_usb, "HELD_INTERVAL", 0.005)
    folder = Folder(tmp_path / "input", monkeypatch)
    yield folder
    folder.close()


@pytest.fixture
def bench(folder):
    bench = Bench(folder)
    yield bench
    bench.keys.close()
    bench.secret.close()


@pytest.fixture
def pad(folder, bench):
    """A listed keypad, taken."""
    device = folder.plug()
    bench.keys.start()
    assert device.taken.wait(TIMEOUT)
    bench.settle(device)
    return device


def test_all_sixteen_keys(bench, pad):
    pad.press(LAYOUT)
    digit = Full()  # no secret is asked for: nothing was written
    assert bench.take(16) == [
        *(digit, digit, digit, Agree()),
        *(digit, digit, digit, Previous()),
        *(digit, digit, digit, Next()),
        *(Clear(), digit, Validate(), Refuse()),
    ]
    assert bench.events.empty()


def test_digits_land_in_the_page_and_nowhere_else(bench, pad, caplog):
    caplog.set_level(logging.DEBUG)
    bench.keys.arm(Slot.OLD, 8)
    pad.press("90351728")
    assert bench.take(8) == [Digit()] * 8
    assert caplog.text == ""
    assert bench.settle(pad) == [Previous()]
    (node,) = bench.keys._nodes
    assert "90351728" not in repr(vars(bench.keys))
    bench.keys.close()
    assert not any(node._buffer)
    assert (bench.keys._state.candidate, bench.keys._state.position) == (0, -1)
    assert bench.typed() == b"90351728"


def test_what_was_read_is_overwritten_also_when_the_taker_fails(folder):
    pad = folder.plug()
    node = InputNode(pad.path)
    pad.press("7")

    def fail(kind, code, value):
        assert any(node._buffer)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        node.read(fail)
    assert not any(node._buffer)
    node.close()


def test_the_times_of_keys_are_never_looked_at(folder):
    pad, seen = folder.plug(), []
    node = InputNode(pad.path)
    pad.press("7")
    node.read(lambda *event: seen.append(event))
    assert seen == [(1, CODE["7"], 1), (0, 0, 0), (1, CODE["7"], 0), (0, 0, 0)]
    assert not set(TIME) & {number for event in seen for number in event}
    node.close()


def test_a_code_is_typed_compared_and_refused_as_on_the_matrix(bench, pad):
    bench.keys.arm(Slot.OLD, 4)
    pad.press("12*1234")
    assert bench.take(7) == [Digit(), Digit(), Clear(), *[Digit()] * 4]
    pad.press("5#6*")
    assert bench.take(2) == [Full(), Validate()]
    assert bench.settle(pad) == [Previous()]  # 6 and * came to nothing: # has frozen the page
    assert bench.typed() == b"1234"
    bench.keys.arm(Slot.OLD, 4)
    pad.press("1234")
    assert bench.take(4) == [Digit()] * 4
    bench.keys.arm(Slot.NEW, 4, fresh=True)
    pad.press("1234#")
    assert bench.take(5)[-1] == Same()
    bench.keys.arm(Slot.AGAIN, 4, fresh=True)
    pad.press("123#")
    assert bench.take(4)[-1] == Differ()
    bench.keys.disarm()
    pad.press("D")
    assert bench.take(1) == [Refuse()]


def test_the_self_test_hears_which_key_it_is_and_never_while_armed(bench, pad):
    bench.keys.watch(on=True)
    pad.press("5")
    assert bench.take(1) == [Probed(LAYOUT.index("5"))]
    bench.keys.arm(Slot.OLD, 4)
    pad.press("5")
    assert bench.take(1) == [Digit()]


def test_numlock_and_auto_repeat_are_nothing(bench, pad):
    bench.keys.arm(Slot.OLD, 8)
    pad.report((NUMLOCK, 1))
    pad.hold("3")
    for _ in range(20):
        pad.report((CODE["3"], REPEAT))
    pad.let_go("3")
    pad.report((NUMLOCK, 0))
    pad.press("4")
    assert bench.take(2) == [Digit(), Digit()]
    assert bench.typed() == b"34"


def test_several_keys_empty_the_entry_and_need_a_release(bench, pad):
    bench.keys.arm(Slot.OLD, 8)
    pad.press("1")
    pad.hold("2", "3")
    pad.let_go("2")
    pad.let_go("3")
    pad.press("4")
    assert bench.take(4) == [Digit(), Digit(), Clear(), Digit()]
    assert bench.typed() == b"4"
    pad.report((CODE["5"], 1), (CODE["6"], 1))
    pad.report((CODE["5"], 0), (CODE["6"], 0))
    pad.press("7")
    assert bench.take(2) == [Clear(), Digit()]
    assert bench.typed() == b"7"


def test_a_key_that_the_kernel_lost_empties_the_entry(bench, pad):
    bench.keys.arm(Slot.OLD, 8)
    pad.press("12")
    assert bench.take(2) == [Digit(), Digit()]
    pad.down.add(CODE["3"])  # went down in what was lost: it must be let go first
    pad.write((usb.EV_SYN, usb.SYN_DROPPED, 0), (usb.EV_SYN, usb.SYN_REPORT, 0))
    assert bench.take(1) == [Clear()]
    pad.press("4")
    pad.let_go("3")
    pad.press("5")
    assert bench.take(1) == [Digit()]
    assert bench.typed() == b"5"
    pad.report((CODE["1"], 1), (CODE["1"], 0))  # down and up in one report
    assert bench.take(1) == [Clear()]


def test_a_held_key_and_a_stuck_key(bench, pad):
    pad.hold("A")
    assert bench.take(1) == [Agree()]
    bench.clock.ahead += HELD_AFTER
    assert bench.take(1) == [AgreeHeld()]
    bench.clock.ahead += STUCK_AFTER
    assert bench.take(1) == [KeyFault()]
    pad.let_go("A")
    assert bench.take(1) == [KeyFault(ok=True)]


def test_without_a_keypad_there_is_a_fault_until_it_is_plugged_in(bench, folder, caplog):
    bench.keys.start()
    assert bench.take(1) == [KeyFault()]
    pad = folder.plug()
    assert bench.take(1) == [KeyFault(ok=True)]
    pad.press("#")
    assert bench.take(1) == [Validate()]
    assert caplog.text.count("none of 04d9:1203 in ") == 1


def test_unplugging_in_the_middle_of_an_entry_is_a_fault_and_says_it_once(bench, pad, folder):
    bench.keys.arm(Slot.OLD, 8)
    pad.press("12")
    pad.unplug()
    assert bench.take(3) == [Digit(), Digit(), KeyFault()]
    again = folder.plug(7)
    assert bench.take(1) == [KeyFault(ok=True)]
    bench.keys.disarm()
    again.press("A")
    assert bench.take(1) == [Agree()]


def test_a_key_down_since_before_is_not_believed(bench, folder):
    pad = folder.plug()
    pad.down.add(CODE["A"])
    bench.keys.start()
    assert bench.take(1) == [KeyFault()]
    pad.let_go("A")
    assert bench.take(1) == [KeyFault(ok=True)]
    pad.press("D")
    assert bench.take(1) == [Refuse()]


def test_what_was_typed_before_the_grab_is_dropped(bench, folder):
    pad = folder.plug()
    grabbed, sent = pad.ioctl, []

    def ioctl(request, argument):
        if request == input_node.EVIOCGRAB:  # the last moment at which somebody else could have read it
            assert bench.events.empty()
            pad.press("A")
            sent.append(request)
        return grabbed(request, argument)

    pad.ioctl = ioctl
    bench.keys.start()
    assert pad.taken.wait(TIMEOUT)
    assert bench.settle(pad) == [Previous()]
    assert len(sent) == 1


def test_a_keypad_that_another_program_holds_is_a_fault(bench, folder, caplog):
    pad = folder.plug()
    pad.busy = True
    bench.keys.start()
    assert bench.take(1) == [KeyFault()]
    pad.press("A")
    while len(pad.asked) < 20:  # tried again and again
        assert not pad.taken.wait(0.01)
    assert caplog.text.count("cannot be grabbed: Device or resource busy") == 1
    pad.busy = False
    assert bench.take(1) == [KeyFault(ok=True)]
    assert bench.settle(pad) == [Previous()]


@pytest.mark.parametrize(
    "facts",
    [
        {"vendor": 0x04D8},
        {"product": 0x1204},
        {"bus": 5},  # Bluetooth
        {"bus": 6},  # made by a program (uinput)
        {"codes": (1, 28)},  # the keypad's second interface
    ],
)
def test_what_is_not_listed_is_left_alone(bench, folder, facts):
    stranger = folder.plug(0, **facts)
    ours = folder.plug(1)
    bench.keys.start()
    assert ours.taken.wait(TIMEOUT)
    stranger.press("AAA")
    assert bench.settle(ours) == [Previous()]
    assert not stranger.grabbed.is_set()
    assert [node.name for node in bench.keys._nodes] == ["event1"]


def test_a_keypad_with_two_devices_is_taken_whole(bench, folder):
    one, two = folder.plug(0), folder.plug(1)
    bench.keys.start()
    assert one.taken.wait(TIMEOUT)
    assert two.taken.wait(TIMEOUT)
    bench.settle(one)
    bench.keys.arm(Slot.OLD, 8)
    one.press("1")
    assert bench.take(1) == [Digit()]
    two.press("2")
    assert bench.take(1) == [Digit()]
    one.hold("3")
    assert bench.take(1) == [Digit()]
    two.press("4")
    assert bench.take(1) == [Clear()]
    one.let_go("3")
    two.unplug()  # half a keypad is none
    assert bench.take(1) == [KeyFault()]
    assert bench.take(1) == [KeyFault(ok=True)]


def test_devices_that_cannot_be_asked_are_passed_over(bench, folder, caplog):
    caplog.set_level(logging.DEBUG)
    (folder.path / "event0").symlink_to(folder.path / "nothing")
    (folder.path / "event1").write_bytes(b"")  # answers no ioctl
    pad = folder.plug(2)
    bench.keys.start()
    assert pad.taken.wait(TIMEOUT)
    assert bench.settle(pad) == [Previous()]
    assert "event0: No such file" in caplog.text
    assert "event1: Inappropriate ioctl" in caplog.text


def test_a_keypad_that_cannot_be_had_is_tried_at_its_pace(bench, folder, monkeypatch):
    monkeypatch.setattr(keypad_usb, "SEEK_INTERVAL", 60)
    pad = folder.plug()
    pad.busy = True
    bench.keys.start()
    assert bench.take(1) == [KeyFault()]
    assert not pad.taken.wait(0.2)
    assert pad.asked.count(input_node.EVIOCGRAB) == 1


def test_a_device_that_fails_in_reading_is_given_back(folder):
    (folder.path / "event0").mkdir()
    node = InputNode(folder.path / "event0")
    with pytest.raises(KeypadFault, match="event0: Is a directory"):
        node.read(print)
    node.close()
    (folder.path / "event1").write_bytes(b"x" * 7)
    node = InputNode(folder.path / "event1")
    with pytest.raises(KeypadFault, match="event1 has ended"):
        node.read(print)
    node.close()


def test_close_is_immediate_gives_the_device_back_and_may_come_twice(bench, pad):
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    bench.keys.close()
    assert not bench.keys._thread.is_alive()
    assert len(list(descriptors.iterdir())) == before - 2  # the device and the wake-up
    bench.keys.close()
    assert bench.events.empty()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_a_fault(bench, folder, monkeypatch):
    monkeypatch.setattr(usb, "serves", lambda _: 1 / 0)
    folder.plug()
    bench.keys.start()
    assert bench.take(1) == [KeyFault()]
    bench.keys._thread.join(TIMEOUT)
    assert not bench.keys._thread.is_alive()


def test_it_beats_while_it_waits(bench, pad):
    assert bench.keys.pulse.fresh()
    assert bench.keys.pulse.name == "keys"


@given(st.lists(st.tuples(st.sampled_from("0123456789"), st.booleans()), max_size=30))
def test_what_is_read_is_what_was_pressed_or_nothing(moves):
    """Any order of presses and releases, each its own report: alone after a release it counts, else all is void."""
    secret, events = Secret(), []
    keypad, node = UsbKeypad([LISTED], secret, events.append, clock=Clock()), object()
    keypad._nodes = {node: usb.Report()}
    keypad.arm(Slot.OLD, 16)
    expected, down, free = 0, set(), True
    try:
        for key, press in moves:
            for event in ((usb.EV_KEY, CODE[key], int(press)), (usb.EV_SYN, usb.SYN_REPORT, 0)):
                keypad._take(node, *event)
            fresh = press and key not in down
            (down.add if press else down.discard)(key)
            if fresh:
                expected = min(expected + 1, 16) if free else 0
                free = False
            free = free or not down
            assert secret.length(Slot.OLD) == expected
        assert not any(isinstance(event, KeyFault) for event in events)
    finally:
        keypad._nodes = {}
        keypad.close()
        secret.close()


def test_requests_are_the_kernels():
    """linux/input.h and asm-generic/ioctl.h, worked out by hand."""
    assert input_node.EVIOCGID == 0x80084502
    assert input_node.EVIOCGKEY == 0x80604518
    assert input_node.EVIOCGBIT_KEY == 0x80604521
    assert input_node.EVIOCGRAB == 0x40044590
    assert input_node._STRIDE in {16, 24}  # 32 and 64 bits


@pytest.fixture
def configured(request):
    return parse('[device]\nid = "cabinet-1"\n' + request.param).keypad


@pytest.mark.parametrize(
    ("configured", "kind"),
    [("", Keys), ("[keypad]\nusb = []\n", Keys), ('[keypad]\nusb = ["04d9:1203", "04D9:A055"]\n', UsbKeypad)],
    indirect=["configured"],
)
def test_the_usb_keypad_is_off_unless_it_is_listed(configured, kind):
    secret = Secret()
    keypad = fit(configured, secret, print, Clock())
    assert type(keypad) is kind
    keypad.close()
    secret.close()


@pytest.mark.parametrize(
    "usb_ids", ['"04d9:1203"', '["04d9"]', '["04d9:12033"]', '["04d9:120g"]', '["04d9:1203\\n"]', '["1:2"]', "[1203]"]
)
def test_a_list_that_is_none_is_refused_with_its_line(usb_ids):
    with pytest.raises(ConfigError, match=r"box\.toml:4: keypad\.usb"):
        parse(f'[device]\nid = "cabinet-1"\n[keypad]\nusb = {usb_ids}\n', "box.toml")


def test_both_keypads_have_the_same_public_face():
    def public(kind):
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(Keys) == public(UsbKeypad)
