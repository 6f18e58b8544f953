"""What every journey stands on: the desk, a reader, a broker, one box, and a person who presses keys and reads pixels.

What it is: the outside world of a box, put up and taken down around one test. What it is not: a way into the box:
nothing of ``appliance.vault`` or ``appliance.gateway`` is imported, and nothing is known that the pixels, the broker,
the card or /proc do not say.
Rule: every wait is for a frame, a message or the end of a process, and bounded.
"""

import base64
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from appliance.client.transport import Client
from appliance.simulator import pcscd
from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.faults import SoftCard
from appliance.simulator.launch import DEVICE, Box
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.pki import TestPki
from appliance.simulator.reading import MARK as CHOSEN
from appliance.simulator.reading import read_marked
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.vpcd import VpcdSlot

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
import mosquitto

TIMEOUT = 20.0
CLIENT = "dossier"
OTHER = "accueil"
RIGHTS = {CLIENT: ("sign", "sign-raw", "identity", "practice"), OTHER: ("sign",)}
PIN = "1234"
WRONG = "9999"
TEXT = "text/plain;charset=utf-8"
MARK = "•"
HELD = 1.1
"""Seconds."""
GROUPS = re.compile(r"[0-9a-f]{4}(?: [0-9a-f]{4}){3}")
LONGEST_LIST = 30
PAGES = re.compile(r"\b(\d+)/(\d+)\b")


class Reader(Protocol):
    """Where cards go in: vpcd behind the real pcscd, or the desk's own pcsc-lite server."""

    def insert(self, card: SoftCard) -> None: ...

    def remove(self) -> None: ...


class Broker(Protocol):
    url: str
    port: int

    def start(self) -> None: ...

    def stop(self) -> None: ...


def missing() -> str | None:
    """Why the real pcscd, vpcd and mosquitto cannot be had here, or None."""
    return pcscd.missing() or mosquitto.missing()


def document(content: str | bytes, title: str = "Ordonnance", media_type: str = TEXT) -> dict[str, str]:
    """A document of a ``sign`` request."""
    data = content.encode() if isinstance(content, str) else content
    return {"kind": "content", "mediaType": media_type, "title": title, "data": base64.b64encode(data).decode()}


def signing(*contents: str | bytes, form: str = "raw", **members: object) -> dict[str, object]:
    """The body of a ``sign`` request over texts."""
    return {"documents": [document(content) for content in contents], "format": form, **members}


def check_one_verify_per_hash(cards: Iterable[SoftCps3], hashes: int) -> None:
    """The promise of every journey, counted by the cards themselves: no VERIFY without a ``#`` of its own."""
    verified = sum(card.verify_count for card in cards)
    assert verified <= hashes, f"the cards counted {verified} VERIFY for {hashes} presses of #"


class Person:
    """Someone at the desk: presses keys, reads the display, and counts every ``#``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.hashes = 0

    def press(self, keys: str) -> None:
        self.hashes += keys.count("#")
        self._desk.press(keys)

    def holds(self, key: str) -> None:
        """Keep a key down for the second that means something (design §5)."""
        self._desk.hold_for(key, HELD)

    def opens_menu(self, entry: str) -> None:
        """From home to an entry of the menu."""
        self.holds("A")
        self.sees("Menu")
        self.finds(entry)
        self.press("A")

    def finds(self, entry: str) -> None:
        """Down a list until this entry is the one in reverse video."""
        for _ in range(LONGEST_LIST):
            lines = read_marked(self._desk.frame())
            if any(line.startswith(CHOSEN) and entry in line for line in lines):
                return
            self.press("C")
            self._desk.wait_picture(lambda image, before=lines: read_marked(image) != before)
        raise AssertionError(f"no entry {entry!r} in this list")

    def is_asked_for(self, title: str, marks: int = 0) -> list[str]:
        """Wait for an entry of a secret with so many marks."""
        return self._desk.wait_for(lambda lines: title in lines and _marks(lines) == marks, TIMEOUT)

    def gives(self, title: str, digits: str) -> None:
        """Wait for a fresh entry, type, see as many marks, and ``#``."""
        self.is_asked_for(title)
        self.press(digits)
        self.is_asked_for(title, len(digits))
        self.press("#")

    def sees(self, text: str) -> list[str]:
        """Wait for a text on the display; all its lines."""
        return self._desk.wait_for(text, TIMEOUT)

    def insists(self) -> list[str]:
        """Agree to the last try, once its screen has stood there for the second that an ``A`` of before is ignored."""
        warning = self.sees("Dernier essai !")
        self._desk.advance(1)
        self.press("A")
        return warning

    def reads_consent(self) -> list[list[str]]:
        """Turn with ``C`` through the pages of a consent that has just come up; the lines of each page."""
        pages = [self._desk.wait_for(lambda lines: _page(lines) == 1, TIMEOUT)]
        while not _agreeable(pages[-1]):
            following = len(pages) + 1
            self.press("C")
            pages.append(
                self._desk.wait_for(lambda lines, at=following: _page(lines) == at or _agreeable(lines), TIMEOUT)
            )
        return pages

    def agrees(self) -> list[list[str]]:
        """Read the consent to its end, then ``A``; the pages that were read."""
        pages = self.reads_consent()
        self.press("A")
        return pages

    def is_asked_for_pin(self, marks: int = 0) -> list[str]:
        """Wait until the PIN is asked for, with so many marks."""
        return self._desk.wait_for(lambda lines: "Code porteur" in lines and _marks(lines) == marks, TIMEOUT)

    def types(self, digits: str) -> None:
        """Type digits into a fresh prompt and see as many marks."""
        self.is_asked_for_pin()
        self.press(digits)
        self.is_asked_for_pin(len(digits))

    def enters(self, pin: str = PIN) -> None:
        """The PIN and its ``#``."""
        self.types(pin)
        self.press("#")


def fingerprint(pages: list[list[str]]) -> str:
    """The four groups of four on the last page of a consent, as they were read off the pixels."""
    found = [line for line in pages[-1] if GROUPS.fullmatch(line)]
    assert len(found) == 1, pages[-1]
    return found[0]


def content_text(pages: list[list[str]], heading: str) -> str:
    """What the pages show of the documents: every row that is not heading, fingerprint or keys, joined by spaces."""
    rows = [row for page in pages[1:] for row in page[:-1] if row not in {heading, "Empreinte :"}]
    return " ".join(row for row in rows if not GROUPS.fullmatch(row))


def _page(lines: list[str]) -> int | None:
    """The number of the page, from the row of keys."""
    found = PAGES.search(lines[-1]) if lines and "refuser" in lines[-1] else None
    return int(found[1]) if found else None


def _agreeable(lines: list[str]) -> bool:
    return bool(lines) and "A accepter" in lines[-1]


def _marks(lines: list[str]) -> int:
    return sum(line.count(MARK) for line in lines)


class Bench:
    """A box with everything around it. ``told`` holds the events that came so far, in order."""

    def __init__(self, folder: Path, desk: Desk, broker: Broker, reader: Reader, box: Box) -> None:
        self.folder = folder
        self.desk, self.broker, self.reader, self.box = desk, broker, reader, box
        self.person = Person(desk)
        self.pki = TestPki.generate()
        self.card = SoftCps3(self.pki)
        self.told: list[dict] = []
        self._client = Client(broker.url, DEVICE, CLIENT)

    @property
    def client(self) -> Client:
        """The practice software; connected while the bench stands."""
        return self._client

    def insert(self) -> None:
        """Put the card in, and see its holder's name on the display."""
        self.reader.insert(self.card)
        self.person.sees("S. DURAND-TEST")

    def ask(self, *contents: str | bytes, form: str = "raw", **members: object) -> Iterator[dict]:
        """Ask for signatures; the replies as they come."""
        return self.client.request("sign", signing(*contents, form=form, **members), TIMEOUT)

    def event(self, name: str) -> dict:
        """The ``data`` of the next event ``domain/name``; those before it are kept in ``told``."""
        for message in self.client.events(TIMEOUT):
            self.told.append(message.body | {"name": message.topic.removeprefix("evt/")})
            if self.told[-1]["name"] == name:
                return message.body["data"]
        raise AssertionError(f"no {name} after {self.names}")

    @property
    def names(self) -> list[str]:
        """The events that came so far."""
        return [event["name"] for event in self.told]


def comes(replies: Iterator[dict], phase: str) -> dict:
    """The next reply, which must be of this phase."""
    reply = next(replies)
    assert reply["phase"] == phase, reply
    return reply


def fails(replies: Iterator[dict], code: str) -> dict:
    """The next reply, which must be the final problem with this code."""
    problem = comes(replies, "error")
    assert (problem["code"], problem["final"]) == (code, True)
    assert problem["type"] == f"urn:cps-appliance:problem:{code}"
    return problem


@contextmanager
def real_neighbours(folder: Path) -> Iterator[tuple[Reader, Path, Broker]]:
    """pcscd with vpcd in namespaces of their own, and mosquitto."""
    with (
        pcscd.PrivatePcscd(folder / "pcscd") as daemon,
        VpcdSlot(daemon.connect) as slot,
        mosquitto.PrivateMosquitto(folder / "mosquitto") as broker,
    ):
        yield slot, daemon.socket_path, broker


@contextmanager
def desk_neighbours(folder: Path) -> Iterator[tuple[Reader, Path, Broker]]:
    """The desk's own reader and broker: no root, no daemon."""
    with PcscliteServer(folder / "pcsc") as reader, IotcoreBroker() as broker:
        yield reader, folder / "pcsc", broker


NEIGHBOURS = {"real": real_neighbours, "desk": desk_neighbours}


@contextmanager
def standing_bench(
    folder: Path, kind: str = "real", module: str = "appliance.simulator.vault", more: str = ""
) -> Iterator[Bench]:
    """A bench that stands: box online, reader empty, practice software connected; ``more`` is configuration.

    On the way out the promise of ``check_one_verify_per_hash`` is held; the box's logs go to standard output, which
    pytest shows for a test that failed.
    """
    with ExitStack() as stack:
        reader, socket_path, broker = stack.enter_context(NEIGHBOURS[kind](folder))
        desk = stack.enter_context(Desk(folder / "desk"))
        around = {"url": broker.url, "desk": desk.path, "reader": socket_path, "rights": RIGHTS}
        box = Box(folder / "box", **around, module=module, more=more)
        stack.callback(lambda: print(box.log("vault"), box.log("gateway"), sep="\n"))
        stack.enter_context(box)
        bench = Bench(folder, desk, broker, reader, box)
        stack.enter_context(bench.client)
        bench.client.wait_online(TIMEOUT)
        bench.person.sees("Insérez")
        yield bench
