"""Chains of certificates: from one of a card up to an authority that is trusted.

What it is: path building and what such chains need of RFC 5280 §6.1: names, signatures, CA flag, path length,
keyCertSign, validity, critical extensions. What it is not: a store (vault/trust.py), revocation, or a policy of use.
Rule: any bytes give a ``Judgement``, never an error; depth and the number of signatures looked at are bounded.

What is refused rather than half done: name constraints, policy constraints, signatures by SHA-1 or older, RSA keys of
an issuer below 2048 bits. Why no library does this here: docs/decisions/0010-trust.md.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from appliance.card.chain_link import Link, read_link
from appliance.errors import CardDataMalformed

Result = Literal["good", "untrusted", "expired", "not-yet-valid", "unknown"]
"""What a chain is worth; ``unknown``: it is complete, but nobody here knows the time."""

MAX_LENGTH: Final = 6
"""Certificates in a chain, the card's and the root included; IGC-Santé has 3 (card-reference §7.1)."""
MAX_CHECKS: Final = 64
"""Signatures looked at for one certificate; a chain of 3 needs 2."""


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """What a certificate is worth. ``root`` is the trusted one, None when untrusted; ``reason`` is for the log."""

    result: Result
    root: Link | None = None
    test: bool = False
    """A test authority is in the chain."""
    reason: str = ""


def judge(
    der: bytes, authorities: Sequence[Link], moment: dt.datetime | None, key_end: dt.datetime | None = None
) -> Judgement:
    """What the certificate ``der`` is worth at ``moment`` (aware; None: the time is not known).

    Of several chains the best counts, a production one before a test one. ``authorities`` are roots and what stands
    below them, in any order; only a self-signed one is the end of a chain. ``key_end`` is the end of
    PrivateKeyUsagePeriod: whoever judges a key that signs gives it, and past it the answer is ``expired``.
    """
    try:
        leaf = read_link(der)
    except CardDataMalformed as error:
        return Judgement("untrusted", reason=str(error))
    if leaf.odd:
        return Judgement("untrusted", reason=_oddity(leaf))
    walk = _Walk(authorities)
    best: Judgement | None = None
    for path in walk.up((leaf,)):
        judged = _standing(path, moment, key_end)
        if best is None or _rank(judged) < _rank(best):
            best = judged
        if _rank(best) == _BEST:
            break
    return best or Judgement("untrusted", reason=walk.reason)


class _Walk:
    """One search upwards; ``reason`` is why the last candidate fell."""

    def __init__(self, authorities: Sequence[Link]) -> None:
        self._authorities = authorities
        self._checks = 0
        self.reason = "no authority in the store issued it"

    def up(self, path: tuple[Link, ...]) -> Iterator[tuple[Link, ...]]:
        """Every chain that begins with ``path`` and ends at a root."""
        last = path[-1]
        if last.root and len(path) > 1:
            yield path
            return
        if len(path) == MAX_LENGTH:
            self.reason = "a chain longer than any known"
            return
        seen = {link.fingerprint for link in path}
        named = (link for link in self._authorities if link.subject == last.issuer and link.fingerprint not in seen)
        for candidate in sorted(named, key=lambda link: link.key_id != last.issuer_key_id):
            refusal = self._refusal(path, candidate)
            if refusal:
                self.reason = refusal
            else:
                yield from self.up((*path, candidate))

    def _refusal(self, path: tuple[Link, ...], issuer: Link) -> str | None:
        """Why ``issuer`` does not stand above ``path``; None when it does."""
        if not issuer.authority or not issuer.may_sign:
            return "the issuer is no authority"
        if issuer.odd:
            return _oddity(issuer)
        below = sum(not link.self_issued for link in path[1:])
        if issuer.path_length is not None and below > issuer.path_length:
            return "more authorities in the chain than one of them allows"
        if issuer.key is None or not path[-1].seal.strong:
            return "a key or a hash too weak or unknown"
        self._checks += 1
        if self._checks > MAX_CHECKS:
            return "too many candidates"
        return None if path[-1].seal.by(issuer.key) else "a signature that does not verify"


def _standing(path: tuple[Link, ...], moment: dt.datetime | None, key_end: dt.datetime | None) -> Judgement:
    """The validity of every certificate of a whole chain."""
    ends = [link.not_after for link in path] + ([key_end] if key_end else [])
    result: Result = "good"
    if moment is None:
        result = "unknown"
    elif any(moment > end for end in ends):
        result = "expired"
    elif any(moment < link.not_before for link in path):
        result = "not-yet-valid"
    return Judgement(result, path[-1], any(link.test for link in path), "the time is not known" if not moment else "")


_BEST: Final = (False, False)


def _rank(judged: Judgement) -> tuple[bool, bool]:
    """Smaller is better."""
    return judged.result not in {"good", "unknown"}, judged.test


def _oddity(link: Link) -> str:
    return f"an extension that nobody here processes: {', '.join(link.odd)}"
