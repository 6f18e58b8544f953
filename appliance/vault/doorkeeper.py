"""Whether a card may open the door: its holder, the hour, the authentication certificate; and the challenge it signs.

What it is: ``[door]`` and ``[trust] door`` of the configuration over the box's own clock, store and randomness. What it
is not: the rules themselves (hours.py, card/chain.py), the order of things (flow_door.py) or the relay (signals.py).
Rule: the first thing that stands against a card is what is said; nothing here asks for a code.
"""

import logging
import secrets

from appliance import config_tables
from appliance.card.certificate import Certificate
from appliance.signing.challenge import NONCE, Challenge
from appliance.vault import clock, hours
from appliance.vault.box import DoorRule
from appliance.vault.trust import Trust

log = logging.getLogger(__name__)


class Doorkeeper:
    """The door of the box ``device``."""

    def __init__(self, device: str, door: config_tables.Door, trust: Trust) -> None:
        self._device = device
        self._door = door
        self._trust = trust

    def refusal(self, holder: str, certificate: Certificate) -> str | None:
        """Why the card of ``holder``, a pseudonym, with this authentication certificate may not open now.

        Reads files and computes: not for the event loop.
        """
        if not self._door.enabled:
            return "door-absent"
        now = clock.wall()
        local = now.astimezone() if clock.believable(now) else None
        code = hours.refusal(self._door.admit, self._door.hours, holder, local)
        return code or self._trust.bars("door", self._trust.judge_signer(certificate).result)

    def challenge(self) -> Challenge:
        """A fresh one: never asked twice."""
        return Challenge(self._device, secrets.token_bytes(NONCE))


def door_rule(door: config_tables.Door) -> DoorRule | None:
    """How the flow treats the door; None when this box opens none."""
    if not door.enabled:
        return None
    if door.presence_only:
        log.warning("[door] presence_only: the door opens by a card's public data, which can be copied: weak")
    return DoorRule(door.presence_only, door.at_insertion)
