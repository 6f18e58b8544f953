"""Whose card is in a reader: asked of the running box, or read here.

What it is: which of the two ways, and the reading. What it is not: words (card_words.py) or options (card.py).
Rule: a box that runs holds its reader, and is asked; a reader named by hand is read here, unless the box holds it.
A patient's card is known by its ATR and never spoken to.
"""

import asyncio
from pathlib import Path
from typing import TypeVar

import msgspec

from appliance.card.certificate import Certificate
from appliance.card.identity import Known
from appliance.card.models import Model, classify, identify
from appliance.card.script import Script, play
from appliance.config import DEFAULT_PATH, Config, load
from appliance.config_tables import Trust as TrustSettings
from appliance.errors import ApplianceError, LinkError, ReaderAbsent, ReaderBusy
from appliance.link.messages import AskCard, BoxCard
from appliance.status import ask_vault
from appliance.tools.trace import Trace
from appliance.vault.admin import tell_card
from appliance.vault.pcsc_direct import Direct, slots
from appliance.vault.trust import Trust

T = TypeVar("T")


def look(reader: str | None, config: Path) -> BoxCard:
    """The card in ``reader``, or in the first that has one.

    Raises:
        ConfigError: there is a configuration, and it cannot be used.
        LinkError: the box's answer makes no sense.
    """
    settings = None if config == DEFAULT_PATH and not config.exists() else load(config)
    if reader is None:
        return _of_box(settings) or _read(None, settings)
    told = _read(reader, settings)
    if told.fault == ReaderBusy.code and (held := _of_box(settings)) is not None and held.reader == told.reader:
        return held
    return told


def find(reader: str | None) -> BoxCard:
    """What lies in the reader that is meant; without ``fault`` a card to read, of which only the ATR is known."""
    try:
        every = slots()
    except ReaderAbsent:
        return BoxCard(fault=ReaderAbsent.code)
    named = [slot for slot in every if reader is None or reader in slot.reader]
    if not named:
        return BoxCard(fault=ReaderAbsent.code)
    exact = [slot for slot in named if slot.reader == reader]
    slot = next((slot for slot in exact or named if slot.atr is not None), None)
    if slot is None or slot.atr is None:
        return BoxCard(fault="card-absent", reader=named[0].reader)
    fault = "card-mute" if not slot.atr else ("patient-card" if classify(slot.atr) is Model.VITALE else None)
    return BoxCard(fault=fault, reader=slot.reader, atr=slot.atr.hex().upper())


def work(slot: BoxCard) -> Script[Known]:
    """What reads the card of ``find``, as the box does with a card it sees for the first time.

    Raises:
        CardUnsupported: no driver for it; nothing is sent to it.
    """
    return identify(classify(bytes.fromhex(slot.atr)), {})


class Read:
    """Scripts played on one connection, each a step of ``trace`` when there is one."""

    def __init__(self, connection: Direct, trace: Trace | None = None) -> None:
        self._connection = connection
        self._trace = trace

    def play(self, step: str, script: Script[T]) -> T:
        """One script's value.

        Raises:
            ApplianceError: of the script or of the reader.
        """
        if self._trace is None:
            return play(script, self._connection.transmit, t1=self._connection.t1)
        self._trace.step(step)
        return play(script, self._trace.through(self._connection.transmit), t1=self._connection.t1)


def _read(reader: str | None, settings: Config | None) -> BoxCard:
    slot = find(reader)
    if slot.fault is not None:
        return slot
    atr = bytes.fromhex(slot.atr)
    try:
        script = work(slot)
        with Direct(slot.reader or "") as connection:
            identity = Read(connection).play("identify", script).identity
    except ApplianceError as error:
        return BoxCard(fault=error.code, reader=slot.reader, atr=slot.atr)
    told = tell_card(identity, reader=slot.reader, atr=atr, tries=identity.tries_left)
    return _judged(told, identity.signature, settings.trust if settings else TrustSettings())


def _judged(told: BoxCard, certificate: Certificate, settings: TrustSettings) -> BoxCard:
    """With what the box's authorities make of the certificate; without any store nothing is known."""
    if not settings.directory.is_dir():
        return told
    judged = Trust(settings).judge_signer(certificate)
    return msgspec.structs.replace(told, trust=judged.result, test=told.test or judged.test)


def _of_box(settings: Config | None) -> BoxCard | None:
    """What the box on this machine tells; None when none is configured here or none runs."""
    if settings is None:
        return None
    path = settings.paths.run / "admin.sock"
    try:
        answer = asyncio.run(ask_vault(path, AskCard()))
    except LinkError:
        return None
    if not isinstance(answer, BoxCard):
        raise LinkError(f"{path}: the vault answered something else")
    return answer
