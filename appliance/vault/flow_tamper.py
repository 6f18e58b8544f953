"""The case of the box: opened, closed, locked, armed again. Rows of the flow.

What it is: pure functions ``(box, event, now) -> (box, effects)``. What it is not: the tables (flow.py), the switch
(signals.py), or who may arm the box again (admin.py).
Rule: an opened case locks the box until somebody with the admin socket arms it again: no code is asked, nothing is
signed or changed. What is open ends at once; only a document that is in the card already ends by its own answer, and no
other begins. The lock is on disk in the step that sets it, and arming again always works once the case is closed.
"""

from dataclasses import replace

from appliance.contract.events import Empty
from appliance.vault import box as b
from appliance.vault.box import Box, Case, Effect, State, Step
from appliance.vault.flow_ends import finish, rest

CODE = "tamper-lockout"
"""The contract's code of what a locked box ends and refuses."""

KEPT = "tamper"
"""The name under which the lock is kept on disk."""
LOCKED = "locked"
ARMED = "armed"

STAYING = frozenset({State.STARTING, State.RESULT})
"""States that the opening leaves as they are: nothing is known of the reader yet, or the end of something is shown."""


def case_of(kept: str | None, *, fitted: bool) -> Case:
    """The case as the box finds it at its start: ``kept`` is what the disk says, ``fitted`` whether there is a switch.

    A case that is open then is told by the switch itself.
    """
    if not fitted:
        return Case.ABSENT
    return Case.LOCKED if kept == LOCKED else Case.CLOSED


def case_changed(box: Box, event: b.CaseChanged, now: float) -> Step:
    """The switch was opened or closed; what it says twice is said once."""
    if event.opened:
        return _opened(box, now) if box.case is not Case.OPEN else (box, ())
    if box.case is not Case.OPEN:
        return box, ()
    return replace(box, case=Case.LOCKED), (b.Publish("tamper/closed", Empty()), b.Announce())


def _opened(box: Box, now: float) -> Step:
    """Lock, and end what is open."""
    said: tuple[Effect, ...] = (b.Publish("tamper/opened", Empty()), b.Keep(KEPT, LOCKED), b.Announce())
    locked = replace(box, case=Case.OPEN, offer=None)
    if box.state in b.AT_WORK:
        return replace(locked, stop=box.stop or CODE), said
    if box.engaged:
        following, effects = finish(locked, CODE, now)
        return following, said + effects
    return (locked if box.state in STAYING else rest(locked)), said


def rearmed(box: Box, _event: b.Rearmed, _now: float) -> Step:
    """An admin arms the box again; not while the case is open."""
    if box.case is not Case.LOCKED:
        return box, ()
    return replace(box, case=Case.CLOSED), (b.Record("tamper/rearmed"), b.Keep(KEPT, ARMED), b.Announce())
