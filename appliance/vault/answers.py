"""What the box says to practice software, from what the flow wants said.

What it is: pure functions from effects and box to the contract's bytes. What it is not: delivery (carrier.py).
Rule: a code that the contract does not have is ``internal`` to software; its own name stays in the log.
"""

from typing import Literal, TypeVar

from msgspec import UNSET, UnsetType

from appliance.card.activity import Situation
from appliance.card.identity import CardIdentity
from appliance.card.nomenclature import SECTORS
from appliance.contract import VERSION, problems, replies, state
from appliance.contract.messages import IdentityRequest
from appliance.vault import box as b
from appliance.vault.box import Ask, Box, Card

T = TypeVar("T")


def contract_code(code: str) -> str:
    """``code`` where the contract has it, else ``internal``."""
    return code if code in problems.PROBLEMS else "internal"


def progress(tell: b.Tell) -> bytes:
    """A progress reply."""
    message = replies.Progress(
        id=tell.ask.id,
        phase=tell.phase,
        attempt=_given(tell.attempt),
        done=_given(tell.done),
        of=tell.ask.of if tell.done is not None and isinstance(tell.ask, Ask) else UNSET,
        result=_given(tell.result),
    )
    return replies.encode(message)


def unsigned(finish: b.Finish) -> list[bytes]:
    """Of a batch that failed in the middle: a progress reply for each document that was not signed, with its code."""
    ask, signed = finish.ask, len(finish.results)
    if finish.code is None or signed == 0 or not isinstance(ask, Ask):
        return []
    code = contract_code(finish.code)
    looks = enumerate(ask.consent.documents[signed:], start=signed)
    failed = [replies.FailedResult(index=index, shown=look.shown, code=code) for index, look in looks]
    return [progress(b.Tell(ask, "signing", done=signed, result=result)) for result in failed]


def final(finish: b.Finish, audit_head: bytes) -> bytes:
    """The final reply of ``sign`` or ``practice``; ``audit_head`` is the chain's last hash, 32 bytes."""
    ask, signed = finish.ask, len(finish.results)
    if finish.code is not None:
        return problems.problem(ask.id, contract_code(finish.code), tries_left=finish.tries)
    if not isinstance(ask, Ask):
        return _practice(ask, finish)
    done = replies.Done(
        id=ask.id,
        counts=replies.Counts(signed=signed),
        audit_head=audit_head.hex(),
        result=finish.results[0] if ask.of == 1 else UNSET,
        trust=_given(finish.trust),
        revocation="unknown" if finish.trust else UNSET,
    )
    return replies.encode(done)


def _practice(ask: b.Look, finish: b.Finish) -> bytes:
    """The practice situations of the card that was read."""
    situations = tuple(_situation(situation) for situation in finish.situations)
    reply = replies.PracticeReply(
        id=ask.id, holder=finish.holder or "", card_session=finish.session or "", situations=situations
    )
    return replies.encode(reply)


def _situation(found: Situation) -> replies.PracticeSituation:
    unknown = tuple(replies.UnknownTag(tag=_hex(tag), value=value.hex()) for tag, value in found.unknown)
    sector = replies.Coded(code=found.sector, label=SECTORS.get(found.sector, "")) if found.sector else None
    return replies.PracticeSituation(
        number=found.number,
        structure=_given(found.structure),
        ident=_given(found.ident),
        sector=_given(sector),
        unknown=unknown or UNSET,
    )


def _hex(tag: int) -> str:
    """A tag as its bytes stand on the card."""
    return tag.to_bytes(max(1, (tag.bit_length() + 7) // 8)).hex()


def identity(request: IdentityRequest, card: Card, found: CardIdentity) -> bytes:
    """Who is in the reader: a claim read from the card (contract, *Events*)."""
    holder, certificate = found.holder, found.signature
    certificates = replies.Certificates(signature=found.signature.der, authentication=found.authentication.der)
    reply = replies.IdentityReply(
        id=request.id,
        holder=card.holder,
        name=replies.Name(given=holder.given_name or "", family=holder.surname or ""),
        rpps=holder.rpps or "",
        profession=replies.Coded(code=holder.profession or "", label=holder.activity),
        card_type=holder.card_type or "",
        test=holder.test,
        validity=replies.Validity(
            not_before=certificate.not_before.isoformat(), not_after=certificate.not_after.isoformat()
        ),
        trust=card.trust,
        card_session=card.session,
        tries_left=_given(card.tries),
        certificates=certificates if request.certificates else UNSET,
    )
    return replies.encode(reply)


def pong(request_id: str, boot_id: str, time: str | None) -> bytes:
    """The vault is there."""
    return replies.encode(replies.Pong(id=request_id, contract=VERSION, boot_id=boot_id, time=_given(time)))


def reader(box: Box) -> bytes:
    """``state/reader``."""
    if box.fault == "reader-busy":
        return state.encode(state.Reader(state="busy"))
    return state.encode(state.Reader(state="attached" if box.reader else "absent"))


def card(box: Box) -> bytes:
    """``state/card``: presence, family and session, never an identity."""
    if box.inserted is None:
        return state.encode(state.Card(presence="absent"))
    if box.fault == "patient-card":
        return state.encode(state.Card(presence="patient"))
    presence: Literal["present", "unreadable", "reading"]
    presence = "present" if box.card else "unreadable" if box.unreadable else "reading"
    return state.encode(state.Card(presence=presence, family=box.family, card_session=box.inserted))


def tamper(box: Box) -> bytes:
    """``state/tamper``."""
    return state.encode(state.Tamper(state=box.case.value))


def health(box: Box, *, clock_set: bool) -> bytes:
    """``state/health``."""
    return state.encode(
        state.Health(
            display="ok" if box.display else "fault",
            keypad="ok" if box.keypad else "fault",
            case="fault" if box.locked else "ok",
            journal="ok",
            clock="rtc" if clock_set else "unset",
        )
    )


def _given(value: T | None) -> T | UnsetType:
    """A member that does not apply is absent, never null."""
    return UNSET if value is None else value
