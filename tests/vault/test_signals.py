"""LED, buzzer, relay, tamper switch and button, on real gpiozero with the desk's pins."""

import queue
import threading

import pytest
from gpiozero import Device, OutputDevice
from msgspec.structs import replace

from appliance.config import parse
from appliance.errors import KeypadFault
from appliance.simulator.pins import HIGH, LOW, RELEASED, BenchFactory
from appliance.vault import blank, signals
from appliance.vault.lamps import BLUE, DARK, GREEN, RED, WHITE, Lamp, Tone
from appliance.vault.signals import ButtonChanged, Signals, SignalsFault, TamperChanged, shut_door

TIMEOUT = 10
CONFIG = parse('[device]\nid = "cps-signals"\n')
WIRING, DOOR = CONFIG.signals, CONFIG.door
LED = (WIRING.red, WIRING.green, WIRING.blue)
RELAY, BUZZER = DOOR.relay, WIRING.buzzer
OUTPUTS = (*LED, RELAY, BUZZER)
SHORT = 0.5
"""Seconds of a pulse: the shortest that a configuration may ask for."""


class Board:
    """The bench's pins, what they did, and what the signals' thread says."""

    def __init__(self):
        self.reports = []
        self.happened = threading.Condition()
        self.factory = BenchFactory((), (), self._take)
        self.factory.ground(WIRING.tamper, True)
        self.said = queue.Queue()
        self.signals = None

    def _take(self, report):
        with self.happened:
            assert report[:1] == b"P"
            self.reports.append((report[1], report[2]))
            self.happened.notify_all()

    def start(self, wiring=WIRING, door=DOOR):
        self.signals = Signals(wiring, door, self.said.put)
        self.signals.start()
        return self.signals

    def history(self, *gpios):
        with self.happened:
            return [level for gpio, level in self.reports if gpio in gpios]

    def levels(self):
        with self.happened:
            return dict(self.reports)

    def wait(self, reached):
        with self.happened:
            assert self.happened.wait_for(reached, TIMEOUT), self.reports

    def wait_levels(self, **wanted):
        names = {"relay": RELAY, "buzzer": BUZZER}
        self.wait(lambda: all(dict(self.reports).get(names[name]) == level for name, level in wanted.items()))

    def wait_colour(self, colour):
        self.wait(lambda: tuple(dict(self.reports).get(gpio) == HIGH for gpio in LED) == colour)

    def hear(self):
        return self.said.get(timeout=TIMEOUT)


@pytest.fixture
def board(monkeypatch):
    board = Board()
    monkeypatch.setattr(Device, "pin_factory", board.factory)
    yield board
    if board.signals is not None:
        board.signals.close()


def test_every_output_is_low_from_the_start_and_given_back_low(board):
    board.start()
    assert board.levels() == dict.fromkeys(OUTPUTS, LOW)
    assert board.reports[0] == (RELAY, LOW)  # the door before everything else
    board.signals.show(Lamp(WHITE))
    board.wait_colour(WHITE)
    assert board.signals.open_door()
    board.wait_levels(relay=HIGH)
    board.signals.close()
    assert board.levels() == dict.fromkeys(OUTPUTS, RELEASED)
    for gpio in OUTPUTS:
        assert board.history(gpio)[-2:] == [LOW, RELEASED]
    assert not board.signals._thread.is_alive()


def test_the_lamp_shows_colours(board):
    board.start()
    for colour in (RED, GREEN, BLUE, WHITE, DARK):
        board.signals.show(Lamp(colour))
        board.wait_colour(colour)


def test_a_lamp_blinks_by_itself_and_the_same_one_is_not_disturbed(board):
    board.start()
    board.signals.show(Lamp(GREEN, (0.05, 0.05)))
    board.wait(lambda: board.history(WIRING.green).count(HIGH) >= 2)
    began = board.signals._lamp_since
    board.signals.show(Lamp(GREEN, (0.05, 0.05)))
    assert board.signals._lamp_since == began
    board.wait(lambda: board.history(WIRING.green).count(HIGH) >= 4)
    assert HIGH not in board.history(WIRING.red, WIRING.blue)


def test_the_buzzer_says_a_tone_once(board):
    board.start()
    board.signals.say(Tone.CALL)
    board.wait(lambda: board.history(BUZZER) == [LOW, HIGH, LOW, HIGH, LOW])
    board.signals.say(Tone.KEY)
    board.wait(lambda: board.history(BUZZER) == [LOW, HIGH, LOW, HIGH, LOW, HIGH, LOW])


def test_a_tone_takes_the_place_of_another(board):
    board.start()
    board.signals.say(Tone.BAD)
    board.wait_levels(buzzer=HIGH)
    board.signals.say(Tone.KEY)
    board.wait_levels(buzzer=LOW)
    assert board.history(BUZZER) == [LOW, HIGH, LOW]


def test_a_pulse_opens_the_door_once_and_ends_by_itself(board):
    board.start(door=replace(DOOR, pulse=SHORT))
    assert board.signals.open_door()
    board.wait_levels(relay=HIGH)
    assert not any(board.signals.open_door() for _ in range(100))  # no number of calls holds it open
    board.wait_levels(relay=LOW)
    assert board.history(RELAY) == [LOW, HIGH, LOW]
    assert board.signals.open_door()
    board.wait(lambda: board.history(RELAY) == [LOW, HIGH, LOW, HIGH])


def test_a_pulse_is_as_long_as_configured_and_no_longer(board):
    """By a clock of the test's: the pulse ends when its seconds are over, not before."""
    time = [100.0]
    board.signals = Signals(WIRING, DOOR, board.said.put, clock=lambda: time[0])
    board.signals.start()
    assert board.signals.open_door()
    board.wait_levels(relay=HIGH)
    assert board.signals._step(100.0 + DOOR.pulse - 0.01) == pytest.approx(0.01)
    assert dict(board.reports)[RELAY] == HIGH
    time[0] = 100.0 + DOOR.pulse
    board.signals._wake.set()
    board.wait_levels(relay=LOW)


def test_a_closed_box_opens_no_door(board):
    board.start()
    board.signals.close()
    assert not board.signals.open_door()
    assert HIGH not in board.history(RELAY)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_shuts_the_door(board, monkeypatch):
    board.start()
    assert board.signals.open_door()
    board.wait_levels(relay=HIGH)

    def die(_lamp, _since):
        raise ZeroDivisionError

    monkeypatch.setattr(Lamp, "phase", die)
    board.signals.show(Lamp(RED))
    board.wait_levels(relay=LOW)
    board.signals._thread.join(TIMEOUT)
    assert not board.signals._thread.is_alive()


def test_the_case_opened_and_closed_and_bouncing_between(board):
    board.start()
    for _ in range(20):
        board.factory.ground(WIRING.tamper, False)
        board.factory.ground(WIRING.tamper, True)
    board.factory.ground(WIRING.tamper, False)
    assert board.hear() == TamperChanged(opened=True)
    board.factory.ground(WIRING.tamper, True)
    assert board.hear() == TamperChanged(opened=False)
    assert board.said.empty()


def test_a_case_that_is_open_from_the_start_is_said(board):
    board.factory.ground(WIRING.tamper, False)
    board.start()
    assert board.hear() == TamperChanged(opened=True)


def test_a_box_without_a_tamper_switch_has_none(board):
    board.factory.ground(WIRING.tamper, False)
    board.start(replace(WIRING, tamper_switch=False))
    board.factory.ground(WIRING.button, True)
    assert board.hear() == ButtonChanged(pressed=True)
    assert WIRING.tamper not in {int(pin.info.name[4:]) for pin in board.factory.pins.values()}


def test_the_panel_button(board):
    board.start()
    board.factory.ground(WIRING.button, True)
    assert board.hear() == ButtonChanged(pressed=True)
    board.factory.ground(WIRING.button, False)
    assert board.hear() == ButtonChanged(pressed=False)


@pytest.mark.parametrize("gpio", [RELAY, *LED, BUZZER, WIRING.tamper, WIRING.button])
def test_a_pin_that_is_taken_is_said_and_leaves_every_other_low(board, gpio):
    taken = OutputDevice(gpio)
    with pytest.raises(SignalsFault, match="signal pins"):
        board.start()
    board.signals.close()
    taken.close()
    assert set(board.levels().values()) == {RELEASED}
    assert HIGH not in board.history(*OUTPUTS)
    board.start()  # nothing is held any more
    assert {gpio: board.levels()[gpio] for gpio in OUTPUTS} == dict.fromkeys(OUTPUTS, LOW)


def test_close_before_the_start_is_harmless(board):
    Signals(WIRING, DOOR, board.said.put).close()
    assert board.reports == []


# --- afterwards -------------------------------------------------------------------------------------------------------


def test_the_door_that_a_killed_vault_left_open_is_shut(board):
    pin = board.factory.pin(RELAY)
    pin.output_with_state(True)  # as the kernel leaves it: driven, and nobody's
    shut_door(RELAY)
    assert board.history(RELAY) == [HIGH, LOW, RELEASED]


def test_a_relay_that_another_holds_is_said(board):
    taken = OutputDevice(RELAY)
    with pytest.raises(SignalsFault, match="relay"):
        shut_door(RELAY)
    taken.close()


@pytest.fixture
def steps(monkeypatch):
    done = []
    monkeypatch.setattr(signals, "shut_door", lambda gpio: done.append(("door", gpio)))
    monkeypatch.setattr(blank.oled, "blank", lambda *display: done.append(("display", *display)))
    return done


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "appliance.toml"
    file.write_text('[device]\nid = "cps-signals"\n')
    return file


def test_afterwards_the_door_is_shut_and_the_display_dark(steps, file):
    assert blank.main(["--config", str(file)]) == 0
    assert steps == [("door", RELAY), ("display", "ssd1306", 1, 0x3C)]


def test_afterwards_the_display_goes_dark_also_when_the_door_cannot_be_had(steps, file, monkeypatch, caplog):
    def absent(_gpio):
        raise KeypadFault("no GPIO")

    monkeypatch.setattr(signals, "shut_door", absent)
    assert blank.main(["--config", str(file)]) == 1
    assert [step[0] for step in steps] == ["display"]
    assert "keypad-fault: no GPIO" in caplog.text


def test_afterwards_a_configuration_that_cannot_be_used_is_said(steps, tmp_path, caplog):
    assert blank.main(["--config", str(tmp_path / "nothing.toml")]) == 2
    assert steps == []
    assert "config-invalid" in caplog.text
