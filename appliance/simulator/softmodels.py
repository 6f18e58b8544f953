"""Every kind of card a box may meet, as a table.

What it is: name -> how to make that soft card, with its holder and the state it is in. What it is not: the list of
what the box must do with each. Rule: a row differs from the plain card by what its line says, and by nothing else.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Unpack

from appliance.simulator.faults import SoftCard
from appliance.simulator.pki import EMPLOYEE, NURSE, PRODUCTION, STUDENT, Holder, TestPki
from appliance.simulator.softcps3 import ATR as CPS3_ATR
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.softcps4 import ATR as CPS4_ATR
from appliance.simulator.softcps4 import DUAL_ATR, SoftCps4
from appliance.simulator.softcpx import Options, SoftCpx
from appliance.simulator.softfiles import MF, Ef, update_state
from appliance.simulator.softobjects import MANY
from appliance.simulator.softpin import PIN, PUK
from appliance.simulator.softprofile import DAY
from appliance.simulator.softstranger import Stranger

# card-reference §1.2: the generation before CPS3; its ATR passes the mask of the CPS3. A CPS2ter knows class A0 only.
OLD_ATR = bytes.fromhex("3BAC00402A001225006480820212009000")
VITALE_ATR = bytes.fromhex("3B7513000043 09EA9000")  # card-reference §1.3
# T=0, five historical bytes of no CPx: the look of a bank card, and nobody's.
UNKNOWN_ATR = bytes.fromhex("3B65000020 43415254")
EF_ACTUA = 0xD010
FIRST_SERIAL = 99213845  # of the card in the recordings

Make = Callable[[TestPki, Options], SoftCard]


@dataclass(frozen=True, slots=True)
class Model:
    """One row. Call it to have a card: ``MODELS["cps3"](pki, pin="2468")``.

    Attributes:
        about: one line of English.
        make: from a PKI and options to the card.
        holder: whose card.
        age: how long ago its certificates began to be valid (3 years and 30 days; the keys 3 years).
        options: what it has of its own, unless the caller chooses.
    """

    about: str
    make: Make
    holder: Holder = NURSE
    age: dt.timedelta = DAY
    options: Options = field(default_factory=Options)

    def pki(self) -> TestPki:
        """The PKI of this kind of card; the same all day, within a process."""
        if self.age == DAY:
            return TestPki.generate(self.holder)
        today = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return TestPki.generate(self.holder, valid_from=today - self.age)

    def __call__(self, pki: TestPki | None = None, **chosen: Unpack[Options]) -> SoftCard:
        """A new card; ``pki`` in place of its own.

        Raises:
            SimulatorError: the options make no card.
        """
        return self.make(pki if pki is not None else self.pki(), Options(**{**self.options, **chosen}))


def _cps3(prepare: Callable[[SoftCpx], None] | None = None) -> Make:
    def make(pki: TestPki, options: Options) -> SoftCard:
        card = SoftCps3(pki, **options)
        if prepare is not None:
            prepare(card)
        return card

    return make


def _cps4(atr: bytes = CPS4_ATR, *, lost: bool = False) -> Make:
    def make(pki: TestPki, options: Options) -> SoftCard:
        card = SoftCps4(pki, atr=atr, **options)
        if lost:
            card.lose_applet()
        return card

    return make


def _stranger(atr: bytes | None) -> Make:
    return lambda _pki, _options: Stranger(atr)


def _update(begin: str, end: str) -> Callable[[SoftCpx], None]:
    def prepare(card: SoftCpx) -> None:
        card.files[MF, EF_ACTUA] = Ef(EF_ACTUA, update_state(begin, end))

    return prepare


def _block(card: SoftCpx) -> None:
    card.counters[PIN].left = 0


def _exhaust(card: SoftCpx) -> None:
    _block(card)
    card.counters[PUK].uses = 0


_ROWS: Final = {
    "cps3": Model("a nurse's CPS3, T=0", _cps3()),
    "cps4": Model("a nurse's CPS4, T=0", _cps4()),
    "cps4-t1": Model("a CPS4 that offers T=0 and T=1; pcscd takes T=1", _cps4(DUAL_ATR)),
    "cps4-as-cps3": Model("a CPS4 with the ATR of a CPS3", _cps4(CPS3_ATR)),
    "cps4-lost": Model("a CPS4 whose ChipDoc wants the recovery at insertion (6985)", _cps4(lost=True)),
    "cps3-updated": Model(
        "a CPS3 whose last update was finished (EF_ACTUA)", _cps3(_update("20260301120000", "20260301120130"))
    ),
    "update-interrupted": Model(
        "a CPS3 whose last update was cut off", _cps3(_update("20260301120000", "00000000000000"))
    ),
    "cps3-old": Model("the generation before CPS3: knows class A0 only", _stranger(OLD_ATR)),
    "vitale": Model("a patient's card: nobody may speak to it", _stranger(VITALE_ATR)),
    "unknown": Model("somebody else's card, refuses everything", _stranger(UNKNOWN_ATR)),
    "mute": Model("a card that does not answer its reset; not for vpcd", _stranger(None)),
    "reversed": Model("a card the wrong way round: to a reader the same as mute; not for vpcd", _stranger(None)),
    "blocked": Model("a CPS3 with no try of the PIN left", _cps3(_block)),
    "puk-exhausted": Model("a blocked CPS3 whose PUK was used as often as it may", _cps3(_exhaust)),
    "expired": Model("certificates that ended eleven months ago", _cps3(), age=4 * 365 * DAY),
    "key-expired": Model("certificates still valid, private keys past their period", _cps3(), age=(3 * 365 + 10) * DAY),
    "not-yet-valid": Model("certificates that begin in a month", _cps3(), age=-30 * DAY),
    "production": Model("category 00, and a chain with the production names", _cps3(), PRODUCTION),
    "cpf": Model("a student nurse's CPF", _cps3(), STUDENT),
    "cpe": Model("an employee's CPE: a structure and a pseudonym, no name", _cps3(), EMPLOYEE),
    "pin12": Model(
        "a PIN of 12 digits (4 to 12 allowed)", _cps3(), options=Options(pin="123456789012", pin_digits=(4, 12))
    ),
    "situations": Model(
        "16 places for practice situations: holes, oddities, bad bytes", _cps3(), options=Options(hidden=MANY)
    ),
}

MODELS: Final[Mapping[str, Model]] = MappingProxyType(
    {
        name: replace(model, options=Options(**{"serial": str(FIRST_SERIAL + row), **model.options}))
        for row, (name, model) in enumerate(_ROWS.items())
    }
)
"""Name -> model; each with a chip serial of its own, as no two chips share one."""
