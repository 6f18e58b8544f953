"""Change, unblock and practice as scripts: in which order, and what a counter that moved stops (vault/work.py)."""

import pytest
from card_identity import identity_of

from appliance.card.apdu import Command
from appliance.card.script import play
from appliance.errors import (
    CardMute,
    CardRemoved,
    CardReset,
    CommandRefused,
    OutcomeUnknown,
    PinWrong,
    PukWrong,
    ReaderAbsent,
    ReaderBusy,
    SecretError,
)
from appliance.vault import work

LAYOUT = identity_of().layout


class Scripted:
    """A driver that notes its calls; each is one command, and the last one may fail."""

    family = "cps3"

    def __init__(self, tries=3, error=None):
        self.calls, self.tries, self.error = [], tries, error

    def _say(self, name, value=None):
        def script(layout):
            assert layout is LAYOUT
            self.calls.append(name)
            yield Command(0, 0, 0, 0)
            if self.error and name not in {"tries_left", "puk_tries_left"}:
                raise self.error
            return value

        return script

    def __getattr__(self, name):
        return self._say(name, self.tries if name.endswith("tries_left") else f"{name} done")


def run(script):
    return play(script, lambda _apdu: b"\x90\x00")


ORDERS = [
    (work.change, ["tries_left", "change"], None),
    (work.unblock, ["puk_tries_left", "unblock"], None),
    (work.read_situations, ["tries_left", "verify", "situations"], "situations done"),
]


@pytest.mark.parametrize(("order", "calls", "value"), ORDERS)
def test_the_counter_first_then_one_try(order, calls, value):
    driver = Scripted(tries=2)
    assert run(order(driver, LAYOUT, 2)) == value
    assert driver.calls == calls


@pytest.mark.parametrize("shown", [3, 1, None])
@pytest.mark.parametrize(("order", "calls", "value"), ORDERS)
def test_a_counter_that_moved_since_it_was_shown_stops_before_the_try(order, calls, value, shown):
    driver = Scripted(tries=2)
    with pytest.raises(CardReset):
        run(order(driver, LAYOUT, shown))
    assert driver.calls == calls[:1]


@pytest.mark.parametrize("error", [PinWrong(2), PukWrong(9), CommandRefused(0x6A80, "CHANGE"), SecretError("no")])
@pytest.mark.parametrize(("order", "calls", "value"), ORDERS)
def test_after_an_error_nothing_more_is_sent(order, calls, value, error):
    driver = Scripted(error=error)
    with pytest.raises(type(error)):
        run(order(driver, LAYOUT, 3))
    assert driver.calls == calls[:2]


LOSSES = [CardRemoved, CardMute, CardReset, ReaderAbsent, ReaderBusy]


def lose(script, at, loss):
    """Play it before a reader whose connection ends at command ``at``, counted from 1."""
    count = 0

    def transmit(_apdu):
        nonlocal count
        count += 1
        if count == at:
            raise loss("gone")
        return b"\x90\x00"

    return play(script, transmit)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("order", [work.change, work.unblock])
def test_no_answer_to_an_order_with_a_code_is_an_outcome_unknown(order, loss):
    with pytest.raises(OutcomeUnknown) as unknown:
        lose(order(Scripted(), LAYOUT, 3), 2, loss)
    assert isinstance(unknown.value.__cause__, loss)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("order", "calls", "value"), ORDERS)
def test_before_a_code_has_left_a_loss_is_the_loss_itself(order, calls, value, loss):
    driver = Scripted()
    with pytest.raises(loss):
        lose(order(driver, LAYOUT, 3), 1, loss)
    assert driver.calls == calls[:1]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_pin_that_only_opens_is_no_outcome(loss):
    with pytest.raises(loss):
        lose(work.read_situations(Scripted(), LAYOUT, 3), 2, loss)
