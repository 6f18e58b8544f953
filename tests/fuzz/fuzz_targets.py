"""What is fuzzed: every parser of card bytes, the chain's reader, and both drivers before a card that says anything.

``TARGETS[name](data)`` returns, or has found something. ``SEEDS[name]`` is one input to begin with.
"""

import contextlib
import functools
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "card"))
import parsers

from appliance.card.chain_link import read_link
from appliance.card.cps3 import Cps3
from appliance.card.cps4 import Cps4
from appliance.card.script import play
from appliance.errors import CardError
from appliance.simulator.softmodels import MODELS

LIMIT = 400
"""Commands of one identification at most: the files' own bounds (card/files.py) in the smallest steps a card can take.
"""

# Odd certificates are what this is about; cryptography warns of some that it still reads.
warnings.simplefilter("ignore")


def answers_of(data: bytes) -> Callable[[object], bytes]:
    """A card that gives the pieces of ``data`` as answers, each behind two bytes of length, and then 6A82 for ever."""
    at = count = 0

    def transmit(_command: object) -> bytes:
        nonlocal at, count
        count += 1
        assert count <= LIMIT, "an identification without an end"
        size = int.from_bytes(data[at : at + 2], "big") % 260
        answer, at = data[at + 2 : at + 2 + size], at + 2 + size
        return answer or b"\x6a\x82"

    return transmit


def identify(driver: Cps3 | Cps4, data: bytes) -> None:
    """A first identification; the card may say what it likes."""
    play(driver.identify({}), answers_of(data))


def honest(model: str) -> bytes:
    """What the soft card answers when it is identified, as ``answers_of`` reads it."""
    card, said = MODELS[model](), bytearray()
    card.power_on()

    def transmit(command: bytes) -> bytes:
        answer = card.transmit(command)
        said.extend(len(answer).to_bytes(2, "big") + answer)
        return answer

    play((Cps3() if model == "cps3" else Cps4()).identify({}), transmit)
    return bytes(said)


def parser(name: str) -> Callable[[bytes], None]:
    """One of ``parsers.PARSERS``; its own errors are what it is for."""

    def feed(data: bytes) -> None:
        with contextlib.suppress(*parsers.ERRORS):
            parsers.PARSERS[name](data)

    return feed


def refused(work: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """``work``, whose card errors are what it is for."""

    def feed(data: bytes) -> None:
        with contextlib.suppress(CardError):
            work(data)

    return feed


TARGETS: dict[str, Callable[[bytes], None]] = {
    **{name: parser(name) for name in parsers.PARSERS},
    "link": refused(read_link),
    "identify-cps3": refused(functools.partial(identify, Cps3())),
    "identify-cps4": refused(functools.partial(identify, Cps4())),
}


@functools.cache
def seeds() -> dict[str, bytes]:
    """One good input a target."""
    return {
        **parsers.SEEDS,
        "link": parsers.SEEDS["certificate"],
        "identify-cps3": honest("cps3"),
        "identify-cps4": honest("cps4"),
    }
