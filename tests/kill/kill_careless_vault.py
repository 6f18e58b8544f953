"""A control: the vault that saves a transaction, and writes ``card-started`` together with what comes next.

What it is: ``Ledger.commit`` with one record late, nothing else. What it is not: shipped: the kill test must catch it.
"""

import sys

from appliance.simulator.vault import main as unspoilt
from appliance.vault import box as b
from appliance.vault.journal import RequestState
from appliance.vault.ledger import Ledger

_commit = Ledger.commit
_late: list[b.Move] = []


async def _commit_late(self, effects):
    begun = [effect for effect in effects if isinstance(effect, b.Move) and effect.to is RequestState.CARD_STARTED]
    if begun:
        _late.extend(begun)
        return
    await _commit(self, [*_late, *effects])
    _late.clear()


def main(arguments=None) -> int:
    Ledger.commit = _commit_late
    return unspoilt(arguments)


if __name__ == "__main__":
    sys.exit(main())
