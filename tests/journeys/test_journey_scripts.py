"""Every written journey, on the real processes; which rows of the flow they take; what is printed of them.

A journey that fails leaves nobody else a box in an unknown state: the next one has a new box.
"""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
import script_papers as papers
from PIL import Image
from recorded_vault import rows
from script_kit import kind_of, standing_stage

from appliance.simulator.journeys.journey import journeys

EVERY = journeys()
UNPLAYED = Path(__file__).parent / "unplayed_rows.txt"


class Stages:
    """A box of each kind, put up when it is first wanted; ``played``: the journeys that succeeded."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="cps-scripts-"))
        self.rows = self.folder / "rows"
        self.played = set()
        self._open = {}

    def stage(self, kind):
        if kind not in self._open:
            stack = ExitStack()
            place = Path(tempfile.mkdtemp(dir=self.folder))
            self._open[kind] = stack, stack.enter_context(standing_stage(place, kind, self.rows))
        return self._open[kind][1]

    def drop(self, kind):
        stack, _ = self._open.pop(kind)
        stack.close()

    def close(self):
        for kind in list(self._open):
            self.drop(kind)
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def stages():
    stages = Stages()
    yield stages
    stages.close()


@pytest.mark.parametrize("journey", EVERY, ids=lambda journey: journey.name)
def test_it_goes_as_it_is_written(stages, journey):
    kind = kind_of(journey)
    try:
        pictures = stages.stage(kind).play(journey)
        if journey.pictures:
            drawn = papers.frames(Image.open(papers.STRIPS / f"{journey.name}.png"))
            assert [papers.told(one) for one in papers.distinct(pictures)] == [papers.told(one) for one in drawn]
    except BaseException:
        stages.drop(kind)
        raise
    stages.played.add(journey.name)


def reasons():
    """The rows that no journey takes, each with its reason."""
    lines = [line for line in UNPLAYED.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    listed = dict(line.split(": ", 1) for line in lines)
    assert len(listed) == len(lines), "a row stands twice"
    return listed


def test_every_row_is_taken_or_listed(stages):
    if stages.played != {journey.name for journey in EVERY}:
        pytest.skip("not every journey was played")
    taken, listed = set(stages.rows.read_text().split("\n")) - {""}, reasons()
    assert taken <= rows()
    assert sorted(rows() - taken - set(listed)) == [], "no journey takes these: write one, or a reason"
    always = {row for row, reason in listed.items() if not reason.startswith("sometimes")}
    assert sorted(always & taken) == [], "these are taken: strike them off"


def test_what_is_listed_is_a_row_and_says_why():
    listed = reasons()
    assert sorted(set(listed) - rows()) == []
    assert all(len(reason) > 10 for reason in listed.values())


def test_the_page_is_what_the_files_say():
    assert papers.PAGE.read_text("utf-8") == papers.page(EVERY), "make journeys"


def test_every_strip_belongs_to_a_journey():
    assert {file.stem for file in papers.STRIPS.iterdir()} == {one.name for one in EVERY if one.pictures}


def test_there_are_enough_and_all_differ():
    assert len(EVERY) >= 30
    assert len({journey.title for journey in EVERY}) == len(EVERY)
    assert len({journey.purpose for journey in EVERY}) == len(EVERY)
