"""How often a box at rest wakes, and what it computes: vault and gateway with a card in and the display on.

What it is: the kernel's own counts of each thread over a while, from /proc. What it is not: a wattmeter. Rule: only
counts of the processes as they ship; the thread that the desk has in the vault's process is told apart and left out.
"""

import threading
import time
from pathlib import Path
from typing import Final

import msgspec

from appliance.tools.bench_box import standing

SETTLE: Final = 6.0
"""Seconds from the holder's name on the display to rest: the broker was found, the first frames are out."""
SECONDS: Final = 20.0
"""Long enough for the slowest beat (5 s) to come four times, and over before the display grows dim (30 s)."""
DESK: Final = "desk"
AIMS: Final = {"wakeups_per_second": 2.0, "cpu_percent": 0.3}
"""Less than, and at most (design §7)."""


class Sample(msgspec.Struct, frozen=True):
    """One thread at one moment: times it waited by its own will, nanoseconds it computed."""

    waits: int
    computed: int


class Process(msgspec.Struct, frozen=True):
    """Wake-ups a second of each thread and of all, and the share of one core."""

    wakeups_per_second: float
    cpu_percent: float
    threads: dict[str, float]


class Report(msgspec.Struct, frozen=True):
    """``wakeups_per_second`` is the vault's, ``cpu_percent`` both processes'."""

    wakeups_per_second: float
    cpu_percent: float
    seconds: float
    vault: Process
    gateway: Process


def measure(folder: Path) -> Report:
    """Let a box rest, and count.

    Raises:
        ApplianceError: it does not come up.
    """
    with standing(folder, gateway=True) as stage:
        box, rest = stage.box, threading.Event()
        rest.wait(SETTLE)
        names = stage.desk.threads()
        pids = box.vault_pid, box.gateway_pid
        begun, before = time.monotonic(), [_look(pid) for pid in pids]
        rest.wait(SECONDS)
        after, seconds = [_look(pid) for pid in pids], time.monotonic() - begun
    vault, gateway = (_differ(*pair, names, seconds) for pair in zip(before, after, strict=True))
    return Report(
        wakeups_per_second=vault.wakeups_per_second,
        cpu_percent=round(vault.cpu_percent + gateway.cpu_percent, 3),
        seconds=round(seconds, 1),
        vault=vault,
        gateway=gateway,
    )


def _look(pid: int) -> dict[int, Sample]:
    """Every thread of a process (proc(5): ``voluntary_ctxt_switches``, and the first figure of ``schedstat``)."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        status = dict(line.split(":", 1) for line in (task / "status").read_text("utf-8").splitlines())
        computed, *_ = (task / "schedstat").read_text("utf-8").split()
        found[int(task.name)] = Sample(int(status["voluntary_ctxt_switches"]), int(computed))
    return found


def _differ(before: dict[int, Sample], after: dict[int, Sample], names: dict[int, str], seconds: float) -> Process:
    threads: dict[str, float] = {}
    computed = 0
    for number, now in after.items():
        was = before.get(number, Sample(0, 0))
        name = names.get(number, f"thread {number - min(after)}" if number != min(after) else "MainThread")
        threads[name] = round(threads.get(name, 0.0) + (now.waits - was.waits) / seconds, 2)
        computed += 0 if name == DESK else now.computed - was.computed
    total = sum(rate for name, rate in threads.items() if name != DESK)
    return Process(round(total, 2), round(computed / seconds / 1e7, 3), threads)


def unmet(measured: Report) -> list[str]:
    """Aims that are not met, one line each."""
    found = []
    if measured.wakeups_per_second >= AIMS["wakeups_per_second"]:
        found.append(f"wakeups_per_second: {measured.wakeups_per_second}, aim below {AIMS['wakeups_per_second']}")
    if measured.cpu_percent > AIMS["cpu_percent"]:
        found.append(f"cpu_percent: {measured.cpu_percent}, aim {AIMS['cpu_percent']}")
    return found


def table(measured: Report) -> list[str]:
    """The figures, thread by thread."""
    lines = [f"at rest for {measured.seconds} s, card in, display on"]
    for name, process in (("vault", measured.vault), ("gateway", measured.gateway)):
        total = f"{process.wakeups_per_second:>8} wake-ups a second, {process.cpu_percent} % of a core"
        lines += ["", f"{name:<28}{total}"]
        lines += [f"  {thread:<26}{rate:>8}" for thread, rate in sorted(process.threads.items())]
    aims = ", ".join(f"{name} {aim}" for name, aim in AIMS.items())
    return [*lines, "", f"aims: {aims}; the desk's own thread in the vault's process does not count"]
