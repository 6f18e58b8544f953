"""The display thread: luma's real drivers on the bench's bus, decoded by a panel that knows nothing of luma."""

import atexit
import errno
import queue
import threading

import pytest
import smbus2
from PIL import Image, ImageDraw

from appliance.errors import DisplayAbsent
from appliance.screen.rest import Light
from appliance.simulator.bus import I2cLine
from appliance.simulator.display import Panel
from appliance.vault.oled import CONTRAST, Oled, blank
from appliance.vault.settings import FIRST_CONTRAST

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
        """The first is luma's dark one."""
        with self.seen:
            assert self.seen.wait_for(lambda: self.panel.frames >= count, TIMEOUT)

    def wait_light(self, light):
        with self.seen:
            lit = lambda: self.panel.contrast if self.panel.lit else None  # noqa: E731 - read again at each wake
            assert self.seen.wait_for(lambda: lit() == light, TIMEOUT), lit()

    def spoil(self):
        """What a spike does: another contrast and other pixels, and no error on the bus."""
        with self.seen:
            self.panel.write(b"\x00\x81\x11\xb3\x02\x10")
            self.panel.write(b"\x40" + bytes(range(200)))


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


def bus_bytes(log):
    return sum(map(len, log))


def dotted(*places):
    """A dark frame with a few lit pixels."""
    image = Image.new("1", (128, 64))
    for place in places:
        image.putpixel(place, 1)
    return image


WHOLE = {"ssd1306": 1034, "sh1106": 8 * (5 + 130)}
LIT = 3
"""Bytes of DISPLAYON: address, control byte, command."""


@pytest.mark.parametrize("driver", WHOLE)
def test_a_picture_that_changes_everywhere_costs_a_whole_frame(glass_of, driver):
    glass = glass_of(driver)
    oled = glass.start()
    assert glass.reported() is True
    oled.show(picture(1))
    glass.wait_image(picture(1))
    before = len(glass.log)
    inverse = Image.frombytes("1", (128, 64), bytes(255 - byte for byte in picture(1).tobytes()))
    oled.show(inverse)
    glass.wait_image(inverse)
    glass.wait_frames(3)
    assert bus_bytes(glass.log[before:]) == WHOLE[driver] + LIT


@pytest.mark.parametrize(("driver", "cost"), [("ssd1306", 8 + 3 + LIT), ("sh1106", 5 + 3 + LIT)])
def test_one_pixel_costs_one_byte_and_its_address(glass_of, driver, cost):
    glass = glass_of(driver)
    oled = glass.start()
    oled.show(dotted((5, 5)))
    glass.wait_image(dotted((5, 5)))
    before = len(glass.log)
    oled.show(dotted((5, 5), (77, 33)))
    glass.wait_image(dotted((5, 5), (77, 33)))
    glass.wait_frames(3)
    assert bus_bytes(glass.log[before:]) == cost


def test_an_equal_frame_costs_nothing(glass):
    oled = glass.start()
    oled.show(picture(1))
    glass.wait_image(picture(1))
    glass.wait_frames(2)
    before = len(glass.log)
    oled.show(picture(1))
    oled.show(picture(1).copy())
    oled.show(picture(2))
    glass.wait_image(picture(2))
    glass.wait_frames(3)
    assert bus_bytes(glass.log[before:]) <= WHOLE["ssd1306"] + LIT
    assert glass.panel.frames == 3


@pytest.mark.parametrize("driver", WHOLE)
def test_a_refresh_heals_what_nobody_saw(glass_of, driver):
    glass = glass_of(driver)
    oled = glass.start()
    oled.show(picture(1))
    glass.wait_frames(2)
    glass.spoil()
    oled.show(picture(1))  # the same: nothing to write
    assert glass.panel.image().tobytes() != picture(1).tobytes()
    oled.refresh()
    glass.wait_frames(3)
    glass.wait_image(picture(1))
    assert glass.panel.contrast == CONTRAST[FIRST_CONTRAST][Light.BRIGHT]


@pytest.mark.parametrize("driver", WHOLE)
@pytest.mark.parametrize("step", CONTRAST)
def test_a_contrast_is_set_at_once_in_every_light(glass_of, driver, step):
    glass = glass_of(driver)
    oled = glass.start()
    oled.show(picture(1))
    glass.wait_light(0xCF)
    for light in (Light.BRIGHT, Light.DIM):
        oled.show(picture(1), light, step)
        glass.wait_light(CONTRAST[step][light])
    oled.show(picture(1), Light.OFF, step)
    glass.wait_light(None)
    oled.show(picture(1), Light.BRIGHT, step)
    glass.wait_light(CONTRAST[step][Light.BRIGHT])


def test_the_steps_grow_and_dim_is_always_less():
    steps = [CONTRAST[step] for step in sorted(CONTRAST)]
    assert sorted(CONTRAST) == [1, 2, 3, 4]
    for light in (Light.BRIGHT, Light.DIM):
        levels = [step[light] for step in steps]
        assert levels == sorted(set(levels))
    assert all(step[Light.DIM] < step[Light.BRIGHT] for step in steps)
    assert all(0 <= level <= 0xFF for step in steps for level in step.values())


@pytest.mark.parametrize("driver", WHOLE)
def test_dim_off_and_bright_again(glass_of, driver):
    glass = glass_of(driver)
    oled = glass.start()
    oled.show(picture(1))
    glass.wait_light(0xCF)
    glass.wait_image(picture(1))
    glass.wait_frames(2)
    before = len(glass.log)
    oled.show(picture(1), Light.DIM)
    glass.wait_light(0x4F)
    assert bus_bytes(glass.log[before:]) == 4  # no pixel is written for it
    oled.show(picture(1), Light.OFF)
    glass.wait_light(None)
    oled.refresh()
    oled.show(picture(2), Light.OFF)
    glass.spoil()
    frames = glass.panel.frames
    oled.show(picture(3))
    glass.wait_frames(frames + 1)
    glass.wait_image(picture(3))
    glass.wait_light(0xCF)
    assert glass.panel.frames - frames <= 2  # luma's dark one, and ours: nothing was drawn while it was off
    assert glass.reported() is True
    assert glass.reports.empty()


def test_a_panel_wakes_with_its_settings_made_anew(glass):
    oled = glass.start()
    oled.show(picture(1))
    glass.wait_frames(2)
    oled.show(picture(1), Light.OFF)
    glass.wait_light(None)
    before = len(glass.log)
    oled.show(picture(1))
    glass.wait_image(picture(1))
    sent = b"".join(transaction[2:] for transaction in glass.log[before:] if transaction[1] == 0)
    assert b"\x8d\x14" in sent  # the charge pump, which was switched off
    assert b"\xa8\x3f" in sent


def test_a_panel_that_went_while_it_was_off_is_told_when_it_must_wake(glass):
    oled = glass.start()
    oled.show(picture(1))
    glass.wait_image(picture(1))
    assert glass.reported() is True
    oled.show(picture(1), Light.OFF)
    glass.wait_light(None)
    glass.line.fail_next(errno.EREMOTEIO)
    oled.show(picture(2))
    assert [glass.reported(), glass.reported()] == [False, True]
    glass.wait_image(picture(2))


def test_a_box_that_sleeps_from_the_start_is_dark(glass):
    oled = glass.start()
    oled.show(picture(1), Light.OFF)
    with glass.seen:
        assert glass.seen.wait_for(lambda: glass.log[-1:] == [bytes([ADDRESS, 0x00, 0x8D, 0x10])], TIMEOUT)
    assert not glass.panel.lit


def test_the_charge_pump_goes_with_the_light(glass_of):
    for driver, pump in (("ssd1306", True), ("sh1106", False)):
        glass = glass_of(driver)
        oled = glass.start()
        assert glass.reported() is True
        before = len(glass.log)
        oled.close()
        assert (bytes([ADDRESS, 0x00, 0x8D, 0x10]) in glass.log[before:]) is pump


@pytest.mark.parametrize("driver", WHOLE)
def test_blank_puts_out_what_a_killed_vault_left_behind(glass_of, driver):
    glass = glass_of(driver)
    oled = glass.start()
    oled.show(picture(1))
    glass.wait_image(picture(1))
    blank(driver, 1, ADDRESS)
    assert not glass.panel.lit
    glass.panel.write(b"\x00\xaf")
    assert not glass.panel.image().getbbox()


@pytest.mark.parametrize("good_before", [0, 1])
def test_blank_says_that_there_is_no_display(glass, good_before):
    answers = iter([True] * good_before)
    glass.line._send = lambda _message: next(answers, False)
    with pytest.raises(DisplayAbsent, match="display"):
        blank("ssd1306", 1, ADDRESS)


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
    glass.wait_frames(frames + 1)
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


@pytest.mark.parametrize("driver", WHOLE)
def test_a_panel_that_lost_its_power_is_made_ready_anew(glass_of, driver):
    """Settings, memory and light are gone with it: a frame alone would land in a dark panel, in the wrong order."""
    glass = glass_of(driver)
    oled = glass.start()
    oled.show(picture(1))
    glass.wait_image(picture(1))
    glass.wait_frames(2)
    with glass.seen:
        glass.panel = Panel(driver)
        before = len(glass.log)
    glass.line.fail_next(errno.EREMOTEIO)
    oled.refresh()
    glass.wait_image(picture(1))
    glass.wait_light(0xCF)
    sent = b"".join(transaction[2:] for transaction in glass.log[before:] if transaction[1] == 0)
    assert b"\xa8\x3f" in sent  # 64 rows: the initial sequence, not a frame alone
    assert [glass.reported() for _ in range(3)] == [True, False, True]


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


def test_the_driver_goes_without_the_call_that_pillow_drops(glass, monkeypatch):
    monkeypatch.delattr(Image.Image, "getdata")
    glass.start().show(picture(1))
    glass.wait_image(picture(1))


@pytest.mark.parametrize("image", [Image.new("1", (128, 32)), Image.new("L", (128, 64))])
def test_another_shape_is_refused(glass, image):
    with pytest.raises(ValueError, match="128x64"):
        glass.start().show(image)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_display_thread_that_dies_is_a_display_that_is_gone(glass, monkeypatch):
    def die(_oled, _frame, **_whole):
        raise ZeroDivisionError

    monkeypatch.setattr(Oled, "_draw", die)
    glass.start()
    assert glass.reported() is False
