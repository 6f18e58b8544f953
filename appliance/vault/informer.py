"""What the pages on the display tell: facts from the box, its configuration, the card in memory and the journal.

What it is: one gatherer a topic. What it is not: words or layout (screen/facts.py). Rule: nothing is read from a card
for it; no number of a holder, no name in an event; each ``Inform`` ends in one ``Informed`` with its ticket.
"""

import asyncio
import datetime as dt
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import msgspec

from appliance import __version__
from appliance.card.identity import CardIdentity
from appliance.config import Config
from appliance.config_tables import Mqtt
from appliance.contract import VERSION
from appliance.errors import JournalError
from appliance.screen.kinds_menu import AboutBox, CardIn, Facts, Happening, Happenings, Network
from appliance.vault import box as b
from appliance.vault import clock
from appliance.vault.box import Box, Topic
from appliance.vault.journal import Row
from appliance.vault.package import package_sha256
from appliance.vault.scribe import Scribe

log = logging.getLogger(__name__)

LATEST: Final = 10
"""Public events that are shown."""


class Slot(Protocol):
    """The reader side of the vault, as ``vault.cards`` has it."""

    @property
    def found(self) -> CardIdentity | None:
        """The card in, as read."""


class Peer(Protocol):
    """The gateway's side, as ``vault.carrier`` has it."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The box's own addresses."""


class _Told(msgspec.Struct, frozen=True):
    """What is read of a CloudEvent that we wrote ourselves."""

    time: dt.datetime


class Informer:
    """Gathers facts beside the loop's turn.

    Args:
        config: the box's.
        scribe: the journal.
        slot: the card in memory.
        peer: whom the addresses come from.
        memory: the kind that holds digits.
        post: takes each ``Informed``.
        fail: takes a fault of ours, or of the journal.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - four sources and two ways out
        self,
        config: Config,
        scribe: Scribe,
        slot: Slot,
        peer: Peer,
        memory: str,
        post: Callable[[b.Event], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._config = config
        self._scribe = scribe
        self._slot = slot
        self._peer = peer
        self._memory = memory
        self._post = post
        self._fail = fail
        self._since = ""
        self._work: set[asyncio.Task[None]] = set()

    def note_link(self) -> None:
        """The broker came or went just now."""
        self._since = clock.label(clock.wall())

    def inform(self, order: b.Inform, box: Box) -> None:
        """Gather what ``order`` asks of ``box`` as it is now; the answer is posted."""
        task = asyncio.get_running_loop().create_task(self._answer(order, box))
        self._work.add(task)
        task.add_done_callback(self._ended)

    def close(self) -> None:
        """Whoever still gathers gathers for nobody."""
        for task in self._work:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    async def _answer(self, order: b.Inform, box: Box) -> None:
        self._post(b.Informed(order.ticket, await self._gather[order.topic](self, box)))

    async def _network(self, box: Box) -> Facts:
        mqtt = self._config.mqtt
        return Network(
            broker=mqtt.host,
            own=_is_own(mqtt),
            encrypted=mqtt.encrypted,
            up=box.link,
            since=self._since,
            device=self._config.device.id,
            addresses=self._peer.addresses,
        )

    async def _card(self, box: Box) -> Facts:
        card, found = box.card, self._slot.found
        if card is None:
            raise AssertionError(box.state)  # the menu offers it for a card that is in (``flow_menu.MENU``)
        until = found.signature.not_after if found else None
        return CardIn(
            name=card.name,
            profession=card.profession,
            kind=(found.holder.card_type or "") if found else "",
            family=card.family,
            until="" if until is None else until.astimezone().strftime("%d/%m/%Y"),
            tries=card.tries,
            puk=card.puk,
            puk_tries=card.puk_tries,
            trust=card.trust,
            test=card.test,
        )

    async def _events(self, _box: Box) -> Facts:
        last = await self._scribe.last_seq()
        rows = await self._scribe.pending(max(0, last - LATEST), LATEST)
        return Happenings(tuple(_happening(row) for row in reversed(rows)))

    async def _about(self, _box: Box) -> Facts:
        package = await asyncio.to_thread(package_sha256)
        return AboutBox(__version__, VERSION, self._config.device.id, self._memory, package)

    async def _checks(self, _box: Box) -> b.Checks:
        return b.Checks(clock.believable(clock.wall()), self._memory)

    _gather: Final[Mapping[Topic, Callable[["Informer", Box], Awaitable[Facts | b.Checks]]]] = {
        Topic.NETWORK: _network,
        Topic.CARD: _card,
        Topic.EVENTS: _events,
        Topic.ABOUT: _about,
        Topic.SELFTEST: _checks,
    }


def _is_own(mqtt: Mqtt) -> bool:
    """Whether the broker runs on the box itself."""
    try:
        return ipaddress.ip_address(mqtt.host).is_loopback
    except ValueError:
        return mqtt.host == "localhost"


def _happening(row: Row) -> Happening:
    """An event of the journal for the display: when, and which; nothing of its data."""
    try:
        time = msgspec.json.decode(row.payload, type=_Told).time.astimezone()
    except msgspec.MsgspecError as error:
        raise JournalError("the journal holds an event that is none") from error
    return Happening(time.strftime("%d/%m"), time.strftime("%H:%M"), f"{row.domain}/{row.name}")
