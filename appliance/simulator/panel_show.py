"""Plays written journeys on the panel's desk, at a pace that eyes can follow, and says where it stands.

What it is: one thread for one journey at a time, with pause and stop between steps. What it is not: the player
(``journeys.player``), or the page. Rule: while a journey plays nobody else moves anything; however it ends, the box is
put back to its home.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final, Literal

from appliance.errors import ApplianceError, SimulatorError
from appliance.simulator.journeys.journey import Journey, Step
from appliance.simulator.journeys.player import Player, Stopped
from appliance.simulator.panel_hands import PanelHands
from appliance.simulator.panel_messages import IDLE, Pause, Play, Playing, Script, Stop, Tone

Stage = Literal["stopped", "failed", "playing", "paused"]

PACE: Final = 1.0
"""Seconds a step can be read before the next begins."""
BUSY: Final = "un parcours se joue : arrêtez-le d'abord"


class Show:
    """One stage.

    Args:
        hands: move the desk.
        journeys: what may be played.
        changed: called whenever ``playing`` is another.
        tell: told what goes wrong, in French.
        pace: seconds between steps.
    """

    def __init__(
        self,
        hands: PanelHands,
        journeys: tuple[Journey, ...],
        changed: Callable[[], None],
        tell: Callable[[Tone, str], None],
        *,
        pace: float = PACE,
    ) -> None:
        self._journeys: Mapping[str, Journey] = {journey.name: journey for journey in journeys}
        self._player = Player(hands, begins=self._begins)
        self._changed, self._tell, self._pace = changed, tell, pace
        self._news = threading.Condition()
        self._playing = IDLE
        self._paused = self._stopped = False
        self._thread: threading.Thread | None = None

    def scripts(self) -> tuple[Script, ...]:
        """What the page lists."""
        return tuple(
            Script(
                name=journey.name,
                part=journey.part,
                title=journey.title,
                purpose=journey.purpose,
                steps=tuple(step.source for step in journey.steps),
            )
            for journey in self._journeys.values()
        )

    @property
    def playing(self) -> Playing:
        """Where it stands."""
        return self._playing

    @property
    def busy(self) -> bool:
        """Whether a journey has the desk."""
        return self._playing.stage in {"playing", "paused"}

    def move(self, order: Play | Pause | Stop) -> None:
        """Begin, pause or go on, stop; returns at once.

        Raises:
            SimulatorError: there is no such journey, or another one plays.
        """
        match order:
            case Play(journey=name):
                self._play(name)
            case Pause():
                self._pause()
            case Stop():
                with self._news:
                    self._stopped = True
                    self._news.notify_all()

    def close(self) -> None:
        """Stop, and wait until the desk is let go."""
        self.move(Stop())
        if self._thread is not None:
            self._thread.join()

    def _play(self, name: str) -> None:
        journey = self._journeys.get(name)
        if journey is None:
            raise SimulatorError("pas de tel parcours")
        if self.busy:
            raise SimulatorError(BUSY)
        self._paused = self._stopped = False
        self._put(Playing(name=name, step=0, stage="playing", said=""))
        self._thread = threading.Thread(target=self._run, args=(journey,), name="show", daemon=True)
        self._thread.start()

    def _pause(self) -> None:
        with self._news:
            if not self.busy:
                return
            self._paused = not self._paused
            self._news.notify_all()
            now = self._playing
            self._put(Playing(name=now.name, step=now.step, stage=self._stage, said=now.said))

    @property
    def _stage(self) -> Stage:
        return "paused" if self._paused else "playing"

    def _put(self, playing: Playing) -> None:
        self._playing = playing
        self._changed()

    def _run(self, journey: Journey) -> None:
        try:
            self._player.play(journey)
        except Stopped:
            self._end("stopped", "parcours arrêté")
        except ApplianceError as error:
            self._end("failed", str(error))
        else:
            self._put(Playing(name=journey.name, step=len(journey.steps), stage="done", said="parcours achevé"))

    def _end(self, stage: Stage, said: str) -> None:
        """Put the desk right, then say so."""
        try:
            self._player.ground.tidy()
        except ApplianceError as error:
            self._tell("bad", f"le banc n'a pu être remis en ordre : {error}")
        now = self._playing
        self._put(Playing(name=now.name, step=now.step, stage=stage, said=said))

    def _begins(self, journey: Journey, step: Step) -> None:
        """Show the step, and wait: for the pace, and for as long as it is paused.

        Raises:
            Stopped: somebody has had enough.
        """
        with self._news:
            self._put(Playing(name=journey.name, step=journey.steps.index(step) + 1, stage=self._stage, said=""))
            self._news.wait_for(lambda: self._stopped or self._paused, self._pace)
            self._news.wait_for(lambda: self._stopped or not self._paused)
            if self._stopped:
                raise Stopped("stopped")
