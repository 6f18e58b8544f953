"""A build of the vault that must not exist: its transport repeats every command that carries a secret.

What it is: the control of the journeys' count of VERIFY, started as ``python -m retrying_vault`` in place of
``appliance.simulator.vault``. What it is not: anything the product ships or can be told to do.
"""

import sys

from appliance.simulator.vault import main
from appliance.vault import pcsc

_once = pcsc.transmit_page


def _twice(card, protocol, address, length):
    _once(card, protocol, address, length)
    return _once(card, protocol, address, length)


pcsc.transmit_page = _twice

if __name__ == "__main__":
    sys.exit(main())
