"""Every error the appliance raises on purpose.

What it is: the whole tree, in one file, drawn below. What it is not: a place for logic.
Rule: each leaf has a stable ``code``; where a leaf answers practice software, the code is the one of the
contract (contract.md, *Requests*). Messages never hold a PIN, a name or an RPPS number.

::

    ApplianceError
    +-- ConfigError               config-invalid
    +-- CardError
    |   +-- CardRemoved           card-removed
    |   +-- CardMute              card-mute
    |   +-- CardReset             card-reset              another program reset the card
    |   +-- CardUnsupported       card-unsupported
    |   +-- CardDataMalformed     card-data-malformed     TLV, PKCS#15, X.509 read from a card
    |   +-- CommandRefused        card-refused            a status word nobody expected (.sw)
    |   +-- PinWrong              pin-wrong               (.tries_left)
    |   +-- PinBlocked            pin-blocked
    |   +-- PukWrong              puk-wrong               (.tries_left) the code de déblocage
    |   +-- PukBlocked            puk-blocked             no unblocking any more: the card must be replaced
    |   +-- UpdateInterrupted     card-update-interrupted EF_ACTUA: an update of the card was begun and not ended
    |   +-- CertificateInvalid    certificate-invalid
    |   +-- SignatureInvalid      signature-invalid       the card's signature does not verify
    |   `-- OutcomeUnknown        outcome-unknown         a signature command left, no answer came
    +-- ReaderError
    |   +-- ReaderAbsent          reader-absent
    |   `-- ReaderBusy            reader-busy
    +-- SecretError               secret-unavailable      the locked page cannot be had or is misused
    +-- DisplayAbsent             display-absent
    +-- KeypadFault               keypad-fault
    +-- TextNotDrawable           text-not-drawable       a character outside the glyph atlas
    +-- RequestError
    |   +-- Malformed             malformed
    |   +-- SchemaInvalid         schema-invalid
    |   +-- UnsupportedVersion    unsupported-version
    |   +-- NotAllowed            not-allowed
    |   +-- IdReused              id-reused
    |   `-- TooLarge              too-large               (.limit)
    +-- LinkError                 link-broken             the other process broke the link's rules
    +-- JournalError              journal-fault
    `-- SimulatorError            simulator-fault         never raised by the shipped services
"""

from typing import ClassVar


class ApplianceError(Exception):
    """Root of the tree. ``code`` is stable and safe to log."""

    code: ClassVar[str] = "internal"


class ConfigError(ApplianceError):
    """The configuration cannot be used; the message names file and line."""

    code = "config-invalid"


class CardError(ApplianceError):
    """Something between the box and a card."""

    code = "internal"


class CardRemoved(CardError):
    """The card left the reader."""

    code = "card-removed"


class CardMute(CardError):
    """The card gives no ATR or stopped answering."""

    code = "card-mute"


class CardReset(CardError):
    """Another program reset the card: what it knew, the PIN included, is gone."""

    code = "card-reset"


class CardUnsupported(CardError):
    """Not a card this box drives."""

    code = "card-unsupported"


class CardDataMalformed(CardError):
    """The card states something that cannot be parsed."""

    code = "card-data-malformed"


class CommandRefused(CardError):
    """A status word the driver has no rule for (ISO 7816-4 §5.6)."""

    code = "card-refused"

    def __init__(self, sw: int, step: str) -> None:
        super().__init__(f"{step}: status word {sw:04X}")
        self.sw = sw
        self.step = step


class PinWrong(CardError):
    """VERIFY answered 63Cx."""

    code = "pin-wrong"

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


class PinBlocked(CardError):
    """VERIFY answered 6983 or 6984, or no try is left."""

    code = "pin-blocked"


class PukWrong(CardError):
    """VERIFY of the code de déblocage answered 63Cx."""

    code = "puk-wrong"

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


class PukBlocked(CardError):
    """The code de déblocage takes no try, or has no use left: the card must be replaced (card-reference §5)."""

    code = "puk-blocked"


class UpdateInterrupted(CardError):
    """EF_ACTUA holds a beginning without an end: the card must not be used (card-reference §2.2)."""

    code = "card-update-interrupted"


class CertificateInvalid(CardError):
    """The certificate cannot serve for what is asked."""

    code = "certificate-invalid"


class SignatureInvalid(CardError):
    """The signature of the card does not verify with the card's certificate."""

    code = "signature-invalid"


class OutcomeUnknown(CardError):
    """A signature command was sent and its answer never came: it may exist."""

    code = "outcome-unknown"


class ReaderError(ApplianceError):
    """Something between the box and its reader."""

    code = "internal"


class ReaderAbsent(ReaderError):
    """No reader, or pcscd is away."""

    code = "reader-absent"


class ReaderBusy(ReaderError):
    """Another program holds the card."""

    code = "reader-busy"


class SecretError(ApplianceError):
    """The locked page cannot be had, or was asked for what it never does."""

    code = "secret-unavailable"


class DisplayAbsent(ApplianceError):
    """The display does not answer on its bus."""

    code = "display-absent"


class KeypadFault(ApplianceError):
    """A stuck key or a ghost: no PIN entry."""

    code = "keypad-fault"


class TextNotDrawable(ApplianceError):
    """A text holds a character the screen cannot show faithfully."""

    code = "text-not-drawable"


class RequestError(ApplianceError):
    """A request of practice software is refused before it is opened."""

    code = "malformed"


class Malformed(RequestError):
    """Not JSON as the contract wants it."""

    code = "malformed"


class SchemaInvalid(RequestError):
    """JSON, but not of the verb's shape."""

    code = "schema-invalid"


class UnsupportedVersion(RequestError):
    """``v`` is not a version this box speaks."""

    code = "unsupported-version"


class NotAllowed(RequestError):
    """The client has no right to this."""

    code = "not-allowed"


class IdReused(RequestError):
    """The id belongs to another request of the same client."""

    code = "id-reused"


class TooLarge(RequestError):
    """A size limit of the contract is passed; the message names it."""

    code = "too-large"

    def __init__(self, limit: int, what: str) -> None:
        super().__init__(f"{what}: at most {limit} bytes")
        self.limit = limit


class LinkError(ApplianceError):
    """A malformed line, an unknown type, an oversized line, or the peer went away."""

    code = "link-broken"


class JournalError(ApplianceError):
    """The SQLite file cannot be opened, read or trusted."""

    code = "journal-fault"


class SimulatorError(ApplianceError):
    """The desk cannot play the outside world as asked."""

    code = "simulator-fault"
