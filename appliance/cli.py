"""``appliance``: the command line for people.

What it is: one table of commands. What it is not: a service: those start as ``python -m appliance.vault`` and
``python -m appliance.gateway`` and cannot reach the simulator. Rule: ``--json`` means one object on the last line of
standard output, diagnostics on standard error; exit 0 ok, 1 not met, 2 usage, 3 nothing to work on (design §6).
"""

import argparse
import importlib
from collections.abc import Sequence
from typing import NamedTuple

from appliance import __version__


class Command(NamedTuple):
    """A command: the module with its ``add_arguments(parser)`` and ``main(args) -> int``, and one line of help."""

    module: str
    help: str


COMMANDS: dict[str, Command] = {
    "demo": Command("appliance.simulator.demo", "a card, a PIN, a signature over MQTT, without hardware"),
    "softcard": Command("appliance.simulator.softcard", "serve a soft card to a virtual reader (vpcd)"),
}
"""Modules are imported when their command runs: the simulator is optional."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = argparse.ArgumentParser(prog="appliance", description="CPS reader appliance")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help, add_help=False)
    chosen, rest = parser.parse_known_args(arguments)
    command = COMMANDS[chosen.command]
    module = importlib.import_module(command.module)
    options = argparse.ArgumentParser(prog=f"appliance {chosen.command}", description=command.help)
    module.add_arguments(options)
    code: int = module.main(options.parse_args(rest))
    return code
