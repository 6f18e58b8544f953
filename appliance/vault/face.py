"""The face of the box: what a person sees and hears of it.

What it is: display and signals together, kept in step with the box, and the one timer of the display's light. What it
is not: pixels (``screen``), colours (``lamps``), or a judge of who is there (``attention``). Rule: it is told the box
after every step, and shows that and nothing else.
"""

import asyncio
import logging
from collections.abc import Callable

from appliance import __version__
from appliance.config import Config
from appliance.screen.languages import LANGUAGES
from appliance.screen.rest import Rest, moved
from appliance.screen.screens import render
from appliance.vault import box as b
from appliance.vault import clock, view
from appliance.vault.attention import Attention
from appliance.vault.box import Box
from appliance.vault.lamps import lamp, tone
from appliance.vault.oled import Oled
from appliance.vault.pulse import Pulse
from appliance.vault.signals import ButtonChanged, SignalEvent, Signals, TamperChanged

log = logging.getLogger(__name__)


class Face:
    """Display, LED, buzzer, relay, and the two switches.

    Args:
        config: the box's.
        loop: whose clock the light runs on, and where everything but ``report`` is called.
        report: called from the display's thread when the display began or ceased to answer.
        post: called from the signals' thread with what a switch means to the flow.
    """

    def __init__(
        self,
        config: Config,
        loop: asyncio.AbstractEventLoop,
        report: Callable[[bool], None],
        post: Callable[[b.Event], None],
    ) -> None:
        display = config.display
        self._loop = loop
        self._post = post
        self._box = Box()
        self._attention = Attention(Rest(display.dim, display.off), loop.time())
        self._dusk: asyncio.TimerHandle | None = None
        self._signals = Signals(config.signals, config.door, self._signalled)
        self._oled = Oled(display.driver, display.port, display.address, report)

    @property
    def pulses(self) -> tuple[Pulse, ...]:
        """The loops that must turn."""
        return self._oled.pulse, self._signals.pulse

    def start(self) -> None:
        """Claim the signals' pins: from here on the door is shut.

        Raises:
            SignalsFault, KeypadFault: they are not to be had.
        """
        self._signals.start()

    def close(self) -> None:
        """Dark, silent, door shut."""
        if self._dusk:
            self._dusk.cancel()
        self._signals.close()
        self._oled.close()

    def follow(self, event: b.Event, before: Box, box: Box) -> None:
        """``event`` turned ``before`` into ``box``."""
        self._attention = self._attention.after(event, before, box, self._loop.time())
        sound = tone(event, before, box)
        if sound and box.settings.sound:
            self._signals.say(sound)
        self.show(box)

    def open_door(self) -> None:
        """One pulse of the door's relay, which ends by the signals' own clock; nothing more while one lasts."""
        if not self._signals.open_door():
            log.info("the door is open already")

    def show(self, box: Box) -> None:
        """Show ``box`` as it is now."""
        self._box = box
        now, attention = self._loop.time(), self._attention
        screen = view.look(box, now, clock.label(clock.wall()), __version__)
        picture = render(screen, LANGUAGES[box.settings.language])
        self._oled.show(moved(picture, attention.shift(box, now)), attention.light(box, now), box.settings.contrast)
        self._signals.show(lamp(box))
        if self._dusk:
            self._dusk.cancel()
        at = attention.next_change(box, now)
        self._dusk = None if at is None else self._loop.call_at(at, self._again)

    def refresh(self) -> None:
        """Show the box again and write the display whole: once a minute (hardware.md §E)."""
        self._again()
        self._oled.refresh()

    def _again(self) -> None:
        self.show(self._box)

    def _signalled(self, event: SignalEvent) -> None:
        """From the signals' thread: what a switch means is the flow's; a button that is let go means nothing."""
        match event:
            case TamperChanged(opened):
                log.warning("the case was %s", "opened" if opened else "closed")
                self._post(b.CaseChanged(opened))
            case ButtonChanged(pressed=True):
                self._post(b.ButtonPressed())
