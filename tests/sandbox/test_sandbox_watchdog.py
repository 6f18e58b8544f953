"""systemd itself restarts a vault that stands still; what was open is answered, and the card is reset.

The vault is stopped as a whole (SIGSTOP): it neither feeds the watchdog nor dies of SIGABRT, the worst of both. Which
of its loops stop the feeding is shown in ``tests/watchdog``.
"""

import os
import signal
import time

from sandbox_bench import GATEWAY, TIMEOUT, VAULT, signing

TEXT = "Repos de 3 jours."
BACK = 15.0
"""Seconds from the freeze to a vault that serves again (the project's own promise)."""


def test_a_vault_that_stands_still_is_restarted(box):
    machine, desk = box.machine, box.desk
    with box.client as client:
        client.wait_online(TIMEOUT)
        boot = client.latest("status")["bootId"]
        before, resets = machine.inner_pid(VAULT), int(machine.show(VAULT, "NRestarts"))
        card = box.insert()
        replies = client.request("sign", signing(TEXT), TIMEOUT)
        box.agree()
        desk.press("12")
        assert int(machine.show(VAULT, "WatchdogUSec").removesuffix("s")) == 6
        os.kill(machine.pid(VAULT), signal.SIGSTOP)
        frozen, fresh = time.monotonic(), card.fresh
        desk.wait_vault(TIMEOUT, connected=False)
        desk.wait_for("DURAND-TEST", TIMEOUT)
        assert time.monotonic() - frozen <= BACK

        *_, problem = replies
        assert (problem["phase"], problem["code"], problem["final"]) == ("error", "cancelled", True)
        client.wait_state("status", lambda status: status["state"] == "online" and status["bootId"] != boot)
        assert machine.inner_pid(VAULT) != before
        assert int(machine.show(VAULT, "NRestarts")) == resets + 1
        assert "Watchdog timeout" in machine.journal(VAULT)
        assert machine.show(GATEWAY, "NRestarts") == "0"
        assert card.fresh > fresh  # pcscd itself resets what a dead client held
        assert not card.unlocked

        again = client.request("sign", signing(TEXT), TIMEOUT)
        box.agree()
        desk.press("1234#")
        *_, done = again
        assert done["phase"] == "done"
        box.remove()
    assert card.verify_count == card.signature_count == 1
