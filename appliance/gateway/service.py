"""The gateway's process: link sessions to the vault, one after the other.

What it is: connect, greet, run a ``gateway.session``, wait, again. What it is not: what carries messages itself.
Rule: no vault and no broker are reasons to wait, never to exit; ``stop`` ends it cleanly from any state.
"""

import asyncio
import logging
import random
import ssl
from contextlib import suppress
from typing import Final

from appliance import __version__
from appliance.config import Config
from appliance.config_tables import Mqtt
from appliance.errors import ConfigError, LinkError
from appliance.gateway.backoff import delays
from appliance.gateway.mqtt import Endpoint
from appliance.gateway.session import Session
from appliance.link.channel import Channel, connect
from appliance.link.messages import FromVault, Hello, Welcome
from appliance.notify import notify

log = logging.getLogger(__name__)

WELCOME: Final = 10.0
"""Seconds for the vault to answer ``Hello``."""

LINK_DELAYS: Final = (0.2, 5.0)


def endpoint_of(config: Config) -> Endpoint:
    """Where the configuration says the broker is.

    Raises:
        ConfigError: a PEM file cannot be used.
    """
    mqtt = config.mqtt
    return Endpoint(mqtt.host, mqtt.port, config.device.id, _context(mqtt) if mqtt.encrypted else None)


def _context(mqtt: Mqtt) -> ssl.SSLContext:
    tls = mqtt.tls
    try:
        context = ssl.create_default_context(cafile=tls.ca if tls else None)
        if tls is not None and tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"mqtt.tls: {error.strerror or error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # contract, Trust
    return context


class Gateway:
    """The process: link sessions one after the other until ``stop`` is called.

    Raises:
        ConfigError: from the constructor, when the broker's TLS files cannot be used.
    """

    def __init__(self, config: Config, notify_socket: str | None = None) -> None:
        self._path = config.paths.run / "link.sock"
        self._endpoint = endpoint_of(config)
        self._subscribes = config.mqtt.requests != "off"
        self._notify_socket = notify_socket
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """End ``run``; for signal handlers."""
        self._stop.set()

    async def run(self) -> None:
        """Run until ``stop``."""
        notify(self._notify_socket, "READY=1\nSTATUS=waiting for the vault")
        waits = delays(*LINK_DELAYS, random.random)
        while not self._stop.is_set():
            try:
                channel = await connect(self._path)
            except LinkError as error:
                log.info("no vault: %s", error)
            else:
                if await self._serve(channel):
                    waits = delays(*LINK_DELAYS, random.random)
            await self._pause(next(waits))
        notify(self._notify_socket, "STOPPING=1")

    async def _serve(self, channel: Channel[FromVault]) -> bool:
        """One link session; whether the vault welcomed us."""
        welcomed = False
        try:
            session = Session(channel, await _greet(channel), self._endpoint, subscribes=self._subscribes)
            welcomed = True
            notify(self._notify_socket, "STATUS=vault connected")
            await session.run(self._stop)
        except LinkError as error:
            log.warning("link: %s", error)
        finally:
            await channel.close()
        notify(self._notify_socket, "STATUS=waiting for the vault")
        return welcomed

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):  # the time is over: what a pause is
            async with asyncio.timeout(seconds):
                await self._stop.wait()


async def _greet(channel: Channel[FromVault]) -> Welcome:
    await channel.send(Hello(__version__))
    try:
        async with asyncio.timeout(WELCOME):
            first = await channel.receive()
    except TimeoutError:
        raise LinkError("no welcome in time") from None
    if not isinstance(first, Welcome):
        raise LinkError("the vault did not welcome us")
    return first
