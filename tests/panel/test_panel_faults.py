"""The fault switches in a browser: each is made, seen on the box's display, put right, and a signature is had after."""

import shutil

import pytest
from browser_kit import NAME, check_signed, keyboard, read_on
from chromium_kit import PROGRAM

pytestmark = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="chromium is not installed")

ROWS = "[...document.querySelectorAll('#log li')].map((row) => row.textContent)"
"""The log, the newest first."""


def card_in(page, card="cps3"):
    page.click(f"[data-card={card}]")
    page.wait_text("#said", NAME)


def sign(page):
    page.click("button.primary")
    read_on(page, keyboard(page))
    page.type(*"1234", "Enter")
    check_signed(page)


def pressed(page, fault, state):
    page.click(f"[data-fault='{fault}']")
    page.wait_for(f"document.querySelector('[data-fault={fault}]').ariaPressed === '{str(state).lower()}'")


def test_the_reader_is_pulled_and_put_back(page):
    card_in(page)
    pressed(page, "reader", state=True)
    page.wait_text("#said", "Lecteur absent")
    page.wait_text("#standing", "lecteur débranché")
    page.wait_text("#slot-word", "débranché")
    page.click("button.primary")
    page.wait_text("#dossiers li:first-child", "reader-absent")
    pressed(page, "reader", state=False)
    page.click("[data-fault='10s']")
    page.wait_for("!document.querySelector('#said').textContent.includes('Lecteur absent')")
    page.wait_text("#said", NAME)  # it was in the slot all the time
    sign(page)


def test_a_ghost_key_is_no_digit(page):
    card_in(page)
    page.click("button.primary")
    read_on(page, keyboard(page))
    page.click("[data-fault='ghost']")
    page.wait_text("#log li:first-child", "touches")
    page.type("1")
    page.wait_text("#said", "•")
    assert "••" not in page.see("document.querySelector('#said').textContent")
    page.type(*"234", "Enter")
    check_signed(page)


def test_a_stuck_key_closes_the_entry_until_it_is_free(page):
    card_in(page)
    page.click("button.primary")
    read_on(page, keyboard(page))
    pressed(page, "stuck", state=True)
    page.click("[data-fault='10s']")
    page.click("[data-fault='10s']")
    page.wait_text("#dossiers li:first-child", "internal")
    pressed(page, "stuck", state=False)
    page.click("[data-fault='10s']")
    page.wait_text("#said", NAME)
    sign(page)


def test_a_slow_card_signs_in_its_own_time(page):
    card_in(page)
    pressed(page, "slow", state=True)
    sign(page)
    page.click("[data-fault='10s']")
    page.wait_text("#said", NAME)
    pressed(page, "slow", state=False)
    sign(page)


def test_torn_while_it_signs_nobody_can_know(page):
    card_in(page)
    pressed(page, "tear-sign", state=True)
    page.click("button.primary")
    read_on(page, keyboard(page))
    page.type(*"1234", "Enter")
    page.wait_text("#said", "À vérifier")
    page.wait_text("#dossiers li:first-child", "outcome-unknown")
    page.click("[data-fault='10s']")
    card_in(page)
    sign(page)


def test_the_broker_goes_while_the_code_is_typed(page):
    """The card signs; a broker that keeps nothing may lose the answer, and the next request is as any other."""
    card_in(page)
    page.click("button.primary")
    read_on(page, keyboard(page))
    pressed(page, "broker", state=True)
    page.type(*"1234", "Enter")
    page.wait_text("#said", "Signé")
    pressed(page, "broker", state=False)
    page.wait_for(f"{ROWS}.findIndex((row) => row.includes('online')) >= 0")
    page.wait_for(
        f"{ROWS}.findIndex((row) => row.includes('online')) < {ROWS}.findIndex((row) => row.includes('remise'))"
    )
    page.click("[data-fault='10s']")
    page.wait_text("#said", NAME)
    sign(page)


def test_a_document_that_was_changed_does_not_verify(page):
    """The verdict is openssl's: it can say no."""
    card_in(page)
    page.click("#spoil")
    page.click("button.primary")
    read_on(page, keyboard(page))
    page.type(*"1234", "Enter")
    page.wait_text("#dossiers li:first-child", "signature NON VÉRIFIÉE")
    page.click("#spoil")


# --- journeys ---------------------------------------------------------------------------------------------------------


def choose(page, journey):
    page.see(
        f"""(() => {{ const list = document.querySelector('#journey'); list.value = '{journey}';
        list.dispatchEvent(new Event('change')); }})()"""
    )


def test_a_journey_is_chosen_played_and_followed(page):
    choose(page, "identity-and-ping")
    page.wait_text("#purpose", "sans code")
    page.click("#play")
    page.wait_text("#steps [aria-current=step]", "insert cps3")
    page.wait_text("#said", NAME)
    page.click("#pause")
    page.wait_text("#pause", "Reprendre")
    page.click("#pause")
    page.wait_text("#now", "parcours achevé")
    assert page.see("document.querySelectorAll('#steps .past').length") == len(page.text("#steps").split("\n"))


def test_a_journey_is_stopped_and_the_box_goes_home(page):
    choose(page, "code-changed")
    page.click("#play")
    page.wait_text("#steps [aria-current=step]", "holds A")
    page.click("#stop")
    page.wait_text("#now", "parcours arrêté")
    page.wait_text("#said", "Insérez")
    assert not page.see("document.querySelector('#play').disabled")
