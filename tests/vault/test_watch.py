"""Keys that are only keys: what the self-test hears of them, and that no secret is ever typed meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.keypad.entry import DIGITS, Digit, Full, KeyEvent, Probed, Refuse
from appliance.keypad.matrix import LAYOUT, KeyDown, KeyHeld, KeyUp
from appliance.screen.kinds_menu import FACE
from appliance.secret import Secret, Slot
from appliance.vault.typist import Typist


@pytest.fixture
def secret():
    page = Secret()
    yield page
    page.close()


def test_the_face_of_the_screen_is_the_keypads():
    assert FACE == LAYOUT


@pytest.mark.parametrize("layout", [LAYOUT, LAYOUT[::-1]])
def test_each_key_says_its_place_on_the_printed_keypad_however_it_is_wired(secret, layout):
    typist = Typist(secret, layout)
    typist.watch(on=True)
    said = [typist.tell(KeyDown(position)) for position in range(16)]
    assert [LAYOUT[probed.place] for probed in said] == list(layout)


def test_d_held_is_the_way_out_and_no_other_key_means_anything_held(secret):
    typist = Typist(secret, LAYOUT)
    typist.watch(on=True)
    assert [typist.tell(KeyHeld(position)) for position in range(16)] == [None] * 15 + [Refuse()]
    assert typist.tell(KeyUp()) is None


def test_out_of_the_test_keys_mean_what_they_mean(secret):
    typist = Typist(secret, LAYOUT)
    typist.watch(on=True)
    typist.watch(on=False)
    assert typist.tell(KeyDown(0)) == Full()
    assert typist.tell(KeyHeld(15)) is None


def test_an_armed_secret_cannot_be_watched_and_arming_ends_a_watch(secret):
    typist = Typist(secret, LAYOUT)
    typist.watch(on=True)
    typist.arm(Slot.OLD, 4, fresh=True)
    assert typist.tell(KeyDown(0)) == Digit()
    typist.watch(on=True)
    assert typist.tell(KeyDown(1)) == Digit()
    typist.disarm()
    assert typist.tell(KeyDown(2)) == Full()  # the refused watch does not begin later by itself


orders = st.lists(st.sampled_from(["arm", "disarm", "on", "off", *range(16)]), max_size=30)


@given(orders)
def test_while_a_secret_is_armed_no_event_says_which_key(orders):
    secret = Secret()
    try:
        typist, armed = Typist(secret, LAYOUT), False
        for order in orders:
            match order:
                case "arm":
                    typist.arm(Slot.OLD, 12)
                    armed = True
                case "disarm":
                    typist.disarm()
                    armed = False
                case "on" | "off":
                    typist.watch(on=order == "on")
                case position:
                    said = typist.tell(KeyDown(position))
                    assert not (armed and isinstance(said, Probed))
                    assert said is None or isinstance(said, Probed | KeyEvent)
                    assert not (isinstance(said, Digit) and LAYOUT[position] not in DIGITS)
    finally:
        secret.close()
