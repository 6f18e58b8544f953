"""What a box leaves behind when it stops or is killed, and what heals its display each minute."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from journey_kit import TIMEOUT, comes, standing_bench

from appliance.config import parse
from appliance.simulator.pins import HIGH, LOW, RELEASED

CONFIG = parse('[device]\nid = "cps-demo"\n')
WIRING, DOOR = CONFIG.signals, CONFIG.door
OUTPUTS = {WIRING.red, WIRING.green, WIRING.blue, WIRING.buzzer, DOOR.relay}
BRIGHT = 0xCF
WHOLE = 1034
"""Bytes of a frame that is written whole (hardware.md §E)."""
BLANKING = Path(__file__).parents[1] / "bench" / "blanking_vault.py"


@pytest.fixture
def bench(folder):
    """Over the desk's own reader and broker: what is looked at here is neither's."""
    with standing_bench(folder, "desk") as bench:
        yield bench


def show_a_document(bench):
    """A consent on the display, LED white: text that must not stay."""
    bench.insert()
    replies = bench.ask("Repos.")
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    bench.person.reads_consent()
    bench.desk.wait_light(BRIGHT)
    bench.desk.wait_output(dict.fromkeys((WIRING.red, WIRING.green, WIRING.blue), HIGH))


def test_each_minute_the_display_is_written_whole_though_nothing_changed(bench):
    show_a_document(bench)
    frames, (before, _) = bench.desk.frames, bench.desk.written
    picture = bench.desk.frame().tobytes()
    bench.desk.advance(60)
    bench.desk.wait_frames(since=frames)
    assert bench.desk.written[0] - before >= WHOLE
    assert bench.desk.frame().tobytes() == picture


def test_a_stop_leaves_the_display_dark_and_every_output_low(bench):
    levels = {gpio: [bench.desk.output(gpio)[0]] for gpio in OUTPUTS}
    bench.desk.on_output = lambda gpio, level: levels.get(gpio, []).append(level)
    show_a_document(bench)
    bench.box.end("vault", signal.SIGTERM)
    bench.desk.wait_vault(connected=False)
    assert bench.desk.light is None
    assert bench.desk.frame().getbbox() is None
    assert {gpio: history[-2:] for gpio, history in levels.items()} == {gpio: [LOW, RELEASED] for gpio in OUTPUTS}
    assert HIGH not in levels[DOOR.relay]


def test_what_a_killed_vault_showed_stays_until_the_unit_blanks_it(bench):
    show_a_document(bench)
    bench.box.end("vault", signal.SIGKILL)
    bench.desk.wait_vault(connected=False)
    assert bench.desk.light == BRIGHT  # the glass needs nobody to go on shining
    assert "Ordonnance" in " ".join(bench.desk.lines())
    blanked = subprocess.run(
        [sys.executable, BLANKING, str(bench.desk.path), "--config", str(bench.box.config)],
        timeout=TIMEOUT,
        check=False,
    )
    assert blanked.returncode == 0
    assert bench.desk.written[0] >= WHOLE  # its memory too
    assert bench.desk.light is None
    assert bench.desk.frame().getbbox() is None
