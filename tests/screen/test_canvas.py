"""The margin: no text, bar or sign leaves it; the border is the padlock frame's."""

import pytest
from PIL import Image
from screen_kit import FRAME

from appliance.errors import TextNotDrawable
from appliance.screen import icons
from appliance.screen.atlas import BIG
from appliance.screen.canvas import Canvas
from appliance.screen.rows import block


@pytest.mark.parametrize(("x", "y"), [(0, 1), (1, 0), (122, 1), (1, 52), (-6, 1)])
def test_a_text_that_would_leave_the_margin_is_refused(x, y):
    canvas = Canvas()
    with pytest.raises(TextNotDrawable, match="leave the frame"):
        canvas.write(x, y, "a")
    assert canvas.image.getbbox() is None
    assert not canvas.writings


@pytest.mark.parametrize("box", [(0, 1, 5, 5), (1, 0, 5, 5), (1, 1, 127, 5), (1, 1, 5, 63), (6, 1, 5, 5)])
def test_a_bar_that_would_leave_the_margin_is_refused(box):
    with pytest.raises(ValueError, match="leave the frame"):
        Canvas().fill(*box)


@pytest.mark.parametrize(("x", "y"), [(0, 10), (10, 0), (114, 10), (10, 56), (-1, -1)])
def test_a_sign_that_would_leave_the_margin_is_refused(x, y):
    canvas = Canvas()
    with pytest.raises(ValueError, match="leave the frame"):
        canvas.icon(x, y, icons.LOCKED if x < 114 else icons.PADLOCK)
    assert canvas.image.getbbox() is None
    assert not canvas.signs


def test_a_cut_without_letters_draws_none():
    canvas = Canvas()
    with pytest.raises(TextNotDrawable, match="cut of 24 pixels"):
        canvas.write(1, 1, "14h05", BIG)
    assert canvas.image.getbbox() is None
    assert canvas.write(1, 1, "14:05", BIG) == 61


def test_the_lock_lights_every_pixel_of_the_border():
    canvas = Canvas()
    canvas.lock(5, 4)
    canvas.image.paste(0, (1, 1, 127, 63))
    assert canvas.image.tobytes() == FRAME.tobytes()
    assert FRAME.getbbox() == (0, 0, 128, 64)
    assert canvas.image.size == Image.new("1", (128, 64)).size


def test_more_lines_than_rows_are_refused():
    with pytest.raises(ValueError, match="4 lines in 3 rows"):
        block(Canvas(), (1, 13, 25), ("a", "b", "c", "d"))
