"""``python -m appliance.vault [--config FILE]``: the vault's process.

Rule: exit 0 after SIGTERM or SIGINT, 1 when it cannot start or go on, 2 when the configuration cannot be used.
"""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from appliance.config import DEFAULT_PATH, load
from appliance.errors import ApplianceError, ConfigError
from appliance.vault.service import run


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m appliance.vault", description="Vault of the box")
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="configuration file (default: %(default)s)")
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        return asyncio.run(run(load(options.config)))
    except ApplianceError as error:
        logging.getLogger("appliance.vault").error("%s: %s", error.code, error)  # noqa: TRY400 - it says it all
        return 2 if isinstance(error, ConfigError) else 1


if __name__ == "__main__":
    sys.exit(main())
