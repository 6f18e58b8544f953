"""What a card's certificate is worth on this box, and what that lets it do.

What it is: the trust directory in memory, read again when it changed; the judgement by the box's own clock; the table
of uses and the results each accepts (``[trust]`` of the configuration). What it is not: chain building (card/chain.py)
or files (trust_files.py). Rule: whoever is not in the store is untrusted; test authorities count only when the
configuration says so; no result but those the configuration names opens a use.
"""

import logging
from collections.abc import Mapping
from typing import Final, Literal

from appliance import config_tables
from appliance.card.certificate import Certificate
from appliance.card.chain import Judgement, Result, judge
from appliance.card.chain_link import Link
from appliance.vault import clock
from appliance.vault.trust_files import Stamp, read_store, stamp

log = logging.getLogger(__name__)

Use = Literal["sign", "authenticate", "door"]

BARS: Final[Mapping[Result, str]] = {
    "good": "certificate-invalid",  # never asked for: every use accepts it
    "untrusted": "certificate-invalid",
    "expired": "card-expired",
    "not-yet-valid": "certificate-invalid",
    "unknown": "clock-unset",
}
"""Why a use is refused, as a code of the contract (contract, *Requests*)."""


class Trust:
    """The store of one box. ``judge_signer`` reads files and computes: not for the event loop."""

    def __init__(self, settings: config_tables.Trust) -> None:
        self._directory, self._test = settings.directory, settings.test
        self._uses: Mapping[Use, frozenset[str]] = {
            "sign": settings.sign,
            "authenticate": settings.authenticate,
            "door": settings.door,
        }
        self._stamp: Stamp | None = None
        self._authorities: tuple[Link, ...] = ()

    def authorities(self) -> tuple[Link, ...]:
        """Those that count, as the files are now."""
        now = stamp(self._directory)
        if now != self._stamp:
            contents = read_store(self._directory)
            for file, problem in contents.damaged:
                log.warning("trust: %s does not count: %s", file, problem)
            self._authorities = tuple(entry.link for entry in contents.entries if self._test or not entry.link.test)
            self._stamp = now
            log.info("trust: %d of %d authorities count", len(self._authorities), len(contents.entries))
        return self._authorities

    def judge_signer(self, certificate: Certificate) -> Judgement:
        """A signature certificate now; the end of its key's own period is its end."""
        now = clock.wall()
        judged = judge(
            certificate.der, self.authorities(), now if clock.believable(now) else None, certificate.key_not_after
        )
        log.info("trust: the card is %s%s", judged.result, f": {judged.reason}" if judged.reason else "")
        return judged

    def bars(self, use: Use, result: Result) -> str | None:
        """The contract's code for what keeps a certificate from ``use``; None when nothing does."""
        return None if result in self._uses[use] else BARS[result]
