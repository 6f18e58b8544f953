"""``appliance tamper status`` and ``appliance tamper rearm``: the box's own case.

What it is: one question to the vault's admin socket, and its answer, for a person or with ``--json``. What it is not: a
judge of who may: that is the socket file's group. Rule: exit 0 when the box is armed, 1 when it is locked or cannot be
armed, 3 when no vault answers or no switch is fitted.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from appliance.config import DEFAULT_PATH, load
from appliance.errors import ApplianceError, ConfigError, LinkError
from appliance.link.messages import AskCase, BoxCase, RearmCase
from appliance.status import ask_vault

TOLD: Final[Mapping[str, tuple[str, int]]] = {
    "closed": ("the case is closed, the box is armed", 0),
    "locked": ("the case was opened: the box is locked until `appliance tamper rearm`", 1),
    "open": ("the case is open: the box is locked", 1),
    "absent": ("no tamper switch is fitted ([signals] tamper_switch)", 3),
}
"""The case -> what is said of it, and the exit code."""
FAULTS: Final[Mapping[str, str]] = {
    "tamper-open": "close the case first",
    "tamper-absent": "there is nothing to arm",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``appliance tamper``."""
    commands = parser.add_subparsers(dest="what", required=True)
    for name, text in (
        ("status", "whether the case is open, and whether the box is locked"),
        ("rearm", "unlock the box after its case was opened and is closed again"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--config", type=Path, default=DEFAULT_PATH, help="configuration (default: %(default)s)")
        command.add_argument("--json", action="store_true", help="one JSON object on the last line")


def main(args: argparse.Namespace) -> int:
    """Ask and tell; the exit code."""
    try:
        case = asyncio.run(ask(load(args.config).paths.run / "admin.sock", arming=args.what == "rearm"))
    except ApplianceError as error:
        sys.stderr.write(f"appliance tamper {args.what}: {error}\n")
        return 2 if isinstance(error, ConfigError) else 3
    text, code = TOLD[case.case]
    if case.fault is not None:
        sys.stderr.write(f"appliance tamper {args.what}: {case.fault}: {FAULTS[case.fault]}\n")
    if args.json:
        sys.stdout.write(msgspec.json.encode({"case": case.case, "fault": case.fault}).decode() + "\n")
    else:
        sys.stdout.write(f"{text}\n")
    return code


async def ask(path: Path, *, arming: bool) -> BoxCase:
    """How the case is; with ``arming``, after the vault was asked to work again.

    Raises:
        LinkError: nobody answers there.
    """
    case = await ask_vault(path, RearmCase() if arming else AskCase())
    if not isinstance(case, BoxCase) or case.case not in TOLD:
        raise LinkError(f"{path}: the vault answered something else")
    return case
