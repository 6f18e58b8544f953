"""Change, unblock and the counter of the PUK, in both dialects: command by command, and on the soft cards."""

import dataclasses

import pytest
from card_kit import COUNTER_PUK, OK, Transcript, carrier, layout, layout4

from appliance.card.apdu import SecretCommand, Slot
from appliance.card.cps3 import Cps3
from appliance.card.cps4 import Cps4
from appliance.card.models import classify, driver_of, identify
from appliance.card.script import play
from appliance.errors import (
    CardMute,
    CardRemoved,
    CardReset,
    CardUnsupported,
    CommandRefused,
    PinBlocked,
    PinWrong,
    PukBlocked,
    PukWrong,
    ReaderAbsent,
)
from appliance.simulator.softmodels import MODELS

NOBODY = "7FFF"
PUK = "12345678"
PUK_BLOCK = PUK.encode().hex()


def nowhere3(data):
    return f"00A4090C{data + 2:02X}3F00" + NOBODY * (data // 2)


def nowhere4(data):
    return f"01A40800{data:02X}" + NOBODY * (data // 2)


AODF_FREE = dataclasses.replace(layout().pin, pad=None, max_length=8)
CHANGE3 = "0024000110 31323334FFFFFFFF 38373635FFFFFFFF"
VERIFY4, NEW4 = "0120000108 31323334FFFFFFFF", "0124010108 38373635FFFFFFFF"
PUK3, NEW3 = f"0020000208 {PUK_BLOCK}", "002C020108 38373635FFFFFFFF"
PUK4, ALLOW4 = f"0120000208 {PUK_BLOCK}", "012C038100"
DIALECTS = [(Cps3(), layout()), (Cps4(), layout4())]


class Losing:
    """A reader whose connection ends at command ``at``; the first command is answered ``first``."""

    def __init__(self, at, loss, first=b"\x90\x00"):
        self.at, self.loss, self.first = at, loss, first
        self.count, self.secrets = 0, []

    def __call__(self, apdu):
        self.count += 1
        if isinstance(apdu, SecretCommand):
            self.secrets.append((apdu.header(), apdu.blocks))
        if self.count >= self.at:
            raise self.loss
        return self.first if self.count == 1 else b"\x90\x00"


def change(driver, plan, *pairs):
    transcript = Transcript(pairs, "1234", "8765")
    try:
        play(driver.change(plan), transcript)
    finally:
        transcript.close()


def unblock(driver, plan, *pairs):
    transcript = Transcript(pairs, PUK, "8765")
    try:
        play(driver.unblock(plan), transcript)
    finally:
        transcript.close()


def test_change_as_the_national_middleware_has_it():
    """Traces cps3- and cps4-middleware-change-pin; what follows each is ours."""
    change(Cps3(), layout(), (CHANGE3, OK), (nowhere3(16), "6A82"))
    change(Cps4(), layout4(), (VERIFY4, OK), (NEW4, OK), (nowhere4(8), "6A82"))


def test_unblock_as_the_national_middleware_has_it():
    """Traces cps3-middleware-wrong-puk and cps4-middleware-wrong-pin."""
    unblock(Cps3(), layout(), (PUK3, OK), (NEW3, OK), (nowhere3(8), "6A82"))
    unblock(Cps4(), layout4(), (PUK4, OK), (ALLOW4, OK), (NEW4, OK), (nowhere4(8), "6A82"))


ANSWERS = [("63C2", PinWrong, 2), ("63C0", PinWrong, 0), ("6983", PinBlocked, None), ("6984", PinBlocked, None)]


@pytest.mark.parametrize(("status", "error", "left"), [*ANSWERS, ("6A80", CommandRefused, None)])
def test_what_a_change_is_answered(status, error, left):
    for driver, plan, first, cover in (
        (Cps3(), layout(), CHANGE3, nowhere3(16)),
        (Cps4(), layout4(), VERIFY4, nowhere4(8)),
    ):
        with pytest.raises(error) as raised:
            change(driver, plan, (first, status), (cover, "6A82"))
        assert getattr(raised.value, "tries_left", None) == left


@pytest.mark.parametrize(
    ("status", "error", "left"),
    [
        ("63C9", PukWrong, 9),
        ("63C0", PukWrong, 0),
        ("6983", PukBlocked, None),
        ("6984", PukBlocked, None),
        ("6700", CommandRefused, None),
    ],
)
def test_what_a_code_de_deblocage_is_answered(status, error, left):
    for driver, plan, first, cover in (
        (Cps3(), layout(), PUK3, nowhere3(8)),
        (Cps4(), layout4(), PUK4, nowhere4(8)),
    ):
        with pytest.raises(error) as raised:
            unblock(driver, plan, (first, status), (cover, "6A82"))
        assert getattr(raised.value, "tries_left", None) == left


@pytest.mark.parametrize(
    ("status", "error"),
    [("6984", PukBlocked), ("6983", PukBlocked), ("6982", CommandRefused), ("6A80", CommandRefused)],
)
def test_a_code_without_uses(status, error):
    with pytest.raises(error):
        unblock(Cps3(), layout(), (PUK3, OK), (NEW3, status), (nowhere3(8), "6A82"))
    with pytest.raises(error):
        unblock(Cps4(), layout4(), (PUK4, OK), (ALLOW4, status), (nowhere4(8), "6A82"))


@pytest.mark.parametrize("status", ["63C2", "63C0", "6983", "6984", "6982", "6A80"])
def test_what_follows_a_right_code_is_never_told_as_that_code(status):
    """The new PIN refused after the right old one, or after the right code de déblocage, is no try of either."""
    cover = (nowhere4(8), "6A82")
    with pytest.raises(CommandRefused) as refused:
        change(Cps4(), layout4(), (VERIFY4, OK), (NEW4, status), cover)
    assert refused.value.step == "CHANGE REFERENCE DATA"
    with pytest.raises(CommandRefused) as refused:
        unblock(Cps4(), layout4(), (PUK4, OK), (ALLOW4, OK), (NEW4, status), cover)
    assert refused.value.step == "CHANGE REFERENCE DATA"


@pytest.mark.parametrize("status", ["63C9", "63C0"])
def test_a_reset_retry_counter_tries_no_code(status):
    for driver, plan, pairs in (
        (Cps3(), layout(), [(PUK3, OK), (NEW3, status), (nowhere3(8), "6A82")]),
        (Cps4(), layout4(), [(PUK4, OK), (ALLOW4, status), (nowhere4(8), "6A82")]),
    ):
        with pytest.raises(CommandRefused) as refused:
            unblock(driver, plan, *pairs)
        assert (refused.value.sw, refused.value.step) == (int(status, 16), "RESET RETRY COUNTER")


def test_a_shorter_second_code_leaves_the_longest_to_be_overwritten_at_the_end():
    free3, free4 = (dataclasses.replace(plan, pin=AODF_FREE) for plan in (layout(), layout4()))
    short = dataclasses.replace(AODF_FREE, stored_length=4, max_length=4)
    unblock(Cps3(), free3, (PUK3, OK), ("002C020104 38373635", OK), (nowhere3(8), "6A82"))
    bare = dataclasses.replace(free4, pin=short)
    unblock(Cps4(), bare, (PUK4, OK), (ALLOW4, OK), ("0124010104 38373635", OK), (nowhere4(8), "6A82"))


def test_two_pins_without_padding_are_never_sent_where_the_card_must_split_them():
    with pytest.raises(CardUnsupported):
        change(Cps3(), dataclasses.replace(layout(), pin=AODF_FREE))
    fixed = dataclasses.replace(AODF_FREE, min_length=4, max_length=4, stored_length=4)
    change(Cps3(), dataclasses.replace(layout(), pin=fixed), ("0024000108 3132333438373635", OK), (nowhere3(8), "6A82"))
    free = dataclasses.replace(layout4(), pin=AODF_FREE)
    bare = ("0120000104 31323334", OK), ("0124010104 38373635", OK), (nowhere4(8), "6A82")
    change(Cps4(), free, *bare)


@pytest.mark.parametrize(("driver", "plan"), DIALECTS, ids=["cps3", "cps4"])
def test_a_card_without_a_code_de_deblocage(driver, plan):
    none = dataclasses.replace(plan, puk=None)
    for script in (driver.unblock, driver.puk_tries_left):
        with pytest.raises(CardUnsupported):
            play(script(none), Transcript([]))


@pytest.mark.parametrize("loss", [CardRemoved, CardMute, CardReset, ReaderAbsent])
@pytest.mark.parametrize(("driver", "plan"), DIALECTS, ids=["cps3", "cps4"])
def test_a_loss_is_a_loss_never_a_wrong_code_and_nothing_is_said_twice(driver, plan, loss):
    """But for the last command of a change or unblocking: that only overwrites, the answer is in hand."""
    commands = {
        driver.verify: 2 if driver.family == "cps3" else 3,
        driver.change: 2 if driver.family == "cps3" else 3,
        driver.unblock: 3 if driver.family == "cps3" else 4,
    }
    for script, needed in commands.items():
        for at in range(1, needed + 2):
            reader = Losing(at, loss)
            covers_only = at == needed and script != driver.verify
            if at > needed or covers_only:
                play(script(plan), reader)
            else:
                with pytest.raises(loss):
                    play(script(plan), reader)
            # the loss of what overwrites a CPS4's PIN shows at the SELECT after it
            also = driver.family == "cps4" and script == driver.verify and at == 2
            assert reader.count == (needed if at > needed else at + also)
            assert len(set(reader.secrets)) == len(reader.secrets)


@pytest.mark.parametrize("loss", [CardRemoved, CardMute, CardReset, ReaderAbsent])
@pytest.mark.parametrize(("driver", "plan"), DIALECTS, ids=["cps3", "cps4"])
def test_a_refusal_in_hand_is_told_whatever_becomes_of_what_overwrites_the_code(driver, plan, loss):
    long = dataclasses.replace(plan.pin, stored_length=14)
    for script, wanted in ((driver.verify, PinWrong), (driver.change, PinWrong), (driver.unblock, PukWrong)):
        for layout_of in (plan, dataclasses.replace(plan, pin=long)):  # an AID too short to overwrite the field
            reader = Losing(2, loss, first=b"\x63\xc1")
            with pytest.raises(wanted) as wrong:
                play(script(layout_of), reader)
            assert (wrong.value.tries_left, reader.count, len(reader.secrets)) == (1, 2, 1)


def test_counters_of_the_code_de_deblocage():
    get = ("00CB3FFF0A4D087006BF810202A080", COUNTER_PUK + OK)
    assert play(Cps3().puk_tries_left(layout()), Transcript([("00A4090C023F00", OK), get])) == 10
    assert play(Cps4().puk_tries_left(layout4()), Transcript([("0120000200", "63CA")])) == 10
    assert play(Cps4().puk_tries_left(layout4()), Transcript([("0120000200", "6983")])) == 0


# --- on the soft cards ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["cps3", "cps4", "cps4-t1"])
def met(request):
    card = MODELS[request.param]()
    card.power_on()
    found = play(identify(classify(card.atr), {}), carrier(card.transmit), t1=request.param == "cps4-t1").identity
    return card, driver_of(found), found.layout, request.param == "cps4-t1"


def run(met, script, *pins):
    card, _, plan, t1 = met
    return play(script(plan), carrier(card.transmit, *pins), t1=t1)


def reset(met):
    """The box's own, and the counter that is read before anything else."""
    met[0].reset()
    assert run(met, met[1].tries_left) == met[0].counters[1].left


def test_change_and_back(met):
    _, driver, *_ = met
    run(met, driver.change, "1234", "8765")
    reset(met)
    with pytest.raises(PinWrong):
        run(met, driver.verify, "1234")
    run(met, driver.verify, "8765")
    reset(met)
    run(met, driver.change, "8765", "1234")
    reset(met)
    run(met, driver.verify, "1234")


def test_a_wrong_old_pin_costs_one_try_and_changes_nothing(met):
    card, driver, *_ = met
    with pytest.raises(PinWrong) as wrong:
        run(met, driver.change, "0000", "8765")
    assert wrong.value.tries_left == card.counters[1].left == 2
    run(met, driver.verify, "1234")


def test_block_and_unblock(met):
    card, driver, *_ = met
    for left in (2, 1, 0):
        with pytest.raises(PinWrong):
            run(met, driver.verify, "0000")
        assert run(met, driver.tries_left) == left
    with pytest.raises(PinBlocked):
        run(met, driver.change, "1234", "8765")
    with pytest.raises(PukWrong) as wrong:
        run(met, driver.unblock, "00000000", "4321")
    assert wrong.value.tries_left == run(met, driver.puk_tries_left) == 9
    run(met, driver.unblock, PUK, "4321")
    card.reset()
    assert (run(met, driver.tries_left), run(met, driver.puk_tries_left)) == (3, 10)
    run(met, driver.verify, "4321")


def test_a_code_de_deblocage_that_is_spent(met):
    card, driver, *_ = met
    card.counters[2].uses = 0
    with pytest.raises(PukBlocked):
        run(met, driver.unblock, PUK, "4321")
    card.counters[2].left = 0
    with pytest.raises(PukBlocked):
        run(met, driver.unblock, PUK, "4321")
    assert run(met, driver.puk_tries_left) == 0


def test_every_secret_is_followed_by_something_at_least_as_long(met):
    _, driver, *_ = met
    for script, pins in (
        (driver.verify, ("1234",)),
        (driver.verify, ("0000",)),
        (driver.change, ("1234", "8765")),
        (driver.change, ("0000", "1111")),
        (driver.unblock, (PUK, "1234")),
        (driver.unblock, ("00000000", "1234")),
    ):
        sent = []
        card, _, plan, t1 = met
        inner = carrier(card.transmit, *pins)

        def carry(apdu, sent=sent, inner=inner, pins=pins):
            secret = isinstance(apdu, SecretCommand)
            length = 5 + sum(block.length for block in apdu.blocks) if secret else len(apdu)
            sent.append((secret, length))
            return inner(apdu)

        try:
            play(script(plan), carry, t1=t1)
        except (PinWrong, PukWrong):
            assert pins[0] in {"0000", "00000000"}
        assert any(secret for secret, _ in sent)
        for at, (secret, length) in enumerate(sent):
            following = [later for _, later in sent[at + 1 :]]
            # on a CPS4 the command that allows a new PIN comes in between, and holds nothing
            assert not secret or max(following[:2]) >= length
        assert not sent[-1][0]


def test_blocks_name_slots_and_lengths_and_nothing_else(met):
    _, driver, plan, _ = met
    step = next(driver.change(plan))
    assert step.blocks[0] == (Slot.OLD, plan.pin.stored_length, plan.pin.pad, plan.pin.min_length)
    assert plan.pin.min_length == 4
    assert next(driver.unblock(plan)).blocks[0].least == plan.puk.min_length == 8
    assert "1234" not in repr(step)
