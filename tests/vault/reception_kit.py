"""The vault's counter in a test: reception, flow and a real journal, without hardware and link."""

import asyncio
import base64
import contextlib
import json
import uuid

import flow_kit as kit
from flow_kit import signed, tries

from appliance.config import parse
from appliance.keypad.entry import Agree, Digit, Validate
from appliance.link import messages as link
from appliance.vault import answers, flow
from appliance.vault import box as b
from appliance.vault.journal import Event, RequestState, Step
from appliance.vault.reception import Reception
from appliance.vault.scribe import Scribe

CLIENT, OTHER = "demo-desk", "other-desk"
TOPIC = f"cpsr/v1/cps-demo/rsp/{CLIENT}/1"


def config(requests="broker", per_minute=5):
    return parse(
        f'[device]\nid = "cps-demo"\n[mqtt]\nrequests = "{requests}"\n'
        f"[limits]\nrequests_per_minute = {per_minute}\n"
        f'[rights]\n{CLIENT} = ["sign", "sign-raw", "identity"]\nno-rights = []\n'
    )


def identifier(number):
    return str(uuid.UUID(int=number))


def sign(number=1, text="Pansement simple.", count=1, **members):
    data = base64.b64encode(text.encode()).decode()
    document = {"kind": "content", "mediaType": "text/plain;charset=utf-8", "title": "Ordonnance", "data": data}
    return {"v": 1, "id": identifier(number), "documents": [document] * count, "format": "jws", **members}


class Replies:
    """What the carrier would send: (topic, correlation, body, final); ``kept`` has the numbers of what is kept."""

    def __init__(self):
        self.sent, self.kept = [], []

    def reply(self, to, payload, *, final=False, kept=False):
        self.sent.append((to.topic, to.correlation, json.loads(payload), final))
        self.kept += [len(self.sent)] if kept or final else []
        return len(self.sent)


class Counter:
    """The vault's shell without its hardware: reception, flow and journal; ``now`` stands still."""

    def __init__(self, scribe, settings, box=None):
        self.scribe, self.carrier, self.now = scribe, Replies(), 0.0
        self.reception = Reception(settings, scribe, self.carrier)
        self.box, self.found = box or kit.Play(*kit.READY).box, None

    async def ask(self, verb, body, client=CLIENT, topic=TOPIC, correlation=b"c"):
        """Send a request; the bodies of its replies."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        before = len(self.carrier.sent)
        message = link.Request(client, verb, payload, topic, correlation)
        event = await self.reception.receive(message, self.box, self.found, self.now)
        if event is not None:
            await self.feed(event)
        return self.since(before)

    async def feed(self, *events):
        """Let events happen, as the service does: the journal first, then everything else."""
        before = len(self.carrier.sent)
        for event in events:
            made = event(self.box) if callable(event) else event
            self.box, effects = flow.step(self.box, made, self.now)
            moves = [self.move(effect) for effect in effects if isinstance(effect, b.Move)]
            await self.scribe.commit([], moves, [])
            for effect in effects:
                match effect:
                    case b.Tell():
                        self.reception.tell(effect)
                    case b.Finish():
                        await self.reception.finish(effect)
                    case b.Busy():
                        self.reception.busy(effect)
        return self.since(before)

    def move(self, move):
        if move.to is RequestState.RECEIVED:
            return self.reception.record(move.ask)
        code = answers.contract_code(move.code) if move.code else None
        return Step(move.ask.client, move.ask.id, move.to, code)

    def since(self, before):
        return [body for _, _, body, _ in self.carrier.sent[before:]]

    async def sign_it(self):
        pages = len(self.box.ask.consent.pages)
        turns = (kit.keys.Next(),) * (pages - 1)
        return await self.feed(*turns, Agree(), tries(3), *(Digit(),) * 4, Validate(), signed)


@contextlib.asynccontextmanager
async def counter(path, box=None, **settings):
    def dropped(_journal, first, last):
        return Event("journal", "dropped", lambda seq: f"{seq}:{first}-{last}".encode())

    scribe = await Scribe.open(path, dropped)
    try:
        yield Counter(scribe, config(**settings), box)
    finally:
        await scribe.close()


def run(scenario):
    async def bounded():
        async with asyncio.timeout(20):
            await scenario

    asyncio.run(bounded())


def codes(bodies):
    return [body.get("code") for body in bodies]
