"""The desk and its end in the vault's process: switches, pixels, clock and faults over a real socket."""

import asyncio
import errno
import queue
import signal
import socket
import subprocess
import sys
import threading
import types

import pytest
import smbus2
from gpiozero import Device
from PIL import Image

from appliance import config as configuration
from appliance.errors import KeypadFault, SimulatorError
from appliance.keypad.entry import Agree, Full, Validate
from appliance.screen.fr import WORDS
from appliance.screen.screens import Start, render
from appliance.secret import Secret
from appliance.simulator import vault as bench
from appliance.simulator.clock import BenchLoop
from appliance.simulator.desk import Desk
from appliance.simulator.reading import read_lines
from appliance.vault.keys import Keys
from appliance.vault.oled import Oled

TIMEOUT = 10
CONFIG = configuration.parse('[device]\nid = "cps-desk"\n')
ADDRESS = CONFIG.display.address


def pattern(seed):
    """A frame that no other seed gives."""
    image = Image.new("1", (128, 64))
    for bit in range(16):
        if (seed + 1) >> bit & 1:
            image.paste(1, (bit * 8, bit * 4, bit * 8 + 5, 64))
    return image


def shows(seed):
    return lambda image: image.tobytes() == pattern(seed).tobytes()


class Service:
    """A vault in miniature, in a thread of this process: keypad, display and one timer."""

    def __init__(self, path):
        self.path = path
        self.ready = threading.Event()
        self.events = []
        self.happened = threading.Condition()
        self.code = None
        self.loop = None
        self.thread = threading.Thread(target=self._play)
        self.thread.start()

    def _play(self):
        self.code = bench.serve(self.path, CONFIG, self.run)

    async def run(self, config):
        self.loop = asyncio.get_running_loop()
        self.stop = asyncio.Event()
        secret = Secret()
        keypad, display = config.keypad, config.display
        self.keys = Keys(
            keypad.rows, keypad.columns, keypad.layout, secret, self._note, clock=asyncio.get_running_loop().time
        )
        self.oled = Oled(
            display.driver, display.port, display.address, lambda answers: self._note(("display", answers))
        )
        self.keys.start()
        self.ready.set()
        try:
            await self.stop.wait()
        finally:
            self.keys.close()
            self.oled.close()
            secret.close()
        return 0

    def _note(self, event):
        with self.happened:
            self.events.append(event)
            self.happened.notify_all()

    def wait(self, event):
        with self.happened:
            assert self.happened.wait_for(lambda: event in self.events, TIMEOUT), self.events

    def end(self):
        if self.thread.is_alive() and self.loop is not None and self.ready.is_set():
            self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(TIMEOUT)


@pytest.fixture(autouse=True)
def _restore(monkeypatch):
    """``serve`` installs pins and bus for its process, which here is the tests'."""
    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setattr(smbus2, "SMBus", smbus2.SMBus)


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path / "desk") as desk:
        yield desk


@pytest.fixture
def service(desk):
    service = Service(desk.path)
    assert service.ready.wait(TIMEOUT)
    yield service
    service.end()


# --- keys and pixels --------------------------------------------------------------------------------------------------


def test_keys_reach_the_vault(desk, service):
    desk.press("1A#")
    service.wait(Validate())
    assert [event for event in service.events if not isinstance(event, tuple)] == [Full(), Agree(), Validate()]


def test_frames_come_back_as_pixels(desk, service):
    service.oled.show(pattern(0))
    desk.wait_picture(shows(0))
    seen = queue.Queue()
    desk.on_frame = seen.put
    for seed in range(1, 5):
        before = desk.frames
        service.oled.show(pattern(seed))
        assert desk.wait_frames(since=before) == before + 1
        assert shows(seed)(desk.frame())
        assert shows(seed)(seen.get(timeout=TIMEOUT))


def test_a_frame_is_a_copy(desk, service):
    service.wait(("display", True))
    service.oled.show(pattern(1))
    desk.wait_picture(shows(1))
    desk.frame().paste(0, (0, 0, 128, 64))
    assert desk.frame().tobytes() == pattern(1).tobytes()


def test_bytes_and_transactions_are_counted(desk, service):
    service.wait(("display", True))
    service.oled.show(pattern(1))
    desk.wait_picture(shows(1))
    before = desk.written
    service.oled.show(pattern(2))
    desk.wait_picture(shows(2))
    # one window of 43 columns' bytes, then DISPLAYON
    assert (desk.written[0] - before[0], desk.written[1] - before[1]) == (53, 3)


def test_display_errors_are_made_and_heal(desk, service):
    service.wait(("display", True))
    desk.fail_display(errno.EREMOTEIO, writes=2)
    service.oled.show(pattern(7))
    service.wait(("display", False))
    with service.happened:
        assert service.happened.wait_for(lambda: service.events.count(("display", True)) == 2, TIMEOUT)
    desk.wait_picture(shows(7))


def test_wait_for_reads_the_pixels(desk, service, monkeypatch):
    def numbers(image):
        seed = next((seed for seed in range(9) if image.tobytes() == pattern(seed).tobytes()), None)
        return [] if seed is None else ["picture", f"number {seed}"]

    monkeypatch.setattr("appliance.simulator.sight.read_lines", numbers)
    service.oled.show(pattern(3))
    assert desk.wait_for("number 3") == ["picture", "number 3"]
    assert desk.wait_for("picture number 3") == desk.lines()
    service.oled.show(pattern(4))
    assert desk.wait_for(lambda lines: lines[1:] == ["number 4"])
    with pytest.raises(SimulatorError, match=r"never showed 'number 5', but: \['picture', 'number 4'\]"):
        desk.wait_for("number 5", timeout=0)


def test_light_outputs_and_waits_for_them_are_bounded(desk, wire):
    assert desk.light is None
    wire.send(bytes([ord("I"), ADDRESS, 0x00, 0x81, 0x4F, 0xAF]))
    desk.wait_light(0x4F)
    wire.send(b"P\x11\x01")
    desk.wait_output({17: 1, 18: 2})
    assert desk.output(17) == (1, 1)
    with pytest.raises(SimulatorError, match="light is 79, not 207"):
        desk.wait_light(0xCF, timeout=0)
    with pytest.raises(SimulatorError, match=r"never were so: \{17: 0\}"):
        desk.wait_output({17: 0}, timeout=0)


def test_case_and_button_reach_the_vaults_pins(desk, service):
    levels = []
    for gpio in (CONFIG.signals.tamper, CONFIG.signals.button):
        pin = Device.pin_factory.pin(gpio)
        pin.input_with_pull("up")
        levels.append(lambda pin=pin: bool(pin.state))
    case, button = levels
    assert (case(), button()) == (False, True)  # a closed case ties its pin to ground, a button at rest does not
    desk.open_case()
    desk.push()
    assert (case(), button()) == (True, False)
    desk.open_case(opened=False)
    desk.push(pressed=False)
    assert (case(), button()) == (False, True)


def test_threads_are_told_by_name(desk, service):
    names = desk.threads()
    assert {"keys", "oled", "desk"} <= set(names.values())
    assert set(names) >= {thread.native_id for thread in threading.enumerate() if thread.name == "keys"}


def test_a_screen_is_read_off_the_glass(desk, service):
    service.oled.show(render(Start("9.8.7"), WORDS))
    lines = desk.wait_for("9.8.7")
    assert desk.lines() == lines
    assert lines == read_lines(render(Start("9.8.7"), WORDS))


# --- clock ------------------------------------------------------------------------------------------------------------


def test_thirty_seconds_pass_without_waiting(desk, service):
    fired = threading.Event()

    async def begin():
        service.loop.call_later(30, fired.set)
        return service.loop.time()

    started = asyncio.run_coroutine_threadsafe(begin(), service.loop).result(TIMEOUT)
    desk.advance(29)
    assert not fired.is_set()
    desk.advance(2)
    assert fired.wait(TIMEOUT)
    assert 31 <= service.loop.time() - started < 31 + TIMEOUT


def test_timers_fire_in_order():
    with asyncio.Runner(loop_factory=BenchLoop) as runner:

        async def play():
            loop, order = asyncio.get_running_loop(), []
            done = asyncio.Event()
            for seconds in (60, 15, 30):
                loop.call_later(seconds, order.append, seconds)
            loop.call_later(61, done.set)
            loop.advance(62)
            await asyncio.wait_for(done.wait(), 600)
            return order

        assert runner.run(play()) == [15, 30, 60]


def test_time_does_not_run_backwards():
    loop = BenchLoop()
    with pytest.raises(ValueError, match="backwards"):
        loop.advance(-1)
    loop.close()


# --- ends and beginnings ----------------------------------------------------------------------------------------------


def test_the_desk_gone_ends_the_vault(desk, service, caplog):
    desk.close()
    service.thread.join(TIMEOUT)
    assert service.code == bench.NO_DESK
    assert "the desk is gone" in caplog.text


def test_a_vault_that_ends_by_itself_keeps_its_code(desk, service):
    service.end()
    assert service.code == 0
    desk.wait_vault(connected=False)


def test_a_second_vault_finds_the_switches_as_they_are(desk):
    first = Service(desk.path)
    assert first.ready.wait(TIMEOUT)
    desk.hold("A")
    first.end()
    desk.wait_vault(connected=False)
    second = Service(desk.path)
    second.wait(Agree())
    desk.release()
    desk.press("#")
    second.wait(Validate())
    second.end()


def test_why_a_vault_does_not_start(tmp_path, monkeypatch, caplog):
    async def fail(_config):
        raise KeypadFault("a pin is taken")

    monkeypatch.setitem(sys.modules, "appliance.vault.service", types.SimpleNamespace(run=fail))
    file = tmp_path / "appliance.toml"
    file.write_text('[device]\nid = "cps-desk"\n')
    assert bench.main([str(tmp_path / "nobody"), "--config", str(file)]) == bench.NO_DESK
    assert "simulator-fault: no desk" in caplog.text
    with Desk(tmp_path / "desk"):
        assert bench.main([str(tmp_path / "desk"), "--config", str(file)]) == 1
    assert "keypad-fault: a pin is taken" in caplog.text
    file.write_text("")
    assert bench.main([str(tmp_path / "nobody"), "--config", str(file)]) == 2


PROCESS = """
import asyncio, sys
from pathlib import Path
from PIL import Image
from appliance import config
from appliance.simulator.vault import serve
from appliance.vault.oled import Oled

async def run(_config):
    oled = Oled("ssd1306", 1, 0x3C, lambda answers: None)
    oled.show(Image.new("1", (128, 64), 1))
    await asyncio.Event().wait()

sys.exit(serve(Path(sys.argv[1]), config.parse('[device]\\nid = "cps-desk"\\n'), run))
"""


def test_a_vault_killed_and_started_again_in_its_own_process(desk):
    white = Image.new("1", (128, 64), 1).tobytes()
    for ending in ("killed", "hung up"):
        with subprocess.Popen([sys.executable, "-c", PROCESS, str(desk.path)]) as process:
            desk.wait_vault()  # the glass keeps the picture of a vault that was killed
            desk.wait_picture(lambda image: image.tobytes() == white)
            if ending == "killed":
                process.send_signal(signal.SIGKILL)
                assert process.wait(TIMEOUT) == -signal.SIGKILL
            else:
                desk.hang_up()
                assert process.wait(TIMEOUT) == bench.NO_DESK
        desk.wait_vault(connected=False)


def test_waits_are_bounded_and_say_why(desk):
    with pytest.raises(SimulatorError, match="no vault"):
        desk.wait_vault(0)
    with pytest.raises(SimulatorError, match="frames did not come"):
        desk.wait_frames(timeout=0)
    with pytest.raises(SimulatorError, match="no key 'x'"):
        desk.press("x")


@pytest.fixture
def wire(desk):
    """The vault's end, played by hand."""
    wire = bench.Wire(desk.path)
    assert wire.receive() == b"K\0\0"
    yield wire
    wire.hang_up()
    wire.close()


def test_a_vault_that_does_not_scan_is_said(desk, wire, monkeypatch):
    monkeypatch.setattr("appliance.simulator.desk.TIMEOUT", 0.05)
    with pytest.raises(SimulatorError, match="does not answer"):
        desk.advance(1)
    wire.send(b"K\0\0")
    wire.send(b"C\0\0\x03\xe8")
    wire.send(b"K\0\x01")
    with pytest.raises(SimulatorError, match="not scanned"):
        desk.press("1")


def test_scans_count_only_behind_the_switches_in_force(desk, wire):
    """Reports on their way when a switch moves were made with the old switches."""
    wire.send(b"K\0\0")
    sweep = [bytes([ord("P"), gpio, level]) for gpio in CONFIG.keypad.rows for level in (0, 2)]
    held = threading.Thread(target=desk.hold, args=("1",))
    held.start()
    assert wire.receive() == b"K\0\x01"
    # three scans too early, one that the switches moved in (first row already low), two and most of a third behind
    for report in [*sweep * 3, sweep[0], b"K\0\x01", *sweep[1:], *sweep * 2, *sweep[:-1]]:
        wire.send(report)
    wire.send(b"I\x00")  # another address: nobody's picture
    held.join(0.05)
    assert held.is_alive()
    wire.send(sweep[-1])
    held.join(TIMEOUT)
    assert not held.is_alive()


def test_nonsense_on_the_display_ends_every_wait(desk, wire):
    wire.send(bytes([ord("I"), ADDRESS, 0x00, 0xFF]))
    with pytest.raises(SimulatorError, match="unknown command ff"):
        desk.wait_frames()


def test_unknown_messages_of_the_desk_are_said(caplog):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    wire = bench.Wire.__new__(bench.Wire)
    wire._socket, wire.gone = ours, False
    played = bench.Bench(wire, CONFIG)
    played._ended.set()
    theirs.send(b"Z?")
    theirs.close()
    played._obey(None, None)
    assert "unknown message" in caplog.text
    assert not wire.send(b"P")
    wire.close()


def test_the_path_must_be_free(tmp_path):
    (tmp_path / "desk").touch()
    with pytest.raises(SimulatorError, match="desk"):
        Desk(tmp_path / "desk").start()


def test_only_this_user_may_connect(desk):
    assert desk.path.stat().st_mode & 0o777 == 0o600
