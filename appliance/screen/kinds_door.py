"""What the person can be shown of the door: one frozen struct a screen.

What it is: the part of ``kinds`` for how the door's errand ended. What it is not: pixels (``door.py``) or words; the
prompt is ``Pin``, as everywhere. Rule: a door that only the card's presence opened is never drawn like one that a code
opened.
"""

from dataclasses import dataclass

__all__ = ["DoorOpen", "DoorShut"]


@dataclass(frozen=True, slots=True)
class DoorOpen:
    """The strike was released.

    Attributes:
        weak: by the card's presence alone: neither code nor proof was asked for.
    """

    weak: bool = False


@dataclass(frozen=True, slots=True)
class DoorShut:
    """The door was asked for and stayed shut.

    Attributes:
        code: a key of ``Words.door_notices``; any other draws the headline of its notice.
    """

    code: str
