"""What ends the wait of a loop besides a key: threads with news, a window of another size, a request to end.

What it is: a pair of sockets and the handlers of four signals. What it is not: a queue: it says that, not what.
Rule: handlers only note and poke; who waits decides, at a moment of its own.
"""

import contextlib
import signal
import socket
from types import FrameType, TracebackType
from typing import Final, Self

ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Wake:
    """A context manager of the main thread, to be waited for by a selector.

    Attributes:
        ended: whether a signal asked for the end.
    """

    def __init__(self) -> None:
        self.ended = False
        self._reads, self._writes = socket.socketpair()
        self._reads.setblocking(False)
        self._writes.setblocking(False)
        self._before = {number: signal.getsignal(number) for number in (*ENDS, signal.SIGWINCH)}

    def __enter__(self) -> Self:
        for number in ENDS:
            signal.signal(number, self._end)
        signal.signal(signal.SIGWINCH, self._resize)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reads.close()
        self._writes.close()

    def fileno(self) -> int:
        """Readable when there is news."""
        return self._reads.fileno()

    def poke(self) -> None:
        """There is news; from any thread, and harmless after the end."""
        with contextlib.suppress(OSError):  # full: it will be woken all the same; closed: nobody waits any more
            self._writes.send(b"!")

    def drain(self) -> None:
        """All news up to now is going to be looked at."""
        with contextlib.suppress(BlockingIOError):
            while self._reads.recv(4096):
                pass

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.ended = True
        self.poke()

    def _resize(self, _number: int, _frame: FrameType | None) -> None:
        self.poke()
