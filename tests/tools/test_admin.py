"""What the vault answers on the admin socket, from the box as it stands."""

import asyncio
import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance import __version__, config
from appliance.link.messages import AskCard, AskStatus, encode
from appliance.vault.admin import Admin
from appliance.vault.box import Box

sys.path.insert(0, str(Path(__file__).parents[1] / "vault"))
import flow_kit as kit
from card_identity import identity_of

ATR = bytes.fromhex("3BAC")


class Scribe:
    boot_id = "boot-1"

    async def last_seq(self):
        return 7

    async def acknowledged(self):
        return 5


def answer(question, box, found=None):
    slot = SimpleNamespace(found=found, reader="Reader 00 00" if box.reader else None, atr=ATR if found else b"")
    admin = Admin(config.parse('[device]\nid = "cabinet"\n'), Scribe(), slot, "locked")
    return asyncio.run(admin.answer(question, box))


READY = kit.Play(*kit.READY).box


def test_status():
    told = answer(AskStatus(), dataclasses.replace(READY, link=True))
    assert (told.version, told.device, told.boot_id, told.memory) == (__version__, "cabinet", "boot-1", "locked")
    assert (told.screen, told.reader, told.card, told.broker, told.requests) == ("ready", True, True, True, "off")
    assert (told.last_seq, told.acknowledged) == (7, 5)


def test_the_card_as_it_was_read():
    box = dataclasses.replace(
        READY, card=dataclasses.replace(READY.card, trust="good", test=False, tries=2, puk_tries=9)
    )
    told = answer(AskCard(), box, identity_of())
    assert told.fault is None
    assert (told.holder, told.profession, told.rpps) == ("SOPHIE DURAND-TEST", "Infirmier(e)", "99900063480")
    assert (told.serial, told.number, told.kind, told.family) == ("99213845", "2500577253", "CPS", "cps3")
    assert (told.tries_left, told.unblock_tries_left, told.trust, told.test) == (2, 9, "good", False)
    assert told.valid_from < told.signs_until < told.valid_until
    assert told.reader == "Reader 00 00"
    assert told.atr == "3BAC"
    assert "DURAND" not in repr(told)
    assert len(encode(told)) < 2048


def test_a_counter_that_a_right_code_filled_is_not_known():
    box = dataclasses.replace(READY, card=dataclasses.replace(READY.card, tries=None, puk_tries=None))
    told = answer(AskCard(), box, identity_of())
    assert (told.tries_left, told.unblock_tries_left) == (None, None)


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ((), "reader-absent"),
        (kit.WALKS[kit.State.NO_READER]["busy"], "reader-busy"),
        (kit.ATTACHED, "card-absent"),
        (kit.INSERTED, "card-reading"),
        (kit.PATIENT, "patient-card"),
        ((*kit.INSERTED, kit.failed("card-mute")), "card-mute"),
        ((*kit.INSERTED, kit.held), "reader-busy"),
    ],
)
def test_no_card_to_tell_of(events, fault):
    told = answer(AskCard(), kit.Play(*events).box)
    assert (told.fault, told.holder, told.serial) == (fault, None, None)


def test_a_card_that_just_left_is_told_no_more():
    assert answer(AskCard(), Box(reader=True), identity_of()).fault == "card-absent"
    assert answer(AskCard(), READY, None).fault == "card-reading"
