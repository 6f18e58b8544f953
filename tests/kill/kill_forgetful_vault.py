"""A control: the vault that takes what it has sent for received. The kill test must see the gap.

What it is: a carrier whose stream begins behind the last event, whatever the broker has. What it is not: shipped.
"""

import sys

from appliance.simulator.vault import main as unspoilt
from appliance.vault.carrier import Carrier

_stream = Carrier._stream


async def _stream_new_only(self, channel, cursor):
    rows = await self._outbox.pending(cursor, 10_000)
    await _stream(self, channel, rows[-1].seq if rows else cursor)


def main(arguments=None) -> int:
    Carrier._stream = _stream_new_only
    return unspoilt(arguments)


if __name__ == "__main__":
    sys.exit(main())
