"""The pin table, and what is made from it: as committed, on the real header, and driven as the box drives it."""

import importlib.util
from pathlib import Path

import pytest
from gpiozero.pins.pi import PiBoardInfo

from appliance.config import parse

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("generate", ROOT / "hardware" / "generate.py")
assert spec is not None
assert spec.loader is not None
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)

BOARDS = {"3B": 0xA02082, "4B": 0xC03111, "5B": 0xC04170, "Zero2W": 0x902120}


@pytest.fixture(scope="module")
def pins():
    return generate.read_pins()


def test_committed_files_are_what_make_wiring_writes(pins):
    assert generate.DEFAULT.read_text("utf-8") == generate.write_default(pins)
    wiring = generate.WIRING.read_text("utf-8")
    assert wiring == generate.write_wiring(pins, wiring)


def test_every_header_gpio_has_one_use(pins):
    assert sorted(gpio["number"] for gpio in pins["gpio"]) == list(range(2, 28))


@pytest.mark.parametrize("revision", BOARDS.values(), ids=BOARDS)
def test_header_pins_are_those_of_the_board(pins, revision):
    board = PiBoardInfo.from_revision(revision)
    header = board.headers["J8"].pins
    for gpio in pins["gpio"]:
        assert f"GPIO{gpio['number']}" in header[gpio["pin"]].names
    for pin, use in generate.FIXED.items():
        expected = {"ground": "GND", "3.3 V": "3V3", "5 V": "5V", "HAT EEPROM": "GPIO"}[use]
        assert header[pin].name.startswith(expected)


def test_box_drives_what_the_table_says(pins):
    box = parse('[device]\nid = "cps-demo"\n')
    use = {gpio["number"]: gpio["use"] for gpio in pins["gpio"]}
    assert all(f"keypad row {n}" in use[gpio] for n, gpio in enumerate(box.keypad.rows, start=1))
    assert all(f"keypad column {n}" in use[gpio] for n, gpio in enumerate(box.keypad.columns, start=1))
    for name in ("red", "green", "blue"):
        assert f"LED {name}" in use[getattr(box.signals, name)]
    assert "buzzer" in use[box.signals.buzzer]
    assert "tamper" in use[box.signals.tamper]
    assert "panel button" in use[box.signals.button]
    assert "relay" in use[box.door.relay]
    assert "door contact" in use[box.door.contact]


def test_table_shows_the_whole_header(pins):
    rows = generate.write_table(pins).splitlines()[2:]
    assert len(rows) == 20
    assert rows[0] == "| 3.3 V | 1 | 2 | 5 V |"
    assert rows[19] == "| ground | 39 | 40 | GPIO 21: keypad column 4 |"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("number = 3\n", "number = 2\n"), "number given twice"),
        (("pin = 5\n", "pin = 3\n"), "pin given twice"),
        (("pin = 5\n", "pin = 6\n"), "no GPIO"),
        (("keypad.rows.1", "keypad.rows.0"), "role given twice"),
    ],
)
def test_a_double_use_is_refused(tmp_path, change, message):
    table = tmp_path / "pins.toml"
    table.write_text(generate.PINS.read_text("utf-8").replace(*change), "utf-8")
    with pytest.raises(ValueError, match=message):
        generate.read_pins(table)


def test_wiring_sheet_without_its_marks_is_refused(pins):
    with pytest.raises(ValueError, match="marks"):
        generate.write_wiring(pins, "# Wiring\n")
