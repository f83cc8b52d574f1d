"""A turn detector that predicts by its script."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from beluga_voice.contracts import TurnContext, TurnDetector
from beluga_voice.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ScriptedTurnDetector(TurnDetector):
    """Gives each text the probability of its script.

    Args:
        scores: probability by text.
        otherwise: probability of texts that the script does not have.
        delay: seconds that a prediction takes.
        fails: whether every prediction raises `ProviderError`.
        name: told by its errors.
        results: probabilities given in turn, over and over, in place of the script.
        error: raised by every prediction; None for none.
        network_delay: seconds that a prediction takes before `delay`.
        audio_seconds: how much of the turn's audio it asks for.

    Attributes:
        asked: every context it was asked about, in order.
    """

    def __init__(
        self,
        scores: Mapping[str, float] | None = None,
        *,
        otherwise: float = 1.0,
        delay: float = 0.0,
        fails: bool = False,
        name: str = "scripted",
        results: Sequence[float] = (),
        error: Exception | None = None,
        network_delay: float = 0.0,
        audio_seconds: float = 0,
    ) -> None:
        self.name = name
        self.results = tuple(results)
        self.error = error
        self.network_delay = network_delay
        self.scores = dict(scores or {})
        self.otherwise = otherwise
        self.delay = delay
        self.fails = fails
        self.audio_seconds = audio_seconds
        self.asked: list[TurnContext] = []

    async def predict(self, context: TurnContext) -> float:
        self.asked.append(context)
        number = len(self.asked) - 1
        await asyncio.sleep(self.network_delay + self.delay)
        if self.error is not None:
            raise self.error
        if self.fails:
            raise ProviderError(f"the script of {self.name!r} says that no prediction can be made")
        if self.results:
            return self.results[number % len(self.results)]
        return self.scores.get(context.text, self.otherwise)
