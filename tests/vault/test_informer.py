"""What the pages tell, from a real journal and a card in memory; and the settings that a restart finds again."""

import asyncio
import datetime as dt
import hashlib
import re
import subprocess

import flow_kit as kit
import pytest
from card_identity import identity_of

from appliance.config import parse
from appliance.contract import events
from appliance.contract.topics import Topics
from appliance.errors import ConfigError, JournalError
from appliance.screen.kinds_menu import AboutBox, CardIn, Happenings, Network
from appliance.vault import box as b
from appliance.vault.box import Topic
from appliance.vault.informer import LATEST, Informer
from appliance.vault.journal import Event
from appliance.vault.ledger import public_event
from appliance.vault.package import package_sha256
from appliance.vault.preferences import preferred
from appliance.vault.scribe import Scribe
from appliance.vault.settings import Settings

LOCAL = parse('[device]\nid = "cabinet-1"\n')
FAR = parse('[device]\nid = "cabinet-1"\n[mqtt]\nurl = "mqtts://courtier.example"\n')
TOPICS = Topics("cpsr/v1", "cabinet-1")
SETTINGS = '[display]\nlanguage = "en"\ncontrast = 2\n[signals]\nsound = false\n'


class Slot:
    found = None


class Peer:
    addresses = ("192.168.1.31",)


def dropped(_journal, _first, _last):
    raise AssertionError("nothing is dropped here")


def telling(tmp_path, story, config=LOCAL, slot=None):
    """Run ``story(ask, scribe, informer)`` over a journal; ``ask`` gathers one topic for a box."""

    async def whole():
        scribe = await Scribe.open(tmp_path / "box.sqlite", dropped)
        posted, failed = asyncio.Queue(), []
        informer = Informer(config, scribe, slot or Slot(), Peer(), "locked", posted.put_nowait, failed.append)

        async def ask(topic, box):
            informer.inform(b.Inform(7, topic), box)
            async with asyncio.timeout(10):
                told = await posted.get()
            assert told.ticket == 7
            return told.facts

        try:
            await story(ask, scribe, informer)
        finally:
            await scribe.close()
        assert failed == []

    asyncio.run(whole())


def ready():
    return kit.Play(*kit.READY).box


@pytest.mark.parametrize(
    ("config", "up", "expected"),
    [
        (LOCAL, True, Network("127.0.0.1", True, False, True, "", "cabinet-1", Peer.addresses)),
        (FAR, False, Network("courtier.example", False, True, False, "", "cabinet-1", Peer.addresses)),
    ],
)
def test_the_way_to_the_broker(tmp_path, config, up, expected):
    async def story(ask, _scribe, informer):
        box = kit.Play(*kit.ATTACHED, b.LinkChanged(up=up)).box
        assert await ask(Topic.NETWORK, box) == expected
        informer.note_link()
        assert re.fullmatch(r"\d\d:\d\d", (await ask(Topic.NETWORK, box)).since)

    telling(tmp_path, story, config)


def test_the_card_in_and_no_number_of_its_holder(tmp_path):
    slot = Slot()
    slot.found = identity_of()

    async def story(ask, _scribe, _informer):
        told = await ask(Topic.CARD, ready())
        assert isinstance(told, CardIn)
        assert (told.name, told.profession, told.family, told.test) == ("S. DURAND", "Infirmière", "cps3", True)
        assert re.fullmatch(r"\d\d/\d\d/\d{4}", told.until)
        assert told.kind == slot.found.holder.card_type
        assert slot.found.holder.rpps
        assert slot.found.holder.rpps not in "".join(str(getattr(told, name)) for name in told.__dataclass_fields__)

    telling(tmp_path, story, slot=slot)


def test_a_card_that_is_not_in_memory_is_told_as_the_flow_knows_it(tmp_path):
    async def story(ask, _scribe, _informer):
        told = await ask(Topic.CARD, ready())
        assert (told.name, told.kind, told.until) == ("S. DURAND", "", "")

    telling(tmp_path, story)


def published(scribe, name, data):
    return public_event(TOPICS, scribe.journal_id, scribe.boot_id, b.Publish(name, data))


def test_the_last_events_the_latest_first_without_their_data(tmp_path):
    async def story(ask, scribe, _informer):
        assert await ask(Topic.EVENTS, ready()) == Happenings(())
        for count in range(LATEST + 3):
            what = (
                ("reader/attached", events.Empty())
                if count % 2
                else ("card/removed", events.CardRemoved(card_session="s"))
            )
            await scribe.commit([published(scribe, *what)], [], [])
        told = (await ask(Topic.EVENTS, ready())).latest
        assert len(told) == LATEST
        assert [one.topic for one in told[:2]] == ["card/removed", "reader/attached"]
        now = dt.datetime.now().astimezone()
        assert {one.day for one in told} <= {now.strftime("%d/%m"), (now - dt.timedelta(minutes=1)).strftime("%d/%m")}
        assert all(re.fullmatch(r"\d\d:\d\d", one.time) for one in told)

    telling(tmp_path, story)


def test_an_event_that_is_none_is_a_fault_of_the_journal(tmp_path):
    async def whole():
        scribe = await Scribe.open(tmp_path / "box.sqlite", dropped)
        failed = asyncio.Queue()
        informer = Informer(LOCAL, scribe, Slot(), Peer(), "locked", lambda _event: None, failed.put_nowait)
        try:
            await scribe.commit([Event("card", "removed", lambda _seq: b"{}")], [], [])
            informer.inform(b.Inform(1, Topic.EVENTS), ready())
            async with asyncio.timeout(10):
                assert isinstance(await failed.get(), JournalError)
        finally:
            await scribe.close()

    asyncio.run(whole())


def test_whoever_still_gathers_at_the_end_gathers_for_nobody(tmp_path):
    async def whole():
        scribe = await Scribe.open(tmp_path / "box.sqlite", dropped)
        said = []
        informer = Informer(LOCAL, scribe, Slot(), Peer(), "locked", said.append, said.append)
        informer.inform(b.Inform(1, Topic.EVENTS), ready())
        informer.close()
        await asyncio.gather(*informer._work, return_exceptions=True)
        assert said == []
        await scribe.close()

    asyncio.run(whole())


def test_about_and_the_checks(tmp_path):
    async def story(ask, _scribe, _informer):
        about = await ask(Topic.ABOUT, ready())
        assert isinstance(about, AboutBox)
        assert (about.device, about.memory, about.package) == ("cabinet-1", "locked", package_sha256())
        assert await ask(Topic.SELFTEST, ready()) == b.Checks(clock=True, memory="locked")

    telling(tmp_path, story)


# --- the package ------------------------------------------------------------------------------------------------------


def test_the_fingerprint_is_the_one_a_shell_works_out(tmp_path):
    (tmp_path / "sub" / "__pycache__").mkdir(parents=True)
    for name, text in (("a.py", b"one"), ("Z.toml", b""), ("sub/b b.py", b"two\n"), ("sub/__pycache__/c.pyc", b"no")):
        (tmp_path / name).write_bytes(text)
    command = "find . -type f ! -path '*/__pycache__/*' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum"
    shell = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True, text=True)
    assert package_sha256(tmp_path) == shell.stdout.split()[0]


def test_the_fingerprint_tells_two_versions_apart(tmp_path):
    found = set()
    for number, text in enumerate((b"one", b"two")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a.py").write_bytes(text)
        found.add(package_sha256(folder))
    assert len(found) == 2
    assert hashlib.sha256(b"").hexdigest() not in found


# --- settings ---------------------------------------------------------------------------------------------------------


def set_up(tmp_path, *kept, text=""):
    async def whole():
        scribe = await Scribe.open(tmp_path / "box.sqlite", dropped)
        try:
            for name, value in kept:
                await scribe.keep(name, value)
            return await preferred(parse('[device]\nid = "cabinet-1"\n' + text), scribe)
        finally:
            await scribe.close()

    return asyncio.run(whole())


def test_the_configuration_says_how_a_box_begins(tmp_path):
    assert set_up(tmp_path) == Settings("fr", 3, sound=True)
    assert set_up(tmp_path, text=SETTINGS) == Settings("en", 2, sound=False)


def test_what_was_chosen_on_the_box_outlives_a_restart_and_the_configuration(tmp_path):
    set_up(tmp_path, ("language", "fr"), ("contrast", "4"), ("contrast", "1"), ("sound", "on"))
    assert set_up(tmp_path, text=SETTINGS) == Settings("fr", 1, sound=True)


def test_what_is_kept_and_no_option_is_said_and_passed_over(tmp_path, caplog):
    assert set_up(tmp_path, ("contrast", "9"), ("language", "de"), text=SETTINGS) == Settings("en", 2, sound=False)
    assert [record.getMessage().split()[0] for record in caplog.records] == ["language", "contrast"]


@pytest.mark.parametrize("bad", ['language = "de"', "contrast = 0", "contrast = 5", 'contrast = "3"'])
def test_a_setting_that_is_none_is_refused_in_the_configuration(bad):
    with pytest.raises(ConfigError, match=bad.split()[0]):
        parse(f'[device]\nid = "cabinet-1"\n[display]\n{bad}\n')
