"""What the front panel's page and the desk say to one another: a closed set of JSON messages.

What it is: msgspec structs tagged by ``type``, members in camelCase, one codec each way. What it is not: what follows
from a message (``panel_hands``), or how it travels (``panel_server``).
Rule: an unknown type, member or value is refused whole; a key of the keypad is in no repr.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

Key = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "C", "D", "*", "#"]
Tone = Literal["asked", "heard", "good", "bad", "desk"]
Stage = Literal["open", "done", "failed"]

MAX_TEXT: Final = 64 * 1024
"""Characters of a document that a page may send: twice what the box takes, so that it can be seen to refuse."""


class _Message(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True, tag_field="type"):
    """One message."""


# --- from the page ----------------------------------------------------------------------------------------------------


class Down(_Message, frozen=True, tag="down"):
    """A key of the box goes down, and stays down."""

    key: Key

    def __repr__(self) -> str:
        return "Down(***)"


class Up(_Message, frozen=True, tag="up"):
    """It comes up."""

    key: Key

    def __repr__(self) -> str:
        return "Up(***)"


class Insert(_Message, frozen=True, tag="insert"):
    """A card of the tray goes in; one that is in comes out first."""

    card: Annotated[str, Meta(max_length=64)]


class Remove(_Message, frozen=True, tag="remove"):
    """The card comes out."""


class Renew(_Message, frozen=True, tag="renew"):
    """A card of the tray becomes as it was delivered."""

    card: Annotated[str, Meta(max_length=64)]


class Flip(_Message, frozen=True, tag="flip"):
    """A switch among the faults: on if it was off, off if it was on."""

    fault: Annotated[str, Meta(max_length=64)]


class Ask(_Message, frozen=True, tag="ask"):
    """The practice software sends something.

    Attributes:
        what: a name of ``panel_samples.SAMPLES``.
        title, text: of the document, where it is the person's own.
        format: how a signature comes back.
        spoil: change a bit of the document before the signature is checked.
    """

    what: Annotated[str, Meta(max_length=64)]
    title: Annotated[str, Meta(max_length=200)] = ""
    text: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    format: Literal["jws", "raw"] = "jws"
    spoil: bool = False


class Cancel(_Message, frozen=True, tag="cancel"):
    """The practice software cancels what it asked last."""


class Play(_Message, frozen=True, tag="play"):
    """A written journey is to be played."""

    journey: Annotated[str, Meta(max_length=64)]


class Pause(_Message, frozen=True, tag="pause"):
    """The journey stands still before its next step, or goes on."""


class Stop(_Message, frozen=True, tag="stop"):
    """The journey ends here."""


Order = Down | Up | Insert | Remove | Renew | Flip | Ask | Cancel | Play | Pause | Stop

_orders: Final = msgspec.json.Decoder(Order)


def decode(text: str | bytes) -> Order:
    """A message of the page.

    Raises:
        ValueError: it is none. Whoever catches it does not repeat what it says: it may quote the message.
    """
    order: Order = _orders.decode(text)
    return order


# --- to the page ------------------------------------------------------------------------------------------------------


class Offer(Struct, frozen=True, rename="camel", kw_only=True):
    """A card of the tray. ``letter``: the codes that came with it, empty for a card without any."""

    name: str
    title: str
    holder: str
    about: str
    letter: str
    first: bool


class Switch(Struct, frozen=True, rename="camel", kw_only=True):
    """A fault that a person can make. ``lasts``: it is on or off; else a button."""

    name: str
    group: str
    title: str
    about: str
    lasts: bool


class Sample(Struct, frozen=True, rename="camel", kw_only=True):
    """Something that the practice software can send; ``own``: title and text are the person's."""

    name: str
    group: str
    title: str
    about: str
    signs: bool
    own: bool


class Script(Struct, frozen=True, rename="camel", kw_only=True):
    """A journey that can be played: the chapter it stands in, and its steps as they are written."""

    name: str
    part: str
    title: str
    purpose: str
    steps: tuple[str, ...]


class Hello(_Message, frozen=True, tag="hello"):
    """The first message: what stands on the desk."""

    version: str
    listen: str
    tray: tuple[Offer, ...]
    switches: tuple[Switch, ...]
    samples: tuple[Sample, ...]
    title: str
    text: str
    journeys: tuple[Script, ...] = ()


class Frame(_Message, frozen=True, tag="frame"):
    """What the display shows: 1,024 bytes, rows from the top, the leftmost pixel the highest bit; and its text."""

    pixels: bytes
    lines: tuple[str, ...]


class State(_Message, frozen=True, tag="state"):
    """How things stand.

    Attributes:
        card: the name of the card that is in, None for none.
        foreign: the reader's card is not ours: nobody can move it from here.
        plugged: whether the reader is connected. vault, gateway: whether they run.
        status: what the box says on MQTT (``online``, ``degraded`` …), empty where nobody hears it.
        broker: None when it is somebody else's.
        on: switches that are on.
        light: the display's contrast, 0 to 255; None while it is off.
        lamp: red, green, blue. beeps: so many so far. relay: the door's strike is released. cover: the case is open.
    """

    card: str | None
    foreign: bool
    plugged: bool
    broker: bool | None
    gateway: bool
    vault: bool
    status: str
    on: tuple[str, ...]
    light: int | None
    lamp: tuple[bool, bool, bool]
    beeps: int
    relay: bool
    cover: bool


class Entry(_Message, frozen=True, tag="entry"):
    """Something that happened. ``at``: time of day, ``HH:MM:SS``; ``topic`` of MQTT, empty for none."""

    number: int
    at: str
    tone: Tone
    topic: str
    text: str


class Check(Struct, frozen=True, rename="camel", kw_only=True):
    """What openssl said of one thing."""

    about: str
    good: bool


class Dossier(_Message, frozen=True, tag="dossier"):
    """A request of the practice software and what became of it so far; sent again, whole, whenever it changes.

    ``code``: how it ended: ``done``, a code of the contract, ``unsent`` or ``silent``; empty while it is open.
    """

    number: int
    title: str
    stage: Stage
    phase: str
    detail: str
    checks: tuple[Check, ...]
    code: str = ""


class Playing(_Message, frozen=True, tag="playing"):
    """Where the journey stands. ``step``: the one in hand, from 1, 0 before the first; ``said``: how it ended."""

    name: str
    step: int
    stage: Literal["idle", "playing", "paused", "done", "failed", "stopped"]
    said: str


IDLE: Final = Playing(name="", step=0, stage="idle", said="")
"""No journey was played yet."""

News = Hello | Frame | State | Entry | Dossier | Playing

_encoder: Final = msgspec.json.Encoder()


def encode(news: News) -> str:
    """A message for the page."""
    return _encoder.encode(news).decode()
