"""A build of the vault that must not exist: it lets go of the card after each document, with the PIN verified.

What it is: the control of the journeys over a shared reader, started as ``python -m unheld_vault`` in place of
``appliance.simulator.vault``. What it is not: anything the product ships or can be told to do.
"""

import sys

from appliance.simulator.vault import main
from appliance.vault.pcsc import CardThread

_play = CardThread.play


def _unheld(thread, script, *, hold=False):
    del hold
    return _play(thread, script)


def _never(_thread):
    return


CardThread.play = _unheld
CardThread._reset = _never

if __name__ == "__main__":
    sys.exit(main())
