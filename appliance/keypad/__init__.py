"""The keypad, as pure functions of scans, keys and time.

What it is: debounce and ghosts (``matrix``), timers and counts of a secret entry (``entry``). What it is not: pins
and threads, which are ``vault/keys``. Rule: no digit's value passes through this room.
"""
