"""Whether somebody is there: what wakes the display, and what keeps it awake.

What it is: a pure table over the flow's events and states, for ``screen.rest``. What it is not: behaviour: the flow
knows nothing of light. Rule: a state that is not at rest is a prompt; one that is forgotten here stays lit.
"""

from dataclasses import dataclass
from typing import Final, get_args

from appliance.keypad.entry import KeyEvent, Probed
from appliance.screen.rest import Light, Rest, Shift, light, next_change, shift
from appliance.vault import box as b
from appliance.vault.box import Box, State

AT_REST: Final = frozenset({State.NO_READER, State.EMPTY, State.UNREADABLE, State.READY})
"""Nothing is asked of anybody and nothing is going on: the display may rest. Every other state inhibits it."""

WAKING: Final = (
    *(b.CardInserted, b.CardRemoved, b.ReaderAttached, b.ReaderLost, b.Asked),
    *(b.CaseChanged, b.Rearmed, b.ButtonPressed),
    *get_args(KeyEvent),
    Probed,
)
"""A key, a card, a reader, a request, the case, the panel button. Not the broker's comings and goings, not time."""


def is_prompt(box: Box) -> bool:
    """Whether the display must be read now. An open session counts: it waives the code, so it is seen."""
    return box.state not in AT_REST or box.session is not None


@dataclass(frozen=True, slots=True)
class Attention:
    """When somebody was last there: ``last``, seconds of the flow's clock."""

    rest: Rest
    last: float

    def woken(self, now: float) -> "Attention":
        """Somebody is there."""
        return Attention(self.rest, now)

    def after(self, event: b.Event, before: Box, box: Box, now: float) -> "Attention":
        """After ``event`` turned ``before`` into ``box``; the time of rest begins when a prompt ends."""
        called = box.reminder and not before.reminder
        seen = called or isinstance(event, WAKING) or is_prompt(before) or is_prompt(box)
        return self.woken(now) if seen else self

    def light(self, box: Box, now: float) -> Light:
        """How the display is lit."""
        return light(self.rest, self.last, now, prompt=is_prompt(box))

    def shift(self, box: Box, now: float) -> Shift:
        """Where the picture stands."""
        return shift(now, prompt=is_prompt(box))

    def next_change(self, box: Box, now: float) -> float | None:
        """When the light changes if nothing happens; None when it stays."""
        return next_change(self.rest, self.last, now, prompt=is_prompt(box))
