"""What a card says of its holder, in the letters the screen has.

What it is: a text in, a text of as many characters out. What it is not: a change to what is signed or sent.
Rule: an accent the screen lacks is left off, and what has no such letter is a visible ``?``.
"""

import unicodedata

from appliance.screen.text import drawable


def legible(text: str) -> str:
    """Ñ as N; what has no such letter as ``?``."""
    return "".join(letter if drawable(letter) else _plain(letter) for letter in text)


def _plain(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return base if drawable(base) else "?"
