"""Card work as the flow orders it: what is signed, in which order, and what leaves the box."""

import base64
import json
import sys
from pathlib import Path

import flow_kit as kit
import msgspec
import pytest
from card_identity import identity_of, soft_card

from appliance.card.apdu import Command, SecretCommand
from appliance.card.cps3 import Cps3
from appliance.card.script import play
from appliance.contract.replies import JwsResult, RawResult
from appliance.errors import CardRemoved, CardReset, OutcomeUnknown, PinBlocked, PinWrong, SignatureInvalid
from appliance.signing.verification import verify_signature
from appliance.vault.work import Task

sys.path.insert(0, str(Path(__file__).parents[1] / "card"))
from card_kit import carrier

LETTER = kit.LETTER.encode()


def task(wanted="raw", index=0, count=1, **changes):
    asked = kit.ask(count=count, **changes)
    request = msgspec.structs.replace(asked.request, format=wanted)
    return Task(type(asked)(asked.client, request, asked.consent, asked.expires), index, identity_of())


def sign_with(card, wanted, tries=3, pin="1234"):
    return play(wanted.script(Cps3(), tries), carrier(card.transmit, pin))


class Scripted:
    """A driver that notes its calls; each is one command."""

    family = "cps3"

    def __init__(self, tries=3, verify=None, sign=None):
        self.calls, self.tries, self.errors = [], tries, {"verify": verify, "sign": sign}

    def _say(self, name, *facts):
        self.calls.append((name, *facts))
        yield Command(0, 0, 0, 0)
        if self.errors.get(name):
            raise self.errors[name]

    def tries_left(self, layout):
        yield from self._say("tries_left", layout)
        return self.tries

    def verify(self, layout):
        yield from self._say("verify", layout)

    def sign(self, layout, message, *, selected=True):
        yield from self._say("sign", layout, message, selected)
        return b"signature"


def run(script):
    return play(script, lambda _apdu: b"\x90\x00")


# --- what is signed -------------------------------------------------------------------------------------------------


def test_raw_signs_the_document_itself():
    assert task("raw").message == LETTER
    assert task("raw", index=2, count=3).message == LETTER


def test_jws_signs_header_and_payload():
    header, payload = task("jws").message.split(b".")

    def decode(part):
        return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))

    assert decode(payload) == LETTER
    assert json.loads(decode(header)) == {
        "alg": "RS256",
        "x5c": [base64.b64encode(identity_of().signature.der).decode()],
    }


def test_a_task_prints_neither_document_nor_holder():
    shown = repr(task())
    assert "Pansement" not in shown
    assert "DURAND" not in shown


# --- in which order -------------------------------------------------------------------------------------------------


def test_with_a_pin_counter_verify_sign():
    driver, wanted = Scripted(tries=2), task("jws")
    assert run(wanted.script(driver, 2)) == b"signature"
    layout = wanted.card.layout
    assert driver.calls == [("tries_left", layout), ("verify", layout), ("sign", layout, wanted.message, True)]


def test_without_a_pin_only_sign():
    driver, wanted = Scripted(), task()
    assert run(wanted.script(driver, None)) == b"signature"
    assert driver.calls == [("sign", wanted.card.layout, LETTER, True)]


@pytest.mark.parametrize(("shown", "found"), [(3, 2), (2, 1), (1, 0), (2, 3)])
def test_a_counter_that_moved_since_it_was_shown_stops_before_the_try(shown, found):
    driver = Scripted(tries=found)
    with pytest.raises(CardReset):
        run(task().script(driver, shown))
    assert [name for name, *_ in driver.calls] == ["tries_left"]


@pytest.mark.parametrize("error", [PinWrong(2), PinBlocked("blocked")])
def test_after_a_refused_verify_nothing_is_signed(error):
    driver = Scripted(verify=error)
    with pytest.raises(type(error)):
        run(task().script(driver, 3))
    assert [name for name, *_ in driver.calls] == ["tries_left", "verify"]


# --- on the soft card, by the real driver -----------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["raw", "jws"])
def test_one_document_is_one_try_and_one_signature(wanted):
    card, made = soft_card(), task(wanted)
    before = card.apdu_count
    signature = sign_with(card, made)
    assert (card.verify_count, card.signature_count) == (1, 1)
    secrets = [header for header, _ in card.log if header.upper().startswith("0020")]
    assert len(secrets) == 1
    assert card.apdu_count - before == 9  # SELECT, counter (two), VERIFY, SELECT, and four to sign
    verify_signature(made.card.signature.der, made.message, signature)
    said = made.result(signature)
    if wanted == "raw":
        assert said == RawResult(index=0, shown="content", signature=signature, certificate=made.card.signature.der)
    else:
        assert isinstance(said, JwsResult)
        signed, _, last = said.jws.rpartition(".")
        assert signed.encode() == made.message
        assert base64.urlsafe_b64decode(last + "==") == signature


def test_a_batch_verifies_once():
    card = soft_card()
    first, *others = (task(index=index, count=3) for index in range(3))
    sign_with(card, first)
    for other in others:
        before = card.apdu_count
        other.result(sign_with(card, other, tries=None))
        assert card.apdu_count - before == 4
    assert (card.verify_count, card.signature_count) == (1, 3)


def test_a_wrong_pin_is_one_try():
    card = soft_card()
    with pytest.raises(PinWrong) as wrong:
        sign_with(card, task(), pin="9999")
    assert (wrong.value.tries_left, card.verify_count, card.signature_count) == (2, 1, 0)
    with pytest.raises(CardReset):  # the person saw three
        sign_with(card, task(), tries=3)
    assert card.verify_count == 1
    for left in (2, 1):
        with pytest.raises(PinWrong):
            sign_with(card, task(), tries=left, pin="9999")
    with pytest.raises(PinBlocked):
        sign_with(card, task(), tries=0)
    assert card.signature_count == 0


def test_a_signature_that_never_arrived_is_unknown_and_nothing_before_it_is():
    for count, error in ((8, CardRemoved), (9, OutcomeUnknown)):
        card = soft_card()
        sent = []

        def transmit(apdu, card=card, sent=sent, count=count):
            sent.append(apdu)
            answer = card.transmit(apdu)
            if len(sent) == count:
                raise CardRemoved("gone")
            return answer

        with pytest.raises(error):
            play(task().script(Cps3(), 3), carrier(transmit))
        assert card.signature_count == count - 8


# --- what leaves ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["raw", "jws"])
def test_a_signature_that_does_not_verify_never_leaves(wanted):
    card, made = soft_card(), task(wanted)
    signature = sign_with(card, made)
    other = task(wanted, media_type="application/pdf")  # the same bytes, shown by title
    assert other.result(signature).shown == "title"
    for bad in (b"", signature[:-1], bytes(256), signature[:-1] + bytes((signature[-1] ^ 1,))):
        with pytest.raises(SignatureInvalid):
            made.result(bad)
    with pytest.raises(SignatureInvalid):
        task("jws" if wanted == "raw" else "raw").result(signature)


def test_exactly_the_verify_travels_as_a_secret():
    carry, kinds = carrier(soft_card().transmit), []

    def transmit(apdu):
        kinds.append(type(apdu))
        return carry(apdu)

    play(task().script(Cps3(), 3), transmit)
    assert (kinds.index(SecretCommand), kinds.count(SecretCommand)) == (3, 1)
