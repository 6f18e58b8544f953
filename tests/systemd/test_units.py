"""The units as they are shipped: systemd reads them without a word, and their sandbox does not get weaker."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.config import parse
from appliance.vault.pulse import BEAT, GRACE

UNITS = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = ("appliance-vault.service", "appliance-gateway.service")
SOCKETS = ("appliance-link.socket", "appliance-admin.socket")
# Exposure times ten, as `systemd-analyze security` counts it.
THRESHOLDS = {"appliance-vault.service": 9, "appliance-gateway.service": 12, "pcscd.service": 17}
DROP_IN = Path("pcscd.service.d/cps-appliance.conf")
# Debian 12's own, which scores 9.6; later ones harden themselves.
PCSCD = """\
[Service]
ExecStart=/usr/sbin/pcscd --foreground --auto-exit $PCSCD_ARGS
"""

analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    # systemd is spoken to in English and without a pager
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", **variables}
    return subprocess.run(
        list(map(str, command)), check=False, capture_output=True, text=True, timeout=60, env=environment
    )


def keys_of(name: str | Path) -> dict[str, list[str]]:
    """Every ``Key=value`` of a unit, in order; systemd lets a key come more than once."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text("utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def verify(folder: Path) -> str:
    """What systemd says about the units, the installed ones behind them. It exits 0 on an unknown key: read it."""
    names = [folder / name for name in (*SERVICES, *SOCKETS)] + ["pcscd.service", "pcscd.socket"]
    done = run("systemd-analyze", "verify", "--man=no", *names, SYSTEMD_UNIT_PATH=f"{folder}:")
    return f"{done.stdout}{done.stderr}" if done.returncode == 0 else f"exit {done.returncode}: {done.stderr}"


def exposed(root: Path, service: str, threshold: int) -> bool:
    """Whether a service of ``installed`` is weaker than the threshold."""
    done = run("systemd-analyze", "security", "--offline=true", f"--root={root}", f"--threshold={threshold}", service)
    assert f"Overall exposure level for {service}" in done.stdout, done.stderr
    return done.returncode != 0


def installed(root: Path, pcscd: str = PCSCD) -> Path:
    """A root with our units and a pcscd of the distribution's, each drop-in where it is read."""
    units = Path(shutil.copytree(UNITS, root / "etc/systemd/system"))
    (units / "pcscd.service").write_text(pcscd, "utf-8")
    return units


@pytest.fixture
def folder(tmp_path):
    """A copy of the units, as a place of its own."""
    return Path(shutil.copytree(UNITS, tmp_path / "units"))


@analyze
def test_systemd_accepts_every_unit(folder):
    assert verify(folder) == ""


@analyze
@pytest.mark.parametrize(
    ("file", "good", "bad"),
    [
        ("appliance-vault.service", "PrivateNetwork=", "PrivateNetworks="),
        ("appliance-vault.service", "memfd_secret", "memfd_secrets"),
        ("appliance-vault.service", "ExecStart=/usr", "ExecStart=/usx"),
        (DROP_IN, "io_uring_setup", "io_uring_setups"),
        (Path("pcscd.socket.d/cps-appliance.conf"), "SocketMode=", "SocketModes="),
    ],
)
def test_verify_would_find_a_fault(folder, file, good, bad):
    unit = folder / file
    unit.write_text(unit.read_text("utf-8").replace(good, bad), "utf-8")
    assert unit.name in verify(folder)


@analyze
@pytest.mark.parametrize("service", THRESHOLDS)
def test_sandbox_does_not_get_weaker(service, tmp_path):
    installed(tmp_path)
    assert not exposed(tmp_path, service, THRESHOLDS[service])


@analyze
def test_drop_in_over_the_installed_pcscd_is_no_weaker(tmp_path):
    installed(tmp_path, Path("/lib/systemd/system/pcscd.service").read_text("utf-8"))
    assert not exposed(tmp_path, "pcscd.service", THRESHOLDS["pcscd.service"])


@analyze
@pytest.mark.parametrize(
    ("service", "file", "line"),
    [
        ("appliance-vault.service", "appliance-vault.service", "PrivateNetwork=yes"),
        ("appliance-gateway.service", "appliance-gateway.service", "CapabilityBoundingSet="),
        ("pcscd.service", DROP_IN, "CapabilityBoundingSet="),
    ],
)
def test_threshold_would_find_a_weaker_sandbox(service, file, line, tmp_path):
    unit = installed(tmp_path) / file
    text = unit.read_text("utf-8")
    assert f"\n{line}\n" in text
    unit.write_text(text.replace(f"\n{line}\n", "\n"), "utf-8")
    assert exposed(tmp_path, service, THRESHOLDS[service])


@analyze
def test_pcscd_is_open_without_the_drop_in(tmp_path):
    """The control: the score is the drop-in's doing."""
    (installed(tmp_path) / DROP_IN).unlink()
    assert exposed(tmp_path, "pcscd.service", THRESHOLDS["pcscd.service"])


def test_vault_has_no_network_and_its_peers_keep_their_names():
    vault = keys_of("appliance-vault.service")
    assert vault["PrivateNetwork"] == ["yes"]
    assert vault["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert vault["IPAddressDeny"] == ["any"]
    assert "PrivateUsers" not in vault  # SO_PEERCRED would read 65534


def test_vault_keeps_the_pin_out_of_dumps_swap_and_freed_memory():
    vault = keys_of("appliance-vault.service")
    assert (vault["LimitCORE"], vault["MemorySwapMax"]) == (["0"], ["0"])
    assert "GLIBC_TUNABLES=glibc.malloc.perturb=90:glibc.malloc.tcache_count=0" in vault["Environment"]
    allowed = {call for line in vault["SystemCallFilter"] if not line.startswith("~") for call in line.split()}
    assert {"memfd_secret", "mlock"} <= allowed


def test_pcscd_keeps_what_it_saw_of_a_pin_out_of_dumps_swap_and_network():
    pcscd = keys_of(DROP_IN)
    assert (pcscd["LimitCORE"], pcscd["MemorySwapMax"]) == (["0"], ["0"])
    assert pcscd["RestrictAddressFamilies"] == ["AF_UNIX AF_NETLINK"]
    assert "RuntimeDirectory" not in pcscd  # its end would take the socket away
    assert pcscd["EnvironmentFile"] == [""]  # an option would log every command
    assert keys_of("pcscd-polkit.conf") == {"Environment": ["PCSCD_ARGS=--disable-polkit"]}


def test_a_vault_that_stands_still_is_back_in_time():
    """WatchdogSec after the last sign of life, TimeoutAbortSec should it not die, RestartSec: with the age of the last
    mark (``pulse.GRACE``), at most 15 s from a loop's freeze to a new vault."""
    vault = keys_of("appliance-vault.service")
    watchdog, abort, restart = (int(vault[key][0]) for key in ("WatchdogSec", "TimeoutAbortSec", "RestartSec"))
    assert GRACE + watchdog + abort + restart <= 15
    assert BEAT < GRACE  # a loop at rest is never taken for a frozen one
    assert (vault["Type"], vault["Restart"]) == (["notify"], ["always"])


def test_services_start_the_shipped_modules_and_nothing_else():
    assert keys_of("appliance-vault.service")["ExecStart"] == ["/usr/bin/python3 -m appliance.vault"]
    assert keys_of("appliance-vault.service")["ExecStopPost"] == ["-/usr/bin/python3 -m appliance.vault.blank"]
    assert keys_of("appliance-gateway.service")["ExecStart"] == ["/usr/bin/python3 -m appliance.gateway"]
    for service in SERVICES:
        assert "simulator" not in (UNITS / service).read_text("utf-8")
        assert keys_of(service)["Restart"] == ["always"]


def test_only_vault_touches_devices():
    assert keys_of("appliance-gateway.service")["PrivateDevices"] == ["yes"]
    assert keys_of("appliance-vault.service")["DeviceAllow"] == ["char-gpiochip rw", "char-i2c rw"]


@pytest.mark.parametrize("name", ["link", "admin"])
def test_sockets_stand_where_the_configuration_looks(name):
    unit = keys_of(f"appliance-{name}.socket")
    run_folder = parse('[device]\nid = "cps-demo"\n').paths.run
    assert unit["ListenStream"] == [str(run_folder / f"{name}.sock")]
    assert unit["FileDescriptorName"] == [name]
    assert (unit["SocketGroup"], unit["SocketMode"]) == ([f"cps-{name}"], ["0660"])
    assert unit["Service"] == ["appliance-vault.service"]


def test_state_folder_is_where_the_configuration_looks():
    state = parse('[device]\nid = "cps-demo"\n').paths.state
    assert keys_of("appliance-vault.service")["StateDirectory"] == [state.name]
    assert state.parent == Path("/var/lib")


def test_only_the_gateway_opens_the_link():
    lines = [line.split() for line in (UNITS / "cps-appliance.sysusers.conf").read_text("utf-8").splitlines()]
    members = {(line[1], line[2]) for line in lines if line[:1] == ["m"]}
    assert members == {("cps-vault", "gpio"), ("cps-vault", "i2c"), ("cps-gateway", "cps-link")}


def test_pcscd_is_opened_to_the_vault_alone():
    drop_in = configparser.ConfigParser()
    drop_in.read(UNITS / "pcscd.socket.d" / "cps-appliance.conf", "utf-8")
    assert dict(drop_in["Socket"]) == {"socketmode": "0660", "socketgroup": "cps-vault"}


@analyze
def test_users_and_folders_can_be_made(tmp_path):
    (tmp_path / "etc").mkdir()
    users = run("systemd-sysusers", f"--root={tmp_path}", UNITS / "cps-appliance.sysusers.conf")
    assert users.returncode == 0, users.stderr
    accounts = [line.split(":")[0] for line in (tmp_path / "etc" / "passwd").read_text("utf-8").splitlines()]
    assert {"cps-vault", "cps-gateway"} <= set(accounts)
    folders = run("systemd-tmpfiles", f"--root={tmp_path}", "--create", UNITS / "cps-appliance.tmpfiles.conf")
    assert folders.returncode == 0, folders.stderr
    assert (tmp_path / "run" / "cps-appliance").stat().st_mode & 0o777 == 0o755
