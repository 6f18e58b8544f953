"""What a person may set on the box itself: language, contrast, sound.

What it is: one frozen value, its names on disk, and what may be chosen. What it is not: the configuration, which only
says how a box begins. Rule: pure; a value kept on disk that is none of ours counts as never kept.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

FIRST_CONTRAST: Final = 3
"""Bright as hardware.md §E has it."""


class Setting(enum.Enum):
    """What may be set; its value is the name under which the choice is kept."""

    LANGUAGE = "language"
    CONTRAST = "contrast"
    SOUND = "sound"


OPTIONS: Final[Mapping[Setting, tuple[str, ...]]] = MappingProxyType(
    {
        Setting.LANGUAGE: ("fr", "en"),
        Setting.CONTRAST: ("1", "2", "3", "4"),
        Setting.SOUND: ("on", "off"),
    }
)
"""Setting -> what may be chosen, as it is kept on disk, in the order of the list."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the box is set: ISO 639-1 ``language``, ``contrast`` 1 (faint) to 4, whether the buzzer says anything."""

    language: str = "fr"
    contrast: int = FIRST_CONTRAST
    sound: bool = True

    def value(self, setting: Setting) -> str:
        """The option that ``setting`` stands at."""
        held: object = getattr(self, setting.value)
        return {True: "on", False: "off"}[held] if isinstance(held, bool) else str(held)

    def at(self, setting: Setting, value: str | None) -> "Settings":
        """With ``setting`` at ``value``; unchanged where that is no option of it."""
        if value not in OPTIONS[setting]:
            return self
        match setting:
            case Setting.LANGUAGE:
                return replace(self, language=value)
            case Setting.CONTRAST:
                return replace(self, contrast=int(value))
            case _:
                return replace(self, sound=value == "on")


FIRST: Final = Settings()
"""Where nobody has said anything."""
