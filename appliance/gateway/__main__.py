"""``python -m appliance.gateway [--config FILE]``: the gateway's process.

Rule: exit 0 after SIGTERM or SIGINT, 2 when the configuration cannot be used.
"""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from appliance.config import DEFAULT_PATH, Config, load
from appliance.environment import Environment
from appliance.errors import ConfigError
from appliance.gateway.service import Gateway


async def _run(config: Config, environment: Environment) -> None:
    gateway = Gateway(config, environment.notify_socket)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gateway.stop)
    await gateway.run()


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m appliance.gateway", description="MQTT gateway of the box")
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="configuration file (default: %(default)s)")
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_run(load(options.config), Environment.from_process()))
    except ConfigError as error:
        logging.getLogger("appliance.gateway").error("%s", error)  # noqa: TRY400 -- the message says it all
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
