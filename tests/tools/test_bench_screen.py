"""``appliance bench screen`` and ``idle``: bytes and threads as counted, the table and the verdict on made-up figures.

Nothing here judges a time: on a busy machine only counts and ratios mean something.
"""

import json
import subprocess
import sys

import msgspec
import pytest

from appliance.errors import SimulatorError
from appliance.tools import bench, bench_idle, bench_screen

FIGURES = bench_screen.Figures(36, 25.0, 17.2, 19.9, 0.8, 1034, 1034, 0.035, 20)
SCREEN = bench_screen.Report(36, 17.2, 0.035, FIGURES, FIGURES)
PROCESS = bench_idle.Process(1.5, 0.05, {"MainThread": 0.5, "keys": 1.0})
IDLE = bench_idle.Report(1.5, 0.1, 20.0, PROCESS, PROCESS)


def test_a_mark_costs_a_handful_of_bytes_on_both_controllers():
    command = [sys.executable, "-m", "appliance", "bench", "screen", "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["pin_mark_bytes"] <= 60
    assert figures["ratio_to_luma"] < 0.06
    for driver, whole in (("ssd1306", 1034), ("sh1106", 1080)):
        measured = figures[driver]
        assert (measured["full_frame_bytes"], measured["luma_bytes"]) == (whole, whole)
        assert measured["samples"] == bench_screen.SAMPLES
        assert 12 <= measured["pin_mark_bytes_median"] <= measured["pin_mark_bytes"]
        assert measured["key_to_pixel_ms_simulated"] > 10  # three scans, 5 ms apart: less were a mistake of measuring
    met = figures["key_to_pixel_ms_simulated"] <= bench_screen.AIMS["key_to_pixel_ms_simulated"]
    assert done.returncode == (0 if met else 1), done.stderr


def test_threads_of_a_box_at_rest_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_idle, "SETTLE", 0.5)
    monkeypatch.setattr(bench_idle, "SECONDS", 1.0)
    report = bench_idle.measure(tmp_path)
    assert {"MainThread", "keys", "oled", "signals", "pcsc-card", "pcsc-watcher", "desk"} <= set(report.vault.threads)
    waited = sum(rate for name, rate in report.vault.threads.items() if name != "desk")
    assert report.vault.wakeups_per_second == pytest.approx(waited, abs=0.01)
    assert report.wakeups_per_second == report.vault.wakeups_per_second
    assert "MainThread" in report.gateway.threads
    assert report.seconds >= 1.0


def test_a_figure_that_misses_its_aim_is_named():
    assert bench_screen.unmet(SCREEN) == []
    late = msgspec.structs.replace(SCREEN, key_to_pixel_ms_simulated=20.1, pin_mark_bytes=61)
    assert bench_screen.unmet(late) == ["pin_mark_bytes: 61, aim 60", "key_to_pixel_ms_simulated: 20.1, aim 20.0"]
    assert bench_idle.unmet(IDLE) == []
    restless = msgspec.structs.replace(IDLE, wakeups_per_second=2.0, cpu_percent=0.31)
    assert [line.partition(":")[0] for line in bench_idle.unmet(restless)] == ["wakeups_per_second", "cpu_percent"]


def test_the_tables_show_every_figure():
    told = "\n".join(bench_screen.table(SCREEN))
    assert all(name in told for name in bench_screen.Figures.__struct_fields__)
    told = "\n".join(bench_idle.table(IDLE))
    assert "MainThread" in told
    assert "1.5 wake-ups a second, 0.05 % of a core" in told


def test_a_thread_that_was_born_meanwhile_counts_from_its_birth():
    before = {1: bench_idle.Sample(10, 1000)}
    after = {1: bench_idle.Sample(12, 2000), 5: bench_idle.Sample(4, 10**7), 6: bench_idle.Sample(100, 10**9)}
    process = bench_idle._differ(before, after, {1: "MainThread", 6: "desk"}, 2.0)
    assert process.threads == {"MainThread": 1.0, "thread 4": 2.0, "desk": 50.0}
    assert process.wakeups_per_second == 3.0
    assert process.cpu_percent == pytest.approx(0.5, abs=0.001)


def test_a_mark_that_never_comes_is_said(monkeypatch):
    monkeypatch.setattr(bench_screen, "START", 0.01)
    with pytest.raises(SimulatorError, match="no picture with 3 marks"):
        bench_screen._await(bench_screen.queue.SimpleQueue(), 3)


@pytest.mark.parametrize("name", bench.BENCHES)
def test_every_bench_has_what_the_command_needs(name):
    made = bench.BENCHES[name][0]()
    assert callable(made.measure)
    assert isinstance(made.missing(), list)
