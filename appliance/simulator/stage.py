"""The desk as a person wants it: broker, reader, vault, gateway and practice software, put up together.

What it is: what ``appliance simulate`` stands on, in a terminal and in a browser. What it is not: eyes or hands.
Rule: everything that is put up goes down with the stack it was put on.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from appliance.client.transport import PORTS, TransportError
from appliance.contract.topics import DEFAULT_PREFIX
from appliance.errors import SimulatorError
from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.hands import Scene
from appliance.simulator.launch import DEVICE, Box
from appliance.simulator.practice import Software, Tell
from appliance.simulator.tray import Tray

START: Final = 20.0
"""Seconds for the box to come online."""

MORE: Final = """
[limits]
requests_per_minute = 60

[reader.roles]
{roles}
"""


def put_up(  # noqa: PLR0913 - what is asked for, what is there already, and who listens
    stack: ExitStack,
    folder: Path,
    args: argparse.Namespace,
    tray: Tray,
    *,
    wake: Callable[[], None],
    tell: Tell,
    reader: str | None = None,
    authorities: Sequence[x509.Certificate] | None = None,
    more: str = "",
) -> Scene:
    """Put everything up on ``stack``, and wait until the box is online.

    Args:
        stack: takes it down.
        folder: of our own.
        args: see ``simulate.add_arguments``.
        tray: the reader, with or without our card.
        wake: called when there is something new to see.
        tell: told what the practice software hears.
        reader: name of the PC/SC reader that serves the CPS; None for the desk's own.
        authorities: see ``Box``.
        more: further lines of configuration.

    Raises:
        SimulatorError: the box did not come online. TransportError: the broker cannot be reached.
    """
    broker = None if args.broker else stack.enter_context(IotcoreBroker())
    url = broker.url if broker else args.broker
    desk = Desk(folder / "desk", on_frame=lambda _picture: wake(), on_output=lambda _gpio, _level: wake())
    stack.enter_context(desk)
    stack.enter_context(tray)
    software = stack.enter_context(Software(url, args.client, folder / "pki", tell))
    roles = f'{json.dumps(reader, ensure_ascii=False)} = "cps"' if reader else ""
    box = Box(
        folder / "box",
        url=url,
        desk=desk.path,
        reader=tray.path,
        rights={args.client: ("sign", "sign-raw", "identity", "practice")},
        authorities=authorities,
        # a card of the person's own may come from any authority: the box says so, and lets them try
        signers=("good", "unknown", "untrusted") if args.reader else ("good", "unknown"),
        more=MORE.format(roles=roles) + more,
    )
    stack.enter_context(box)
    try:
        software.wait_ready(START)
    except TransportError as error:
        sys.stderr.write(box.log("vault") + box.log("gateway"))
        raise SimulatorError("the box did not come online") from error
    return Scene(desk, tray, box, broker, software)


def listening(url: str) -> str:
    """What to type elsewhere to hear everything the box says."""
    parts = urlsplit(url)
    port = parts.port or PORTS[parts.scheme]
    return f"mosquitto_sub -V mqttv5 -h {parts.hostname} -p {port} -t '{DEFAULT_PREFIX}/{DEVICE}/#' -v"
