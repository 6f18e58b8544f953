"""A control: a vault that overwrites all but the slot of the new code, with the locked page. It must be caught."""

import ctypes
import sys

import locked_vault

from appliance import secret
from appliance.secret import PAGE, Secret, Slot

_clear = Secret.clear
BEHIND_NEW = Slot.AGAIN * secret._SLOT_STRIDE


def clear(self, slot):
    if slot is Slot.NEW:
        self._lengths[slot] = 0
    else:
        _clear(self, slot)


def wipe(self):
    for slot in Slot:
        self.clear(slot)
    ctypes.memset(self._address + BEHIND_NEW, 0, PAGE - BEHIND_NEW)


Secret.clear, Secret.wipe = clear, wipe

if __name__ == "__main__":
    sys.exit(locked_vault.main())
