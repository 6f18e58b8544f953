"""``appliance bench``: what was promised, measured on this machine.

What it is: options, a table beside the aims, and the figures as JSON. What it is not: the measuring (bench_*.py).
Rule: a figure is counted, never estimated; exit 0 when every aim is met, 1 when one is not, 3 when something that the
measuring needs is not installed.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from appliance.errors import ApplianceError
from appliance.tools import bench_card
from appliance.tools.bench_card import AIMS, PHASES, RECORDED, Count, Figures

RIVAL = "opensc_cps3"


class Bench(NamedTuple):
    """What is measured: what is missing for it, the measuring, and what is told of it."""

    missing: Callable[[], list[str]]
    measure: Callable[[Path], Any]
    table: Callable[[Any], list[str]]
    unmet: Callable[[Any], list[str]]


def _card() -> Bench:
    return Bench(bench_card.missing, bench_card.measure, table, unmet)


def _screen() -> Bench:
    from appliance.tools import bench_screen  # noqa: PLC0415 - luma and Pillow, for this one only

    return Bench(list, bench_screen.measure, bench_screen.table, bench_screen.unmet)


def _idle() -> Bench:
    from appliance.tools import bench_idle  # noqa: PLC0415 - a broker, for this one only

    return Bench(list, bench_idle.measure, bench_idle.table, bench_idle.unmet)


BENCHES: Mapping[str, tuple[Callable[[], Bench], str]] = {
    "card": (_card, "commands and bytes, on soft cards behind a private pcscd"),
    "screen": (_screen, "bytes on the display's bus and time from a key to its mark, on the desk"),
    "idle": (_idle, "wake-ups and computing of a box at rest, half a minute on the desk"),
}
"""Name -> how to get it, one line of help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``appliance bench``."""
    told = "; ".join(f"{name}: {text}" for name, (_, text) in BENCHES.items())
    parser.add_argument("what", choices=BENCHES, help=told)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")


def main(args: argparse.Namespace) -> int:
    """Measure and tell; the exit code."""
    bench = BENCHES[args.what][0]()
    lacking = bench.missing()
    if lacking:
        sys.stderr.write(f"appliance bench {args.what}: {', '.join(lacking)}\n")
        return 3
    try:
        with tempfile.TemporaryDirectory(prefix="appliance-bench-") as folder:
            measured = bench.measure(Path(folder))
    except ApplianceError as error:
        sys.stderr.write(f"appliance bench {args.what}: {error}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in bench.table(measured))
    failures = bench.unmet(measured)
    sys.stderr.writelines(f"not met: {line}\n" for line in failures)
    if args.json:
        sys.stdout.write(msgspec.json.encode(measured).decode() + "\n")
    return 1 if failures else 0


def unmet(measured: dict[str, Figures]) -> list[str]:
    """Aims that are not met, one line each; an aim that was not measured is not met."""
    return [
        f"{card} {phase}: {count.apdus if count else 'not measured'}, aim {aim}"
        for card, aims in AIMS.items()
        for phase, aim in aims.items()
        if (count := measured.get(card, {}).get(phase)) is None or count.apdus > aim
    ]


def table(measured: dict[str, Figures]) -> list[str]:
    """Commands / bytes sent / bytes received of each phase, beside the aim and the recorded national middleware."""
    lines = ["commands / bytes to the card / bytes from the card; aim: commands at most"]
    for card in AIMS:
        rival = measured.get(RIVAL) if RIVAL.endswith(card) else None
        heads = ("measured", "aim", "middleware, recorded", "OpenSC, measured" if rival else "")
        lines += ["", f"{card:<16}{heads[0]:>18}{heads[1]:>6}{heads[2]:>24}{heads[3]:>20}".rstrip()]
        for phase in PHASES:
            aim = AIMS[card].get(phase, "")
            other = _figure(rival.get(phase)) if rival else ""
            ours = _figure(measured.get(card, {}).get(phase))
            lines.append(f"{phase:<16}{ours:>18}{aim:>6}{_figure(RECORDED[card][phase]):>24}{other:>20}".rstrip())
    return [*lines, "", *NOTES, ""]


NOTES = (
    "login: the counter before the prompt, the counter again under the transaction, VERIFY, the application selected.",
    "sign: the signature key, SHA-256; OpenSC cannot use it on a CPS3 and signs with the authentication key.",
    "OpenSC known: with its file cache switched on and filled; by default it has none.",
)


def _figure(count: Count | None) -> str:
    return "-" if count is None else f"{count.apdus} / {count.sent} / {count.received}"
