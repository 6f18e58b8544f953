"""What a box shows of itself beside its screens: light, place of the picture, LED, buzzer, and the switches on it."""

import pytest
from journey_kit import PIN, comes, standing_bench

from appliance.config import parse
from appliance.simulator.pins import HIGH, LOW

BRIGHT, DIM, OFF = 0xCF, 0x4F, None
CONFIG = parse('[device]\nid = "cps-demo"\n')
WIRING, DOOR = CONFIG.signals, CONFIG.door
BLUE = {WIRING.red: LOW, WIRING.green: LOW, WIRING.blue: HIGH}
GREEN = {WIRING.red: LOW, WIRING.green: HIGH, WIRING.blue: LOW}
WHITE = {WIRING.red: HIGH, WIRING.green: HIGH, WIRING.blue: HIGH}
NAME = "S. DURAND-TEST"


@pytest.fixture
def bench(folder):
    """Over the desk's own reader and broker: what is looked at here is neither's."""
    with standing_bench(folder, "desk") as bench:
        yield bench


def fall_asleep(bench):
    bench.desk.wait_light(BRIGHT)
    bench.desk.advance(30)
    bench.desk.wait_light(DIM)
    bench.desk.advance(90)
    bench.desk.wait_light(OFF)
    assert bench.desk.lines() == []


def press_a_key(bench):
    bench.person.press("B")


def take_the_card(bench):
    bench.reader.remove()


def ask(bench):
    comes(bench.ask("Repos."), "accepted")


def open_the_case(bench):
    bench.desk.open_case()


def push_the_button(bench):
    bench.desk.push()


@pytest.mark.parametrize("somebody", [press_a_key, take_the_card, ask, open_the_case, push_the_button])
def test_home_grows_dim_then_dark_until_somebody_comes(bench, somebody):
    bench.insert()
    fall_asleep(bench)
    somebody(bench)
    bench.desk.wait_light(BRIGHT)
    bench.desk.wait_for(lambda lines: lines != [])


def test_a_prompt_stays_bright_and_still(bench):
    bench.insert()
    replies = bench.ask("Repos.", ttl=300)
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    bench.person.reads_consent()
    bench.desk.wait_light(BRIGHT)
    before = bench.desk.frame().tobytes()
    bench.desk.advance(250)
    bench.person.press("0")  # a key that means nothing here: the box has seen it, and its time
    assert bench.desk.light == BRIGHT
    assert bench.desk.frame().tobytes() == before
    bench.person.press("D")
    bench.person.sees("Refusé")
    bench.desk.advance(5)
    bench.person.sees(NAME)
    bench.desk.advance(29)
    assert bench.desk.light == BRIGHT
    bench.desk.advance(1)
    bench.desk.wait_light(DIM)


def test_the_picture_of_home_moves_by_a_pixel_a_minute(bench):
    bench.insert()
    seen = set()
    for _ in range(3):
        before = bench.desk.frame()
        bench.desk.advance(60)
        after = bench.desk.wait_picture(lambda image, before=before: image.tobytes() != before.tobytes())
        bench.person.press("B")  # stays awake
        assert NAME in bench.desk.wait_for(NAME)
        seen.add((before.getbbox(), after.getbbox()))
    assert len(seen) == 3


def test_the_led_tells_where_the_box_stands_and_every_key_sounds_once(bench):
    bench.insert()
    bench.desk.wait_output(GREEN)
    replies = bench.ask("Repos.")
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    bench.desk.wait_output(WHITE)
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    bench.person.is_asked_for_pin()
    bench.desk.wait_output(BLUE)
    _, clicks = bench.desk.output(WIRING.buzzer)
    lit = [bench.desk.output(gpio)[1] for gpio in (WIRING.red, WIRING.green, WIRING.blue)]
    for count, digit in enumerate(PIN, start=1):
        bench.person.press(digit)
        bench.person.is_asked_for_pin(count)
        bench.desk.wait_rises(WIRING.buzzer, clicks + count)
        bench.desk.wait_output({WIRING.buzzer: LOW})
        assert bench.desk.output(WIRING.buzzer)[1] == clicks + count
    assert [bench.desk.output(gpio)[1] for gpio in (WIRING.red, WIRING.green, WIRING.blue)] == lit  # stands still
    bench.person.press("#")
    *_, done = replies
    assert done["phase"] == "done"
    bench.desk.wait_output(GREEN)
    assert bench.desk.output(DOOR.relay) == (LOW, 0)


def test_a_display_error_wakes_nothing_up_and_heals_at_the_next_look(bench):
    bench.insert()
    fall_asleep(bench)
    bench.desk.fail_display()
    press_a_key(bench)
    bench.desk.wait_light(BRIGHT)
    assert NAME in bench.desk.wait_for(NAME)
