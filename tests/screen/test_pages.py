"""Packing, windows and their bytes: against luma's own packing, and against a panel that knows nothing of either."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from appliance.screen.fr import WORDS
from appliance.screen.kinds_code import Pin
from appliance.screen.pages import BLANK, PANELS, changes, pack
from appliance.screen.screens import render
from appliance.simulator.display import Panel

UPRIGHT = bytes.fromhex("00 20 00 a1 c8 af")
WHOLE = {"ssd1306": 1034, "sh1106": 8 * (128 + 7)}


def noise(seed):
    return Image.frombytes("1", (128, 64), random.Random(seed).randbytes(1024))


def slow_pack(image):
    """Pixel by pixel, as the data sheets draw it."""
    return bytes(
        sum(1 << bit for bit in range(8) if image.getpixel((column, page * 8 + bit)))
        for page in range(8)
        for column in range(128)
    )


def bus_bytes(writes):
    """Two addresses and two control bytes a write."""
    return sum(len(write.command) + len(write.data) + 4 for write in writes)


def draw(panel, writes):
    for write in writes:
        panel.write(bytes([0x00, *write.command]))
        panel.write(b"\x40" + write.data)


def panel_with(driver, frame):
    panel = Panel(driver)
    panel.write(UPRIGHT)
    draw(panel, changes(None, frame, PANELS[driver]))
    return panel


@pytest.mark.parametrize("seed", range(3))
def test_packing_is_that_of_the_data_sheet(seed):
    assert pack(noise(seed)) == slow_pack(noise(seed))


@pytest.mark.parametrize("image", [Image.new("1", (128, 32)), Image.new("1", (64, 128)), Image.new("L", (128, 64))])
def test_another_shape_is_refused(image):
    with pytest.raises(ValueError, match="128x64"):
        pack(image)


@pytest.mark.parametrize("driver", PANELS)
def test_a_frame_is_written_whole_onto_a_panel_nobody_knows(driver):
    writes = changes(None, pack(noise(1)), PANELS[driver])
    assert bus_bytes(writes) == WHOLE[driver]
    assert panel_with(driver, pack(noise(1))).image().tobytes() == noise(1).tobytes()


@pytest.mark.parametrize("driver", PANELS)
def test_an_equal_frame_is_no_write(driver):
    assert changes(pack(noise(2)), pack(noise(2)), PANELS[driver]) == ()


# A few bytes anywhere, or a block: what screens change by.
PATCHES = st.lists(
    st.tuples(st.integers(0, 1023), st.integers(1, 40), st.integers(0, 255)),
    max_size=12,
)


@pytest.mark.parametrize("driver", PANELS)
@given(patches=PATCHES, start=st.integers(0, 3))
def test_windows_turn_one_frame_into_the_other_and_cost_no_more_than_all_of_it(driver, patches, start):
    before = pack(noise(start)) if start else BLANK
    after = bytearray(before)
    for at, length, value in patches:
        after[at : at + length] = bytes([value]) * len(after[at : at + length])
    writes = changes(before, bytes(after), PANELS[driver])
    panel = panel_with(driver, before)
    draw(panel, writes)
    assert panel.image().tobytes() == panel_with(driver, bytes(after)).image().tobytes()
    assert bus_bytes(writes) <= WHOLE[driver]
    assert all(len(write.command) <= 32 for write in writes)  # luma's limit for one command


@pytest.mark.parametrize("driver", PANELS)
def test_only_what_changed_is_written(driver):
    before = bytearray(BLANK)
    after = bytearray(BLANK)
    after[3 * 128 + 50] = 0xFF
    after[3 * 128 + 55] = 0xFF  # near: the same window
    after[3 * 128 + 90] = 0xFF  # far: one of its own
    writes = changes(bytes(before), bytes(after), PANELS[driver])
    assert [len(write.data) for write in writes] == [6, 1]


def test_many_small_windows_are_one_big_one_where_that_is_cheaper():
    after = bytearray(b"\xff" * 1024)
    for page in range(1, 8, 2):
        after[page * 128 + 58 : page * 128 + 69] = bytes(11)  # a gap just wide enough to be skipped
    writes = changes(BLANK, bytes(after), PANELS["ssd1306"])
    assert bus_bytes(writes) == WHOLE["ssd1306"]


def test_windows_above_each_other_are_one_where_the_controller_has_such():
    after = bytearray(BLANK)
    for page in (2, 3, 4):
        after[page * 128 + 40 : page * 128 + 48] = b"\xff" * 8
    assert [write.command for write in changes(BLANK, bytes(after), PANELS["ssd1306"])] == [(0x21, 40, 47, 0x22, 2, 4)]
    paged = changes(BLANK, bytes(after), PANELS["sh1106"])
    assert [write.command for write in paged] == [(0xB0 | page, 0x0A, 0x12) for page in (2, 3, 4)]  # column 42 of 132


@pytest.mark.parametrize("driver", PANELS)
@pytest.mark.parametrize("marks", range(8))
def test_one_mark_of_a_code_is_a_handful_of_bytes_and_the_same_for_every_place(driver, marks):
    frames = [pack(render(Pin(count, 3, 1.0, reminder=False), WORDS)) for count in (marks, marks + 1)]
    assert bus_bytes(changes(*frames, PANELS[driver])) == {"ssd1306": 16, "sh1106": 13}[driver]
