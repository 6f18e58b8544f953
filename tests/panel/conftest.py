"""A panel and a browser for each file that wants them; a file may have its own under the same names."""

import pytest
from chromium_kit import Chromium
from panel_kit import PanelProcess


@pytest.fixture(scope="module")
def panel():
    with PanelProcess() as process:
        yield process


@pytest.fixture(scope="module")
def browser(panel, tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(panel, browser):
    """A fresh page, the slot empty; nothing it complained of, and nobody else it asked."""
    browser.complaints.clear()
    browser.resize(1440, 900)
    browser.light("light")
    browser.open(panel.url)
    browser.wait_text("#standing", "en ligne")
    browser.type("r")
    browser.wait_for("document.querySelector('#inside').hidden")
    browser.click("[data-fault='10s']")  # whatever a result is shown for
    browser.wait_text("#said", "Insérez")
    browser.see("document.querySelector('#dossiers').replaceChildren()")
    yield browser
    assert browser.complaints == []
    assert {url.split("/")[2] for url in browser.requested if not url.startswith("data:")} == {panel.host}
