"""The configuration of the box.

What it is: TOML in, frozen structs out (config_tables.py). What it is not: a place that decides anything with them.
Rule: nothing else in the shipped services reads a configuration file; an unknown key, a value out of bounds or a
missing ``device.id`` is a ``ConfigError`` that names file and line: the box does not start.

The GPIO numbers come from ``default.toml`` beside this file, which ``make wiring`` makes from ``hardware/pins.toml``.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.config_place import explain
from appliance.config_tables import (
    DEFAULT_RIGHTS,
    Card,
    ClientId,
    Device,
    Display,
    Door,
    Keypad,
    Limits,
    Mqtt,
    Paths,
    Reader,
    Right,
    Signals,
    Signing,
    Table,
    Timeouts,
    Trust,
)
from appliance.errors import ConfigError

DEFAULT_PATH: Final = Path("/etc/cps-appliance/appliance.toml")
MAX_BYTES: Final = 64 * 1024


class Config(Table, frozen=True):
    """The whole file. Every table but ``[device]`` may be left out."""

    device: Device
    keypad: Keypad
    display: Display
    signals: Signals
    door: Door
    mqtt: Mqtt = Mqtt()
    rights: dict[ClientId, frozenset[Right]] = msgspec.field(default_factory=dict)
    card: Card = Card()
    reader: Reader = Reader()
    signing: Signing = Signing()
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    trust: Trust = Trust()
    paths: Paths = Paths()

    def __post_init__(self) -> None:
        # 2 and 3 are the display's bus
        parts = (*self.keypad.rows, *self.keypad.columns, *self.signals.gpios, self.door.relay, self.door.contact)
        used = Counter([2, 3, *parts])
        twice = sorted(gpio for gpio, count in used.items() if count > 1)
        if twice:
            raise ValueError(f"GPIO {', '.join(map(str, twice))} has two uses")

    def rights_of(self, client: str) -> frozenset[Right]:
        """The rights of one client: its list in ``[rights]``, else ``DEFAULT_RIGHTS``."""
        return self.rights.get(client, DEFAULT_RIGHTS)


def load(path: Path | str | None = None) -> Config:
    """Read and check a file, by default ``/etc/cps-appliance/appliance.toml``.

    Raises:
        ConfigError: the file cannot be read, or ``parse`` refuses it.
    """
    file = DEFAULT_PATH if path is None else Path(path)
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        text = raw.decode()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 at byte {error.start}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{file}: more than {MAX_BYTES} bytes")
    return parse(text, str(file))


def parse(text: str, name: str = "appliance.toml") -> Config:
    """Check a configuration given as text, over the defaults of ``default.toml``; ``name`` is for messages.

    Raises:
        ConfigError: not TOML, an unknown key, a value out of bounds, no ``device.id``.
    """
    try:
        given = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError says where; int() refuses numbers of thousands of digits
        raise ConfigError(f"{name}: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deep") from error
    try:
        return msgspec.convert(_over(_DEFAULTS, given), Config, dec_hook=_decode_path)
    except msgspec.ValidationError as error:
        raise ConfigError(explain(str(error), text, name)) from error


_DEFAULTS: Final[Mapping[str, Any]] = tomllib.loads(Path(__file__).with_name("default.toml").read_text("utf-8"))


def _over(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` laid over ``defaults``, table by table; a list replaces a list."""
    merged = {**defaults, **given}
    for table in defaults.keys() & given.keys():
        if isinstance(defaults[table], dict) and isinstance(given[table], dict):
            merged[table] = {**defaults[table], **given[table]}
    return merged


def _decode_path(kind: type, value: object) -> Path:
    """Hook of msgspec: ``Path`` is the only type here that it does not know."""
    if kind is not Path or not isinstance(value, str) or not value.startswith("/") or not value.isprintable():
        raise ValueError("Expected an absolute path")
    return Path(value)
