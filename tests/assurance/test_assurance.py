"""The memory of ``make assurance``: what is in it was counted once, and stands in its explanation."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import assurance
from assurance import FILE, Record, add, alone, read, run

DOCS = FILE.with_suffix(".md")


def record(seed: int = 1) -> Record:
    return Record(seed, "abc", changed=False)


def one(seed: int, folder: Path) -> assurance.Counts:
    assert folder.is_dir()
    return {"kind": {"rounds": 1, "ends": {"even" if seed % 2 == 0 else "odd": 1}}}


def totals(file: Path) -> dict:
    return json.loads(file.read_text("utf-8"))["totals"]


def test_runs_are_appended_and_totals_are_their_sum(tmp_path):
    file = tmp_path / "a.json"
    for seed in (1, 2):
        assert run(file, record(seed), 0.002, (one,)).state == "complete"
    runs = read(file)
    assert [entry["seed"] for entry in runs] == [1, 2]
    assert all(entry["counts"]["kind"]["rounds"] >= assurance.SIDE_BY_SIDE for entry in runs)
    assert totals(file) == add(runs[0]["counts"], runs[1]["counts"])
    assert sum(totals(file)["kind"]["ends"].values()) == totals(file)["kind"]["rounds"]


def test_failed_round_ends_the_run_and_is_not_counted(tmp_path):
    def fails(seed: int, folder: Path) -> assurance.Counts:
        if seed == 3:
            raise AssertionError("seed 3: no /tmp/thing\nlong story")
        return one(seed, folder)

    ended = run(tmp_path / "a.json", record(), 10, (fails,))
    assert ended.state == "failed"
    assert ended.failures == [{"seed": 3, "why": "seed 3: no …"}]
    (entry,) = read(tmp_path / "a.json")
    assert entry["failures"] == ended.failures
    assert entry["counts"] == ended.counts


def test_interrupted_run_keeps_what_was_finished(tmp_path, monkeypatch):
    notes = []

    def note(record, future, seed):
        noting(record, future, seed)
        notes.append(seed)
        if len(notes) == 5:
            raise KeyboardInterrupt

    noting = assurance._note
    monkeypatch.setattr(assurance, "_note", note)
    ended = run(tmp_path / "a.json", record(), 10, (one,))
    assert ended.state == "interrupted"
    (entry,) = read(tmp_path / "a.json")
    assert entry["counts"]["kind"]["rounds"] == len(notes) == len(set(notes))
    assert len(notes) >= 5  # those that were going on are finished, and count


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import assurance
written = assurance.write
def write(file, record):
    written(file, record)
    if record.counts.get("kind", {{}}).get("rounds", 0) >= 3:
        os.kill(os.getpid(), signal.SIGKILL)
assurance.write = write
assurance.SIDE_BY_SIDE = 1
ROUNDS = (lambda seed, folder: {{"kind": {{"rounds": 1}}}},)
assurance.run(Path({file!r}), assurance.Record(9, "abc", False), 10, ROUNDS)
"""


def test_killed_run_stands_as_it_was_and_the_next_goes_on(tmp_path):
    file = tmp_path / "a.json"
    run(file, record(), 0.001, (one,))
    before = totals(file)["kind"]["rounds"]
    source = KILLED.format(here=str(Path(__file__).parent), file=str(file))
    killed = subprocess.run([sys.executable, "-c", source], check=False, timeout=60, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert read(file)[1]["state"] == "running"
    assert totals(file)["kind"]["rounds"] == before + 3
    run(file, record(3), 0.001, (one,))
    runs = read(file)
    assert len(runs) == 3
    assert totals(file)["kind"]["rounds"] == before + 3 + runs[2]["counts"]["kind"]["rounds"]


def test_one_run_at_a_time(tmp_path):
    with alone(tmp_path) as first, alone(tmp_path) as second:
        assert (first, second) == (True, False)
    with alone(tmp_path) as again:
        assert again


def test_record_names_no_place():
    text = FILE.read_text("utf-8")
    assert "/" not in text


def names(counts: dict) -> set[str]:
    """Every name of a count; below ``sights`` the two words of which each is made."""
    found = set(counts)
    for value in counts.values():
        if isinstance(value, dict):
            found |= names(value)
    return found


def test_committed_totals_are_the_sum_and_every_count_is_explained():
    summed: assurance.Counts = {}
    for entry in read(FILE):
        summed = add(summed, entry["counts"])
    assert totals(FILE) == summed
    explained = DOCS.read_text("utf-8")
    for name in sorted(names(summed) | set(record().members())):
        for word in name.split(" at "):
            assert f"`{word}`" in explained, word


def test_both_ways_to_start_are_played():
    assert set(assurance.ROUNDS) == {assurance.play_kills, assurance.play_cold_kills}
