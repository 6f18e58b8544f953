"""Makes ``appliance/default.toml`` and the table of ``hardware/wiring.md`` from ``hardware/pins.toml``.

Run it with ``make wiring``. The two results are committed; ``tests/hardware/test_pins.py`` compares them with what
this would write, so that the box, the wiring sheet and the table cannot drift apart.
"""

import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PINS: Final = ROOT / "hardware" / "pins.toml"
DEFAULT: Final = ROOT / "appliance" / "default.toml"
WIRING: Final = ROOT / "hardware" / "wiring.md"
BEGIN: Final = "<!-- pins: made by `make wiring` -->\n"
END: Final = "<!-- /pins -->\n"

# The header's pins that are no GPIO of ours (Raspberry Pi 40-pin header).
FIXED: Final = {1: "3.3 V", 2: "5 V", 4: "5 V", 17: "3.3 V", 27: "HAT EEPROM", 28: "HAT EEPROM"} | dict.fromkeys(
    (6, 9, 14, 20, 25, 30, 34, 39), "ground"
)

SIGNALS: Final = ("red", "green", "blue", "buzzer", "tamper", "button")


def read_pins(path: Path = PINS) -> dict[str, Any]:
    """The table as a dict. ValueError when a GPIO, a header pin or a role is given twice, or a pin is fixed."""
    pins = tomllib.loads(path.read_text("utf-8"))
    for key in ("number", "pin", "role"):
        given = [gpio[key] for gpio in pins["gpio"] if key in gpio]
        if len(set(given)) != len(given):
            raise ValueError(f"{path.name}: {key} given twice")
    if any(gpio["pin"] in FIXED for gpio in pins["gpio"]):
        raise ValueError(f"{path.name}: a supply, ground or EEPROM pin is no GPIO")
    return pins


def write_default(pins: dict[str, Any]) -> str:
    """Text of ``appliance/default.toml``."""
    role = {gpio["role"]: gpio["number"] for gpio in pins["gpio"] if "role" in gpio}
    rows, columns = ([role[f"keypad.{side}.{n}"] for n in range(4)] for side in ("rows", "columns"))
    signals = "\n".join(f"{name} = {role[f'signals.{name}']}" for name in SIGNALS)
    return f"""\
# Made from hardware/pins.toml by `make wiring`: change that file, not this one.

[keypad]
rows = {rows}
columns = {columns}
layout = "{pins["keypad"]["layout"]}"

[display]
driver = "{pins["display"]["driver"]}"
port = {pins["display"]["port"]}
address = 0x{pins["display"]["address"]:02X}

[signals]
{signals}

[door]
relay = {role["door.relay"]}
contact = {role["door.contact"]}
"""


def write_table(pins: dict[str, Any]) -> str:
    """The header as a Markdown table, odd pins left and even pins right, as the board has them."""
    place = {gpio["pin"]: f"GPIO {gpio['number']}: {gpio['use']}" for gpio in pins["gpio"]} | FIXED
    lines = ["| use | pin | pin | use |", "| ---: | ---: | :--- | :--- |"]
    lines += [f"| {place[odd]} | {odd} | {odd + 1} | {place[odd + 1]} |" for odd in range(1, 40, 2)]
    return "\n".join(lines) + "\n"


def write_wiring(pins: dict[str, Any], before: str) -> str:
    """``before`` with the table between its two marks replaced. ValueError when the marks are not there."""
    head, found_begin, rest = before.partition(BEGIN)
    _, found_end, tail = rest.partition(END)
    if not found_begin or not found_end:
        raise ValueError(f"{WIRING.name}: the marks around the table are gone")
    return f"{head}{BEGIN}\n{write_table(pins)}\n{END}{tail}"


def main() -> None:
    """Write both files."""
    pins = read_pins()
    DEFAULT.write_text(write_default(pins), "utf-8")
    WIRING.write_text(write_wiring(pins, WIRING.read_text("utf-8")), "utf-8")
    print(f"wrote {DEFAULT.relative_to(ROOT)} and {WIRING.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
