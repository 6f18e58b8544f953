"""ATR to card model, card model to driver.

What it is: two tables and the ISO 7816-3 walk to the historical bytes. What it is not: proof of identity; the driver
confirms with EF.SN. Rule: any bytes get a model; nothing here raises on what a card says.

Sources: card-reference §1.2 (CPx ATRs), §1.3 (Vitale, by ATR only: the box never reads a patient's card).
"""

import enum
import re
from collections.abc import Callable

from appliance.card.apdu import SW_OK
from appliance.card.cps3 import Cps3
from appliance.card.cps4 import Cps4
from appliance.card.files import SW_FAULTS
from appliance.card.identity import CardIdentity, Driver, Known, Memory
from appliance.card.script import Script
from appliance.errors import CardUnsupported, CommandRefused

_SW_NOT_NOW = 0x6985


class Model(enum.Enum):
    """What an ATR says."""

    CPS3 = "cps3"
    CPS4 = "cps4"
    CPS_UNKNOWN = "cps-unknown"
    VITALE = "vitale"
    UNKNOWN = "unknown"


ATRS: dict[bytes, Model] = {
    bytes.fromhex("3BAC00402A001225006480000310009000"): Model.CPS3,
    bytes.fromhex("3BDC18FF00001225006480000401009000"): Model.CPS4,
    bytes.fromhex("3B9B188001001225006480040100009044"): Model.CPS4,
    bytes.fromhex("3B9B188001001225006480000401009044"): Model.CPS4,
    # The contactless face has no AODF, so no PIN and no signature: known, not driven.
    bytes.fromhex("3B8F80010031B86404B0ECC1739401808290000E"): Model.CPS_UNKNOWN,
}
"""Exact ATRs, as the national middleware matches them (traces §1.8)."""

HISTORICAL = bytes.fromhex("001225006480")
"""First historical bytes of every contact CPx (card-reference §1.2)."""

VITALE = re.compile(r"3B751300004[0-9A-F]09[EF]A9000|3F652500(2[2C]09[6F]9|52096A|A[34]096A)9000")
"""Patient cards by their ATR in upper-case hex; new letters appear, so the caller may bring its own pattern."""


def classify(atr: bytes, *, vitale: re.Pattern[str] = VITALE) -> Model:
    """The model an ATR announces; never raises."""
    exact = ATRS.get(atr)
    if exact is not None:
        return exact
    if historical(atr).startswith(HISTORICAL):
        return Model.CPS_UNKNOWN
    return Model.VITALE if vitale.fullmatch(atr.hex().upper()) else Model.UNKNOWN


def historical(atr: bytes) -> bytes:
    """The historical bytes of an ATR (ISO 7816-3 §8.2); empty when the ATR is cut short."""
    if len(atr) < 2:
        return b""
    count, interface, at = atr[1] & 0x0F, atr[1] >> 4, 2
    while True:
        at += interface.bit_count()
        if not interface & 0x8:
            break
        if at > len(atr):
            return b""
        interface = atr[at - 1] >> 4
    found = atr[at : at + count]
    return found if len(found) == count else b""


def identify(model: Model, memory: Memory) -> Script[Known]:
    """The script that finds out which dialect a card of this model speaks, and whose card it is.

    Not a generator itself: a card without a driver is refused before anything is sent to it.

    Raises:
        CardUnsupported: no driver for this model; when played, also a card that no driver knows.
        CommandRefused: when played, a card that says it is ill.
        CardError: when played, as ``Driver.identify``.
    """
    if model not in _PROBES:
        raise CardUnsupported(f"no driver for {model.value}")
    return _PROBES[model](memory)


def driver_of(identity: CardIdentity) -> Driver:
    """The driver of a card that was identified."""
    return DRIVERS[identity.family]


_CPS3, _CPS4 = Cps3(), Cps4()

DRIVERS: dict[str, Driver] = {_CPS3.family: _CPS3, _CPS4.family: _CPS4}
"""Every dialect by the family's name."""


def _identify_cps3(memory: Memory) -> Script[Known]:
    """A card with the ATR of a CPS3: a CPS4 may stand behind it and shows itself only on channel 1 (traces §1.8).

    Channel 1 is asked before the IAS-ECC face is called back by name: a CPS4 would then have ChipDoc on channel 0, and
    6985 on channel 1.
    """
    sw = yield from _CPS3.knock()
    if sw == SW_OK:
        return (yield from _CPS3.read(memory))
    if sw in SW_FAULTS:  # it knows the command and is ill: no reason to take it for another card
        raise CommandRefused(sw, "EF.SN")
    if (yield from _CPS4.knock()) == SW_OK:
        return (yield from _CPS4.read(memory))
    return (yield from _CPS3.identify(memory))


def _identify_unknown(memory: Memory) -> Script[Known]:
    """A CPx with an ATR nobody knows: CPS4, then CPS3 (card-reference §3.1). A stranger sees four SELECTs at most.

    6985 says that the applet is there and not to be had: only then is it taken back as on a CPS4.
    """
    sw = yield from _CPS4.knock()
    if sw == SW_OK:
        return (yield from _CPS4.read(memory))
    return (yield from (_CPS4 if sw == _SW_NOT_NOW else _CPS3).identify(memory))


_PROBES: dict[Model, Callable[[Memory], Script[Known]]] = {
    Model.CPS3: _identify_cps3,
    Model.CPS4: _CPS4.identify,
    Model.CPS_UNKNOWN: _identify_unknown,
}
