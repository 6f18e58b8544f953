"""The MQTT contract, version 1: topics, requests, replies, events, states and problems (contract.md).

What it is: pure types and tables, the single source of codec, validation and schema. What it is not: a place that
opens a connection or knows a card.
Rule: one closed table for each closed list of the contract; everything else refers to it.
"""

from typing import Final

VERSION: Final = "1.0.0"
"""Version of the contract that this package speaks; its major is in topics and event types."""

MAJOR: Final = 1
