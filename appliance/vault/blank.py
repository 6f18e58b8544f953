"""``python -m appliance.vault.blank [--config FILE]``: what a vault that was killed left behind, put right.

What it is: the display dark and the door's relay low, for ``ExecStopPost`` of the unit. What it is not: a vault: no
card, no keys, no file but the configuration. Rule: each is tried whatever becomes of the other; exit 0 when both were
done, 1 when one was not, 2 when the configuration cannot be used.
"""

import argparse
import logging
import sys
from functools import partial
from pathlib import Path

from appliance.config import DEFAULT_PATH, load
from appliance.errors import ApplianceError, ConfigError
from appliance.vault import oled, signals

log = logging.getLogger("appliance.vault.blank")


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m appliance.vault.blank", description="Dark display, shut door")
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="configuration file (default: %(default)s)")
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        config = load(options.config)
    except ConfigError as error:
        log.error("%s: %s", error.code, error)  # noqa: TRY400 - it says it all
        return 2
    display = config.display
    code = 0
    # The door first: it is the one that cannot wait.
    for step in (
        partial(signals.shut_door, config.door.relay),
        partial(oled.blank, display.driver, display.port, display.address),
    ):
        try:
            step()
        except ApplianceError as error:
            log.error("%s: %s", error.code, error)  # noqa: TRY400 - it says it all
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
