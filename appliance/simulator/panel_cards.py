"""The tray of the front panel: every soft card by its French name, and the traps that can be set in one.

What it is: cards made when they are first wanted, which then keep what happened to them, as cards do; and
``TrappedCard``, in which a fault waits for the command it is meant for. What it is not: a reader (``tray``), or the
cards themselves (``softmodels``).
Rule: all cards of a panel share two chains, and ``authorities`` names them; a trap goes off once.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from appliance.errors import SimulatorError
from appliance.simulator.faults import Fault, FaultyCard, Kind, SoftCard
from appliance.simulator.panel_messages import Offer
from appliance.simulator.softholder import Holder
from appliance.simulator.softmodels import MODELS

PIN: Final = "1234"
PUK: Final = "12345678"
SLOW: Final = 0.3
"""Seconds a command takes on a slow card: about ten for all that is read of a new one."""

VERIFY: Final = 0x20  # ISO 7816-4 §11.6.6; a body makes it a try, without one it only asks for the counter
HEADER: Final = 5
SIGN: Final = bytes((0x2A, 0x9E, 0x9A))  # ISO 7816-8 §11.4: PSO COMPUTE DIGITAL SIGNATURE


@dataclass(frozen=True, slots=True)
class Label:
    """A row of the tray: what a person reads.

    Attributes:
        title, about: French.
        first: among those that lie on top.
        codes: whether a letter with codes comes with it.
    """

    title: str
    about: str
    first: bool = False
    codes: bool = True


LABELS: Final[Mapping[str, Label]] = {
    "cps3": Label("CPS3", "la carte d'une infirmière", first=True),
    "cps4": Label("CPS4", "la nouvelle génération", first=True),
    "blocked": Label("CPS3 bloquée", "à débloquer : touche A", first=True),
    "vitale": Label("Carte Vitale", "un patient s'est trompé de fente", first=True, codes=False),
    "cps4-t1": Label("CPS4, T=1", "parle aussi le protocole T=1"),
    "cps4-as-cps3": Label("CPS4 déguisée", "se présente comme une CPS3"),
    "cps4-lost": Label("CPS4 égarée", "demande une remise en route"),
    "cps3-updated": Label("CPS3 mise à jour", "dernière mise à jour menée à bien"),
    "update-interrupted": Label("Mise à jour coupée", "dernière mise à jour inachevée"),
    "cps3-old": Label("Ancienne carte", "d'avant la CPS3", codes=False),
    "unknown": Label("Carte inconnue", "d'une banque, par exemple", codes=False),
    "mute": Label("Carte muette", "puce abîmée", codes=False),
    "reversed": Label("Carte à l'envers", "la puce du mauvais côté", codes=False),
    "puk-exhausted": Label("Déblocage épuisé", "bloquée, plus aucun déblocage"),
    "expired": Label("Carte expirée", "certificats échus depuis onze mois"),
    "key-expired": Label("Clé échue", "certificat bon, clé hors période"),
    "not-yet-valid": Label("Pas encore valide", "commence dans un mois"),
    "production": Label("Hors test", "noms de la chaîne de production"),
    "cpf": Label("CPF", "une élève infirmière"),
    "cpe": Label("CPE", "sans nom de personne"),
    "pin12": Label("Code à 12 chiffres", "CPS3, de 4 à 12 chiffres"),
    "situations": Label("Lieux d'exercice", "seize places, des trous, des défauts"),
}
"""Name of a soft card -> its row. One that is not here is offered by its English line."""


@dataclass(frozen=True, slots=True)
class Trap:
    """What sets it off, and the fault that follows, both from the command."""

    due: Callable[[bytes], bool]
    fault: Callable[[bytes], Fault]


TRAPS: Final[Mapping[str, Trap]] = {
    "tear-verify": Trap(
        lambda apdu: apdu[1] == VERIFY and len(apdu) > HEADER, lambda apdu: Fault(Kind.CUT, byte=len(apdu) + 1)
    ),
    "tear-sign": Trap(lambda apdu: apdu[1:4] == SIGN, lambda apdu: Fault(Kind.CUT, byte=len(apdu) + 1)),
    "mute": Trap(lambda _apdu: True, lambda _apdu: Fault(Kind.MUTE)),
    "status": Trap(lambda _apdu: True, lambda _apdu: Fault(Kind.STATUS)),
}
"""Name -> trap. Torn in the answer: the card has done it, and the box cannot know."""


class TrappedCard(FaultyCard):
    """A soft card with traps, and slow or not.

    Args:
        card: the honest card.
        changed: called when a trap went off.
    """

    def __init__(self, card: SoftCard, changed: Callable[[], None]) -> None:
        super().__init__(card)
        self.slow = False
        self.set: set[str] = set()
        self._changed = changed

    def transmit(self, apdu: bytes) -> bytes:
        """Answer, or fail as the first trap that is due has it.

        Raises:
            CardTorn: cut, taken out while mute, or gone since.
        """
        due = next((name for name in TRAPS if name in self.set and TRAPS[name].due(apdu)), None)
        if due is not None:
            self.set.remove(due)
            self.arm(TRAPS[due].fault(apdu))
            self._changed()
        elif self.slow:
            self.arm(Fault(Kind.SLOW, seconds=SLOW))
        return super().transmit(apdu)


class Cards:
    """The cards of one panel.

    Args:
        folder: ``root.pem`` and ``intermediate.pem`` are written there, one chain after the other, as cards are made.
        pin: of the cards that have none of their own.
        changed: see ``TrappedCard``.
    """

    def __init__(self, folder: Path, pin: str, changed: Callable[[], None]) -> None:
        self._folder, self._pin, self._changed = folder, pin, changed
        self._made: dict[str, TrappedCard] = {}
        self._chains: dict[str, set[bytes]] = {"root": set(), "intermediate": set()}
        self._lock = threading.Lock()

    def card(self, name: str) -> TrappedCard:
        """One card, always the same until ``renew``.

        Raises:
            SimulatorError: there is no such card.
        """
        if name not in MODELS:
            raise SimulatorError("no such card")
        with self._lock:
            if name not in self._made:
                model = MODELS[name]
                pki = model.pki()
                self._write({"root": pki.root, "intermediate": pki.intermediate})
                card = model(pki) if "pin" in model.options else model(pki, pin=self._pin)
                self._made[name] = TrappedCard(card, self._changed)
            return self._made[name]

    def renew(self, name: str) -> None:
        """Another one of this kind, as delivered. Nothing if it was never used."""
        with self._lock:
            self._made.pop(name, None)

    def name(self, card: FaultyCard | None) -> str | None:
        """The name of a card of ours."""
        with self._lock:
            return next((name for name, made in self._made.items() if made is card), None)

    def offers(self) -> tuple[Offer, ...]:
        """The tray, those on top first."""
        labels = {name: LABELS.get(name, Label(name, model.about)) for name, model in MODELS.items()}
        ranked = sorted(labels, key=lambda name: (not labels[name].first, [*LABELS, name].index(name)))
        return tuple(self._offer(name, labels[name]) for name in ranked)

    def codes(self, name: str) -> tuple[str, str]:
        """The code and the code de déblocage in the letter of a card as delivered."""
        options = MODELS[name].options
        return options.get("pin", self._pin), options.get("puk", PUK)

    def _offer(self, name: str, label: Label) -> Offer:
        model = MODELS[name]
        pin, puk = self.codes(name)
        return Offer(
            name=name,
            title=label.title,
            holder=_holder(model.holder) if label.codes else "",
            about=label.about,
            letter=f"Code {pin} · déblocage {puk}" if label.codes else "",
            first=label.first,
        )

    def _write(self, chain: Mapping[str, x509.Certificate]) -> None:
        """Add to the files what is not in them yet."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, certificate in chain.items():
            pem = certificate.public_bytes(serialization.Encoding.PEM)
            if pem not in self._chains[name]:
                self._chains[name].add(pem)
                with (self._folder / f"{name}.pem").open("ab") as file:
                    file.write(pem)


def _holder(holder: Holder) -> str:
    return holder.structure.name if holder.structure else f"{holder.given} {holder.family}"


def authorities() -> tuple[x509.Certificate, ...]:
    """Every test authority of the tray: what the box is told to trust; not those with production's names."""
    wanted = [MODELS[name].pki() for name in ("cps3", "cpe")]
    return tuple(certificate for pki in wanted for certificate in (pki.root, pki.intermediate))
