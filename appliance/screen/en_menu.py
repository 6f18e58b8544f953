"""English for the menu's pages, lists and self-test.

What it is: the part of ``en`` for ``words_menu``. What it is not: layout. Rule: as in ``en``.
"""

from types import MappingProxyType
from typing import Final

from appliance.screen.words_menu import MenuWords

__all__ = ["MENU", "PAGES"]

MENU: Final = {
    "card": "Card",
    "events": "Events",
    "network": "Network",
    "language": "Language/Langue",
    "contrast": "Contrast",
    "sound": "Sound",
    "selftest": "Self-test",
    "about": "About",
}
"""Entries of the menu; the language's is found by who cannot read the one in use."""

_EVENTS: Final = {
    "reader/attached": "Reader plugged",
    "reader/lost": "Reader absent",
    "reader/busy": "Reader busy",
    "reader/fault": "Reader fault",
    "card/inserted": "Card inserted",
    "card/identified": "Card read",
    "card/removed": "Card removed",
    "card/unreadable": "Card unreadable",
    "card/expiring": "Expires soon",
    "card/expired": "Card expired",
    "card/renewed": "Card replaced",
    "card/denied": "Card refused",
    "card/forgotten": "Card forgotten",
    "patient-card/inserted": "Patient card",
    "patient-card/removed": "Patient: out",
    "pin/verified": "Code right",
    "pin/wrong": "Wrong code",
    "pin/blocked": "Code blocked",
    "pin/changed": "Code changed",
    "pin/unblocked": "Code unblocked",
    "sign/completed": "Signed",
    "sign/refused": "Refused",
    "sign/failed": "Not signed",
    "auth/completed": "Authenticated",
    "auth/refused": "Auth. refused",
    "auth/failed": "Auth. failed",
    "session/opened": "Session opened",
    "session/closed": "Session ended",
    "door/opened": "Door opened",
    "door/refused": "Door refused",
    "tamper/opened": "Box opened",
    "tamper/closed": "Box closed",
    "pairing/added": "Paired",
    "pairing/removed": "Unpaired",
    "keypad/fault": "Keypad fault",
    "display/fault": "Display fault",
    "system/started": "Start",
    "system/stopping": "Stop",
    "system/fault": "Internal error",
    "journal/dropped": "Journal cut",
}

PAGES: Final = MenuWords(
    waiting="One moment…",
    own_broker="Broker of the box:",
    other_broker="Broker:",
    reached=("Reached since {since}", "Reached"),
    unreached=("Not reached, {since}", "Not reached"),
    encrypted="TLS encrypted link",
    device="Name of the box:",
    address="Address of the box:",
    no_address="Address unknown",
    families=MappingProxyType({"cps3": "CPS3", "cps4": "CPS4", "unknown": ""}),
    until="Valid to {date}",
    tries="Tries of code: {n}",
    puk_tries="Unblocking: {n}",
    all_tries="all",
    trust=MappingProxyType(
        {
            "good": "Certificate trusted",
            "unknown": "Certificate unchecked",
            "untrusted": "Certificate unknown",
            "expired": "Certificate expired",
            "not-yet-valid": "Certificate not valid yet",
        }
    ),
    nothing="Nothing yet.",
    day="On {day}:",
    events=MappingProxyType(_EVENTS),
    contract="contract {contract}",
    memory="Memory of the code:",
    memories=MappingProxyType({"memfd_secret": "out of the system", "locked": "locked"}),
    package="Software fingerprint:",
    verdict="{part}: {verdict}",
    parts=MappingProxyType(
        {
            "display": "Display",
            "led": "LED",
            "sound": "Sound",
            "keys": "Keypad",
            "reader": "Reader",
            "card": "Card",
            "link": "Link",
            "clock": "Time",
        }
    ),
    verdicts=MappingProxyType({"ok": "OK", "fault": "FAULT", "absent": "missing", "skipped": "not tested"}),
    keys_seen="{n} keys of 16",
    options=MappingProxyType(
        {
            "language": MappingProxyType({"fr": "Français", "en": "English"}),
            "contrast": MappingProxyType({"1": "1 faint", "2": "2 soft", "3": "3 normal", "4": "4 strong"}),
            "sound": MappingProxyType({"on": "sound on", "off": "sound off"}),
        }
    ),
    questions=MappingProxyType(
        {
            "intro": ("The whole display", "goes on, then off.", "Good: A. Fault: C."),
            "red": ("Is the LED red?",),
            "green": ("Is the LED green?",),
            "blue": ("Is the LED blue?",),
            "white": ("Is the LED white?",),
            "tone": ("Did you hear two", "sounds?", "B: hear them again"),
        }
    ),
    yes="yes",
    no="no",
    keys_title=("Press", "each key"),
    keys_count="{n} of 16",
    keys_end="hold D 1 s: end",
)
"""English for ``facts`` and ``pages_menu``."""
