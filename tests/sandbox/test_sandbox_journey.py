"""A signature under the shipped units, and who may open their sockets."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from sandbox_bench import GATEWAY, TIMEOUT, VAULT, signing

TEXT = "Repos de 3 jours."
CONNECT = """
import errno, socket, sys
with socket.socket(socket.AF_UNIX) as plug:
    found = plug.connect_ex(sys.argv[1])
print(errno.errorcode.get(found, "connected") if found else "connected")
"""
SOCKETS = {
    "link": "/run/cps-appliance/link.sock",
    "admin": "/run/cps-appliance/admin.sock",
    "pcscd": "/run/pcscd/pcscd.comm",
}
# user, its group, further groups -> sockets that open
WHO = {
    ("cps-gateway", "cps-gateway", "cps-link"): {"link"},
    ("cps-vault", "cps-vault", "gpio,i2c"): {"pcscd"},
    ("nobody", "nogroup", "cps-admin"): {"admin"},
    ("nobody", "nogroup", ""): set(),
    ("nobody", "nogroup", "gpio,i2c,plugdev"): set(),
    ("root", "root", ""): {"link", "admin", "pcscd"},
}


def test_a_signature_is_made_inside_the_sandboxes(box):
    machine = box.machine
    for unit in (VAULT, GATEWAY):
        assert machine.show(unit, "ActiveState") == "active"
        assert machine.show(unit, "NRestarts") == "0"
    with box.client as client:
        client.wait_online(TIMEOUT)
        assert client.wait_state("info", lambda info: info)["secretMemory"] == "memfd_secret"
        card = box.insert()
        replies = client.request("sign", signing(TEXT), TIMEOUT)
        box.agree()
        box.desk.press("1234#")
        *_, done = replies
        assert (done["phase"], done["counts"]) == ("done", {"signed": 1, "failed": 0})
        signed = {name: base64.b64decode(done["result"][name]) for name in ("signature", "certificate")}
        key = x509.load_der_x509_certificate(signed["certificate"]).public_key()
        key.verify(signed["signature"], TEXT.encode(), PKCS1v15(), SHA256())
        box.remove()
    assert card.verify_count == card.signature_count == 1


def test_the_sockets_are_systemds_and_the_card_daemon_started_by_one(box):
    """The vault bound nothing: the files are root's, and of the groups that the units name."""
    found = box.machine.run("stat", "-c", "%U:%G %a %n", *SOCKETS.values()).stdout.splitlines()
    assert found == [
        f"root:cps-link 660 {SOCKETS['link']}",
        f"root:cps-admin 660 {SOCKETS['admin']}",
        f"root:cps-vault 660 {SOCKETS['pcscd']}",
    ]
    assert box.machine.run("test", "-s", "/run/pcscd/pcscd.pid", check=False).returncode == 0


@pytest.mark.parametrize("who", WHO)
def test_a_socket_opens_to_its_group_and_to_nobody_else(box, who):
    user, group, more = who
    known = [name for name in more.split(",") if name and box.machine.run("getent", "group", name, check=False).stdout]
    groups = ["--groups", ",".join(known)] if known else ["--clear-groups"]
    person = ["setpriv", "--reuid", user, "--regid", group, *groups]
    found = {
        name: box.machine.run(*person, "python3", "-c", CONNECT, path).stdout.strip() for name, path in SOCKETS.items()
    }
    assert found == {name: "connected" if name in WHO[who] else "EACCES" for name in SOCKETS}


def test_a_second_gateway_is_turned_away_while_the_first_serves(box):
    """As the gateway's own user, through the socket that systemd holds."""
    second = """
import socket, sys
with socket.socket(socket.AF_UNIX) as plug:
    plug.settimeout(10)
    plug.connect(sys.argv[1])
    print(plug.recv(4096))  # not a welcome: the end
"""
    person = ["setpriv", "--reuid", "cps-gateway", "--regid", "cps-gateway", "--groups", "cps-link"]
    assert box.machine.run(*person, "python3", "-c", second, SOCKETS["link"]).stdout.strip() == "b''"
    with box.client as client:
        client.wait_online(TIMEOUT)
        assert client.final("ping", {})["phase"] == "done"
