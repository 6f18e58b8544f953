"""Card work as the flow orders it, composed of driver scripts.

What it is: one ``Task`` a document: the message, its script, its verified result. What it is not: the reader (pcsc.py).
Rule: one ``Sign`` is one script in one transaction, with at most one VERIFY; the message that was signed is verified
with the card's certificate before anything of it leaves (design §4, walk ii).
"""

from dataclasses import dataclass

from appliance.card.identity import CardIdentity, Driver
from appliance.card.script import Script
from appliance.contract.replies import JwsResult, RawResult, Result
from appliance.errors import CardReset
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
        if tries is None:
            return (yield from driver.sign(layout, self.message, selected=False))
        if (yield from driver.tries_left(layout)) != tries:
            raise CardReset("the counter moved since it was shown")
        yield from driver.verify(layout)
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
