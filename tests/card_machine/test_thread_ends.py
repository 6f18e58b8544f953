"""How the card thread leaves a card after a script that failed: what may stand verified in it is reset."""

import pytest
from card_desk import SoftThread

from appliance.card.apdu import Command
from appliance.card.files import do
from appliance.errors import CardMute, CommandRefused, PinBlocked, PinWrong, PukBlocked, PukWrong
from appliance.secret import Secret


class Card:
    """Counts its resets."""

    resets = 0

    def reset(self):
        self.resets += 1


@pytest.fixture
def thread():
    with_page = Secret()
    thread = SoftThread(with_page, lambda _command, _apdu: b"\x90\x00")
    thread.soft = Card()
    yield thread
    with_page.close()


def script(error=None):
    yield from do(Command(0x00, 0x84, 0x00, 0x00), "GET CHALLENGE")
    if error is not None:
        raise error


@pytest.mark.parametrize(
    ("error", "resets"),
    [
        (PinWrong(2), 0),  # the card has forgotten any PIN by itself
        (PinBlocked(), 0),
        (PukWrong(9), 1),  # a PIN verified before still is
        (PukBlocked(), 1),  # also said of a code without a use left, which is verified then
        (CommandRefused(0x6982, "PSO"), 1),
        (CardMute("no answer"), 1),
    ],
)
def test_what_may_stand_verified_is_reset(thread, error, resets):
    thread.play(script, hold=True).result()
    assert thread.held
    assert thread.soft.resets == 0
    with pytest.raises(type(error)):
        thread.play(lambda: script(error), hold=True).result()
    assert not thread.held
    assert thread.soft.resets == resets
