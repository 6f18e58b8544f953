"""``appliance softcard``: serve one soft card to a pcscd with vpcd.

What it is: the command line of the soft cards, for people who want to try OpenSC or their own program on one.
What it is not: part of the box. Rule: it says in one line what it serves, and ends cleanly on SIGINT or SIGTERM.
"""

import argparse
import functools
import signal
import sys
import threading
from pathlib import Path

from appliance.errors import SimulatorError
from appliance.simulator.faults import CardTorn, SoftCard
from appliance.simulator.pki import TestPki
from appliance.simulator.softcpx import Options, SoftCpx, Timing
from appliance.simulator.softmodels import MODELS, Model
from appliance.simulator.vpcd import ADDRESS, VpcdSlot, connect

__all__ = ["MODELS", "CardTorn", "SoftCard", "add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``appliance softcard``; PIN and PUK are those of a test card, not secrets."""
    models = "; ".join(f"{name}: {model.about}" for name, model in MODELS.items())
    parser.add_argument(
        "--model",
        choices=tuple(MODELS),
        default="cps3",
        metavar="MODEL",
        help=f"which card (default: %(default)s). {models}",
    )
    parser.add_argument(
        "--vpcd", type=_address, default=ADDRESS, metavar="HOST:PORT", help="where vpcd listens (127.0.0.1:35963)"
    )
    parser.add_argument("--serial", default="99213845", help="chip serial, 8 digits (default: %(default)s)")
    parser.add_argument("--pin", help="PIN of the test card (default: 1234, or what the model says)")
    parser.add_argument("--puk", default="12345678", help="PUK of the test card (default: %(default)s)")
    parser.add_argument("--pki", type=Path, metavar="FOLDER", help="read the test PKI there, or make one and keep it")
    parser.add_argument(
        "--timing",
        type=_timing,
        metavar="APDU:BYTE:KEY",
        help="the card's own time: milliseconds for each command, byte and private-key operation",
    )


def main(args: argparse.Namespace) -> int:
    """Serve until told to stop.

    Returns:
        0 after SIGINT or SIGTERM; 1 when nobody listens, the reader goes away, or the options make no card.
    """
    stop = threading.Event()
    lost = threading.Event()

    def hear(_signal: int, _frame: object) -> None:
        stop.set()

    def lose() -> None:
        lost.set()
        stop.set()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        card = _card(args)
        who = f" 8025000001 {card.serial}" if isinstance(card, SoftCpx) else ""
        with VpcdSlot(functools.partial(connect, args.vpcd), on_close=lose) as slot:
            slot.insert(card)
            host, port = args.vpcd
            sys.stdout.write(f"soft {args.model.upper()}{who} (test card) in vpcd at {host}:{port}\n")
            sys.stdout.flush()
            stop.wait()
    except SimulatorError as error:
        sys.stderr.write(f"appliance softcard: {error}\n")
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if lost.is_set():
        sys.stderr.write("appliance softcard: the reader went away\n")
        return 1
    return 0


def _card(args: argparse.Namespace) -> SoftCard:
    """The card that was asked for.

    Raises:
        SimulatorError: it cannot be made, or not be shown.
    """
    model = MODELS[args.model]
    options = Options(serial=args.serial, puk=args.puk, timing=args.timing)
    if args.pin is not None:
        options["pin"] = args.pin
    card = model(_pki(args.pki, model), **options)
    if card.atr is None:
        raise SimulatorError("vpcd takes a card without an ATR for an empty slot; `appliance simulate` shows one")
    return card


def _pki(folder: Path | None, model: Model) -> TestPki:
    if folder is None:
        return model.pki()
    if (folder / "card.json").exists():
        return TestPki.load(folder)
    pki = model.pki()
    pki.write(folder)
    return pki


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


def _timing(text: str) -> Timing:
    try:
        apdu, byte, key = (float(part) for part in text.split(":"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not APDU:BYTE:KEY in milliseconds") from error
    if not all(0 <= part <= 10_000 for part in (apdu, byte, key)):
        raise argparse.ArgumentTypeError(f"{text!r}: each from 0 to 10000 milliseconds")
    return Timing(apdu, byte, key)
