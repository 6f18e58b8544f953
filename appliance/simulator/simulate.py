"""``appliance simulate``: the desk in a terminal, for a person to try; with ``--panel`` in a browser (``panel``).

What it is: the demo's adapters with a person in its place: the terminal's keys are the keypad's, the picture is decoded
from the display's bus, faults are letters. What it is not: part of any check; vault and gateway run as they ship.
Rule: the terminal is given back as it was, on every way out.
"""

import argparse
import re
import selectors
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from appliance.client.transport import TransportError
from appliance.config_tables import Mqtt
from appliance.contract.topics import is_name
from appliance.errors import ApplianceError, ReaderAbsent, SimulatorError
from appliance.simulator import panel
from appliance.simulator.board import Board
from appliance.simulator.faults import FaultyCard
from appliance.simulator.hands import Hands
from appliance.simulator.keyboard import INTERRUPT, Keyboard
from appliance.simulator.panes import Painter
from appliance.simulator.pki import TestPki
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.stage import listening, put_up
from appliance.simulator.tray import VIRTUAL, DeskTray, Tray, VirtualTray
from appliance.simulator.wake import Wake

NOTHING: Final = 3
"""Exit code: no terminal, no such reader, no broker (design §6)."""
QUIT: Final = frozenset({"q", INTERRUPT})
HELP: Final = "?"
PUK: Final = "12345678"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``appliance simulate``."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--pcsc", action="store_true", help="put our card into a virtual reader (vpcd) of pcscd")
    where.add_argument(
        "--reader", metavar="NAME", help="use whatever card is in this PC/SC reader; a part of its name is enough"
    )
    parser.add_argument("--broker", type=_url, metavar="URL", help="mqtt://127.0.0.1:1883 (default: one of our own)")
    parser.add_argument(
        "--panel",
        type=_port,
        nargs="?",
        const=0,
        metavar="PORT",
        help="serve the box to a browser on this machine, in place of the terminal (default: a free port)",
    )
    parser.add_argument("--pin", type=_pin, default="1234", help="PIN of our test card (default: %(default)s)")
    parser.add_argument(
        "--client", type=_name, default="logiciel", metavar="NAME", help="the practice software (default: %(default)s)"
    )


def main(args: argparse.Namespace, list_readers: Callable[[], Sequence[str]]) -> int:
    """Simulate until ``q``, or until a signal.

    Args:
        args: see ``add_arguments``.
        list_readers: names of the readers pcscd has now; raises ReaderAbsent when it is away.

    Returns:
        0; 1 when the desk cannot be put up; 3 without a terminal, reader or broker to work on.
    """
    if args.panel is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _complain("needs a terminal (`--panel` and `appliance demo` do not)", NOTHING)
    try:
        reader = find_reader(args.reader or VIRTUAL, list_readers()) if args.pcsc or args.reader else None
    except ReaderAbsent:
        return _complain("pcscd does not answer", NOTHING)
    except SimulatorError as error:
        return _complain(str(error), NOTHING)
    with tempfile.TemporaryDirectory(prefix="cps-simulate-") as made:
        try:
            (_simulate if args.panel is None else panel.play)(Path(made), args, reader)
        except TransportError as error:
            return _complain(f"the broker: {error}", NOTHING)
        except ApplianceError as error:
            return _complain(str(error), 1)
    return 0


def find_reader(wanted: str, names: Sequence[str]) -> str:
    """The reader of this name, else the first whose name has it as a part.

    Raises:
        SimulatorError: there is none; the message lists those that are there.
    """
    fits = [name for name in names if wanted in name]
    if not fits:
        listed = "".join(f"\n  {name}" for name in names)
        raise SimulatorError(f"no reader {wanted!r}; pcscd has {f'these:{listed}' if names else 'none'}")
    return wanted if wanted in fits else fits[0]


def _simulate(folder: Path, args: argparse.Namespace, reader: str | None) -> None:
    """Put the desk up, let the person play, take it down."""
    with ExitStack() as stack:
        wake = stack.enter_context(Wake())
        keyboard = stack.enter_context(Keyboard(sys.stdin.fileno()))  # before any child: Ctrl-C is a key from here on
        _say("putting up broker, reader, vault (without network) and gateway")
        board = Board(wake.poke)
        tray = _tray(folder, args, reader)
        scene = put_up(stack, folder, args, tray, wake=wake.poke, tell=board.tell, reader=reader)
        hands = Hands(scene, board.tell)
        stack.callback(hands.close)
        url = scene.software.url
        _say(listening(url))
        board.title = " · ".join(("appliance simulate", url, reader or "the desk's own reader"))
        board.clear()
        board.steps = _first_steps(args, reader)
        _help(board, url)
        painter = stack.enter_context(Painter(sys.stdout.fileno()))
        _play(wake, keyboard, painter, hands, board)


def _tray(folder: Path, args: argparse.Namespace, reader: str | None) -> Tray:
    """The kind of reader that was asked for; our authorities are written beside our card only."""
    place = folder / "pki"
    place.mkdir()
    if args.reader:
        return Tray()
    pki = TestPki.generate()
    pki.write(place)
    card = FaultyCard(SoftCps3(pki, pin=args.pin, puk=PUK))
    return VirtualTray(card) if reader else DeskTray(folder / "pcscd", card)


def _first_steps(args: argparse.Namespace, reader: str | None) -> str:
    ask = "s asks for a signature"
    if args.reader:
        return f"the card in {reader} is used as it is, wrong PINs count; {ask}"
    return f"i puts our card in (PIN {args.pin}, to unblock it {PUK}); {ask}"


def _help(board: Board, url: str) -> None:
    board.tell("desk", listening(url))
    board.tell("desk", board.steps)


def _play(wake: Wake, keyboard: Keyboard, painter: Painter, hands: Hands, board: Board) -> None:
    """Draw what is new, pass keys on, until ``q``, a signal, or the end of the terminal."""
    with selectors.DefaultSelector() as selector:
        selector.register(wake, selectors.EVENT_READ)
        selector.register(keyboard, selectors.EVENT_READ)
        while not wake.ended:
            try:
                painter.draw(board.view(hands))
            except OSError:  # the terminal is gone
                return
            ready = [key.fileobj for key, _ in selector.select()]
            if wake in ready:
                wake.drain()
            typed = keyboard.read() if keyboard in ready else []
            if typed is None or not QUIT.isdisjoint(typed):
                return
            for key in typed:
                if key == HELP:
                    _help(board, hands.scene.software.url)
                else:
                    hands.press(key)


def _url(text: str) -> str:
    try:
        Mqtt(url=text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _pin(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}", text):
        raise argparse.ArgumentTypeError("four digits")
    return text


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError("a TCP port, 0 to 65535")
    return int(text)


def _name(text: str) -> str:
    if not is_name(text):
        raise argparse.ArgumentTypeError("4 to 40 characters a-z 0-9 -")
    return text


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _complain(text: str, code: int) -> int:
    sys.stderr.write(f"appliance simulate: {text}\n")
    return code
