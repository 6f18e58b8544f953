"""A way to each state of the flow, and what time and an empty slot do to a box that stands there.

What it is: three tables over the states of ``appliance.vault.flow.TABLE``. What it is not: the flow again: everything
here is done with keys, cards and messages, and read off pixels and replies.
Rule: a state of the flow without a way, a time or a pull is a fault of the tests, found when they are collected.
"""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fault_bench import GOODBYE, HOLDER, RESULT, TIMEOUT, Asked, FaultBench, comes, is_home, is_ready
from journey_kit import PIN, WRONG

from appliance.simulator.faults import Fault, Kind
from appliance.simulator.softcps3 import ATR
from appliance.simulator.softpin import PIN as PIN_REFERENCE
from appliance.vault.box import Elapsed, State

GET_DATA, VERIFY, CHANGE, PSO = 0xCB, 0x20, 0x24, 0x2A
HASH, SIGNATURE = 1, 2
"""Which PSO of a signature is which."""
NEW = "4711"
VITALE = bytes.fromhex("3B751300004309EA9000")
STRANGE = bytes.fromhex("3B6500001234567890")
FORGOTTEN = 1800
"""Seconds at home until a card is said to be forgotten, as shipped."""
LONG = 300
"""Seconds: longer than any request may live (contract, *Limits*)."""


def starting(bench: FaultBench) -> None:
    """A vault that has no word from pcscd yet: the daemon is stopped, not gone."""
    assert bench.daemon
    bench.leaves()
    bench.interrupted = True
    bench.box.end("vault")
    bench.desk.wait_vault(connected=False)
    bench.client.wait_state("status", lambda status: status["state"] == "offline", TIMEOUT)
    bench.put()
    bench.daemon.wait_for_card()
    os.kill(bench.daemon.pid, signal.SIGSTOP)
    bench.box.start_vault()
    bench.desk.wait_vault()
    bench.person.sees("Démarrage")
    bench.client.wait_online(TIMEOUT)


def no_reader(bench: FaultBench) -> None:
    assert bench.daemon
    bench.insert()
    bench.daemon.kill()
    bench.person.sees("Lecteur absent")


def empty(bench: FaultBench) -> None:
    bench.leaves()


def reading(bench: FaultBench, *, command: int = 5, ins: int | None = None) -> None:
    bench.leaves()
    bench.faulty.arm(Fault(Kind.MUTE, command, ins))
    bench.put()
    assert bench.faulty.muted.wait(TIMEOUT)
    bench.person.sees("Lecture")


def reading_for(bench: FaultBench, **members: object) -> Asked:
    reading(bench)
    return bench.asks("accepted", **members)


def unreadable(bench: FaultBench) -> None:
    bench.leaves()
    bench.card.atr = STRANGE
    bench.put()
    bench.person.sees("Carte refusée")


def ready(bench: FaultBench) -> None:
    bench.insert()


def menu(bench: FaultBench) -> None:
    bench.insert()
    bench.person.holds("A")
    bench.person.sees("Menu")


def page(bench: FaultBench) -> None:
    bench.insert()
    bench.person.opens_menu("À propos")
    bench.person.sees("À propos")


def choice(bench: FaultBench) -> None:
    bench.insert()
    bench.person.opens_menu("Contraste")
    bench.person.sees("Contraste")


def selftest(bench: FaultBench) -> None:
    bench.insert()
    bench.person.opens_menu("Auto-test")
    bench.person.sees("Auto-test")


def wait_card(bench: FaultBench, **members: object) -> Asked:
    """A patient's card is in, which is no card."""
    bench.leaves()
    bench.card.atr = VITALE
    bench.put()
    bench.person.sees("Carte patient")
    return bench.asks("accepted", "awaiting-card", **members)


def consent(bench: FaultBench, **members: object) -> Asked:
    bench.insert()
    return bench.asks_for_consent(**members)


def session(bench: FaultBench, **members: object) -> Asked:
    asked = consent(bench, **members)
    bench.person.holds("C")
    bench.person.sees("Session ?")
    return asked


def counting(bench: FaultBench, **members: object) -> Asked:
    asked = consent(bench, **members)
    bench.faulty.arm(Fault(Kind.MUTE, ins=GET_DATA))
    bench.person.press("A")
    assert bench.faulty.muted.wait(TIMEOUT)
    bench.person.sees("Lecture")
    return asked


def last_try(bench: FaultBench, **members: object) -> Asked:
    bench.card.counters[PIN_REFERENCE].left = 1
    asked = consent(bench, **members)
    bench.person.press("A")
    bench.person.sees("Dernier essai !")
    return asked


def pin(bench: FaultBench, **members: object) -> Asked:
    bench.insert()
    asked = bench.asks_for_pin(**members)
    bench.person.types("9")
    return asked


def new_pin(bench: FaultBench) -> None:
    bench.insert()
    bench.person.opens_menu("Changer le code")
    bench.person.gives("Code actuel", PIN)
    bench.person.is_asked_for("Nouveau code")


def again(bench: FaultBench) -> None:
    new_pin(bench)
    bench.person.gives("Nouveau code", NEW)
    bench.person.is_asked_for("Confirmation")


def working(bench: FaultBench) -> None:
    """The card has the change in hand, and says nothing."""
    again(bench)
    bench.faulty.arm(Fault(Kind.MUTE, ins=CHANGE))
    bench.person.gives("Confirmation", NEW)
    assert bench.faulty.muted.wait(TIMEOUT)
    bench.person.sees("Enregistrement")


def pin_wrong(bench: FaultBench, **members: object) -> Asked:
    bench.insert()
    asked = bench.asks_for_pin(**members)
    bench.person.enters(WRONG)
    comes(asked, "signing")
    bench.person.sees("Code faux")
    return asked


def signing(bench: FaultBench, *contents: str, command: int = 1, ins: int = VERIFY, **members: object) -> Asked:
    bench.insert()
    bench.faulty.arm(Fault(Kind.MUTE, command, ins))
    asked = bench.ask(*contents, **members)
    bench.person.agrees()
    bench.person.enters()
    assert bench.faulty.muted.wait(TIMEOUT)
    bench.person.sees("Signature…")
    return asked


def signing_last_command(bench: FaultBench) -> Asked:
    return signing(bench, command=SIGNATURE, ins=PSO)


def signing_two(bench: FaultBench, **members: object) -> Asked:
    return signing(bench, "Un.", "Deux.", **members)


def result(bench: FaultBench) -> Asked:
    bench.insert()
    asked = bench.asks_for_pin()
    bench.person.enters(PIN)
    assert asked.end["phase"] == "done"
    bench.person.sees("Signé")
    return asked


@dataclass(frozen=True)
class Case:
    """A box in ``state``, by ``way``; ``members`` are its request's own.

    What the fault does: ``shows`` is seen, and ``code`` ends the request (None: it goes on, or there is none). Then
    comes ``after``, and the box is at rest with or without a card, as ``rests`` says.
    """

    state: State
    way: Callable[..., Asked | None]
    shows: str
    code: str | None = None
    members: Mapping[str, object] = field(default_factory=dict)
    seconds: float = LONG
    after: Callable[[FaultBench, Asked | None], None] | None = None
    rests: Callable[[list[str]], bool] = is_ready

    @property
    def id(self) -> str:
        return f"{self.way.__name__.strip('_')}-{self.code or self.shows}"


def _continues(bench: FaultBench, _asked: Asked | None) -> None:
    assert bench.daemon
    os.kill(bench.daemon.pid, signal.SIGCONT)


def _continues_without(bench: FaultBench, asked: Asked | None) -> None:
    _continues(bench, asked)
    assert bench.daemon
    bench.daemon.wait_for_card(present=False)


def _daemon_comes(bench: FaultBench, _asked: Asked | None) -> None:
    assert bench.daemon
    bench.daemon.start()


def _answers(bench: FaultBench, _asked: Asked | None) -> None:
    """The card goes on, and the box with it."""
    bench.faulty.release()


def _goes(bench: FaultBench, _asked: Asked | None) -> None:
    """A card that cannot be used is taken out; said, so that the result's time begins before it is let pass."""
    bench.reader.remove()
    bench.person.sees(GOODBYE)


def _patient_goes(bench: FaultBench, _asked: Asked | None) -> None:
    """The patient's card is named again after the result, and leaves without a word."""
    bench.desk.advance(RESULT)
    bench.person.sees("Carte patient")
    bench.reader.remove()


def _is_told_gone(bench: FaultBench, _asked: Asked | None) -> None:
    """What was signed stays to be read; that the card left is told beside it."""
    bench.client.wait_state("state/card", lambda card: card["presence"] == "absent", TIMEOUT)


def _changes_late(bench: FaultBench, _asked: Asked | None) -> None:
    """No time ends it: the card's answer does, and the code is new; the next test's card has the old one."""
    counter = bench.card.counters[PIN_REFERENCE]
    before = counter.block
    bench.faulty.release()
    bench.person.sees("Code changé")
    assert counter.block != before
    counter.block = before


def _touches(bench: FaultBench, _asked: Asked | None) -> None:
    """A key puts the reminder away."""
    bench.person.press("B")


def _has_read(bench: FaultBench, _asked: Asked | None) -> None:
    """What must be found out stays on the display until a key."""
    bench.person.press("#")


def _signs_late(bench: FaultBench, asked: Asked | None) -> None:
    """No time ends what the card has begun; its answer does."""
    assert asked
    bench.faulty.release()
    assert asked.end["phase"] == "done", asked.had
    bench.person.sees("Signé")


def _signs_one_late(bench: FaultBench, asked: Asked | None) -> None:
    """The document in hand is finished and told; no other is begun."""
    assert asked
    bench.faulty.release()
    assert (asked.end["code"], bench.signed) == ("expired", 1)
    results = [reply["result"] for reply in asked.had if "result" in reply]
    assert [result.get("code") for result in results] == [None, "expired"]
    bench.person.sees("1 signé sur 2.")


def _meets_a_card(bench: FaultBench, asked: Asked | None) -> None:
    """A card comes after all, and the request goes its way."""
    assert asked
    bench.card.atr = ATR
    bench.put()
    comes(asked, "awaiting-consent")
    bench.person.agrees()
    bench.person.enters()
    assert asked.end["phase"] == "done", asked.had


def _waits_and_meets_one(bench: FaultBench, asked: Asked | None) -> None:
    assert asked
    comes(asked, "awaiting-card")
    _meets_a_card(bench, asked)


def _slowly_typed(bench: FaultBench, **members: object) -> Asked:
    """Each digit within its 15 s: 56 of the 60 s of the whole entry have gone when the fourth is there."""
    asked = pin(bench, **members)
    for number in (2, 3, 4):
        bench.desk.advance(14)
        bench.person.press("9")
        bench.person.is_asked_for_pin(number)
    bench.desk.advance(14)
    return asked


TIMES = (
    Case(State.STARTING, starting, "Démarrage", after=_continues),
    Case(State.NO_READER, no_reader, "Lecteur absent", after=_daemon_comes, rests=is_home),
    Case(State.EMPTY, empty, "Insérez", rests=is_home),
    Case(State.READING, reading, "Lecture", after=_answers),
    Case(State.READING, reading_for, "La demande a expiré.", "expired", {"ttl": 40}, 40, _answers),
    Case(State.UNREADABLE, unreadable, "Carte refusée", after=_goes, rests=is_home),
    Case(State.READY, ready, HOLDER),
    Case(State.READY, ready, "Carte oubliée ?", seconds=FORGOTTEN, after=_touches),
    Case(State.MENU, menu, HOLDER, seconds=30),
    Case(State.PAGE, page, HOLDER, seconds=30),
    Case(State.CHOICE, choice, HOLDER, seconds=30),
    Case(State.SELFTEST, selftest, HOLDER, seconds=30),
    Case(State.WAIT_CARD, wait_card, "Aucune carte insérée.", "card-absent", {}, 60, _patient_goes, is_home),
    Case(State.CONSENT, consent, "Sans accord à temps,", "consent-timeout", {"ttl": 30}, 30),
    Case(State.SESSION, session, "Sans accord à temps,", "consent-timeout", {"ttl": 30}, 30),
    Case(State.COUNTING, counting, "La demande a expiré.", "expired", {"ttl": 30}, 30, _answers),
    Case(State.LAST_TRY, last_try, "Code non validé.", "pin-timeout", {}, 30),
    Case(State.LAST_TRY, last_try, "La demande a expiré.", "expired", {"ttl": 25}, 25),
    Case(State.PIN, _slowly_typed, "Code non validé.", "pin-timeout", {}, 4),
    Case(State.NEW_PIN, new_pin, "Votre code n'a pas", seconds=30),
    Case(State.AGAIN, again, "Votre code n'a pas", seconds=30),
    Case(State.PIN_WRONG, pin_wrong, "La demande a expiré.", "expired", {"ttl": 20}, 20),
    Case(State.WORKING, working, "Enregistrement", after=_changes_late),
    Case(State.SIGNING, signing, "Signature…", after=_signs_late),
    Case(State.SIGNING, signing_two, "Signature…", after=_signs_one_late),
    Case(State.RESULT, result, HOLDER, seconds=5),
)
"""What the bench clock does in each state, ``seconds`` with nobody doing anything."""

PULLS = (
    Case(State.STARTING, starting, "Démarrage", after=_continues_without, rests=is_home),
    Case(State.NO_READER, no_reader, "Lecteur absent", after=_daemon_comes, rests=is_home),
    Case(State.EMPTY, empty, "Insérez", rests=is_home),
    Case(State.READING, reading, GOODBYE, rests=is_home),
    Case(State.READING, reading_for, "pour dossier", after=_waits_and_meets_one),
    Case(State.UNREADABLE, unreadable, GOODBYE, rests=is_home),
    Case(State.READY, ready, GOODBYE, rests=is_home),
    Case(State.MENU, menu, GOODBYE, rests=is_home),
    Case(State.PAGE, page, GOODBYE, rests=is_home),
    Case(State.CHOICE, choice, GOODBYE, rests=is_home),
    Case(State.SELFTEST, selftest, GOODBYE, rests=is_home),
    Case(State.WAIT_CARD, wait_card, "pour dossier", after=_meets_a_card),
    Case(State.CONSENT, consent, "Carte retirée", "card-removed", rests=is_home),
    Case(State.SESSION, session, "Carte retirée", "card-removed", rests=is_home),
    Case(State.COUNTING, counting, "Carte retirée", "card-removed", rests=is_home),
    Case(State.LAST_TRY, last_try, "Carte retirée", "card-removed", rests=is_home),
    Case(State.PIN, pin, "Carte retirée", "card-removed", rests=is_home),
    Case(State.NEW_PIN, new_pin, "Code inchangé.", rests=is_home),
    Case(State.AGAIN, again, "Code inchangé.", rests=is_home),
    Case(State.WORKING, working, "remettez la carte et", after=_has_read, rests=is_home),
    Case(State.PIN_WRONG, pin_wrong, "Carte retirée", "card-removed", rests=is_home),
    Case(State.SIGNING, signing, "Carte retirée", "card-removed", rests=is_home),
    Case(State.SIGNING, signing_last_command, "À vérifier", "outcome-unknown", rests=is_home),
    Case(State.RESULT, result, "Signé", after=_is_told_gone, rests=is_home),
)
"""What an empty slot does in each state."""


UNHELD = frozenset({State.CHECKING})
"""States that no fault holds a box in: the door is judged by the vault alone, without card, key or time.

What removal and time do there is shown by ``tests/vault/test_flow_door.py``.
"""


def covering(cases: tuple[Case, ...], table: Mapping[State, Mapping[type, object]]) -> tuple[Case, ...]:
    """``cases``, when each state of the flow has one.

    Raises:
        LookupError: a state has none.
    """
    missing = [state.value for state in table if state not in UNHELD and all(case.state is not state for case in cases)]
    if missing:
        raise LookupError(f"no case for {', '.join(missing)}")
    return cases


def consistent(cases: tuple[Case, ...], table: Mapping[State, Mapping[type, object]]) -> bool:
    """Whether time ends something exactly where the flow has a row for it."""
    ends = {case.state for case in cases if case.seconds != LONG}
    return ends == {state for state, rows in table.items() if Elapsed in rows} - UNHELD
