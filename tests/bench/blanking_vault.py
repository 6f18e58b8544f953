"""``python blanking_vault.py PATH --config FILE``: what ``ExecStopPost`` runs after a killed vault, on the desk.

What it is: ``appliance.vault.blank`` on the desk's pins and bus. What it is not: a vault.
"""

import sys
from pathlib import Path

from appliance.simulator import vault
from appliance.vault import blank

path, _, config = sys.argv[1:]


async def blanked(_config):
    return blank.main(["--config", config])


sys.exit(vault.serve(Path(path), vault.load(Path(config)), blanked))
