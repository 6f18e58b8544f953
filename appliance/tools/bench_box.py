"""A box on the desk with a card in, for the benches of display and rest.

What it is: desk, reader, soft card and vault, put up and taken down. What it is not: measuring. Rule: the vault runs as
it ships, in a process of its own; what is measured is what it does to bus, pins and kernel.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from appliance.simulator.broker import IotcoreBroker
from appliance.simulator.desk import Desk
from appliance.simulator.launch import Box
from appliance.simulator.pcsclite import PcscliteServer
from appliance.simulator.pki import NURSE, TestPki
from appliance.simulator.softcps3 import SoftCps3

PIN = "1234"
START = 30.0
"""Seconds for the box to show the card's holder."""
NOBODY = "mqtt://127.0.0.1:1883"
"""A url that nobody uses: no gateway runs."""


class Stage(NamedTuple):
    """What stands."""

    desk: Desk
    box: Box


@contextmanager
def standing(
    folder: Path, *, driver: Literal["ssd1306", "sh1106"] = "ssd1306", gateway: bool = False
) -> Iterator[Stage]:
    """A vault with a card in and its holder on the display; with ``gateway`` also that, and a broker.

    Raises:
        ApplianceError: it does not come up.
    """
    with ExitStack() as stack:
        url = stack.enter_context(IotcoreBroker()).url if gateway else NOBODY
        desk = stack.enter_context(Desk(folder / "desk", driver=driver))
        reader = stack.enter_context(PcscliteServer(folder / "pcscd"))
        more = f'[display]\ndriver = "{driver}"\n'
        box = Box(folder / "box", url=url, desk=desk.path, reader=reader.path, rights={}, more=more)
        stack.callback(box.stop)
        box.start_vault()
        if gateway:
            box.start_gateway()
        desk.wait_for("Insérez", START)
        reader.insert(SoftCps3(TestPki.generate(NURSE), pin=PIN))
        desk.wait_for(NURSE.family, START)
        yield Stage(desk, box)
