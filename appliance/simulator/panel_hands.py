"""The hands at the front panel: what each message of a page does to the desk, and how the desk stands then.

What it is: the movements of ``hands`` and those that only the panel has, each blocking until it is done. What it is
not: a thread or a connection (``panel_server``), or the terminal's table of keys.
Rule: keys go to the keypad and nowhere else; whatever is told is French.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from appliance.config import load
from appliance.errors import SimulatorError
from appliance.simulator.hands import Hands, Scene
from appliance.simulator.panel_cards import Cards, TrappedCard
from appliance.simulator.panel_messages import (
    Ask,
    Cancel,
    Down,
    Flip,
    Insert,
    Order,
    Remove,
    Renew,
    State,
    Tone,
    Up,
)
from appliance.simulator.panel_practice import Practice
from appliance.simulator.sight import HIGH
from appliance.simulator.tray import DeskTray

GHOST: Final = "124"
"""Three corners of a rectangle: without diodes the fourth, 5, shows too (hardware.md §F)."""
STUCK: Final = "5"

NO_VAULT: Final = "le coffre est arrêté : remettez-le en marche"
NOT_OURS: Final = "la carte de ce lecteur n'est pas la nôtre : mettez-la et retirez-la à la main"
NO_PLUG: Final = "seul le lecteur du banc peut être débranché d'ici"


class PanelHands:
    """Works on a scene.

    Args:
        scene: what is within reach.
        cards: the tray; None where the reader's card is somebody else's.
        practice: the practice software.
        faults: by name, the switches (``panel_faults``).
        tell: told what was done.

    Attributes:
        stuck: whether a key is stuck.
        opened: whether the case is open.

    Raises:
        ConfigError: the box's configuration cannot be read.
    """

    def __init__(
        self,
        scene: Scene,
        cards: Cards | None,
        practice: Practice,
        faults: "Mapping[str, Fault]",
        tell: Callable[[Tone, str], None],
    ) -> None:
        self.scene = scene
        self._wiring = load(scene.box.config)
        self.cards = cards
        self.practice = practice
        self._faults = faults
        self.stuck = self.opened = False
        self._tell = tell
        self._others = Hands(scene, lambda _kind, text: tell("bad", text))
        self._held: list[str] = []

    def close(self) -> None:
        """Rest."""
        self._others.close()

    # --- messages -----------------------------------------------------------------------------------------------------

    def touch(self, order: Down | Up) -> None:
        """A key of the keypad; several pages may hold the same one.

        Raises:
            SimulatorError: the vault does not scan its keypad.
        """
        if isinstance(order, Down):
            self._held.append(order.key)
        elif order.key in self._held:
            self._held.remove(order.key)
        self._put_switches()

    def move(self, order: Order) -> None:
        """Everything but keys; tells what was done, or why not."""
        try:
            said = self._move(order)
        except SimulatorError as error:
            self._tell("bad", str(error))
        else:
            if said:
                self._tell("desk", said)

    def _move(self, order: Order) -> str | None:
        match order:
            case Insert(card=name):
                return self.insert(name)
            case Remove():
                return self.remove()
            case Renew(card=name):
                return self.renew(name)
            case Flip(fault=name) if name in self._faults:
                return self._faults[name].flip(self)
            case Ask():
                self.practice.ask(order)
            case Cancel():
                self.practice.cancel()
            case _:
                raise SimulatorError("rien de tel sur ce banc")
        return None

    # --- card and reader ----------------------------------------------------------------------------------------------

    def need_cards(self) -> Cards:
        """The tray.

        Raises:
            SimulatorError: the reader's card is not ours.
        """
        if self.cards is None:
            raise SimulatorError(NOT_OURS)
        return self.cards

    def insert(self, name: str) -> str:
        """The card of this name goes in."""
        tray, card = self.scene.tray, self.need_cards().card(name)
        tray.remove()
        tray.card = card
        tray.insert()
        return f"carte insérée : {name}"

    def remove(self) -> str:
        """The card comes out."""
        self.need_cards()
        self.scene.tray.remove()
        return "carte retirée"

    def renew(self, name: str) -> str:
        """The card becomes as it was delivered; it comes out if it is in."""
        cards, tray = self.need_cards(), self.scene.tray
        if cards.name(tray.card) == name:
            tray.remove()
            tray.card = None
        cards.renew(name)
        return f"carte remise à neuf : {name}"

    def card(self) -> TrappedCard | None:
        """Our card that was put in last, in or not."""
        card = self.scene.tray.card
        return card if isinstance(card, TrappedCard) else None

    def _own(self) -> TrappedCard:
        card = self.card()
        if card is None:
            raise SimulatorError("mettez d'abord une carte")
        return card

    def flip_trap(self, name: str) -> str:
        """Set a trap in the card, or take it away."""
        card = self._own()
        card.set ^= {name}
        return f"{self._faults[name].title} : {'prêt' if name in card.set else 'non'}"

    def flip_slow(self) -> str:
        """Slow, or well again."""
        card = self._own()
        card.slow = not card.slow
        return "la carte est lente" if card.slow else "la carte a repris son allure"

    def flip_reader(self) -> str:
        """The reader's plug."""
        if not isinstance(self.scene.tray, DeskTray):
            raise SimulatorError(NO_PLUG)
        self.scene.tray.plug()
        return "lecteur branché" if self.scene.tray.plugged else "lecteur débranché"

    # --- the box ------------------------------------------------------------------------------------------------------

    def _put_switches(self) -> None:
        """Close the switches that are held or stuck; without a vault it is told them when it comes."""
        if self.scene.desk.connected:
            self.scene.desk.hold("".join({*self._held, *(STUCK if self.stuck else "")}))

    def _need_vault(self) -> None:
        if not self.scene.desk.connected:
            raise SimulatorError(NO_VAULT)

    def press_ghost(self) -> str:
        """Three keys at once."""
        self._need_vault()
        self.scene.desk.ghost(GHOST)
        self._put_switches()
        return "trois touches enfoncées ensemble : une quatrième apparaît"

    def flip_stuck(self) -> str:
        """A key that stays down; a fault after ten seconds."""
        self.stuck = not self.stuck
        self._put_switches()
        return "une touche est coincée (panne après 10 s)" if self.stuck else "la touche est libre"

    def flip_cover(self) -> str:
        """The tamper switch."""
        self._need_vault()
        self.opened = not self.opened
        self.scene.desk.open_case(self.opened)
        return "capot ouvert" if self.opened else "capot fermé"

    def spoil_display(self) -> str:
        """An I2C error."""
        self._need_vault()
        self.scene.desk.fail_display()
        return "le prochain échange avec l'écran échoue"

    def advance(self, seconds: int) -> str:
        """The clock that the box's times run on."""
        self._need_vault()
        self.scene.desk.advance(seconds)
        return f"horloge du boîtier : + {seconds} s"

    # --- around it ----------------------------------------------------------------------------------------------------

    def flip_broker(self) -> str:
        """Stop or start the broker."""
        if self.scene.broker is None:
            raise SimulatorError("ce courtier MQTT n'est pas le nôtre")
        return self._flip("broker", "courtier MQTT", self._others.switch_broker)

    def flip_gateway(self) -> str:
        """Kill or start the gateway."""
        return self._flip("gateway", "passerelle", self._others.switch_gateway)

    def flip_vault(self) -> str:
        """Kill or start the vault; a new one finds the case closed."""
        self.opened = False
        return self._flip("vault", "coffre", self._others.switch_vault)

    def _flip(self, name: str, title: str, switch: Callable[[], object]) -> str:
        switch()
        return f"{'arrêt' if self.down(name) else 'remise en marche'} : {title}"

    def down(self, name: str) -> bool:
        """Whether ``broker``, ``gateway`` or ``vault`` was stopped by hand."""
        return name in self._others.down

    # --- what is to be seen -------------------------------------------------------------------------------------------

    def state(self) -> State:
        """How things stand."""
        scene = self.scene
        pins, output = self._wiring.signals, scene.desk.output
        red, green, blue = (output(gpio)[0] == HIGH for gpio in (pins.red, pins.green, pins.blue))
        return State(
            card=self.cards.name(scene.tray.card) if self.cards and scene.tray.inside else None,
            foreign=self.cards is None,
            plugged=scene.tray.plugged,
            broker=None if scene.broker is None else not self.down("broker"),
            gateway=not self.down("gateway"),
            vault=scene.desk.connected,
            status="" if self.down("broker") else _status(scene.software.client.latest("status")),
            on=tuple(name for name, fault in self._faults.items() if fault.on is not None and fault.on(self)),
            light=scene.desk.light,
            lamp=(red, green, blue),
            beeps=output(pins.buzzer)[1],
            relay=output(self._wiring.door.relay)[0] == HIGH,
            cover=self.opened,
        )


def _status(document: object) -> str:
    return str(document.get("state", "")) if isinstance(document, dict) else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A switch.

    Attributes:
        group, title, about: French, for a person.
        flip: works it; what it returns is told.
        on: whether it is on; None for a button.
    """

    group: str
    title: str
    about: str
    flip: Callable[[PanelHands], str]
    on: Callable[[PanelHands], bool] | None = None
