"""At most once, whatever is killed when (issue 3, item 2): SIGKILL of vault and gateway at random points of journeys.

``KILL_SEED=n`` in the environment plays the points of an earlier run again; without it every run has its own, and a
failure names it.
"""

import os
import secrets
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kill_points import SIGHTS, VICTIMS, draw
from kill_round import RoundFailed, play

POINTS = 200
SIDE_BY_SIDE = 4
"""Rounds at the same time: most of a round is waiting for keys to be held and links to come back."""


@pytest.fixture
def folder():
    """A folder with a path short enough for sockets (108 bytes)."""
    path = Path(tempfile.mkdtemp(prefix="cps-kill-"))
    yield path
    shutil.rmtree(path)


def make(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


@pytest.mark.timeout(400)
def test_killed_at_two_hundred_points_and_nothing_is_signed_twice_or_lost(folder):
    seed = int(os.environ.get("KILL_SEED") or secrets.randbits(32))
    each = POINTS // SIDE_BY_SIDE
    print(f"KILL_SEED={seed}")
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        rounds = [pool.submit(play, seed + n, each, make(folder, str(n))) for n in range(SIDE_BY_SIDE)]
    counts = [round_.result() for round_ in rounds]
    print(*counts, sep="\n")
    assert sum(count.points for count in counts) == POINTS
    for victim in ("vault", "gateway"):
        assert sum(count.kills[victim] for count in counts) >= POINTS / 3
    ends = sum((count.ends for count in counts), start=counts[0].ends.__class__())
    assert {"done", "cancelled", "outcome-unknown"} <= set(ends)  # the kills fell where it matters
    assert sum(count.started for count in counts) >= ends["done"]


def test_round_with_processes_started_as_they_ship(folder):
    assert play(secrets.randbits(32), 4, folder, cold=True).points == 4


@pytest.mark.parametrize(
    ("module", "seen"),
    [("kill_careless_vault", "the file says 'agreed'"), ("kill_forgetful_vault", "end events|missing unnamed")],
)
def test_control_is_caught(folder, module, seen):
    with pytest.raises(RoundFailed, match=seen):
        play(1, 8, folder, module=module)


def test_points_are_of_the_seed_and_cover_everything():
    assert draw(7, 500) == draw(7, 500) != draw(8, 500)
    drawn = {(point.victim, point.sight) for point in draw(7, 2000)}
    assert drawn == {(victim, sight) for victim in VICTIMS for sight in SIGHTS}
    assert all(1 <= point.count <= SIGHTS[point.sight][point.victim] for point in draw(7, 2000))
