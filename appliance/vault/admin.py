"""What the vault tells the installer's command line on the admin socket.

What it is: one answer for each question of ``link.messages.FromAdmin``, from the box as it stands. What it is not: a
way to a card: nothing is read for an answer; the one thing an admin may change is the flow's (``Rearmed``). Rule: only
what needs no secret of the person, and nothing of it in a log.
"""

import datetime as dt
from typing import Protocol

import msgspec

from appliance import __version__
from appliance.card.identity import CardIdentity
from appliance.config import Config
from appliance.link import messages as link
from appliance.vault import clock
from appliance.vault.box import Box, Case
from appliance.vault.scribe import Scribe

UNARMED = {Case.OPEN: "tamper-open", Case.ABSENT: "tamper-absent"}
"""The case -> why the box cannot be armed."""


class Slot(Protocol):
    """The reader side of the vault, as ``vault.cards`` has it."""

    @property
    def found(self) -> CardIdentity | None:
        """The card in, as read."""

    @property
    def reader(self) -> str | None:
        """Our reader's name at pcscd."""

    @property
    def atr(self) -> bytes:
        """The ATR of what is in; empty without a card, or for a card that gave none."""


class Admin:
    """Answers questions about a running vault."""

    def __init__(self, config: Config, scribe: Scribe, slot: Slot, memory: str) -> None:
        self._config = config
        self._scribe = scribe
        self._slot = slot
        self._memory = memory

    async def answer(self, question: link.FromAdmin, box: Box) -> link.ToAdmin:
        """The answer to one question."""
        match question:
            case link.AskCard():
                return self.card(box)
            case link.AskCase() | link.RearmCase():
                return self.case(box, arming=isinstance(question, link.RearmCase))
        return await self.status(box)

    async def status(self, box: Box) -> link.BoxStatus:
        """How the box is."""
        return link.BoxStatus(
            version=__version__,
            device=self._config.device.id,
            boot_id=self._scribe.boot_id,
            screen=box.state.value,
            reader=box.reader,
            card=box.inserted is not None,
            display=box.display,
            keypad=box.keypad,
            broker=box.link,
            tamper=box.case.value,
            requests=self._config.mqtt.requests,
            memory=self._memory,
            last_seq=await self._scribe.last_seq(),
            acknowledged=await self._scribe.acknowledged(),
        )

    def case(self, box: Box, *, arming: bool) -> link.BoxCase:
        """The case; for ``arming``, after the flow took the wish, whether it could be granted."""
        return link.BoxCase(box.case.value, UNARMED.get(box.case) if arming else None)

    def card(self, box: Box) -> link.BoxCard:
        """The card in, as it was read when it came; its counters as last read."""
        slot, found = self._slot, self._slot.found
        fault = _fault(box)
        if fault is None and found is not None and box.card is not None:
            told = tell_card(found, reader=slot.reader, atr=slot.atr, tries=box.card.tries)
            card = box.card
            return msgspec.structs.replace(told, unblock_tries_left=card.puk_tries, trust=card.trust, test=card.test)
        return link.BoxCard(fault=fault or "card-reading", reader=slot.reader, atr=slot.atr.hex().upper())


def _fault(box: Box) -> str | None:
    """Why there is no card to tell of; None when there is one, or while it is read."""
    if not box.reader:
        return box.fault or "reader-absent"
    return box.fault if box.inserted is not None else "card-absent"


def tell_card(found: CardIdentity, *, reader: str | None, atr: bytes, tries: int | None) -> link.BoxCard:
    """A card that was read, in the words of the link, its trust not judged.

    ``tries``: its counter, None where it is not known.
    """
    certificate, holder = found.signature, found.holder
    return link.BoxCard(
        fault=None,
        reader=reader,
        atr=atr.hex().upper(),
        family=found.family,
        serial=found.serial,
        number=None if certificate.card is None else certificate.card.rpartition("/")[2],
        kind=holder.card_type,
        holder=holder.name or holder.pseudonym,
        structure=holder.structure,
        profession=holder.activity or None,
        specialties=holder.specialty_labels,
        rpps=holder.rpps,
        adeli=holder.adeli,
        test=holder.test,
        valid_from=_moment(certificate.not_before),
        valid_until=_moment(certificate.not_after),
        signs_until=_moment(certificate.key_not_after),
        tries_left=tries,
        unblock_tries_left=found.puk_tries_left,
    )


def _moment(moment: dt.datetime | None) -> str | None:
    return None if moment is None else clock.timestamp(moment)
