"""Pages of facts: how they are opened and filled. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py), the facts
(informer.py) or how they are put into words (screen/facts.py).
Rule: what a page tells is asked for when it is opened; an answer to a page that is no longer there is late.
"""

from dataclasses import replace

from appliance.screen.kinds_menu import FACE, Report, Verdict
from appliance.vault import box as b
from appliance.vault.box import Box, Probe, SelfTest, State, Step, Topic
from appliance.vault.flow_ends import rest

PARTS: dict[str, frozenset[Probe]] = {
    "display": frozenset({Probe.LIT, Probe.DARK}),
    "led": frozenset({Probe.RED, Probe.GREEN, Probe.BLUE, Probe.WHITE}),
    "sound": frozenset({Probe.TONE}),
}
"""Part of the box -> what a person was asked of it."""


def show(box: Box, topic: Topic, now: float) -> Step:
    """Open the pages of ``topic``: what they tell is asked for, and comes as ``Informed``."""
    ticket = box.ticket + 1
    opened = replace(rest(box), state=State.PAGE, topic=topic, page=1, ticket=ticket, until=now + box.times.menu)
    return opened, (b.Inform(ticket, topic),)


def informed(box: Box, event: b.Informed, now: float) -> Step:
    """The facts are there."""
    facts = event.facts
    known = report(box, box.selftest, facts) if isinstance(facts, b.Checks) and box.selftest else facts
    return replace(box, facts=None if isinstance(known, b.Checks) else known, until=now + box.times.menu), ()


def report(box: Box, test: SelfTest, checks: b.Checks) -> Report:
    """What the person said of display, LED and sound, what the keypad gave, and what the box knows of itself."""
    said: list[tuple[str, Verdict]] = [
        (part, "skipped" if part == "sound" and not box.settings.sound else "fault" if test.bad & probes else "ok")
        for part, probes in PARTS.items()
    ]
    card: Verdict = "absent" if box.inserted is None else "ok" if box.card else "fault"
    known: list[tuple[str, Verdict]] = [
        ("keys", "ok" if len(test.seen) == len(FACE) else "fault"),
        ("reader", "ok" if box.reader else "fault"),
        ("card", card),
        ("link", "ok" if box.link else "fault"),
        ("clock", "ok" if checks.clock else "fault"),
    ]
    return Report((*said, *known), len(test.seen), checks.memory)
