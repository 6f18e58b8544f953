"""What clients hold on a reader: handles, share mode, transaction lock, and what each handle has missed.

What it is: the book pcscd keeps for a reader (pcsc-lite 2.3.3 `readerfactory.c`, functions RF*Sharing and
RF*EventState). What it is not: a card or a lock; its owner serialises the calls.
Rule: a handle acts only if it lives, nobody else holds the transaction, and it knows what happened to the card.
"""

import secrets
from typing import Final

from appliance.errors import SimulatorError
from appliance.simulator.pcsclite_codes import Status

EXCLUSIVE_USE: Final = -1
"""Value of ``sharing`` while one handle has the reader for itself; otherwise the number of handles."""


class SCardError(SimulatorError):
    """A client's wish is answered with this status and nothing else."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class Handles:
    """The handles of one appearance of a reader.

    Attributes:
        sharing: EXCLUSIVE_USE or the number of handles.
        owner: the handle that holds the transaction lock, 0 for none.
    """

    def __init__(self) -> None:
        self.sharing = 0
        self.owner = 0
        self._locks = 0
        self._missed: dict[int, Status] = {}

    def __contains__(self, handle: int) -> bool:
        return handle in self._missed

    def open(self, *, exclusive: bool) -> int:
        """A new handle, 1 to 2^31-1, never guessable.

        Raises:
            SCardError: SHARING_VIOLATION.
        """
        if self.sharing == EXCLUSIVE_USE or (exclusive and self.sharing):
            raise SCardError(Status.SHARING_VIOLATION)
        handle = secrets.randbelow(0x7FFFFFFF) + 1
        self._missed[handle] = Status.SUCCESS
        if exclusive:
            self.sharing, self.owner, self._locks = EXCLUSIVE_USE, handle, 1
        else:
            self.sharing += 1
        return handle

    def close(self, handle: int) -> None:
        """Forget a handle that lives, and its lock."""
        del self._missed[handle]
        self.free(handle)
        self.sharing = 0 if self.sharing == EXCLUSIVE_USE else self.sharing - 1

    def admit(self, handle: int, *, aware: bool = True) -> None:
        """Let a handle act; ``aware`` also demands that it has missed nothing.

        Raises:
            SCardError: INVALID_VALUE (its reader went away), SHARING_VIOLATION, RESET_CARD or REMOVED_CARD.
        """
        if handle not in self._missed:
            raise SCardError(Status.INVALID_VALUE)
        if self.owner not in (0, handle):
            raise SCardError(Status.SHARING_VIOLATION)
        if aware and self._missed[handle]:
            raise SCardError(self._missed[handle])

    def missed(self, handle: int) -> Status:
        """SUCCESS, RESET_CARD or REMOVED_CARD."""
        return self._missed[handle]

    def forgive(self, handle: int) -> None:
        """The handle knows what happened (SCardReconnect)."""
        self._missed[handle] = Status.SUCCESS

    def warn_reset(self) -> None:
        """Every handle, the one that asked for the reset too, has a fresh card before it."""
        self._missed = dict.fromkeys(self._missed, Status.RESET_CARD)

    def warn_removed(self) -> None:
        """The card is out: nobody holds a transaction with it."""
        self._missed = dict.fromkeys(self._missed, Status.REMOVED_CARD)
        self.owner = self._locks = 0

    def lock(self, handle: int) -> None:
        """Begin a transaction, or one more inside of it."""
        self.owner, self._locks = handle, self._locks + 1

    def unlock(self, handle: int) -> None:
        """End one transaction.

        Raises:
            SCardError: SHARING_VIOLATION, or NOT_TRANSACTED when none is open (exclusive use keeps its own lock).
        """
        if self.owner not in (0, handle):
            raise SCardError(Status.SHARING_VIOLATION)
        if self._locks <= (1 if self.sharing == EXCLUSIVE_USE else 0):
            raise SCardError(Status.NOT_TRANSACTED)
        self._locks -= 1
        self.owner = handle if self._locks else 0

    def free(self, handle: int) -> None:
        """Drop all locks of the handle; those of others stay."""
        if self.owner == handle:
            self.owner = self._locks = 0

    def share(self, handle: int, *, exclusive: bool) -> None:
        """Change the mode of a handle (SCardReconnect).

        Raises:
            SCardError: SHARING_VIOLATION, other handles are open.
        """
        if exclusive and self.sharing != EXCLUSIVE_USE:
            if self.sharing != 1:
                raise SCardError(Status.SHARING_VIOLATION)
            self.lock(handle)
            self.sharing = EXCLUSIVE_USE
        elif not exclusive and self.sharing == EXCLUSIVE_USE:
            self.sharing = 1
            self.unlock(handle)  # pcscd 2.3.3 forgets this one, and other clients wait for ever
