"""Everything that the probe tries, by name.

What it is: functions that do one thing each, and the table of them. What it is not: a judge, or a place that catches
what they raise. Standard library only: it runs inside the sandboxes.
Rule: an attempt that gets through undoes what it did; a refusal is an ``OSError`` or a program's exit code.
"""

import ctypes
import errno
import mmap
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

AF_VSOCK = 40
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS = 0x10000000, 0x40000000, 0x20000
PTRACE_SEIZE = 0x4206
ADDR_NO_RANDOMIZE = 0x0040000
KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING = 0, -2
PAGE = mmap.PAGESIZE
WRITABLE = ("/var/lib/cps-appliance", "/run/cps-vault", "/run/pcscd", "/run", "/tmp", "/var/tmp", "/dev/shm")
# asm/unistd_64.h; from 424 on the numbers are the same everywhere.
NUMBERS = {
    "x86_64": {"keyctl": 250, "init_module": 175, "settimeofday": 164, "bpf": 321},
    "aarch64": {"keyctl": 219, "init_module": 105, "settimeofday": 170, "bpf": 280},
}[os.uname().machine] | {"memfd_secret": 447, "io_uring_setup": 425}

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
libc.mlock.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


def call(result: int | None) -> int:
    """What a libc function returned, or its error."""
    if result is None or result == -1 or result == 2**64 - 1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(name: str, *arguments: object) -> int:
    return call(libc.syscall(NUMBERS[name], *arguments))


def reach(name: str, *arguments: object) -> None:
    """Get as far as the kernel's own look at the arguments, which are worth nothing."""
    try:
        syscall(name, *arguments)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def open_socket(family: int, kind: int = socket.SOCK_STREAM) -> None:
    socket.socket(family, kind).close()


def connect(family: int, address: object) -> None:
    with socket.socket(family) as plug:
        plug.settimeout(3)
        plug.connect(address)


def read(path: str) -> None:
    with Path(path).open("rb") as file:
        file.read(1)


def write(path: str) -> None:
    Path(path).write_bytes(b"probe")
    Path(path).unlink()


def open_device(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))


def trace(pid: int) -> None:
    call(libc.ptrace(PTRACE_SEIZE, pid, None, None))


def read_memory(pid: int) -> None:
    with Path(f"/proc/{pid}/maps").open() as maps:
        start = int(maps.readline().split("-")[0], 16)
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(start)
        memory.read(16)


def read_memory_by_call(pid: int) -> None:
    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

    with Path(f"/proc/{pid}/maps").open() as maps:
        start = int(maps.readline().split("-")[0], 16)
    room = ctypes.create_string_buffer(16)
    here, there = Vector(ctypes.addressof(room), 16), Vector(start, 16)
    call(libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))


def start_program(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10)


def start_copy(folder: str) -> None:
    copy = Path(folder) / "copy-of-true"
    copy.write_bytes(Path("/bin/true").read_bytes())
    try:
        copy.chmod(0o755)
        start_program(str(copy))
    finally:
        copy.unlink()


def start_from_memory() -> None:
    file = os.memfd_create("program", 0)
    try:
        os.write(file, Path("/bin/true").read_bytes())
        start_program(f"/proc/{os.getpid()}/fd/{file}")
    finally:
        os.close(file)


def start_by_loader() -> None:
    """``ld.so PROGRAM`` starts what must not be started by itself, unless its pages cannot be mapped."""
    loader = next(Path("/usr/lib").glob("*-linux-gnu*/ld-linux-*.so.*"))
    done = subprocess.run([loader, "/bin/true"], check=False, capture_output=True, timeout=10)
    if done.returncode:
        raise OSError(errno.EPERM, "the loader could not start it")


def in_child(action: Callable[[], None]) -> None:
    """An attempt that changes the process itself, in a child."""
    child = os.fork()
    if not child:
        try:
            action()
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    number = os.waitstatus_to_exitcode(status)
    if number:
        raise OSError(number if number > 0 else errno.EPERM, f"child: {number}")


def unshare(flags: int) -> Callable[[], None]:
    return lambda: in_child(lambda: void(call(libc.unshare(flags))))


def void(_value: object) -> None:
    """The value does not matter."""


def mount_something() -> None:
    """In mounts of its own, where it may: nothing of the machine's is changed."""
    call(libc.unshare(CLONE_NEWNS))
    call(libc.mount(b"none", b"/", None, ctypes.c_ulong(0x44000), None))
    call(libc.mount(b"tmpfs", b"/mnt", b"tmpfs", ctypes.c_ulong(0), None))


def set_user_bit(folder: str) -> None:
    file = Path(folder) / "set-user-bit"
    file.touch()
    try:
        file.chmod(0o4755)
        if not file.stat().st_mode & 0o4000:
            raise PermissionError(errno.EPERM, "the bit is gone")
    finally:
        file.unlink()


def write_and_run() -> None:
    """Memory that can be written and run at once."""
    at = call(libc.mmap(None, PAGE, mmap.PROT_WRITE | mmap.PROT_EXEC, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0))
    libc.munmap(at, PAGE)


def write_then_run() -> None:
    """Memory that is written first and run afterwards."""
    at = call(libc.mmap(None, PAGE, mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0))
    try:
        call(libc.mprotect(at, PAGE, mmap.PROT_READ | mmap.PROT_EXEC))
    finally:
        libc.munmap(at, PAGE)


def write_and_run_file(folder: str) -> None:
    """A file that was written, mapped to be run."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * PAGE)
        file.flush()
        mmap.mmap(file.fileno(), PAGE, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()


def secret_memory() -> None:
    """The page of the PIN, as ``appliance.secret`` takes it."""
    file = syscall("memfd_secret", 0)
    try:
        os.ftruncate(file, PAGE)
        page = mmap.mmap(file, PAGE, flags=mmap.MAP_SHARED)
        page[0] = 1
        page.close()
    finally:
        os.close(file)


def lock_memory() -> None:
    page = mmap.mmap(-1, PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    view = (ctypes.c_char * PAGE).from_buffer(page)
    call(libc.mlock(ctypes.addressof(view), PAGE))
    del view
    page.close()


def set_up_ring() -> None:
    """A ring opens sockets and files past the system call filter."""
    os.close(syscall("io_uring_setup", 1, ctypes.create_string_buffer(120)))


def make_group() -> None:
    place = Path("/sys/fs/cgroup/probe")
    place.mkdir()
    place.rmdir()


def rename_host() -> None:
    name = socket.gethostname().encode()
    call(libc.sethostname(name, len(name)))


def be_urgent() -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def see_processes() -> None:
    """Processes of other users in /proc."""
    others = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and entry.stat().st_uid != os.getuid()]
    if not others:
        raise PermissionError(errno.EACCES, "none to be seen")


def make_shared_segment() -> None:
    """System V shared memory that another service's process would see: its key is known to the test."""
    key = 0x43505331
    found = libc.shmget(key, 0, 0)
    if found == -1:
        raise FileNotFoundError(errno.ENOENT, "not seen here")


def attempts(s: dict) -> dict[str, Callable[[], None]]:
    """Name -> what is tried. ``s``: what the test knows: port, folders, process ids."""
    return {
        # sockets
        "socket: internet": lambda: open_socket(socket.AF_INET),
        "socket: internet 6": lambda: open_socket(socket.AF_INET6),
        "socket: netlink": lambda: open_socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "socket: packet": lambda: open_socket(socket.AF_PACKET, socket.SOCK_RAW),
        "socket: vsock": lambda: open_socket(AF_VSOCK),
        "socket: unix": lambda: open_socket(socket.AF_UNIX),
        "connect: broker": lambda: connect(socket.AF_INET, ("127.0.0.1", s["port"])),
        "connect: pcscd": lambda: connect(socket.AF_UNIX, "/run/pcscd/pcscd.comm"),
        "connect: link": lambda: connect(socket.AF_UNIX, "/run/cps-appliance/link.sock"),
        "connect: admin": lambda: connect(socket.AF_UNIX, "/run/cps-appliance/admin.sock"),
        "connect: systemd": lambda: connect(socket.AF_UNIX, "/run/systemd/private"),
        # files
        "read: configuration": lambda: read("/etc/cps-appliance/appliance.toml"),
        "read: /etc/shadow": lambda: read("/etc/shadow"),
        "read: /root": lambda: void(list(Path("/root").iterdir())),
        "read: /home": lambda: void(list(Path("/home/someone").iterdir())),
        "read: database": lambda: read("/var/lib/cps-appliance/box.sqlite"),
        "read: another's environment": lambda: read(f"/proc/{s['other']}/environ"),
        "see: others' processes": see_processes,
        "see: others' shared memory": make_shared_segment,
        "write: state": lambda: write("/var/lib/cps-appliance/probe"),
        "write: run": lambda: write("/run/cps-vault/probe"),
        "write: bench": lambda: write(s["open"] + "/probe"),
        "write: /etc": lambda: write("/etc/cps-appliance/probe"),
        "write: /usr": lambda: write("/usr/lib/probe"),
        "write: /run": lambda: write("/run/probe"),
        "write: /dev/shm": lambda: write("/dev/shm/probe"),
        "write: /run/pcscd": lambda: write("/run/pcscd/probe"),
        "write: control groups": make_group,
        "write: kernel settings": lambda: Path("/proc/sys/kernel/core_pattern").open("r+b").close(),
        "read: another's /tmp": lambda: read("/tmp/of-another"),
        # devices
        "device: /dev/kmsg": lambda: open_device("/dev/kmsg"),
        "device: /dev/mem": lambda: open_device("/dev/mem"),
        "device: /dev/fuse": lambda: open_device("/dev/fuse"),
        "device: /dev/loop0": lambda: open_device("/dev/loop0"),
        # other processes
        "process: signal": lambda: os.kill(s["other"], 0),
        "process: ptrace": lambda: in_child(lambda: trace(s["other"])),
        "process: ptrace own user's": lambda: in_child(lambda: trace(s["own"])),
        "process: memory": lambda: read_memory(s["other"]),
        "process: memory by call": lambda: read_memory_by_call(s["other"]),
        # programs
        "program: shell": lambda: start_program("/bin/sh", "-c", ":"),
        **{f"program: copy in {folder}": lambda folder=folder: start_copy(folder) for folder in WRITABLE},
        "program: from memory": start_from_memory,
        "program: by the loader": start_by_loader,
        # privileges
        "privilege: setuid": lambda: in_child(lambda: os.setuid(0 if os.getuid() else 1)),
        "privilege: set-user bit": lambda: set_user_bit("/tmp"),
        "privilege: namespaces": unshare(CLONE_NEWUSER),
        "privilege: network namespace": unshare(CLONE_NEWNET),
        "privilege: mount": lambda: in_child(mount_something),
        "privilege: keyctl": lambda: void(syscall("keyctl", KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1)),
        "privilege: personality": lambda: in_child(lambda: void(call(libc.personality(ADDR_NO_RANDOMIZE)))),
        "privilege: real time": lambda: in_child(be_urgent),
        "privilege: host name": rename_host,
        "privilege: clock": lambda: void(syscall("settimeofday", None, None)),
        "privilege: kernel log": lambda: void(call(libc.klogctl(10, None, 0))),
        "privilege: module": lambda: void(syscall("init_module", None, 0, None)),
        "privilege: bpf": lambda: reach("bpf", 0, None, 0),
        "privilege: io_uring": set_up_ring,
        # memory
        "memory: write and run": write_and_run,
        "memory: write, then run": write_then_run,
        "memory: run a written file": lambda: write_and_run_file("/tmp"),
        "memory: secret": secret_memory,
        "memory: lock": lock_memory,
    }
