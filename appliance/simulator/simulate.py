"""``appliance simulate``: the desk in a terminal, for a person to try.

What it is: the demo's adapters with a person in its place: the terminal's keys are the keypad's, the picture is decoded
from the display's bus, faults are letters. What it is not: part of any check; vault and gateway run as they ship.
Rule: the terminal is given back as it was, on every way out.
"""

import argparse
import contextlib
import os
import re
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from appliance.client.transport import TransportError
from appliance.config import Mqtt
from appliance.contract.topics import DEFAULT_PREFIX, is_name
from appliance.errors import ApplianceError
from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.faults import FaultyCard
from appliance.simulator.hands import ACTIONS, Hands, Scene
from appliance.simulator.keyboard import INTERRUPT, Keyboard
from appliance.simulator.launch import DEVICE, Box
from appliance.simulator.panes import BOLD, DIM, PLAIN, Painter, Row, Text, View, clean
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.software import Kind, Software
from appliance.simulator.tray import VIRTUAL, DeskTray, Tray, VirtualTray

NOTHING: Final = 3
"""Exit code: no terminal, no such reader, no broker (design §6)."""
START: Final = 20.0
KEPT: Final = 500
"""Messages that a taller terminal can show again."""
QUIT: Final = frozenset({"q", INTERRUPT})
TOPICS: Final = "?"
ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

MORE: Final = """
[limits]
requests_per_minute = 60

[reader.roles]
{roles}
"""
MARKS: Final[dict[Kind, tuple[str, str]]] = {
    "asked": (BOLD, "→"),
    "heard": (PLAIN, "←"),
    "good": (BOLD, "✓"),
    "bad": (BOLD, "✗"),
    "desk": (DIM, "·"),
}
KEYPAD_HELP: Final = (
    *(Text(BOLD, " the keypad"), Text(PLAIN, " 0-9     digits"), Text(PLAIN, " Enter # confirm")),
    *(Text(PLAIN, " Bksp  * erase"), Text(PLAIN, " Esc   D refuse"), Text(PLAIN, " a  agree")),
    *(Text(PLAIN, " b  page back"), Text(PLAIN, " c  next page"), Text(BOLD, " the desk")),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``appliance simulate``."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--pcsc", action="store_true", help="our card in a virtual reader (vpcd) of the running pcscd")
    where.add_argument(
        "--reader", metavar="NAME", help="whatever card is in this PC/SC reader (a part of its name is enough)"
    )
    parser.add_argument("--broker", type=_broker, metavar="URL", help="mqtt://127.0.0.1:1883; default: one of our own")
    parser.add_argument("--pin", type=_pin, default="1234", help="PIN of our test card (default: %(default)s)")
    parser.add_argument(
        "--client", type=_client, default="logiciel", metavar="NAME", help="name of the practice software (%(default)s)"
    )


def main(args: argparse.Namespace, list_readers: Callable[[], Sequence[str]]) -> int:
    """Simulate until ``q``.

    Args:
        args: see ``add_arguments``.
        list_readers: names of the readers pcscd has now.

    Returns:
        0; 1 when the desk cannot be put up; 3 without a terminal, reader or broker to work on.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _refuse("needs a terminal; `appliance demo` does not")
    try:
        reader = _find_reader(args, list_readers) if args.pcsc or args.reader else None
    except ApplianceError as error:
        return _refuse(f"{error} (is pcscd running?)" if error.code == "reader-absent" else str(error))
    with tempfile.TemporaryDirectory(prefix="cps-simulate-") as made:
        try:
            _put_up(Path(made), args, reader)
        except TransportError as error:
            return _refuse(f"no broker: {error}")
        except ApplianceError as error:
            sys.stderr.write(f"appliance simulate: {error}\n")
            return 1
    return 0
