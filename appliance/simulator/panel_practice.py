"""The practice software of the front panel: sends samples, follows each to its end, and has openssl judge signatures.

What it is: the shipped client, a dossier for each request, and what the openssl program says of the documents that were
sent, whatever format the signature came back in. What it is not: software for a practice.
Rule: a dossier holds what was heard, and a verdict only of openssl.
"""

import base64
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.client.transport import Client, TransportError
from appliance.contract import MAJOR
from appliance.errors import SimulatorError
from appliance.simulator.panel_messages import Ask, Check, Dossier, Stage, Tone
from appliance.simulator.panel_samples import SAMPLES, Request
from appliance.simulator.proof import Verdict, judge

KEPT: Final = 20
"""Dossiers that are kept."""

PHASES: Final[Mapping[str, str]] = {
    "accepted": "demande reçue",
    "awaiting-card": "le boîtier attend une carte",
    "awaiting-consent": "le boîtier attend l'accord",
    "awaiting-pin": "le boîtier attend le code",
    "signing": "la carte signe",
    "done": "terminé",
}
"""Phase of a reply (contract, *Replies*) -> what the page says."""

FACTS: Final[Mapping[str, str]] = {
    "name": "nom",
    "rpps": "RPPS",
    "profession": "profession",
    "cardType": "carte",
    "test": "carte de test",
    "validity": "validité",
    "triesLeft": "essais restants",
    "trust": "confiance",
    "situations": "lieux d'exercice",
    "contract": "contrat",
    "time": "heure du boîtier",
    "target": "demande visée",
}
"""Member of a final reply -> what the page calls it; the others are among the messages."""
WORDS: Final[Mapping[str, str]] = {
    "True": "oui",
    "False": "non",
    "good": "bonne",
    "untrusted": "aucune",
    "unknown": "inconnue",
    "expired": "expirée",
    "not-yet-valid": "pas encore valide",
}


@dataclass(frozen=True, slots=True)
class Signed:
    """What is needed to judge a signature: the bytes that were signed, the signature, the certificate (DER)."""

    message: bytes
    signature: bytes
    certificate: bytes


def signed(result: Mapping[str, Any], content: bytes) -> Signed:
    """What a ``result`` of the contract says of a document as we have it.

    A JWS is put together anew around our own document (RFC 7515 §5.2): a signature over another one fails.

    Raises:
        SimulatorError: it is no such result.
    """
    try:
        if "jws" not in result:
            signature, certificate = (base64.b64decode(result[name]) for name in ("signature", "certificate"))
            return Signed(content, signature, certificate)
        header, _, signature_part = str(result["jws"]).split(".")
        leaf = base64.b64decode(json.loads(_unbase64url(header))["x5c"][0])
        payload = base64.urlsafe_b64encode(content).rstrip(b"=")
        return Signed(header.encode() + b"." + payload, _unbase64url(signature_part), leaf)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise SimulatorError("no such result in the contract") from error


class Practice:
    """Sends and follows; any thread may ask.

    Args:
        client: connected, or soon to be.
        folder: for openssl's files; ``root.pem`` and ``intermediate.pem`` in it are the authorities.
        tell: told what is sent and heard.
        changed: called after each change of a dossier.
    """

    def __init__(
        self, client: Client, folder: Path, tell: Callable[[Tone, str], None], changed: Callable[[], None]
    ) -> None:
        self._client, self._folder = client, folder
        self._tell, self._changed = tell, changed
        self._dossiers: dict[int, Dossier] = {}
        self._lock = threading.Condition()
        self._files = threading.Lock()
        self._number = 0
        self._last: str | None = None

    def dossiers(self) -> tuple[Dossier, ...]:
        """Those that are kept, the oldest first."""
        with self._lock:
            return tuple(self._dossiers.values())

    def dossier(self, number: int) -> Dossier:
        """One of those that are kept.

        Raises:
            SimulatorError: it is kept no more.
        """
        with self._lock:
            if number not in self._dossiers:
                raise SimulatorError("that dossier is kept no more")
            return self._dossiers[number]

    def wait_for(self, wanted: Callable[[Mapping[int, Dossier]], bool], timeout: float) -> bool:
        """Wait until the dossiers, by number, are as wanted; False when they were not within ``timeout`` seconds."""
        with self._lock:
            return self._lock.wait_for(lambda: wanted(self._dossiers), timeout)

    def ask(self, ask: Ask) -> int:
        """Send a sample; the number of its dossier.

        Raises:
            SimulatorError: there is no such sample.
        """
        sample = SAMPLES.get(ask.what)
        if sample is None:
            raise SimulatorError("no such sample")
        request = sample.make(ask, self._last)
        title = request.papers[0].title if len(request.papers) == 1 else sample.title
        return self.send(request, title, spoil=ask.spoil)

    def cancel(self) -> int | None:
        """Cancel what was asked last; the number of the dossier, None when nothing was asked."""
        if self._last is None:
            self._tell("desk", "rien à annuler : aucune demande n'est partie")
            return None
        members = {"v": MAJOR, "id": str(uuid.uuid4()), "target": self._last}
        return self.send(Request("cancel", json.dumps(members).encode()), "Annuler la demande")

    def send(self, request: Request, title: str, *, spoil: bool = False) -> int:
        """Send a request and follow it; the number of its dossier, which is ``title``."""
        self._last = request.ident or self._last
        dossier = self._open(title)
        try:
            replies = self._client.send(request.verb, request.body)
        except TransportError:
            self._tell("bad", f"req/{request.verb} ne part pas : le courtier MQTT ne répond pas")
            self._put(dossier, stage="failed", phase="non envoyé : le courtier MQTT ne répond pas", code="unsent")
            return dossier.number
        self._tell("asked", f"req/{request.verb} {_short(request.body)}")
        follower = threading.Thread(
            target=self._follow, args=(request, replies, dossier, spoil), name="dossier", daemon=True
        )
        follower.start()
        return dossier.number

    def _open(self, title: str) -> Dossier:
        with self._lock:
            self._number += 1
            dossier = Dossier(number=self._number, title=title, stage="open", phase="envoyé", detail="", checks=())
            self._dossiers[dossier.number] = dossier
            while len(self._dossiers) > KEPT:
                del self._dossiers[next(iter(self._dossiers))]
        self._changed()
        return dossier

    def _put(self, dossier: Dossier, **changes: Any) -> Dossier:  # noqa: ANN401 - members of a dossier
        now = msgspec.structs.replace(dossier, **changes)
        with self._lock:
            if now.number in self._dossiers:
                self._dossiers[now.number] = now
            self._lock.notify_all()
        self._changed()
        return now

    def _follow(self, request: Request, replies: Iterator[dict[str, Any]], dossier: Dossier, spoil: bool) -> None:  # noqa: FBT001 - a thread's arguments
        try:
            for reply in replies:
                self._tell("heard", f"rsp/{request.verb} {json.dumps(reply, ensure_ascii=False)}")
                dossier = self._hear(request, reply, dossier, spoil=spoil)
        except (TransportError, SimulatorError) as error:
            self._tell("bad", f"rsp/{request.verb} {error}")
            phase = "pas de réponse" if isinstance(error, TransportError) else "réponse illisible"
            self._put(dossier, stage="failed", phase=phase, code="silent")

    def _hear(self, request: Request, reply: Mapping[str, Any], dossier: Dossier, *, spoil: bool) -> Dossier:
        if reply.get("phase") == "error":
            phase = f"{reply.get('title', '')} ({reply.get('code', '')})"
            detail, code = str(reply.get("detail", "")), str(reply.get("code", ""))
            return self._put(dossier, stage="failed", phase=phase, detail=detail, code=code)
        result, checks = reply.get("result"), dossier.checks
        if isinstance(result, dict) and request.papers:
            checks += self._judge(request, result, spoil=spoil)
        phase = PHASES.get(str(reply.get("phase")), str(reply.get("phase")))
        if reply.get("attempt", 1) > 1:
            phase += f" (essai {reply['attempt']})"
        if reply.get("of", 1) > 1:
            phase += f" · {reply.get('done', 0)} sur {reply['of']}"
        final = bool(reply.get("final"))
        detail = _facts(reply) if final else ""
        stage: Stage = "done" if final else "open"
        code = str(reply.get("phase")) if final else ""
        return self._put(dossier, stage=stage, phase=phase, detail=detail, checks=checks, code=code)

    def _judge(self, request: Request, result: Mapping[str, Any], *, spoil: bool) -> tuple[Check, ...]:
        """What openssl says of one result."""
        paper = request.papers[result.get("index", 0)]
        name = f"« {paper.title} » : " if len(request.papers) > 1 else ""
        if "code" in result:
            return (Check(about=f"{name}non signé ({result['code']})", good=False),)
        content = bytes((paper.content[0] ^ 1,)) + paper.content[1:] if spoil else paper.content
        what = signed(result, content)
        with self._files:
            document = self._folder / "document"
            document.write_bytes(what.message)
            verdict = judge(self._folder, document, what.signature, what.certificate)
        checks = _checks(name, verdict, known=(self._folder / "root.pem").exists())
        for check in checks:
            self._tell("good" if check.good else "bad", f"openssl : {check.about}")
        return checks


def _checks(name: str, verdict: Verdict, *, known: bool) -> tuple[Check, ...]:
    signature = f"{name}signature {'vérifiée' if verdict.signature else 'NON VÉRIFIÉE'}"
    if not known:
        return (Check(about=signature, good=verdict.signature),)
    chain = f"{name}certificat {'vérifié' if verdict.chain else 'NON VÉRIFIÉ'}"
    return Check(about=signature, good=verdict.signature), Check(about=chain, good=verdict.chain)


def _facts(reply: Mapping[str, Any]) -> str:
    """What a final reply says besides signatures."""
    return "\n".join(f"{FACTS[name]} : {_plain(member)}" for name, member in reply.items() if name in FACTS)


def _plain(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return " ".join(map(_plain, value.values()))
    if isinstance(value, list):
        return " ; ".join(map(_plain, value))
    return WORDS.get(str(value), str(value))


def _short(body: bytes, most: int = 600) -> str:
    text = body.decode("utf-8", "replace")
    return text if len(text) <= most else f"{text[:most]}… ({len(body)} octets)"


def _unbase64url(part: str) -> bytes:
    """RFC 7515 §2: without padding."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
