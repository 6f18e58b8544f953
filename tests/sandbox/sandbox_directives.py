"""Every directive of the units, and how it is known to be in force.

What it is: tables: directive -> attempts of the probe that it must refuse, or what the kernel says of the process, or
why neither is to be had. What it is not: the judge of the whole: ``test_sandbox_probe`` holds the exact list of what a
process may do.
Rule: a directive that stands in no table fails the tests, and so does a row that no unit needs.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Facts = Mapping[str, Any]

REFUSED: dict[str, tuple[str, ...]] = {
    "RestrictAddressFamilies": ("socket: packet", "socket: vsock"),
    "DevicePolicy": ("device: /dev/fuse", "device: /dev/loop0", "device: /dev/mem"),
    "LockPersonality": ("privilege: personality",),
    "MemoryDenyWriteExecute": ("memory: write and run", "memory: write, then run"),
    "NoExecPaths": ("program: shell", "program: copy in /tmp", "program: by the loader", "memory: run a written file"),
    "InaccessiblePaths": ("write: /dev/shm",),
    "ReadOnlyPaths": ("write: /run",),
    "PrivateTmp": ("read: another's /tmp",),
    "ProtectClock": ("privilege: clock",),
    "ProtectControlGroups": ("write: control groups",),
    "ProtectHome": ("read: /root", "read: /home"),
    "ProtectKernelLogs": ("device: /dev/kmsg", "privilege: kernel log"),
    "ProtectKernelModules": ("privilege: module",),
    "ProtectKernelTunables": ("write: kernel settings",),
    "ProtectProc": ("see: others' processes", "read: another's environment"),
    "ProtectSystem": ("write: /etc", "write: /usr", "write: bench"),
    "RestrictNamespaces": ("privilege: namespaces", "privilege: network namespace"),
    "RestrictRealtime": ("privilege: real time",),
    "RestrictSUIDSGID": ("privilege: set-user bit",),
    "SystemCallFilter": (
        "process: ptrace own user's",
        "privilege: keyctl",
        "privilege: io_uring",
        "privilege: bpf",
        "privilege: mount",
        "program: from memory",
    ),
}
"""Directive -> attempts that fail in every unit that has it."""


class Seen(NamedTuple):
    """What a check looks at: the unit's value, the probe's facts, and those of root without a sandbox."""

    value: str
    facts: Facts
    plain: Facts


def _namespace(name: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.facts["namespaces"][name] != seen.plain["namespaces"][name]


def _limit(name: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.facts["limits"][name] == [_bytes(seen.value)] * 2


def _group_limit(name: str) -> Callable[[Seen], bool]:
    """The control group's figure. Where the controller is the old hierarchy's, no group of the machine has the file."""
    return lambda seen: seen.facts["group limits"].get(name, seen.value) in {seen.value, str(_bytes(seen.value))}


def _bytes(value: str) -> int:
    scale = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(value[-1], 1)
    return int(value.rstrip("KMG")) * scale


def _capabilities_are_gone(seen: Seen) -> bool:
    return not any(int(value, 16) for value in seen.facts["capabilities"].values())


def _score(seen: Seen) -> bool:
    """Lowering it needs CAP_SYS_RESOURCE, which a virtual machine's owner may have kept."""
    may = int(seen.plain["capabilities"]["CapBnd"], 16) >> 24 & 1
    return seen.facts["oom score"] == (int(seen.value) if may else seen.plain["oom score"])


FACTS: dict[str, Callable[[Seen], bool]] = {
    "User": lambda seen: seen.facts["names"]["user"] == seen.value,
    "Group": lambda seen: seen.facts["names"]["group"] == seen.value,
    "UMask": lambda seen: seen.facts["umask"] == int(seen.value, 8),
    "StateDirectory": lambda seen: seen.facts["environment"]["STATE_DIRECTORY"] == f"/var/lib/{seen.value}",
    "StateDirectoryMode": lambda seen: seen.facts["modes"]["STATE_DIRECTORY"] == int(seen.value, 8),
    "RuntimeDirectory": lambda seen: seen.facts["environment"]["RUNTIME_DIRECTORY"] == f"/run/{seen.value}",
    "RuntimeDirectoryMode": lambda seen: seen.facts["modes"]["RUNTIME_DIRECTORY"] == int(seen.value, 8),
    "WorkingDirectory": lambda seen: seen.facts["folder"] == seen.value.replace("%t", "/run"),
    "Environment": lambda seen: seen.facts["environment"].get(seen.value.split("=")[0]) == seen.value.split("=", 1)[1],
    "LimitCORE": _limit("CORE"),
    "LimitMEMLOCK": _limit("MEMLOCK"),
    "MemoryMax": _group_limit("memory.max"),
    "MemorySwapMax": _group_limit("memory.swap.max"),
    "TasksMax": _group_limit("pids.max"),
    "OOMScoreAdjust": _score,
    "CapabilityBoundingSet": _capabilities_are_gone,
    "AmbientCapabilities": _capabilities_are_gone,
    "NoNewPrivileges": lambda seen: seen.facts["no new privileges"] == "1",
    "PrivateDevices": lambda seen: not {"kmsg", "mem", "fuse", "loop0"} & set(seen.facts["devices"]),
    "PrivateIPC": _namespace("ipc"),
    "PrivateMounts": _namespace("mnt"),
    "PrivateNetwork": _namespace("net"),
    "PrivateUsers": _namespace("user"),
    "ProtectHostname": _namespace("uts"),
    "ProcSubset": lambda seen: not seen.facts["proc"],
    "SystemCallErrorNumber": lambda seen: seen.facts["seccomp"] == "2",
}
"""Directive -> whether the kernel says of the process what the unit's value asks for."""

ELSEWHERE: dict[str, str] = {
    "Type": "test_sandbox_journey: systemd waits for READY=1 before it calls the unit active",
    "ExecStart": "test_units; the probe stands in its place here",
    "ExecStopPost": "test_units; what it does is shown by test_signals and test_oled",
    "Restart": "test_sandbox_watchdog",
    "RestartSec": "test_sandbox_watchdog",
    "WatchdogSec": "test_sandbox_watchdog, and all loops in tests/watchdog",
    "TimeoutAbortSec": "test_sandbox_watchdog: a stopped process does not die of SIGABRT",
    "Sockets": "test_sandbox_journey: no vault binds the sockets that systemd owns",
    "NonBlocking": "test_sandbox_journey: the vault serves on after the probe was handed the same sockets",
    "EnvironmentFile": "test_units: no file gives pcscd options",
    "ReadWritePaths": "test_sandbox_journey: pcscd writes its pid file",
    "BindReadOnlyPaths": "the probe runs at all, and 'write: /usr' is refused",
}
"""Directive -> which test shows it."""

NOT_SHOWN: dict[str, str] = {
    "DeviceAllow": "a kernel without GPIO, I2C and USB has no such devices to let through",
    "IPAddressDeny": "no address can be tried: RestrictAddressFamilies leaves no family that has one",
    "KeyringMode": "no key can be asked for: the system call filter refuses keyctl",
    "RemoveIPC": "it acts after the end, on objects that PrivateIPC has already taken away",
    "SystemCallArchitectures": "no foreign code can be brought in to try it: what was written cannot be run",
}
"""Directive -> why nothing shows it."""
