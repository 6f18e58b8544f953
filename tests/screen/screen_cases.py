"""The screens that are kept as pictures, and what every test of this room draws."""

from menu_cases import MENU_CASES

from appliance.screen import kinds
from appliance.screen.fr import WORDS
from appliance.screen.text import wrap

FINGERPRINT = "3f9a c01d 77be 0a42"
TEXT = "Paracétamol 1 g, trois fois par jour\npendant 5 jours ; à réévaluer."
LINES = wrap(TEXT, 20)


def consent(**changes):
    """A consent of a client that is not paired; ``changes`` replace fields."""
    fields = {
        "requester": "cabinet-demo",
        "paired": False,
        "signer": "C. MARTIN",
        "heading": "Ordonnance du 12 mars",
        "lines": (),
        "page": 1,
        "pages": 3,
        "fingerprint": FINGERPRINT,
        "content_shown": True,
        "agree": False,
    }
    return kinds.Consent(**fields | changes)


CASES = {
    "start": kinds.Start("0.1.0"),
    "home": kinds.Home("14:05", link=True, reader=True, lock=True),
    "home-no-link": kinds.Home("14:05", link=False, reader=True),
    "home-no-clock": kinds.Home("", link=True, reader=True),
    "home-no-reader": kinds.Home("14:05", link=True, reader=False),
    "reading": kinds.Reading(),
    "ready": kinds.Ready("C. MARTIN", "Infirmière", test=False, clock="14:05", link=True, lock=True),
    "ready-test": kinds.Ready("C. MARTIN", "Infirmière", test=True, clock="14:05", link=True),
    "ready-long": kinds.Ready("J. DE LA ROCHEFOUCAULD", "Masseur-kinésithérapeute", test=True, clock="", link=False),
    "ready-session": kinds.Ready("C. MARTIN", "Infirmière", test=True, clock="14:05", link=True, session=(18, 600)),
    "ready-session-end": kinds.Ready(
        "J. DE LA ROCHEFOUCAULD", "Masseur-kinésithérapeute", test=False, clock="14:05", link=True, session=(1, 9)
    ),
    **{
        f"ready-{code}": kinds.Ready("C. MARTIN", "Infirmière", False, "14:05", True, fault=code)
        for code in (*WORDS.card_troubles, "card-mute")
    },
    "ready-blocked-here": kinds.Ready(
        "J. DE LA ROCHEFOUCAULD", "Infirmière", True, "14:05", True, fault="pin-blocked", unblock=True
    ),
    "forgotten": kinds.Forgotten("C. MARTIN"),
    "forgotten-long": kinds.Forgotten("J. DE LA ROCHEFOUCAULD"),
    **MENU_CASES,
    "wait-card": kinds.WaitCard("cabinet-demo"),
    "wait-card-long": kinds.WaitCard("logiciel-de-cabinet-infirmier"),
    "consent-1": consent(),
    "consent-1-paired": consent(
        requester="Logiciel Cabinet", paired=True, heading="Ordonnance de Mme Durand du 12 mars"
    ),
    "consent-1-short": consent(requester="demo"),
    "consent-1-long": consent(requester="l" * 64, signer="J. DE LA ROCHEFOUCAULD-MONTBEL", heading="t" * 64),
    "consent-text": consent(lines=tuple(LINES[:3]), page=2),
    "consent-text-full": consent(heading="Lettre", lines=("É" * 20, "gjpqy" * 4, "Ç" * 20), page=12, pages=345),
    "consent-text-whole": consent(
        heading="Certificat", lines=("Apte au service.", "Le 12 mars 2025"), page=2, pages=2, agree=True
    ),
    "consent-text-last": consent(lines=tuple(LINES[3:]), page=3, agree=True),
    "consent-text-last-full": consent(lines=tuple(LINES[:3]), page=3, agree=True),
    "consent-unshown": consent(content_shown=False, page=2, pages=2, agree=True),
    "consent-unshown-lines": consent(content_shown=False, page=2, lines=("1/3 Radiographie du", "genou gauche")),
    "consent-unshown-last": consent(
        content_shown=False, heading="3 documents", page=3, lines=("2/3 Bilan", "3/3 Lettre"), agree=True
    ),
    "permission": kinds.Permission("cabinet-demo", paired=False),
    "permission-paired": kinds.Permission("Logiciel Cabinet", paired=True),
    "permission-long": kinds.Permission("l" * 40, paired=False),
    "session-offer": kinds.SessionOffer(20, 10),
    "pin-empty": kinds.Pin(0, 3, 1.0, reminder=False),
    "pin-three": kinds.Pin(3, 3, 0.6, reminder=False),
    "pin-reminder": kinds.Pin(4, 2, 0.2, reminder=True),
    "pin-longest": kinds.Pin(12, 1, 0.0, reminder=True),
    "code-old": kinds.Code("old", 2, 3, 4, 4, 0.8, reminder=False),
    "code-puk": kinds.Code("puk", 0, 10, 8, 8, 1.0, reminder=False),
    "code-puk-reminder": kinds.Code("puk", 8, 2, 8, 8, 0.3, reminder=True),
    "code-new": kinds.Code("new", 1, 0, 4, 4, 0.9, reminder=False),
    "code-new-range": kinds.Code("new", 4, 0, 4, 12, 0.9, reminder=True),
    "code-new-same": kinds.Code("new", 0, 0, 4, 4, 1.0, reminder=False, hint="same"),
    "code-new-differ": kinds.Code("new", 0, 0, 4, 8, 1.0, reminder=False, hint="differ"),
    "code-again": kinds.Code("again", 12, 0, 4, 12, 0.0, reminder=True),
    "last-try": kinds.LastTry(0.5),
    "last-try-puk": kinds.LastTry(0.5, puk=True),
    "pin-wrong": kinds.PinWrong(2),
    "pin-wrong-last": kinds.PinWrong(1),
    "puk-wrong": kinds.PinWrong(9, puk=True),
    "pin-blocked": kinds.PinBlocked(),
    "pin-blocked-here": kinds.PinBlocked(unblock=True),
    "changing": kinds.Changing(),
    **{f"code-{code}": kinds.CodeEnd(code) for code in (*WORDS.code_notices, "card-removed", "card-refused")},
    "pin-door": kinds.Pin(2, 3, 0.7, reminder=False, door=True),
    "door-open": kinds.DoorOpen(),
    "door-open-weak": kinds.DoorOpen(weak=True),
    **{f"door-shut-{code}": kinds.DoorShut(code) for code in (*WORDS.door_notices, "card-mute")},
    "signing": kinds.Signing(0, 1),
    "signing-batch": kinds.Signing(37, 100),
    "done": kinds.Done(1, content_shown=True),
    "done-titles": kinds.Done(3, content_shown=False),
    "read-none": kinds.Read(0),
    "read": kinds.Read(1),
    "read-several": kinds.Read(16),
    "not-read": kinds.NotRead("refused"),
    "removed": kinds.Removed(),
    "removed-idle": kinds.Removed(needed=False),
    "outcome-partly": kinds.Outcome("refused", signed=1, of=3),
    "outcome-partly-several": kinds.Outcome("pin-wrong", signed=37, of=100),
    "fault-other": kinds.Fault("a-code-of-tomorrow"),
    **{f"notice-{code}": kinds.Outcome(code) for code in WORDS.notices},
}

JOURNEY = (
    ("1 home", CASES["home"]),
    ("2 card in", CASES["ready"]),
    ("3 consent", CASES["consent-text-whole"]),
    ("4 PIN", CASES["pin-three"]),
    ("5 signing", CASES["signing"]),
    ("6 done", CASES["done"]),
)
