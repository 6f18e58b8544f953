"""Light and place of a display that nobody looks at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from screen_cases import CASES

from appliance.screen.fr import WORDS
from appliance.screen.kinds import Fault, Home, Ready
from appliance.screen.rest import WALK, Light, Rest, light, moved, next_change, shift
from appliance.screen.screens import render

REST = Rest()


@pytest.mark.parametrize(
    ("idle", "lit"),
    [(0, Light.BRIGHT), (29.9, Light.BRIGHT), (30, Light.DIM), (119.9, Light.DIM), (120, Light.OFF), (9e9, Light.OFF)],
)
def test_dim_after_thirty_seconds_and_off_after_two_minutes(idle, lit):
    assert light(REST, 1000.0, 1000.0 + idle, prompt=False) is lit
    assert light(REST, 1000.0, 1000.0 + idle, prompt=True) is Light.BRIGHT


TIMES = st.floats(0, 1e9)


@given(last=TIMES, idle=st.floats(0, 1e4))
def test_the_light_changes_when_it_is_said_to_and_at_no_other_time(last, idle):
    now = last + idle
    lit, change = light(REST, last, now, prompt=False), next_change(REST, last, now, prompt=False)
    if change is None:
        assert lit is Light.OFF
    else:
        assert change > now
        assert light(REST, last, change, prompt=False) is not lit
        middle = (now + change) / 2
        assert middle >= change or light(REST, last, middle, prompt=False) is lit


def test_a_prompt_waits_for_nothing():
    assert next_change(REST, 0.0, 40.0, prompt=True) is None


@pytest.mark.parametrize(("dim", "off"), [(30, 30), (60, 30), (0, 10)])
def test_dim_comes_before_off(dim, off):
    with pytest.raises(ValueError, match="dim"):
        Rest(dim, off)


def test_the_picture_walks_by_one_pixel_a_minute_over_every_place():
    places = [shift(60.0 * minute, prompt=False) for minute in range(len(WALK))]
    assert set(places) == {(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)}
    steps = zip(places, [*places[1:], places[0]], strict=True)
    assert all(max(abs(a[0] - b[0]), abs(a[1] - b[1])) == 1 for a, b in steps)
    assert shift(59.9, prompt=False) == shift(0.0, prompt=False)


def test_a_prompt_stands_still():
    assert {shift(60.0 * minute, prompt=True) for minute in range(len(WALK))} == {(0, 0)}


def test_moving_leaves_the_edge_dark_and_the_original_alone():
    image = Image.new("1", (128, 64), 1)
    moved_image = moved(image, (1, -1))
    assert moved_image.getpixel((0, 10)) == 0
    assert moved_image.getpixel((10, 63)) == 0
    assert moved_image.getpixel((1, 0))
    assert image.getbbox() == (0, 0, 128, 64)
    assert moved(image, (0, 0)).tobytes() == image.tobytes()


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if isinstance(case, Home | Ready | Fault)])
@pytest.mark.parametrize("by", WALK)
def test_no_screen_at_rest_loses_a_pixel(name, by):
    image = render(CASES[name], WORDS)
    assert moved(moved(image, by), (-by[0], -by[1])).tobytes() == image.tobytes()
