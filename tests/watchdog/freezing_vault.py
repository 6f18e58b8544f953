"""A build of the vault that must not exist: one of its loops stands still for ever when it is told to.

What it is: started as ``python -m freezing_vault`` in place of ``appliance.simulator.vault``. The file ``order`` in the
folder of ``CPS_FREEZE`` holds the name of a loop: ``card``, ``reader``, ``keys``, ``screen`` (each freezes right after
it has renewed its mark: the worst moment), ``loop`` (the event loop, right after it has fed the watchdog) or
``command`` (the card's thread, with a verified card and a signature to make). What it is not: anything the product
ships or can be told to do.
Rule: an order is for one loop of one life: whoever obeys takes the file away, and says so on the socket ``frozen``.
"""

import os
import socket
import sys
import threading
from pathlib import Path

from appliance.simulator.vault import main
from appliance.vault.pcsc import CardThread
from appliance.vault.pulse import Pulse
from appliance.vault.service import Vault

FOLDER = Path(os.environ["CPS_FREEZE"])
PSO = 0x2A  # ISO 7816-8, PERFORM SECURITY OPERATION

_beat, _feed, _transmit = Pulse.beat, Vault._feed, CardThread._transmit


def obey(name):
    order = FOLDER / "order"
    if not order.exists() or order.read_text() != name:
        return
    order.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plug:
        plug.sendto(name.encode(), str(FOLDER / "frozen"))
    threading.Event().wait()


def beat(pulse):
    _beat(pulse)
    obey(pulse.name)


def feed(vault):
    _feed(vault)
    obey("loop")


def transmit(thread, command):
    if isinstance(command, bytes) and command[1] == PSO:
        thread.pulse.busy()
        obey("command")
    return _transmit(thread, command)


Pulse.beat, Vault._feed, CardThread._transmit = beat, feed, transmit

if __name__ == "__main__":
    sys.exit(main())
