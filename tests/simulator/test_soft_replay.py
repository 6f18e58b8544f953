"""Every recorded command, replayed on the soft cards: the same answers, byte for byte.

``tests/traces/README.md`` says what the recordings are and which of their answers are proven. All bytes are compared;
only where an answer is made of keys or certificates that are not ours, status word and length have to do.
What differs for a reason is in ``DIFFERENCES`` and ``OTHER_FILES``; a difference that no longer occurs fails too.
"""

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding

from appliance.simulator import softfiles
from appliance.simulator.pki import Holder, TestPki
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.softcps4 import DUAL_ATR, RC_ATR, SoftCps4
from appliance.simulator.softfiles import CONTACT, MF, Ef

TRACES = Path(__file__).parents[1] / "traces"
NAMES = sorted(path.stem for family in ("cps3", "cps4") for path in TRACES.glob(f"{family}-*.txt"))

# The holder of the recordings, so that files have their content.
RECORDED = Holder("SOPHIE", "ESSAI0123", "99900063480", 60, "Infirmier(e)", ("SI01",))
CERTIFICATE_SIZES = {0xA001: 2199, 0xA002: 2211}  # theirs are signed by RSA 4096

# (trace, command prefix) -> why the soft card answers otherwise.
DIFFERENCES = {
    ("cps3-middleware-sign-variants", "002A90A01790008013"): "SHA-1 with the last round on the card is not built",
    ("cps3-middleware-sign-variants", "002A9E9A00"): "the signature after that SHA-1",
}

# The same, where only bytes differ: the recorded card had another file then. Status word and length must be the same.
OTHER_FILES = {
    ("cps3-middleware-insert-cold", "00B0000065"): "EF.DIR before it got its DDOs and its order (traces/README §1.5)",
    ("cps3-middleware-insert-cold", "00B00000E7"): "PrKDF before its access rules were those OpenSC prints",
    ("cps3-middleware-removal", "00B0000065"): "EF.DIR as above",
    ("cps3-opensc-unblock-if-puk-linked", "00B0000000"): "an AODF that was tried: the PUK's id in the PIN's entry",
}

# Trace -> what was true of the card before it began.
PREPARED = {
    "cps4-middleware-pin-lost-6982": SoftCps4.lose_applet,  # it begins with the recovery of a ChipDoc that was lost
}
ATRS = {"cps4-dual-atr-middleware": DUAL_ATR, "cps4-rc-atr-middleware": RC_ATR}

FACTORY = "# card restored to factory test state (control channel)"
EVENTS = {
    "# power on": lambda card: card.power_on(),
    "# power off": lambda card: card.power_off(),
    "# reset": lambda card: card.reset(),
    "# card inserted": lambda card: card.power_on(),
    "# card removed": lambda card: card.power_off(),
    "# card forgets the PIN": lambda card: card.forget_pin(),
    "# ChipDoc lost on channel 1: 6985 from now on": lambda card: card.lose_applet(0x6985),
    "# ChipDoc lost on channel 1: 6881 from now on": lambda card: card.lose_applet(0x6881),
}


def read_trace(name):
    """Every exchange and every event, in order: (event or None, command, answer)."""
    command = None
    for line in (TRACES / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("> "):
            assert command is None, "a command without an answer"
            command = bytes.fromhex(line[2:])
        elif line.startswith("< "):
            yield None, command, bytes.fromhex(line[2:])
            command = None
        elif line in EVENTS or line == FACTORY:
            yield line, b"", b""


def fresh_card(name):
    pki = TestPki.generate(RECORDED)
    card = SoftCps4(pki, atr=ATRS[name]) if name in ATRS else (SoftCps3 if "cps3" in name else SoftCps4)(pki)
    for fid, size in CERTIFICATE_SIZES.items():
        card.files[CONTACT, fid] = Ef(fid, card.files[CONTACT, fid].content.ljust(size, b"\0"))
    PREPARED.get(name, lambda _: None)(card)
    return card


def enciphered_anew(steps):
    """The chained DECIPHER of each recorded cryptogram, with the same plain text enciphered for our key.

    The plain text is in the recorded answer: bare on a CPS3, at the end of a block of type 2 on a CPS4.
    """
    key = TestPki.generate(RECORDED).authentication.certificate.public_key()
    for at, (_, command, _) in enumerate(steps):
        if command[1:5] != bytes.fromhex("2A8086FF") or command[5:8] == b"\0\1\xff":  # the latter: a block to sign
            continue
        prefix = command[5:6] if command[0] == 0x10 else b""
        answered = next(answer for _, _, answer in steps[at + 1 :] if len(answer) > 2)[:-2]
        plain = answered.rpartition(b"\0")[2] if command[0] == 0x11 else answered
        data = prefix + key.encrypt(plain, padding.PKCS1v15())
        for step, (event, old, answer) in enumerate(steps[at : at + 2], at):
            part = data[:255] if step == at else data[255:]
            assert len(part) == old[4]
            steps[step] = (event, old[:5] + part, answer)
    return steps


def made_by_others(card, command, before):
    """Whether the answer comes from a key or is part of a certificate, or is random."""
    ins = before if command[1] == 0xC0 else command[1]
    return ins in (0x2A, 0x84, 0x88) or (ins == 0xB0 and card._file is not None and card._file.fid in CERTIFICATE_SIZES)


def replay(name):
    """What differs, as (key of a list above or None, text), and how many answers were compared to the byte."""
    card, differing, whole, before = fresh_card(name), [], 0, 0
    for event, command, answer in enciphered_anew(list(read_trace(name))):
        if event is not None:
            card = fresh_card(name) if event == FACTORY else card
            EVENTS.get(event, lambda _: None)(card)
            continue
        got = card.transmit(command)
        alike = (len(got), got[-2:]) == (len(answer), answer[-2:])
        generated = made_by_others(card, command, before)
        before = before if command[1] == 0xC0 else command[1]
        whole += not generated
        if got != answer and not (generated and alike):
            known = {**DIFFERENCES, **OTHER_FILES} if alike else DIFFERENCES
            key = next((k for k in known if k[0] == name and command.hex().upper().startswith(k[1])), None)
            differing.append((key, f"> {command.hex()}\n< {answer.hex()} recorded\n< {got.hex()} here"))
    return differing, whole


@pytest.mark.parametrize("name", NAMES)
def test_recorded_commands_get_the_recorded_answers(name):
    differing, whole = replay(name)
    assert [text for key, text in differing if key is None] == []
    assert {key for key, _ in differing} == {key for key in {**DIFFERENCES, **OTHER_FILES} if key[0] == name}
    assert whole > 3


def test_every_recording_is_here():
    assert len([name for name in NAMES if name.startswith("cps3")]) == 26
    assert len([name for name in NAMES if name.startswith("cps4")]) == 15


def test_the_replay_can_fail(monkeypatch):
    """One byte of one file, one digit of the counter: each is found."""
    monkeypatch.setitem(PREPARED, "cps3-opensc-insert", lambda card: spoil(card, MF, 0xD003))
    monkeypatch.setitem(PREPARED, "cps4-middleware-insert-cold", lambda card: spoil(card, CONTACT, 0x7006))
    monkeypatch.setitem(PREPARED, "cps4-middleware-wrong-pin", lambda card: setattr(card.counters[2], "left", 9))
    for name in ("cps3-opensc-insert", "cps4-middleware-insert-cold", "cps4-middleware-wrong-pin"):
        assert replay(name)[0], name


def spoil(card, folder, fid):
    content = card.files[folder, fid].content
    card.files[folder, fid] = Ef(fid, content[:-1] + bytes((content[-1] ^ 1,)))


def test_a_deciphered_text_of_a_cps4_ends_as_the_recorded_one_does():
    steps = enciphered_anew(list(read_trace("cps4-middleware-decrypt")))
    card, plain = fresh_card("cps4-middleware-decrypt"), b""
    for event, command, answer in steps:
        if event in EVENTS:
            EVENTS[event](card)
        elif command:
            got = card.transmit(command)
            if len(answer) == 258:
                plain = answer[:-2].rpartition(b"\0")[2]
                assert got[:2] == b"\0\2"
                assert got[:-2].endswith(b"\0" + plain)
    assert len(plain) == 32


@pytest.mark.parametrize(("family", "files"), [("cps3", 16), ("cps4", 3)])
def test_files_are_those_of_the_reference_card(family, files):
    dump = dict(re.findall(r"#### (cps\d).*\n((?:[^#].*\n)*)", (TRACES / "filesystem-dump.txt").read_text("utf-8")))
    generation = {"cps3": softfiles.CPS3, "cps4": softfiles.CPS4}[family]
    built = softfiles.build_files(TestPki.generate(RECORDED), "99213845", softfiles.PinFormat(), generation)
    rows = re.findall(r"^3F00(/0001)?/([0-9A-F]{4}) .*?size (\d+).*\n   ([0-9A-F]*)$", dump[family], re.MULTILINE)
    assert len(rows) == files
    for folder, fid, size, content in rows:
        file = built[CONTACT if folder else MF, int(fid, 16)]
        assert file.content == bytes.fromhex(content).ljust(int(size), b"\0"), fid
