"""The tables of the configuration: one frozen struct each, with bounds on every number.

What it is: the names of design §6 and the times of design §5. What it is not: a reader of files (config.py), or a
place that decides anything. Rule: an unknown key or a value out of bounds is msgspec's ``ValidationError``.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Meta, Struct

KEYS: Final = frozenset("0123456789ABCD*#")
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}  # IANA: mqtt, secure-mqtt

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


class Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class Device(Table, frozen=True):
    """``[device]``: who this box is, in topics and events."""

    id: ClientId


class Tls(Table, frozen=True):
    """``[mqtt.tls]``: PEM files. Without ``ca`` the system's authorities are trusted."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together")


class Mqtt(Table, frozen=True):
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


class Card(Table, frozen=True):
    """``[card]``: types of cards (table G02) that sign nothing here, by default a student's; and a card left in.

    ``forgotten_after``: minutes at home with nobody there until the box asks whether the card was forgotten, 0 for
    never. ``forgotten_at``: the local time at which it asks in any case, ``HH:MM``.
    """

    may_not_sign: tuple[Literal["CPS", "CPF", "CPE", "CPA"], ...] = ("CPF",)
    forgotten_after: Annotated[int, Meta(ge=0, le=1440)] = 30
    forgotten_at: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")] | None = None


class Reader(Table, frozen=True):
    """``[reader]``: how the reader is held, and which card each reader serves (its name or a part of it: role)."""

    share: Literal["exclusive", "shared"] = "exclusive"
    roles: dict[Annotated[str, Meta(min_length=1)], Literal["cps", "vitale"]] = {}


UsbId = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}\Z")]


class Keypad(Table, frozen=True):
    """``[keypad]``: GPIO numbers of a 4x4 matrix, and its keys row by row.

    ``usb``: vendor and product of the USB keypads that count in its place; none by default, and then it is off.
    """

    rows: tuple[Gpio, Gpio, Gpio, Gpio]
    columns: tuple[Gpio, Gpio, Gpio, Gpio]
    layout: Annotated[str, Meta(min_length=16, max_length=16)]
    usb: Annotated[tuple[UsbId, ...], Meta(max_length=8)] = ()

    def __post_init__(self) -> None:
        if frozenset(self.layout) != KEYS:
            raise ValueError("layout names each of 0-9, A-D, * and # once")


class Display(Table, frozen=True):
    """``[display]``: the OLED's controller and its place on the I2C bus; seconds without anybody until dim and off.

    ``language`` and ``contrast`` (1 faint to 4) hold until the person chooses others on the box.
    """

    driver: Literal["ssd1306", "sh1106"]
    port: Annotated[int, Meta(ge=0, le=31)]
    address: Literal[0x3C, 0x3D]
    width: int = 128
    height: int = 64
    language: Literal["fr", "en"] = "fr"
    contrast: Annotated[int, Meta(ge=1, le=4)] = 3
    dim: Annotated[int, Meta(ge=5, le=3600)] = 30
    off: Annotated[int, Meta(ge=10, le=86400)] = 120

    def __post_init__(self) -> None:
        if (self.width, self.height) != (128, 64):
            raise ValueError(f"every screen is drawn for 128x64: no panel of {self.width}x{self.height} can show it")
        if self.dim >= self.off:
            raise ValueError("dim must come before off")


class Signing(Table, frozen=True):
    """``[signing]``: whether a document may be given by its digest alone, and whether a session may be opened.

    A session (design §5) waives the code, never the agreement; off unless switched on, refused on a shared reader.
    """

    allow_digest: bool = True
    session: bool = False
    session_signatures: Annotated[int, Meta(ge=1, le=20)] = 20
    session_minutes: Annotated[int, Meta(ge=1, le=10)] = 10


class Timeouts(Table, frozen=True):
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


class Limits(Table, frozen=True):
    """``[limits]``: sign and authenticate requests a minute, for each client (contract, Limits)."""

    requests_per_minute: Annotated[int, Meta(ge=1, le=60)] = 5


class Signals(Table, frozen=True):
    """``[signals]``: GPIO numbers of LED, buzzer, tamper switch and panel button.

    ``sound``: whether the buzzer says anything, until the person chooses on the box. ``tamper_switch``: whether one is
    fitted; without it the input, which would read as an open box, is left alone.
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


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Span = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z")]
"""``HH:MM-HH:MM`` of the box's local time; its end is no longer in it."""
HolderTag = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
"""The pseudonym of a holder on this box, as ``card/identified`` tells it (vault/holders.py)."""


class Door(Table, frozen=True):
    """``[door]``: GPIO numbers of the strike's relay and of the door's contact; seconds the strike is open.

    ``enabled``: whether this box opens a door at all. ``admit``: whose card may, ``hours``: when it may (absent:
    always; a day that is left out: never). ``at_insertion``: the code is asked for as soon as a card is in.
    ``presence_only``: no code and no proof; whoever copies the public data of a card comes in.
    """

    relay: Gpio
    contact: Gpio
    pulse: Annotated[float, Meta(ge=0.5, le=10)] = 3.0
    enabled: bool = False
    admit: Literal["all"] | frozenset[HolderTag] = "all"
    hours: dict[Day, tuple[Span, ...]] | None = None
    at_insertion: bool = False
    presence_only: bool = False

    def __post_init__(self) -> None:
        for day, spans in (self.hours or {}).items():
            for span in spans:
                begin, end = span.split("-")
                if begin >= end:  # HH:MM sorts as it reads
                    raise ValueError(
                        f"hours of {day}: {span} does not end after it begins; "
                        "over midnight is two spans, one to 24:00 and one of the next day from 00:00"
                    )


Accepted = frozenset[Literal["good", "unknown", "untrusted"]]
"""What a certificate may be worth: ``unknown`` while the clock is not set. Nothing revives one that is over."""


class Trust(Table, frozen=True):
    """``[trust]``: where the authorities stand, whether test ones count, and what each use accepts of a card."""

    directory: Path = Path("/etc/cps-appliance/trust")
    test: bool = False
    sign: Accepted = frozenset({"good", "unknown"})
    authenticate: Accepted = frozenset({"good", "unknown"})
    door: frozenset[Literal["good", "unknown"]] = frozenset({"good"})

    def __post_init__(self) -> None:
        if not all("good" in use for use in (self.sign, self.authenticate, self.door)):
            raise ValueError("every use accepts good")


class Paths(Table, frozen=True):
    """``[paths]``: absolute folders; ``state`` keeps the one SQLite file, ``run`` the two sockets."""

    state: Path = Path("/var/lib/cps-appliance")
    run: Path = Path("/run/cps-appliance")
