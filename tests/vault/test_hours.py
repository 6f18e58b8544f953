"""Who may open the door and when: the time table, the list of holders, what a box without a clock does."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import config
from appliance.errors import ConfigError
from appliance.vault.hours import DAYS, refusal, within

HOURS = {"mon": ("07:30-12:30", "13:30-20:00"), "sat": ("00:00-24:00",)}
MONDAY = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)  # the table asks what the wall shows, not where
SATURDAY = MONDAY + dt.timedelta(days=5)


def at(day, time):
    hour, minute = time.split(":")
    return day.replace(hour=int(hour), minute=int(minute))


@pytest.mark.parametrize(
    ("day", "time", "open_"),
    [
        (MONDAY, "07:29", False),
        (MONDAY, "07:30", True),
        (MONDAY, "12:29", True),
        (MONDAY, "12:30", False),
        (MONDAY, "13:30", True),
        (MONDAY, "19:59", True),
        (MONDAY, "20:00", False),
        (SATURDAY, "00:00", True),
        (SATURDAY, "23:59", True),
        (SATURDAY + dt.timedelta(days=1), "12:00", False),
    ],
)
def test_a_span_holds_its_first_minute_and_not_its_last(day, time, open_):
    assert within(HOURS, at(day, time)) is open_


def test_the_days_are_those_of_the_calendar():
    names = [(MONDAY + dt.timedelta(days=ahead)).strftime("%a").lower() for ahead in range(7)]
    assert names == list(DAYS)


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_two_spans_hold_a_night(moment):
    """Over midnight: one span to 24:00, and one of the next day from 00:00."""
    night = {"fri": ("22:00-24:00",), "sat": ("00:00-06:00",)}
    hours = moment.hour
    wanted = {4: hours >= 22, 5: hours < 6}.get(moment.weekday(), False)
    assert within(night, moment) is wanted


@pytest.mark.parametrize(
    ("admit", "hours", "holder", "moment", "code"),
    [
        ("all", None, "dr-durand", at(MONDAY, "03:00"), None),
        ("all", None, "dr-durand", None, None),  # the certificate's own judgement asks for the time
        ("all", HOURS, "dr-durand", at(MONDAY, "08:00"), None),
        ("all", HOURS, "dr-durand", at(MONDAY, "13:00"), "door-hours"),
        ("all", HOURS, "dr-durand", None, "clock-unset"),
        ("all", {}, "dr-durand", at(MONDAY, "08:00"), "door-hours"),
        ({"dr-durand"}, None, "dr-durand", None, None),
        ({"dr-durand"}, None, "dr-martin", None, "card-denied"),
        ({"dr-durand"}, HOURS, "dr-martin", None, "card-denied"),  # the first thing that stands against it
        ((), None, "all", None, "card-denied"),
    ],
)
def test_refusals(admit, hours, holder, moment, code):
    assert refusal(admit, hours, holder, moment) == code


# --- [door] of the configuration --------------------------------------------------------------------------------------


def door(text=""):
    return config.parse(f'[device]\nid = "box-1"\n[door]\n{text}').door


def test_a_shipped_box_opens_no_door():
    shipped = door()
    assert (shipped.enabled, shipped.admit, shipped.hours) == (False, "all", None)
    assert (shipped.at_insertion, shipped.presence_only, shipped.pulse) == (False, False, 3.0)


def test_the_table_as_an_installer_writes_it():
    read = door(
        'enabled = true\nadmit = ["0123456789abcdef0123456789abcdef"]\nat_insertion = true\npresence_only = true\n'
        'hours = { mon = ["07:30-12:30", "13:30-20:00"], sun = [] }'
    )
    assert read.hours == {"mon": ("07:30-12:30", "13:30-20:00"), "sun": ()}
    assert read.admit == frozenset({"0123456789abcdef" * 2})
    assert (read.enabled, read.at_insertion, read.presence_only) == (True, True, True)


@pytest.mark.parametrize("span", ["22:00-06:00", "12:00-12:00", "24:00-24:00"])
def test_a_span_that_does_not_end_after_it_begins_is_refused_with_the_way_out(span):
    with pytest.raises(ConfigError) as refused:
        door(f'hours = {{ fri = ["{span}"] }}')
    assert re.search("24:00|HH:MM|pattern|matching", str(refused.value))


def test_what_is_over_midnight_is_said_in_words():
    with pytest.raises(ConfigError, match="over midnight is two spans"):
        door('hours = { fri = ["22:00-06:00"] }')


@pytest.mark.parametrize(
    "line",
    [
        'hours = { monday = ["07:30-12:30"] }',
        'hours = { mon = ["7:30-12:30"] }',
        'hours = { mon = ["07:30-25:00"] }',
        'hours = { mon = ["07:30-12:60"] }',
        'hours = { mon = ["07:30-12:30\\n"] }',
        'hours = { mon = "07:30-12:30" }',
        'admit = "nobody"',
        'admit = ["short"]',
        'admit = ["0123456789ABCDEF0123456789ABCDEF"]',
        "pulse = 60",
        'at_insertion = "yes"',
        "opened = true",
    ],
)
def test_what_is_not_of_the_table_is_refused(line):
    with pytest.raises(ConfigError):
        door(line)
