"""Card work as the flow orders it, composed of driver scripts.

What it is: one ``Task`` a document (the message, its script, its verified result), and the scripts of the other orders
with a secret. What it is not: the reader (pcsc.py).
Rule: one order is one script in one transaction, with at most one try of a code; the message that was signed is
verified with the card's certificate before anything of it leaves (design §4, walk ii).
"""

from dataclasses import dataclass

from appliance.card.activity import Situation
from appliance.card.identity import CardIdentity, Driver
from appliance.card.layout import Layout
from appliance.card.script import Script
from appliance.contract.replies import JwsResult, RawResult, Result
from appliance.errors import CardMute, CardRemoved, CardReset, OutcomeUnknown, ReaderError
from appliance.signing import jws
from appliance.signing.verification import verify_signature
from appliance.vault.box import Ask


@dataclass(frozen=True, slots=True, repr=False)
class Task:
    """Document ``index`` of ``ask`` before the card ``card``."""

    ask: Ask
    index: int
    card: CardIdentity

    @property
    def message(self) -> bytes:
        """The bytes the card signs."""
        data = self.ask.request.documents[self.index].data
        return jws.signing_input(data, self.card.signature.der) if self.ask.request.format == "jws" else data

    def script(self, driver: Driver, tries: int | None) -> Script[bytes]:
        """Sign; with ``tries`` (the number the person saw) the PIN in the page is verified first.

        Raises:
            PinWrong, PinBlocked: VERIFY was refused.
            CardReset: somebody else used a try since the person saw the counter; no VERIFY was sent.
            OutcomeUnknown: the signature command left and no answer came.
            CardError: as the driver says.
        """
        layout = self.card.layout
        if tries is not None:
            yield from unmoved(driver.tries_left(layout), tries)
            yield from driver.verify(layout)
        # a document without a try follows another in a transaction that was held: nothing else was selected since
        return (yield from driver.sign(layout, self.message))

    def result(self, signature: bytes) -> Result:
        """What software gets for this document.

        Raises:
            SignatureInvalid: the signature does not verify with the card's certificate.
        """
        der, message = self.card.signature.der, self.message
        verify_signature(der, message, signature)
        shown = self.ask.consent.documents[self.index].shown
        if self.ask.request.format == "jws":
            return JwsResult(index=self.index, shown=shown, jws=jws.assemble(message, signature))
        return RawResult(index=self.index, shown=shown, signature=signature, certificate=der)


def unmoved(counter: Script[int], tries: int | None) -> Script[None]:
    """Read a counter once more, right before the try that the person agreed to at ``tries``.

    Raises:
        CardReset: somebody else used a try since; nothing secret was sent.
    """
    if (yield from counter) != tries:
        raise CardReset("the counter moved since it was shown")


def answered(script: Script[None]) -> Script[None]:
    """A script whose first command holds a code: once that has left, no answer is not the same as nothing done.

    Raises:
        OutcomeUnknown: card or reader went away before the last answer. CardError: what the card said.
    """
    try:
        yield from script
    except (CardRemoved, CardMute, CardReset, ReaderError) as error:
        raise OutcomeUnknown("no answer to an order with a code") from error


def change(driver: Driver, layout: Layout, tries: int | None) -> Script[None]:
    """The new PIN for the old one, both in the page: one try.

    Raises:
        PinWrong, PinBlocked: the old one was refused.
        CardReset: as ``unmoved``.
        OutcomeUnknown: as ``answered``: nobody knows which PIN the card has, or what became of the try.
        CardError: as the driver says.
    """
    yield from unmoved(driver.tries_left(layout), tries)
    yield from answered(driver.change(layout))


def unblock(driver: Driver, layout: Layout, tries: int | None) -> Script[None]:
    """A new PIN for the code de déblocage, both in the page: one try of the latter.

    Raises:
        PukWrong, PukBlocked: the code was refused.
        CardReset, OutcomeUnknown, CardError: as ``change``.
    """
    yield from unmoved(driver.puk_tries_left(layout), tries)
    yield from answered(driver.unblock(layout))


def prove(driver: Driver, layout: Layout, tries: int | None, digest: bytes) -> Script[bytes]:
    """The signature of the authentication key over a SHA-256 ``digest``, behind the PIN in the page: one try.

    A proof of which the answer was lost proves nothing and binds nobody: what went away is said, not that its outcome
    is unknown.

    Raises:
        PinWrong, PinBlocked, CardReset: as ``change``.
        CardError, ReaderError: as the driver says.
    """
    yield from unmoved(driver.tries_left(layout), tries)
    yield from driver.verify(layout)
    try:
        return (yield from driver.authenticate(layout, digest))
    except OutcomeUnknown as error:
        raise (error.__cause__ or error) from None


def read_situations(driver: Driver, layout: Layout, tries: int | None) -> Script[tuple[Situation, ...]]:
    """The practice situations behind the PIN in the page: one try.

    Raises:
        PinWrong, PinBlocked, CardReset: as ``change``.
        CardError: as the driver says.
    """
    yield from unmoved(driver.tries_left(layout), tries)
    yield from driver.verify(layout)
    return (yield from driver.situations(layout))
