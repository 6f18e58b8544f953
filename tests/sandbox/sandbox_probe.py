"""What a process in a unit's sandbox can do: it tries everything, and says what came of it.

What it is: one run of every attempt, and what the kernel says of this process: a JSON object on standard output. What
it is not: a judge: which outcome is right is the tests' business. Standard library only; it runs as
``python3 sandbox_probe.py SETTINGS`` in the unit's place.
Rule: a refusal is told by the error's name, ``""`` means success.
"""

import errno
import grp
import json
import os
import pwd
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox_attempts import attempts


def facts() -> dict[str, object]:
    """What the kernel says of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    status = {line.split(":")[0]: line.split(":")[1].split() for line in lines}
    limits = ("CORE", "MEMLOCK")
    namespaces = ("net", "ipc", "uts", "mnt", "user")
    umask = os.umask(0o077)
    os.umask(umask)
    return {
        "user": os.getresuid(),
        "names": {
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "group": grp.getgrgid(os.getgid()).gr_name,
            "groups": sorted(known_group(group) for group in os.getgroups()),
        },
        "capabilities": {name: status[name][0] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
        "no new privileges": status["NoNewPrivs"][0],
        "seccomp": status["Seccomp"][0],
        "filters": int(status["Seccomp_filters"][0]),
        "umask": umask,
        "folder": str(Path.cwd()),
        "limits": {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in limits},
        "oom score": int(Path("/proc/self/oom_score_adj").read_text()),
        "namespaces": {name: str(Path(f"/proc/self/ns/{name}").readlink()) for name in namespaces},
        "environment": dict(os.environ),
        "devices": sorted(entry.name for entry in Path("/dev").iterdir()),
        "proc": Path("/proc/cpuinfo").exists(),
        "modes": {name: mode(name) for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY") if name in os.environ},
        "group limits": group_limits(),
    }


def known_group(number: int) -> str:
    """Its name; in a user namespace of its own the others are nobody's."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def mode(variable: str) -> int:
    return Path(os.environ[variable]).stat().st_mode & 0o7777


def group_limits() -> dict[str, str]:
    """What the control group says, of the controllers that this kernel gives to its hierarchy."""
    group = Path("/sys/fs/cgroup") / Path("/proc/self/cgroup").read_text().splitlines()[-1].split("::/", 1)[1]
    files = ("memory.max", "memory.swap.max", "pids.max")
    return {name: (group / name).read_text().strip() for name in files if (group / name).exists()}


def outcome(attempt: Callable[[], None]) -> str:
    try:
        attempt()
    except TimeoutError:
        return "ETIMEDOUT"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except subprocess.CalledProcessError as error:
        return f"exit {error.returncode}"
    return ""


def main(settings: dict) -> None:
    signal.alarm(60)
    told = {"facts": facts(), "outcomes": {name: outcome(attempt) for name, attempt in attempts(settings).items()}}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
