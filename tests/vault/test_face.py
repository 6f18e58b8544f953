"""The face of the box between its parts: what it asks of display and signals, and when it looks again by itself."""

import asyncio
import logging
from dataclasses import replace

import pytest
from flow_kit import CONSENT, MENU, READY, Play

from appliance.config import parse
from appliance.keypad import entry as keys
from appliance.screen.rest import Light
from appliance.simulator.clock import BenchLoop
from appliance.vault import box as b
from appliance.vault import face as module
from appliance.vault.face import Face
from appliance.vault.lamps import LAMPS, Meaning, Tone
from appliance.vault.settings import Settings
from appliance.vault.signals import ButtonChanged, TamperChanged

CONFIG = parse('[device]\nid = "cps-face"\n')


class Display:
    def __init__(self, *_where):
        self.shown, self.refreshed, self.closed, self.pulse = [], 0, False, "screen"
        self.contrasts = []

    def show(self, image, light, contrast):
        self.shown.append((image.tobytes(), light))
        self.contrasts.append(contrast)

    def refresh(self):
        self.refreshed += 1

    def close(self):
        self.closed = True


class Lights:
    def __init__(self, _wiring, _door, emit):
        self.emit, self.lamps, self.tones, self.begun, self.closed, self.pulse = emit, [], [], False, False, "signals"

    def start(self):
        self.begun = True

    def show(self, lamp):
        self.lamps.append(lamp)

    def say(self, tone):
        self.tones.append(tone)

    def close(self):
        self.closed = True


@pytest.fixture
def playing(monkeypatch):
    """What runs a coroutine function of (face, loop) on the bench's clock; and what the switches told the flow."""
    posted = []
    monkeypatch.setattr(module, "Oled", Display)
    monkeypatch.setattr(module, "Signals", Lights)

    def run(story):
        async def whole():
            loop = asyncio.get_running_loop()
            await story(Face(CONFIG, loop, lambda _answers: None, posted.append), loop)

        with asyncio.Runner(loop_factory=BenchLoop) as runner:
            runner.run(whole())

    return run, posted


@pytest.fixture
def play(playing):
    """The first of them."""
    return playing[0]


async def settle():
    """Let timers that are due fire."""
    for _ in range(4):
        await asyncio.sleep(0)


def test_it_follows_the_box(play):
    async def story(face, _loop):
        home, asked = Play(*READY).box, Play(*CONSENT).box
        face.show(home)
        face.follow(keys.Digit(), home, home)
        face.follow(object(), home, home)
        face.follow(object(), home, asked)
        assert face._signals.lamps == [*[LAMPS[Meaning.READY]] * 3, LAMPS[Meaning.ASKING]]
        assert face._signals.tones == [Tone.KEY, Tone.CALL]
        assert [light for _, light in face._oled.shown] == [Light.BRIGHT] * 4
        assert len({frame for frame, _ in face._oled.shown}) == 2

    play(story)


def test_it_speaks_and_shines_as_the_box_is_set(play):
    async def story(face, _loop):
        home = Play(*READY).box
        english = replace(home, settings=Settings("en", 4, sound=False))
        asked = Play(*CONSENT).box
        face.show(home)
        face.follow(keys.Validate(), home, english)
        face.follow(object(), english, replace(asked, settings=english.settings))
        assert face._oled.contrasts == [3, 4, 4]
        assert face._signals.tones == []  # the very key that chose silence is the first silent one
        face.follow(keys.Validate(), english, home)
        assert face._signals.tones == [Tone.KEY]
        menu = Play(*MENU).box
        face.show(menu)
        face.show(replace(menu, settings=english.settings))
        french, other = (frame for frame, _ in face._oled.shown[-2:])
        assert french != other

    play(story)


def test_the_light_goes_by_itself_and_a_prompt_keeps_it(play):
    async def story(face, loop):
        home, asked = Play(*READY).box, Play(*CONSENT).box
        face.show(home)
        seen = []
        for seconds in (29.9, 0.2, 89.9, 1000):
            loop.advance(seconds)
            await settle()
            seen.append(face._oled.shown[-1][1])
        assert seen == [Light.BRIGHT, Light.DIM, Light.OFF, Light.OFF]
        assert face._dusk is None
        face.follow(object(), home, asked)
        loop.advance(10_000)
        await settle()
        assert face._oled.shown[-1][1] is Light.BRIGHT

    play(story)


@pytest.mark.parametrize(
    ("change", "meant", "logged"),
    [
        (TamperChanged(opened=True), b.CaseChanged(opened=True), ["the case was opened"]),
        (TamperChanged(opened=False), b.CaseChanged(opened=False), ["the case was closed"]),
        (ButtonChanged(True), b.ButtonPressed(), []),
        (ButtonChanged(False), None, []),
    ],
)
def test_a_switch_is_the_flows_and_wakes_the_display(caplog, playing, change, meant, logged):
    caplog.set_level(logging.INFO)
    run, posted = playing

    async def story(face, loop):
        home = Play(*READY).box
        face.show(home)
        loop.advance(500)
        await settle()
        assert face._oled.shown[-1][1] is Light.OFF
        await loop.run_in_executor(None, face._signals.emit, change)
        assert posted == ([meant] if meant else [])
        for event in posted:
            face.follow(event, home, home)
        assert face._oled.shown[-1][1] is (Light.BRIGHT if meant else Light.OFF)

    run(story)
    assert [record.message for record in caplog.records] == logged


def test_a_refresh_draws_and_writes_whole(play):
    async def story(face, _loop):
        face.show(Play(*READY).box)
        face.refresh()
        assert (len(face._oled.shown), face._oled.refreshed) == (2, 1)

    play(story)


def test_begin_and_end(play):
    async def story(face, loop):
        assert face.pulses == ("screen", "signals")
        face.start()
        face.show(Play(*READY).box)
        face.close()
        assert (face._signals.begun, face._signals.closed, face._oled.closed) == (True, True, True)
        loop.advance(500)
        await settle()
        assert len(face._oled.shown) == 1  # nobody looks any more
        Face(CONFIG, loop, lambda _answers: None, lambda _event: None).close()  # nothing was shown yet

    play(story)
