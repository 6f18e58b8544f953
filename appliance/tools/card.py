"""``appliance card info`` and ``appliance card trace``: the card in a reader, without any secret.

What it is: options, and what is told on which stream. What it is not: a way to a PIN: neither command can ask for one,
and neither reads what stands behind it. Rule: exit 0 when the card was read, 1 when it cannot be, 3 when there is no
reader or no card (design §6).
"""

import argparse
import sys
from pathlib import Path

import msgspec

from appliance.card.models import driver_of
from appliance.config import DEFAULT_PATH
from appliance.errors import ApplianceError, ConfigError
from appliance.link.messages import BoxCard
from appliance.tools import card_words
from appliance.tools.card_look import Read, find, look, work
from appliance.tools.trace import Trace
from appliance.vault.pcsc_direct import Direct

NOTHING = frozenset({"reader-absent", "card-absent"})
"""Faults that mean: nothing to work on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``appliance card``."""
    commands = parser.add_subparsers(dest="what", required=True)
    info = commands.add_parser("info", help="whose card it is, until when, and how many tries are left")
    info.add_argument("--config", type=Path, default=DEFAULT_PATH, help="where a running box is (default: %(default)s)")
    info.add_argument("--json", action="store_true", help="one JSON object on the last line")
    trace = commands.add_parser("trace", help="every command and answer of reading the card, secrets masked")
    trace.add_argument("--counters", action="store_true", help="also read the counters afresh")
    trace.add_argument("--personal", action="store_true", help="show serial and certificates, which name the holder")
    for command in (info, trace):
        command.add_argument("--reader", metavar="NAME", help="name, or part of it; else the first with a card")


def main(args: argparse.Namespace) -> int:
    """Run one of them; the exit code."""
    try:
        return _info(args) if args.what == "info" else _trace(args)
    except ApplianceError as error:
        sys.stderr.write(f"appliance card {args.what}: {error}\n")
        return 2 if isinstance(error, ConfigError) else _code(error.code)


def _info(args: argparse.Namespace) -> int:
    card = look(args.reader, args.config)
    if args.json:
        sys.stdout.write(msgspec.json.encode(members(card)).decode() + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in card_words.tell(card))
    return _code(card.fault)


def members(card: BoxCard) -> dict[str, object]:
    """The members of ``--json``: every one, always, under the names of the contract where it has them."""
    told = msgspec.structs.asdict(card)
    told["text"] = card_words.tell(card)
    return told


def _code(fault: str | None) -> int:
    if fault is None:
        return 0
    return 3 if fault in NOTHING else 1


def _trace(args: argparse.Namespace) -> int:
    slot = find(args.reader)
    if slot.fault is not None:
        sys.stderr.writelines(f"{line}\n" for line in card_words.tell(slot))
        return _code(slot.fault)
    script = work(slot)  # a card that nobody here can read is not even connected to
    trace = Trace(sys.stdout.write, personal=args.personal)
    with Direct(slot.reader or "") as connection:
        trace.begin(bytes.fromhex(slot.atr), t1=connection.t1)
        read = Read(connection, trace)
        known = read.play("identify", script)
        if args.counters:
            driver, layout = driver_of(known.identity), known.identity.layout
            read.play("counter of the PIN", driver.tries_left(layout))
            if layout.puk is not None:
                read.play("counter of the unblocking code", driver.puk_tries_left(layout))
    return 0
