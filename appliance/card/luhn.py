"""The check digit of chip serials and RPPS numbers (ISO/IEC 7812-1 annex B).

What it is: one function. What it is not: a parser. Rule: anything but ASCII digits is simply wrong.
"""


def check(digits: str) -> bool:
    """Whether ``digits`` is a non-empty string of ASCII digits whose last one is its Luhn key."""
    if not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character) << (position & 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
