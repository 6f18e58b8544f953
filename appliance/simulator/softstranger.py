"""Cards that are not ours to speak to: an ATR, or not even that.

What it is: a card that refuses every command with one status word, and counts. What it is not: a copy of anybody's
card; the box may look at an ATR, and these show whether it did more.
Rule: whatever arrives is counted and logged by its header; nothing is ever answered but the status word.
"""

from appliance.simulator.softcpx import Traffic


class Stranger:
    """One such card.

    Without an ATR it is mute, or lies the wrong way round: a reader cannot tell which. The desk's reader shows it as
    mute; vpcd takes it for an empty slot (``tests/simulator/test_soft_pcscd.py``).

    Args:
        atr: None for a card that does not answer its reset.
        status: the status word of every command.

    Attributes:
        traffic: what it received and answered, ever. log: (header as hex, status word) of each command.
    """

    def __init__(self, atr: bytes | None, status: int = 0x6E00) -> None:
        self.atr = atr
        self.status = status
        self.traffic = Traffic()
        self.log: list[tuple[str, int]] = []

    @property
    def apdu_count(self) -> int:
        """Commands received: what must stay 0 for a patient's card."""
        return self.traffic.commands

    def power_on(self) -> None:
        """Nothing to start."""

    def power_off(self) -> None:
        """Nothing to forget."""

    def reset(self) -> None:
        """Nothing to forget."""

    def transmit(self, apdu: bytes) -> bytes:
        """Count, and refuse."""
        self.traffic += Traffic(1, len(apdu), 2)
        self.log.append((apdu[:4].hex().upper(), self.status))
        return self.status.to_bytes(2)
