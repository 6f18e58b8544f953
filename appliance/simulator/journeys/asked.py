"""What the practice software of a journey has asked, and how it was answered.

What it is: the steps ``asks``, ``cancels`` and ``answers`` over ``panel_practice``. What it is not: the software, or a
judge: openssl judges each signature. Rule: an answer belongs to one request, and is awaited once.
"""

from collections.abc import Mapping
from typing import Final

from appliance.errors import SimulatorError
from appliance.simulator.journeys.ground import TIMEOUT
from appliance.simulator.journeys.journey import Step
from appliance.simulator.panel_hands import PanelHands
from appliance.simulator.panel_messages import Ask, Dossier
from appliance.simulator.panel_samples import PLAIN, Paper, sign

TTL: Final = 120


class Asked:
    """The requests of one journey; ``open``: the numbers of those without an answer."""

    def __init__(self, hands: PanelHands) -> None:
        self._hands = hands
        self.open: list[int] = []

    def forget(self) -> None:
        """Begin anew."""
        self.open.clear()

    def ask(self, step: Step) -> None:
        """A request leaves; what it was is kept until it is answered."""
        practice, (what, *words) = self._hands.practice, step.words
        if what == "sign":
            titles, texts = step.texts[::2], step.texts[1::2]
            papers = tuple(Paper(title, PLAIN, text.encode()) for title, text in zip(titles, texts, strict=True))
            ttl = int(words[-1]) if "ttl" in words else TTL
            ask = Ask(what="text", format="raw" if "raw" in words else "jws")
            request = sign(ask, papers, ttl=ttl)
            self.open.append(practice.send(request, " + ".join(titles)))
        else:
            self.open.append(practice.ask(Ask(what=what)))

    def cancel(self) -> None:
        """The last one is taken back.

        Raises:
            SimulatorError: nothing was asked.
        """
        number = self._hands.practice.cancel()
        if number is None:
            raise SimulatorError("nothing was asked")
        self._end({number}, "done")

    def end_one(self, code: str) -> None:
        """An open request has ended with this code.

        Raises:
            SimulatorError: none has, or openssl refuses its signature.
        """
        self.open.remove(self._end(set(self.open), code))

    def _end(self, among: set[int], code: str) -> int:
        """The one of these that ends with ``code``; a signature must be good in the eyes of openssl."""
        practice = self._hands.practice

        def over(dossiers: Mapping[int, Dossier]) -> bool:
            ends = [dossiers[number].code for number in among if number in dossiers]
            return code in ends or all(ends)

        practice.wait_for(over, TIMEOUT)
        ends = {number: practice.dossier(number).code for number in among}
        found = next((number for number, end in ends.items() if end == code), None)
        if found is None:
            raise SimulatorError(f"no request ended so, but: {', '.join(filter(None, ends.values())) or 'none at all'}")
        if code != "done":
            return found
        bad = [check.about for check in practice.dossier(found).checks if not check.good]
        if bad:
            raise SimulatorError(f"openssl: {', '.join(bad)}")
        return found
