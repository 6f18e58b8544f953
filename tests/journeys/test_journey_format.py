"""The format of journeys: every file is one, and whatever else is given is our error, with file and line."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.simulator.journeys.ground import merged
from appliance.simulator.journeys.journey import VERBS, JourneyError, journeys, parse
from appliance.simulator.journeys.player import STEPS

HEAD = "title: Un titre\npurpose: Une phrase.\npart: Signer\n"
WORDS = st.sampled_from(
    [*VERBS, "cps3", "sign", "«", "»", '"', "and", "raw", "ttl", "30", "s", "title:", "config:", "\n", "#"]
)


def test_every_verb_has_a_step_and_every_step_a_verb():
    assert set(VERBS) == set(STEPS)


def test_every_verb_is_used():
    used = {step.verb for journey in journeys() for step in journey.steps}
    assert set(VERBS) - used == set()


def test_a_journey_is_what_it_says():
    steps = 'insert cps3\n# another\nsees « A B »  "c"\nasks sign « T » « x » raw\n'
    text = f"{HEAD}config: timeouts.result = 3\n# a note\n\n{steps}"
    journey = parse("a-b", text)
    assert (journey.title, journey.cards, journey.config) == ("Un titre", ("cps3",), {"timeouts": {"result": 3}})
    assert [step.line for step in journey.steps] == [7, 9, 10]
    assert journey.steps[1].texts == ("A B", "c")
    assert journey.steps[2].words == ("sign", "raw")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("title: x\n\nremove", 1),
        (f"{HEAD}title: twice\n\nremove", 4),
        (f"{HEAD}colour: red\n\nremove", 4),
        (f"{HEAD}no colon\n\nremove", 4),
        (f"{HEAD}config: timeouts = 3\n\nremove", 4),
        (f"{HEAD}config: timeouts.result = \n\nremove", 4),
        (f"{HEAD}config: timeouts.result = 2026-01-01\n\nremove", 4),
        (f"{HEAD}config: a.b = 1\nconfig: a.b = 2\n\nremove", 5),
        (HEAD, 4),
        (f"{HEAD}\ninsert cps5", 5),
        (f"{HEAD}\nremove\ndance", 6),
        (f"{HEAD}\nsees « open", 5),
        (f"{HEAD}\nsees « »", 5),
        (f"{HEAD}\nkeys 1E", 5),
        (f'{HEAD}\ntypes "12a"', 5),
        (f"{HEAD}\nasks sign « only a title »", 5),
        (f"{HEAD}\nwaits 3", 5),
        (f"{HEAD}\nevent pin", 5),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(text, line):
    with pytest.raises(JourneyError, match=rf"^trial\.txt:{line}: "):
        parse("trial", text)


def test_a_name_is_plain():
    with pytest.raises(JourneyError):
        parse("../x", HEAD)


@given(st.text(max_size=200) | st.lists(WORDS, max_size=30).map(" ".join).map(lambda steps: f"{HEAD}\n{steps}"))
def test_whatever_comes_is_a_journey_or_our_error(text):
    try:
        parse("trial", text)
    except JourneyError as refused:
        where = str(refused)
    else:
        return
    assert where.startswith("trial.txt:")


VALUES = st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(codec="utf-8"), max_size=9)


@given(st.dictionaries(st.sampled_from(["a", "b"]), VALUES | st.lists(VALUES, max_size=3), max_size=2))
def test_a_merged_configuration_is_read_back(members):
    own = '[device]\nid = "cps-demo"\n[timeouts]\na = 1\n'
    config = tomllib.loads(merged(own, {"timeouts": members, "door": {"hours": {"mon": ["08:00-12:00"]}}}))
    assert config == {
        "device": {"id": "cps-demo"},
        "timeouts": {"a": 1, **members},
        "door": {"hours": {"mon": ["08:00-12:00"]}},
    }
