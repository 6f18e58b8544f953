"""The screens of the menu that are kept as pictures, and the longest facts a page may have to tell."""

from appliance.contract import events
from appliance.screen import kinds
from appliance.screen.facts import page_count
from appliance.screen.fr import WORDS
from appliance.screen.kinds_menu import AboutBox, CardIn, Happening, Happenings, Network, Report
from appliance.screen.languages import LANGUAGES

ENTRIES = tuple(WORDS.menu)
NETWORK = Network("192.168.1.20", False, True, True, "14:05", "cabinet-1", ("192.168.1.31",))
OWN = Network("127.0.0.1", True, False, False, "", "cabinet-1", ())
FAR = Network(
    "courtier-mqtt.cabinet-infirmier-des-lilas.example",
    False,
    True,
    False,
    "23:59",
    "l" * 40,
    ("255.255.255.255", "2001:db8:85a3:8d3:1319:8a2e:370:7348"),
)
CARD = CardIn("C. MARTIN", "Infirmière", "CPS", "cps3", "31/12/2027", 3, True, 10, "good", False)
FULL_CARD = CardIn("W" * 27, "Masseur-kinésithérapeute", "CPF", "cps4", "31/12/2027", None, True, None, "unknown", True)
BARE_CARD = CardIn("LABORATOIRE", "", "", "unknown", "", 0, False, None, "untrusted", False)
HAPPENED = Happenings(
    (
        Happening("12/03", "14:05", "sign/completed"),
        Happening("12/03", "14:04", "pin/verified"),
        Happening("12/03", "08:31", "card/identified"),
        Happening("11/03", "19:02", "card/removed"),
    )
)
EVERYTHING = Happenings(tuple(Happening("31/12", "23:59", "/".join(name)) for name in events.EVENTS))
ABOUT = AboutBox("0.1.0", "1.0.0", "cabinet-1", "memfd_secret", "3f9ac01d77be0a42" * 4)
GOOD = Report(tuple((part, "ok") for part in WORDS.pages.parts), 16, "locked")
BAD = Report(
    tuple(
        (part, verdict)
        for part, verdict in zip(WORDS.pages.parts, ("fault", "ok", "skipped", "absent") * 2, strict=True)
    ),
    9,
    "memfd_secret",
)
LONGEST = {
    "network": (NETWORK, OWN, FAR),
    "card": (CARD, FULL_CARD, BARE_CARD),
    "events": (HAPPENED, EVERYTHING, Happenings(())),
    "about": (ABOUT,),
    "selftest": (GOOD, BAD),
}
"""Entry of the menu -> facts its pages may tell."""
SHOWN = {"network": NETWORK, "network-own": OWN, "card": FULL_CARD, "events": HAPPENED, "about": ABOUT, "selftest": BAD}
OPTIONS = {"language": ("fr", "en"), "contrast": ("1", "2", "3", "4"), "sound": ("on", "off")}

MENU_CASES = {
    "menu-change": kinds.Menu(ENTRIES, 1),
    "menu-unblock": kinds.Menu(ENTRIES, 2),
    "menu-last": kinds.Menu(ENTRIES, len(ENTRIES)),
    "page-waiting": kinds.Page("about", None),
    **{
        f"page-{name}-{page}": kinds.Page(name.partition("-")[0], facts, page)
        for name, facts in SHOWN.items()
        for page in range(1, min(page_count(facts, words) for words in LANGUAGES.values()) + 1)
    },
    "page-events-none": kinds.Page("events", Happenings(())),
    "choice-language": kinds.Choice("language", OPTIONS["language"], 2, 1),
    "choice-contrast": kinds.Choice("contrast", OPTIONS["contrast"], 4, 3),
    "choice-sound": kinds.Choice("sound", OPTIONS["sound"], 1, 1),
    **{f"selftest-{step}": kinds.Question(step) for step in WORDS.pages.questions},
    "selftest-lit": kinds.Pixels(lit=True),
    "selftest-dark": kinds.Pixels(lit=False),
    "selftest-keys": kinds.KeyGrid(frozenset()),
    "selftest-keys-some": kinds.KeyGrid(frozenset({0, 5, 10, 15})),
    "selftest-keys-all": kinds.KeyGrid(frozenset(range(16))),
}
