"""One round: a box, a person, a card and practice software that go on while vault and gateway are killed at points.

What it is: ``play(seed, number, folder)``, which returns what was counted or raises ``RoundFailed`` with the seed. What
it is not: a test of one path: whatever is going on at a point is what is interrupted.
Rule: every wait is for something that was seen, and bounded; what must hold is checked while it goes on and at the end.
"""

import os
import queue
import random
import select
import signal
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import mosquitto
from kill_card import Disk, WitnessCard
from kill_nursery import Nursery, NurseryBox
from kill_person import Person
from kill_points import Aim, Point, draw
from kill_software import CLIENTS, Software, Wish
from kill_verdict import check_answers, check_end_event, check_file, check_numbers, check_results
from kill_writes import Writes

from appliance.contract.topics import Topics
from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.launch import DEVICE, Box
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3

PATIENCE = 30.0
VAULT = "appliance.simulator.vault"
TOPICS = Topics("cpsr/v1", DEVICE)
RIGHTS = dict.fromkeys(CLIENTS, ("sign", "sign-raw"))
LIMITS = "[limits]\nrequests_per_minute = 60"
MANNERS = {"sign": 12, "batch": 4, "wrong": 2, "refuse": 1, "cancel": 1}
"""What happens to a request when nobody is killed, and how often of 20."""
ASKED_LATER = 0.3
"""How often an older request is asked again between two."""


class RoundFailed(AssertionError):
    """What must hold did not; the message names seed, number and point."""


@dataclass(slots=True)
class Counts:
    """What a round did; what each count means stands in docs/assurance.md."""

    points: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    sights: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    documents: int = 0
    signatures: int = 0
    started: int = 0
    events: int = 0
    doubled: int = 0
    audit: int = 0


class Round:
    """The bench of one round; arguments as of ``play``."""

    def __init__(self, seed: int, number: int, folder: Path, *, cold: bool, module: str) -> None:
        self._chance = random.Random(seed + 1)
        self._folder = folder
        self._cold, self._module = cold, module
        self._news: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()
        self._complaints: list[str] = []
        self._aim = Aim(draw(seed, number), self._strike)
        self._down: set[str] = set()
        self._doomed: set[str] = set()
        self._wishes: list[Wish] = []
        self._open: Wish | None = None
        self.counts = Counts()

    def play(self) -> Counts:
        with ExitStack() as stack:
            self._set_up(stack)
            self._box.start_vault()
            self._mind("vault")
            self._box.start_gateway()
            self._mind("gateway")
            self._await("online", None)
            self._reader.insert(self._card)
            self._aim.rearm()
            while not self._aim.over:
                self._see_through(self._wish())
                if self._chance.random() < ASKED_LATER:
                    self._see_through(self._chance.choice(self._wishes))
            self._settle()
        self._judge()
        return self.counts

    # --- the bench ----------------------------------------------------------------------------------------------------

    def _set_up(self, stack: ExitStack) -> None:
        folder = self._folder
        broker = IotcoreBroker() if mosquitto.missing() else mosquitto.PrivateMosquitto(folder / "mosquitto")
        stack.enter_context(broker)
        self._software = Software(broker.url, TOPICS, self._hear)
        stack.callback(self._software.close)
        self._software.open()
        self._await("subscribed", None)
        self._reader = stack.enter_context(PcscliteServer(folder / "pcsc"))
        desk = stack.enter_context(Desk(folder / "desk"))
        self._desk = desk
        outside = {"url": broker.url, "desk": desk.path, "reader": folder / "pcsc"}
        make = Box if self._cold else partial(NurseryBox, stack.enter_context(Nursery()))
        self._box: Box = make(folder / "box", **outside, rights=RIGHTS, more=LIMITS, module=self._module)
        self._file = self._box.state / "box.sqlite"
        self._pki = TestPki.generate()
        disk = Disk(self._file, folder)
        self._card = WitnessCard(SoftCps3(self._pki), self._aim, disk, self._complain)
        self._person = Person(desk, self._card, self._aim, lambda: self._open, self._complain)
        stack.enter_context(self._person)
        stack.enter_context(Writes(self._box.state, lambda: self._card.see("write")))
        stack.callback(self._box.stop)
        stack.callback(self._aim.lower)

    def _mind(self, name: str) -> None:
        """Hear of a process's end."""
        pid = {"vault": lambda: self._box.vault_pid, "gateway": lambda: self._box.gateway_pid}[name]()
        file = os.pidfd_open(pid)

        def wait() -> None:
            select.select([file], [], [])
            os.close(file)
            self._news.put(("ended", name))

        threading.Thread(target=wait, name=f"watch {name}", daemon=True).start()

    # --- kills --------------------------------------------------------------------------------------------------------

    def _strike(self, point: Point) -> None:
        """In the thread that saw the point's last sight."""
        pids = {"vault": self._box.vault_pid, "gateway": self._box.gateway_pid}
        for name in point.names:
            self._doomed.add(name)
            os.kill(pids[name], signal.SIGKILL)
        if "vault" in point.names:
            self._card.outlive()

    def _revive(self, name: str) -> None:
        """A process has ended: if we killed it, start it again."""
        if name not in self._doomed:
            self._fail(f"the {name} ended by itself")
        code = self._box.end(name, signal.SIGKILL)
        if code != -signal.SIGKILL:
            self._fail(f"the {name} ended by itself with {code}")
        self.counts.kills[name] += 1
        self._down.add(name)
        if self._down != self._doomed:
            return
        for each in sorted(self._down, reverse=True):
            getattr(self._box, f"start_{each}")()
            self._mind(each)
        self.counts.points += 1
        self._down.clear()
        self._doomed.clear()
        self._aim.rearm()

    # --- requests -----------------------------------------------------------------------------------------------------

    def _wish(self) -> Wish:
        (manner,) = self._chance.choices(list(MANNERS), list(MANNERS.values()))
        documents = self._chance.randint(2, 3) if manner == "batch" else 1
        wish = Wish(CLIENTS[len(self._wishes) % len(CLIENTS)], manner, documents)
        self._wishes.append(wish)
        return wish

    def _see_through(self, wish: Wish) -> None:
        """Ask until a final reply comes, and again whenever the box comes back before it does."""
        book, new = self._software.book, not wish.asked
        had = len(book.finals(wish.id))
        if new:
            self._open, self._card.open = wish, wish.id
        self._software.ask(wish)
        cancel = wish.manner == "cancel" and new
        while len(book.finals(wish.id)) == had:
            what, _ = self._next(f"{wish.manner} {wish.id}")
            if what == "online":
                self._software.ask(wish)
            if cancel and any(reply["phase"] == "awaiting-consent" for reply in book.replies[wish.id]):
                cancel = False
                self._software.cancel(wish)
        if new:
            self._open = self._card.open = None

    def _settle(self) -> None:
        """No more kills: the box signs once more, every request has its answer, and the last event is the card's."""
        last = Wish(CLIENTS[len(self._wishes) % len(CLIENTS)], "sign", 1)
        self._wishes.append(last)
        self._see_through(last)
        if "done" not in {reply["phase"] for reply in self._software.book.finals(last.id)}:
            self._fail("the box does not sign any more")
        for wish in self._wishes:
            self._see_through(wish)
        self._reader.remove()
        self._await("event", "card/removed")
        self._doomed |= {"vault", "gateway"}  # from here on they may end
        for name in ("gateway", "vault"):
            if code := self._box.end(name):
                self._fail(f"the {name} ended with {code}")

    # --- news ---------------------------------------------------------------------------------------------------------

    def _hear(self, what: str, which: str | None) -> None:
        """On the network thread, after the book was written."""
        self._news.put((what, which))
        if what == "message":
            self._aim.see("message")

    def _next(self, awaited: str) -> tuple[str, str | None]:
        try:
            what, which = self._news.get(timeout=PATIENCE)
        except queue.Empty:
            self._fail(f"nothing happens any more; awaited: {awaited}")
        if what == "ended" and which:
            self._revive(which)
        if what == "gone":
            self._fail("the broker hung up")
        if self._complaints:
            self._fail("; ".join(self._complaints))
        return what, which

    def _await(self, what: str, which: str | None) -> None:
        while self._next(f"{what} {which}") != (what, which):
            pass

    def _complain(self, what: str) -> None:
        """From any thread: something is wrong."""
        self._complaints.append(what)
        self._news.put(("complaint", None))

    def _fail(self, why: str) -> None:
        logs = "\n".join(f"--- {name}\n{self._box.log(name)[-3000:]}" for name in ("vault", "gateway"))
        raise RoundFailed(f"{why}\nat {self._aim.point}; the display shows {self._desk.lines()}\n{logs}")

    # --- the verdict --------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        book, counts, card = self._software.book, self.counts, self._card
        assert not self._complaints, self._complaints
        assert not book.faults, book.faults
        for wish in self._wishes:
            end = check_answers(wish, book, card.signed)
            check_results(wish, book, self._pki.signature.key.public_key())
            check_end_event(wish, book, end)
            counts.ends[end] += 1
        last = check_numbers(book)
        counts.audit = check_file(self._file, self._wishes, book, last)
        assert sum(card.signed.values()) == card.card.signature_count, "a signature over nobody's text"
        assert set(card.signed) <= {text for wish in self._wishes for text in wish.texts}, "a text nobody asked for"
        assert card.card.verify_count <= self._person.hashes, "more VERIFY than #"
        counts.requests = len(self._wishes)
        counts.documents = sum(wish.documents for wish in self._wishes)
        counts.signatures = card.card.signature_count
        counts.started = card.checked
        counts.events, counts.doubled = len(book.events), book.doubled
        counts.sights = Counter({f"{victim} at {sight}": n for (victim, sight), n in self._aim.struck.items()})


def play(seed: int, number: int, folder: Path, *, cold: bool = False, module: str = VAULT) -> Counts:
    """Play a round of ``number`` points drawn from ``seed``, in an empty folder with a short path.

    Args:
        seed, number: the points.
        folder: for sockets, files and logs.
        cold: each process is started by the launcher, as ``python -m``, and not by a nursery.
        module: the vault's entry; a control has its own.

    Raises:
        RoundFailed: what must hold did not.
    """
    try:
        return Round(seed, number, folder, cold=cold, module=module).play()
    except Exception as error:
        raise RoundFailed(f"seed {seed}, {number} points{', cold' if cold else ''}: {error}") from error
