"""The parts of the bench by themselves: the panel's controller, the copper of the keypad."""

import pytest
from PIL import Image

from appliance.errors import SimulatorError
from appliance.simulator.display import Panel, terminal
from appliance.simulator.pins import BenchFactory

# --- the panel --------------------------------------------------------------------------------------------------------

UPRIGHT = bytes.fromhex("00 a1 c8 af")


def lit(panel):
    image = panel.image()
    return {(x, y) for x in range(128) for y in range(64) if image.getpixel((x, y))}


def test_window_update_touches_only_its_window():
    panel = Panel()
    panel.write(UPRIGHT)
    panel.write(bytes.fromhex("00 20 00 21 0a 0b 22 02 03"))
    assert not panel.write(bytes.fromhex("40 01 80 00 ff"))
    assert panel.frames == 0
    assert panel.write(bytes.fromhex("00 af"))
    assert panel.frames == 1
    assert not panel.write(bytes.fromhex("00 af"))  # lit again, but nothing new behind it
    assert panel.frames == 1
    assert lit(panel) == {(10, 16), (11, 23), *((11, y) for y in range(24, 32))}


def test_vertical_addressing_goes_down_first():
    panel = Panel()
    panel.write(UPRIGHT + bytes.fromhex("20 01 21 00 01 22 00 01"))
    panel.write(bytes.fromhex("40 01 02 04 08 10"))
    assert lit(panel) == {(0, 4), (0, 9), (1, 2), (1, 11)}  # the fifth byte is at the beginning again


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
    assert len(lit(panel)) == 128 * 64


def test_a_panel_says_how_it_is_lit():
    panel = Panel()
    assert (panel.lit, panel.contrast) == (False, 0x80)
    panel.write(bytes.fromhex("00 81 4f af"))
    assert (panel.lit, panel.contrast) == (True, 0x4F)


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
