"""``appliance``: the command line for people.

What it is: one table of commands. What it is not: a service: those start as ``python -m appliance.vault`` and
``python -m appliance.gateway`` and cannot reach the simulator. Rule: ``--json`` means one object on the last line of
standard output, diagnostics on standard error; exit 0 ok, 1 not met, 2 usage, 3 nothing to work on (design §6).
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from appliance import __version__


class Command(NamedTuple):
    """A command: its options, what runs it, and one line of help."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    help: str


def _bench() -> Command:
    from appliance.tools import bench  # noqa: PLC0415 - only the command that runs is imported

    return Command(bench.add_arguments, bench.main, "measure what was promised")


def _card() -> Command:
    from appliance.tools import card  # noqa: PLC0415 - as above

    return Command(card.add_arguments, card.main, "what the card in the reader says, without a PIN")


def _demo() -> Command:
    from appliance.simulator import demo  # noqa: PLC0415 - the simulator is optional, and slow to import

    return Command(demo.add_arguments, demo.main, "a card, a PIN, a signature over MQTT, without hardware")


def _softcard() -> Command:
    from appliance.simulator import softcard  # noqa: PLC0415 - as above

    return Command(softcard.add_arguments, softcard.main, "serve a soft card to a virtual reader (vpcd)")


def _status() -> Command:
    from appliance import status  # noqa: PLC0415 - as above

    return Command(status.add_arguments, status.main, "how the box on this machine is")


def _simulate() -> Command:
    from appliance.simulator import simulate  # noqa: PLC0415 - as above
    from appliance.vault.pcsc_calls import readers_now  # noqa: PLC0415 - as above

    def run(options: argparse.Namespace) -> int:
        return simulate.main(options, readers_now)

    return Command(simulate.add_arguments, run, "the desk in a terminal: keys, card, faults, by hand")


def _tamper() -> Command:
    from appliance.tools import tamper  # noqa: PLC0415 - as above

    return Command(tamper.add_arguments, tamper.main, "the box's own case: whether it was opened, and arming it again")


def _trust() -> Command:
    from appliance.tools import trust  # noqa: PLC0415 - as above

    return Command(trust.add_arguments, trust.main, "the authorities whose cards this box believes")


COMMANDS: Mapping[str, Callable[[], Command]] = {
    "bench": _bench,
    "card": _card,
    "demo": _demo,
    "simulate": _simulate,
    "softcard": _softcard,
    "status": _status,
    "tamper": _tamper,
    "trust": _trust,
}
"""Name -> how to get it; only the one that runs is imported."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = argparse.ArgumentParser(prog="appliance", description="CPS reader appliance")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("command", choices=COMMANDS, help="`appliance COMMAND --help` tells more")
    parser.add_argument("options", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    command = COMMANDS[chosen.command]()
    options = argparse.ArgumentParser(prog=f"appliance {chosen.command}", description=command.help)
    command.add_arguments(options)
    return command.run(options.parse_args(chosen.options))
