"""A private pcscd with vpcd, soft cards in it, and our command as people start it."""

import json
import subprocess
import sys
from contextlib import contextmanager

from appliance.simulator.softmodels import MODELS
from appliance.simulator.vpcd import VpcdSlot

SEEN = 15.0


class Bench:
    """``run`` starts ``appliance`` with the private pcscd."""

    def __init__(self, daemon):
        self.daemon = daemon

    def run(self, *words):
        return subprocess.run(
            [sys.executable, "-m", "appliance", *words],
            env=self.daemon.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )

    @contextmanager
    def card(self, model, *, appears=True, **options):
        """The soft card ``model`` in the virtual reader."""
        card = MODELS[model](**options)
        with VpcdSlot(self.daemon.connect) as slot:
            slot.insert(card)
            if appears:
                self.daemon.wait_for_card(timeout=SEEN)
            yield card
        self.daemon.wait_for_card(present=False, timeout=SEEN)


def last(done):
    """The JSON of the last line."""
    return json.loads(done.stdout.splitlines()[-1])
