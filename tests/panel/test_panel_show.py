"""Journeys on the panel: listed, played, paused, stopped, and nobody else's hands meanwhile."""

import pytest
from panel_kit import Page, PanelProcess

from appliance.simulator.journeys.journey import journeys

SHORT = "identity-and-ping"


@pytest.fixture(scope="module")
def panel():
    with PanelProcess() as process:
        yield process


@pytest.fixture
def page(panel):
    with Page(panel.url) as page:
        page.wait_for(lambda page: page.state and page.state["status"] == "online")
        yield page


def at(page, stage, step=None):
    page.wait_for(lambda page: page.playing and page.playing["stage"] == stage and step in {None, page.playing["step"]})


def test_every_journey_is_offered_with_its_steps(page):
    offered = {one["name"]: one for one in page.hello["journeys"]}
    assert list(offered) == [journey.name for journey in journeys()]
    assert offered["sign-text"]["title"] == "Signer une ordonnance"
    assert offered["sign-text"]["steps"][1] == "insert cps3"


def test_one_is_played_to_its_end_and_the_next_page_is_told(panel, page):
    page.say("play", journey=SHORT)
    at(page, "playing", 0)
    at(page, "done")
    assert page.playing["said"] == "parcours achevé"
    assert {one["stage"] for one in page.dossiers.values()} == {"done"}
    page.wait_shown("Insérez")
    with Page(panel.url) as other:
        other.wait_for(lambda page: page.playing and page.playing["stage"] == "done")


def test_paused_it_stands_still_and_goes_on(page):
    page.say("play", journey=SHORT)
    at(page, "playing", 1)
    page.say("pause")
    at(page, "paused")
    stood = page.playing["step"]
    page.say("ask", what="ping")  # not now
    page.wait_for(lambda page: any("arrêtez-le" in one["text"] for one in page.entries.values()))
    assert page.playing["step"] - stood in {0, 1}  # the one in hand was finished, or had only just begun
    page.say("pause")
    at(page, "done")


def test_while_it_plays_hands_are_off_and_stop_gives_them_back(page):
    page.say("play", journey="code-changed")
    at(page, "playing", 2)
    page.say("down", key="D")
    page.say("up", key="D")
    page.wait_for(lambda page: any("arrêtez-le" in one["text"] for one in page.entries.values()))
    page.say("play", journey=SHORT)
    page.say("stop")
    at(page, "stopped")
    assert page.playing["name"] == "code-changed"
    assert page.state["card"] is None
    page.wait_shown("Insérez")
    page.say("insert", card="cps3")
    page.wait_shown("DURAND-TEST")
    page.say("remove")
    page.wait_for(lambda page: page.state["card"] is None)


def test_nothing_of_that_name(page):
    page.say("play", journey="nothing")
    page.wait_for(lambda page: any("pas de tel parcours" in one["text"] for one in page.entries.values()))


def test_what_people_left_broken_is_put_right_first(page):
    page.say("insert", card="cps3")
    page.wait_shown("DURAND-TEST")
    page.say("flip", fault="broker")
    page.wait_for(lambda page: page.state["broker"] is False)
    page.say("play", journey=SHORT)
    at(page, "done")
    assert page.state["broker"] is True
