"""The self-test: what a person looks at, hears and presses, one after the other. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py) or the report's
pages (flow_page.py). Rule: no secret is armed and no relay moves; LED, tone and the keypad's gait follow the box.
"""

from dataclasses import replace

from appliance.keypad.entry import Probed
from appliance.screen.kinds_menu import FACE
from appliance.vault.box import Box, Probe, SelfTest, State, Step, Topic
from appliance.vault.flow_ends import Row, rest
from appliance.vault.flow_page import show


def testing(box: Box) -> SelfTest:
    """The test under way; a row that calls this stands only where there is one."""
    if box.selftest is None:
        raise AssertionError(box.state)
    return box.selftest


def watches(box: Box) -> bool:
    """Whether each key is only a key now: the keypad says which, and none has a meaning."""
    return box.state is State.SELFTEST and testing(box).probe is Probe.KEYS


def begin(box: Box, _event: object, now: float) -> Step:
    """From the menu: what comes is said first."""
    return _at(box, SelfTest(), now), ()


def _at(box: Box, test: SelfTest, now: float) -> Box:
    return replace(rest(box), state=State.SELFTEST, selftest=test, until=now + box.times.menu)


def answered(*, good: bool) -> Row:
    """``A``: it is as it should be; ``C``: it is not. Then the next; a box that is silent has no tone to hear."""

    def row(box: Box, _event: object, now: float) -> Step:
        test = testing(box)
        if test.probe is Probe.KEYS:  # pressed before the keys had no meaning any more
            return box, ()
        probes = [probe for probe in Probe if probe is not Probe.TONE or box.settings.sound]
        following = probes[probes.index(test.probe) + 1]
        bad = test.bad if good or test.probe is Probe.INTRO else test.bad | {test.probe}
        return _at(box, replace(test, probe=following, bad=bad), now), ()

    return row


def again(box: Box, _event: object, now: float) -> Step:
    """``B``: once more; only a tone needs it (``lamps.tone``)."""
    return replace(box, until=now + box.times.menu), ()


def key_seen(box: Box, event: Probed, now: float) -> Step:
    """A key was pressed, whichever; the last one brings the report."""
    test = testing(box)
    if test.probe is not Probe.KEYS:
        return box, ()
    tested = replace(test, seen=test.seen | {event.place})
    after = _at(box, tested, now)
    return reported(after, event, now) if len(tested.seen) == len(FACE) else (after, ())


def reported(box: Box, _event: object, now: float) -> Step:
    """What was found: as pages. Clock and memory are not the flow's to know: they are asked for."""
    page, effects = show(box, Topic.SELFTEST, now)
    return replace(page, selftest=testing(box)), effects


def given_up(home: Row) -> Row:
    """``D``, or nobody there any more: the keys have their report, everything else leads ``home``."""

    def row(box: Box, event: object, now: float) -> Step:
        return reported(box, event, now) if watches(box) else home(box, event, now)

    return row
