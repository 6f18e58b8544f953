"""Whether a box allows sessions: off as shipped, bounded, refused on a shared reader (design §5)."""

import pytest

from appliance.config import parse
from appliance.errors import ConfigError
from appliance.simulator.hands import HELD, HOLD, KEYPAD, Hands
from appliance.vault import box as b
from appliance.vault.service import _sessions, _times

DEVICE = '[device]\nid = "cps-demo"\n'


def rule(more):
    return _sessions(parse(DEVICE + more))


def test_no_session_as_shipped():
    assert rule("") is None
    assert b.Box().sessions is None


def test_a_session_that_was_switched_on_has_the_limits_of_the_design():
    assert rule("[signing]\nsession = true\n") == b.SessionRule(20, 600)
    assert rule("[signing]\nsession = true\nsession_signatures = 3\nsession_minutes = 1\n") == b.SessionRule(3, 60)


@pytest.mark.parametrize("line", ["signatures = 21", "signatures = 0", "minutes = 11", "minutes = 0"])
def test_the_limits_can_only_be_lowered(line):
    with pytest.raises(ConfigError, match="session_"):
        rule(f"[signing]\nsession_{line}\n")


def test_a_shared_reader_refuses_sessions(caplog):
    assert rule('[signing]\nsession = true\n[reader]\nshare = "shared"\n') is None
    assert "refused" in caplog.text


@pytest.mark.parametrize("seconds", [9, 121])
def test_the_menus_time_is_bounded(seconds):
    assert _times(parse(DEVICE)).menu == 30
    with pytest.raises(ConfigError, match="menu"):
        parse(f"{DEVICE}[timeouts]\nmenu = {seconds}\n")


def test_a_shifted_key_of_the_terminal_is_the_key_held():
    class Scene:
        connected = True

        def __init__(self):
            self.done = []
            self.desk = self

        def hold_for(self, key, seconds):
            self.done.append((key, seconds))

        def press(self, key):
            self.done.append((key, 0))

    scene = Scene()
    hands = Hands(scene, print)
    for key in "aAcC":
        hands.press(key)
    hands.close()
    assert scene.done == [("A", 0), ("A", HOLD), ("C", 0), ("C", HOLD)]
    assert not set(HELD) & set(KEYPAD)
