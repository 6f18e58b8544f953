"""The addresses by which this box is reached on its network.

What it is: what the kernel would put on a packet that leaves, asked without sending one. What it is not: a name: no DNS
is asked. Rule: no route is no address, never an error.
"""

import socket
from collections.abc import Sequence
from typing import Final

PROBES: Final = ((socket.AF_INET, ("192.0.2.1", 9)), (socket.AF_INET6, ("2001:db8::1", 9)))
"""Addresses that nobody has (RFC 5737, RFC 3849): ``connect`` of UDP looks up a route and sends nothing (udp(7))."""


def own_addresses(probes: Sequence[tuple[socket.AddressFamily, tuple[str, int]]] = PROBES) -> tuple[str, ...]:
    """The source address of each IP version that has a route out, IPv4 first; none where there is no network."""
    found = []
    for family, target in probes:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as end:
                end.connect(target)
                found.append(end.getsockname()[0])
        except OSError:  # no such family here, or no route: there is no address to tell
            continue
    return tuple(found)
