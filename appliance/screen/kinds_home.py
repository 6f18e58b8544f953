"""Screens of home with a card in, as values.

What it is: one frozen struct a screen; found in ``kinds.py`` with all others. What it is not: pixels (``home.py``).
Rule: as in ``kinds.py``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ready:
    """Who is in.

    Attributes:
        name: initial and name, ``C. MARTIN``.
        profession: label of the profession, at most two rows of 21 characters.
        test: the card is a test card: TEST in reverse video.
        clock: as in ``Home``.
        link: as in ``Home``.
        lock: as in ``Home``.
        session: signatures (1..99) and seconds left of an open session, None when there is none; more than 599 seconds
            are drawn as 9:59.
        fault: what keeps the card from signing, as a code of the contract; stands in place of the profession.
        unblock: ``A`` unblocks the card.
    """

    name: str
    profession: str
    test: bool
    clock: str
    link: bool
    lock: bool = False
    session: tuple[int, int] | None = None
    fault: str | None = None
    unblock: bool = False


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Nobody has wanted anything of the card for long: it is asked whether it was forgotten.

    Attributes:
        name: as in ``Ready``.
    """

    name: str
