"""The box's own addresses: asked of the kernel, no packet, no name; none is no error."""

import ipaddress
import socket

from appliance.gateway.addresses import PROBES, own_addresses


def test_what_leaves_for_the_loopback_leaves_from_it():
    assert own_addresses([(socket.AF_INET, ("127.0.0.1", 9))]) == ("127.0.0.1",)


def test_every_address_is_one():
    for address in own_addresses():
        assert ipaddress.ip_address(address)


def test_no_route_is_no_address(monkeypatch):
    class Unreachable(socket.socket):
        def connect(self, _target):
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", Unreachable)
    assert own_addresses() == ()


def test_nobody_has_the_addresses_that_are_asked_for():
    documentation = ("192.0.2.0/24", "2001:db8::/32")
    for (_, (target, _)), network in zip(PROBES, documentation, strict=True):
        assert ipaddress.ip_address(target) in ipaddress.ip_network(network)
