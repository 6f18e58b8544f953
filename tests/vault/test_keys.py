"""The keypad thread, on real gpiozero with mock pins, driven by a desk over a real socket."""

import ctypes
import dataclasses
import logging
import queue
import sys
import threading
import types

import pytest
from gpiozero import Device, InputDevice

from appliance.errors import KeypadFault
from appliance.keypad.entry import (
    Agree,
    AgreeHeld,
    Clear,
    Differ,
    Digit,
    Full,
    KeyFault,
    Next,
    NextHeld,
    Previous,
    Refuse,
    Same,
    Validate,
)
from appliance.keypad.matrix import HELD_AFTER, Debounce, KeyDown
from appliance.secret import Block, Secret, Slot
from appliance.simulator.desk import Desk
from appliance.simulator.pins import RELEASED, BenchFactory, BenchPin, _gpio
from appliance.simulator.vault import Wire
from appliance.vault.gpio import pin_factory
from appliance.vault.keys import Keys
from appliance.vault.typist import Typist

ROWS, COLUMNS = (5, 6, 13, 19), (12, 16, 20, 21)
LAYOUT = "123A456B789C*0#D"
TIMEOUT = 10


class Clock:
    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return self.ahead


class Bench:
    """A desk, the pins it moves, and a keypad thread on them."""

    def __init__(self, desk, keys_class=Keys):
        self.desk = desk
        self.wire = Wire(desk.path)
        self.factory = BenchFactory(ROWS, COLUMNS, self.wire.send)
        self.secret = Secret()
        self.clock = Clock()
        self.events = queue.Queue()
        self.keys = keys_class(ROWS, COLUMNS, LAYOUT, self.secret, self.events.put, clock=self.clock)
        self.reader = threading.Thread(target=self._obey)
        self.reader.start()

    def _obey(self):
        while message := self.wire.receive():
            self.factory.close_switches(int.from_bytes(message[1:], "big"))

    def take(self, count):
        return [self.events.get(timeout=TIMEOUT) for _ in range(count)]

    def typed(self, slot=Slot.OLD):
        """What the page holds, read as a card would get it; the slot is empty afterwards."""
        with self.secret.command(b"\0\x20\0\x01", [Block(slot, 16, 0)]) as (address, length):
            return ctypes.string_at(address + 5, length - 5).rstrip(b"\0")

    def close(self):
        self.keys.close()
        self.wire.hang_up()
        self.reader.join(TIMEOUT)
        self.wire.close()
        self.secret.close()


@pytest.fixture
def make(tmp_path, monkeypatch):
    made = []
    with Desk(tmp_path / "desk") as desk:

        def make_bench(keys_class=Keys):
            bench = Bench(desk, keys_class)
            made.append(bench)
            monkeypatch.setattr(Device, "pin_factory", bench.factory)
            bench.keys.start()
            return bench

        yield make_bench
        for bench in made:
            bench.close()


@pytest.fixture
def bench(make):
    return make()


def test_all_sixteen_keys(bench):
    bench.desk.press(LAYOUT)
    digit = Full()  # no secret is asked for: nothing was written
    assert bench.take(16) == [
        *(digit, digit, digit, Agree()),
        *(digit, digit, digit, Previous()),
        *(digit, digit, digit, Next()),
        *(Clear(), digit, Validate(), Refuse()),
    ]
    assert bench.events.empty()
    assert bench.factory.shorts == 0


def values_in(objects):
    """Whatever could tell a digit: the check the next two tests share."""
    return [
        value
        for item in objects
        for value in (
            [getattr(item, field.name) for field in dataclasses.fields(item)]
            if dataclasses.is_dataclass(item)
            else [item]
        )
        if not isinstance(value, bool)
    ]


def test_digits_land_in_the_page_and_nowhere_else(bench, caplog):
    caplog.set_level(logging.DEBUG)
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.press("90351728")
    events = bench.take(8)
    assert events == [Digit()] * 8
    assert values_in(events) == []
    assert bench.secret.length(Slot.OLD) == 8
    assert caplog.text == ""
    holders = {**vars(bench.keys), **vars(bench.keys._typist)}
    held = {name: value for name, value in holders.items() if isinstance(value, (int, str, bytes, bytearray))}
    assert held == {"_closing": False, "_frozen": False, "_watching": False, "_layout": LAYOUT}
    assert bench.typed() == b"90351728"


def test_control_a_build_that_emits_values_is_found(bench, monkeypatch):
    act = Typist.act

    def leak(typist, key):
        act(typist, key)
        return key

    monkeypatch.setattr(Typist, "act", leak)
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.press("90")
    assert values_in(bench.take(2)) == ["9", "0"]


def test_star_empties_the_slot_in_place(bench):
    bench.keys.arm(Slot.NEW, 8)
    bench.desk.press("12*345")
    assert bench.take(6) == [Digit(), Digit(), Clear(), Digit(), Digit(), Digit()]
    assert bench.typed(Slot.NEW) == b"345"


def test_a_digit_beyond_the_maximum_writes_nothing(bench):
    bench.keys.arm(Slot.OLD, 4)
    bench.desk.press("123456")
    assert bench.take(6) == [Digit()] * 4 + [Full()] * 2
    assert bench.typed() == b"1234"


def test_validate_freezes_the_page_until_armed_again(bench):
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.press("123#4*5#D")
    assert bench.take(6) == [Digit()] * 3 + [Validate(), Validate(), Refuse()]
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.press("6")
    assert bench.take(1) == [Digit()]
    assert bench.typed() == b"1236"


def test_disarmed_digits_are_keys_without_effect(bench):
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.press("12")
    bench.keys.disarm()
    bench.desk.press("3*")
    assert bench.take(4) == [Digit(), Digit(), Full(), Clear()]
    assert bench.typed() == b"12"


def held(bench, keys):
    """Hold keys for a second and a scan, on the thread's own clock."""
    bench.desk.hold(keys)
    bench.clock.ahead += HELD_AFTER
    bench.desk.hold(keys)
    bench.desk.release()


@pytest.mark.parametrize(("key", "events"), [("A", [Agree(), AgreeHeld()]), ("C", [Next(), NextHeld()])])
def test_a_press_is_told_at_once_and_its_length_afterwards(bench, key, events):
    bench.desk.hold(key)
    assert bench.take(1) == events[:1]
    bench.clock.ahead += HELD_AFTER
    assert bench.take(1) == events[1:]
    bench.desk.release()
    held(bench, "5B#")
    held(bench, "B")
    held(bench, "D")
    assert bench.take(2) == [Previous(), Refuse()]
    assert bench.events.empty()


def test_no_keys_length_means_anything_while_a_secret_is_typed(bench):
    bench.keys.arm(Slot.OLD, 8)
    for key in "A1C":
        held(bench, key)
    assert bench.take(3) == [Agree(), Digit(), Next()]
    assert bench.events.empty()
    assert bench.typed() == b"1"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [("1234", "1234", Same()), ("1234", "1235", Validate()), ("12345678", "1234", Validate()), ("", "1", Validate())],
)
def test_the_new_code_is_compared_with_the_old_one_in_the_page(bench, old, new, told):
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.press(f"{old}#")
    bench.keys.arm(Slot.NEW, 8, fresh=True)
    bench.desk.press(f"{new}#")
    events = bench.take(len(old) + len(new) + 2)
    assert [event for event in events if not isinstance(event, Digit)] == [Validate(), told]


@pytest.mark.parametrize(
    ("again", "told"),
    [("5678", Validate()), ("5679", Differ()), ("567", Differ()), ("56789", Differ()), ("", Differ())],
)
def test_the_repeated_code_is_compared_in_the_page(bench, again, told):
    bench.keys.arm(Slot.NEW, 8, fresh=True)
    bench.desk.press("5678#")
    bench.keys.arm(Slot.AGAIN, 8, fresh=True)
    bench.desk.press(f"{again}#")
    assert bench.take(6 + len(again))[-1] == told
    assert values_in([told]) == []


def test_a_fresh_slot_is_empty_and_another_goes_on(bench):
    bench.keys.arm(Slot.NEW, 8)
    bench.desk.press("12#")
    bench.keys.arm(Slot.NEW, 8)
    bench.desk.press("3#")
    bench.keys.arm(Slot.NEW, 8, fresh=True)
    bench.desk.press("9")
    bench.take(6)
    assert bench.typed(Slot.NEW) == b"9"


def test_two_keys_in_a_column_are_refused(bench):
    bench.desk.hold("14")
    bench.desk.release()
    bench.desk.press("A")
    assert bench.take(1) == [Agree()]
    assert bench.events.empty()


def test_second_key_needs_a_release(bench):
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.hold("1")
    bench.desk.hold("12")
    bench.desk.hold("2")
    bench.desk.release()
    bench.desk.press("7")
    assert bench.take(3) == [Digit(), Clear(), Digit()]
    assert bench.typed() == b"7"  # the 2 was not seen alone: what was typed no longer is what was pressed


def test_three_keys_of_a_rectangle_show_four_and_none_counts(bench):
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.ghost("125")
    with bench.factory.copper:
        row = bench.factory.pin(ROWS[1])
        others = [bench.factory.pin(gpio) for gpio in ROWS if gpio != ROWS[1]]
        for pin in others:
            pin.function = "input"
        row.output_with_state(False)
        assert [bench.factory.pin(gpio).state for gpio in COLUMNS] == [False, False, True, True]  # 4 and 5
        row.function = "input"
    bench.desk.release()
    bench.desk.press("#")
    assert bench.take(2) == [Clear(), Validate()]
    assert bench.events.empty()
    assert bench.secret.length(Slot.OLD) == 0
    assert bench.factory.shorts == 0


def test_bounce_is_one_key(monkeypatch):
    """The switch opens and closes between scans, five times at each end of the press."""
    secret, events, freed = Secret(), queue.Queue(), threading.Event()
    scans = iter([1, 0] * 5 + [1] * 5 + [0, 1] * 5 + [0] * 4)

    def bounce(report):
        if report[:1] == b"P" and report[1:] == bytes([ROWS[3], RELEASED]):
            closed = next(scans, None)
            if closed is None:
                freed.set()
            else:
                factory.close_switches(closed)

    factory = BenchFactory(ROWS, COLUMNS, bounce)
    monkeypatch.setattr(Device, "pin_factory", factory)
    keys = Keys(ROWS, COLUMNS, LAYOUT, secret, events.put)
    keys.arm(Slot.OLD, 8)
    keys.start()
    assert freed.wait(TIMEOUT)
    keys.close()
    assert [events.get_nowait()] == [Digit()]
    assert events.empty()
    assert secret.length(Slot.OLD) == 1
    secret.close()


def test_stuck_key_is_a_fault_until_it_is_free(bench):
    bench.desk.hold("5")
    assert bench.take(1) == [Full()]
    bench.clock.ahead += 10.5
    assert bench.take(1) == [KeyFault()]
    bench.desk.hold("5#")
    bench.desk.release()
    bench.desk.press("D")
    assert bench.take(2) == [KeyFault(ok=True), Refuse()]
    assert bench.events.empty()


def test_no_edge_is_watched_while_a_secret_is_typed(bench):
    bench.desk.press("A")  # wakes by its edge
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.press("1")
    watched = [bench.factory.pin(gpio).when_changed for gpio in COLUMNS]
    assert watched == [None] * 4
    bench.keys.disarm()
    bench.desk.press("B")  # wakes by its edge again
    assert bench.take(3) == [Agree(), Digit(), Previous()]


def test_no_time_of_a_key_is_kept(bench):
    bench.keys.arm(Slot.OLD, 8)
    bench.desk.press("1234")
    devices = [*bench.keys._rows, *bench.keys._columns]
    assert {type(device) for device in devices} == {InputDevice}
    assert not any(hasattr(device, "_last_changed") for device in devices)
    assert not any(bench.factory.pin(gpio).states for gpio in (*ROWS, *COLUMNS))


def test_at_rest_nothing_is_scanned(bench):
    bench.desk.press("A")
    bench.desk.release()  # returns at once: the rows are low and stay so
    assert bench.desk.scans == 0
    bench.desk.press("B")
    assert bench.take(2) == [Agree(), Previous()]


def test_at_rest_every_row_is_low_and_every_column_is_watched(bench):
    resting = threading.Event()
    beat = bench.keys.pulse.beat
    bench.keys.pulse.beat = lambda: (beat(), resting.set())
    bench.desk.press("A")
    assert bench.take(1) == [Agree()]
    bench.desk.release()  # returns when the rows are low again: at rest
    with bench.factory.copper:
        rows = [bench.factory.pin(gpio) for gpio in ROWS]
        columns = [bench.factory.pin(gpio) for gpio in COLUMNS]
        assert [(row.function, row.state) for row in rows] == [("output", 0)] * 4
        assert [(column.function, column.pull, column.state) for column in columns] == [("input", "up", True)] * 4
    assert wait_until(lambda: all(column.when_changed is not None for column in columns))


def wait_until(true):
    """Look again whenever the thread under test may have gone on, for as long as a test may wait."""
    tick, tries = threading.Event(), 1000
    return any(true() or tick.wait(TIMEOUT / tries) for _ in range(tries)) and true()


class Recorded(BenchFactory):
    """The bench's pins, with every operation of the keypad thread on them, and what stood on the rows meanwhile."""

    def __init__(self):
        super().__init__(ROWS, COLUMNS, lambda _: None)
        self.done = []
        self.scans = []

    def record(self, what, gpio):
        if threading.current_thread().name == "keys":
            self.done.append((what, gpio))

    def make(self, monkeypatch):
        watch = BenchPin.output_with_state, BenchPin._set_function, BenchPin._get_state, BenchPin._set_when_changed
        drive, function, state, changed = watch

        def output_with_state(pin, level):
            self.record("low" if not level else "high", _gpio(pin))
            drive(pin, level)

        def set_function(pin, value):
            self.record(value, _gpio(pin))
            function(pin, value)

        def get_state(pin):
            # a row's own level is read by the bench, for its report
            if threading.current_thread().name == "keys" and _gpio(pin) in COLUMNS:
                rows = [self.pin(gpio) for gpio in ROWS]
                self.scans.append([(row.function, row._state) for row in rows])
                masked = all(self.pin(gpio)._when_changed is None for gpio in COLUMNS)
                self.record("read" if masked else "read with edges on", _gpio(pin))
            return state(pin)

        def set_changed(pin, value):
            self.record("watch" if value else "mask", _gpio(pin))
            changed(pin, value)

        monkeypatch.setattr(BenchPin, "output_with_state", output_with_state)
        monkeypatch.setattr(BenchPin, "_set_function", set_function)
        monkeypatch.setattr(BenchPin, "function", property(BenchPin._get_function, set_function))
        monkeypatch.setattr(BenchPin, "_get_state", get_state)
        monkeypatch.setattr(BenchPin, "state", property(get_state, BenchPin._set_state))
        monkeypatch.setattr(BenchPin, "_set_when_changed", set_changed)
        monkeypatch.setattr(BenchPin, "when_changed", property(BenchPin._get_when_changed, set_changed))


SCAN = [op for row in ROWS for op in (("low", row), *(("read", column) for column in COLUMNS), ("input", row))]


@pytest.fixture
def recorded(monkeypatch):
    """A keypad on recorded pins, scanned by hand: the thread's own steps, one at a time."""
    factory = Recorded()
    factory.make(monkeypatch)
    monkeypatch.setattr(Device, "pin_factory", factory)
    monkeypatch.setattr(threading.current_thread(), "name", "keys")
    secret, events = Secret(), queue.Queue()
    keys = Keys(ROWS, COLUMNS, LAYOUT, secret, events.put)
    keys._thread = threading.Thread(target=lambda: None)
    keys.start()
    factory.done.clear()
    yield factory, keys, events
    keys.close()
    secret.close()


@pytest.mark.parametrize("closed", [0, *(1 << position for position in range(16)), 0b110011, 0xFFFF])
def test_a_scan_is_the_same_operations_whatever_is_pressed(recorded, closed):
    """One row low, the others inputs; all four rows and columns in one order; edges off; nothing else."""
    factory, keys, _ = recorded
    factory.close_switches(closed)
    factory.done.clear()
    keys._scan()
    assert factory.done == SCAN
    lows = [
        [gpio for gpio, (function, _) in zip(ROWS, rows, strict=True) if function == "output"] for rows in factory.scans
    ]
    assert lows == [[row] for row in ROWS for _ in COLUMNS]
    assert all(state == 0 for rows in factory.scans for function, state in rows if function == "output")
    assert factory.shorts == 0


def test_a_press_costs_the_same_for_every_key(recorded):
    """Pin operations, events and bytes of the page's bookkeeping: the count does not tell one key from another."""
    factory, keys, events = recorded
    costs = {}
    for position, key in enumerate(LAYOUT):
        keys.arm(Slot.OLD, 8, fresh=True)
        state, now = Debounce(), 0.0
        factory.done.clear()
        for closed in [0] * 3 + [1 << position] * 6 + [0] * 4:
            factory.close_switches(closed)
            state, event = state.feed(keys._scan(), now)
            keys._tell(event)
            now += 0.005
        costs[key] = (len(factory.done), events.qsize())
        events.get_nowait()
    assert set(costs.values()) == {(13 * len(SCAN), 1)}


def test_every_digit_sounds_the_same_and_marks_the_same(recorded):
    """What leaves the keypad is one value for all ten digits: no tone, mark or LED can differ by it."""
    _, keys, events = recorded
    told = []
    for digit in "0123456789":
        keys.arm(Slot.OLD, 8, fresh=True)
        keys._tell(KeyDown(LAYOUT.index(digit)))
        told.append(events.get_nowait())
    assert set(told) == {Digit()}


@pytest.mark.parametrize("armed", [True, False])
def test_close_is_immediate_and_leaves_inputs(bench, armed):
    if armed:
        bench.keys.arm(Slot.OLD, 8)
    bench.desk.press("1")
    bench.keys.close()
    assert not bench.keys._thread.is_alive()
    assert {bench.factory.pin(gpio).function for gpio in (*ROWS, *COLUMNS)} == {"input"}
    bench.keys.close()


def test_a_pin_in_use_is_said(bench):
    with pytest.raises(KeypadFault, match="keypad pins"):
        Keys(ROWS, COLUMNS, LAYOUT, bench.secret, bench.events.put).start()


def test_without_lgpio_the_keypad_says_so(monkeypatch):
    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setitem(sys.modules, "lgpio", None)
    with pytest.raises(KeypadFault, match="lgpio is not installed"):
        Keys(ROWS, COLUMNS, LAYOUT, None, print).start()


def test_lgpio_is_taken_and_no_other(monkeypatch):
    taken = object()
    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setitem(sys.modules, "lgpio", types.SimpleNamespace(error=RuntimeError))
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", types.SimpleNamespace(LGPIOFactory=lambda: taken))
    assert pin_factory() is taken
    assert Device.pin_factory is taken


def test_a_gpiochip_that_cannot_be_opened_is_said(monkeypatch):
    def refuse():
        raise RuntimeError("can not open gpiochip")

    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setitem(sys.modules, "lgpio", types.SimpleNamespace(error=RuntimeError))
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", types.SimpleNamespace(LGPIOFactory=refuse))
    with pytest.raises(KeypadFault, match="no GPIO: can not open gpiochip"):
        pin_factory()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_keypad_thread_that_dies_is_a_fault(make):
    class Dying(Keys):
        def _scan(self):
            raise OSError("gpiochip gone")

    bench = make(Dying)
    assert bench.take(1) == [KeyFault()]
