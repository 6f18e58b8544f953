"""``make assurance MINUTES=10``: rounds that are too long for ``make test``, for as long as is wanted, with a memory.

What it is: rounds of the table ``ROUNDS``, played side by side until the time is over; what each finished round counted
is added to this run's record in ``docs/assurance.json``. What it is not: a test: a round is one, and its failure ends
the run. Rule: the file holds one record a run and is replaced whole; totals are the sum of the records, made anew each
time, so that nothing is ever counted twice, wherever a run was interrupted.
"""

import argparse
import fcntl
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kill"))
import kill_round

ROOT = Path(__file__).resolve().parents[2]

FILE = ROOT / "docs" / "assurance.json"
SIDE_BY_SIDE = 4
POINTS, COLD_POINTS = 25, 8
EXITS = {"complete": 0, "failed": 1, "interrupted": 130}
"""Exit code by the state a run ended in; 130 as shells have it."""
BUSY = 2

Counts = dict[str, "int | Counts"]
Play = Callable[[int, Path], Counts]


def _flat(counts: kill_round.Counts, **more: int) -> Counts:
    """A kill round's counts under the names of docs/assurance.md."""
    return {
        "rounds": 1,
        "points": counts.points,
        **more,
        "kills": dict(counts.kills),
        "sights": dict(counts.sights),
        "requests": counts.requests,
        "ends": dict(counts.ends),
        "documents": counts.documents,
        "signatures": counts.signatures,
        "cardStartedSeen": counts.started,
        "events": counts.events,
        "eventsAgain": counts.doubled,
        "auditEntries": counts.audit,
    }


def play_kills(seed: int, folder: Path) -> Counts:
    """Vault and gateway killed at random points, quick starts."""
    return {"kill": _flat(kill_round.play(seed, POINTS, folder))}


def play_cold_kills(seed: int, folder: Path) -> Counts:
    """The same with processes started as they ship."""
    return {"kill": _flat(kill_round.play(seed, COLD_POINTS, folder, cold=True), pointsCold=COLD_POINTS)}


ROUNDS: tuple[Play, ...] = (*(play_kills,) * 7, play_cold_kills)
"""Played in turn, again and again. Restarts of pcscd and fuzzing will be rows of this table."""


def add(one: Mapping[str, object], other: Mapping[str, object]) -> Counts:
    """Two counts, name by name."""
    total: Counts = {}
    for name in sorted({*one, *other}):
        a, b = one.get(name, 0), other.get(name, 0)
        if isinstance(a, Mapping) or isinstance(b, Mapping):
            total[name] = add(a or {}, b or {})  # type: ignore[arg-type]  # a name is a number or a table, never both
        else:
            total[name] = a + b  # type: ignore[operator]  # same
    return total


@dataclass(slots=True)
class Record:
    """One run, as it stands in the file."""

    seed: int
    commit: str
    changed: bool
    date: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    minutes: float = 0.0
    state: str = "running"
    failures: list[dict[str, object]] = field(default_factory=list)
    counts: Counts = field(default_factory=dict)

    def members(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in ("id", *(n for n in self.__slots__ if n != "id"))}


def read(file: Path) -> list[dict]:
    """The records so far."""
    return json.loads(file.read_text("utf-8"))["runs"] if file.exists() else []


def write(file: Path, record: Record) -> None:
    """Put a record in its place, which its id names, and make the totals anew; the file is old or new, never half."""
    runs = [run for run in read(file) if run["id"] != record.id] + [record.members()]
    totals: Counts = {}
    for run in runs:
        totals = add(totals, run["counts"])
    text = json.dumps({"totals": totals, "runs": runs}, indent=1, ensure_ascii=False) + "\n"
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)


def whose(root: Path) -> tuple[str, bool]:
    """The commit, and whether the tree differs from it by more than the records."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout

    try:
        changes = git("status", "--porcelain").splitlines()
        return git("rev-parse", "HEAD").strip(), any(not line.endswith(f"docs/{FILE.name}") for line in changes)
    except (OSError, subprocess.CalledProcessError):
        return "unknown", True


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether no other run writes there."""
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(place)


def _play(play: Play, seed: int) -> Counts:
    """One round in a folder of its own, with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="cps-assure-"))
    try:
        return play(seed, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(file: Path, record: Record, minutes: float, rounds: tuple[Play, ...] = ROUNDS) -> Record:
    """Play until the time is over or a round fails; the record, as it was written last."""
    began, longest = time.monotonic(), 0.0
    plan = zip(itertools.cycle(rounds), itertools.count(record.seed), strict=False)
    open_rounds: dict[Future[Counts], tuple[int, float]] = {}
    write(file, record)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        try:
            while True:
                left = minutes * 60 - (time.monotonic() - began)
                while len(open_rounds) < SIDE_BY_SIDE and left > longest and not record.failures:
                    play, seed = next(plan)
                    open_rounds[pool.submit(_play, play, seed)] = seed, time.monotonic()
                if not open_rounds:
                    break
                ended, _ = wait(open_rounds, return_when=FIRST_COMPLETED)
                for future in ended:
                    seed, since = open_rounds.pop(future)
                    longest = max(longest, time.monotonic() - since)
                    _note(record, future, seed)
                record.minutes = round((time.monotonic() - began) / 60, 2)
                write(file, record)
            record.state = "failed" if record.failures else "complete"
        except KeyboardInterrupt:
            record.state = "interrupted"
            pool.shutdown(wait=True, cancel_futures=True)
            for future, (seed, _) in open_rounds.items():
                if not future.cancelled() and future.exception() is None:  # what the interruption broke is no failure
                    _note(record, future, seed)
        write(file, record)
    return record


def _note(record: Record, future: "Future[Counts]", seed: int) -> None:
    """A finished round: its counts, or why it failed, without a path of this machine."""
    error = future.exception()
    if error is None:
        record.counts = add(record.counts, future.result())
    elif isinstance(error, AssertionError):
        sys.stderr.write(f"{error}\n")
        record.failures.append({"seed": seed, "why": re.sub(r"/\S+", "…", str(error).splitlines()[0])})
    else:
        raise error


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make assurance", description="Long rounds, with a memory.")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="play the rounds of an earlier run again")
    parser.add_argument("--file", type=Path, default=FILE, help="where the records are (default: docs/assurance.json)")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what runs is finished, and ended cleanly
    commit, changed = whose(ROOT)
    with alone(options.file.parent) as allowed:
        if not allowed:
            sys.stderr.write("assurance: another run is writing\n")
            return BUSY
        seed = secrets.randbits(32) if options.seed is None else options.seed
        record = run(options.file, Record(seed, commit, changed), options.minutes)
    print(json.dumps(record.members(), indent=1, ensure_ascii=False))
    return EXITS[record.state]


if __name__ == "__main__":
    sys.exit(main())
