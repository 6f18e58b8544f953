"""The conversation between a pcsc-lite client and the desk's reader.

What it is: connections, contexts, who waits for a change, and which message asks what of the reader (pcsc-lite
2.3.3 `winscard_svc.c`). What it is not: a listening socket or a thread; nor the rules of the card.
Rule: all of it runs under the slot's ``turn``; a write never waits; what is malformed is a WireError.
"""

import contextlib
import secrets
import socket
from typing import TYPE_CHECKING, Any, Final

from appliance.simulator import pcsclite_wire as wire
from appliance.simulator.pcsclite_codes import Status
from appliance.simulator.pcsclite_handles import SCardError
from appliance.simulator.pcsclite_reader import Reader
from appliance.simulator.pcsclite_slot import Slot

if TYPE_CHECKING:
    from collections.abc import Callable

_SCOPES: Final = range(4)
_SEND: Final = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


class Client:
    """One connection: at most one context, and the handles opened on it."""

    def __init__(self, connection: socket.socket) -> None:
        self.context = 0
        self.handles: set[int] = set()
        self._connection = connection

    def receive(self) -> tuple[wire.Body, bytes] | None:
        """The next question and what trails it; None when the client is gone.

        Raises:
            WireError: it sent no message of the protocol.
        """
        header = self._exactly(wire.HEADER.size)
        if header is None:
            return None
        command, size = wire.size_of(header)
        content = self._exactly(size)
        if content is None:
            return None
        body = wire.decode(command, content)
        trailer = self._exactly(wire.trailer_of(body))
        return None if trailer is None else (body, trailer)

    def send(self, data: bytes) -> None:
        """Write without ever waiting: libpcsclite has read one answer before it asks again."""
        with contextlib.suppress(OSError):  # gone, or it does not read: either way `drop` ends its thread
            while data:
                data = data[self._connection.send(data, _SEND) :]
        if data:
            self.drop()

    def drop(self) -> None:
        """End the conversation: its thread reads the end of the stream."""
        with contextlib.suppress(OSError):  # already ended by the other side
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back."""
        self._connection.close()

    def _exactly(self, count: int) -> bytes | None:
        data = self._connection.recv(count, socket.MSG_WAITALL) if count else b""
        return data if len(data) == count else None


class Dialogue:
    """What is said on all connections of one reader.

    Attributes:
        clients: those connected.
    """

    def __init__(self, slot: Slot, reader: Reader) -> None:
        self.clients: set[Client] = set()
        self._slot = slot
        self._reader = reader
        self._waiting: set[Client] = set()
        self._handlers: dict[type[wire.Body], Callable[[Client, Any, bytes], bytes]] = {
            wire.Version: self._version,
            wire.Establish: self._establish,
            wire.Release: self._release,
            wire.Connect: self._connect,
            wire.Reconnect: self._reconnect,
            wire.Disconnect: self._disconnect,
            wire.Begin: self._begin,
            wire.End: self._end,
            wire.CardStatus: self._card_status,
            wire.Transmit: self._transmit,
            wire.Control: self._control,
            wire.GetAttribute: self._get_attribute,
            wire.SetAttribute: self._set_attribute,
            wire.GetReaders: self._readers,
            wire.Wait: self._wait,
            wire.StopWaiting: self._stop_waiting,
            wire.Cancel: self._cancel,
            wire.GetReaderEvents: self._events,
        }

    def watched(self) -> bool:
        """Whether some client waits for a change."""
        return bool(self._waiting)

    def wake(self) -> None:
        """Something changed: each waiting client gets its one signal."""
        for client in self._waiting:
            client.send(wire.signal(Status.SUCCESS))
        self._waiting.clear()

    def forget(self, client: Client) -> None:
        """A client is gone."""
        self._waiting.discard(client)
        self.clients.discard(client)
        self._reader.forget(client.handles)

    def answer(self, client: Client, body: wire.Body, trailer: bytes) -> bytes:
        """The bytes to send back; none when a signal was the answer.

        Raises:
            WireError: a handle that this client never opened.
        """
        held = getattr(body, "card", None)
        if held is not None and not isinstance(body, wire.Connect) and held not in client.handles:
            raise wire.WireError("a handle that is not this client's")
        try:
            return self._handlers[type(body)](client, body, trailer)
        except SCardError as refused:
            return wire.refusal(body, refused.status)

    def _version(self, _client: Client, body: wire.Version, _trailer: bytes) -> bytes:
        if body.major == wire.PROTOCOL_MAJOR and body.minor in wire.PROTOCOL_MINORS:
            return wire.encode(body._replace(rv=Status.SUCCESS))
        # a newer client asks again with what is proposed here, an older one gives up
        return wire.encode(wire.Version(wire.PROTOCOL_MAJOR, max(wire.PROTOCOL_MINORS), Status.SERVICE_STOPPED))

    def _establish(self, client: Client, body: wire.Establish, _trailer: bytes) -> bytes:
        if body.scope not in _SCOPES:
            raise SCardError(Status.INVALID_VALUE)
        client.context = secrets.randbelow(0x7FFFFFFF) + 1
        return wire.encode(body._replace(context=client.context, rv=Status.SUCCESS))

    def _release(self, client: Client, body: wire.Release, _trailer: bytes) -> bytes:
        _check_context(client, body.context)
        handles, client.handles, client.context = client.handles, set(), 0
        self._reader.forget(handles)
        return wire.encode(body._replace(rv=Status.SUCCESS))

    def _connect(self, client: Client, body: wire.Connect, _trailer: bytes) -> bytes:
        _check_context(client, body.context)
        name = body.reader.split(b"\0", 1)[0]
        handle, protocol = self._reader.connect(name, body.share, body.preferred)
        client.handles.add(handle)
        return wire.encode(body._replace(card=handle, protocol=protocol, rv=Status.SUCCESS))

    def _reconnect(self, _client: Client, body: wire.Reconnect, _trailer: bytes) -> bytes:
        protocol = self._reader.reconnect(body.card, body.share, body.preferred, body.disposition)
        return wire.encode(body._replace(protocol=protocol, rv=Status.SUCCESS))

    def _disconnect(self, client: Client, body: wire.Disconnect, _trailer: bytes) -> bytes:
        self._reader.disconnect(body.card, body.disposition)
        client.handles.discard(body.card)
        return wire.encode(body._replace(rv=Status.SUCCESS))

    def _begin(self, _client: Client, body: wire.Begin, _trailer: bytes) -> bytes:
        self._reader.begin(body.card)
        return wire.encode(body._replace(rv=Status.SUCCESS))

    def _end(self, _client: Client, body: wire.End, _trailer: bytes) -> bytes:
        self._reader.end(body.card, body.disposition)
        return wire.encode(body._replace(rv=Status.SUCCESS))

    def _card_status(self, _client: Client, body: wire.CardStatus, _trailer: bytes) -> bytes:
        self._reader.status(body.card)
        return wire.encode(body._replace(rv=Status.SUCCESS))

    def _transmit(self, _client: Client, body: wire.Transmit, apdu: bytes) -> bytes:
        answer = self._reader.transmit(body.card, body.send_protocol, apdu)
        fits = len(answer) <= body.receive_length
        rv = Status.SUCCESS if fits else Status.INSUFFICIENT_BUFFER
        return wire.encode(body._replace(receive_length=len(answer), rv=rv)) + (answer if fits else b"")

    def _control(self, _client: Client, body: wire.Control, _data: bytes) -> bytes:
        answer = self._reader.control(body.card, body.code)
        fits = len(answer) <= body.receive_length
        rv = Status.SUCCESS if fits else Status.INSUFFICIENT_BUFFER
        return wire.encode(body._replace(returned=len(answer), rv=rv)) + (answer if fits else b"")

    def _get_attribute(self, _client: Client, body: wire.GetAttribute, _trailer: bytes) -> bytes:
        value = self._reader.attribute(body.card, body.name)
        return wire.encode(body._replace(value=value, length=len(value), rv=Status.SUCCESS))

    def _set_attribute(self, _client: Client, _body: wire.SetAttribute, _trailer: bytes) -> bytes:
        raise SCardError(Status.UNSUPPORTED_FEATURE)

    def _readers(self, _client: Client, _body: wire.GetReaders, _trailer: bytes) -> bytes:
        return wire.reader_table(self._slot.row())

    def _wait(self, client: Client, _body: wire.Wait, _trailer: bytes) -> bytes:
        self._waiting.add(client)  # under the lock the table is sent with: a signal can only follow it
        self._slot.turn.notify_all()  # whoever waits for a watcher, see `watched`
        return wire.reader_table(self._slot.row())

    def _stop_waiting(self, client: Client, _body: wire.StopWaiting, _trailer: bytes) -> bytes:
        if client not in self._waiting:
            return b""  # the signal it got already is its answer
        self._waiting.discard(client)
        return wire.signal(Status.SUCCESS)

    def _cancel(self, _client: Client, body: wire.Cancel, _trailer: bytes) -> bytes:
        target = next((other for other in self.clients if other.context == body.context != 0), None)
        if target is None:
            raise SCardError(Status.INVALID_HANDLE)
        if target in self._waiting:
            self._waiting.discard(target)
            target.send(wire.signal(Status.CANCELLED))
        return wire.encode(body._replace(rv=Status.SUCCESS))

    def _events(self, _client: Client, _body: wire.GetReaderEvents, _trailer: bytes) -> bytes:
        return wire.reader_events(self._slot.arrivals)


def _check_context(client: Client, context: int) -> None:
    if not client.context:
        raise SCardError(Status.INVALID_HANDLE)
    if client.context != context:
        raise SCardError(Status.INVALID_VALUE)
