"""What a person does with the panel in a browser, by mouse or keyboard, and how a verified signature looks there."""

import json

NAME = "S. DURAND-TEST"


def shown(page):
    return page.see("document.querySelector('#said').textContent")


def read_on(page, press):
    """To the last page of the consent."""
    page.wait_text("#said", "Ordonnance")
    while "A accepter" not in shown(page):
        before = json.dumps(shown(page))
        press("C")
        page.wait_for(f"document.querySelector('#said').textContent !== {before}")
    press("A")
    page.wait_text("#said", "Code porteur")


def mouse(page):
    cap = "[...document.querySelectorAll('.key')].find((cap) => cap.firstChild.textContent === '{}').id = 'wanted'"

    def press(key):
        page.see("document.querySelector('#wanted')?.removeAttribute('id')")
        page.see(cap.format(key))
        page.click("#wanted")

    return press


def keyboard(page):
    typed = {"#": "Enter", "*": "Backspace", "D": "Escape", "A": "a", "B": "b", "C": "c"}
    return lambda key: page.type(typed.get(key, key))


def check_signed(page):
    page.wait_text("#dossiers li:first-child", "certificat vérifié")
    text = page.text("#dossiers li:first-child")
    assert "terminé" in text
    assert "✓ signature vérifiée" in text
    assert "✗" not in text
    page.wait_text("#said", "Signé")
