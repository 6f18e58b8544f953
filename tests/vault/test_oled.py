"""The display thread: luma's real drivers on the bench's bus, decoded by a panel that knows nothing of luma."""

import atexit
import errno
import queue
import threading

import pytest
import smbus2
from PIL import Image, ImageDraw

from appliance.simulator.bus import I2cLine
from appliance.simulator.display import Panel
from appliance.vault.oled import Oled

ADDRESS = 0x3C
TIMEOUT = 10


class Glass:
    """A panel on the bench's I2C line, and what the display thread reports."""

    def __init__(self, driver):
        self.driver = driver
        self.panel = Panel(driver)
        self.log = []
        self.seen = threading.Condition()
        self.line = I2cLine(self._take)
        self.reports = queue.Queue()
        self.gate = threading.Event()
        self.gate.set()
        self.oled = None

    def _take(self, message):
        assert self.gate.wait(TIMEOUT)
        with self.seen:
            assert message[:2] == bytes([ord("I"), ADDRESS])
            self.panel.write(message[2:])
            self.log.append(message[1:])
            self.seen.notify_all()
        return True

    def start(self):
        self.oled = Oled(self.driver, 1, ADDRESS, self.reports.put)
        return self.oled

    def reported(self):
        return self.reports.get(timeout=TIMEOUT)

    def wait_image(self, image):
        with self.seen:
            assert self.seen.wait_for(lambda: self.panel.image().tobytes() == image.tobytes(), TIMEOUT)

    def wait_frames(self, count):
        with self.seen:
            assert self.seen.wait_for(lambda: self.panel.frames >= count, TIMEOUT)


@pytest.fixture
def glass_of(monkeypatch):
    made = []

    def make(driver):
        glass = Glass(driver)
        made.append(glass)
        monkeypatch.setattr(smbus2, "SMBus", glass.line.open)
        return glass

    yield make
    for glass in made:
        glass.gate.set()
        if glass.oled is not None:
            glass.oled.close()


@pytest.fixture
def glass(glass_of):
    return glass_of("ssd1306")


def picture(seed):
    """A frame in which every page and the corners differ."""
    image = Image.new("1", (128, 64))
    draw = ImageDraw.Draw(image)
    for y in range(64):
        for x in range(128):
            if (x * 7 + y * 13 + x * y + seed) % 5 < 2:
                draw.point((x, y), 1)
    draw.rectangle((0, 0, 9 + seed, 5), fill=1)
    return image


@pytest.mark.parametrize("driver", ["ssd1306", "sh1106"])
def test_what_is_shown_is_what_the_pixels_say(glass_of, driver):
    glass = glass_of(driver)
    oled = glass.start()
    assert glass.reported() is True
    for seed in range(3):
        oled.show(picture(seed))
        glass.wait_image(picture(seed))
    assert glass.reports.empty()


def test_a_frame_is_two_transactions_and_1034_bytes(glass):
    oled = glass.start()
    assert glass.reported() is True
    before = len(glass.log)
    oled.show(picture(1))
    glass.wait_image(picture(1))
    frame = glass.log[before:]
    assert [len(transaction) for transaction in frame] == [8, 1026]  # address, control byte, bytes
    assert sum(map(len, frame)) == 1034


def test_an_equal_frame_costs_nothing(glass):
    oled = glass.start()
    oled.show(picture(1))
    glass.wait_image(picture(1))
    before = len(glass.log)
    oled.show(picture(1))
    oled.show(picture(1).copy())
    oled.show(picture(2))
    glass.wait_image(picture(2))
    assert len(glass.log) - before == 2


def test_the_latest_frame_wins(glass):
    oled = glass.start()
    oled.show(picture(0))
    glass.wait_image(picture(0))
    frames = glass.panel.frames
    glass.gate.clear()
    oled.show(picture(1))
    for seed in range(2, 9):
        oled.show(picture(seed))
    glass.gate.set()
    glass.wait_image(picture(8))
    assert glass.panel.frames - frames <= 2


def test_the_frame_is_taken_when_it_is_given(glass):
    oled = glass.start()
    image = picture(1)
    oled.show(image)
    image.paste(0, (0, 0, 128, 64))
    glass.wait_image(picture(1))


@pytest.mark.parametrize("number", [errno.EREMOTEIO, errno.EIO, errno.ETIMEDOUT])
@pytest.mark.parametrize("good_before", [0, 1], ids=["command", "data"])
def test_an_error_is_reported_and_heals_with_the_last_frame(glass, number, good_before):
    oled = glass.start()
    assert glass.reported() is True
    if good_before:
        take, glass.line._send = glass.line._send, lambda message: glass.line.fail_next(number) or send(message)

        def send(message):
            glass.line._send = take
            return take(message)

    else:
        glass.line.fail_next(number)
    oled.show(picture(3))
    assert glass.reported() is False
    assert glass.reported() is True
    glass.wait_image(picture(3))
    assert glass.reports.empty()


def test_a_panel_that_is_absent_at_start_is_found_later(glass):
    for _ in range(2):
        glass.line.fail_next(errno.EREMOTEIO)
    oled = glass.start()
    oled.show(picture(4))
    assert glass.reported() is False
    assert glass.reported() is True
    glass.wait_image(picture(4))


def test_a_bus_that_is_absent_is_reported(monkeypatch):
    def absent(port):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", f"/dev/i2c-{port}")

    monkeypatch.setattr(smbus2, "SMBus", absent)
    reports = queue.Queue()
    oled = Oled("ssd1306", 1, ADDRESS, reports.put)
    assert reports.get(timeout=TIMEOUT) is False
    oled.close()
    assert not oled._thread.is_alive()


def test_close_blanks_and_switches_off(glass):
    oled = glass.start()
    oled.show(picture(5))
    glass.wait_image(picture(5))
    oled.close()
    assert not glass.panel.image().getbbox()
    glass.panel.write(b"\x00\xaf")  # even if something lights it again
    assert not glass.panel.image().getbbox()
    assert not oled._thread.is_alive()


def test_close_while_the_panel_is_silent_does_not_wait(glass):
    for _ in range(50):
        glass.line.fail_next(errno.EREMOTEIO)
    oled = glass.start()
    assert glass.reported() is False
    oled.close()
    assert not oled._thread.is_alive()


def test_a_panel_that_fails_while_it_is_blanked_ends_all_the_same(glass, caplog):
    oled = glass.start()
    assert glass.reported() is True
    glass.line.fail_next(errno.EREMOTEIO)
    oled.close()
    assert not oled._thread.is_alive()
    assert "could not be blanked" in caplog.text


def test_luma_leaves_nothing_for_the_end_of_the_process(glass, monkeypatch):
    hooks = []
    monkeypatch.setattr(atexit, "register", hooks.append)
    glass.start()
    assert glass.reported() is True
    assert hooks == []


@pytest.mark.parametrize("image", [Image.new("1", (128, 32)), Image.new("L", (128, 64))])
def test_another_shape_is_refused(glass, image):
    with pytest.raises(ValueError, match="128x64"):
        glass.start().show(image)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_display_thread_that_dies_is_a_display_that_is_gone(glass, monkeypatch):
    def die(_oled, _frame):
        raise ZeroDivisionError

    monkeypatch.setattr(Oled, "_draw", die)
    glass.start()
    assert glass.reported() is False
