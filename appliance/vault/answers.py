"""What the box says to practice software, from what the flow wants said.

What it is: pure functions from effects and box to the contract's bytes. What it is not: delivery (carrier.py).
Rule: a code that the contract does not have is ``internal`` to software; its own name stays in the log.
"""

from typing import Literal, TypeVar

from msgspec import UNSET, UnsetType

from appliance.card.identity import CardIdentity
from appliance.contract import VERSION, problems, replies, state
from appliance.contract.messages import IdentityRequest
from appliance.vault import box as b
from appliance.vault.box import Box, Card

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
        of=UNSET if tell.done is None else tell.ask.of,
        result=_given(tell.result),
    )
    return replies.encode(message)


def unsigned(finish: b.Finish) -> list[bytes]:
    """Of a batch that failed in the middle: a progress reply for each document that was not signed, with its code."""
    ask, signed = finish.ask, len(finish.results)
    if finish.code is None or signed == 0:
        return []
    code = contract_code(finish.code)
    looks = enumerate(ask.consent.documents[signed:], start=signed)
    failed = [replies.FailedResult(index=index, shown=look.shown, code=code) for index, look in looks]
    return [progress(b.Tell(ask, "signing", done=signed, result=result)) for result in failed]


def final(finish: b.Finish, audit_head: bytes) -> bytes:
    """The final reply of ``sign``; ``audit_head`` is the chain's last hash, 32 bytes."""
    ask, signed = finish.ask, len(finish.results)
    if finish.code is not None:
        return problems.problem(ask.id, contract_code(finish.code), tries_left=finish.tries)
    done = replies.Done(
        id=ask.id,
        counts=replies.Counts(signed=signed),
        audit_head=audit_head.hex(),
        result=finish.results[0] if ask.of == 1 else UNSET,
    )
    return replies.encode(done)


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


def health(box: Box, *, clock_set: bool) -> bytes:
    """``state/health``."""
    return state.encode(
        state.Health(
            display="ok" if box.display else "fault",
            keypad="ok" if box.keypad else "fault",
            journal="ok",
            clock="rtc" if clock_set else "unset",
        )
    )


def _given(value: T | None) -> T | UnsetType:
    """A member that does not apply is absent, never null."""
    return UNSET if value is None else value
