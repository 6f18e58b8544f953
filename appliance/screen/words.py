"""The words a language gives the screen.

What it is: the closed list of texts, so that no language can lack one. What it is not: a language (``fr.py``).
Rule: a row of a notice fits its row as it stands (a test draws every one); ``{…}`` are fields of ``str.format``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Notice", "Words"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, and what to do.

    Attributes:
        headline: at most ``LARGE_COLUMNS`` characters, drawn at 16 pixels.
        lines: at most three rows of ``COLUMNS`` characters.
    """

    headline: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """Every text of one language.

    Attributes:
        start: headline of ``Start``.
        version: row of ``Start``, field ``{version}``.
        no_clock: what stands for the time while the clock is unset.
        insert: the two headlines that ask for a card.
        reading: the two headlines of ``Reading``.
        leave_card: one or two rows: the card must stay.
        test: mark of a test card.
        unpaired: mark of a requester without pairing.
        unshown: reverse row of a document whose content is not shown.
        fingerprint: label of the fingerprint, where there is a row for it.
        signer: row of consent, field ``{signer}``; left out if it would make the row too long.
        asked_by: row of ``WaitCard``, field ``{requester}``.
        agree: label of key A on consent.
        more: label of key C on consent.
        refuse: label of key D on consent.
        go_on: label of key A on the last try.
        cancel: label of key D elsewhere.
        pin: headline of ``Pin``.
        tries: tries left, one and several, field ``{n}``.
        reminder: how to validate.
        last_try: notice of ``LastTry``, at most two rows.
        pin_wrong: notice of ``PinWrong``, at most one row below the tries.
        pin_blocked: notice of ``PinBlocked``.
        signing: headline of ``Signing``.
        progress: row of ``Signing`` for several documents, fields ``{done}`` and ``{of}``.
        signed: headline of ``Done``.
        documents: documents signed, one and several, field ``{n}``.
        content_seen: row of ``Done`` when the content was shown.
        title_seen: row of ``Done`` when only the title was.
        removed: notice of ``Removed`` when a request needed the card.
        taken: notice of ``Removed`` otherwise.
        partly: row of ``Outcome`` when some documents were signed, one and several, fields ``{n}`` and ``{of}``.
        others: row below it.
        notices: by code, for ``Outcome`` and ``Fault``.
        unknown: notice of a code without one; its code is drawn below, so at most two rows.
    """

    start: str
    version: str
    no_clock: str
    insert: tuple[str, str]
    reading: tuple[str, str]
    leave_card: tuple[str, ...]
    test: str
    unpaired: str
    unshown: str
    fingerprint: str
    signer: str
    asked_by: str
    agree: str
    more: str
    refuse: str
    go_on: str
    cancel: str
    pin: str
    tries: tuple[str, str]
    reminder: str
    last_try: Notice
    pin_wrong: Notice
    pin_blocked: Notice
    signing: str
    progress: str
    signed: str
    documents: tuple[str, str]
    content_seen: str
    title_seen: str
    removed: Notice
    taken: Notice
    partly: tuple[str, str]
    others: str
    notices: Mapping[str, Notice]
    unknown: Notice
