"""A machine of its own for the units: systemd booted by systemd-nspawn over this machine's root.

What it is: an overlay of ``/`` whose changes live in memory, the units of ``systemd/`` in it, and systemd as its
first process: it applies the sandbox, as it does on the box. What it is not: another sandbox: the container keeps all
capabilities, its own system call filter is opened, and it shares this network, so that what is refused in it is
refused by the units (the tests' controls hold that). On Debian's minimal roots (``make fresh``) it is exactly those.
Rule: everything is mounted and started below one process, and gone with it; nothing of this machine is changed.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "systemd"
SOURCE = Path("/usr/lib/cps-appliance/source")  # where the units may take code from: ExecPaths=
SITE = Path("/usr/lib/cps-appliance/site")
BENCH = Path("/srv/bench")
"""``Machine.bench`` as the container sees it."""
INSTALLED = (
    "appliance-vault.service",
    "appliance-gateway.service",
    "appliance-link.socket",
    "appliance-admin.socket",
    "pcscd.socket.d",
    "pcscd.service.d",
)
INSIDE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
BOOT = 60.0
END = 10.0
CLONE_NEWNS, CLONE_NEWPID = 0x20000, 0x20000000
MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x4000, 0x40000, 2, 4, 8
PR_SET_PDEATHSIG = 1
# Device nodes that a box has and this container lacks; everyone may open them, so that only a unit can refuse.
NODES = {"kmsg": ("c", 1, 11), "mem": ("c", 1, 1), "fuse": ("c", 10, 229), "loop0": ("b", 7, 0)}

libc = ctypes.CDLL(None, use_errno=True)


def missing() -> str | None:
    """Why it cannot run here, or None. That systemd-nspawn is installed is the business of ``make setup``."""
    return "needs root" if os.geteuid() != 0 else None


class Machine:
    """One booted machine; a context manager. ``bench`` is a folder that both sides see."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.bench = self.folder / "bench"
        self.bench.mkdir()
        self.bench.chmod(0o777)
        self._log = self.folder / "nspawn.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.leader = 0

    def __enter__(self) -> Self:
        try:
            self._start()
            for name, (kind, major, minor) in NODES.items():
                self.run("mknod", "-m", "666", f"/dev/{name}", kind, str(major), str(minor), check=False)
                self.run("chmod", "666", f"/dev/{name}")  # later systemds make some of them themselves
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, *command: str | Path, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """A command in the machine, as its root."""
        inside = ["nsenter", "-t", str(self.leader), "-a", "--", *map(str, command)]
        done = subprocess.run(inside, check=False, capture_output=True, text=True, timeout=timeout, env=INSIDE)
        assert not check or done.returncode == 0, f"{command}: {done.stderr}{done.stdout}\n{self.journal()}"
        return done

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file in the machine."""
        inside = ["nsenter", "-t", str(self.leader), "-a", "--", "install", "-D", "-m", f"{mode:o}", "/dev/stdin", path]
        subprocess.run(inside, check=True, input=text, text=True, timeout=60, env=INSIDE)

    def show(self, unit: str, name: str) -> str:
        """A property of a unit, as systemd has it."""
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def pid(self, unit: str) -> int:
        """The main process of a unit, as this machine numbers it."""
        return self._host_pid(f"system.slice/{unit}", self.inner_pid(unit))

    def inner_pid(self, unit: str) -> int:
        """The same, as the machine numbers it."""
        return int(self.show(unit, "MainPID"))

    def _host_pid(self, group: str, inner: int) -> int:
        place = _groups(self._name)["unified"] / "payload" / group / "cgroup.procs"
        for pid in map(int, place.read_text().split()):
            with contextlib.suppress(FileNotFoundError):
                if _inner(pid) == inner:
                    return pid
        raise ProcessLookupError(f"process {inner} of {group}")

    def journal(self, *units: str) -> str:
        """What the machine logged, or some units of it."""
        chosen = [word for unit in units for word in ("-u", unit)]
        done = self.run("journalctl", "--no-pager", "-o", "short-monotonic", *chosen, check=False)
        return done.stdout[-20_000:]

    def stop(self) -> None:
        """Everything in it ends with its first process."""
        process, self._process = self._process, None
        if process is None:
            return
        first = [os.pidfd_open(pid) for pid in _children(process.pid)]
        process.kill()
        process.wait()
        for pidfd in first:  # the kernel ends a namespace's first process last
            select.select([pidfd], [], [], END)
            os.close(pidfd)
        for group in _groups(self._name).values():
            _remove_group(group)

    @property
    def _name(self) -> str:
        return f"cps-sandbox-{os.getpid()}-{id(self):x}"

    def _start(self) -> None:
        nspawn = shutil.which("systemd-nspawn")
        assert nspawn, "systemd-nspawn is not installed: apt-get install systemd-container"
        ready = self.folder / "ready"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as news, self._log.open("ab") as log:
            news.bind(str(ready))
            self._process = subprocess.Popen(
                [sys.executable, "-I", __file__, str(self.folder), self._name, nspawn, sysconfig.get_path("purelib")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(ready), "UNIFIED_CGROUP_HIERARCHY": "1"},
            )
            told = b""
            while b"READY=1" not in told:
                readable, _, _ = select.select([news], [], [], BOOT)
                assert readable, f"the machine did not boot:\n{self._log.read_text(errors='replace')[-4000:]}"
                told = news.recv(4096)
        self.leader = self._host_pid("init.scope", 1)


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def _inner(pid: int) -> int:
    """Its number in the innermost namespace."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("NSpid:")).split()[-1])


def _groups(name: str) -> dict[str, Path]:
    """Where a control group of our own goes: below ours, in the unified hierarchy and in systemd's old one."""
    ours = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        ours[controllers] = path.strip("/")
    found = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" and "" in ours:
            found.setdefault("unified", Path(place) / ours[""] / name)
        elif kind == "cgroup" and "name=systemd" in options.split(",") and "name=systemd" in ours:
            found.setdefault("systemd", Path(place) / ours["name=systemd"] / name)
    return found


def _remove_group(group: Path) -> None:
    """A group can go once the kernel has counted its last process out: some milliseconds after the end."""
    never = threading.Event()
    for _ in range(250):
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        if not group.exists():
            return
        never.wait(0.02)
    raise AssertionError(f"{group} is still in use")


# --- in the child -----------------------------------------------------------------------------------------------------


def check(result: int, call: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def mount(source: str, target: Path | str, kind: str | None, flags: int = 0, options: str | None = None) -> None:
    words = [word.encode() if word else None for word in (source, str(target), kind)]
    data = options.encode() if options else None
    check(libc.mount(*words, ctypes.c_ulong(flags), data), f"mount {target}")


def die_with_parent() -> None:
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def prepare(folder: Path) -> Path:
    """The machine's root: this root below, a file system in memory above, the units and their users in it."""
    memory = folder / "memory"
    memory.mkdir()
    mount("tmpfs", memory, "tmpfs", 0, "mode=755")
    root, above, work = memory / "root", memory / "above", memory / "work"
    for place in (root, above, work):
        place.mkdir()
    mount("overlay", root, "overlay", 0, f"lowerdir=/,upperdir={above},workdir={work}")
    units = root / "etc/systemd/system"
    shutil.rmtree(units)  # nothing of this machine's own is started
    units.mkdir()
    (units / "bench.target").write_text("[Unit]\nDescription=The bench\n")
    for name in INSTALLED:
        source = UNITS / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, units / name)
    options = subprocess.run(["/usr/sbin/pcscd", "--help"], capture_output=True, text=True, check=False).stdout
    if "--disable-polkit" in options:
        shutil.copy(UNITS / "pcscd-polkit.conf", units / "pcscd.service.d/cps-polkit.conf")
    (root / "etc/fstab").write_text("")
    for folders in (SOURCE, SITE, BENCH):
        (root / folders.relative_to("/")).mkdir(parents=True, exist_ok=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = root / f"usr/local/lib/{version}/dist-packages/cps-appliance.pth"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{SOURCE}\n{SITE}\n")
    for tool, name in (("systemd-sysusers", "sysusers"), ("systemd-tmpfiles", "tmpfiles")):
        create = ["--create"] if name == "tmpfiles" else []
        file = UNITS / f"cps-appliance.{name}.conf"
        shutil.copy(file, root / f"usr/lib/{name}.d/cps-appliance.conf")
        subprocess.run([tool, f"--root={root}", *create, str(file)], check=True)
    return root


def become_machine(folder: Path, name: str, nspawn: str, packages: str) -> None:
    """Runs in the child: leave this machine's mounts, processes and control group, then become systemd-nspawn."""
    die_with_parent()
    for group in _groups(name).values():
        group.mkdir()
        (group / "cgroup.procs").write_text(str(os.getpid()))
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWPID), "unshare")
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        sys.exit(f"systemd-nspawn ended: {status}")
    die_with_parent()
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    root = prepare(folder)
    mount("tmpfs", "/run", "tmpfs", 0, "mode=755")  # nspawn's own notes
    arguments = [
        f"--directory={root}",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--notify-ready=yes",
        "--machine=cps-sandbox",
        "--console=pipe",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--capability=all",
        # its own list lacks these; without them the container would refuse in the units' place
        "--system-call-filter=@known",
        f"--bind={folder / 'bench'}:{BENCH}",
        f"--bind-ro={ROOT}:{SOURCE}",
        f"--bind-ro={packages}:{SITE}",
    ]
    os.execv(nspawn, [nspawn, *arguments, "systemd.unit=bench.target", "systemd.log_target=journal"])


if __name__ == "__main__":
    become_machine(Path(sys.argv[1]), *sys.argv[2:])
