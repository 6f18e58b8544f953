"""The languages the screen speaks, by the code that configuration and settings use.

What it is: the table from code to words. What it is not: a choice (``vault/face.py``). Rule: a language stands here or
nowhere; every test of this room draws each of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from appliance.screen import en, fr
from appliance.screen.words import Words

__all__ = ["LANGUAGES"]

LANGUAGES: Final[Mapping[str, Words]] = MappingProxyType({"fr": fr.WORDS, "en": en.WORDS})
"""ISO 639-1 code -> words; French first, as the box is delivered."""
