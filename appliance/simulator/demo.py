"""``appliance demo``: the main job, without hardware, judged by openssl.

What it is: a nurse's first signature: card in, consent read off the pixels, PIN on the keypad's switches, signature
and certificate read back from MQTT. What it is not: a test double of the box: vault and gateway run as they ship.
Rule: the demo knows only what a person sees and what software receives; it succeeds only if a stranger's openssl
agrees. ``--break`` spoils one thing on the way, and must then fail.
"""

import argparse
import base64
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import ImageDraw

from appliance.client.transport import Client
from appliance.errors import ApplianceError, SimulatorError
from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.launch import DEVICE, Box
from appliance.simulator.narrator import Narrator
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.pki import TestPki
from appliance.simulator.proof import judge
from appliance.simulator.reading import read_lines
from appliance.simulator.softcps3 import SoftCps3

CLIENT = "demo"
PIN = "1234"
DOCUMENT = "Pansement simple une fois par jour pendant 10 jours, à domicile, dimanches et fêtes compris."
TITLE = "Ordonnance de soins"
BREAKS = ("signature", "digest", "shown")
ANSWER = 60.0
"""Seconds for one reply; the box itself is far quicker."""


@dataclass(slots=True)
class Report:
    """What happened; the members of ``--json``."""

    ok: bool = False
    signature_verified: bool = False
    chain_verified: bool = False
    holder_shown: bool = False
    document_shown: bool = False
    fingerprint_shown: bool = False
    events: list[str] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    apdus: int = 0
    verify_commands: int = 0
    oled_frames: int = 0
    vault_pid_had_network: bool = True
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that stands on the desk."""

    folder: Path
    desk: Desk
    reader: PcscliteServer
    card: SoftCps3
    box: Box
    client: Client
    tell: Narrator
    broken: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``appliance demo``."""
    parser.add_argument("--json", action="store_true", help="only one JSON object, on the last line")
    parser.add_argument("--break", dest="broken", choices=BREAKS, help="spoil one thing; the demo must then fail")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave document, signature and certificates there")


def main(args: argparse.Namespace) -> int:
    """Run; 0 only if openssl verified signature and chain, and the screen showed holder and document."""
    report = Report()
    tell = Narrator(quiet=args.json)
    with tempfile.TemporaryDirectory(prefix="cps-demo-") as made:
        folder = Path(args.keep).absolute() if args.keep else Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _play(folder, Path(made), report, tell, args.broken)
        except ApplianceError as error:
            report.error = f"{error.code}: {error}"
            sys.stderr.write(f"appliance demo: {report.error}\n")
    if args.json:
        sys.stdout.write(json.dumps(asdict(report), ensure_ascii=False) + "\n")
    else:
        tell.say("VERIFIED" if report.ok else "NOT VERIFIED")
    return 0 if report.ok else 1


def _play(folder: Path, place: Path, report: Report, tell: Narrator, broken: str | None) -> None:
    pki = TestPki.generate()
    pki.write(place / "pki")
    for name in ("root.pem", "intermediate.pem"):
        (folder / name).write_bytes((place / "pki" / name).read_bytes())
    card = SoftCps3(pki, pin=PIN)
    with ExitStack() as stack:
        tell.say("broker, reader and desk stand; vault (without network) and gateway start")
        broker = stack.enter_context(IotcoreBroker())
        desk = stack.enter_context(Desk(place / "desk"))
        reader = stack.enter_context(PcscliteServer(place / "pcscd"))
        rights = {CLIENT: ("sign", "sign-raw", "identity")}
        box = Box(place / "box", url=broker.url, desk=desk.path, reader=reader.path, rights=rights)
        stack.enter_context(box)
        client = stack.enter_context(Client(broker.url, DEVICE, CLIENT))
        client.wait_online(ANSWER)
        stage = Stage(folder, desk, reader, card, box, client, tell, broken)
        try:
            _nurse(stage, report)
        except ApplianceError:
            sys.stderr.write(box.log("vault") + box.log("gateway"))
            raise
        network = box.network()
        report.vault_pid_had_network = not network.empty
        report.apdus, report.verify_commands = card.apdu_count, card.verify_count
        report.oled_frames = desk.frames
        report.ok = (
            report.signature_verified
            and report.chain_verified
            and report.holder_shown
            and report.document_shown
            and report.fingerprint_shown
        )


def _nurse(stage: Stage, report: Report) -> None:
    """The journey, in the order a person lives it."""
    desk, tell = stage.desk, stage.tell
    desk.wait_for("Insérez", ANSWER)
    tell.screen(desk.frame())
    tell.say("a card goes in")
    stage.reader.insert(stage.card)
    _follow(stage, report, until="card/identified")
    who = stage.client.final("identity", timeout=ANSWER)
    tell.message("rsp identity", who)
    name = f"{who['name']['given'][0]}. {who['name']['family']}"
    report.holder_shown = any(name in line for line in desk.wait_for(name))
    tell.screen(desk.frame())

    tell.say("practice software asks for a signature")
    document = stage.folder / "document.txt"
    document.write_text(DOCUMENT, "utf-8")
    replies = stage.client.request("sign", _request(), ANSWER)
    _await(replies, "awaiting-consent", stage, report)
    _read_and_agree(stage, report)

    tell.say("the PIN is typed on the box")
    _await(replies, "awaiting-pin", stage, report)
    desk.wait_for("Code porteur")
    tell.keys("four digits")
    desk.press(PIN)
    desk.wait_for("•" * len(PIN))
    tell.screen(desk.frame())
    tell.keys("#")
    desk.press("#")
    done = _await(replies, "done", stage, report)
    desk.wait_for("Signé")
    tell.screen(desk.frame())
    _follow(stage, report, until="sign/completed")
    _judge(stage, report, document, done["result"])


def _request() -> dict[str, Any]:
    data = base64.b64encode(DOCUMENT.encode()).decode()
    document = {"kind": "content", "mediaType": "text/plain;charset=utf-8", "title": TITLE, "data": data}
    return {"documents": [document], "format": "raw"}


def _await(replies: Iterator[dict[str, Any]], phase: str, stage: Stage, report: Report) -> dict[str, Any]:
    """Take replies until ``phase``.

    Raises:
        SimulatorError: the request ended otherwise.
    """
    for reply in replies:
        stage.tell.message("rsp sign", reply)
        report.phases.append(reply["phase"])
        if reply["phase"] == phase:
            return reply
    raise SimulatorError(f"the request ended without {phase}: {report.phases}")


def _follow(stage: Stage, report: Report, until: str) -> None:
    """Take events as they come, up to one."""
    for event in stage.client.events(ANSWER):
        name = event.topic.removeprefix("evt/")
        stage.tell.message(event.topic, event.body["data"])
        report.events.append(name)
        if name == until:
            return
    raise SimulatorError(f"no event {until}")


def _read_and_agree(stage: Stage, report: Report) -> None:
    """Page through the consent, reading every pixel, and agree on the last page."""
    desk, tell = stage.desk, stage.tell
    lines = desk.wait_for(TITLE)
    tell.screen(desk.frame())
    digits = hashlib.sha256(DOCUMENT.encode()).hexdigest()[:16]
    text: list[str] = []
    while not any("accepter" in line for line in lines):
        before = lines
        tell.keys("C (next page)")
        desk.press("C")
        desk.wait_for(lambda now, before=before: now != before)  # type: ignore[misc] # a default binds the page
        lines = _seen(stage)
        tell.screen(desk.frame())
        text += [line for line in lines[1:-1] if line.replace(" ", "") != digits]
    report.document_shown = " ".join(text).split() == DOCUMENT.split()
    report.fingerprint_shown = any(line.replace(" ", "") == digits for line in lines)
    tell.keys("A (agree)")
    desk.press("A")


def _seen(stage: Stage) -> list[str]:
    """The text on the display; ``--break shown`` hides a row of it."""
    frame = stage.desk.frame()
    if stage.broken == "shown":
        ImageDraw.Draw(frame).rectangle((0, 13, frame.width, 26), fill=0)
    return read_lines(frame)


def _judge(stage: Stage, report: Report, document: Path, result: dict[str, Any]) -> None:
    """What openssl says of the document that was written, with signature and certificate as they came over MQTT."""
    signature = base64.b64decode(result["signature"])
    if stage.broken == "signature":
        signature = bytes((signature[0] ^ 1,)) + signature[1:]
    if stage.broken == "digest":
        document.write_text(DOCUMENT.replace("10 jours", "90 jours"), "utf-8")
    stage.tell.say("a stranger's openssl checks it")
    verdict = judge(stage.folder, document, signature, base64.b64decode(result["certificate"]))
    report.signature_verified, report.chain_verified = verdict.signature, verdict.chain
    for command in verdict.commands:
        stage.tell.message("openssl", command)
