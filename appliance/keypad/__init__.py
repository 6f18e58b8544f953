"""The keypad, as pure functions of scans, keys and time.

What it is: debounce and ghosts (``matrix``), reports of a USB keypad (``usb``), timers and counts of a secret entry
(``entry``). What it is not: pins, devices and threads, which are ``vault/keys`` and ``vault/keypad_usb``.
Rule: places of keys come and go here; no digit's value passes through this room.
"""
