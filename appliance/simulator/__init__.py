"""Doubles of the world around the appliance: cards, readers, panel, bus, pins.

It is what demos and tests stand on; it is not shipped behaviour of the device: only the
command line and the tests import it. Rule: soft cards know nothing of ``appliance.card``,
so that the two sides cannot share a mistake.
"""
