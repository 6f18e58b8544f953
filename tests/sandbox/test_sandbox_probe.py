"""What a process can do in each unit's sandbox: exactly this, and nothing else of what the probe tries.

Under the shipped units and a systemd of their own. The controls are the same probe without any sandbox, as the vault's
user and as root: whatever a unit refuses gets through in at least one of them, so it is the unit that refuses.
"""

import pytest
from sandbox_bench import GATEWAY, PCSCD, VAULT, Told, directives_of
from sandbox_directives import ELSEWHERE, FACTS, NOT_SHOWN, REFUSED, Seen

UNITS = (VAULT, GATEWAY, PCSCD)

ALLOWED = {
    VAULT: {
        "socket: unix",
        "connect: pcscd",
        "read: configuration",
        "read: database",
        "write: state",
        "write: run",
        "memory: secret",
        "memory: lock",
    },
    GATEWAY: {
        "socket: unix",
        "socket: internet",
        "socket: internet 6",
        "connect: broker",
        "connect: link",
        "read: configuration",
        "memory: lock",
    },
    # It is root, without a capability: what root's files let their owner do is not refused.
    PCSCD: {
        "socket: unix",
        "socket: netlink",
        "connect: pcscd",
        "read: configuration",
        "see: others' processes",
        "write: /run/pcscd",
        "memory: lock",
    },
}

# Refused to root without a sandbox too: nothing here says that it is the unit that refuses.
BEYOND = {
    "device: /dev/mem": "this kernel has no such device",
    "privilege: module": "this kernel loads no modules",
    "write: kernel settings": "the machine's own /proc/sys is read-only",
}


@pytest.fixture(scope="module")
def told(box) -> dict[str, Told]:
    """The probe in every sandbox, and as the vault's user and as root without one."""
    machine = box.machine
    machine.run("mkdir", "-p", "/home/someone")
    machine.write("/tmp/of-another", "")
    machine.run("python3", "-c", "import ctypes; assert ctypes.CDLL(None).shmget(0x43505331, 4096, 0o1666) != -1")
    vault, gateway = machine.inner_pid(VAULT), machine.inner_pid(GATEWAY)
    known = {"port": box.broker.port, "open": "/srv/bench"}
    return {
        VAULT: box.probe(VAULT, other=gateway, own=vault, **known),
        GATEWAY: box.probe(GATEWAY, other=vault, own=gateway, **known),
        PCSCD: box.probe(PCSCD, other=vault, own=machine.inner_pid(PCSCD), **known),
        "user": box.control("cps-vault", other=gateway, own=vault, **known),
        "root": box.control("root", other=gateway, own=vault, **known),
    }


@pytest.mark.parametrize("unit", UNITS)
def test_a_process_can_do_this_and_nothing_else(told, unit):
    assert told[unit].allowed == ALLOWED[unit]


def test_it_is_the_unit_that_refuses(told):
    free = told["user"].allowed | told["root"].allowed
    refused = set(told[VAULT].outcomes) - set.intersection(*(told[unit].allowed for unit in UNITS))
    assert refused - free <= set(BEYOND)


def test_a_plain_service_of_the_same_user_can_do_much(told):
    """The control that matters: the user's rights alone would not hold the vault back."""
    without = told["user"].allowed - told[VAULT].allowed
    assert without >= {
        "socket: internet",
        "connect: broker",
        "device: /dev/kmsg",
        "device: /dev/fuse",
        "see: others' processes",
        "process: ptrace own user's",
        "program: shell",
        "program: from memory",
        "privilege: namespaces",
        "privilege: keyctl",
        "privilege: set-user bit",
        "memory: write and run",
        "write: bench",
    }


def test_the_probe_in_the_vaults_place_is_told_so_by_its_own_namespaces(told):
    facts, plain = told[VAULT].facts, told["root"].facts
    assert facts["user"] != plain["user"]
    assert facts["namespaces"]["user"] == plain["namespaces"]["user"]  # else a peer would read as 65534
    assert facts["names"]["groups"] == ["cps-vault", "gpio", "i2c"]


@pytest.mark.parametrize("unit", UNITS)
def test_every_directive_is_in_force(told, unit):
    here = told[unit]
    for directive, values in directives_of(unit).items():
        refused = REFUSED.get(directive, ())
        through = [name for name in refused if name in here.allowed]
        assert not through, f"{directive} lets through: {through}"
        if check := FACTS.get(directive):
            for value in values:
                assert check(Seen(value, here.facts, told["root"].facts)), f"{directive}={value}"


def test_every_directive_has_a_row_and_every_row_a_directive():
    written = {directive for unit in UNITS for directive in directives_of(unit)}
    rows = [*REFUSED, *FACTS, *ELSEWHERE, *NOT_SHOWN]
    assert set(rows) == written
    assert len(rows) == len(set(rows))
