"""sd_notify(3) without a library.

What it is: one datagram to the service manager. What it is not: a dependency on it: without a socket nothing is sent.
Rule: a manager that is not there is no reason to stop.
"""

import logging
import socket

log = logging.getLogger(__name__)


def notify(address: str | None, message: str) -> None:
    """Send ``message`` (``READY=1``, ``STOPPING=1``, ``STATUS=…``) to the socket that NOTIFY_SOCKET named."""
    if address is None:
        return
    path = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as plug:
            plug.sendto(message.encode(), path)
    except OSError as error:
        log.warning("service manager: %s", error.strerror or error)
