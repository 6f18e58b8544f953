"""Every recorded CPS3 command, replayed on the soft card: same status words, same lengths.

The reference traces stand beside the repository; where they are absent these tests skip. What differs for a reason is
in ``DIFFERENCES``; a difference that no longer occurs fails too.
"""

import re
from pathlib import Path

import pytest

from appliance.simulator import softfiles
from appliance.simulator.pki import Holder, TestPki
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.softfiles import CONTACT, MF, Ef

TRACES = Path(__file__).parents[3] / "shared" / "traces"
pytestmark = pytest.mark.skipif(not TRACES.is_dir(), reason="reference traces absent")

# The holder of the recordings, so that files have their sizes.
RECORDED = Holder("SOPHIE", "ESSAI0123", "99900063480", 60, "Infirmier(e)", ("SI01",))
CERTIFICATE_SIZES = {0xA001: 2199, 0xA002: 2211}  # theirs are signed by RSA 4096

# (trace, command prefix) -> why the soft card answers otherwise.
DIFFERENCES = {
    ("cps3-middleware-data-objects", "A0"): "the CPS2ter face is not built (card-reference §2.4)",
    ("cps3-middleware-data-objects", "00A40904063F000001D101"): "6E00 there: the CPS2ter face had the floor",
    ("cps3-middleware-sign-variants", "002A90A01790008013"): "SHA-1 with the last round on the card is not built",
    ("cps3-middleware-sign-variants", "002A9E9A00"): "the signature after that SHA-1",
    ("cps3-middleware-decrypt", "002A808602"): "the recorded cryptogram is for the recorded key",
    ("cps3-middleware-decrypt", "00C0000020"): "nothing to fetch after it",
    ("cps3-opensc-login-sign", "002A808602"): "the recorded cryptogram is for the recorded key",
    ("cps3-opensc-login-sign", "00C0000020"): "nothing to fetch after it",
}


def recorded_steps(name):
    """Yield (kind, bytes, bytes): an exchange, or what happened to the card between two."""
    command = None
    for line in (TRACES / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("> "):
            command = bytes.fromhex(line[2:])
        elif line.startswith("< "):
            yield "exchange", command, bytes.fromhex(line[2:])
        elif line in EVENTS:
            yield line, b"", b""


EVENTS = {
    "# power on": SoftCps3.power_on,
    "# power off": SoftCps3.power_off,
    "# reset": SoftCps3.reset,
    "# card inserted": SoftCps3.power_on,
    "# card forgets the PIN": SoftCps3.forget_pin,
    "# card restored to factory test state (control channel)": None,
}


def recorded_card():
    card = SoftCps3(TestPki.generate(RECORDED))
    for fid, size in CERTIFICATE_SIZES.items():
        card.files[CONTACT, fid] = Ef(fid, card.files[CONTACT, fid].content.ljust(size, b"\0"))
    return card


def shape(answer):
    return f"{answer[-2:].hex()} {len(answer) - 2}"


def cps3_traces():
    return sorted(path.stem for path in TRACES.glob("cps3-*.txt")) if TRACES.is_dir() else ["absent"]


@pytest.mark.parametrize("name", cps3_traces())
def test_recorded_commands_get_the_recorded_status_words_and_lengths(name):
    card, used, surprises, seen = recorded_card(), set(), [], 0
    for kind, command, answer in recorded_steps(name):
        if kind in EVENTS:
            action = EVENTS[kind]
            card = recorded_card() if action is None else card
            if action is not None:
                action(card)
            continue
        seen += 1
        got = card.transmit(command)
        if shape(got) == shape(answer):
            continue
        key = next((k for k in DIFFERENCES if k[0] == name and command.hex().upper().startswith(k[1])), None)
        if key is None:
            surprises.append(f"> {command.hex().upper()}  recorded {shape(answer)}  soft card {shape(got)}")
        used.add(key)
    assert seen
    assert surprises == []
    assert used == {key for key in DIFFERENCES if key[0] == name}


def test_the_recorded_pin_counters_are_read_back_byte_for_byte():
    card = recorded_card()
    compared = 0
    for kind, command, answer in recorded_steps("cps3-middleware-wrong-pin"):
        if kind in EVENTS:
            continue
        got = card.transmit(command)
        if command[1] in (0xC0, 0xCB, 0x20, 0x24, 0x2C, 0xA4):
            assert got == answer, command.hex()
            compared += 1
    assert compared > 40


def test_files_are_those_of_the_reference_card():
    dump = (TRACES / "filesystem-dump.txt").read_text("utf-8").split("#### cps4")[0]
    files = softfiles.build_files(TestPki.generate(RECORDED), "99213845", softfiles.PinFormat())
    rows = re.findall(r"^3F00(/0001)?/([0-9A-F]{4}) .*?size (\d+).*\n   ([0-9A-F]*)$", dump, re.MULTILINE)
    assert len(rows) == 16
    for folder, fid, size, content in rows:
        file = files[CONTACT if folder else MF, int(fid, 16)]
        assert file.content == bytes.fromhex(content).ljust(int(size), b"\0"), fid
