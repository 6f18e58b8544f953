"""A control: a vault whose keypad also puts each digit into queues that are emptied at once. It must be caught.

The page is wiped as ever; what stays are pointers in the queues' blocks, in the order of the digits (security.md §2.1).
"""

import sys
from collections import deque

from appliance.keypad.entry import DIGITS
from appliance.simulator.vault import main
from appliance.vault.typist import Typist

_act = Typist.act
texts, values = deque(), deque()


def act(self, key):
    if self._armed is not None and key in DIGITS:
        texts.append(key)
        values.append(DIGITS.index(key))
        texts.popleft()
        values.popleft()
    return _act(self, key)


Typist.act = act

if __name__ == "__main__":
    sys.exit(main())
