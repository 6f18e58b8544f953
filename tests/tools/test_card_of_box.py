"""``appliance card info`` while a box runs: the box holds its reader, and is asked."""

import json
import os
import subprocess
import sys

import pytest

from appliance.simulator.desk import Desk
from appliance.simulator.launch import Box
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.softmodels import MODELS

NOWHERE = "mqtt://127.0.0.1:9"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("box")
    with Desk(folder / "desk") as desk, PcscliteServer(folder / "pcscd") as reader:
        box = Box(folder, url=NOWHERE, desk=desk.path, reader=reader.path, rights={})
        box.start_vault()
        try:
            desk.wait_for("Insérez")
            yield box, desk, reader
        finally:
            box.stop()


def ask(scene, *words):
    box, _, reader = scene
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "card", "info", "--json", "--config", str(box.config), *words],
        env={**os.environ, "PCSCLITE_CSOCK_NAME": str(reader.path)},
        check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_the_box_tells_of_its_card_and_keeps_it(scene):
    _, desk, reader = scene
    card = MODELS["cps3"]()
    reader.insert(card)
    desk.wait_for("DURAND")
    before = card.apdu_count
    code, told = ask(scene)
    assert (code, told["holder"], told["tries_left"], told["unblock_tries_left"]) == (0, "SOPHIE DURAND-TEST", 3, 10)
    assert told["trust"] == "good"
    assert told["test"] is True
    assert told["atr"] == card.atr.hex().upper()
    # by the reader's name too: it is held by the box, which is asked then
    again = ask(scene, "--reader", told["reader"])
    assert (again[0], again[1]["holder"], again[1]["serial"]) == (0, told["holder"], card.serial)
    assert card.apdu_count == before, "nothing was sent to a card for it"
    reader.remove()
    desk.wait_for("Insérez")


@pytest.mark.parametrize(
    ("model", "screen", "fault", "code"),
    [("vitale", "patient", "patient-card", 1), ("update-interrupted", "Sa mise à jour", "card-update-interrupted", 1)],
)
def test_a_card_the_box_cannot_use_is_named(scene, model, screen, fault, code):
    _, desk, reader = scene
    reader.insert(MODELS[model]())
    desk.wait_for(screen)
    found, told = ask(scene)
    assert (found, told["fault"], told["holder"]) == (code, fault, None)
    reader.remove()
    desk.wait_for("Insérez")


def test_no_card_and_a_box_that_has_stopped(scene):
    box, desk, reader = scene
    code, told = ask(scene)
    assert (code, told["fault"]) == (3, "card-absent")
    assert told["reader"]
    box.end("vault")
    try:
        reader.insert(MODELS["cps3"]())
        code, told = ask(scene)
        assert (code, told["holder"]) == (0, "SOPHIE DURAND-TEST")
        reader.remove()
        assert ask(scene)[0] == 3
    finally:
        box.start_vault()
        desk.wait_for("Insérez")
