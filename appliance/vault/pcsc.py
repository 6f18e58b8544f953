"""The card in the reader: pyscard's low level on a thread and a context of its own.

What it is: a thread that plays one card script at a time inside one PC/SC transaction. What it is not: knowledge of
cards (card/), a watcher (pcsc_watcher.py), or a decision (flow). Rule: a command that holds a secret goes from the
locked page to libpcsclite by address, never through a Python value.

libpcsclite locks a context for the length of a call, hence one context for waiting and one for talking
(library-facts §3.1).
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from smartcard import scard

from appliance.card.apdu import SecretCommand
from appliance.card.script import Script, Wire, wire
from appliance.errors import (
    ApplianceError,
    CardMute,
    CardRemoved,
    CardReset,
    OutcomeUnknown,
    PinBlocked,
    PinWrong,
    ReaderAbsent,
    ReaderBusy,
)
from appliance.secret import Secret
from appliance.vault.pcsc_calls import STATUS_WORD, check, transmit_page
from appliance.vault.pulse import BEAT, Pulse

T = TypeVar("T")

SETTLE_MS = 1_000
"""How long a command that failed waits to learn whether the card was pulled."""


class CardThread:
    """Plays card scripts, one at a time, on a connection of its own that lasts from the first script to removal."""

    def __init__(self, secret: Secret, *, shared: bool) -> None:
        self._secret = secret
        self._mode = scard.SCARD_SHARE_SHARED if shared else scard.SCARD_SHARE_EXCLUSIVE
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._context: int | None = None
        self._card: int | None = None
        self._held = False
        self._reader: str | None = None
        self._protocol = scard.SCARD_PROTOCOL_T0
        self.pulse = Pulse("card")
        self._thread = threading.Thread(target=self._run, name="pcsc-card", daemon=True)

    def start(self) -> None:
        """Begin to take scripts."""
        self._thread.start()

    def close(self) -> None:
        """Finish what is in hand, reset the card, end."""
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()

    def use(self, reader: str) -> "Future[None]":
        """From now on this reader's card is played on."""
        return self._put(lambda: self._use(reader))

    def play(self, script: Callable[[], Script[T]], *, hold: bool = False) -> "Future[T]":
        """Play one script in one transaction.

        With ``hold`` the transaction stays open after a success, for the next script or ``reset``: a verified PIN is
        never within reach of another program. After a failure the card is reset, unless it only refused the PIN.

        The future ends with the script's value or with an error of the tree: what the script raises, CardRemoved,
        CardMute, CardReset, ReaderBusy or ReaderAbsent.
        """
        return self._put(lambda: self._play(script(), hold=hold))

    def reset(self) -> "Future[None]":
        """Make the card forget the PIN, keeping the connection: not a removal."""
        return self._put(self._reset)

    def leave(self) -> "Future[None]":
        """Let go of a card that was removed, or of a reader that is away."""
        return self._put(self._drop)

    def _put(self, job: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    def _run(self) -> None:
        while (work := self._next()) is not None:
            job, future = work
            self.pulse.busy()
            try:
                future.set_result(job())
            except ApplianceError as error:
                if not isinstance(error, ReaderBusy):
                    self._forget(error)
                future.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - the caller must hear of our bugs; the thread lives on
                future.set_exception(error)
        self._drop()

    def _next(self) -> tuple[Callable[[], Any], Future[Any]] | None:
        while True:
            self.pulse.beat()
            try:
                return self._jobs.get(timeout=BEAT)
            except queue.Empty:
                continue

    def _forget(self, error: ApplianceError) -> None:
        """After a lost card, reader or daemon neither handle nor context is worth anything.

        With a context pcscd ends the thread that served it, and so the copy of a command that nothing came after.
        """
        if isinstance(error, (CardRemoved, CardMute, CardReset, ReaderAbsent, OutcomeUnknown)):
            self._drop()

    def _use(self, reader: str) -> None:
        self._disconnect()
        self._reader = reader

    def _connect(self) -> int:
        if self._card is not None:
            return self._card
        if self._reader is None:
            raise ReaderAbsent("no reader was chosen")
        if self._context is None:
            result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
            check(result)
            self._context = context
        result, card, self._protocol = scard.SCardConnect(
            self._context, self._reader, self._mode, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        )
        check(result)
        self._card = card
        return int(card)

    def _play(self, script: Script[T], *, hold: bool) -> T:
        try:
            self._begin()
            try:
                value = self._drive(wire(script, t1=self._protocol == scard.SCARD_PROTOCOL_T1))
            except (PinWrong, PinBlocked):  # the card has forgotten any PIN by itself
                self._let_go()
                raise
            # not so after PukWrong or PukBlocked: a PIN of before stands, and a code without a use left is verified
            except BaseException:
                self._disconnect() if hold else self._let_go()
                raise
            if not hold:
                self._let_go()
            return value
        finally:
            self._secret.wipe()  # however far it came, what was typed for this script serves no other

    def _begin(self) -> None:
        """Have the transaction; where another program has reset the card since our last one, over a new connection."""
        if self._held:
            return
        result = scard.SCardBeginTransaction(self._connect())
        if result & 0xFFFFFFFF == scard.SCARD_W_RESET_CARD & 0xFFFFFFFF:  # no PIN of ours was in it: nothing is lost
            self._disconnect(scard.SCARD_LEAVE_CARD)
            result = scard.SCardBeginTransaction(self._connect())
        check(result)
        self._held = True

    def _let_go(self) -> None:
        """End the transaction; with the card gone there is none, and the script has said so."""
        if self._held and self._card is not None:
            scard.SCardEndTransaction(self._card, scard.SCARD_LEAVE_CARD)
        self._held = False

    def _drive(self, commands: Wire[T]) -> T:
        """Send what the script yields; what the reader refuses is thrown into the script, which knows what it means."""
        try:
            command = next(commands)
            while True:
                try:
                    answer = self._transmit(command)
                except ApplianceError as error:
                    command = commands.throw(error)
                else:
                    command = commands.send(answer)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def _transmit(self, command: bytes | SecretCommand) -> bytes:
        self.pulse.busy()
        if isinstance(command, SecretCommand):
            with self._secret.command(command.header(), command.blocks) as (address, length):
                result, response = transmit_page(self._card, self._protocol, address, length)
        else:
            pci = scard.SCARD_PCI_T1 if self._protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0
            result, response = scard.SCardTransmit(self._card, pci, list(command))
        self._check_transmit(result, len(response))
        return bytes(response)

    def _check_transmit(self, result: int, length: int) -> None:
        """A command that failed at the reader: only the reader can say whether the card is still there.

        Drivers say it in two ways: NOT_TRANSACTED, or a success without a status word.
        """
        if result & 0xFFFFFFFF != scard.SCARD_E_NOT_TRANSACTED & 0xFFFFFFFF:
            check(result)
            if length >= STATUS_WORD:
                return
        raise CardRemoved("pulled during a command") if self._is_gone() else CardMute("no answer")

    def _is_gone(self) -> bool:
        """Whether the card has left; pcscd polls the slot, so it gets a moment to see what a command ran into."""
        known = scard.SCARD_STATE_UNAWARE
        for wait in (0, SETTLE_MS):
            _result, states = scard.SCardGetStatusChange(self._context, wait, [(self._reader, known)])
            known = states[0][1] & ~scard.SCARD_STATE_CHANGED
            if not known & scard.SCARD_STATE_PRESENT:
                return True
        return False

    def _reset(self) -> None:
        if self._card is None:
            return
        result = self._reset_card(self._card)
        if result == scard.SCARD_S_SUCCESS:
            self._let_go()
        else:
            self._disconnect()
        check(result)

    def _reset_card(self, card: int) -> int:
        """Reset it under our transaction, if there is one; the result code."""
        result, self._protocol = scard.SCardReconnect(
            card, self._mode, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1, scard.SCARD_RESET_CARD
        )
        return int(result)

    def _disconnect(self, disposition: int = scard.SCARD_RESET_CARD) -> None:
        card, held, self._card, self._held = self._card, self._held, None, False
        if card is None:
            return
        # pcscd ends a transaction before it resets: whoever waits for the card would find the PIN verified
        if held and self._reset_card(card) == scard.SCARD_S_SUCCESS:
            disposition = scard.SCARD_LEAVE_CARD
        scard.SCardDisconnect(card, disposition)  # refused for a card that is gone: nothing to undo

    def _drop(self) -> None:
        self._disconnect()
        context, self._context = self._context, None
        if context is not None:
            scard.SCardReleaseContext(context)
