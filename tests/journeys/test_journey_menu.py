"""Issue 5: every entry of the menu by keys, read on the screen; settings that outlive a restart; the self-test."""

import re
import signal

import pytest
from journey_kit import HELD, PIN, TIMEOUT, standing_bench

from appliance import __version__
from appliance.config import parse
from appliance.screen.languages import LANGUAGES
from appliance.simulator.pins import HIGH, LOW
from appliance.simulator.reading import read_marked

FR, EN = LANGUAGES["fr"], LANGUAGES["en"]
HOLDER = "S. DURAND-TEST"
WIRING = parse('[device]\nid = "cps-demo"\n').signals
COLOURS = {
    "rouge ?": (HIGH, LOW, LOW),
    "vert ?": (LOW, HIGH, LOW),
    "bleu ?": (LOW, LOW, HIGH),
    "blanc ?": (HIGH, HIGH, HIGH),
}
STRONGEST = 0xFF
FACE = "123A456B789C*0#D"


@pytest.fixture
def bench(folder):
    """Over the desk's own reader and broker: what is looked at here is neither's."""
    with standing_bench(folder, "desk") as bench:
        yield bench


def opens(bench, name, words=FR):
    """From home: the menu, down to this entry, and ``A``."""
    bench.desk.hold_for("A", HELD)
    bench.person.sees("Menu")
    bench.person.finds(words.menu[name])
    bench.person.press("A")


def reads(bench, title):
    """Every page from the first to the last, as one text."""
    rows, page = [], 1
    while True:
        lines = bench.desk.wait_for(
            lambda lines, page=page: (
                lines
                and lines[0].startswith(title)
                and FR.pages.waiting not in lines
                and (page == 1 or f"{page}/" in lines[0])
            ),
            TIMEOUT,
        )
        rows += lines[1:-1]
        if "C suite" not in lines[-1]:
            return " ".join(rows)
        bench.person.press("C")
        page += 1


def goes_back(bench):
    bench.person.press("D")
    bench.person.sees("Menu")


def test_every_entry_opens_and_says_what_it_knows(any_bench):
    bench = any_bench
    bench.insert()
    opens(bench, "card")
    card = reads(bench, "Carte")
    assert HOLDER in card
    assert "CPS3" in card
    assert "TEST" in card
    assert re.search(r"Valable au \d\d/\d\d/\d{4}", card)
    assert "Essais du code : 3" in card
    assert "Déblocage : " in card
    assert not re.search(r"\d{9,}", card)  # no number of anybody
    goes_back(bench)
    bench.person.press("D")

    opens(bench, "events")
    happened = reads(bench, "Événements")
    assert re.search(r"Le \d\d/\d\d :", happened)
    assert re.search(r"\d\d:\d\d Carte lue \d\d:\d\d Carte insérée", happened)
    assert HOLDER not in happened
    goes_back(bench)
    bench.person.press("D")

    opens(bench, "network")
    network = reads(bench, "Réseau")
    assert "Serveur du boîtier : 127.0.0.1" in network
    assert re.search(r"Relié depuis \d\d:\d\d", network)
    assert "Nom du boîtier : cps-demo" in network
    assert "Adresse" in network
    goes_back(bench)
    bench.person.press("D")

    opens(bench, "about")
    about = reads(bench, "À propos")
    assert f"version {__version__}" in about
    assert "Mémoire du code :" in about
    assert re.search(r"Empreinte logiciel : [0-9a-f]{4}( [0-9a-f]{4}){3}$", about)
    goes_back(bench)


def test_without_a_card_there_is_a_menu_without_its_entries(bench):
    bench.desk.hold_for("A", HELD)
    bench.person.sees("Menu")
    assert FR.menu["events"] in read_marked(bench.desk.frame())[1]
    assert not any(FR.menu[name] in " ".join(bench.desk.lines()) for name in ("change", "unblock"))
    bench.person.press("D")
    bench.person.sees("Insérez")


def test_nothing_is_asked_of_a_person_in_the_menu(bench):
    bench.insert()
    opens(bench, "about")
    bench.person.sees("version")
    (busy,) = bench.ask("Repos.")
    assert (busy["phase"], busy["code"]) == ("error", "busy")
    assert "version" in " ".join(bench.desk.lines())


def network_says(bench, word):
    """Open the page, which is of the moment it was opened at, until it says so."""
    for _ in range(50):
        opens(bench, "network")
        text = reads(bench, "Réseau")
        goes_back(bench)
        bench.person.press("D")
        bench.person.sees("Insérez")
        if word in text:
            return text
    raise AssertionError(text)


def test_the_broker_goes_and_the_page_says_since_when(bench):
    assert re.search(r"Relié depuis \d\d:\d\d", network_says(bench, "Relié"))
    bench.broker.stop()
    assert re.search(r"Injoignable, \d\d:\d\d", network_says(bench, "Injoignable"))


def test_language_contrast_and_sound_are_chosen_and_survive_a_kill(bench):
    bench.insert()
    opens(bench, "contrast")
    bench.person.finds(FR.pages.options["contrast"]["4"])
    bench.person.press("A")
    bench.desk.wait_light(STRONGEST)
    bench.person.sees("Menu")
    bench.person.press("D")

    opens(bench, "sound")
    bench.person.finds(FR.pages.options["sound"]["off"])
    bench.person.press("A")
    bench.person.sees("Menu")
    _, rises = bench.desk.output(WIRING.buzzer)
    bench.person.press("D")
    bench.person.sees(HOLDER)
    assert bench.desk.output(WIRING.buzzer)[1] == rises

    opens(bench, "language")
    bench.person.finds("English")
    bench.person.press("A")
    bench.person.sees(EN.choose)  # stays on the glass until the next vault draws

    bench.box.end("vault", signal.SIGKILL)
    bench.box.start_vault()
    bench.person.sees(HOLDER)
    bench.desk.wait_light(STRONGEST)
    opens(bench, "about", EN)
    bench.person.sees("contract")
    bench.person.press("D")
    bench.person.sees(EN.choose)
    assert bench.desk.output(WIRING.buzzer)[1] == 0  # not one key has sounded since it started
    bench.person.press("D")
    bench.reader.remove()
    bench.person.sees("See you soon.")


def test_info_names_both_languages(bench):
    assert bench.client.wait_state("info", bool, TIMEOUT)["languages"] == ["fr", "en"]


def test_the_whole_self_test(bench):
    bench.insert()
    relay = parse('[device]\nid = "cps-demo"\n').door.relay
    opens(bench, "selftest")
    bench.person.sees("puis s'éteint.")
    bench.person.press("A")
    bench.desk.wait_picture(lambda image: image.getextrema() == (255, 255))
    bench.person.press("A")
    bench.desk.wait_picture(lambda image: image.getextrema() == (0, 0))
    bench.person.press("A")
    for text, levels in COLOURS.items():
        bench.person.sees(text)
        bench.desk.wait_output(dict(zip((WIRING.red, WIRING.green, WIRING.blue), levels, strict=True)))
        bench.person.press("C" if text == "bleu ?" else "A")
    bench.person.sees("deux sons ?")
    _, rises = bench.desk.output(WIRING.buzzer)
    bench.person.press("B")
    bench.desk.wait_rises(WIRING.buzzer, rises + 1)  # B may have begun the second sound anew
    bench.person.press("A")
    bench.person.sees("0 sur 16")
    for count, key in enumerate(FACE, start=1):
        bench.desk.press(key)
        if count < len(FACE):
            bench.person.sees(f"{count} sur 16")
    report = reads(bench, "Auto-test")
    assert "Écran : OK" in report
    assert "Voyant : DÉFAUT" in report
    assert "Son : OK" in report
    assert "Clavier : OK" in report
    assert "Lecteur : OK" in report
    assert "Carte : OK" in report
    assert "Liaison : OK" in report
    assert "16 touches sur 16" in report
    goes_back(bench)
    bench.person.press("D")
    bench.person.sees(HOLDER)
    assert bench.desk.output(relay) == (LOW, 0)
    assert bench.card.verify_count == 0


def test_d_held_ends_the_keys_and_a_code_is_a_code_again(bench):
    bench.insert()
    opens(bench, "selftest")
    for _ in range(8):
        before = bench.desk.frame().tobytes()
        bench.person.press("A")
        bench.desk.wait_picture(lambda image, before=before: image.tobytes() != before)
    bench.person.sees("0 sur 16")
    bench.desk.press(PIN[0])
    bench.person.sees("1 sur 16")
    bench.desk.hold_for("D", HELD)
    report = reads(bench, "Auto-test")
    assert "Clavier : DÉFAUT" in report
    assert "2 touches sur 16" in report
    goes_back(bench)
    bench.person.press("D")
    replies = bench.ask("Repos.")
    bench.person.agrees()
    bench.person.enters(PIN)
    *_, done = replies
    assert done["phase"] == "done"
    assert bench.card.verify_count == 1
