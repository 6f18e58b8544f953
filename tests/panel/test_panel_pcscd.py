"""The panel over the real pcscd, with a card that is not its own."""

import subprocess
import sys

import pytest
from panel_kit import Page, PanelProcess

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
