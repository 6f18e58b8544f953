"""``appliance status``: how the box on this machine is, asked on the vault's admin socket.

What it is: one question and its answer, for a person or with ``--json``. What it is not: a diagnosis.
Rule: exit 0 when the box can serve, 1 when something it needs is missing, 3 when no vault answers.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import msgspec

from appliance.config import DEFAULT_PATH, load
from appliance.errors import ApplianceError, ConfigError, LinkError
from appliance.link.channel import connect_with
from appliance.link.messages import AskStatus, BoxStatus, FromAdmin, ToAdmin, decode_to_admin

ANSWER = 5.0
"""Seconds a living vault needs at most."""
NEEDED = ("reader", "display", "keypad", "broker")
WELL = frozenset({"absent", "closed"})
"""Cases of the box that do not lock it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``appliance status``."""
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="configuration file (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")


def main(args: argparse.Namespace) -> int:
    """Ask and tell; the exit code."""
    try:
        status = asyncio.run(ask(load(args.config).paths.run / "admin.sock"))
    except ApplianceError as error:
        sys.stderr.write(f"appliance status: {error}\n")
        return 2 if isinstance(error, ConfigError) else 3
    members = msgspec.structs.asdict(status)
    if args.json:
        sys.stdout.write(msgspec.json.encode(members).decode() + "\n")
    else:
        sys.stdout.writelines(f"{name.replace('_', ' '):14}{_told(value)}\n" for name, value in members.items())
    return 0 if all(members[name] for name in NEEDED) and status.tamper in WELL else 1


async def ask(path: Path) -> BoxStatus:
    """How the vault is.

    Raises:
        LinkError: nobody answers there.
    """
    status = await ask_vault(path, AskStatus())
    if not isinstance(status, BoxStatus):
        raise LinkError(f"{path}: the vault answered something else")
    return status


async def ask_vault(path: Path, question: FromAdmin) -> ToAdmin:
    """The vault's answer to a question on its admin socket at ``path``.

    Raises:
        LinkError: nobody answers there.
    """
    channel = await connect_with(path, decode_to_admin)
    try:
        async with asyncio.timeout(ANSWER):
            await channel.send(question)
            answer = await channel.receive()
    except TimeoutError:
        raise LinkError(f"{path}: no answer") from None
    finally:
        await channel.close()
    if answer is None:
        raise LinkError(f"{path}: the vault hung up")
    return answer


def _told(value: object) -> str:
    return {"True": "yes", "False": "no"}.get(str(value), str(value))
