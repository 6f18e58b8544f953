"""``appliance bench card``: the figures on real pcscd, vpcd and OpenSC; the table and the verdict on made-up ones."""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.card.models import classify, driver_of, identify
from appliance.card.script import play
from appliance.simulator import pcscd
from appliance.simulator.softmodels import MODELS
from appliance.tools import bench, bench_card, bench_opensc
from appliance.tools.bench_card import AIMS, PHASES, RECORDED, Count, Laps, Work
from appliance.vault import work

sys.path.insert(0, str(Path(__file__).parents[1] / "vault"))
sys.path.insert(0, str(Path(__file__).parents[1] / "card"))
import flow_kit as kit
from card_kit import carrier

REASON = pcscd.missing() or (None if shutil.which("pkcs15-tool") else "needs opensc")
GOOD = {card: {phase: Count(aims.get(phase, 9), 100, 200) for phase in PHASES} for card, aims in AIMS.items()}


def run():
    command = [sys.executable, "-m", "appliance", "bench", "card", "--json"]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)


@pytest.mark.skipif(REASON is not None, reason=REASON or "")
def test_the_figures():
    done = run()
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert list(figures) == ["cps3", "cps4", "opensc_cps3"]
    for card in ("cps3", "cps4"):
        assert list(figures[card]) == list(PHASES)
        for phase, count in figures[card].items():
            assert count.keys() == {"apdus", "sent", "received"}
            assert min(count.values()) > 0
            assert count["apdus"] <= AIMS[card].get(phase, 1000)
            recorded = RECORDED[card][phase]
            # fewer than the national middleware but at the login, where the counter is read twice and the PIN covered
            assert phase == "login" or count["apdus"] < recorded.apdus
    theirs = figures["opensc_cps3"]
    assert theirs["identify_cold"]["apdus"] > figures["cps3"]["identify_cold"]["apdus"]
    for phase in ("login", "sign_one", "sign_ten"):
        # OpenSC from 0.26 on shows no PIN to such a card (docs/decisions/0008)
        assert theirs[phase] is None or theirs[phase]["apdus"] > figures["cps3"][phase]["apdus"]


@pytest.mark.parametrize("model", ["cps3", "cps4"])
def test_what_is_measured_is_what_the_box_does(model):
    """``Work`` says the same commands as the vault's own card work, for the first document and for the others."""
    card = MODELS[model](pin="1234")
    card.power_on()
    carry, memory = carrier(card.transmit), {}
    identity = play(identify(classify(card.atr), memory), carry).identity
    ours, laps = Work(driver_of(identity), identity), Laps(card)
    asked = kit.ask(count=2)

    def played(script):
        laps.lap()
        play(script, carry)
        return laps.lap().apdus

    logged_in = played(ours.login())
    measured = [played(ours.sign()), played(ours.sign())]
    card.reset()
    play(identify(classify(card.atr), memory), carry)
    shown = played(ours.driver.tries_left(identity.layout))
    first = played(work.Task(asked, 0, identity).script(ours.driver, 3))
    second = played(work.Task(asked, 1, identity).script(ours.driver, None))
    assert (logged_in + measured[0], measured[1]) == (shown + first, second)


def test_the_verdict():
    assert bench.unmet(GOOD) == []
    bad = {**GOOD, "cps3": {**GOOD["cps3"], "sign_one": Count(5, 1, 1), "identify_known": None}}
    assert bench.unmet(bad) == ["cps3 identify_known: not measured, aim 7", "cps3 sign_one: 5, aim 4"]
    assert len(bench.unmet({})) == 6


def test_the_table():
    lines = bench.table({**GOOD, "opensc_cps3": {"identify_cold": Count(76, 517, 6731), "login": None}})
    (cold,) = (line for line in lines if line.startswith("identify_cold") and "76" in line)
    assert " ".join(cold.split()) == "identify_cold 40 / 100 / 200 40 74 / 502 / 6958 76 / 517 / 6731"
    assert all(len(line) <= 120 for line in lines)


@pytest.fixture
def options():
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return parser.parse_args(["card", "--json"])


def test_what_is_missing_is_said(options, monkeypatch, capsys):
    monkeypatch.setattr(pcscd, "missing", lambda: "needs root")
    monkeypatch.setattr(bench_opensc, "module", lambda: None)
    assert bench.main(options) == 3
    told = capsys.readouterr()
    assert told.err == "appliance bench card: needs root, needs opensc (its PKCS#11 module)\n"
    assert told.out == ""


@pytest.mark.parametrize(("figures", "code"), [(GOOD, 0), ({}, 1)])
def test_exit_code_and_last_line(options, monkeypatch, capsys, figures, code):
    monkeypatch.setattr(bench_card, "missing", list)
    monkeypatch.setattr(bench_card, "measure", lambda _folder: figures)
    assert bench.main(options) == code
    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1]).keys() == figures.keys()
    assert ("not met" in told.err) == bool(code)
