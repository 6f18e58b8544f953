"""The card room: bytes in, bytes out.

What it is: everything the box knows about CPx cards, as pure code. What it is not: a reader, a thread, a clock.
Rule: a driver states what it wants as a script (``script.py``); who carries the bytes is none of its business.
"""
