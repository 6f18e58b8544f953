"""What the service manager tells a service through its environment.

What it is: the variables of sd_notify(3) and sd_listen_fds(3) as one frozen struct. What it is not: the configuration
(config.py). Rule: nothing else in the shipped services reads an environment variable.
"""

import os
import re
from collections.abc import Mapping
from typing import Final, Self

from msgspec import Struct

from appliance.errors import ConfigError

LISTEN_FDS_START: Final = 3  # sd_listen_fds(3)


class Environment(Struct, frozen=True, kw_only=True):
    """What systemd tells a service through its environment (sd_notify(3), sd_listen_fds(3)).

    ``watchdog``: seconds the service manager waits between two signs of life, None when it does not watch.
    ``sockets``: name of the socket unit's ``FileDescriptorName`` -> file descriptor, empty when none was passed.
    """

    notify_socket: str | None = None
    watchdog: float | None = None
    sockets: dict[str, int] = {}

    @classmethod
    def from_process(cls) -> Self:
        """Read this process's environment.

        Raises:
            ConfigError: the variables of sd_listen_fds(3) contradict one another.
        """
        return cls.from_mapping(os.environ, os.getpid())

    @classmethod
    def from_mapping(cls, variables: Mapping[str, str], pid: int) -> Self:
        """The same from a mapping; descriptors meant for another ``pid`` are not ours.

        Raises:
            ConfigError: as ``from_process``.
        """
        notify = variables.get("NOTIFY_SOCKET") or None
        watchdog = _watchdog(variables, pid)
        if variables.get("LISTEN_PID") != str(pid):
            return cls(notify_socket=notify, watchdog=watchdog)
        count = variables.get("LISTEN_FDS", "")
        names = variables.get("LISTEN_FDNAMES", "").split(":")
        if not re.fullmatch(r"[0-9]{1,3}", count) or len(names) != int(count) or len(set(names)) != len(names):
            raise ConfigError("LISTEN_FDS and LISTEN_FDNAMES do not match")
        return cls(
            notify_socket=notify,
            watchdog=watchdog,
            sockets={name: LISTEN_FDS_START + n for n, name in enumerate(names)},
        )


def _watchdog(variables: Mapping[str, str], pid: int) -> float | None:
    """WATCHDOG_USEC in seconds, when it is meant for us (sd_watchdog_enabled(3))."""
    given = variables.get("WATCHDOG_USEC", "")
    if not given or variables.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,15}", given):
        raise ConfigError("WATCHDOG_USEC is not a number of microseconds")
    return int(given) / 1_000_000
