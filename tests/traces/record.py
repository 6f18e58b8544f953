"""Writes ``own-*.txt``: our drivers' dialogues with the soft cards, every secret masked. Look before you commit.

``test_own_traces.py`` compares the files with what the drivers do now, so that a command more, or another one, is seen
in the review and not on a professional's card.
"""

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

from appliance.card.apdu import SecretCommand
from appliance.card.models import classify, driver_of, identify
from appliance.card.script import play
from appliance.secret import Secret, Slot
from appliance.simulator.softmodels import MODELS
from appliance.tools.trace import Trace

FOLDER = Path(__file__).parent
PIN, NEW_PIN, PUK = "1234", "5678", "12345678"
DOCUMENT = bytes(range(100))
"""The worked vector of card-reference §6.3: one block is hashed off the card, 36 bytes are left."""


class Recorder:
    """One soft card, its driver, and the lines of what they said."""

    def __init__(self, model):
        self.card, self.secret, self.lines = MODELS[model](), Secret(), []
        self.trace = Trace(self.lines.append)
        self.card.power_on()
        self.memory = {}
        self.trace.begin(self.card.atr, t1=False)

    def play(self, step, script, **typed):
        """One script, with codes typed into the page before."""
        for slot, digits in typed.items():
            for digit in digits:
                self.secret.push(Slot[slot], int(digit))
        self.trace.step(step)
        return play(script, self.trace.through(self.transmit))

    def transmit(self, command):
        if not isinstance(command, SecretCommand):
            return self.card.transmit(command)
        with self.secret.command(command.header(), command.blocks) as (address, length):
            return self.card.transmit(ctypes.string_at(address, length))

    def identify(self, step="identify"):
        known = self.play(step, identify(classify(self.card.atr), self.memory))
        self.memory[known.identity.serial] = known
        return driver_of(known.identity), known.identity.layout

    def quietly(self):
        """The card as it is after a first identification, which is not written again."""
        made = self.identify()
        self.lines.clear()
        self.card.reset()
        self.trace.begin(self.card.atr, t1=False)
        return made


def cold(recorder):
    recorder.identify("a card that was never seen")


def known(recorder):
    recorder.quietly()
    recorder.identify("a card that was seen before")


def sign(recorder):
    driver, layout = recorder.quietly()
    recorder.play("the counter before the prompt", driver.tries_left(layout))
    recorder.play("PIN", driver.verify(layout), OLD=PIN)
    recorder.play("sign", driver.sign(layout, DOCUMENT))
    recorder.play("sign another", driver.sign(layout, b"Repos de 3 jours."))


def authenticate(recorder):
    driver, layout = recorder.quietly()
    recorder.play("the counter before the prompt", driver.tries_left(layout))
    recorder.play("PIN", driver.verify(layout), OLD=PIN)
    recorder.play("authenticate", driver.authenticate(layout, bytes(32)))


def change(recorder):
    driver, layout = recorder.quietly()
    recorder.play("the counter before the prompt", driver.tries_left(layout))
    recorder.play("change", driver.change(layout), OLD=PIN, NEW=NEW_PIN)


def unblock(recorder):
    driver, layout = recorder.quietly()
    recorder.play("the unblocking code's counter before the prompt", driver.puk_tries_left(layout))
    recorder.play("unblock", driver.unblock(layout), OLD=PUK, NEW=NEW_PIN)


def practice(recorder):
    driver, layout = recorder.quietly()
    recorder.play("the counter before the prompt", driver.tries_left(layout))
    recorder.play("PIN", driver.verify(layout), OLD=PIN)
    recorder.play("practice situations", driver.situations(layout))


FEATURES = (cold, known, sign, authenticate, change, unblock, practice)
FAMILIES = ("cps3", "cps4")


def dialogues() -> Iterator[tuple[str, str]]:
    """Name of the file, and what stands in it."""
    for family in FAMILIES:
        for feature in FEATURES:
            recorder = Recorder(family)
            try:
                feature(recorder)
            finally:
                recorder.secret.close()
            head = f"# {family.upper()}, our driver on the soft card: {feature.__name__}\n"
            yield f"own-{family}-{feature.__name__}.txt", head + "".join(recorder.lines)


def main():
    for name, text in dialogues():
        (FOLDER / name).write_text(text, "utf-8")
        print(f"{name}: {text.count('> ')} commands")
    return 0


if __name__ == "__main__":
    sys.exit(main())
