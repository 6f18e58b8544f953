"""The panel over the real pcscd: with a card that is not its own, and with its own in the virtual reader."""

import subprocess
import sys

import pytest
from panel_kit import Page, PanelProcess, Passage

from appliance.simulator import pcscd

pytestmark = pytest.mark.skipif(pcscd.missing() is not None, reason=pcscd.missing() or "")


def test_a_card_of_somebody_else_is_used_and_not_moved(tmp_path):
    with pcscd.PrivatePcscd(tmp_path) as daemon:
        softcard = [sys.executable, "-m", "appliance", "softcard", "--pin", "2468"]
        inside = ("nsenter", f"--target={daemon.pid}", "--net")  # vpcd listens in the daemon's own network
        with (
            subprocess.Popen([*inside, *softcard], stdout=subprocess.PIPE, text=True) as server,
            PanelProcess("--reader", "Virtual PCD", PCSCLITE_CSOCK_NAME=str(daemon.socket_path)) as panel,
            Page(panel.url) as page,
        ):
            try:
                page.wait_shown("DURAND-TEST")
                page.wait_for(lambda page: page.state["foreign"] and page.hello["tray"] == [])
                page.say("remove")
                page.wait_for(lambda page: any("à la main" in one["text"] for one in page.entries.values()))
                page.say("flip", fault="tear-sign")
                page.wait_for(lambda page: any("une carte" in one["text"] for one in page.entries.values()))
                page.say("ask", what="pdf", format="raw")
                page.wait_shown("Compte rendu")
                while "A accepter" not in " ".join(page.lines):
                    before = page.lines
                    page.press("C")
                    page.wait_for(lambda page, before=before: page.lines != before)
                page.press("A")
                page.wait_shown("Code porteur")
                page.press("2468#")
                page.wait_for(lambda page: page.dossiers and page.dossiers[1]["stage"] == "done")
                assert page.dossiers[1]["checks"] == [{"about": "signature vérifiée", "good": True}]
            finally:
                server.terminate()


def read_on(page):
    while "A accepter" not in " ".join(page.lines):
        before = page.lines
        page.press("C")
        page.wait_for(lambda page, before=before: page.lines != before)
    page.press("A")
    page.wait_shown("Code porteur")


def test_our_cards_go_through_the_real_pcscd(tmp_path):
    """``--pcsc``: the tray's cards in vpcd; signed, judged, torn, and what a virtual reader cannot do is said."""
    with pcscd.PrivatePcscd(tmp_path) as daemon:
        inside = ("nsenter", f"--target={daemon.pid}", "--net")  # vpcd listens in the daemon's own network
        with PanelProcess("--pcsc", inside=inside, PCSCLITE_CSOCK_NAME=str(daemon.socket_path)) as panel:
            port = int(panel.host.rpartition(":")[2])
            with Passage(port, lambda: daemon.connect(("127.0.0.1", port))), Page(panel.url) as page:
                page.wait_for(lambda page: page.state and page.state["status"] == "online")
                assert not page.state["foreign"]
                for number, card in enumerate(("cps3", "cps4-t1"), start=1):
                    page.say("insert", card=card)
                    page.wait_shown("DURAND-TEST")
                    page.say("ask", what="text")
                    page.wait_shown("Ordonnance")
                    read_on(page)
                    page.press("1234#")
                    page.wait_for(lambda page, at=number: page.dossiers[at]["stage"] == "done")
                    assert [check["good"] for check in page.dossiers[number]["checks"]] == [True, True]
                    page.say("remove")
                    page.wait_for(lambda page: page.state["card"] is None)
                    page.say("flip", fault="10s")
                    page.wait_shown("Insérez")
                page.say("insert", card="cps3")
                page.wait_shown("DURAND-TEST")
                page.say("flip", fault="tear-sign")
                page.say("ask", what="pdf")
                page.wait_shown("Compte rendu")
                read_on(page)
                page.press("1234#")
                page.wait_for(lambda page: page.dossiers[3]["code"] == "outcome-unknown")
                page.wait_for(lambda page: page.state["card"] is None)
                page.say("flip", fault="reader")
                page.wait_for(lambda page: any("seul le lecteur" in one["text"] for one in page.entries.values()))
                page.say("play", journey="identity-and-ping")
                page.wait_for(lambda page: page.playing and page.playing["stage"] == "done", timeout=60)
