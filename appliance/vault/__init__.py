"""The vault: the process that has keypad, display, reader and the PIN, and no network.

What it is: a pure flow, the files of the journal, and thin adapters around it. What it is not: reachable, except by
the link's and the admin's sockets. Rule: whatever is shown, agreed or signed is decided here, and nowhere else.
"""
