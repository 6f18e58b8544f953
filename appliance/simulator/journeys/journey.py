"""The format of a journey: a head of ``name: value`` lines, an empty line, then one step a line.

What it is: a parser from text to frozen values, pure. What it is not: a player (``player``), or a programming
language: no variable, no branch, no loop. Rule: a file is a ``Journey`` or a ``JourneyError`` that names file and line.

Head: ``title`` and ``purpose`` (French, one sentence), ``part`` (a chapter of ``PARTS``), and where wanted ``pictures:
yes`` (a strip for the documentation), ``fresh: yes`` (a box that remembers nothing) and ``config: table.key = value``
(TOML; may stand several times). Steps: see ``VERBS``. A text stands in « French » or "plain" quotes. Lines that begin
with ``#`` are for maintainers.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from appliance.errors import SimulatorError
from appliance.simulator.desk import LAYOUT
from appliance.simulator.panel_cards import TRAPS
from appliance.simulator.softmodels import MODELS

MAX_TEXT: Final = 64 * 1024
"""Characters of a file."""

PARTS: Final = (
    "Signer",
    "Le code",
    "Plusieurs signatures",
    "Les cartes",
    "Le temps",
    "Ce qui tombe en panne",
    "Le boîtier",
    "La porte",
)
"""Chapters, in the order of the documentation."""

TIMES: Final[Mapping[str, tuple[str, str, int]]] = {
    "first-digit": ("timeouts", "first_digit", 1),
    "next-digit": ("timeouts", "next_digit", 1),
    "entry": ("timeouts", "entry", 1),
    "reminder": ("timeouts", "reminder", 1),
    "last-try": ("timeouts", "last_try", 1),
    "wait-card": ("timeouts", "wait_card", 1),
    "result": ("timeouts", "result", 1),
    "menu": ("timeouts", "menu", 1),
    "session": ("signing", "session_minutes", 60),
    "dim": ("display", "dim", 1),
    "off": ("display", "off", 1),
}
"""A time by name -> table and key of the configuration, and seconds of one unit."""

CODES: Final = ("code", "wrong-code", "new-code", "other-code", "unblocking-code", "wrong-unblocking-code")
"""What a person types: the code of the card's letter, another one, and so on."""
COLOURS: Final[Mapping[str, tuple[int, int, int]]] = {
    "dark": (0, 0, 0),
    "blue": (0, 0, 1),
    "green": (0, 1, 0),
    "cyan": (0, 1, 1),
    "red": (1, 0, 0),
    "violet": (1, 0, 1),
    "yellow": (1, 1, 0),
    "white": (1, 1, 1),
}
"""Of the lamp: red, green, blue."""

QUOTED: Final = "«»"
"""A text in the shape of a step."""
_TOKENS: Final = re.compile(r'\s*(?:«\s*([^«»"]*?)\s*»|"([^"]*)"|([^\s«»"]+))')
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CONFIG: Final = re.compile(r"([a-z0-9_]+)\.([a-z0-9_]+)\s*=\s*(.+)")
_CODE: Final = r"[a-z0-9]+(?:-[a-z0-9]+)*"


class JourneyError(SimulatorError):
    """A file is no journey; the message begins with its name and the line."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A kind of step: the shape of what stands behind it, how to write it, and what it does."""

    shape: re.Pattern[str]
    usage: str
    about: str


def _any(names: Mapping[str, object] | tuple[str, ...]) -> str:
    return "(?:" + "|".join(map(re.escape, names)) + ")"


def _verb(shape: str, usage: str, about: str) -> Verb:
    return Verb(re.compile(shape), usage, about)


VERBS: Final[Mapping[str, Verb]] = {
    "insert": _verb(_any(MODELS), "insert CARD", "a card of the tray goes in"),
    "remove": _verb("", "remove", "the card comes out"),
    "sees": _verb(f"{QUOTED}( {QUOTED})*", "sees « TEXT »", "the display shows these texts, together"),
    "reads": _verb("", "reads", "C, page by page, until the display offers A"),
    "keys": _verb(f"[{re.escape(LAYOUT)}]+", "keys KEYS", "keys of the keypad, one after the other"),
    "holds": _verb(f"[{re.escape(LAYOUT)}]", "holds KEY", "a key, held for the second that means something"),
    "types": _verb(
        f"({_any(CODES)}|{QUOTED})", "types CODE", "digits into an empty entry, by name or as they are; without #"
    ),
    "asks": _verb(
        rf"(sign( {QUOTED} {QUOTED})( and {QUOTED} {QUOTED})*( raw)?( ttl \d{{1,3}})?|pdf|practice|identity|ping)",
        "asks sign « TITLE » « TEXT »",
        "the practice software sends a request",
    ),
    "cancels": _verb("", "cancels", "it takes the last one back, and is told so"),
    "answers": _verb(_CODE, "answers CODE", "a request ends: done (openssl has judged it) or a code of the contract"),
    "event": _verb(f"{_CODE}/{_CODE}", "event NAME", "the box publishes it, after those that were awaited before"),
    "waits": _verb(rf"({_any(TIMES)}|\d{{1,5}} s)", "waits TIME", "the box's clock is moved on"),
    "fault": _verb(_any((*TRAPS, "slow")), "fault NAME", "the card in the reader will fail so"),
    "reader": _verb("(out|in)", "reader out", "its plug"),
    "broker": _verb("(stop|start)", "broker stop", "the MQTT server"),
    "gateway": _verb("(stop|start)", "gateway stop", "the process that carries messages; stopped as by a crash"),
    "vault": _verb("(stop|start)", "vault stop", "the process that decides; stopped as by a crash"),
    "cover": _verb("(open|close)", "cover open", "the box's case"),
    "admin": _verb("rearm", "admin rearm", "the command line re-arms the tamper lock"),
    "button": _verb("(down|up)", "button down", "the button on the box's front"),
    "ghost": _verb("", "ghost", "three keys at once, which show a fourth"),
    "stuck": _verb("", "stuck", "a key stays down for longer than a finger does"),
    "free": _verb("", "free", "and comes up"),
    "display": _verb("fails", "display fails", "its next exchange on the bus ends with an error"),
    "lamp": _verb(_any(COLOURS), "lamp COLOUR", "the lamp has this colour"),
    "screen": _verb("dark", "screen dark", "the display is off"),
    "door": _verb("opens", "door opens", "the relay moves, once more than before"),
}
"""First word of a step -> what may follow it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its line in the file, the line itself, and its words and texts apart."""

    line: int
    source: str
    verb: str
    words: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """One file. ``config``: table -> key -> value, on top of the box's own."""

    name: str
    title: str
    purpose: str
    part: str
    steps: tuple[Step, ...]
    config: Mapping[str, Mapping[str, Any]]
    pictures: bool = False
    fresh: bool = False

    @property
    def cards(self) -> tuple[str, ...]:
        """The cards that go in."""
        return tuple(dict.fromkeys(step.words[0] for step in self.steps if step.verb == "insert"))


def parse(name: str, text: str) -> Journey:
    """Read one file.

    Args:
        name: of the journey: lower case, digits and hyphens; errors name the file ``name.txt``.
        text: what stands in it.

    Raises:
        JourneyError: it is no journey.
    """
    if not _NAME.fullmatch(name):
        raise JourneyError(f"{name!r}: a journey's name is lower case, digits and hyphens")
    file = f"{name}.txt"
    if len(text) > MAX_TEXT:
        raise JourneyError(f"{file}:1: longer than {MAX_TEXT} characters")
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1)]
    border = next((at for at, (_, line) in enumerate(lines) if not line), len(lines))
    head, config = _head(file, lines[:border])
    steps = tuple(_step(file, number, line) for number, line in lines[border:] if line and not line.startswith("#"))
    if not steps:
        raise JourneyError(f"{file}:{len(lines)}: no step, after an empty line behind the head")
    return Journey(
        name=name,
        title=head["title"],
        purpose=head["purpose"],
        part=head["part"],
        steps=steps,
        config=config,
        pictures="pictures" in head,
        fresh="fresh" in head,
    )


def _head(file: str, lines: list[tuple[int, str]]) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """The members of the head, checked, and the configuration apart."""
    head: dict[str, str] = {}
    config: dict[str, dict[str, Any]] = {}
    for number, line in lines:
        where = f"{file}:{number}"
        if line.startswith("#"):
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not value:
            raise JourneyError(f"{where}: the head is made of 'name: value'")
        if name == "config":
            _configure(where, value, config)
        elif name not in _HEAD or name in head:
            raise JourneyError(f"{where}: {name!r} is no member of the head, or stands there twice")
        elif not _HEAD[name].fullmatch(value):
            raise JourneyError(f"{where}: {name} is {_RULES[name]}")
        else:
            head[name] = value
    missing = {"title", "purpose", "part"} - set(head)
    if missing:
        raise JourneyError(f"{file}:1: the head has no {min(missing)}")
    return head, config


_HEAD: Final = {
    "title": re.compile(r".{1,60}"),
    "purpose": re.compile(r".{1,300}[.?!]"),
    "part": re.compile(_any(PARTS)),
    "pictures": re.compile("yes"),
    "fresh": re.compile("yes"),
}
_RULES: Final = {
    "title": "at most 60 characters",
    "purpose": "a sentence",
    "part": f"one of: {', '.join(PARTS)}",
    "pictures": "yes, or not there",
    "fresh": "yes, or not there",
}


def _configure(where: str, value: str, config: dict[str, dict[str, Any]]) -> None:
    """Take one ``table.key = value`` of the configuration."""
    found = _CONFIG.fullmatch(value)
    if found is None:
        raise JourneyError(f"{where}: config is 'table.key = value'")
    table, key, written = found.groups()
    try:
        read = tomllib.loads(f"value = {written}")
        json.dumps(read, allow_nan=False)
    except (RecursionError, TypeError, ValueError) as error:
        raise JourneyError(f"{where}: not a value of TOML that JSON has too") from error
    if set(read) != {"value"} or key in config.get(table, {}):
        raise JourneyError(f"{where}: one value a line, and each once")
    config.setdefault(table, {})[key] = read["value"]


def _step(file: str, number: int, line: str) -> Step:
    where = f"{file}:{number}"
    verb, words, texts, shape = "", [], [], []
    for word, text in _tokens(where, line):
        if text is not None:
            texts.append(text)
            shape.append(QUOTED)
        elif not verb and not shape:
            verb = word
        else:
            words.append(word)
            shape.append(word)
    rule = VERBS.get(verb)
    if rule is None:
        raise JourneyError(f"{where}: no such step: {verb or line!r}; there are {', '.join(VERBS)}")
    if not rule.shape.fullmatch(" ".join(shape)):
        raise JourneyError(f"{where}: not a step; it is written: {rule.usage}")
    if not all(texts) or (verb == "types" and texts and not texts[0].isdecimal()):
        raise JourneyError(f"{where}: {'digits' if verb == 'types' else 'a text'} between the quotes")
    return Step(number, line, verb, tuple(words), tuple(texts))


def _tokens(where: str, line: str) -> Iterator[tuple[str, str | None]]:
    """Words and texts of a line, in order: ``(word, None)`` or ``("", text)``."""
    at = 0
    while at < len(line):
        found = _TOKENS.match(line, at)
        if found is None:
            raise JourneyError(f"{where}: a quote that does not open or close")
        french, plain, word = found.groups()
        yield (word, None) if word is not None else ("", french if french is not None else plain)
        at = found.end()


def journeys() -> tuple[Journey, ...]:
    """All that ship, in the order of chapters, then names.

    Raises:
        JourneyError: one of them is none.
    """
    folder = resources.files("appliance.simulator.journeys")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".txt")), key=lambda file: file.name)
    found = [parse(file.name.removesuffix(".txt"), file.read_text("utf-8")) for file in files]
    return tuple(sorted(found, key=lambda journey: PARTS.index(journey.part)))
