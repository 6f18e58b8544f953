"""A loop that stands still has the vault restarted within 15 s; nothing verified and nothing typed survives.

Each loop is frozen in a box of its own, right after it has said that it lives, while a person is typing the PIN; all
boxes at the same time, for the seconds are real. The manager takes its times from the shipped unit.
"""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from watchdog_manager import seconds
from watchdog_scene import ALLOWED, BACK, START, Scene, play

from appliance.vault.pulse import GRACE

LOOPS = ("card", "reader", "keys", "screen", "loop", "command")


@pytest.fixture(scope="module")
def scenes() -> dict[str, "Future[Scene]"]:
    with ThreadPoolExecutor(len(LOOPS)) as pool:
        yield {name: pool.submit(play, name) for name in LOOPS}


@pytest.fixture(params=LOOPS)
def name(request) -> str:
    return request.param


@pytest.fixture
def scene(scenes, name) -> Scene:
    return scenes[name].result(110)


def test_a_frozen_loop_is_a_new_vault_in_time(scene, name):
    assert scene.restarts == 1
    assert scene.restarted <= ALLOWED.get(name, BACK)
    assert scene.back - scene.restarted <= START


def test_the_signs_of_life_stop_and_nothing_else_ends_it(scene, name):
    """It is the watchdog that acts, not an early crash: the limit has passed since the last ping."""
    assert scene.killed - scene.last_ping == pytest.approx(seconds("WatchdogSec"), abs=1.0)
    if name != "command":
        assert scene.last_ping <= GRACE


def test_the_log_names_the_loop_that_stands_still(scene, name):
    said = "standing still: " in scene.log
    if name in {"card", "reader", "keys", "screen"}:
        assert f"standing still: {name}" in scene.log
    assert said or name == "loop"  # an event loop that stands still says nothing


def test_the_card_was_reset_and_has_forgotten_the_pin(scene, name):
    assert scene.unlocked_before is (name == "command")
    assert scene.fresh >= 1
    assert not scene.unlocked_after


def test_what_was_open_has_its_answer(scene, name):
    assert (scene.answer["phase"], scene.answer["final"]) == ("error", True)
    assert scene.answer["code"] == ("outcome-unknown" if name == "command" else "cancelled")


def test_nothing_typed_survives_and_a_later_signature_works(scene, name):
    assert scene.marks_after == 0
    assert (scene.later["phase"], scene.later["counts"]) == ("done", {"signed": 1, "failed": 0})
    # the frozen signature was never made; its PIN was right
    assert (scene.verified, scene.signed) == ((2, 1) if name == "command" else (1, 1))
