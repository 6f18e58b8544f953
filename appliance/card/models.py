"""ATR to card model, card model to driver.

What it is: two tables and the ISO 7816-3 walk to the historical bytes. What it is not: proof of identity; the driver
confirms with EF.SN. Rule: any bytes get a model; nothing here raises on what a card says.

Sources: card-reference §1.2 (CPx ATRs), §1.3 (Vitale, by ATR only: the box never reads a patient's card).
"""

import enum
import re

from appliance.card.cps3 import Cps3
from appliance.card.identity import Driver
from appliance.errors import CardUnsupported


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


def driver_for(model: Model) -> Driver:
    """The driver of a model.

    An unknown CPx gets the CPS3 dialect: newer masks of CPS3 exist (traces §1.8), and the driver refuses a card whose
    EF.SN does not answer to it before it sends anything else.

    Raises:
        CardUnsupported: no driver for this model.
    """
    driver = _DRIVERS.get(model)
    if driver is None:
        raise CardUnsupported(f"no driver for {model.value}")
    return driver


_DRIVERS: dict[Model, Driver] = {Model.CPS3: Cps3(), Model.CPS_UNKNOWN: Cps3()}
