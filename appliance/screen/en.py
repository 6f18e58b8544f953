"""English, the second language of the screen.

What it is: the only English of this room. What it is not: layout. Rule: as ``fr.py``: plain words for the person at the
box: what happened, then what to do; a French name that she has to look for on paper (ANS) stays French.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from appliance.screen import en_menu
from appliance.screen.words import Notice, Words

__all__ = ["WORDS"]

_AGAIN: Final = "Send it once more."
_NOT_SIGNED: Final = "Nothing was signed."
_TELL_VENDOR: Final = ("Tell the maker of", "the software.")
_TELL_INSTALLER: Final = ("Tell your installer.",)
_REFUSED: Final = "Request refused"
_LOST: Final = "Lost it? Ask the ANS."
_BLOCKED: Final = Notice("Card blocked", ("Unblocking code: 8", "digits, in the letter", _LOST))
_SPENT: Final = Notice("Card to replace", ("It can't be unblocked", "any more. Ask the ANS", "for a new one."))

_NOTICES: Final[Mapping[str, Notice]] = {
    # A request ended (contract, *Errors*).
    "refused": Notice("Refused", (_NOT_SIGNED,)),
    "cancelled": Notice("Cancelled", ("The software took", "its request back.")),
    "consent-timeout": Notice("Too late", ("Not accepted in time.", _NOT_SIGNED, _AGAIN)),
    "pin-timeout": Notice("Too late", ("Code not confirmed.", _NOT_SIGNED, _AGAIN)),
    "expired": Notice("Too late", ("The request is over.", "Send it once more", "from the software.")),
    "pin-wrong": Notice("Wrong code", ("Request stopped.", _NOT_SIGNED, _AGAIN)),
    "pin-blocked": _BLOCKED,
    "card-absent": Notice("No card", ("No card was put in.", _AGAIN)),
    "card-removed": Notice("Card removed", ("Request stopped.", "Put the card back and", "send it once more.")),
    "wrong-holder": Notice("Another card", ("The request is for", "another person or", "another card.")),
    "outcome-unknown": Notice("Please check", ("Perhaps signed, or", "not. Look in the", "software.")),
    "answer-lost": Notice("Answer lost", ("The box restarted.", "Look in the software.")),
    "challenge-stale": Notice("Request too old", ("Send it once more", "from the software.")),
    "busy": Notice("Busy", ("Another request is", "open. Try again", "after it.")),
    "rate-limited": Notice("Please wait", ("Too many requests.", "Try again in a", "minute.")),
    # A request was not taken (contract, *Errors*).
    "malformed": Notice(_REFUSED, ("Request unreadable.", *_TELL_VENDOR)),
    "schema-invalid": Notice(_REFUSED, ("Request ill-formed.", *_TELL_VENDOR)),
    "unsupported-version": Notice(_REFUSED, ("Version not known.", *_TELL_VENDOR)),
    "id-reused": Notice(_REFUSED, ("Number used before.", *_TELL_VENDOR)),
    "too-large": Notice(_REFUSED, ("Document too large.", "Make it smaller, then", "send it once more.")),
    "text-not-drawable": Notice(_REFUSED, ("Text can't be shown.", *_TELL_VENDOR)),
    "not-allowed": Notice(_REFUSED, ("Software lacks this", "right. Tell your", "installer.")),
    "not-paired": Notice(_REFUSED, ("Software not paired.", "Pair it first.")),
    "signer-unknown": Notice(_REFUSED, ("This box does not", "know the signer.", *_TELL_INSTALLER)),
    # The card.
    "card-mute": Notice("Card is silent", ("Take it out, then put", "it in again, chip", "first.")),
    "card-unsupported": Notice("Card refused", ("This box can't use", "it. Take it out.")),
    "patient-card": Notice("Patient's card", ("Take it out, then put", "in your CPS card.")),
    "card-data-malformed": Notice("Card unreadable", ("Take the card out and", "put it in again.")),
    "card-refused": Notice("Card error", ("Take the card out and", "put it in again.")),
    "card-reset": Notice("Card taken over", ("Another program used", "the card.", _AGAIN)),
    "card-update-interrupted": Notice("Card unfinished", ("Its update was not", "finished.", *_TELL_INSTALLER)),
    "puk-wrong": Notice("Wrong code", ("Unblocking code", "refused. Look at the", "letter.")),
    "puk-blocked": _SPENT,
    "card-expired": Notice("Card expired", ("Use your new card.",)),
    "card-revoked": Notice("Card revoked", ("It can't sign any", "more. Ask the ANS.")),
    "card-denied": Notice("Card refused", ("This card has no", "access here.", *_TELL_INSTALLER)),
    "certificate-invalid": Notice("Card not valid", ("Its certificate is", "not recognised.", _NOT_SIGNED)),
    "signature-invalid": Notice("Not signed", ("The card signed badly", "Take it out, then put", "it in again.")),
    # The reader and the box.
    "reader-absent": Notice("No card reader", ("Check the reader's", "USB cable.")),
    "reader-busy": Notice("Reader busy", ("Another program uses", "the card.", "Please wait.")),
    "keypad-fault": Notice("Keypad stuck", ("Let go of the keys.", "If it stays, tell", "your installer.")),
    "display-absent": Notice("Display fault", (_NOT_SIGNED, *_TELL_INSTALLER)),
    "clock-unset": Notice("Time unknown", ("The clock is not set.", "Wait, or tell your", "installer.")),
    "tamper-lockout": Notice("Box is locked", ("It was opened.", *_TELL_INSTALLER)),
    "secret-unavailable": Notice("No code entry", ("Code not protected.", *_TELL_INSTALLER)),
    "link-broken": Notice("Link down", ("Please wait. If it", "stays so, tell your", "installer.")),
    "journal-fault": Notice("Journal stuck", (_NOT_SIGNED, *_TELL_INSTALLER)),
    "config-invalid": Notice("Bad settings", _TELL_INSTALLER),
    "internal": Notice("Internal error", ("Try again. If it", "comes back, tell", "your installer.")),
}

_CODE_NOTICES: Final[Mapping[str, Notice]] = {
    # What became of a change or an unblocking; every other code: its headline, and that the code stays.
    "changed": Notice("Code changed", ("Your new code is", "valid from now on.")),
    "unblocked": Notice("Code unblocked", ("Your new code is", "valid from now on.")),
    "refused": Notice("Cancelled", ("Your code has not", "changed.")),
    "pin-timeout": Notice("Too late", ("Code not confirmed.", "Your code has not", "changed.")),
    "pin-wrong": Notice("Wrong code", ("Your code has not", "changed.")),
    "puk-wrong": Notice("Wrong code", ("Unblocking code", "refused. Your code", "has not changed.")),
    "puk-blocked": _SPENT,
    "removed-unsure": Notice("Card removed", ("Code changed or not:", "put the card back and", "try a signature.")),
    "outcome-unknown": Notice("Please check", ("The card went silent.", "Code changed or not:", "try a signature.")),
}

_TROUBLES: Final[Mapping[str, tuple[str, str]]] = {
    # Home with a card that does not sign: what is wrong, what to do.
    "pin-blocked": ("Code blocked", "Ask the ANS."),
    "card-expired": ("Card expired", "Use your new card."),
    "card-revoked": ("Card revoked", "Ask the ANS."),
    "card-denied": ("Card has no access", "Tell your installer."),
    "certificate-invalid": ("Card not recognised", "Tell your installer."),
}

_DOOR: Final[Mapping[str, tuple[str, ...]]] = {
    # Why the door stayed shut; every other code: the headline of its notice.
    "card-denied": ("This card is not", "admitted here.", "Ask the installer."),
    "door-hours": ("Not within your", "hours of access."),
    "door-absent": ("This box opens no", "door."),
    "door-used": ("Opened already. Take", "the card out and put", "it in again."),
    "clock-unset": ("The box has no time.", "Wait, or ask the", "installer."),
    "certificate-invalid": ("The certificate of", "the card is not", "recognised."),
    "card-expired": ("Your card has", "expired. Use the new", "one."),
    "signature-invalid": ("The card did not", "prove who it is.", "Ask the installer."),
    "card-removed": ("Card out too soon.", "Put it in again."),
    "pin-wrong": ("Wrong code.",),
    "pin-timeout": ("The code came too", "late."),
    "refused": ("You cancelled.",),
}

WORDS: Final = Words(
    start="Starting",
    version="version {version}",
    no_clock="--:--",
    insert=("Insert", "your card"),
    reading=("Reading", "the card…"),
    leave_card=("Do not remove", "the card."),
    test="TEST",
    unpaired="(not paired)",
    unshown="CONTENT NOT SHOWN",
    fingerprint="Fingerprint:",
    signer="by {signer}",
    asked_by="for {requester}",
    agree="accept",
    more="next",
    refuse="refuse",
    go_on="go on",
    cancel="cancel",
    confirm="confirm",
    menu_hint="held 1 s: menu",
    menu_title="Menu",
    menu=MappingProxyType(
        {"change": "Change the code", "unblock": "Unblock the code", "door": "Open the door", **en_menu.MENU}
    ),
    pages=en_menu.PAGES,
    choose="choose",
    back="back",
    asks_practice=("wants to read your", "workplaces."),
    asks_practice_briefly="your workplaces?",
    session="Session?",
    session_offer=("Sign and open:", "{signatures} signatures, {minutes} min", "without code, with A."),
    sign="sign",
    session_left="SESSION {signatures} sign. {minutes}:{seconds:02}",
    pin="Card code",
    codes=MappingProxyType({"old": "Current code", "puk": "Unblocking", "new": "New code", "again": "Once more"}),
    hints=MappingProxyType({"same": "Choose another one.", "differ": "The two differ."}),
    digits=("{least} digits", "{least} to {most} digits"),
    letter="8 digits, see letter",
    repeat="Type it once more.",
    tries=("{n} try left", "{n} tries left"),
    reminder="confirm with #",
    last_try=Notice("Last try!", ("A wrong code will", "block the card.")),
    pin_wrong=Notice("Wrong code", ("Check your code.",)),
    last_puk=Notice("Last try!", ("A wrong code makes", "the card useless.")),
    puk_wrong=Notice("Wrong code", ("Look at the letter.",)),
    pin_blocked=_BLOCKED,
    pin_blocked_here=("Code: in your letter.", _LOST),
    unblock="unblock",
    close="close",
    changing="Saving",
    code_notices=MappingProxyType(_CODE_NOTICES),
    code_stays="Code not changed.",
    door_pin="to open the door",
    door_open=Notice("Door open", ("Push the door. Take", "your card back.")),
    door_weak="WEAK: NO CODE ASKED",
    door_shut="Door shut",
    door_notices=MappingProxyType(_DOOR),
    card_troubles=MappingProxyType(_TROUBLES),
    ask_installer="Tell your installer.",
    forgotten=Notice("Card forgotten?", ("Take it with you", "when you leave.")),
    read="Sent",
    situations=("No workplace", "{n} workplace", "{n} workplaces"),
    not_read="Nothing was sent.",
    signing="Signing…",
    progress="{done} of {of}",
    signed="Signed",
    documents=("{n} document", "{n} documents"),
    content_seen="Content was shown",
    title_seen="Only the title shown",
    removed=Notice("Card removed", ("The open request", "was stopped.")),
    taken=Notice("Card removed", ("See you soon.",)),
    partly=("{n} of {of} signed.", "{n} of {of} signed."),
    others="The rest: not signed.",
    notices=MappingProxyType(_NOTICES),
    unknown=Notice("Error", _TELL_INSTALLER),
)
"""English for ``screens.render``."""
