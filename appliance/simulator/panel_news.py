"""What a page has not been told yet.

What it is: a pure mapping from everything there is to see, and what one page knows, to messages. What it is not: a
connection, or a clock. Rule: a page that was slow gets the picture of now, and every entry that is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.simulator.panel_messages import IDLE, Dossier, Entry, Frame, Hello, News, Playing, State


@dataclass(frozen=True, slots=True)
class View:
    """Everything as it is now. Entries and dossiers in order of their numbers."""

    hello: Hello
    frame: Frame
    state: State
    entries: Sequence[Entry]
    dossiers: Sequence[Dossier]
    playing: Playing = IDLE


@dataclass(frozen=True, slots=True)
class Known:
    """What one page was told: nothing at first. ``entry``: the number of the last one."""

    hello: Hello | None = None
    frame: Frame | None = None
    state: State | None = None
    entry: int = 0
    dossiers: frozenset[Dossier] = field(default_factory=frozenset)
    playing: Playing = IDLE


def news(view: View, known: Known) -> tuple[list[News], Known]:
    """What to say, in order, and what the page knows then."""
    once = (
        (view.hello, known.hello),
        (view.state, known.state),
        (view.frame, known.frame),
        (view.playing, known.playing),
    )
    said: list[News] = [now for now, before in once if now is not None and now != before]
    entries = [entry for entry in view.entries if entry.number > known.entry]
    said += entries
    said += [dossier for dossier in view.dossiers if dossier not in known.dossiers]
    last = entries[-1].number if entries else known.entry
    return said, Known(view.hello, view.frame, view.state, last, frozenset(view.dossiers), view.playing)
