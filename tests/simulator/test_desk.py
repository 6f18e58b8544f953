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
from appliance.errors import SimulatorError
from appliance.keypad.entry import Agree, Full, Validate
from appliance.secret import Secret
from appliance.simulator import vault as bench
from appliance.simulator.clock import BenchLoop
from appliance.simulator.desk import Desk, terminal
from appliance.simulator.display import Panel
from appliance.simulator.pins import BenchFactory
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
    assert (desk.written[0] - before[0], desk.written[1] - before[1]) == (1034, 2)


def test_display_errors_are_made_and_heal(desk, service):
    service.wait(("display", True))
    desk.fail_display(errno.EREMOTEIO, writes=2)
    service.oled.show(pattern(7))
    service.wait(("display", False))
    with service.happened:
        assert service.happened.wait_for(lambda: service.events.count(("display", True)) == 2, TIMEOUT)
    desk.wait_picture(shows(7))


def test_wait_for_reads_the_pixels(desk, service, monkeypatch):
    def read_lines(image):
        seed = next((seed for seed in range(9) if image.tobytes() == pattern(seed).tobytes()), None)
        return [] if seed is None else ["picture", f"number {seed}"]

    reading = types.ModuleType("appliance.simulator.reading")
    reading.read_lines = read_lines
    monkeypatch.setitem(sys.modules, reading.__name__, reading)
    service.oled.show(pattern(3))
    assert desk.wait_for("number 3") == ["picture", "number 3"]
    assert desk.wait_for("picture number 3") == desk.lines()
    service.oled.show(pattern(4))
    assert desk.wait_for(lambda lines: lines[1:] == ["number 4"])
    with pytest.raises(SimulatorError, match=r"never showed 'number 5', but: \['picture', 'number 4'\]"):
        desk.wait_for("number 5", timeout=0)


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


def test_no_desk_no_vault(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "appliance.vault.service", types.SimpleNamespace(run=None))
    file = tmp_path / "appliance.toml"
    file.write_text('[device]\nid = "cps-desk"\n')
    assert bench.main([str(tmp_path / "nobody"), "--config", str(file)]) == bench.NO_DESK
    assert "simulator-fault: no desk" in caplog.text
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


# --- the panel --------------------------------------------------------------------------------------------------------

UPRIGHT = bytes.fromhex("00 a1 c8 af")


def lit(panel):
    image = panel.image()
    return {(x, y) for x in range(128) for y in range(64) if image.getpixel((x, y))}


def test_window_update_touches_only_its_window():
    panel = Panel()
    panel.write(UPRIGHT)
    panel.write(bytes.fromhex("00 20 00 21 0a 0b 22 02 03"))
    assert panel.write(bytes.fromhex("40 01 80 00 ff"))
    assert panel.frames == 1
    assert lit(panel) == {(10, 16), (11, 23), *((11, y) for y in range(24, 32))}


def test_vertical_addressing_goes_down_first():
    panel = Panel()
    panel.write(UPRIGHT + bytes.fromhex("20 01 21 00 01 22 00 01"))
    panel.write(bytes.fromhex("40 01 02 04 08"))
    assert lit(panel) == {(0, 0), (0, 9), (1, 2), (1, 11)}
    assert panel.frames == 1


@pytest.mark.parametrize(("driver", "column"), [("ssd1306", "04 10"), ("sh1106", "06 10")])
def test_page_addressing_with_column_nibbles(driver, column):
    panel = Panel(driver)
    panel.write(UPRIGHT)
    panel.write(bytes.fromhex("00 20 02 b7" + column))
    panel.write(bytes.fromhex("40 81"))
    assert lit(panel) == {(4, 56), (4, 63)}


def test_off_inverse_all_on_and_mounting():
    panel = Panel()
    panel.write(UPRIGHT + bytes.fromhex("21 00 00 22 00 00"))
    panel.write(bytes.fromhex("40 01"))
    assert lit(panel) == {(0, 0)}
    assert panel.write(bytes.fromhex("00 a7"))
    assert len(lit(panel)) == 128 * 64 - 1
    assert panel.write(bytes.fromhex("00 a6 a0 c0"))
    assert lit(panel) == {(127, 63)}
    assert panel.write(bytes.fromhex("00 a5"))
    assert len(lit(panel)) == 128 * 64
    assert panel.write(bytes.fromhex("00 ae"))
    assert lit(panel) == set()
    assert not panel.write(bytes.fromhex("00 81 7f 40 e3"))


def test_operands_may_come_in_another_transaction():
    panel = Panel()
    panel.write(bytes.fromhex("00 21 03"))
    panel.write(bytes.fromhex("00 05 22 00 00 a1 c8 af"))
    panel.write(bytes.fromhex("40 01 01 01"))
    assert lit(panel) == {(3, 0), (4, 0), (5, 0)}


@pytest.mark.parametrize("nonsense", ["", "17", "00 ff", "00 21 05 03", "00 21 00 80", "00 22 00 08"])
def test_what_no_panel_understands_is_an_error(nonsense):
    with pytest.raises(SimulatorError):
        Panel().write(bytes.fromhex(nonsense))


def test_sh1106_forgets_what_is_behind_its_last_column():
    panel = Panel("sh1106")
    panel.write(UPRIGHT)
    for page in range(8):
        panel.write(bytes([0x00, 0xB0 + page, 0x02, 0x10]))
        panel.write(bytes([0x40]) + b"\xff" * 140)
    assert panel.frames == 1
    assert len(lit(panel)) == 128 * 64


def test_a_terminal_shows_two_pixels_a_character():
    image = Image.new("1", (128, 64))
    for at in ((0, 0), (1, 1), (2, 0), (2, 1), (127, 63)):
        image.putpixel(at, 1)
    rows = terminal(image).split("\n")
    assert (len(rows), {len(row) for row in rows}) == (32, {128})
    assert rows[0][:4] == "▀▄█ "
    assert rows[31][-1] == "▄"
    assert terminal(image.crop((0, 0, 3, 1))) == "▀ ▀"


# --- the copper -------------------------------------------------------------------------------------------------------


def test_copper_joins_rows_and_columns():
    reports = []
    factory = BenchFactory((5, 6), (12, 16), reports.append)
    rows, columns = ([factory.pin(gpio) for gpio in gpios] for gpios in ((5, 6), (12, 16)))
    for column in columns:
        column.input_with_pull("up")
    factory.close_switches(0b0111)  # three corners
    rows[0].output_with_state(False)
    assert [column.state for column in columns] == [False, False]
    rows[0].function = "input"
    rows[1].output_with_state(False)
    assert [column.state for column in columns] == [False, False]  # the ghost
    assert reports == [b"K\0\x07", b"P\x05\0", b"P\x05\x02", b"P\x06\0"]
    assert factory.shorts == 0
    rows[0].output_with_state(True)
    assert factory.shorts == 1


def test_a_column_without_pull_keeps_its_level():
    factory = BenchFactory((5,), (12,), [].append)
    column = factory.pin(12)
    column.input_with_pull("floating")
    before = column.state
    factory.close_switches(1)
    assert column.state == before
    row = factory.pin(5)
    row.output_with_state(True)
    assert column.state
    row.state = False
    assert not column.state
