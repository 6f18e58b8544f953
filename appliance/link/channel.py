"""The channel that carries link messages over an AF_UNIX stream (design §2).

What it is: asyncio, one JSON line a message, both directions. What it is not: a judge of who may connect (the socket
file's mode is) nor of how many may (the vault is).
Rule: whatever is not one message of the expected set closes the connection with ``LinkError``; ``send`` returns when
the socket has room, so a slow peer slows the sender and fills no memory.
"""

import asyncio
import errno
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from appliance.errors import LinkError
from appliance.link.messages import (
    LINE_LIMIT,
    FromGateway,
    FromVault,
    LinkMessage,
    decode_from_gateway,
    decode_from_vault,
    encode,
)

log = logging.getLogger(__name__)

SOCKET_MODE: Final = 0o660  # design §2: the group of the socket file says who may connect
FLUSH: Final = 2.0
_UCRED: Final = struct.Struct("=iII")  # struct ucred, socket(7)

In = TypeVar("In")


@dataclass(frozen=True, slots=True)
class Peer:
    """SO_PEERCRED of the other end (socket(7)); ``pid`` 0 when it is outside our pid namespace."""

    pid: int
    uid: int
    gid: int


class Channel(Generic[In]):
    """One connection. ``async for message in channel`` ends when the peer closes between two lines.

    Raises:
        LinkError: from iterating or sending, when the peer breaks a rule or is gone; the channel is closed then.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, decode: Callable[[bytes], In]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._decode = decode
        self._sending = asyncio.Lock()

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""
        plug = self._writer.get_extra_info("socket")
        return Peer(*_UCRED.unpack(plug.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))

    async def send(self, message: LinkMessage) -> None:
        """Write one message; returns once the transport's buffer is below its high-water mark.

        Raises:
            LinkError: the line is too long, or the peer is gone.
        """
        line = encode(message)
        if self._writer.is_closing():
            raise LinkError("the channel is closed")
        try:
            async with self._sending:  # StreamWriter.drain has one waiter on Python 3.11
                self._writer.write(line)
                await self._writer.drain()
        except OSError as error:
            self.abort()
            raise LinkError("the peer is gone") from error

    async def receive(self) -> In | None:
        """The next message, None at the end.

        Raises:
            LinkError: as for the class.
        """
        try:
            line = await self._reader.readuntil(b"\n")
            return self._decode(line)
        except asyncio.IncompleteReadError as error:
            self.abort()
            if error.partial:
                raise LinkError("the peer left in the middle of a line") from error
            return None
        except asyncio.LimitOverrunError as error:
            self.abort()
            raise LinkError(f"a line of more than {LINE_LIMIT} bytes") from error
        except OSError as error:
            self.abort()
            raise LinkError("the peer is gone") from error
        except LinkError:
            self.abort()
            raise

    async def __aiter__(self) -> AsyncIterator[In]:
        while (message := await self.receive()) is not None:
            yield message

    def abort(self) -> None:
        """Close at once; what was written but not sent is lost."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Close; what was written is still sent, for at most ``FLUSH`` seconds. Safe to call again."""
        self._writer.close()
        # not asyncio.timeout: to cancel wait_closed would leave a cancelled future for whoever closes again
        closed = asyncio.ensure_future(self._writer.wait_closed())
        _, late = await asyncio.wait([closed], timeout=FLUSH)
        if late:
            self.abort()
            await asyncio.wait([closed])
        if isinstance(closed.exception(), OSError):
            log.debug("the peer closed first: %s", closed.exception())


async def connect(path: Path | str) -> Channel[FromVault]:
    """Connect a gateway to the vault's link.

    Raises:
        LinkError: nobody listens there, or we may not.
    """
    return await connect_with(path, decode_from_vault)


async def connect_with(path: Path | str, decode: Callable[[bytes], In]) -> Channel[In]:
    """The same for another set of messages.

    Raises:
        LinkError: as ``connect``.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=LINE_LIMIT)
    except OSError as error:
        raise LinkError(f"{path}: {error.strerror or error}") from error
    return Channel(reader, writer, decode)


async def serve(
    where: Path | str | int, on_peer: Callable[[Channel[FromGateway]], Awaitable[None]]
) -> asyncio.AbstractServer:
    """Serve the link at a path (bound here, mode 0660) or on a listening descriptor that systemd passed.

    ``on_peer`` runs for each connection; when it returns or raises ``LinkError``, the connection is closed.

    Raises:
        LinkError: another process listens there, or the path cannot be bound.
    """
    return await serve_with(where, on_peer, decode_from_gateway)


async def serve_with(
    where: Path | str | int, on_peer: Callable[[Channel[In]], Awaitable[None]], decode: Callable[[bytes], In]
) -> asyncio.AbstractServer:
    """The same for another set of messages.

    Raises:
        LinkError: as ``serve``.
    """

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        channel = Channel(reader, writer, decode)
        try:
            await on_peer(channel)
        except LinkError as error:
            log.warning("link closed: %s", error)
        finally:
            await channel.close()

    listener = socket.socket(fileno=where) if isinstance(where, int) else _bind(Path(where))
    return await asyncio.start_unix_server(accept, sock=listener, limit=LINE_LIMIT)


def _bind(path: Path) -> socket.socket:
    """A socket bound to ``path``; a file left by a process that is gone is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            _refuse_living(path)
            path.unlink()
        before = os.umask(0o777 & ~SOCKET_MODE)  # no moment at which the file is wider than it stays
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
    except OSError as error:
        listener.close()
        raise LinkError(f"{path}: {error.strerror or error}") from error
    except LinkError:
        listener.close()
        raise
    return listener


def _refuse_living(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        found = probe.connect_ex(str(path))
    if found not in (errno.ECONNREFUSED, errno.ENOENT):
        raise LinkError(f"{path}: another process listens there")
