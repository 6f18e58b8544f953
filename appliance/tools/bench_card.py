"""Commands and bytes that each piece of card work costs, counted by the card.

What it is: our drivers, over the vault's own card thread, and OpenSC, each with soft cards behind a private pcscd and
vpcd. What it is not: times: a soft card has none of its own. Rule: what is measured is what the box does, with every
check; the last word on a count is the card's side of the reader.

Aims: design §7. Recorded figures of the national middleware: traces §6.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from appliance.card.identity import CardIdentity, Driver, Known
from appliance.card.models import classify, driver_of, identify
from appliance.card.script import Script
from appliance.errors import SimulatorError
from appliance.secret import Secret, Slot
from appliance.simulator import pcscd
from appliance.simulator.softcpx import SoftCpx
from appliance.simulator.softmodels import MODELS
from appliance.simulator.vpcd import VpcdSlot
from appliance.tools import bench_opensc
from appliance.vault.pcsc import CardThread
from appliance.vault.pcsc_direct import slots

PIN: Final = "1234"
TEN: Final = 10
DOCUMENT: Final = b"Pansement simple, une fois par jour, tous les jours, dimanche et jours feries compris."


class Count(msgspec.Struct, frozen=True):
    """Commands, bytes to the card, bytes from the card (status words included), as APDUs."""

    apdus: int
    sent: int
    received: int


Figures = dict[str, Count | None]
"""Phase -> its cost; None where it cannot be done."""

PHASES: Final = ("identify_cold", "identify_known", "login", "sign_one", "sign_ten")

AIMS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "cps3": {"identify_cold": 40, "identify_known": 7, "sign_one": 4},
        "cps4": {"identify_cold": 40, "identify_known": 6, "sign_one": 3},
    }
)
"""Commands at most."""


def _recorded(*figures: tuple[int, int, int]) -> Mapping[str, Count]:
    return MappingProxyType({phase: Count(*figure) for phase, figure in zip(PHASES, figures, strict=True)})


RECORDED: Final[Mapping[str, Mapping[str, Count]]] = MappingProxyType(
    {
        "cps3": _recorded((74, 502, 6958), (18, 154, 191), (1, 13, 2), (5, 61, 266), (50, 610, 2660)),
        "cps4": _recorded((61, 361, 6828), (9, 57, 69), (1, 13, 2), (4, 58, 264), (40, 580, 2640)),
    }
)
"""The national middleware 5.2.2 on the reference cards, T=0."""


class Laps:
    """What the soft card itself counted, lap by lap."""

    def __init__(self, card: SoftCpx) -> None:
        self.card = card
        self._before = card.traffic

    def lap(self) -> Count:
        """What passed since the last lap."""
        before, self._before = self._before, self.card.traffic
        passed = self._before - before
        return Count(passed.commands, passed.sent, passed.received)


class Work(NamedTuple):
    """A card that was identified, and its driver."""

    driver: Driver
    card: CardIdentity

    def login(self) -> Script[None]:
        """What the box does between the consent and the signature, the count that the person is shown first."""
        layout = self.card.layout
        shown = yield from self.driver.tries_left(layout)
        if (yield from self.driver.tries_left(layout)) != shown:
            raise SimulatorError("nobody else uses this card")
        yield from self.driver.verify(layout)

    def sign(self) -> Script[bytes]:
        """Any document of a batch, as ``vault.work`` has it signed."""
        return self.driver.sign(self.card.layout, DOCUMENT)


def missing() -> list[str]:
    """What is not there and must be, in words; empty when it can be measured."""
    return [reason for reason in (pcscd.missing(), bench_opensc.missing()) if reason]


def measure(folder: Path) -> dict[str, Figures]:
    """Every figure; ``folder`` is for sockets and OpenSC's files.

    Raises:
        ApplianceError: a card, the reader or OpenSC did not do what it must.
    """
    with pcscd.PrivatePcscd(folder / "pcscd") as daemon:
        # libpcsclite asks for it at its first use, and keeps it
        os.environ["PCSCLITE_CSOCK_NAME"] = str(daemon.socket_path)
        measured = {model: _with_card(daemon, model, measure_ours) for model in AIMS}
        figures = _with_card(daemon, "cps3", lambda laps: bench_opensc.measure(laps.lap, daemon, folder, PIN))
        return {**measured, "opensc_cps3": figures}


def _with_card(daemon: pcscd.PrivatePcscd, model: str, work: Callable[[Laps], Figures]) -> Figures:
    """Put a fresh card of ``model`` in, and measure."""
    card = MODELS[model](pin=PIN)
    if not isinstance(card, SoftCpx):
        raise SimulatorError(f"{model} counts nothing")
    with VpcdSlot(daemon.connect) as slot:
        slot.insert(card)
        daemon.wait_for_card()
        figures = work(Laps(card))
    daemon.wait_for_card(present=False)
    return figures


def measure_ours(laps: Laps) -> Figures:
    """Our driver, as the vault plays it."""
    (slot,) = (slot for slot in slots() if slot.atr)
    secret = Secret()
    thread = CardThread(secret, shared=False)
    thread.start()
    try:
        thread.use(slot.reader).result()
        memory: dict[str, Known] = {}
        model = classify(slot.atr or b"")
        counts: Figures = {}

        known = thread.play(lambda: identify(model, memory)).result()
        counts["identify_cold"] = laps.lap()
        memory[known.identity.serial] = known
        thread.play(lambda: identify(model, memory)).result()
        counts["identify_known"] = laps.lap()

        work = Work(driver_of(known.identity), known.identity)
        for digit in PIN:
            secret.push(Slot.OLD, int(digit))
        thread.play(work.login, hold=True).result()
        counts["login"] = laps.lap()
        _sign(thread, work)
        counts["sign_one"] = laps.lap()
        for _ in range(TEN):
            _sign(thread, work)
        counts["sign_ten"] = laps.lap()
        thread.reset().result()
    finally:
        thread.close()
        secret.close()
    return counts


def _sign(thread: CardThread, work: Work) -> None:
    """One signature, checked with the card's certificate as the box checks it."""
    signature = thread.play(work.sign, hold=True).result()
    work.card.signature.check(signature, DOCUMENT)
