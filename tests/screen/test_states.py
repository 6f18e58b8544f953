"""Every state of the flow, reached by every walk of the flow's tests, draws a screen that is kept as a picture."""

import importlib.util
from pathlib import Path

import pytest
from screen_cases import CASES
from screen_kit import SPOKEN, is_whole

from appliance.screen.screens import paint
from appliance.vault import view
from appliance.vault.box import State

FLOW_KIT = Path(__file__).parents[1] / "vault" / "flow_kit.py"


def kit():
    spec = importlib.util.spec_from_file_location("flow_kit_of_screens", FLOW_KIT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


KIT = kit()
WALKS = [(state, name) for state, walks in KIT.WALKS.items() for name in walks]


def test_every_state_is_reached():
    assert {state for state, _ in WALKS} == set(State) == set(view.SCREENS) | {State.STARTING}


@pytest.mark.parametrize(("state", "name"), WALKS, ids=lambda part: getattr(part, "name", part))
def test_a_state_draws_a_screen_that_is_kept(state, name):
    play = KIT.Play(*KIT.WALKS[state][name])
    assert play.box.state is state
    screen = view.look(play.box, play.now, "10:42", "0.1.0")
    assert type(screen) in {type(case) for case in CASES.values()}
    for words in SPOKEN:
        assert is_whole(paint(screen, words))
