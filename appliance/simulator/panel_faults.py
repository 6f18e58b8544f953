"""The fault switches of the front panel.

What it is: a table from name to what a person reads, what the switch does, and whether it is on. What it is not: the
movements (``panel_hands``) or the faults themselves (``faults``, ``desk``).
Rule: every switch can be put back; what cannot is a button.
"""

from collections.abc import Mapping
from typing import Final

from appliance.simulator.panel_hands import Fault, PanelHands
from appliance.simulator.panel_messages import Switch


def _trap(name: str, title: str, about: str) -> Fault:
    def is_set(hands: PanelHands) -> bool:
        card = hands.card()
        return card is not None and name in card.set

    return Fault(_CARD, title, about, lambda hands: hands.flip_trap(name), is_set)


def _is_slow(hands: PanelHands) -> bool:
    card = hands.card()
    return card is not None and card.slow


_CARD, _BOX, _AROUND, _TIME = "Carte", "Boîtier", "Autour", "Horloge du boîtier"

FAULTS: Final[Mapping[str, Fault]] = {
    "tear-verify": _trap("tear-verify", "Arracher au code", "La carte sort pendant la vérification du prochain code."),
    "tear-sign": _trap("tear-sign", "Arracher à la signature", "La carte sort en rendant sa prochaine signature."),
    "mute": _trap("mute", "Rendre muette", "Plus de réponse, jusqu'à ce qu'on la retire."),
    "status": _trap("status", "Réponse absurde", "La prochaine commande reçoit 6F00."),
    "slow": Fault(_CARD, "Carte lente", "0,3 s pour chaque commande.", PanelHands.flip_slow, _is_slow),
    "ghost": Fault(_BOX, "Touche fantôme", "Trois touches ensemble en montrent une quatrième.", PanelHands.press_ghost),
    "stuck": Fault(_BOX, "Touche coincée", "Le 5 reste enfoncé.", PanelHands.flip_stuck, lambda hands: hands.stuck),
    "cover": Fault(
        _BOX, "Ouvrir le capot", "L'interrupteur d'effraction.", PanelHands.flip_cover, lambda hands: hands.opened
    ),
    "display": Fault(_BOX, "Erreur d'écran", "Le prochain échange I²C échoue.", PanelHands.spoil_display),
    "vault": Fault(
        _BOX,
        "Arrêter le coffre",
        "Coupe net le processus qui décide.",
        PanelHands.flip_vault,
        lambda h: h.down("vault"),
    ),
    "reader": Fault(
        _AROUND,
        "Débrancher le lecteur",
        "La prise USB.",
        PanelHands.flip_reader,
        lambda hands: not hands.scene.tray.plugged,
    ),
    "broker": Fault(
        _AROUND, "Arrêter le courtier", "Le serveur MQTT.", PanelHands.flip_broker, lambda h: h.down("broker")
    ),
    "gateway": Fault(
        _AROUND,
        "Arrêter la passerelle",
        "Le processus qui parle MQTT.",
        PanelHands.flip_gateway,
        lambda hands: hands.down("gateway"),
    ),
    "10s": Fault(_TIME, "+ 10 s", "Avance l'horloge.", lambda hands: hands.advance(10)),
    "60s": Fault(_TIME, "+ 60 s", "Avance l'horloge.", lambda hands: hands.advance(60)),
}
"""Every fault of the panel, by name."""


def switches() -> tuple[Switch, ...]:
    """The table for the page."""
    return tuple(
        Switch(
            name=name,
            group=fault.group,
            title=fault.title,
            about=fault.about,
            lasts=fault.on is not None,
        )
        for name, fault in FAULTS.items()
    )
