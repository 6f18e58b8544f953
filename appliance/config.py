"""The configuration of the box, and the environment of its services.

What it is: TOML in, frozen structs out, with bounds on every number (names of design §6, times of design §5).
What it is not: a place that decides anything with them.
Rule: nothing else in the shipped services reads a configuration file or an environment variable; an unknown key, a
value out of bounds or a missing ``device.id`` is a ``ConfigError`` that names file and line: the box does not start.

The GPIO numbers come from ``default.toml`` beside this file, which ``make wiring`` makes from ``hardware/pins.toml``.
"""

import ipaddress
import os
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta, Struct

from appliance.config_place import explain
from appliance.errors import ConfigError

DEFAULT_PATH: Final = Path("/etc/cps-appliance/appliance.toml")
MAX_BYTES: Final = 64 * 1024
KEYS: Final = frozenset("0123456789ABCD*#")
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}  # IANA: mqtt, secure-mqtt
LISTEN_FDS_START: Final = 3  # sd_listen_fds(3)

Right = Literal[
    "sign", "sign-raw", "authenticate", "tls", "identity", "practice", "door", "display", "events", "deny", "admin"
]  # contract, Trust
DEFAULT_RIGHTS: Final[frozenset[Right]] = frozenset({"sign"})

ClientId = Annotated[str, Meta(pattern=r"^[a-z0-9-]{4,40}\Z")]  # contract, Topics: {device} and {client}
Gpio = Annotated[int, Meta(ge=2, le=27)]  # 0 and 1 are the HAT EEPROM's


def _split_url(url: str) -> SplitResult:
    """Split and check a broker's url; ``ValueError`` says what is wrong."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("url holds a character that no url has")
    parts = urlsplit(url)  # ValueError: an unclosed bracket
    bare = f"{parts.scheme}://{parts.netloc}" == url and "@" not in parts.netloc
    if not bare or parts.scheme not in PORTS or not parts.hostname or parts.port == 0:  # .port: ValueError above 65535
        raise ValueError("url is mqtt://host:port or mqtts://host:port")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class Device(_Table, frozen=True):
    """``[device]``: who this box is, in topics and events."""

    id: ClientId


class Tls(_Table, frozen=True):
    """``[mqtt.tls]``: PEM files. Without ``ca`` the system's authorities are trusted."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together")


class Mqtt(_Table, frozen=True):
    """``[mqtt]``: the broker. ``requests``: whether practice software may ask, and what vouches for it."""

    url: str = "mqtt://127.0.0.1:1883"
    prefix: Annotated[str, Meta(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)*\Z", max_length=64)] = "cpsr/v1"
    requests: Literal["off", "broker", "paired"] = "off"
    tls: Tls | None = None

    def __post_init__(self) -> None:
        if self.requests == "paired":
            raise ValueError('requests = "paired" is not available in this version: use "off" or "broker"')
        parts = _split_url(self.url)
        if parts.scheme == "mqtt":
            if self.tls is not None:
                raise ValueError("[mqtt.tls] needs an mqtts:// url")
            if not _is_loopback(parts.hostname or ""):
                raise ValueError("mqtt:// is for a broker on the box itself: use mqtts:// over a network")

    @property
    def host(self) -> str:
        """Name or address of the broker; an IPv6 address without brackets."""
        return _split_url(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port: the url's, else the scheme's."""
        parts = _split_url(self.url)
        return parts.port or PORTS[parts.scheme]

    @property
    def encrypted(self) -> bool:
        """Whether the url asks for TLS."""
        return _split_url(self.url).scheme == "mqtts"


class Card(_Table, frozen=True):
    """``[card]``: types of cards (table G02) that sign nothing here; by default a student's."""

    may_not_sign: tuple[Literal["CPS", "CPF", "CPE", "CPA"], ...] = ("CPF",)


class Reader(_Table, frozen=True):
    """``[reader]``: how the reader is held, and which card each reader serves (its name or a part of it: role)."""

    share: Literal["exclusive", "shared"] = "exclusive"
    roles: dict[Annotated[str, Meta(min_length=1)], Literal["cps", "vitale"]] = {}


class Keypad(_Table, frozen=True):
    """``[keypad]``: GPIO numbers of a 4x4 matrix, and its keys row by row."""

    rows: tuple[Gpio, Gpio, Gpio, Gpio]
    columns: tuple[Gpio, Gpio, Gpio, Gpio]
    layout: Annotated[str, Meta(min_length=16, max_length=16)]

    def __post_init__(self) -> None:
        if frozenset(self.layout) != KEYS:
            raise ValueError("layout names each of 0-9, A-D, * and # once")


class Display(_Table, frozen=True):
    """``[display]``: the OLED's controller and its place on the I2C bus; seconds without anybody until dim and off."""

    driver: Literal["ssd1306", "sh1106"]
    port: Annotated[int, Meta(ge=0, le=31)]
    address: Literal[0x3C, 0x3D]
    width: int = 128
    height: int = 64
    dim: Annotated[int, Meta(ge=5, le=3600)] = 30
    off: Annotated[int, Meta(ge=10, le=86400)] = 120

    def __post_init__(self) -> None:
        if (self.width, self.height) != (128, 64):
            raise ValueError(f"every screen is drawn for 128x64: no panel of {self.width}x{self.height} can show it")
        if self.dim >= self.off:
            raise ValueError("dim must come before off")


class Signing(_Table, frozen=True):
    """``[signing]``: whether a document may be given by its digest alone, and whether a session may be opened.

    A session (design §5) waives the code, never the agreement; off unless switched on, refused on a shared reader.
    """

    allow_digest: bool = True
    session: bool = False
    session_signatures: Annotated[int, Meta(ge=1, le=20)] = 20
    session_minutes: Annotated[int, Meta(ge=1, le=10)] = 10


class Timeouts(_Table, frozen=True):
    """``[timeouts]``: whole seconds of monotonic time (design §5)."""

    first_digit: Annotated[int, Meta(ge=5, le=120)] = 30
    next_digit: Annotated[int, Meta(ge=5, le=60)] = 15
    entry: Annotated[int, Meta(ge=15, le=300)] = 60
    reminder: Annotated[int, Meta(ge=3, le=59)] = 10
    last_try: Annotated[int, Meta(ge=10, le=120)] = 30
    wait_card: Annotated[int, Meta(ge=10, le=300)] = 60
    result: Annotated[int, Meta(ge=1, le=60)] = 5
    menu: Annotated[int, Meta(ge=10, le=120)] = 30

    def __post_init__(self) -> None:
        if self.reminder >= self.next_digit:
            raise ValueError("reminder must come before next_digit ends the entry")
        if max(self.first_digit, self.next_digit) > self.entry:
            raise ValueError("entry must be at least first_digit and next_digit")


class Limits(_Table, frozen=True):
    """``[limits]``: sign and authenticate requests a minute, for each client (contract, Limits)."""

    requests_per_minute: Annotated[int, Meta(ge=1, le=60)] = 5


class Signals(_Table, frozen=True):
    """``[signals]``: GPIO numbers of LED, buzzer, tamper switch and panel button.

    ``sound``: whether the buzzer says anything. ``tamper_switch``: whether one is fitted; without it the input, which
    would read as an open box, is left alone.
    """

    red: Gpio
    green: Gpio
    blue: Gpio
    buzzer: Gpio
    tamper: Gpio
    button: Gpio
    sound: bool = True
    tamper_switch: bool = True

    @property
    def gpios(self) -> tuple[int, ...]:
        """All of them."""
        return self.red, self.green, self.blue, self.buzzer, self.tamper, self.button


class Door(_Table, frozen=True):
    """``[door]``: GPIO numbers of the strike's relay and of the door's contact; seconds the strike is open."""

    relay: Gpio
    contact: Gpio
    pulse: Annotated[float, Meta(ge=0.5, le=10)] = 3.0


Accepted = frozenset[Literal["good", "unknown", "untrusted"]]
"""What a certificate may be worth: ``unknown`` while the clock is not set. Nothing revives one that is over."""


class Trust(_Table, frozen=True):
    """``[trust]``: where the authorities stand, whether test ones count, and what each use accepts of a card."""

    directory: Path = Path("/etc/cps-appliance/trust")
    test: bool = False
    sign: Accepted = frozenset({"good", "unknown"})
    authenticate: Accepted = frozenset({"good", "unknown"})
    door: frozenset[Literal["good", "unknown"]] = frozenset({"good"})

    def __post_init__(self) -> None:
        if not all("good" in use for use in (self.sign, self.authenticate, self.door)):
            raise ValueError("every use accepts good")


class Paths(_Table, frozen=True):
    """``[paths]``: absolute folders; ``state`` keeps the one SQLite file, ``run`` the two sockets."""

    state: Path = Path("/var/lib/cps-appliance")
    run: Path = Path("/run/cps-appliance")


class Config(_Table, frozen=True):
    """The whole file. Every table but ``[device]`` may be left out."""

    device: Device
    keypad: Keypad
    display: Display
    signals: Signals
    door: Door
    mqtt: Mqtt = Mqtt()
    rights: dict[ClientId, frozenset[Right]] = {}
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


class Environment(Struct, frozen=True, kw_only=True):
    """What systemd tells a service through its environment (sd_notify(3), sd_listen_fds(3)).

    ``watchdog``: seconds the service manager waits between two signs of life, None when it does not watch.
    ``sockets``: name of the socket unit's ``FileDescriptorName`` -> file descriptor, empty when none was passed.
    """

    notify_socket: str | None = None
    watchdog: float | None = None
    sockets: dict[str, int] = {}

    @classmethod
    def from_process(cls) -> Self:
        """Read this process's environment.

        Raises:
            ConfigError: the variables of sd_listen_fds(3) contradict one another.
        """
        return cls.from_mapping(os.environ, os.getpid())

    @classmethod
    def from_mapping(cls, variables: Mapping[str, str], pid: int) -> Self:
        """The same from a mapping; descriptors meant for another ``pid`` are not ours.

        Raises:
            ConfigError: as ``from_process``.
        """
        notify = variables.get("NOTIFY_SOCKET") or None
        watchdog = _watchdog(variables, pid)
        if variables.get("LISTEN_PID") != str(pid):
            return cls(notify_socket=notify, watchdog=watchdog)
        count = variables.get("LISTEN_FDS", "")
        names = variables.get("LISTEN_FDNAMES", "").split(":")
        if not re.fullmatch(r"[0-9]{1,3}", count) or len(names) != int(count) or len(set(names)) != len(names):
            raise ConfigError("LISTEN_FDS and LISTEN_FDNAMES do not match")
        return cls(
            notify_socket=notify,
            watchdog=watchdog,
            sockets={name: LISTEN_FDS_START + n for n, name in enumerate(names)},
        )


def _watchdog(variables: Mapping[str, str], pid: int) -> float | None:
    """WATCHDOG_USEC in seconds, when it is meant for us (sd_watchdog_enabled(3))."""
    given = variables.get("WATCHDOG_USEC", "")
    if not given or variables.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,15}", given):
        raise ConfigError("WATCHDOG_USEC is not a number of microseconds")
    return int(given) / 1_000_000


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
