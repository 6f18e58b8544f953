"""A card spoken to without the box: what the command line needs of PC/SC, and no more.

What it is: what lies in the readers, asked once, and one shared connection for the length of a script. What it is not:
the box's card thread (pcsc.py): it has no locked page, so that no PIN can pass here. Rule: the card is left as it was
found; a box that holds its reader is told as ReaderBusy and not disturbed.
"""

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from smartcard import scard

from appliance.card.apdu import SecretCommand
from appliance.errors import CardMute
from appliance.vault.pcsc_calls import STATUS_WORD, check, list_readers

SETTLE_MS = 500
"""How long an empty reader may still say that it has a card."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A reader and what lies in it: ``atr`` is None without a card, empty for a card that gave none."""

    reader: str
    atr: bytes | None


def slots() -> list[Slot]:
    """Every reader pcscd has, in its order.

    Raises:
        ReaderAbsent: pcscd is away.
    """
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    check(result)
    try:
        readers = list_readers(context)
        if not readers:
            return []
        result, states = scard.SCardGetStatusChange(context, 0, [(name, scard.SCARD_STATE_UNAWARE) for name in readers])
        check(result)
        if not any(state & scard.SCARD_STATE_PRESENT for _, state, _ in states):
            # A reader that was asked while it powers a card up or down may say for a moment that there is none.
            known = [(name, state & ~scard.SCARD_STATE_CHANGED) for name, state, _ in states]
            result, later = scard.SCardGetStatusChange(context, SETTLE_MS, known)
            states = later if result == scard.SCARD_S_SUCCESS else states
        return [Slot(name, _atr(state, bytes(atr))) for name, state, atr in states]
    finally:
        scard.SCardReleaseContext(context)


def _atr(state: int, atr: bytes) -> bytes | None:
    if not state & scard.SCARD_STATE_PRESENT:
        return None
    return b"" if state & scard.SCARD_STATE_MUTE else atr


class Direct:
    """A shared connection to the card in one reader, in one transaction; a context manager.

    Raises:
        ReaderBusy: another program, the box's service for one, holds the card.
        ReaderAbsent, CardRemoved, CardMute, CardReset: as PC/SC says.
    """

    def __init__(self, reader: str) -> None:
        self._reader = reader
        self._context = 0
        self._card = 0
        self._protocol = scard.SCARD_PROTOCOL_T0

    def __enter__(self) -> Self:
        result, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
        check(result)
        try:
            result, self._card, self._protocol = scard.SCardConnect(
                self._context,
                self._reader,
                scard.SCARD_SHARE_SHARED,
                scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
            )
            check(result)
            check(scard.SCardBeginTransaction(self._card))
        except BaseException:
            scard.SCardReleaseContext(self._context)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Refused for a card that is gone: there is nothing to undo then.
        scard.SCardEndTransaction(self._card, scard.SCARD_LEAVE_CARD)
        scard.SCardDisconnect(self._card, scard.SCARD_LEAVE_CARD)
        scard.SCardReleaseContext(self._context)

    @property
    def t1(self) -> bool:
        """Whether the card speaks T=1."""
        return bool(self._protocol == scard.SCARD_PROTOCOL_T1)

    def transmit(self, command: bytes | SecretCommand) -> bytes:
        """One command and its answer.

        Raises:
            CardRemoved, CardMute, CardReset, ReaderAbsent: as PC/SC says.
        """
        if isinstance(command, SecretCommand):
            raise TypeError("no secret passes here")
        pci = scard.SCARD_PCI_T1 if self.t1 else scard.SCARD_PCI_T0
        result, answer = scard.SCardTransmit(self._card, pci, list(command))
        if result & 0xFFFFFFFF == scard.SCARD_E_NOT_TRANSACTED & 0xFFFFFFFF:
            raise CardMute("no answer")
        check(result)
        if len(answer) < STATUS_WORD:
            raise CardMute("no answer")
        return bytes(answer)
