"""The words a language gives the screen.

What it is: the closed list of texts, so that no language can lack one. What it is not: a language (``fr.py``).
Rule: a row of a notice fits its row as it stands (a test draws every one); ``{…}`` are fields of ``str.format``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.screen.words_menu import MenuWords

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
        confirm: label of ``#`` under a code.
        menu_hint: label of key A on ``Ready``: how to come to the menu.
        menu_title: first row of ``Menu``.
        menu: by name, the entries of ``Menu``, one row of ``COLUMNS`` less two each.
        pages: the words of the pages, lists and self-test that the menu opens (``words_menu``).
        choose: label of key A on the menu.
        back: label of key D on the menu.
        asks_practice: the two rows of ``Permission`` below the requester.
        asks_practice_briefly: the same in one row, where the requester takes two.
        session: first row of ``SessionOffer``.
        session_offer: the three rows below it, fields ``{signatures}`` and ``{minutes}``.
        sign: label of key A there.
        session_left: mark of an open session on ``Ready``, fields ``{signatures}``, ``{minutes}`` and ``{seconds}``.
        pin: headline of ``Pin``.
        codes: by stage, headlines of ``Code``.
        hints: by hint, one row.
        digits: how long a new code is, fields ``{least}`` and ``{most}``: where they are equal, and where not.
        letter: row of ``Code`` for the code de déblocage: where it stands.
        repeat: row of ``Code`` for the new code once more, in place of its length.
        tries: tries left, one and several, field ``{n}``.
        reminder: how to validate.
        last_try: notice of ``LastTry``, at most two rows.
        pin_wrong: notice of ``PinWrong``, at most one row below the tries.
        last_puk: the same for the code de déblocage.
        puk_wrong: the same for the code de déblocage.
        pin_blocked: notice of ``PinBlocked``: where the code de déblocage stands, and whom to ask for it.
        pin_blocked_here: the same in two rows, where ``A`` unblocks.
        unblock: label of key A there.
        close: label of key D there.
        changing: headline of ``Changing``.
        code_notices: by what became of it, for ``CodeEnd``.
        code_stays: row of ``CodeEnd`` otherwise.
        door_pin: row of ``Pin`` where it opens the door.
        door_open: notice of ``DoorOpen``.
        door_weak: reverse mark of a door that the card's presence opened.
        door_shut: headline of ``DoorShut``.
        door_notices: by code, its rows; any other code draws the headline of its notice.
        card_troubles: by code, the two rows of ``Ready``: what keeps the card from signing, and what to do.
        ask_installer: what to do about any other.
        forgotten: notice of ``Forgotten``, at most two rows; the name stands below it.
        read: headline of ``Read``.
        situations: row of ``Read``: none, one and several, field ``{n}``.
        not_read: row of ``NotRead``.
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
    confirm: str
    menu_hint: str
    menu_title: str
    menu: Mapping[str, str]
    pages: MenuWords
    choose: str
    back: str
    asks_practice: tuple[str, str]
    asks_practice_briefly: str
    session: str
    session_offer: tuple[str, str, str]
    sign: str
    session_left: str
    pin: str
    codes: Mapping[str, str]
    hints: Mapping[str, str]
    digits: tuple[str, str]
    letter: str
    repeat: str
    tries: tuple[str, str]
    reminder: str
    last_try: Notice
    pin_wrong: Notice
    last_puk: Notice
    puk_wrong: Notice
    pin_blocked: Notice
    pin_blocked_here: tuple[str, str]
    unblock: str
    close: str
    changing: str
    code_notices: Mapping[str, Notice]
    code_stays: str
    door_pin: str
    door_open: Notice
    door_weak: str
    door_shut: str
    door_notices: Mapping[str, tuple[str, ...]]
    card_troubles: Mapping[str, tuple[str, str]]
    ask_installer: str
    forgotten: Notice
    read: str
    situations: tuple[str, str, str]
    not_read: str
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
