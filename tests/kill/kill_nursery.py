"""Quick starts: a process that has imported the vault and the gateway, and forks one of them on order.

What it is: ``NurseryBox``, a ``Box`` whose processes are forks of one nursery, so that 200 starts do not pay for 200
imports. What it is not: another way to run them: each is a process of its own, with the same arguments and
environment, that enters the same ``main`` and is killed by the same signal; only the imports are done before.
Rule: the nursery has one thread and holds nothing of a box; a box that must be shown cold is a plain ``Box``.
"""

import ctypes
import importlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from appliance.simulator.launch import END, Box

PR_SET_PDEATHSIG = 1  # linux/prctl.h
GATEWAY = "appliance.gateway.__main__"
MAINS = {"appliance.gateway": GATEWAY}
"""Packages that are started by their ``__main__``."""
BEFOREHAND = (GATEWAY, "appliance.simulator.vault", "appliance.vault.service", "appliance.simulator.isolation")


class Sprout:
    """One fork, with what ``Box`` asks of a ``Popen``."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._file = os.pidfd_open(pid)
        self._code: int | None = None

    def send_signal(self, number: signal.Signals) -> None:
        if self._code is None:
            signal.pidfd_send_signal(self._file, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        """Its exit code, as ``Popen.wait`` gives it."""
        if self._code is None:
            readable, _, _ = select.select([self._file], [], [], timeout)
            if not readable:
                raise subprocess.TimeoutExpired(f"pid {self.pid}", timeout)
            self._code = self._nursery.reap(self.pid)
            os.close(self._file)
        return self._code


class Nursery:
    """The process that forks; a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=END)

    def start(self, module: str, arguments: list[str], variables: dict[str, str], log: Path) -> Sprout:
        return Sprout(self, self._ask(module=module, arguments=arguments, variables=variables, log=str(log)))

    def reap(self, pid: int) -> int:
        return self._ask(reap=pid)

    def _ask(self, **order: object) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class NurseryBox(Box):
    """A box whose vault and gateway come from a nursery."""

    def __init__(self, nursery: Nursery, *arguments, **members) -> None:
        self._nursery = nursery
        self._variables = {"PCSCLITE_CSOCK_NAME": str(members["reader"]), "PYTHONUNBUFFERED": "1"}
        super().__init__(*arguments, **members)

    def _start(self, name: str, command: list[str]) -> None:
        at = len(command) - command[::-1].index("-m")  # the last module's name: the others only prepare
        module = MAINS.get(command[at], command[at])
        self._children[name] = self._nursery.start(
            module, command[at + 1 :], self._variables, self.logs / f"{name}.log"
        )


def _become(order: dict) -> int:
    """In the fork: be the vault or the gateway until its end."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # whatever happens to the nursery, nothing is left behind
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(file, number)
    os.close(nothing)
    os.close(log)
    os.environ.update(order["variables"])
    if order["module"] != GATEWAY:
        sys.modules["appliance.simulator.isolation"].isolate()
    return importlib.import_module(order["module"]).main(order["arguments"])


def main() -> int:
    """The nursery: an order a line on standard input, an answer a line on standard output."""
    for name in BEFOREHAND:
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        if "reap" in order:
            _, status = os.waitpid(order["reap"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                return _become(order)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
