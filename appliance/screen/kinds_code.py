"""What the person can be shown around the card's code: one frozen struct a screen.

What it is: the part of ``kinds`` for codes and their ends. What it is not: pixels (``code.py``) or words.
Rule: counts, marks and times; never a digit of a code.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Changing", "Code", "CodeEnd", "LastTry", "Pin", "PinBlocked", "PinWrong"]


@dataclass(frozen=True, slots=True)
class Pin:
    """The PIN is being typed (design §5, *PIN*): a padlock frame that no text can draw.

    Attributes:
        marks: how many digits were typed, 0..12, else ``TextNotDrawable``; a mark each, never a digit.
        tries: tries left, from the card's counter.
        remaining: part of the time left, 1.0 (all) .. 0.0 (none); clamped.
        reminder: True adds « valider avec # ».
        door: no software asks: it is to open the door, and the screen says so.
    """

    marks: int
    tries: int
    remaining: float
    reminder: bool
    door: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A code is being typed that is not simply the PIN of a request; the padlock frame, as in ``Pin``.

    Attributes:
        stage: ``old`` the code in use, ``puk`` the code de déblocage, ``new`` the new code, ``again`` once more.
        marks: as in ``Pin``.
        tries: tries left of ``old`` or ``puk``; 0 where no try is at stake, and none is drawn.
        least: digits the card wants at least.
        most: and at most.
        remaining: as in ``Pin``.
        reminder: as in ``Pin``.
        hint: why a new code is asked for again: ``same`` as the one before it, or the two ``differ``; None: it is not.
    """

    stage: Literal["old", "puk", "new", "again"]
    marks: int
    tries: int
    least: int
    most: int
    remaining: float
    reminder: bool
    hint: Literal["same", "differ"] | None = None


@dataclass(frozen=True, slots=True)
class LastTry:
    """One try is left: a second confirmation, ``A`` goes on, ``D`` cancels.

    Attributes:
        remaining: as in ``Pin``.
        puk: it is the last one of the code de déblocage.
    """

    remaining: float
    puk: bool = False


@dataclass(frozen=True, slots=True)
class PinWrong:
    """The card refused the PIN.

    Attributes:
        tries: tries left, 1 or more.
        puk: it was the code de déblocage.
    """

    tries: int
    puk: bool = False


@dataclass(frozen=True, slots=True)
class PinBlocked:
    """No try is left: the unblocking code is in the letter.

    Attributes:
        unblock: ``A`` unblocks here and now.
    """

    unblock: bool = False


@dataclass(frozen=True, slots=True)
class Changing:
    """The card is being given its new code."""


@dataclass(frozen=True, slots=True)
class CodeEnd:
    """What became of a change or an unblocking.

    Attributes:
        code: a key of ``Words.code_notices``; any other draws the headline of its notice, and that the code stays.
    """

    code: str
