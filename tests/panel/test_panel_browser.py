"""The panel in a headless chromium, worked at its pixels by mouse, fingers and keys."""

import io
import json
import shutil

import pytest
from browser_kit import NAME, check_signed, keyboard, mouse, read_on, shown
from chromium_kit import PROGRAM
from panel_kit import PanelProcess
from PIL import Image

pytestmark = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="chromium is not installed")


@pytest.mark.parametrize("hand", [mouse, keyboard])
def test_drag_a_card_agree_type_the_code_and_see_it_verified(page, hand):
    press = hand(page)
    page.drag("[data-card=cps3]", "#slot")
    page.wait_text("#said", NAME)
    page.click("button.primary")
    read_on(page, press)
    for key in "12":
        press(key)
    page.wait_text("#said", "••")
    press("*")
    page.wait_for("!document.querySelector('#said').textContent.includes('•')")
    for key in "1234":
        press(key)
    page.wait_text("#said", "••••")
    press("#")
    check_signed(page)
    page.wait_for("document.querySelector('#lamp-word').textContent === 'vert'")


def test_all_by_the_keyboard_alone(page):
    """Tab to the card, to the software's button, and type: no mouse."""
    page.see("document.querySelector('[data-card=cps3]').focus()")
    page.type("Enter")
    page.wait_text("#said", NAME)
    page.see("document.querySelector('button.primary').focus()")
    page.type("Enter")
    read_on(page, keyboard(page))
    page.type(*"1234")
    page.wait_text("#said", "••••")
    page.type("Enter")  # # and not once more the button
    check_signed(page)
    assert page.see("document.querySelectorAll('#dossiers li').length") == 1


def test_the_keypad_is_one_stop_with_arrows_inside(page):
    page.drag("[data-card=cps3]", "#slot")
    page.wait_text("#said", NAME)
    page.click("button.primary")
    page.wait_text("#said", "Ordonnance")
    assert page.see("[...document.querySelectorAll('.key')].filter((cap) => cap.tabIndex === 0).length") == 1
    page.see("document.querySelector('.key').focus()")
    page.type(*["ArrowDown"] * 3, *["ArrowRight"] * 4)  # the last one leads nowhere
    assert page.see("document.activeElement.firstChild.textContent") == "D"
    page.type(" ")
    page.wait_text("#said", "Refusé")


def test_a_key_can_be_held(page):
    page.drag("[data-card=cps3]", "#slot")
    page.wait_text("#said", NAME)
    page.press(".key:nth-child(4)")
    page.wait_for("document.querySelector('.key:nth-child(4)').classList.contains('down')")
    page.wait_text("#said", "Menu")  # A held for a second
    page.let_go(".key:nth-child(4)")
    page.wait_for("!document.querySelector('.key.down')")
    page.type("Escape")
    page.wait_text("#said", NAME)


def test_a_key_let_go_elsewhere_is_up(page):
    page.drag("[data-card=cps3]", "#slot")
    page.wait_text("#said", NAME)
    page.press(".key:nth-child(6)")
    page.let_go("header")
    page.wait_for("!document.querySelector('.key.down')")


def test_what_is_written_into_a_field_is_no_key(page):
    page.click("#title")
    page.type(*"12r")
    assert page.see("document.querySelector('#title').value").endswith("12r")
    assert not page.see("document.querySelector('.key.down')")


def test_from_a_blocked_card_to_an_unblocked_one(page):
    page.click("[data-card=blocked]")
    page.wait_text("#said", NAME)
    page.click("button.primary")
    page.wait_text("#said", "Ordonnance")
    while "A accepter" not in shown(page):
        before = json.dumps(shown(page))
        page.type("c")
        page.wait_for(f"document.querySelector('#said').textContent !== {before}")
    page.type("a")
    page.wait_text("#said", "débloquer")
    page.type("a")
    page.wait_text("#said", "Déblocage")
    page.type(*"12345678", "Enter")
    for screen in ("Nouveau code", "Confirmation"):
        page.wait_text("#said", screen)
        page.type(*"2468", "Enter")
    page.wait_text("#said", "Code débloqué")
    page.click("[data-fault='10s']")
    page.wait_text("#said", NAME)
    page.click("button.primary")
    read_on(page, keyboard(page))
    page.type(*"2468", "Enter")
    check_signed(page)
    page.click("#renew")  # as delivered, for whoever comes next


def test_a_torn_card_and_its_recovery(page):
    page.click("[data-card=cps3]")
    page.wait_text("#said", NAME)
    page.click("[data-fault='tear-verify']")
    page.wait_for("document.querySelector('[data-fault=tear-verify]').ariaPressed === 'true'")
    page.click("button.primary")
    read_on(page, keyboard(page))
    page.type(*"1234", "Enter")
    page.wait_text("#dossiers li:first-child", "card-removed")
    page.wait_for("document.querySelector('[data-fault=tear-verify]').ariaPressed === 'false'")
    page.wait_for("document.querySelector('#inside').hidden")
    page.type("i")
    page.wait_text("#said", NAME)
    page.click("button.primary")
    read_on(page, keyboard(page))
    page.type(*"1234", "Enter")
    check_signed(page)


def test_the_broker_goes_and_comes_back(page):
    page.click("[data-fault='broker']")
    page.wait_text("#standing", "courtier arrêté")
    page.click("button.primary")
    page.wait_text("#dossiers li:first-child", "non envoyé")
    page.click("[data-fault='broker']")
    page.wait_text("#standing", "en ligne")
    page.wait_for("!document.querySelector('#standing').textContent.includes('arrêté')")


def test_a_card_is_dragged_out(page):
    page.drag("[data-card=cps4]", "#slot")
    page.wait_text("#said", NAME)
    page.drag("#inside", "#tray-title")
    page.wait_for("document.querySelector('#inside').hidden")
    page.wait_text("#said", "À bientôt")


def test_a_card_dropped_beside_the_slot_stays_out(page):
    page.drag("[data-card=cps3]", "header")
    assert page.see("document.querySelector('.held')") is None
    page.click("[data-fault='ghost']")
    page.wait_text("#log li:first-child", "touches")  # told behind whatever the drop would have done
    assert page.see("document.querySelector('#inside').hidden")


# --- a phone ----------------------------------------------------------------------------------------------------------


def test_with_a_finger_on_a_phone(page):
    page.resize(390, 844, ratio=3, mobile=True)
    page.wait_for("innerWidth === 390")
    page.touch_drag("[data-card=cps3]", "#slot")
    page.wait_text("#said", NAME)
    page.tap("button.primary")
    page.wait_text("#said", "Ordonnance")
    page.wait_for("document.querySelector('#keys').getBoundingClientRect().top >= 0")  # the box came into view
    cap = "#keys .key:nth-child({})"
    while "A accepter" not in shown(page):
        before = json.dumps(shown(page))
        page.tap(cap.format(12))
        page.wait_for(f"document.querySelector('#said').textContent !== {before}")
    page.tap(cap.format(4))
    page.wait_text("#said", "Code porteur")
    for place in (1, 2, 3, 5):
        page.tap(cap.format(place))
    page.wait_text("#said", "••••")
    page.tap(cap.format(15))
    check_signed(page)


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440, 2560])
def test_nothing_is_wider_than_the_window_and_a_pixel_is_whole_pixels(page, width):
    page.resize(width, 800)
    page.wait_for(f"innerWidth === {width}")
    page.click("#more summary")
    page.wait_for("document.documentElement.scrollWidth <= innerWidth")
    page.wait_for("document.querySelector('#glass').getBoundingClientRect().width % 128 === 0")
    assert page.see("document.querySelector('#glass').getBoundingClientRect().width") >= 256


# --- eyes and ears ----------------------------------------------------------------------------------------------------


def luminance(colour):
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(value) / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


CONTRASTS = """(() => {
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const style = getComputedStyle(at);
            if (style.backgroundImage !== 'none') return null;
            const colour = parse(style.backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour.slice(0, 3);
        }
        return [255, 255, 255];
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const box = element.getBoundingClientRect();
        const text = walker.currentNode.textContent.trim();
        if (!text || box.width < 2 || element.closest('[aria-hidden], option, noscript')) continue;
        if (getComputedStyle(element).visibility === 'hidden') continue;
        const paper = behind(element);
        if (paper) found.push([text, parse(getComputedStyle(element).color).slice(0, 3), paper]);
    }
    return found;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(page, scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    page.light(scheme)
    page.click("[data-card=vitale]")
    page.wait_text("#said", "Carte patient")
    page.click("[data-fault='reader']")  # a fault that is on, and something that is down
    page.wait_text("#standing", "débranché")
    weak = []
    for text, ink, paper in page.see(CONTRASTS):
        lighter, darker = sorted((luminance(ink), luminance(paper)), reverse=True)
        if (lighter + 0.05) / (darker + 0.05) < 4.5:
            weak.append((text, ink, paper))
    page.click("[data-fault='reader']")
    assert not weak


def test_light_and_dark_are_not_the_same(page):
    grounds = {}
    for scheme in ("light", "dark"):
        page.light(scheme)
        picture = Image.open(io.BytesIO(page.picture(whole=False))).convert("L")
        grounds[scheme] = picture.getpixel((5, picture.height - 5))
    assert grounds["light"] > 200
    assert grounds["dark"] < 60


def test_everything_has_a_name(page):
    page.click("#more summary")
    named = page.names()
    for role, name in named:
        if role in {
            "button",
            "textbox",
            "combobox",
            "checkbox",
            "radio",
            "image",
            "group",
            "list",
            "DisclosureTriangle",
        }:
            assert name or role in {"list", "group"}, (role, name)
    names = {name for _, name in named}
    for wanted in ("Écran du boîtier", "Clavier du boîtier", "Fente de la carte", "A, accepter", "dièse, valider"):
        assert wanted in names
    assert "Insérer : CPS3, la carte d'une infirmière" in names


def test_the_picture_is_the_displays(page):
    """Canvas pixels, read back, say what the box says."""
    from appliance.simulator.reading import read_lines  # noqa: PLC0415

    lit = page.see(
        "[...document.querySelector('#glass').getContext('2d').getImageData(0, 0, 128, 64).data]"
        ".filter((_, at) => at % 4 === 0).map((red) => red > 128 ? 1 : 0)"
    )
    picture = Image.new("1", (128, 64))
    picture.putdata([255 * one for one in lit])
    assert "Insérez" in " ".join(read_lines(picture))
    assert page.see("getComputedStyle(document.querySelector('#glass')).imageRendering") == "pixelated"


def test_a_page_whose_box_has_ended_says_so(browser):
    with PanelProcess() as ended:
        browser.open(ended.url)
        browser.wait_text("#standing", "en ligne")
        assert browser.see("document.querySelector('#lost').hidden")
    browser.wait_for("!document.querySelector('#lost').hidden")
    browser.wait_text("#lost", "ne répond plus")
    browser.open("about:blank")
    browser.requested.clear()
