"""A bench whose card, reader and daemon can fail, and what must hold after each fault.

What it is: the journeys' bench with a card that fails on demand, and an ear that hears every MQTT message of the box.
What it is not: a way into the box, no more than the journeys' bench is.
Rule: what a test broke is whole again at its end, and then ``check`` holds: no VERIFY without its own ``#``, no
signature without its own document, one answer for each request, events without a gap.
"""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))
sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))
import mosquitto
from ear import Ear
from journey_kit import CLIENT, OTHER, PIN, TIMEOUT, Bench, check_one_verify_per_hash, comes, missing, signing

from appliance.screen.fr import WORDS
from appliance.simulator import pcscd
from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.faults import FaultyCard, SoftCard
from appliance.simulator.launch import Box
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.pcsclite_codes import Status
from appliance.simulator.softcps3 import ATR
from appliance.simulator.softpin import PIN as PIN_REFERENCE
from appliance.simulator.vpcd import VpcdSlot

BACK = 3.0
"""Seconds after a fault is over until the box serves again (issue 3, item 1)."""
RESULT = 5
"""Seconds a result stays on the display (design §5)."""
UNSURE, ITS_TIME = "Code changé ou non :", 30
"""A line of the results that stay longer, and how long: a person must have read them."""
TEXT = "Repos de 3 jours."
HOLDER = "S. DURAND-TEST"
GOODBYE = "À bientôt."
LIMITS = "[limits]\nrequests_per_minute = 60\n[signing]\nsession = true\n"
RIGHTS = {CLIENT: ("sign", "sign-raw", "identity"), OTHER: ("sign",)}
_ENDINGS = (
    WORDS.removed,
    WORDS.taken,
    WORDS.pin_blocked,
    WORDS.unknown,
    *WORDS.notices.values(),
    *WORDS.code_notices.values(),
)
TITLES = {WORDS.signed} | {notice.headline for notice in _ENDINGS}
"""First lines of the screens that say how something ended."""


def is_home(lines: list[str]) -> bool:
    """No card in, nothing going on."""
    return "Insérez" in lines


def is_ready(lines: list[str]) -> bool:
    """A known card in, nothing going on."""
    return HOLDER in lines


class Asked(Iterator[dict]):
    """A request on its way, and the replies its sender has had."""

    def __init__(self, replies: Iterator[dict], documents: int) -> None:
        self._replies = replies
        self.documents = documents
        self.had: list[dict] = []

    def __next__(self) -> dict:
        reply = next(self._replies)
        self.had.append(reply)
        return reply

    @property
    def end(self) -> dict:
        """The final reply: what came is taken until it is there."""
        for _ in self:
            pass
        assert self.had[-1]["final"], self.had
        return self.had[-1]


class Daemon(pcscd.PrivatePcscd):
    """pcscd whose vpcd is first connected to by a card.

    One connection that was only tried fills vpcd's backlog: the card's own then waits a second for its second SYN.
    """

    _starting = False

    def start(self) -> None:
        self._starting = True
        try:
            super().start()
        finally:
            self._starting = False

    def connect(self) -> socket.socket:
        if self._starting:
            return socket.socket()
        made: list[socket.socket] = []
        self._reach(lambda: made.append(super(Daemon, self).connect()), "vpcd does not listen")
        return made[0]


class FaultBench(Bench):
    """``card`` is the honest card underneath, ``faulty`` the one that can fail, ``inside`` what goes into the reader.

    ``interrupted``: a process of the box was ended, so that what it had not heard acknowledged may be said again.
    """

    daemon: Daemon | None = None
    socket_path: Path
    ear: Ear

    def __init__(self, folder: Path, desk: Desk, broker, reader, box: Box) -> None:
        super().__init__(folder, desk, broker, reader, box)
        self.faulty = FaultyCard(self.card)
        self.inside: SoftCard = self.faulty
        self.asked: list[Asked] = []
        self.interrupted = False
        self.begin()

    def begin(self) -> None:
        """From here on ``verified`` and ``signed`` count."""
        self._before = self.card.verify_count, self.card.signature_count

    @property
    def verified(self) -> int:
        """VERIFY that the card has counted since ``begin``."""
        return self.card.verify_count - self._before[0]

    @property
    def signed(self) -> int:
        """Signatures that the card has counted since ``begin``."""
        return self.card.signature_count - self._before[1]

    def put(self) -> None:
        """Put the card in and go on."""
        self.reader.insert(self.inside)

    def insert(self) -> None:
        """See the card in and known; one that is may stay."""
        if not is_ready(self.desk.lines()):
            self.put()
        self.desk.wait_for(is_ready, TIMEOUT)

    def leaves(self) -> None:
        """See the reader empty."""
        if is_ready(self.desk.lines()):
            self.reader.remove()
            self.person.sees(GOODBYE)
        self.rests(is_home)

    def ask(self, *contents: str | bytes, form: str = "raw", **members: object) -> Asked:
        texts = contents or (TEXT,)
        asked = Asked(self.client.request("sign", signing(*texts, form=form, **members), TIMEOUT), len(texts))
        self.asked.append(asked)
        return asked

    def asks(self, *phases: str, **members: object) -> Asked:
        """Ask, and see it come so far."""
        asked = self.ask(**members)
        for phase in phases:
            comes(asked, phase)
        return asked

    def asks_for_consent(self, **members: object) -> Asked:
        """Ask, up to the last page of the consent."""
        asked = self.asks("accepted", "awaiting-consent", **members)
        self.person.reads_consent()
        return asked

    def asks_for_pin(self, **members: object) -> Asked:
        """Ask, up to the prompt, which has no mark."""
        asked = self.asks_for_consent(**members)
        self.person.press("A")
        comes(asked, "awaiting-pin")
        self.person.is_asked_for_pin()
        return asked

    def asks_for_pin_lines(self) -> list[str]:
        """The lines of a fresh prompt."""
        self.asks_for_pin()
        return self.desk.lines()

    def signs(self, **members: object) -> None:
        """A whole signature with the card that is in: the page holds what is typed now and nothing else."""
        before = self.card.verify_count, self.card.signature_count
        asked = self.asks_for_pin(**members)
        self.person.enters()
        assert asked.end["phase"] == "done", asked.had
        assert (self.card.verify_count, self.card.signature_count) == (before[0] + 1, before[1] + 1)
        self.rests(is_ready)

    def rests(self, wanted=None, since: float | None = None) -> list[str]:
        """Pass the results by and see the box at rest (``is_home``, ``is_ready``); within ``BACK`` of ``since``."""
        wanted = wanted or (lambda lines: is_home(lines) or is_ready(lines))
        lines = self.desk.wait_for(lambda lines: wanted(lines) or lines[0] in TITLES, TIMEOUT)
        if not wanted(lines):
            self.desk.advance(ITS_TIME if UNSURE in lines else RESULT)
            lines = self.desk.wait_for(wanted, TIMEOUT)
        if since is not None:
            assert time.monotonic() - since <= BACK, f"{time.monotonic() - since:.2f} s, and then {lines}"
        return lines

    def mend(self) -> None:
        """The card is as it was made."""
        self.faulty.disarm()
        self.faulty.upside_down = False
        self.inside = self.faulty
        self.card.atr = ATR
        self.card.counters[PIN_REFERENCE].left = self.card.counters[PIN_REFERENCE].most

    def serves(self, wanted=None, since: float | None = None) -> None:
        """The proof that a fault is over: at rest in time, then a whole signature; the card stays in."""
        self.rests(wanted, since)
        self.mend()
        self.insert()
        self.signs()

    def check(self) -> None:
        """What holds after everything that can happen."""
        check_one_verify_per_hash([self.card], self.person.hashes)
        ends = [asked.end for asked in self.asked]
        assert self.card.signature_count <= sum(asked.documents for asked in self.asked)
        questions = [heard.correlation for heard in self.ear.heard if heard.topic.startswith("req/")]
        if questions:
            self.ear.wait(is_final, len(questions))
        assert sorted(questions) == sorted(heard.correlation for heard in self.ear.heard if is_final(heard))
        assert len(questions) >= len(ends)
        check_events(event_numbers(self.ear.heard), repeated=self.interrupted)


def check_events(numbers: list[tuple[str, int]], first: int = 1, *, repeated: bool = False) -> None:
    """One journal, every number from ``first`` on, in order, once.

    ``repeated``: at least once, where a process was ended.
    """
    if repeated:
        numbers = list(dict.fromkeys(numbers))
    assert len({journal for journal, _ in numbers}) <= 1
    assert [number for _, number in numbers] == list(range(first, first + len(numbers)))


def is_final(heard) -> bool:
    return heard.topic.startswith("rsp/") and heard.json["final"]


def event_numbers(heard) -> list[tuple[str, int]]:
    """``(journalId, seq)`` of the events among messages, as they came."""
    events = [message.json for message in heard if message.topic.startswith("evt/")]
    return [(event["journalid"], event["seq"]) for event in events]


@contextmanager
def real(folder: Path, bench_of, *, broker: str = "") -> Iterator[FaultBench]:
    """The real pcscd with vpcd, and mosquitto with lines of configuration of its own."""
    with (
        Daemon(folder / "pcscd") as daemon,
        VpcdSlot(daemon.connect) as slot,
        mosquitto.PrivateMosquitto(folder / "mosquitto", broker) as server,
    ):
        bench = bench_of(slot, daemon.socket_path, server)
        bench.daemon = daemon
        yield bench


@contextmanager
def desk(folder: Path, bench_of, *, torn: Status = Status.NOT_TRANSACTED) -> Iterator[FaultBench]:
    """The desk's own reader and broker."""
    with PcscliteServer(folder / "pcsc", torn=torn) as reader, IotcoreBroker() as broker:
        yield bench_of(reader, folder / "pcsc", broker)


NEIGHBOURS = {"real": real, "desk": desk}


@contextmanager
def standing(folder: Path, kind: str, *, more: str = "", **options) -> Iterator[FaultBench]:
    """A bench that stands: box online, reader empty, practice software connected, everything heard."""
    with ExitStack() as stack:
        hand = stack.enter_context(Desk(folder / "desk"))

        def bench_of(reader, socket_path, broker) -> FaultBench:
            box = Box(
                folder / "box", url=broker.url, desk=hand.path, reader=socket_path, rights=RIGHTS, more=LIMITS + more
            )
            made = FaultBench(folder, hand, broker, reader, box)
            made.socket_path = socket_path
            return made

        bench = stack.enter_context(NEIGHBOURS[kind](folder, bench_of, **options))
        stack.callback(lambda: print(bench.box.log("vault"), bench.box.log("gateway"), sep="\n"))
        bench.ear = stack.enter_context(Ear(bench.broker.port))
        stack.enter_context(bench.box)
        stack.enter_context(bench.client)
        bench.client.wait_online(TIMEOUT)
        bench.person.sees("Insérez")
        yield bench


__all__ = ["PIN", "TIMEOUT", "FaultBench", "comes", "missing", "standing"]
