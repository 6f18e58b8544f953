"""A soft card that counts how often it was made fresh, and says whether it would still sign."""

from appliance.simulator.softcps3 import SoftCps3

ASK_VERIFIED = bytes.fromhex("00200001")  # VERIFY without data: 9000 when the PIN was shown, else the tries left


class CountingCard(SoftCps3):
    """``fresh``: resets and losses of power so far."""

    fresh = 0

    def reset(self) -> None:
        self.fresh += 1
        super().reset()

    def power_off(self) -> None:
        self.fresh += 1
        super().power_off()

    @property
    def unlocked(self) -> bool:
        """Whether the PIN was shown to it: asked as a reader would ask it."""
        return self.transmit(ASK_VERIFIED) == b"\x90\x00"
