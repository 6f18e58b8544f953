"""The numbers of the contract (contract, *Limits*), in one place for box, broker and clients."""

from typing import Final

PLAIN_BODY: Final = 96 * 1024
"""Longest plain request body, bytes."""

ENVELOPE: Final = 256 * 1024
"""Longest sealed body, bytes; also the largest message brokers must let through."""

PACKET: Final = ENVELOPE + 8 * 1024
"""Largest MQTT packet: an envelope, its topic and its properties, bytes."""

INLINE: Final = 32 * 1024
"""Sum of the documents of one request, bytes."""

DOCUMENTS: Final = 100
DEPTH: Final = 8
LABEL: Final = 64
"""Longest label a person may see, characters."""

TTL: Final = 300
DEFAULT_TTL: Final = 120
"""Life of a request that opens a prompt, seconds."""

REQUEST_EXPIRY: Final = 60
"""Longest Message Expiry of a request, seconds."""

EVENT_EXPIRY: Final = 7 * 86_400
"""Message Expiry of an event, seconds from publishing."""
