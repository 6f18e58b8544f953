"""Take the panel's pictures again: docs/panel.png, panel-dark.png, panel-phone.png and panel-fault.png.

``python tests/panel/redraw_panel.py`` plays a signature in a headless chromium; look at them before you commit.
"""

import io
import tempfile
from pathlib import Path

from chromium_kit import Chromium
from panel_kit import PanelProcess
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
COLOURS = 128
"""Of a picture: flat colours and text need no more, and the file is a third as large."""


def keep(browser: Chromium, name: str) -> None:
    picture = Image.open(io.BytesIO(browser.picture(whole=False))).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(DOCS / name, optimize=True)


def read_on(browser: Chromium) -> None:
    browser.wait_text("#said", "Ordonnance")
    for page in ("2/3", "A accepter"):
        browser.type("c")
        browser.wait_text("#said", page)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as profile,
        PanelProcess() as panel,
        Chromium(Path(profile), 1440, 900) as browser,
    ):
        browser.light("light")
        browser.open(panel.url)
        browser.wait_text("#said", "Insérez")
        browser.drag("[data-card=cps3]", "#slot")
        browser.wait_text("#said", "DURAND")
        browser.click("button.primary")
        read_on(browser)
        keep(browser, "panel.png")
        browser.type("a")
        browser.wait_text("#said", "Code porteur")
        browser.type(*"1234")
        browser.wait_text("#said", "••••")
        browser.type("Enter")
        browser.wait_text("#dossiers", "certificat vérifié")
        browser.wait_text("#said", "Signé")
        browser.wait_for("document.querySelector('#lamp').classList.contains('on')")  # it blinks
        browser.light("dark")
        keep(browser, "panel-dark.png")
        browser.light("light")
        browser.resize(390, 844, ratio=2, mobile=True)
        browser.wait_for("innerWidth === 390")
        browser.see("scrollTo(0, 0)")
        keep(browser, "panel-phone.png")
        browser.resize(1440, 1560)
        browser.wait_for("innerWidth === 1440 && innerHeight === 1560")
        browser.see("scrollTo(0, 0)")
        browser.click("[data-fault=reader]")
        browser.wait_text("#said", "Lecteur absent")
        keep(browser, "panel-fault.png")


if __name__ == "__main__":
    main()
