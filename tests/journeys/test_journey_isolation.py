"""It must show, 5: the vault has no network, and after everything nothing personal is in any file of the box."""

import json
import re
import signal
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from journey_kit import PIN, WRONG, comes, fails

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from at_rest import bytes_needle, search, text_needle

TEXT = "Prescription : hydrocortisone"
TABLES = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6", "packet")
INODE = re.compile(r"socket:\[(\d+)\]")


def namespaces(pid):
    """The network namespace of every thread."""
    return {str((task / "ns/net").readlink()) for task in Path(f"/proc/{pid}/task").iterdir()}


def sockets(pid):
    """Inodes of the sockets a process holds."""
    links = (str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir())
    return {found[1] for link in links if (found := INODE.fullmatch(link))}


def rows(pid, table):
    """Rows of a table of /proc/PID/net as words, without its header; none where the kernel has no such table."""
    file = Path(f"/proc/{pid}/net/{table}")
    return [line.split() for line in file.read_text().splitlines()[1:]] if file.exists() else []


def ip_sockets(pid):
    """Rows of the tables of IP and packet sockets in the process's namespace."""
    return [row for table in TABLES for row in rows(pid, table)]


def sign(bench, form="raw", pin=PIN):
    replies = bench.ask(TEXT, form=form)
    bench.person.agrees()
    bench.person.enters(pin)
    return replies


def test_the_vault_has_no_network(any_bench):
    bench = any_bench
    bench.insert()
    *_, done = sign(bench)  # it has done all its work, and needed none
    assert done["phase"] == "done"
    vault, gateway = bench.box.vault_pid, bench.box.gateway_pid
    ours = str(Path("/proc/self/ns/net").readlink())
    assert b"appliance.simulator.vault" in Path(f"/proc/{vault}/cmdline").read_bytes()
    assert b"appliance.gateway" in Path(f"/proc/{gateway}/cmdline").read_bytes()

    (namespace,) = namespaces(vault)
    assert namespace != ours
    assert rows(vault, "route") == []
    assert {row[0] for row in rows(vault, "dev")[1:]} == {"lo:"}
    assert ip_sockets(vault) == []
    # every socket it holds is AF_UNIX: none was brought along. The one accepted from the gateway is of our namespace.
    held = sockets(vault)
    assert len(held) >= 3, "desk, reader and gateway are sockets"
    assert held <= {row[6] for pid in (vault, "self") for row in rows(pid, "unix")}

    # the control: the same look at the gateway finds what it must have
    assert namespaces(gateway) == {ours}
    tcp = {row[9] for row in rows(gateway, "tcp")}
    assert sockets(gateway) & tcp


def needles(bench):
    pki = bench.pki
    signature, authentication = (
        certificate.public_bytes(serialization.Encoding.DER) for certificate in pki.certificates
    )
    return (
        text_needle("name", f"{pki.holder.given} {pki.holder.family}"),
        text_needle("surname", pki.holder.family),
        text_needle("given name", pki.holder.given),
        text_needle("rpps", pki.holder.rpps),
        text_needle("chip serial", bench.card.serial),
        text_needle("card number", pki.card_number),
        text_needle("document", TEXT),
        bytes_needle("signature certificate", signature),
        bytes_needle("authentication certificate", authentication),
    )


def everything(bench):
    """All that can make the box write: identity, both formats, a wrong PIN, refusal, removal, a bad request."""
    bench.insert()
    identity = bench.client.final("identity", {"certificates": True})
    assert identity["name"]["family"] == bench.pki.holder.family
    jws = bench.client.request("sign", {"documents": []}, 20)
    fails(jws, "schema-invalid")
    *_, signed = sign(bench, "jws")
    replies = sign(bench, "raw", WRONG)
    bench.person.sees("Code faux")
    bench.person.press("A")
    bench.person.enters(PIN)
    *_, raw = replies
    refused = bench.ask(TEXT)
    bench.person.reads_consent()
    bench.person.press("D")
    *_, problem = refused
    assert problem["code"] == "refused"
    pulled = bench.ask(TEXT)
    bench.person.agrees()
    bench.person.types("12")
    bench.reader.remove()
    *_, problem = pulled
    assert problem["code"] == "card-removed"
    bench.event("card/removed")
    return identity, signed, raw


def test_nothing_personal_is_in_any_file(bench):
    answers = everything(bench)
    folders = [bench.box.state, bench.box.run, bench.box.logs]
    assert (bench.box.state / "box.sqlite-wal").exists()
    assert search(folders, needles(bench)) == []
    bench.box.stop()
    assert search(folders, needles(bench)) == []
    assert bench.box.log("vault")

    # the control: a box that kept its answers would be found, by each of them
    for answer, what in zip(
        answers,
        ({"surname", "given name", "rpps"}, {"signature certificate", "document"}, {"signature certificate"}),
        strict=True,
    ):
        kept = bench.box.state / "kept.json"
        kept.write_text(json.dumps(answer))
        found = search(folders, needles(bench))
        assert {finding.what for finding in found} >= what
        assert {finding.place for finding in found} == {str(kept)}


def test_nothing_personal_is_left_by_a_killed_vault(bench):
    bench.insert()
    *_, done = sign(bench)
    assert comes(bench.client.request("identity", {}, 20), "done")["rpps"] == bench.pki.holder.rpps
    assert done["phase"] == "done"
    bench.box.end("vault", signal.SIGKILL)
    assert search([bench.box.folder], needles(bench)) == []
