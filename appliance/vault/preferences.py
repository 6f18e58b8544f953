"""The settings at the start: what was chosen on the box, else what the configuration says.

What it is: the one reader of kept settings. What it is not: what they mean (settings.py), or their writer: a choice is
kept in the transaction of its step (``box.Keep``). Rule: what is on disk and no option of ours counts as never kept.
"""

import logging

from appliance.config import Config
from appliance.vault.scribe import Scribe
from appliance.vault.settings import Setting, Settings

log = logging.getLogger(__name__)


async def preferred(config: Config, scribe: Scribe) -> Settings:
    """How the box is set.

    Raises:
        JournalError: the journal fails.
    """
    settings = Settings(config.display.language, config.display.contrast, config.signals.sound)
    for setting in Setting:
        kept = await scribe.kept(setting.value)
        settings = settings.at(setting, kept)
        if kept is not None and settings.value(setting) != kept:
            log.warning("%s is kept as something that cannot be chosen", setting.value)
    return settings
